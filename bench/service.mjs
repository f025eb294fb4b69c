// The service as a whole: /verify beside nginx, logins beside bare Argon2id, memory, start-up.
// node bench/service.mjs CARDEA BENCH_FOLDER [http|login|memory|start …]; prints one JSON object a line.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { get, request as httpRequest, Agent } from 'node:http';
import { tmpdir, cpus } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [cardea, tools, ...wanted] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'cardea-bench-'));
const pinned = cpus().length > 1;
const on = (core, command) => (pinned ? ['taskset', '-c', String(core), ...command] : command);
const children = new Set();

function report(row) {
    if (row.goal !== undefined && row.met === undefined) row.met = row.atMost ? row.value <= row.goal : (row.ratio ?? row.value) >= row.goal;
    delete row.atMost;
    for (const k of ['value', 'ratio']) if (typeof row[k] === 'number') row[k] = Number(row[k].toPrecision(4));
    console.log(JSON.stringify(row));
}
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const freePort = () => new Promise((done) => {
    const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});
const answers = (url) => new Promise((done) => get(url, { agent: false }, (r) => { r.resume(); r.on('end', () => done(r.statusCode === 200 || r.statusCode === 204)); }).on('error', () => done(false)));

async function start(command, url, environment = {}) {
    const [program, ...args] = command;
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...environment } });
    children.add(child);
    let errors = '';
    child.stderr.on('data', (d) => { errors = (errors + d).slice(-2000); });
    child.on('exit', () => children.delete(child));
    const begin = process.hrtime.bigint();
    while (!(await answers(url))) {
        if (child.exitCode !== null) throw new Error(`${program} ended: ${errors}`);
        if (process.hrtime.bigint() - begin > 120_000_000_000n) throw new Error(`${program} does not answer`);
    }
    child.readyMs = Number(process.hrtime.bigint() - begin) / 1e6;
    return child;
}
const stop = (child) => new Promise((done) => { if (child.exitCode !== null) return done(); child.on('exit', done); child.kill('SIGTERM'); });
const cpuTicks = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return Number(f[11]) + Number(f[12]); };
const rssMiB = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const seed = (state, out, counts) => {
    mkdirSync(out, { recursive: true });
    execFileSync(join(tools, 'seed'), ['--state', state, '--out', out, ...Object.entries(counts).flatMap(([k, v]) => [`--${k}`, String(v)])], { stdio: 'inherit' });
};

function wrk(url, file, header, prefix, path, seconds) {
    const out = execFileSync(on(1, ['wrk'])[0], [...on(1, ['wrk']).slice(1), '-t1', '-c16', `-d${seconds}s`, '-s', join(here, 'wrk.lua'), url, '--', file, header, prefix, path], { encoding: 'utf8' });
    const [, requests, us, status, errors] = /RESULT (\d+) (\d+) (\d+) (\d+)/.exec(out).map(Number);
    if (status > 0 || errors > 0) throw new Error(`${status} refused and ${errors} failed of ${requests} requests to ${url}${path}`);
    return { requests, rate: requests / (us / 1e6) };
}

async function http() {
    const state = join(work, 'http'), out = join(work, 'http-out');
    const port = await freePort(), nginxPort = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const environment = { CARDEA_PUBLIC_URL: url, CARDEA_THREADS: '1', CARDEA_LIMITS_CONNECTIONS_PER_ADDRESS: '1000' };
    Object.assign(process.env, { CARDEA_PUBLIC_URL: url });
    seed(state, out, { users: 1000, sessions: 10_000, keys: 1000, tokens: 50_000 });
    writeFileSync(join(out, 'few-tokens.txt'), readFileSync(join(out, 'tokens.txt'), 'utf8').split('\n').slice(0, 1000).join('\n') + '\n');
    const service = await start(on(0, [cardea, 'serve', '--state', state, '--listen', `127.0.0.1:${port}`]), `${url}/healthz`, environment);

    const prefix = join(work, 'nginx');
    mkdirSync(join(prefix, 'logs'), { recursive: true });
    const headers = ['X-Auth-User 0192d0a0-0000-7000-8000-000000000000', 'X-Auth-Username user1', 'X-Auth-Email user1@example.com', 'X-Auth-Roles "editor,reader"', 'X-Auth-Session AAAAAAAAAAAAAAAAAAAAAA', 'X-Auth-Method session', 'Cache-Control no-store'];
    writeFileSync(join(prefix, 'nginx.conf'), `daemon off; master_process off; worker_processes 1; pid ${prefix}/pid; error_log ${prefix}/error.log;
events { worker_connections 256; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${prefix}/b; proxy_temp_path ${prefix}/p; fastcgi_temp_path ${prefix}/f; scgi_temp_path ${prefix}/s; uwsgi_temp_path ${prefix}/u;
  server { listen 127.0.0.1:${nginxPort}; location / { ${headers.map((h) => `add_header ${h};`).join(' ')} return 204; } } }\n`);
    const nginx = await start(on(0, ['nginx', '-p', prefix, '-c', 'nginx.conf', '-e', `${prefix}/error.log`]), `http://127.0.0.1:${nginxPort}/`);

    const cases = [
        ['session', 'sessions.txt', 'Cookie', '__Host-cardea=', 0.75],
        ['token, cached', 'few-tokens.txt', 'Authorization', 'Bearer ', 0.75],
        ['token, first seen', 'tokens.txt', 'Authorization', 'Bearer ', undefined],
        ['API key', 'keys.txt', 'X-API-Key', '', 0.75],
    ];
    for (const [name, file, header, prefixText, goal] of cases) {
        const rates = [], others = [], costs = [], otherCosts = [];
        for (let round = 0; round < 3; round++) {
            for (const [pid, target, rateList, costList] of [[service.pid, url, rates, costs], [nginx.pid, `http://127.0.0.1:${nginxPort}`, others, otherCosts]]) {
                const before = cpuTicks(pid);
                const { requests, rate } = wrk(target, join(out, file), header, prefixText, '/verify', 4);
                rateList.push(rate);
                costList.push(((cpuTicks(pid) - before) * 1e4) / requests);
            }
        }
        report({ name: `verify ${name}`, value: median(rates), unit: 'requests/s', against: `nginx return 204: ${Math.round(median(others))}`, ratio: median(rates) / median(others), goal });
        report({ name: `verify ${name}, CPU`, value: median(costs), unit: 'us/request', against: `nginx: ${median(otherCosts).toFixed(2)}`, ratio: median(costs) / median(otherCosts) });
    }
    await stop(service);
    await stop(nginx);
}

const post = (port, path, body, agent) => new Promise((done, fail) => {
    const r = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: { 'Content-Type': 'application/json' } }, (a) => { a.resume(); a.on('end', () => done(a.statusCode)); });
    r.on('error', fail);
    r.end(JSON.stringify(body));
});

async function login() {
    const state = join(work, 'login'), port = await freePort(), password = 'six lazy wombats hum';
    execFileSync(cardea, ['init', '--state', state]);
    execFileSync(cardea, ['user', 'add', 'alice', '--password-file', '-', '--state', state], { input: password });
    const url = `http://127.0.0.1:${port}`;
    const service = await start([cardea, 'serve', '--state', state, '--listen', `127.0.0.1:${port}`], `${url}/healthz`, { CARDEA_PUBLIC_URL: url, CARDEA_LIMITS_SESSIONS_PER_USER: '10000' });
    const threads = cpus().length, seconds = 8, rates = [], bare = [];
    for (let round = 0; round < 2; round++) {
        bare.push(Number(execFileSync(join(tools, 'argon2_rate'), [String(threads), String(seconds), '65536', '3'], { encoding: 'utf8' })));
        let done = 0;
        const end = Date.now() + seconds * 1000, begin = Date.now();
        await Promise.all(Array.from({ length: threads * 2 }, async () => {
            while (Date.now() < end) {
                const status = await post(port, '/v1/login', { username: 'alice', password }, undefined);
                if (status !== 200) throw new Error(`login answered ${status}`);
                done += 1;
            }
        }));
        rates.push(done / ((Date.now() - begin) / 1000));
    }
    report({ name: 'logins', value: median(rates), unit: '1/s', against: `bare Argon2id on ${threads} cores: ${median(bare).toFixed(1)}`, ratio: median(rates) / median(bare), goal: 0.9 });
    await stop(service);
}

async function memory() {
    const state = join(work, 'memory'), out = join(work, 'memory-out'), port = await freePort(), url = `http://127.0.0.1:${port}`;
    const environment = { CARDEA_PUBLIC_URL: url };
    execFileSync(cardea, ['init', '--state', state]);
    let service = await start([cardea, 'serve', '--state', state, '--listen', `127.0.0.1:${port}`], `${url}/healthz`, environment);
    report({ name: 'resident memory, idle', value: rssMiB(service.pid), unit: 'MiB', goal: 15, atMost: true });
    await stop(service);
    seed(state, out, { users: 100_000, sessions: 1_000_000 });
    service = await start([cardea, 'serve', '--state', state, '--listen', `127.0.0.1:${port}`], `${url}/healthz`, environment);
    report({ name: 'resident memory, 1,000,000 sessions of 100,000 users', value: rssMiB(service.pid), unit: 'MiB', goal: 250, atMost: true });
    report({ name: 'start with 1,000,000 sessions', value: service.readyMs, unit: 'ms' });
    wrk(url, join(out, 'sessions.txt'), 'Cookie', '__Host-cardea=', '/verify', 5);
    report({ name: 'resident memory, after checking them', value: rssMiB(service.pid), unit: 'MiB', goal: 250, atMost: true });
    await stop(service);
}

async function startup() {
    const times = [];
    for (let i = 0; i < 7; i++) {
        const state = join(work, `start${i}`), port = await freePort(), url = `http://127.0.0.1:${port}`;
        execFileSync(cardea, ['init', '--state', state]);
        const service = await start([cardea, 'serve', '--state', state, '--listen', `127.0.0.1:${port}`], `${url}/healthz`, { CARDEA_PUBLIC_URL: url });
        times.push(service.readyMs);
        await stop(service);
    }
    report({ name: 'first answer after start, empty store', value: median(times), unit: 'ms', goal: 100, atMost: true });
}

const all = { http, login, memory, start: startup };
const names = wanted.length > 0 ? wanted : Object.keys(all);
try {
    for (const name of names) await all[name]();
} finally {
    for (const child of children) child.kill('SIGTERM');
    rmSync(work, { recursive: true, force: true });
}
