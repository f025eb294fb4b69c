// Does the service start, reload, log, count and stop as an operator needs it to?
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { request } from './lib/client.mjs';
import { freePort, PASSWORD, program, Service, temporary } from './lib/service.mjs';

const apps = { web: { profile: 'web' } };
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const eventually = async (what, condition, ms = 10_000) => {
    const deadline = Date.now() + ms;
    while (!(await condition())) {
        if (Date.now() > deadline) throw new Error(`${what} did not happen`);
        await pause(20);
    }
};

test('SIGTERM lets the login under way finish, answers it, and leaves nothing behind', async () => {
    const s = await Service.start();
    const logins = Array.from({ length: 4 }, () => s.login().then((l) => l.answer.status, (e) => e.code ?? String(e)));
    await pause(5);
    const { code } = await s.stop();
    assert.equal(code, 0);
    // Each was answered (200, or 503 when its turn did not come), or never taken; none was cut in the middle.
    for (const r of await Promise.all(logins)) assert.ok(r === 200 || r === 'ECONNREFUSED' || r === 'ECONNRESET' || String(r).includes('503'), String(r));
    assert.ok(!existsSync(join(s.state, 'admin.sock')));
    assert.match(s.output, /"message":"stopped"/);
    await s.end();
});

test('what was acknowledged before a stop is there after it, with its last-seen time', async () => {
    const s = await Service.start();
    const { jar, sid } = await s.login();
    const before = (await s.request('/v1/sessions', { jar })).json.items.find((i) => i.sid === sid).last_seen_at;
    await pause(2100);
    assert.equal((await s.verify({ jar })).status, 204);
    await s.restart();
    assert.equal((await s.verify({ jar })).status, 204);
    const rows = s.command(['session', 'list', 'alice']);
    const row = (rows.items ?? rows).find((i) => i.sid === sid);
    assert.ok(Date.parse(row.last_seen_at) - Date.parse(before) >= 2000, `${before} ${row.last_seen_at}`);
    await s.end();
});

test('SIGHUP changes the settings and drops no connection', async () => {
    const s = await Service.start({ settings: { apps, signup: false } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const { jar } = await s.login();
    let sockets = 0;
    const check = async () => assert.equal((await s.verify({ jar, agent })).status, 204);
    agent.on('free', () => { sockets = Object.values(agent.freeSockets).flat().length; });
    await check();
    const [socket] = Object.values(agent.freeSockets).flat();
    const signup = () => s.request('/v1/signup', { json: { username: 'bob', password: PASSWORD } });
    assert.equal((await signup()).status, 403);
    s.configure({ apps, signup: true });
    s.child.kill('SIGHUP');
    await eventually('the reload', async () => { await check(); return (await signup()).status !== 403; });
    await check();
    assert.equal(Object.values(agent.freeSockets).flat()[0], socket, 'the same connection throughout');
    assert.ok(sockets <= 1);
    // A configuration that can not be read changes nothing.
    s.configure({ apps, signup: 'perhaps' });
    s.child.kill('SIGHUP');
    await eventually('the complaint', () => s.output.includes('the configuration was not changed'));
    assert.equal((await s.request('/v1/signup', { json: { username: 'bob', password: PASSWORD } })).status, 409);
    agent.destroy();
    await s.end();
});

test('an app that a reload takes away lets nobody in, and its place goes to no other', async () => {
    const two = { web: { profile: 'web' }, shop: { profile: 'web' } };
    const s = await Service.start({ settings: { apps: two } });
    const shop = await s.login('alice', { app: 'shop' }), web = await s.login('alice', { app: 'web' });
    s.configure({ apps: { web: { profile: 'web' }, third: { profile: 'web' } } });
    s.child.kill('SIGHUP');
    await eventually('the reload', async () => (await s.verify({ jar: shop.jar })).status === 401);
    assert.equal((await s.verify({ jar: web.jar })).status, 204);
    await s.end();
});

test('neither password, cookie, token nor query string reaches the log', async () => {
    const s = await Service.start({ env: { CARDEA_LOG_LEVEL: 'debug', CARDEA_LOG_REQUESTS: 'true' } });
    const { jar } = await s.login();
    const tokens = await s.login('alice', { app: 'mobile' });
    await s.request('/v1/login', { json: { username: 'alice', password: 'wrong-hunter2-secret' } });
    await s.request('/v1/login', { body: '{"username":"alice","password":"half-a-secret', headers: { 'Content-Type': 'application/json' } });
    await s.request('/v1/me?access_token=query-secret', { jar, contract: false });
    await s.verify({ headers: { Authorization: `Bearer ${tokens.access}` } });
    await s.request('/v1/nowhere%0d%0aforged', { contract: false });
    await s.request('/v1/me', { headers: { Authorization: 'Bearer \u001b[31mred' }, contract: false }).catch(() => {});
    await s.stop();
    for (const secret of [PASSWORD, 'wrong-hunter2-secret', 'half-a-secret', 'query-secret', jar.get('__Host-cardea'), tokens.access, tokens.refresh])
        assert.ok(secret && !s.output.includes(secret), secret);
    for (const line of s.output.trim().split('\n')) JSON.parse(line);
    assert.match(s.output, /"path":"\/v1\/login"/);
    await s.end();
});

test('metrics have a listener of their own', async () => {
    const port = await freePort();
    const s = await Service.start({ env: { CARDEA_METRICS_LISTEN: `127.0.0.1:${port}` } });
    const { jar } = await s.login();
    for (let i = 0; i < 5; i++) await s.verify({ jar });
    await s.verify();
    assert.equal((await s.request('/metrics', { contract: false })).status, 404);
    const m = await request(`http://127.0.0.1:${port}/metrics`, { contract: false });
    assert.equal(m.status, 200);
    assert.match(m.text, /^cardea_verify_total\{answer="yes"\} 5$/m);
    assert.match(m.text, /^cardea_verify_total\{answer="no"\} 1$/m);
    assert.match(m.text, /^cardea_table_records\{kind="session"\} 1$/m);
    assert.match(m.text, /^cardea_queue_length\{lane="hash"\} 0$/m);
    for (const path of ['/', '/v1/me', '/verify']) assert.equal((await request(`http://127.0.0.1:${port}${path}`, { contract: false })).status, 404);
    assert.doesNotMatch(m.text, /alice/);
    await s.end();
});

test('the operator\'s socket is for its owner alone', async () => {
    const s = await Service.start();
    assert.equal(statSync(join(s.state, 'admin.sock')).mode & 0o777, 0o600);
    assert.equal(statSync(s.state).mode & 0o777, 0o700);
    const answer = await request('http://x/v1/admin/users', { socketPath: join(s.state, 'admin.sock'), contract: false });
    assert.equal(answer.status, 200);
    await s.end();
});

test('promise 9: an address that is not loopback needs TLS or a trusted proxy', async () => {
    const state = temporary();
    const r = spawnSync(program, ['serve', '--state', state, '--listen', '0.0.0.0:0'], { encoding: 'utf8', timeout: 20_000, env: { ...process.env, CARDEA_PUBLIC_URL: 'https://id.example.com' } });
    assert.notEqual(r.status, 0);
    assert.notEqual(r.status, null, 'it ended by itself');
    assert.match(r.stderr, /tls|trusted/i);
});

test('promise 9: TLS by configuration, and a renewed certificate without dropping a connection', async () => {
    const folder = temporary(), cert = join(folder, 'cert.pem'), key = join(folder, 'key.pem');
    const make = (name, out = [cert, key]) => assert.equal(spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-keyout', out[1], '-out', out[0], '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'], { stdio: 'ignore' }).status, 0);
    make('first');
    const port = await freePort(), state = temporary();
    const env = { ...process.env, CARDEA_PUBLIC_URL: `https://127.0.0.1:${port}`, CARDEA_LISTEN_TLS_CERT: cert, CARDEA_LISTEN_TLS_KEY: key };
    const child = spawn(program, ['serve', '--state', state, '--listen', `127.0.0.1:${port}`], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = new Promise((done) => child.on('exit', done));
    let output = '';
    child.stderr.on('data', (d) => { output += d; });
    const shake = () => new Promise((done, fail) => {
        const c = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => done(c));
        c.on('error', fail);
    });
    const ask = (c) => new Promise((done, fail) => {
        c.once('data', (d) => done(Number(String(d).split(' ')[1])));
        c.once('close', () => fail(new Error('closed')));
        c.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    });
    let kept;
    await eventually('the start', async () => { try { kept = await shake(); return true; } catch { return false; } });
    assert.equal(kept.getPeerCertificate().subject.CN, 'first');
    assert.equal(await ask(kept), 200);
    const plain = await request(`http://127.0.0.1:${port}/healthz`, { contract: false }).then((r) => r.status, () => 'refused');
    assert.notEqual(plain, 200);
    make('second');
    child.kill('SIGHUP');
    await eventually('the new certificate', async () => { const c = await shake(); const { CN } = c.getPeerCertificate().subject; c.destroy(); return CN === 'second'; });
    assert.equal(await ask(kept), 200);
    // A key that does not belong to it is refused, and the good pair stays.
    make('third', [cert, join(folder, 'other.pem')]);
    child.kill('SIGHUP');
    await eventually('the complaint', () => output.includes('the certificate was not changed'));
    const c = await shake();
    assert.equal(c.getPeerCertificate().subject.CN, 'second');
    assert.equal(await ask(c), 200);
    c.destroy();
    kept.destroy();
    child.kill();
    assert.equal(await exited, 0);
});

test('a taken port stops the start with a sentence', async () => {
    const s = await Service.start();
    const r = spawnSync(program, ['serve', '--state', temporary(), '--listen', `127.0.0.1:${s.port}`], { encoding: 'utf8', timeout: 20_000 });
    assert.notEqual(r.status, 0);
    assert.match(r.stderr, /in use/);
    await s.end();
});

test('every start is journalled', async () => {
    const s = await Service.start();
    const events = s.command(['audit', '--limit', '50']);
    assert.ok((events.items ?? events).some((e) => e.type === 'started'));
    await s.end();
});

test('a thousand idle connections keep nobody out (G13)', async () => {
    const s = await Service.start();
    const { jar } = await s.login();
    const idle = Array.from({ length: 1000 }, () => { const c = net.connect(s.port, '127.0.0.1'); c.on('error', () => {}); return c; });
    for (let i = 0; i < 20; i++) assert.equal((await s.verify({ jar })).status, 204);
    assert.equal((await s.login()).answer.status, 200);
    for (const c of idle) c.destroy();
    await s.end();
});

test('checks are answered while passwords are hashed, and logouts do not wait for them', async () => {
    const s = await Service.start({ env: { CARDEA_HASH_THREADS: '1', CARDEA_ARGON2_MEMORY: '64MiB', CARDEA_ARGON2_PASSES: '3' } });
    const { jar, csrf } = await s.login();
    const other = await s.login();
    let finished = 0;
    const logins = Array.from({ length: 12 }, () => s.login().then(() => finished++, () => finished++));
    for (let i = 0; i < 50; i++) assert.equal((await s.verify({ jar: other.jar })).status, 204);
    assert.equal((await s.request('/v1/logout', { method: 'POST', jar, headers: { 'X-CSRF-Token': csrf } })).status, 204);
    assert.ok(finished < 12, 'logins were still waiting');
    await Promise.all(logins);
    await s.end();
});
