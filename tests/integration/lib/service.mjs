// A real service of its own for a test: a temporary state folder, a free port, the program named by CARDEA_BIN.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Jar, request } from './client.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const program = process.env.CARDEA_BIN || join(root, 'build/cardea');
export const PASSWORD = 'six lazy wombats hum';

/** Fast but legal: OWASP's minimum. */
export const quickArgon2 = { argon2: { memory: '19MiB', passes: 2 } };

export const freePort = () => new Promise((done, fail) => {
    const s = createServer();
    s.on('error', fail);
    s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});

export const temporary = (name = 'cardea-test-') => mkdtempSync(join(tmpdir(), name));

/** Accounts in the database of CARDEA_ACCOUNTS, in a schema of each state folder's own: every service is another installation. */
export function accountsOf(state, url = process.env.CARDEA_ACCOUNTS) {
    if (!url) return {};
    const schema = `t_${state.split('/').pop().toLowerCase().replace(/[^a-z0-9]/g, '_')}_${createHash('sha256').update(state).digest('hex').slice(0, 12)}`;
    return { CARDEA_ACCOUNTS: `${url}${url.includes('?') ? '&' : '?'}schema=${schema}` };
}

/** Run a command of the program; answers {status, stdout, stderr}. */
export function run(args, { input, env } = {}) {
    const at = args.indexOf('--state');
    const accounts = at < 0 ? {} : accountsOf(args[at + 1]);
    const r = spawnSync(program, args, { input: input ?? '', encoding: 'utf8', env: { ...process.env, ...accounts, ...env }, timeout: 60_000 });
    if (r.error && r.error.code !== 'EPIPE') throw r.error; // EPIPE: it ended without reading its input
    return r;
}

export class Service {
    base = '';
    /** settings: an object written as cardea.yaml; without one the development defaults. users: [{name, password, roles}]. */
    static async start({ settings, users = [{ name: 'alice' }], env = {}, state = temporary(), port, keepState = false } = {}) {
        const s = new Service();
        s.base = settings?.base_path ?? '';
        s.state = state;
        s.keepState = keepState;
        s.port = port ?? (await freePort());
        s.url = `http://127.0.0.1:${s.port}`;
        s.env = { CARDEA_PUBLIC_URL: s.url, CARDEA_ARGON2_MEMORY: '19MiB', CARDEA_ARGON2_PASSES: '2', ...accountsOf(s.state), ...env };
        if (settings) {
            s.configFile = join(s.state, '..', `${s.state.split('/').pop()}.yaml`);
            s.configure(settings);
        }
        for (const u of users) s.addUser(u);
        await s.launch();
        return s;
    }
    configure(settings) { writeFileSync(this.configFile, stringify(settings)); }
    get commonArgs() { return ['--state', this.state, ...(this.configFile ? ['--config', this.configFile] : [])]; }
    cli(args, options = {}) { return run([...args, ...this.commonArgs], { ...options, env: { ...this.env, ...options.env } }); }
    /** A command that must succeed; its JSON. */
    command(args, options) {
        const r = this.cli([...args, '--json'], options);
        if (r.status !== 0) throw new Error(`cardea ${args.join(' ')} ended with ${r.status}: ${r.stderr}${r.stdout}`);
        return r.stdout.trim() ? JSON.parse(r.stdout) : undefined;
    }
    addUser({ name, password = PASSWORD, roles = [] }) {
        return this.command(['user', 'add', name, '--password-file', '-', ...roles.flatMap((r) => ['--role', r])], { input: password });
    }
    /** options: of the first request, that waits for the service. */
    async launch(options = {}) {
        this.output = '';
        this.child = spawn(program, ['serve', '--listen', this.listen ?? `127.0.0.1:${this.port}`, ...this.commonArgs], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.env } });
        const note = (d) => { this.output += d; };
        this.child.stdout.on('data', note);
        this.child.stderr.on('data', note);
        this.exited = new Promise((done) => this.child.on('exit', (code, signal) => done({ code, signal })));
        let ended = false;
        this.exited.then(() => { ended = true; });
        const deadline = Date.now() + 90_000; // a service may have RSA keys to draw first
        for (;;) {
            if (ended) throw new Error(`the service ended at once: ${this.output}`);
            if (Date.now() > deadline) throw new Error(`the service does not answer: ${this.output}`);
            try {
                const r = await request(`${this.url}${this.base}/healthz`, { contract: false, ...options });
                if (r.status === 200) return;
            } catch (e) {
                if (!['ECONNREFUSED', 'ECONNRESET', 'ENOENT'].includes(e.code)) throw e;
            }
        }
    }
    /** One statement on the stopped service's database, behind its back (by Python, which the build needs anyway): {rows, changed}. */
    sql(statement) {
        const script = 'import json, sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\nc = d.execute(sys.argv[2])\nprint(json.dumps({"rows": c.fetchall(), "changed": c.rowcount}))\nd.commit()';
        const r = spawnSync('python3', ['-c', script, join(this.state, 'cardea.db'), statement], { encoding: 'utf8' });
        if (r.status !== 0) throw new Error(r.stderr);
        return JSON.parse(r.stdout);
    }
    async stop(signal = 'SIGTERM') {
        if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
        return this.exited;
    }
    kill() { return this.stop('SIGKILL'); }
    async restart(signal) { await this.stop(signal); await this.launch(); }
    async end() {
        const how = await this.stop();
        if (!this.keepState) {
            rmSync(this.state, { recursive: true, force: true });
            if (this.configFile) rmSync(this.configFile, { force: true });
        }
        // told to stop, it ends well: what a sanitizer found would be said here
        if (how.signal === null && how.code !== 0) throw new Error(`the service ended with ${how.code}: ${this.output.slice(-4000)}`);
        return how;
    }
    request(path, options) { return request(this.url + path, options); }
    /** Log in; answers {jar, csrf, answer}, or for token apps also {access, refresh}. Throws unless 200. */
    async login(username = 'alice', { password = PASSWORD, app, remember, jar = new Jar(), headers } = {}) {
        const answer = await this.request('/v1/login', { json: { username, password, ...(app && { app }), ...(remember !== undefined && { remember }) }, jar, headers });
        if (answer.status !== 200) throw new Error(`login answered ${answer.status}: ${answer.text}`);
        return { jar, answer, csrf: answer.json.csrf_token, access: answer.json.access_token, refresh: answer.json.refresh_token, sid: answer.json.session.sid, user: answer.json.user };
    }
    verify(options, policy) { return this.request(policy ? `/verify/${policy}` : '/verify', options); }
}
