// One of examples/*.c as a conversation: a line is asked, a line is answered.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { program } from './service.mjs';

// A release build has no tests beside it: then the folder is named.
const folder = process.env.EXAMPLES_FOLDER || join(dirname(program), 'tests/library');

/** Why tests of this example are skipped; false: it is there. */
export const exampleMissing = (name) => !existsSync(join(folder, `example_${name}`)) && 'it is built without libcurl';

export class Example {
    constructor(name, args) {
        this.child = spawn(join(folder, `example_${name}`), args, { stdio: ['pipe', 'pipe', 'inherit'] });
        this.exited = new Promise((done) => {
            this.child.on('exit', (code, signal) => done({ code, signal }));
            this.child.on('error', (error) => done({ error })); // it could not be started
        });
        this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    }
    /** The next line that it writes; undefined at its end. */
    async read() { return (await this.lines.next()).value; }
    async ask(...words) {
        this.child.stdin.write(`${words.join(' ')}\n`);
        return this.read();
    }
    async end() {
        this.child.stdin.end();
        return this.exited;
    }
}
