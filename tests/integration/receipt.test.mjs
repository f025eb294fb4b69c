// Does a receipt tell the truth, and does a rotation drop no request? Two and three real nodes on a real PostgreSQL.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { Caller, allowed, bearer, eventually, signUp } from './lib/credentials.mjs';
import { Example, exampleMissing } from './lib/example.mjs';
import { ADMIN, Nodes } from './lib/nodes.mjs';
import { Postgres, postgresInstalled } from './lib/postgres.mjs';
import { Service } from './lib/service.mjs';

const LEASE_S = 2, L_MS = LEASE_S * 1010 + 1;

describe('receipts and keys among nodes', { skip: !postgresInstalled() && 'PostgreSQL 15 is not installed' }, () => {
    let database, nodes, number = 0;
    before(async () => { database = await Postgres.start(); });
    after(() => database?.end());

    const start = (count, { env = {}, lease = LEASE_S } = {}) => {
        const schema = `receipt_${++number}`, shared = { CARDEA_JWKS_MAX_AGE: '1s', ...env };
        return Nodes.start({ count, postgres: database, schema, lease, env: shared, sessions: (i, n) => database.url({ schema, through: n.proxies[i].port }) });
    };
    const admin = (node) => Caller.login(node, ADMIN);
    const receiptOf = (answer) => allowed(answer).json.receipt;
    /** End all of a new user's sessions, and what the receipt says. */
    async function logoutEverywhere(by, asked) {
        const user = await signUp(asked), caller = await Caller.login(asked, user.username, { app: 'mobile' }), token = bearer(caller.access);
        for (const n of nodes.all) assert.equal((await n.verify({ headers: token })).status, 204);
        const receipt = receiptOf(await by.request(`/v1/admin/users/${user.id}/logout?wait=all`, { method: 'POST' }));
        return { receipt, token };
    }

    describe('wait=all', () => {
        let by;
        before(async () => { nodes = await start(3); by = await admin(nodes.all[0]); });
        after(() => nodes?.end());

        test('where all are well, all acknowledge, and the next request anywhere is refused', async () => {
            for (let i = 0; i < 5; i++) {
                const { receipt, token } = await logoutEverywhere(by, nodes.all[0]);
                const { position, ms, ...rest } = receipt;
                assert.deepEqual(rest, { complete: true, acknowledged: 3, expired: 0, pending: 0, registry: 'read', unleased: ['jwks'] });
                const [row] = nodes.all[1].command(['audit', '--type', 'logout_all', '--limit', '1']).items;
                assert.equal(position, row.n);
                assert.ok(ms < L_MS, `${ms} ms: nobody was nudged`);
                for (const n of nodes.all) assert.equal((await n.verify({ headers: token })).status, 401);
            }
        });
        test('a command of another node waits as well', () => {
            nodes.all[0].command(['user', 'add', 'waited', '--no-password']);
            const { receipt } = nodes.all[1].command(['user', 'logout', 'waited', '--wait']);
            assert.deepEqual([receipt.complete, receipt.acknowledged, receipt.expired], [true, 3, 0]);
        });
        test('a node that is paused is waited for until its lease is over, and then does not answer by what it knew', async () => {
            const third = nodes.all[2];
            const user = await signUp(nodes.all[0]), caller = await Caller.login(nodes.all[0], user.username, { app: 'mobile' }), token = bearer(caller.access);
            assert.equal((await third.verify({ headers: token })).status, 204);
            nodes.pause(2);
            let receipt;
            try {
                receipt = receiptOf(await by.request(`/v1/admin/users/${user.id}/logout?wait=all`, { method: 'POST' }));
            } finally {
                nodes.resume(2);
            }
            assert.deepEqual([receipt.complete, receipt.acknowledged, receipt.expired, receipt.pending], [true, 2, 1, 0]);
            assert.ok(receipt.ms >= LEASE_S * 1000 - 1, `${receipt.ms} ms: the lease was not waited for`);
            for (let i = 0; i < 20; i++) assert.notEqual((await third.verify({ headers: token })).status, 204);
            await eventually('it follows again', async () => (await third.verify({ headers: token })).status === 401);
        });
        test('so is one that is cut off from the database', async () => {
            await nodes.proxies[2].cut();
            try {
                const user = await signUp(nodes.all[0]);
                const receipt = receiptOf(await by.request(`/v1/admin/users/${user.id}/logout?wait=all`, { method: 'POST' }));
                assert.deepEqual([receipt.complete, receipt.acknowledged, receipt.expired], [true, 2, 1]);
            } finally {
                await nodes.proxies[2].heal();
            }
            const user = await signUp(nodes.all[0]);
            await eventually('it is a verifier again', async () => receiptOf(await by.request(`/v1/admin/users/${user.id}/logout?wait=all`, { method: 'POST' })).acknowledged === 3);
        });
        test('the request ends before the lease does: what is known is said, and the change stands', async () => {
            const slow = await start(2, { env: { CARDEA_LIMITS_REQUEST_DEADLINE: '500ms' } });
            try {
                const root = await admin(slow.all[0]), user = await signUp(slow.all[0]), caller = await Caller.login(slow.all[0], user.username, { app: 'mobile' });
                slow.pause(1);
                const receipt = receiptOf(await root.request(`/v1/admin/users/${user.id}/logout?wait=all`, { method: 'POST' }));
                assert.deepEqual([receipt.complete, receipt.acknowledged, receipt.expired, receipt.pending], [false, 1, 0, 1]);
                assert.equal((await slow.all[0].verify({ headers: bearer(caller.access) })).status, 401);
                const told = slow.all[0].cli(['user', 'logout', user.username, '--wait']);
                assert.equal(told.status, 4, told.stderr);
                assert.match(told.stdout, /^Done, but not felt everywhere yet: .* 1 pending/);
            } finally {
                slow.resume(1);
                await slow.end();
            }
        });
        test('a client that goes away ends its wait, and the change stands', async () => {
            const user = await signUp(nodes.all[0]), caller = await Caller.login(nodes.all[0], user.username, { app: 'mobile' });
            const { hostname, port } = new URL(nodes.all[0].url);
            nodes.pause(2);
            try {
                const r = http.request({ hostname, port, path: '/v1/logout?wait=all', method: 'POST', headers: bearer(caller.access) });
                r.on('error', () => {});
                r.end();
                await eventually('the change is made', async () => (await nodes.all[0].verify({ headers: bearer(caller.access) })).status === 401);
                r.destroy();
                const line = await eventually('the request is over', async () => nodes.all[0].output.split('\n').find((l) => l.includes('/v1/logout') && !l.includes('/admin/')));
                const ms = Number(/"?ms"?[=:] ?([0-9]+)/.exec(line)[1]);
                assert.ok(ms < LEASE_S * 1000, `it waited on for ${ms} ms: ${line}`);
            } finally {
                nodes.resume(2);
            }
        });
    });

    describe('rotation', () => {
        let by;
        const keys = (node) => node.command(['signing-key', 'list']).items;
        const sign = (node, use = 'access') => keys(node).find((k) => k.use === use && k.state === 'active').kid;
        const rotate = (body = {}, query = '') => by.request(`/v1/admin/signing-keys/rotate${query}`, { json: body });
        const kidOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()).kid;
        before(async () => { nodes = await start(2); by = await admin(nodes.all[0]); });
        after(() => nodes?.end());

        test('under load it drops no request at either node', async () => {
            const faults = [], seen = new Map();
            let stop = false, requests = 0;
            const note = (what, kid, node, a) => {
                requests++;
                if (a.status !== 204) faults.push(`${what} ${kid} at ${node.name}: ${a.status} ${a.text}`);
                else if (kid) seen.set(kid, (seen.get(kid) ?? new Set()).add(node.name));
            };
            const user = await signUp(nodes.all[0]);
            async function tokens(i) {
                let login = await Caller.login(nodes.all[i % 2], user.username, { app: 'mobile' }), refresh = login.refresh, access = login.access;
                for (let n = i; !stop; n++) {
                    for (const node of nodes.all) note('token', kidOf(access), node, await node.verify({ headers: bearer(access) }));
                    const a = await nodes.all[n % 2].request('/v1/refresh', { json: { refresh_token: refresh } });
                    if (a.status !== 200) { faults.push(`refresh: ${a.status} ${a.text}`); return; }
                    ({ refresh_token: refresh, access_token: access } = a.json);
                }
            }
            async function sealed(i) {
                for (let n = i; !stop; n++) {
                    const c = await Caller.login(nodes.all[n % 2], user.username, { app: 'sealed' });
                    for (const node of nodes.all) note('sealed', undefined, node, await node.verify({ headers: c.credential.headers }));
                    const a = await nodes.all[(n + 1) % 2].request('/v1/refresh', { method: 'POST', jar: c.jar });
                    if (a.status !== 200) faults.push(`renewal: ${a.status} ${a.text}`);
                }
            }
            const load = [tokens(0), tokens(1), tokens(2), sealed(0), sealed(1)];
            const first = sign(nodes.all[0]), firstSealed = sign(nodes.all[0], 'sealed');
            try {
                for (let round = 0; round < 3; round++) {
                    const before = sign(nodes.all[round % 2]), beforeSealed = sign(nodes.all[round % 2], 'sealed');
                    const a = allowed(await rotate({}, '?wait=all'));
                    assert.equal(a.json.receipt.complete, true);
                    allowed(await rotate({ use: 'sealed' }));
                    await eventually('the next keys are used', async () => sign(nodes.all[1]) !== before && sign(nodes.all[1], 'sealed') !== beforeSealed, 20_000);
                    const now = sign(nodes.all[1]);
                    await eventually('both nodes have taken what it signed', async () => faults.length > 0 || seen.get(now)?.size === 2, 20_000);
                }
            } finally {
                stop = true;
                await Promise.all(load);
            }
            assert.deepEqual(faults, []);
            assert.ok(requests > 100 && seen.size >= 4, `${requests} requests, ${seen.size} keys`);
            assert.notEqual(sign(nodes.all[1]), first);
            assert.notEqual(sign(nodes.all[1], 'sealed'), firstSealed);
        });
        test('a compromised key is refused at the other node within L; with wait=all, from the answer on', async () => {
            for (const query of ['', '?wait=all']) {
                const user = await signUp(nodes.all[0]), caller = await Caller.login(nodes.all[1], user.username, { app: 'mobile' }), token = bearer(caller.access);
                for (const n of nodes.all) assert.equal((await n.verify({ headers: token })).status, 204);
                const a = allowed(await rotate({ compromised: true }, query)), answered = performance.now();
                if (query) {
                    assert.deepEqual([a.json.receipt.complete, a.json.receipt.acknowledged], [true, 2]);
                    assert.equal((await nodes.all[1].verify({ headers: token })).status, 401);
                }
                for (;;) {
                    const asked = performance.now(), status = (await nodes.all[1].verify({ headers: token })).status;
                    if (status === 401) break;
                    assert.ok(asked - answered <= L_MS, `accepted ${asked - answered} ms after the answer`);
                }
                assert.equal((await nodes.all[0].verify({ headers: token })).status, 401);
            }
        });
        test('also where that node is cut off: it answers 503 rather than yes', async () => {
            const user = await signUp(nodes.all[0]), caller = await Caller.login(nodes.all[1], user.username, { app: 'mobile' }), token = bearer(caller.access);
            await nodes.proxies[1].cut();
            try {
                const { receipt } = allowed(await rotate({ compromised: true }, '?wait=all')).json;
                assert.deepEqual([receipt.complete, receipt.acknowledged, receipt.expired], [true, 1, 1]);
                for (let i = 0; i < 5; i++) assert.ok([401, 503].includes((await nodes.all[1].verify({ headers: token })).status));
            } finally {
                await nodes.proxies[1].heal();
            }
            await eventually('it knows', async () => (await nodes.all[1].verify({ headers: token })).status === 401);
        });
        test('a format that one node is configured for first is known to the other before it signs, and stays', async () => {
            const [first, second] = nodes.all, user = await signUp(first);
            first.configure({ signup: true, apps: { web: 'web', sealed: 'sealed', mobile: { profile: 'mobile', token_format: 'Ed448' } } });
            process.kill(first.child.pid, 'SIGHUP');
            const alg = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()).alg;
            let login;
            await eventually('the configuration is in force', async () => {
                login = await Caller.login(first, user.username, { app: 'mobile' });
                assert.equal((await second.verify({ headers: bearer(login.access) })).status, 204, alg(login.access));
                return alg(login.access) !== 'ES256';
            }, 20_000);
            const kept = keys(second).find((k) => k.alg === 'Ed448' && k.state === 'active');
            await second.restart(); // it looks through the keys at its start
            assert.equal(keys(second).find((k) => k.alg === 'Ed448' && k.state === 'active')?.kid, kept.kid, 'the node that does not ask for it took it away');
            for (const n of nodes.all) assert.equal((await n.verify({ headers: bearer(login.access) })).status, 204);
        });
        test('a key that a node with a lease has not heard of does not sign; one whose lease is over is not waited for', async () => {
            for (const lease of [30, 2]) {
                const pair = await start(2, { lease });
                try {
                    const root = await admin(pair.all[0]), turn = () => root.request('/v1/admin/signing-keys/rotate', { json: {} });
                    const list = async () => allowed(await root.request('/v1/admin/signing-keys')).json.items.filter((k) => k.use === 'access');
                    const next = async () => (await list()).find((k) => k.state === 'next');
                    await eventually('the first next key was published for long enough', async () => Date.parse((await next()).created_at) + 2000 < Date.now());
                    await eventually('both have heard of it', async () => database.sql(`SELECT count(*) FROM receipt_${number}.verifier WHERE n > 0`) === '2');
                    pair.pause(1);
                    const first = await next();
                    allowed(await turn());
                    assert.equal((await list()).find((k) => k.state === 'active').kid, first.kid, 'it was known to both');
                    const second = await next();
                    await eventually('the second one too', async () => Date.parse(second.created_at) + 2000 < Date.now());
                    allowed(await turn());
                    if (lease === 30) {
                        for (const until = Date.now() + 2000; Date.now() < until;) assert.equal((await next()).kid, second.kid, 'the paused node does not know it');
                        pair.resume(1);
                    }
                    await eventually('it signs', async () => (await list()).find((k) => k.state === 'active').kid === second.kid, 20_000);
                } finally {
                    pair.resume(1);
                    await pair.end();
                }
            }
        });
    });
});

describe('one node and a verifier on another host', { skip: exampleMissing('replica') }, () => {
    let service, remote;
    before(async () => {
        service = await Service.start({ users: [{ name: 'alice' }, { name: ADMIN, roles: ['admin'] }], env: { CARDEA_JWKS_MAX_AGE: '1s' } });
        remote = new Example('replica', [service.url, service.command(['apikey', 'create', ADMIN, '--name', 'feed', '--scope', 'feed']).key]);
    });
    after(async () => {
        await remote?.end();
        await service?.end();
    });
    const list = (state) => service.command(['signing-key', 'list']).items.filter((k) => k.use === 'access' && k.state === state);

    test('a rotation waits for it, and for nothing else: an idle installation comes to its end too', async () => {
        await eventually('it follows', async () => {
            const { jar } = await service.login();
            return (await remote.ask('session', jar.get('__Host-cardea'))).startsWith('yes');
        });
        for (let round = 0; round < 2; round++) {
            const [next] = list('next');
            await eventually('it was published for long enough', async () => Date.parse(next.created_at) + 2000 < Date.now());
            service.command(['signing-key', 'rotate']);
            await eventually('it signs', async () => list('active')[0].kid === next.kid, 20_000);
            const login = await service.login('alice', { app: 'mobile' });
            await eventually('what it signs is taken there', async () => (await remote.ask('token', login.access)).startsWith('yes'));
        }
    });
    test('a receipt counts it, also where nothing was to be changed', async () => {
        service.command(['user', 'add', 'bob', '--no-password']);
        for (const expected of ['first', 'again']) {
            const { receipt } = service.command(['user', 'suspend', 'bob', '--wait']);
            assert.deepEqual([receipt.complete, receipt.acknowledged, receipt.expired, receipt.pending], [true, 2, 0, 0], expected);
        }
    });
});
