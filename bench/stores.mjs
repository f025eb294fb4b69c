// The service over each engine: what a verified request costs with sessions elsewhere, and durable refreshes beside what the
// engine alone makes of the same write. Own servers, in own folders, on unix sockets.
// node bench/stores.mjs CARDEA BENCH_FOLDER [verify|refresh|revocation|migrate …]; prints one JSON object a line.
//
// The service runs on core 0 alone; the load and the engines' servers on core 1. Beside each rate stands the processor time that
// the service itself spends on one, which other tenants of the machine move less.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, mkdirSync, rmSync, copyFileSync, chmodSync, chownSync, writeFileSync, existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { get } from 'node:http';
import { tmpdir, cpus } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [cardea, tools, ...wanted] = process.argv.slice(2);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5), ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const CLIENTS = 64, REFRESHES = 20_000, PG = '/usr/lib/postgresql/15/bin';
const work = mkdtempSync(join(tmpdir(), 'cardea-stores-'));
chmodSync(work, 0o755); // PostgreSQL's own user reaches its folder through it
const pinned = cpus().length > 1;
const on = (core, command) => (pinned ? ['taskset', '-c', String(core), ...command] : command);
const children = new Set();

function report(row) {
    if (row.goal !== undefined && row.met === undefined) row.met = row.atMost ? row.value <= row.goal : (row.ofRatio ? row.ratio : row.value) >= row.goal;
    delete row.atMost;
    delete row.ofRatio;
    for (const k of ['value', 'ratio']) if (typeof row[k] === 'number') row[k] = Number(row[k].toPrecision(4));
    console.log(JSON.stringify(row));
}
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const freePort = () => new Promise((done) => {
    const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});
const cpuTicks = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return Number(f[11]) + Number(f[12]); };
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Start a program, and wait until ready() says so. */
async function start(command, ready, options = {}) {
    const [program, ...args] = command;
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
    children.add(child);
    let errors = '';
    child.stderr.on('data', (d) => { errors = (errors + d).slice(-2000); });
    child.on('exit', () => children.delete(child));
    const end = Date.now() + 60_000;
    while (!(await ready())) {
        if (child.exitCode !== null) throw new Error(`${program} ended: ${errors}`);
        if (Date.now() > end) throw new Error(`${program} does not answer: ${errors}`);
        await pause(20);
    }
    return child;
}
const stop = (child) => new Promise((done) => { if (child.exitCode !== null || child.signalCode !== null) return done(); child.on('exit', done); child.kill('SIGTERM'); });
const text = (url) => new Promise((done) => get(url, { agent: false }, (r) => { let t = ''; r.setEncoding('utf8'); r.on('data', (d) => { t += d; }); r.on('end', () => done(r.statusCode === 200 ? t : undefined)); }).on('error', () => done(undefined)));

// --- the engines ---

class Sqlite {
    name = 'SQLite';
    environment = {};
    async start() {}
    bare(group, state) {
        const copy = join(work, 'bare.db');
        rmSync(`${copy}-shm`, { force: true });
        for (const end of ['', '-wal']) {
            rmSync(copy + end, { force: true });
            if (existsSync(`${state}/cardea.db${end}`)) copyFileSync(`${state}/cardea.db${end}`, copy + end);
        }
        return this.written(group, copy);
    }
    written(group, where) {
        const [n, seconds] = execFileSync(on(0, ['taskset'])[0], [...on(0, ['']).slice(1, -1), join(tools, 'bare_writes'), this.name.toLowerCase(), where, String(group), String(SECONDS)], { encoding: 'utf8' }).split(' ').map(Number);
        return { rate: n / seconds, how: `bare, ${group} a transaction` };
    }
    async stop() {}
}

class Redis extends Sqlite {
    name = 'Redis';
    async start() {
        this.folder = mkdtempSync(join(work, 'redis-'));
        this.socket = join(this.folder, 's');
        this.environment = { CARDEA_SESSIONS: `redis+unix://${this.socket}` };
        this.child = await start(on(1, ['redis-server', '--port', '0', '--unixsocket', this.socket, '--dir', this.folder, '--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '']),
            () => { try { return this.ask('PING') === 'PONG'; } catch { return false; } });
    }
    ask(...words) { return execFileSync('redis-cli', ['-s', this.socket, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(); }
    /** Commands, but for those that write down when sessions were last seen: once in ten seconds for a session in use, by a script that
     * is counted with the HMGET, HSET and PEXPIRE in it. */
    operations() {
        const calls = Object.fromEntries([...this.ask('INFO', 'commandstats').matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, n]) => [name, Number(n)]));
        const all = Object.entries(calls).filter(([name]) => name !== 'info' && name !== 'ping').reduce((sum, [, n]) => sum + n, 0);
        return all - 2 * (calls.evalsha ?? 0) - (calls.hset ?? 0) - (calls.pexpire ?? 0);
    }
    bare(group) { const r = this.written(group, this.socket); return { ...r, how: `bare script, ${group} pipelined` }; }
    async stop() { await stop(this.child); }
}

class Postgres {
    name = 'PostgreSQL';
    async start() {
        this.folder = mkdtempSync(join(work, 'postgres-'));
        chmodSync(this.folder, 0o755);
        this.data = join(this.folder, 'data');
        // It does not run as root: there it belongs to the user that Debian's package makes.
        if (process.getuid() === 0) {
            const [, , uid, gid] = /^postgres:([^:]*):(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
            chownSync(this.folder, Number(uid), Number(gid));
            this.as = { uid: Number(uid), gid: Number(gid), cwd: this.folder };
        }
        execFileSync(`${PG}/initdb`, ['-D', this.data, '-U', 'tester', '-A', 'trust', '--no-sync', '--locale=C', '-E', 'UTF8'], { ...this.as, stdio: 'ignore' });
        // fsync stays on: a durable refresh is what is measured
        this.child = await start(on(1, [`${PG}/postgres`, '-D', this.data, '-k', this.folder, '-h', '', '-c', 'shared_preload_libraries=pg_stat_statements', '-c', 'max_connections=100', '-c', 'shared_buffers=256MB', '-c', 'max_wal_size=4GB', '-c', 'unix_socket_permissions=0777']),
            () => { try { return this.ask('SELECT 1') === '1'; } catch { return false; } }, this.as);
        this.ask('CREATE EXTENSION pg_stat_statements');
        this.environment = { CARDEA_SESSIONS: `postgres://tester@/postgres?host=${this.folder}` };
    }
    /** psql, as the server's superuser. */
    ask(sql) { return execFileSync(`${PG}/psql`, ['-qXAt', '-h', this.folder, '-U', 'tester', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-c', sql], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(); }
    /** Statements, but for these questions, what is around a transaction, and the last-seen times (as in Redis). */
    operations() { return Number(this.ask("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%' AND query NOT SIMILAR TO '(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|UPDATE session SET last_seen)%'")); }
    bare() {
        this.ask(`CREATE SCHEMA IF NOT EXISTS bare; DROP TABLE IF EXISTS bare.session; CREATE TABLE bare.session (LIKE cardea.session INCLUDING ALL);
            INSERT INTO bare.session SELECT decode(md5(i::text), 'hex'), decode(md5((i / 10)::text), 'hex'), 1, 2, 1, 1700000000000 + i, 0, 0, 1800000000000, 604800000, 1800000000000, '', 1,
            sha256('a'), sha256('b'), decode(md5('c'), 'hex'), 0, 'spa', '', 'bench' FROM generate_series(1, ${REFRESHES}) i; VACUUM ANALYZE bare.session`.replace(/; VACUUM.*/, ''));
        this.ask('VACUUM ANALYZE bare.session');
        const script = join(this.folder, 'rotate.sql');
        writeFileSync(script, `\\set i random(1, ${REFRESHES})
UPDATE bare.session SET generation = generation + 1, refresh_digest = sha256('d'), previous_digest = sha256('e'), refresh_nonce = decode(md5('f'), 'hex'), rotated_at_ms = 1700000000001, last_seen_at_ms = 1700000000001 WHERE sid = decode(md5(:i::text), 'hex');\n`);
        const out = execFileSync(on(0, ['taskset'])[0], [...on(0, ['']).slice(1, -1), `${PG}/pgbench`, '-n', '-M', 'prepared', '-c', String(CLIENTS), '-j', '1', '-T', String(SECONDS), '-f', script, '-h', this.folder, '-U', 'tester', 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
        return { rate: Number(/tps = ([\d.]+)/.exec(out)[1]), how: `pgbench, ${CLIENTS} clients` };
    }
    async stop() { this.child.kill('SIGINT'); await new Promise((done) => { if (this.child.exitCode !== null) done(); else this.child.on('exit', done); }); }
}

/** Users, keys and the journal too. */
class WholePostgres extends Postgres {
    name = 'PostgreSQL with the accounts';
    async start() {
        await super.start();
        this.environment = { CARDEA_ACCOUNTS: this.environment.CARDEA_SESSIONS, ...this.environment };
    }
}

const engines = (process.env.BENCH_ENGINES ?? 'sqlite redis postgres whole').split(' ').map((n) => ({ sqlite: Sqlite, redis: Redis, postgres: Postgres, whole: WholePostgres })[n]);

// --- the service ---

async function serve(name, environment, counts) {
    const state = join(work, name), out = join(work, `${name}-out`), port = await freePort(), metrics = await freePort(), url = `http://127.0.0.1:${port}`;
    const env = { ...process.env, CARDEA_PUBLIC_URL: url, CARDEA_THREADS: '1', CARDEA_LIMITS_CONNECTIONS_PER_ADDRESS: '1000', CARDEA_METRICS_LISTEN: `127.0.0.1:${metrics}`, ...environment };
    mkdirSync(out, { recursive: true });
    if (counts) execFileSync(join(tools, 'seed'), ['--state', state, '--out', out, ...Object.entries(counts).flatMap(([k, v]) => [`--${k}`, String(v)])], { stdio: 'inherit', env });
    const child = await start(on(0, [cardea, 'serve', '--state', state, '--listen', `127.0.0.1:${port}`]), async () => (await text(`${url}/healthz`)) !== undefined, { env });
    return { state, out, port, url, child, pid: child.pid, counter: async (n) => Number(new RegExp(`^${n} (\\d+)`, 'm').exec(await text(`http://127.0.0.1:${metrics}/metrics`))[1]) };
}

function wrk(url, file, seconds) {
    const command = on(1, ['wrk', '-t1', '-c16', `-d${seconds}s`, '-s', join(here, 'wrk.lua'), url, '--', file, 'Cookie', '__Host-cardea=', '/verify']);
    const out = execFileSync(command[0], command.slice(1), { encoding: 'utf8' });
    const [, requests, us, status, errors] = /RESULT (\d+) (\d+) (\d+) (\d+)/.exec(out).map(Number);
    if (status > 0 || errors > 0) throw new Error(`${status} refused and ${errors} failed of ${requests} requests to ${url}`);
    return { requests, rate: requests / (us / 1e6) };
}

/** Clients that refresh; what the service spent meanwhile. */
async function refreshes(service) {
    const command = on(1, [join(tools, 'refresh_load'), String(service.port), join(service.out, 'refreshes.txt'), String(CLIENTS), String(SECONDS), '1']);
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '', before, jobs, groups;
    child.stdout.setEncoding('utf8');
    const whole = new Promise((done, fail) => child.on('close', (code) => (code === 0 ? done() : fail(new Error('refresh_load failed')))));
    child.stdout.on('data', (d) => {
        out += d;
        if (out === 'warm\n') before = cpuTicks(service.pid);
    });
    [jobs, groups] = [await service.counter('cardea_commit_jobs_total'), await service.counter('cardea_commit_groups_total')];
    await whole;
    const ticks = cpuTicks(service.pid) - before;
    const [n, seconds, p50, p99, max] = out.split('\n')[1].split(' ').map(Number);
    jobs = (await service.counter('cardea_commit_jobs_total')) - jobs;
    groups = (await service.counter('cardea_commit_groups_total')) - groups;
    return { rate: n / seconds, cpu: (ticks * 1e4) / n, p50, p99, max, group: jobs / groups };
}

const GOALS = { SQLite: 8000, Redis: 4000, PostgreSQL: 2500, [new WholePostgres().name]: 2500 };

async function refresh() {
    for (const Engine of engines) {
        const engine = new Engine();
        await engine.start();
        const service = await serve(`refresh-${engine.name.replaceAll(' ', '-')}`, engine.environment, { users: 1000, refreshes: REFRESHES });
        const ours = [], bare = [];
        // the tokens of a round are those that the round before left
        for (let i = 0; i < ROUNDS; i++) {
            const r = await refreshes(service);
            ours.push(r);
            bare.push(engine.bare(Math.max(1, Math.round(r.group)), service.state));
        }
        const of = (k) => median(ours.map((r) => r[k])), theirs = median(bare.map((b) => b.rate));
        report({ name: `durable refreshes, ${engine.name}`, value: of('rate'), unit: '1/s', against: `${bare[0].how}: ${Math.round(theirs)}`, ratio: of('rate') / theirs, goal: GOALS[engine.name] });
        report({ name: `durable refreshes, ${engine.name}, CPU of the service`, value: of('cpu'), unit: 'us' });
        report({ name: `durable refreshes, ${engine.name}, in one commit`, value: of('group'), unit: '' });
        report({ name: `durable refreshes, ${engine.name}, p50`, value: of('p50') / 1000, unit: 'ms' });
        report({ name: `durable refreshes, ${engine.name}, p99`, value: of('p99') / 1000, unit: 'ms' });
        await stop(service.child);
        await engine.stop();
    }
}

async function verify() {
    const running = [];
    for (const Engine of engines) {
        const engine = new Engine();
        await engine.start();
        running.push({ engine, rates: [], costs: [], service: await serve(`verify-${engine.name.replaceAll(' ', '-')}`, engine.environment, { users: 1000, sessions: 10_000 }) });
    }
    // many short rounds in turn, so that a slow spell of the machine meets all of them
    for (let i = 0; i < ROUNDS * 3; i++)
        for (const r of running) {
            const before = cpuTicks(r.service.pid);
            const { requests, rate } = wrk(r.service.url, join(r.service.out, 'sessions.txt'), Math.ceil(SECONDS / 3));
            r.rates.push(rate);
            r.costs.push(((cpuTicks(r.service.pid) - before) * 1e4) / requests);
        }
    for (const r of running) {
        const first = running[0], ratio = median(r.rates.map((rate, i) => rate / first.rates[i]));
        report({ name: `verified requests, sessions in ${r.engine.name}`, value: median(r.rates), unit: 'requests/s', ...(r !== first && { against: `SQLite: ${Math.round(median(first.rates))}`, ratio, ofRatio: true, goal: 0.95 }) });
        report({ name: `verified requests, sessions in ${r.engine.name}, CPU`, value: median(r.costs), unit: 'us/request', ...(r !== first && { against: `SQLite: ${median(first.costs).toFixed(2)}`, ratio: median(r.costs) / median(first.costs) }) });
        if (r.engine.operations === undefined) continue;
        // what goes on without requests (a lease that is renewed) is counted for as long, and taken off
        let operations = r.engine.operations();
        await pause(SECONDS * 1000);
        const idle = r.engine.operations() - operations;
        operations = r.engine.operations();
        const { requests } = wrk(r.service.url, join(r.service.out, 'sessions.txt'), SECONDS);
        const asked = r.engine.operations() - operations;
        report({ name: `store operations a verified request, ${r.engine.name}`, value: Math.max(0, asked - idle) / requests, unit: '', against: `${asked} operations while ${requests} requests were verified, ${idle} without`, goal: 0.001, atMost: true });
    }
    for (const r of running) {
        await stop(r.service.child);
        await r.engine.stop();
    }
}

/** A million sessions from SQLite to Redis and back. */
async function migrate() {
    const sessions = Number(process.env.BENCH_SESSIONS ?? 1_000_000), state = join(work, 'migrate'), back = join(work, 'back.db'), redis = new Redis();
    await redis.start();
    const env = { ...process.env, CARDEA_PUBLIC_URL: 'http://127.0.0.1:1' };
    execFileSync(join(tools, 'seed'), ['--state', state, '--out', work, '--users', '100000', '--sessions', String(sessions)], { stdio: 'inherit', env });
    const steps = [['SQLite to Redis', `sqlite:${join(state, 'cardea.db')}`, redis.environment.CARDEA_SESSIONS], ['Redis to SQLite', redis.environment.CARDEA_SESSIONS, `sqlite:${back}`]];
    for (const [name, from, to] of steps) {
        const begin = process.hrtime.bigint();
        const done = execFileSync(cardea, ['migrate', '--state', state, '--from', from, '--to', to, '--json'], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] }); // its progress is on standard error
        const seconds = Number(process.hrtime.bigint() - begin) / 1e9, moved = JSON.parse(done.trim().split('\n').pop()).moved.sessions;
        if (moved !== sessions) throw new Error(`migrate says ${done}`);
        report({ name: `migrate ${moved.toLocaleString('en')} sessions, ${name}`, value: seconds, unit: 's', ...(sessions === 1_000_000 && { goal: 120, atMost: true }) });
    }
    await redis.stop();
}

/** One keep-alive connection that asks for one thing after the other; resolves with the status. */
class Line {
    static async to(port) {
        const line = new Line();
        line.port = port;
        line.socket = connect({ host: '127.0.0.1', port, noDelay: true });
        line.socket.setEncoding('latin1');
        let answer = '';
        line.socket.on('data', (d) => {
            answer += d;
            const end = answer.indexOf('\r\n\r\n');
            if (end < 0) return;
            const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0);
            if (answer.length < end + 4 + length) return;
            const status = Number(answer.slice(9, 12));
            answer = '';
            line.done(status);
        });
        await new Promise((done, fail) => { line.socket.on('connect', done); line.socket.on('error', fail); });
        return line;
    }
    ask(method, path, token) {
        return new Promise((done) => {
            this.done = done;
            this.socket.write(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\nContent-Length: 0\r\nAuthorization: Bearer ${token}\r\n\r\n`);
        });
    }
    end() { this.socket.destroy(); }
}

/** A logout at one node: how long after its answer does another node still accept? */
async function revocation() {
    const count = 1000, engine = new WholePostgres(), now = () => Number(process.hrtime.bigint()) / 1e6;
    await engine.start();
    const env = { ...engine.environment, CARDEA_PUBLIC_URL: 'http://localhost:8420', CARDEA_LIMITS_CONNECTIONS_PER_ADDRESS: '1000', CARDEA_MASTER_KEY_FILE: join(work, 'node-a', 'master.key') };
    const a = await serve('node-a', { ...env, CARDEA_MASTER_KEY_FILE: undefined }, { users: 100, tokens: count });
    const b = await serve('node-b', env, undefined);
    const tokens = readFileSync(join(a.out, 'tokens.txt'), 'utf8').trim().split('\n'), toA = await Line.to(a.port), toB = await Line.to(b.port);
    const delays = [];
    for (const token of tokens) {
        for (let i = 0; i < 2; i++) if ((await toB.ask('GET', '/verify', token)) !== 204) throw new Error('the second node does not know the token');
        let answered, seen;
        const logout = toA.ask('POST', '/v1/logout', token).then((status) => { answered = now(); if (status !== 204) throw new Error(`logout answered ${status}`); });
        const polling = (async () => {
            while ((await toB.ask('GET', '/verify', token)) === 204) if (answered !== undefined && now() - answered > 5000) throw new Error('not seen within five seconds');
            seen = now();
        })();
        await Promise.all([logout, polling]);
        delays.push(Math.max(0, seen - answered));
    }
    toA.end();
    toB.end();
    delays.sort((x, y) => x - y);
    for (const [name, at] of [['p50', 0.5], ['p99', 0.99], ['max', 1]])
        report({ name: `revocation seen at another node, ${name}`, value: delays[Math.min(count - 1, Math.floor(count * at))], unit: 'ms', against: `${count} logouts`, ...(name === 'p99' && { goal: 5, atMost: true }) });
    await stop(b.child);
    await stop(a.child);
    await engine.stop();
}

const all = { verify, refresh, revocation, migrate };
const names = wanted.length > 0 ? wanted : Object.keys(all);
try {
    for (const name of names) await all[name]();
} finally {
    for (const child of children) child.kill('SIGTERM');
    await pause(200);
    rmSync(work, { recursive: true, force: true });
}
