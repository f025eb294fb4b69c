// A server that a test starts: ready when its own output says so, stopped, continued and killed by its own pid, with the processes it made.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

const account = (name) => {
    const [, , uid, gid] = (readFileSync('/etc/passwd', 'utf8').split('\n').find((l) => l.startsWith(`${name}:`)) ?? '').split(':');
    return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
};
/** Whom a server runs as that refuses to run as root: {uid, gid}, or nothing where we are not root. */
export const unprivileged = (name) => (process.getuid() === 0 ? account(name) : undefined);
export const installed = (path) => existsSync(path);

const children = (pid) => {
    const all = [];
    for (const entry of readdirSync('/proc').filter((e) => /^\d+$/.test(e))) {
        try {
            const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
            if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) all.push(Number(entry));
        } catch { /* it is gone */ }
    }
    return all;
};

const signal = (pid, name) => {
    try { process.kill(pid, name); } catch (e) { if (e.code !== 'ESRCH') throw e; } // it has just ended
};

export class Process {
    /** argv; ready: a text or RegExp of its output. as: {uid, gid}. */
    static async start(argv, { ready, as = {}, env = {}, cwd } = {}) {
        const p = new Process();
        p.output = '';
        p.child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd, ...as });
        p.exited = new Promise((done) => p.child.on('exit', (code, signal) => done({ code, signal })));
        await new Promise((done, fail) => {
            const seen = (d) => {
                p.output += d;
                if (typeof ready === 'string' ? p.output.includes(ready) : ready.test(p.output)) done();
            };
            p.child.stdout.on('data', seen);
            p.child.stderr.on('data', seen);
            p.child.on('error', fail);
            p.exited.then(({ code, signal }) => fail(new Error(`${argv[0]} ended with ${code ?? signal}: ${p.output.slice(-2000)}`)));
        });
        return p;
    }
    get pid() { return this.child.pid; }
    get running() { return this.child.exitCode === null && this.child.signalCode === null; }
    /** It and all that it made: a stopped PostgreSQL is one none of whose processes runs. */
    pause() { for (const pid of [this.pid, ...children(this.pid)]) signal(pid, 'SIGSTOP'); }
    resume() { for (const pid of [...children(this.pid), this.pid]) signal(pid, 'SIGCONT'); }
    async stop(signal = 'SIGTERM') {
        if (this.running) {
            this.child.kill(signal);
            this.resume();
        }
        return this.exited;
    }
}

export function must(argv, { as = {}, input, env = {} } = {}) {
    const r = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8', input: input ?? '', env: { ...process.env, ...env }, cwd: '/', ...as });
    if (r.error || r.status !== 0) throw new Error(`${argv.join(' ')}: ${r.error ?? r.stderr + r.stdout}`);
    return r.stdout;
}
