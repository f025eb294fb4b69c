// What one node does, do the others feel it, and when? Two and three real nodes on a real PostgreSQL: whatever ends or narrows access at one is awaited at another, and the delay is printed; with pushes made impossible it is there after L at the latest; a node that is cut off answers 503 for a credential, soon, and still 401 without; and in the steady state a verified request costs no store operation, counted at the server.
import { describe, test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { request } from './lib/client.mjs';
import { Caller, allowed, bearer, decode, refused } from './lib/credentials.mjs';
import { Postgres, postgresInstalled } from './lib/postgres.mjs';
import { Service, PASSWORD, freePort, temporary } from './lib/service.mjs';
import { RedisStore, redisThere } from './lib/stores.mjs';

const LEASE_MS = 2000, L_MS = LEASE_MS * 1.01 + 1;
const WAIT_MS = 20_000; // for what must come; a slow machine is no failure
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Ask until it holds; answers how long that took in ms. */
async function awaited(what, holds) {
    const begun = performance.now();
    for (;;) {
        if (await holds()) return performance.now() - begun;
        if (performance.now() - begun > WAIT_MS) assert.fail(`waited in vain: ${what}`);
        await pause(1);
    }
}

describe('the feed and the lease', { skip: !postgresInstalled() && 'PostgreSQL 15 is not installed' }, () => {
    let database, folder, key, number = 0;
    before(async () => {
        database = await Postgres.start();
        folder = temporary();
        key = join(folder, 'shared.key');
        writeFileSync(key, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
    });
    after(async () => {
        rmSync(folder, { recursive: true, force: true });
        await database.end();
    });

    /** Nodes behind one name on a new schema. through: the port at which node i reaches the database. */
    async function nodes(count, { settings = {}, through = () => undefined, users = [{ name: 'alice' }, { name: 'root', roles: ['admin'] }], env = {} } = {}) {
        const schema = `feed_${++number}`, all = [];
        for (let i = 0; i < count; i++) {
            const url = database.url({ schema, through: through(i) });
            const metrics = await freePort();
            const n = await Service.start({
                settings: { public_url: 'http://localhost:8470', apps: { web: { profile: 'web' }, mobile: { profile: 'mobile' }, strict: { profile: 'strict' } }, metrics: { listen: `127.0.0.1:${metrics}` }, ...settings },
                users: i === 0 ? users : [],
                env: { CARDEA_PUBLIC_URL: 'http://localhost:8470', CARDEA_ACCOUNTS: url, CARDEA_SESSIONS: url, CARDEA_MASTER_KEY_FILE: key, ...env },
            });
            n.schema = schema;
            n.metrics = async () => Object.fromEntries((await request(`http://127.0.0.1:${metrics}/metrics`, { contract: false })).text.split('\n').filter((l) => l && !l.startsWith('#')).map((l) => { const at = l.lastIndexOf(' '); return [l.slice(0, at), Number(l.slice(at + 1))]; }));
            all.push(n);
        }
        return all;
    }


    /** What ends or narrows access: set up by `make`, done at one node by `act`, felt where `felt` says so of another. */
    const user = (admin, id, json) => admin.request(`/v1/admin/users/${id}`, { method: 'PATCH', json });
    const NARROWINGS = {
        'logout': { act: ({ c }) => c.request('/v1/logout', { method: 'POST' }) },
        'logout everywhere': { act: async ({ c, a }) => (await Caller.login(a, c.username)).request('/v1/logout/all', { method: 'POST' }) },
        'a device logged out by its owner': { act: async ({ c, a }) => (await Caller.login(a, c.username)).request(`/v1/sessions/${c.sid}`, { method: 'DELETE' }) },
        'a session ended by an administrator': { app: 'mobile', act: ({ c, admin }) => admin.request(`/v1/admin/sessions/${c.sid}`, { method: 'DELETE' }) },
        'a suspension': { app: 'mobile', act: ({ c, admin }) => user(admin, c.user.id, { status: 'suspended' }) },
        'a change of roles': { roles: ['editor'], act: ({ c, admin }) => user(admin, c.user.id, { roles: ['reader'] }), felt: (r) => r.status === 204 && r.headers['x-auth-roles'] === 'reader' },
        'roles of a token': { app: 'mobile', roles: ['editor'], act: ({ c, admin }) => user(admin, c.user.id, { roles: [] }), felt: (r) => r.status === 204 && (r.headers['x-auth-roles'] ?? '') === '' },
        'a change of password': { act: async ({ c, a }) => (await Caller.login(a, c.username)).request('/v1/password', { json: { current_password: PASSWORD, new_password: 'nine hasty badgers sing' } }) },
        'a password set by an administrator': { app: 'mobile', act: ({ c, admin }) => user(admin, c.user.id, { password: 'nine hasty badgers sing' }) },
        'a step-up': { act: ({ c }) => c.request('/v1/reauthenticate', { json: { password: PASSWORD } }) },
        'an API key revoked': { key: true, act: ({ c, key }) => c.request(`/v1/api-keys/${key.id}`, { method: 'DELETE' }) },
        'the user of an API key suspended': { key: true, act: ({ c, admin }) => user(admin, c.user.id, { status: 'suspended' }) },
        'one token revoked': { app: 'mobile', act: ({ c, admin }) => admin.request('/v1/admin/tokens/revoke', { json: { jti: decode(c.access).claims.jti } }) },
        'a strict session ended': { app: 'strict', act: ({ c }) => c.request('/v1/logout', { method: 'POST' }) },
        'a user deleted': { app: 'mobile', act: ({ c, admin }) => admin.request(`/v1/admin/users/${c.user.id}`, { method: 'DELETE' }) },
        'a used refresh token': { app: 'mobile', act: async ({ c }) => { const first = c.refresh; await c.rotate(); await c.rotate(); return c.service.request('/v1/refresh', { json: { refresh_token: first } }); }, acted: 401 },
        'a compromised signing key dropped': { app: 'mobile', act: ({ admin }) => admin.request('/v1/admin/signing-keys/rotate', { json: { compromised: true } }) },
    };
    let people = 0;
    /** Somebody with a credential, known to all nodes. */
    async function somebody(n, at, { app = 'web', roles = [], key: wantsKey } = {}) {
        const name = `user${++people}`;
        n[0].addUser({ name, roles });
        const c = await Caller.login(at, name, { app });
        const made = wantsKey && allowed(await c.request('/v1/api-keys', { json: { name: 'k' } }), 201).json;
        const headers = made ? bearer(made.key) : { ...c.headers };
        for (const other of n) allowed(await other.verify({ headers }), 204);
        return { c, key: made, headers };
    }
    const REFUSED = (r) => r.status === 401;
    const done = (answer, acted) => assert.ok(acted ? answer.status === acted : answer.status < 300, `${answer.status} ${answer.text}`);

    test('whatever ends or narrows access at one node is felt at the others', async () => {
        const n = await nodes(3), delays = [];
        try {
            const admin = await Caller.login(n[0], 'root');
            for (const [what, { act, felt = REFUSED, acted, ...how }] of Object.entries(NARROWINGS)) {
                const one = await somebody(n, n[0], how);
                done(await act({ ...one, a: n[0], admin }), acted);
                // at the node that answered at once; elsewhere when it has heard
                assert.ok(felt(await n[0].verify({ headers: one.headers })), `${what}: at the same node`);
                const ms = await Promise.all(n.slice(1).map((other) => awaited(what, async () => felt(await other.verify({ headers: one.headers })))));
                delays.push(...ms);
                console.log(`# ${what}: ${ms.map((d) => d.toFixed(1)).join(' and ')} ms`);
                for (const other of n) assert.ok(felt(await other.verify({ headers: one.headers })), `${what}: and it stays so`);
            }
            delays.sort((x, y) => x - y);
            console.log(`# felt elsewhere after: median ${delays[delays.length >> 1].toFixed(1)} ms, longest ${delays.at(-1).toFixed(1)} ms`);
            for (const other of n) assert.equal((await other.metrics()).cardea_feed_refills_total, 0);
        } finally { for (const one of n) await one.end(); }
    });

    test('a new user, session, key and signing key of one node are good at the others', async () => {
        const n = await nodes(2);
        try {
            for (const app of ['web', 'mobile', 'strict']) await somebody(n, n[1], { app });
            await somebody(n, n[1], { key: true });
            // refreshed elsewhere than it was made
            const { c } = await somebody(n, n[0], { app: 'mobile' });
            c.service = n[1];
            allowed(await c.rotate());
            for (const other of n) allowed(await other.verify({ headers: bearer(c.access) }), 204);
        } finally { for (const one of n) await one.end(); }
    });

    /** A relay to the database that lets everything through but what LISTEN would hear. */
    async function deaf(port) {
        const sockets = new Set();
        const relay = { dropped: 0 };
        const server = createServer((client) => {
            const upstream = connect(port, '127.0.0.1');
            for (const s of [client, upstream]) {
                sockets.add(s);
                s.on('close', () => { sockets.delete(s); client.destroy(); upstream.destroy(); });
                s.on('error', () => {});
            }
            client.pipe(upstream);
            let rest = Buffer.alloc(0);
            upstream.on('data', (d) => {
                rest = Buffer.concat([rest, d]);
                const out = [];
                while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
                    const size = 1 + rest.readUInt32BE(1);
                    if (rest[0] === 0x41) relay.dropped++; // NotificationResponse
                    else out.push(rest.subarray(0, size));
                    rest = rest.subarray(size);
                }
                client.write(Buffer.concat(out));
            });
        });
        await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
        relay.port = server.address().port;
        relay.close = () => { server.close(); for (const s of sockets) s.destroy(); };
        return relay;
    }

    test('without pushes: no request that is sent L after the answer is accepted', async () => {
        const relay = await deaf(database.port);
        const n = await nodes(2, { through: (i) => (i === 1 ? relay.port : undefined) });
        try {
            const admin = await Caller.login(n[0], 'root');
            for (const what of ['logout', 'a change of roles', 'one token revoked', 'an API key revoked', 'a compromised signing key dropped']) {
                const { act, felt = REFUSED, ...how } = NARROWINGS[what];
                const one = await somebody(n, n[0], how);
                done(await act({ ...one, a: n[0], admin }));
                const answered = performance.now();
                const ms = await awaited(what, async () => {
                    const sent = performance.now();
                    const r = await n[1].verify({ headers: one.headers });
                    assert.ok(felt(r) || sent < answered + L_MS, `${what}: accepted ${sent - answered} ms after the answer`);
                    return felt(r);
                });
                console.log(`# ${what}, without pushes: ${ms.toFixed(1)} ms`);
            }
            assert.ok(relay.dropped > 0, 'there was something to push');
        } finally {
            for (const one of n) await one.end();
            relay.close();
        }
    });

    test('cut off: 503 for a credential, soon; 401 without one; and well again by itself', async () => {
        const n = await nodes(2, { settings: { policies: { alone: { revocation: 'none' } } } });
        try {
            const web = await somebody(n, n[0]), mobile = await somebody(n, n[0], { app: 'mobile' }), strict = await somebody(n, n[0], { app: 'strict' });
            const keyed = await somebody(n, n[0], { key: true });
            const asking = n[0].command(['apikey', 'create', 'root', '--name', 'asking', '--scope', 'introspect']).key;
            const introspect = (token) => n[0].request('/v1/introspect', { body: `token=${encodeURIComponent(token)}`, headers: { ...bearer(asking), 'Content-Type': 'application/x-www-form-urlencoded' } });
            allowed(await introspect(mobile.c.access));
            database.pause();
            try {
                const paused = performance.now();
                // no later than this, for a request that is sent past the lease
                await awaited('the lease to run out', async () => {
                    const sent = performance.now(), r = await n[0].verify({ headers: web.headers });
                    assert.ok(r.status === 503 || (r.status === 204 && sent < paused + L_MS), `${r.status}, ${sent - paused} ms after the cut`);
                    return r.status === 503;
                });
                const timed = async (what, ask) => {
                    const begun = performance.now(), r = await ask(), ms = performance.now() - begun;
                    console.log(`# cut off, ${what}: ${r.status} after ${ms.toFixed(0)} ms`);
                    assert.ok(ms < 4000, `${what} took ${ms} ms`); // no hang: a deadline would be 5 s
                    return r;
                };
                for (const node of n)
                    for (const [what, { headers }] of Object.entries({ 'a session': web, 'a token': mobile, 'a strict session': strict, 'an API key': keyed })) {
                        await awaited(`${what} without a lease`, async () => (await node.verify({ headers })).status === 503);
                        const r = refused(await timed(what, () => node.verify({ headers })), 503, 'unavailable');
                        assert.ok(Number(r.headers['retry-after']) >= 1);
                    }
                assert.equal((await timed('introspection', () => introspect(mobile.c.access))).status, 503);
                refused(await timed('a refresh', () => n[0].request('/v1/refresh', { json: { refresh_token: mobile.c.refresh } })), 503, 'unavailable');
                refused(await timed('a login', () => n[0].request('/v1/login', { json: { username: 'alice', password: PASSWORD } })), 503, 'unavailable');
                refused(await timed('/v1/me', () => n[0].request('/v1/me', { headers: web.headers })), 503, 'unavailable');
                assert.equal((await timed('no credential', () => n[0].verify())).status, 401);
                // what asks nobody goes on, and says no more than the token
                const alone = allowed(await timed('a token under revocation: none', () => n[0].verify({ headers: mobile.headers }, 'alone')), 204);
                assert.equal(alone.headers['x-auth-user'], mobile.c.user.id);
                assert.equal(alone.headers['x-auth-roles'], undefined);
                assert.equal((await n[0].verify({ headers: web.headers }, 'alone')).status, 401);
                assert.equal((await timed('/healthz', () => n[0].request('/healthz'))).status, 200);
                assert.equal((await timed('/readyz', () => n[0].request('/readyz'))).status, 503);
                assert.equal((await timed('the JWKS', () => n[0].request('/.well-known/jwks.json'))).status, 200);
                for (const node of n) await awaited('the log says so', () => /the lease can not be renewed/.test(node.output));
            } finally { database.resume(); }
            for (const node of n)
                for (const one of [web, mobile, strict, keyed])
                    await awaited('an answer again', async () => (await node.verify({ headers: one.headers })).status === 204);
            allowed(await mobile.c.rotate());
            for (const node of n) await awaited('the log says so', () => /the lease is renewed/.test(node.output));
            for (const node of n) await awaited('ready', async () => (await node.request('/readyz')).status === 200);
        } finally { for (const one of n) await one.end(); }
    });

    test('a store that is another one is noticed, and read anew', async () => {
        const n = await nodes(2);
        try {
            const [a, b] = n, web = await somebody(n, a), gone = await somebody(n, a), sql = (text) => database.sql(`SET search_path = ${a.schema}; ${text}`);
            const refills = async (count) => { for (const node of n) await awaited('a refill', async () => (await node.metrics()).cardea_feed_refills_total >= count); };
            // behind everybody's back, as a restore from a backup does it
            sql(`UPDATE "user" SET epoch = epoch + 1000 WHERE username = '${gone.c.username}'`);
            sql("INSERT INTO value (name, value) VALUES ('incarnation', 1800000000) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
            await refills(1);
            for (const node of n) {
                await awaited('what stands', async () => (await node.verify({ headers: web.headers })).status === 204);
                assert.equal((await node.verify({ headers: gone.headers })).status, 401);
            }
            // a fail-over that lost the last row, and went on with another
            done(await web.c.request('/v1/me', { method: 'PATCH', json: { name: 'x' } }));
            for (const node of n) await awaited('it is heard', async () => (await node.metrics()).cardea_feed_lag_rows === 0);
            sql("UPDATE journal SET hash = decode(repeat('ab', 32), 'hex') WHERE n = (SELECT max(n) FROM journal)");
            await refills(2);
            sql('DELETE FROM journal WHERE n = (SELECT max(n) FROM journal)');
            await refills(3);
            for (const node of n) await awaited('what stands', async () => (await node.verify({ headers: web.headers })).status === 204);
            done(await web.c.request('/v1/logout', { method: 'POST' }));
            await awaited('a logout afterwards', async () => (await b.verify({ headers: web.headers })).status === 401);
        } finally { for (const one of n) await one.end(); }
    });
});

describe('the steady state', { skip: !postgresInstalled() && 'PostgreSQL 15 is not installed' }, () => {
    const REQUESTS = 400;
    const RECORDS = /execute[^:]*: (SELECT [^\n]* FROM (session|"user"|api_key|revocation) WHERE (sid|id|kind) = )/g;
    for (const sessions of ['postgres', 'redis'])
        test(`no store operation for a verified request, sessions in ${sessions}`, { skip: sessions === 'redis' && !redisThere && 'Redis is not installed' }, async () => {
            const folder = temporary(), key = join(folder, 'shared.key');
            writeFileSync(key, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
            const database = await Postgres.start({ settings: { log_statement: 'all' } });
            const redis = sessions === 'redis' ? await RedisStore.start() : undefined;
            const env = { CARDEA_PUBLIC_URL: 'http://localhost:8470', CARDEA_ACCOUNTS: database.url(), CARDEA_SESSIONS: redis?.url ?? database.url(), CARDEA_MASTER_KEY_FILE: key };
            const all = [];
            try {
                for (const users of [[{ name: 'alice' }], []]) all.push(await Service.start({ users, env }));
                const [a, b] = all;
                const web = await Caller.login(a, 'alice'), mobile = await Caller.login(a, 'alice', { app: 'mobile' }), strict = await Caller.login(a, 'alice', { app: 'strict' });
                const made = allowed(await web.request('/v1/api-keys', { json: { name: 'k' } }), 201).json;
                const credentials = [web.headers, mobile.headers, strict.headers, bearer(made.key)].map((h) => ({ ...h }));
                const asked = () => (database.process.output.match(RECORDS) ?? []).length;
                const calls = () => (redis === undefined ? 0 : redis.ask('INFO', 'commandstats').split('\n')
                    .filter((l) => /^cmdstat_(hgetall|hmget|hget|evalsha|get|fcall)/.test(l)).reduce((sum, l) => sum + Number(/calls=(\d+)/.exec(l)[1]), 0));
                // the first time they are looked up here, and that is counted (so counting works); then they are known
                const cold = asked() + calls();
                for (const headers of credentials) allowed(await b.verify({ headers }), 204);
                await awaited('a look-up is counted', () => asked() + calls() > cold);
                await pause(1500); // the server's words are on their way, and last-seen times may be written
                // Redis hears of last-seen times every ten seconds, whatever is asked: a window without one
                let kept;
                for (let tries = 0; tries < 3; tries++) {
                    const before = [asked(), calls()];
                    for (let i = 0; i < REQUESTS; i++) allowed(await b.verify({ headers: credentials[i % credentials.length] }), 204);
                    await pause(300);
                    kept = [asked() - before[0], calls() - before[1]];
                    console.log(`# ${REQUESTS} verified requests: ${kept[0]} records read from PostgreSQL, ${kept[1]} from Redis`);
                    if (kept[0] + kept[1] === 0) break;
                }
                assert.deepEqual(kept, [0, 0]);
            } finally {
                for (const s of all) await s.end();
                await redis?.end();
                await database.end();
                rmSync(folder, { recursive: true, force: true });
            }
        });
});
