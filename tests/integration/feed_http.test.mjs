// Does a verifier on another host, fed by GET /v1/feed, see what the service says soon, and nothing when it can not know?
import assert from 'node:assert/strict';
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Example, exampleMissing } from './lib/example.mjs';
import { Postgres, postgresInstalled } from './lib/postgres.mjs';
import { Service, temporary } from './lib/service.mjs';

const LEASE_MS = 2000, L_MS = LEASE_MS * 1.01 + 1;
const cookie = (login) => login.jar.get('__Host-cardea');
const name = () => randomBytes(16).toString('base64url');
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
/** Ask until the answer is one of these; answers the milliseconds that it took. */
async function until(ask, ...wanted) {
    const begun = Date.now();
    for (;;) {
        const got = await ask();
        if (wanted.includes(got)) return Date.now() - begun;
        assert.ok(Date.now() - begun < 15_000, `still ${got}, not ${wanted}`);
        await pause(1);
    }
}
const lines = (text) => text.trim().split('\n').map((l) => JSON.parse(l));

describe('a replica', { skip: exampleMissing('replica') }, () => {
    for (const mode of ['poll', 'stream']) {
        describe(`by ${mode}`, () => {
            let service, remote, key;
            before(async () => {
                service = await Service.start({ users: [{ name: 'alice', roles: ['staff'] }, { name: 'bob' }, { name: 'root', roles: ['admin'] }] });
                key = service.command(['apikey', 'create', 'root', '--name', 'feed', '--scope', 'feed']);
                remote = new Example('replica', [service.url, key.key, mode]);
            });
            after(async () => {
                await remote?.end();
                await service?.end();
            });
            const ask = (...words) => () => remote.ask(...words);

            test('a login comes, a logout is felt', async (t) => {
                const took = [];
                for (let i = 0; i < 20; i++) {
                    const login = await service.login(), value = cookie(login);
                    await until(ask('session', value), 'yes session alice staff');
                    assert.equal((await service.request('/v1/logout', { method: 'POST', jar: login.jar, csrf: login.csrf })).status, 204);
                    took.push(await until(ask('session', value), 'no'));
                }
                took.sort((a, b) => a - b);
                t.diagnostic(`a logout was felt after ${took[took.length >> 1]} ms at the median, ${took.at(-1)} ms at most`);
                assert.ok(took.at(-1) <= L_MS, `${took}`);
            });

            test('a token, roles, an API key, a suspended user, keys', async () => {
                const phone = await service.login('bob', { app: 'mobile' }), made = service.command(['apikey', 'create', 'bob', '--name', 'a', '--scope', 'read']);
                await until(ask('token', phone.access), 'yes token bob ');
                await until(ask('key', made.key), 'yes key bob ');
                service.command(['user', 'roles', 'bob', 'night', 'staff']);
                await until(ask('key', made.key), 'yes key bob night,staff');
                service.command(['apikey', 'revoke', made.id]);
                await until(ask('key', made.key), 'no');
                service.command(['user', 'suspend', 'bob']);
                await until(ask('token', phone.access), 'no');
                service.command(['user', 'resume', 'bob']);
                const again = await service.login('bob', { app: 'mobile' });
                await until(ask('token', again.access), 'yes token bob night,staff');
                service.command(['signing-key', 'revoke']);
                await until(ask('token', again.access), 'ask', 'no');
                await until(ask('token', (await service.login('bob', { app: 'mobile' })).access), 'yes token bob night,staff');
                assert.equal(await remote.ask('session', 'A'.repeat(75)), 'ask');
            });

            test('?wait=all waits for it: after the answer nothing old is accepted', async () => {
                for (let i = 0; i < 5; i++) {
                    const login = await service.login(), value = cookie(login);
                    await until(ask('session', value), 'yes session alice staff');
                    const answer = await service.request('/v1/logout?wait=all', { method: 'POST', jar: login.jar, csrf: login.csrf });
                    assert.equal(answer.status, 200);
                    assert.equal(answer.json.receipt.complete, true, answer.text);
                    assert.equal(await remote.ask('session', value), 'no', answer.text);
                }
            });

            test('a paused verifier holds up a receipt no longer than its lease, and accepts nothing when it goes on', async () => {
                const login = await service.login(), value = cookie(login);
                await until(ask('session', value), 'yes session alice staff');
                remote.child.kill('SIGSTOP');
                const begun = Date.now();
                const answer = await service.request('/v1/logout?wait=all', { method: 'POST', jar: login.jar, csrf: login.csrf });
                remote.child.kill('SIGCONT');
                assert.equal(answer.json.receipt.complete, true, answer.text);
                assert.ok(Date.now() - begun < 20_000);
                await until(ask('session', value), 'no'); // 'unavailable' before
                await until(ask('session', cookie(await service.login())), 'yes session alice staff');
            });

            test('a paused service: when the lease is over nobody is let in, by the verifier\'s own clock', async () => {
                const login = await service.login(), value = cookie(login);
                await until(ask('session', value), 'yes session alice staff');
                service.child.kill('SIGSTOP');
                const begun = Date.now();
                try {
                    let got;
                    while ((got = await remote.ask('session', value)) === 'yes session alice staff') {
                        assert.ok(Date.now() - begun <= L_MS + 250, 'it believed its copy for too long');
                        await pause(5);
                    }
                    assert.equal(got, 'unavailable');
                    assert.ok(Date.now() - begun >= LEASE_MS / 4, 'it had a lease');
                    await pause(300);
                    assert.equal(await remote.ask('session', value), 'unavailable');
                } finally {
                    service.child.kill('SIGCONT');
                }
                await until(ask('session', value), 'yes session alice staff');
            });

            test('a service that was killed, and its successor: a whole copy again', async () => {
                const login = await service.login(), ended = await service.login(), value = cookie(login), gone = cookie(ended);
                await until(ask('session', gone), 'yes session alice staff');
                await service.kill();
                await service.launch();
                assert.equal((await service.request('/v1/logout', { method: 'POST', jar: ended.jar, csrf: ended.csrf })).status, 204);
                const answered = Date.now();
                while (Date.now() - answered < L_MS + 100) {
                    const got = await remote.ask('session', gone);
                    assert.ok(got !== 'yes session alice staff' || Date.now() - answered <= L_MS, got);
                    await pause(20);
                }
                await until(ask('session', value), 'yes session alice staff');
                assert.equal(await remote.ask('session', gone), 'no');
            });

            test('without its key it gets nothing more', async () => {
                const value = cookie(await service.login());
                await until(ask('session', value), 'yes session alice staff');
                service.command(['apikey', 'revoke', key.id]);
                await until(ask('session', value), 'unavailable');
            });
        });
    }
});

describe('a replica of one node, and what another one does', { skip: (!postgresInstalled() && 'PostgreSQL 15 is not installed') || exampleMissing('replica') }, () => {
    let database, folder, a, b, remote;
    before(async () => {
        database = await Postgres.start();
        folder = temporary();
        const key = join(folder, 'shared.key');
        writeFileSync(key, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
        const node = (users) => Service.start({ users, env: { CARDEA_PUBLIC_URL: 'http://localhost:8470', CARDEA_ACCOUNTS: database.url(), CARDEA_SESSIONS: database.url(), CARDEA_MASTER_KEY_FILE: key } });
        a = await node([{ name: 'alice' }, { name: 'root', roles: ['admin'] }]);
        b = await node([]);
        remote = new Example('replica', [b.url, a.command(['apikey', 'create', 'root', '--name', 'feed', '--scope', 'feed']).key]);
    });
    after(async () => {
        await remote?.end();
        await b?.end();
        await a?.end();
        await database?.end();
        rmSync(folder, { recursive: true, force: true });
    });
    const ask = (value) => () => remote.ask('session', value);

    test('a logout there, with wait=all: refused here from the answer on', async () => {
        for (let i = 0; i < 10; i++) {
            const login = await b.login(), value = cookie(login);
            await until(ask(value), 'yes session alice ');
            const answer = await a.request('/v1/logout?wait=all', { method: 'POST', jar: login.jar, csrf: login.csrf });
            assert.equal(answer.json.receipt.complete, true, answer.text);
            assert.ok(answer.json.receipt.acknowledged >= 3, answer.text); // both nodes, and the replica
            assert.equal(await remote.ask('session', value), 'no', answer.text);
        }
    });

    test('its node pauses: nobody is let in beyond the lease, and a receipt is complete by then', async () => {
        const login = await b.login(), value = cookie(login);
        await until(ask(value), 'yes session alice ');
        b.child.kill('SIGSTOP');
        try {
            const answer = await a.request('/v1/logout?wait=all', { method: 'POST', jar: login.jar, csrf: login.csrf });
            assert.equal(answer.json.receipt.complete, true, answer.text);
            assert.equal(await remote.ask('session', value), 'unavailable', answer.text);
        } finally {
            b.child.kill('SIGCONT');
        }
        await until(ask(value), 'no');
    });
});

describe('GET /v1/feed', () => {
    let service, key;
    before(async () => {
        service = await Service.start({ users: [{ name: 'alice' }, { name: 'root', roles: ['admin'] }], env: { CARDEA_LEASE: '3' } });
        key = service.command(['apikey', 'create', 'root', '--name', 'feed', '--scope', 'feed']);
    });
    after(() => service?.end());
    const feed = (query, options = {}) => service.request(`/v1/feed${query}`, { headers: { 'X-API-Key': key.key }, ...options });

    /** An open answer: its status, what has come, and its end. */
    const open = (query, headers = {}, apiKey = key.key) => new Promise((done, fail) => {
        const call = http.get(`${service.url}/v1/feed${query}`, { agent: false, headers: { 'X-API-Key': apiKey, ...headers } }, (answer) => {
            const s = { status: answer.statusCode, text: '', answer, call };
            answer.setEncoding('utf8').on('data', (d) => { s.text += d; });
            s.closed = new Promise((end) => answer.on('close', () => end(Date.now())));
            done(s);
        });
        call.on('error', fail);
    });

    test('who may have it', async () => {
        const other = service.command(['apikey', 'create', 'root', '--name', 'other', '--scope', 'introspect']);
        const login = await service.login('root');
        const refused = async (headers, status, code, jar) => {
            const a = await service.request(`/v1/feed?verifier=${name()}`, { headers, jar });
            assert.equal(`${a.status} ${a.json.code}`, `${status} ${code}`);
        };
        await refused({}, 401, 'unauthenticated');
        await refused({ 'X-API-Key': 'x' }, 401, 'invalid_key');
        await refused({ 'X-API-Key': other.key }, 403, 'forbidden');
        await refused({ Authorization: `Bearer ${(await service.login('root', { app: 'mobile' })).access}` }, 401, 'unauthenticated');
        await refused({}, 401, 'unauthenticated', login.jar);
        const alice = await service.login('alice');
        const made = await service.request('/v1/api-keys', { method: 'POST', json: { name: 'x', scopes: ['feed'] }, jar: alice.jar, csrf: alice.csrf });
        assert.equal(made.status, 403);
    });

    test('what can not be asked', async () => {
        for (const [query, status] of [['', 400], ['?verifier=', 400], ['?verifier=x', 400], [`?verifier=${name()}&after=`, 400], [`?verifier=${name()}&after=7`, 400],
            [`?verifier=${name()}&after=${name()}.`, 400], [`?verifier=${name()}&after=${name()}.-1`, 400], [`?verifier=${name()}&after=${name()}.01`, 400],
            [`?verifier=${name()}&after=${name()}.99999999999999999999`, 400], [`?verifier=${name()}&verifier=${name()}`, 400], [`?verifier=${name()}&x=1`, 400]])
            assert.equal((await feed(query)).status, status, query);
        assert.equal((await feed(`?verifier=${name()}`, { method: 'POST' })).status, 405);
        assert.equal((await feed(`?verifier=${name()}`, { method: 'HEAD' })).status, 200);
    });

    test('a copy, and what came after it', async () => {
        const v = name(), login = await service.login();
        const copy = lines((await feed(`?verifier=${v}`)).text), begin = copy[0], end = copy.at(-1);
        assert.ok(begin.is === 'begin' && begin.snapshot && end.is === 'end' && end.head === begin.head);
        assert.ok(end.lease_ms > 0 && end.lease_ms <= 3000);
        assert.ok(copy.some((l) => l.is === 'session' && l.id === login.sid && l.kind === 'cookie'));
        assert.equal(copy.filter((l) => l.is === 'user').length, 2);
        assert.equal(copy.find((l) => l.is === 'keys').count, copy.filter((l) => l.is === 'key').length);
        for (const secret of ['password', 'argon', '"d":', login.csrf, cookie(login)]) assert.ok(!JSON.stringify(copy).includes(secret), secret);

        const waiting = feed(`?verifier=${v}&after=${begin.feed}.${end.head}`);
        await service.request('/v1/logout', { method: 'POST', jar: login.jar, csrf: login.csrf });
        let next = lines((await waiting).text);
        while (!next.some((l) => l.is === 'ended')) next = lines((await feed(`?verifier=${v}&after=${next[0].feed}.${next.at(-1).head}`)).text);
        assert.equal(next[0].snapshot, false);
        assert.deepEqual(next.filter((l) => l.is === 'ended').map((l) => [l.what, l.id]), [['session', login.sid]]);
    });

    test('with nothing to tell, an empty passage after a third of the lease', async () => {
        const v = name(), [begin] = lines((await feed(`?verifier=${v}`)).text), begun = Date.now();
        const next = lines((await feed(`?verifier=${v}&after=${begin.feed}.${begin.head}`)).text);
        assert.ok(next[0].snapshot === false && next.at(-1).lease_ms > 0);
        assert.ok(Date.now() - begun < 3000);
    });

    test('a position of another feed, or of the future, gets a copy', async () => {
        const [begin] = lines((await feed(`?verifier=${name()}`)).text);
        for (const after of [`${name()}.1`, `${begin.feed}.${begin.head + 1_000_000}`])
            assert.equal(lines((await feed(`?verifier=${name()}&after=${after}`)).text)[0].snapshot, true, after);
    });

    test('a stream ends with its key, and a break of the client frees its place', async () => {
        const own = service.command(['apikey', 'create', 'root', '--name', 'own', '--scope', 'feed']);
        const stream = await open(`?verifier=${name()}`, { Accept: 'text/event-stream' }, own.key);
        assert.equal(stream.answer.headers['content-type'], 'text/event-stream');
        await until(async () => stream.text.includes('"is":"end"'), true);
        service.command(['apikey', 'revoke', own.id]);
        const revoked = Date.now();
        assert.ok((await stream.closed) - revoked < 2000);
        assert.equal((await open(`?verifier=${name()}`, {}, own.key)).status, 401);
    });

    test('many waiters: a limit a key, and everybody else is served', async () => {
        const [begin] = lines((await feed(`?verifier=${name()}`)).text), own = service.command(['apikey', 'create', 'root', '--name', 'many', '--scope', 'feed']);
        const streams = [];
        for (let i = 0; i < 64; i++) streams.push(await open(`?verifier=${name()}`, { Accept: 'text/event-stream' }, own.key));
        assert.ok(streams.every((s) => s.status === 200));
        const past = await open(`?verifier=${name()}`, {}, own.key);
        assert.equal(past.status, 503);
        assert.ok(past.answer.headers['retry-after']);
        assert.equal((await feed(`?verifier=${name()}&after=${begin.feed}.${begin.head}`)).status, 200);
        const login = await service.login();
        assert.equal((await service.verify({ jar: login.jar })).status, 204);
        await until(async () => streams.every((s) => s.text.includes(login.sid)), true);
        for (const s of streams) s.call.destroy();
        await until(async () => (await open(`?verifier=${name()}`, {}, own.key)).status, 200);
    });

    test('a reader that does not read holds nobody up', async () => {
        const slow = await open(`?verifier=${name()}`, { Accept: 'text/event-stream' });
        slow.answer.pause();
        for (let i = 0; i < 20; i++) {
            const login = await service.login();
            assert.equal((await service.request('/v1/logout', { method: 'POST', jar: login.jar, csrf: login.csrf })).status, 204);
        }
        assert.equal(lines((await feed(`?verifier=${name()}`)).text).at(-1).is, 'end');
        slow.call.destroy();
    });

    test('a stop ends the streams, and is not held up by them', async () => {
        const stream = await open(`?verifier=${name()}`, { Accept: 'text/event-stream' });
        await until(async () => stream.text.includes('"is":"end"'), true);
        const begun = Date.now();
        await service.stop();
        await stream.closed;
        assert.ok(Date.now() - begun < 5000);
        await service.launch();
    });
});
