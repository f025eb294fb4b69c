// Are several services on one PostgreSQL database one installation? Two real nodes, a real server; and what may not run side by side is refused at start, with the reason.
import { describe, test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Postgres, postgresInstalled } from './lib/postgres.mjs';
import { PASSWORD, Service, run, temporary } from './lib/service.mjs';

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const PUBLIC = { CARDEA_PUBLIC_URL: 'http://localhost:8470' };

describe('several nodes', { skip: !postgresInstalled() && 'PostgreSQL 15 is not installed' }, () => {
    let database, folder, key, number = 0;
    const schema = () => `nodes_${++number}`;
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

    /** A node on a schema; env: what differs. One public URL: they stand behind one name. */
    const node = (at, env = {}, users = []) => Service.start({ users, env: { ...PUBLIC, CARDEA_ACCOUNTS: database.url({ schema: at }), CARDEA_SESSIONS: database.url({ schema: at }), CARDEA_MASTER_KEY_FILE: key, ...env } });
    /** Start a node that must be refused; what it says. */
    async function refused(at, env) {
        let running;
        try { running = await node(at, env); } catch (e) { return e.message; }
        await running.end();
        assert.fail('it was let in');
    }
    /** Wait for an answer: another node hears of a change soon. */
    async function until(status, ask) {
        for (const deadline = Date.now() + 20_000; ;) {
            const r = await ask();
            if (r.status === status) return r;
            assert.ok(Date.now() < deadline, `still ${r.status}, not ${status}`);
        }
    }

    test('what one does holds at the other', async () => {
        const at = schema();
        const a = await node(at, {}, [{ name: 'alice' }, { name: 'root', roles: ['admin'] }]), b = await node(at);
        try {
            assert.deepEqual(readdirSync(a.state).filter((n) => n.includes('.db')), [], 'a database file beside PostgreSQL');
            assert.ok(!existsSync(join(a.state, 'master.key')));
            const web = await a.login('alice'), mobile = await a.login('alice', { app: 'mobile' });
            assert.equal((await b.verify({ jar: web.jar })).headers['x-auth-session'], web.sid);
            assert.equal((await b.verify({ headers: bearer(mobile.access) })).headers['x-auth-session'], mobile.sid);
            const [ka, kb] = await Promise.all([a, b].map((s) => s.request('/.well-known/jwks.json')));
            assert.deepEqual(ka.json, kb.json);
            // a refresh there, its grace here: one successor
            const answers = await Promise.all([a, b, a, b].map((s) => s.request('/v1/refresh', { json: { refresh_token: mobile.refresh } })));
            assert.deepEqual(answers.map((r) => r.status), [200, 200, 200, 200]);
            assert.equal(new Set(answers.map((r) => r.json.refresh_token)).size, 1);
            // an end here is one there
            assert.equal((await b.request('/v1/logout', { method: 'POST', headers: bearer(mobile.access) })).status, 204);
            assert.equal((await b.verify({ headers: bearer(mobile.access) })).status, 401);
            await until(401, () => a.verify({ headers: bearer(mobile.access) }));
            assert.equal((await a.request('/v1/refresh', { json: { refresh_token: answers[0].json.refresh_token } })).status, 401);
            assert.equal((await a.verify({ jar: web.jar })).status, 204);
            assert.equal(b.cli(['user', 'logout', 'alice']).status, 0);
            await until(401, () => a.verify({ jar: web.jar }));
            // a command at a node whose service stands still writes to the same database
            await b.stop();
            assert.equal(b.command(['user', 'show', 'alice']).user.username, 'alice');
            b.addUser({ name: 'bob' });
            await a.login('bob');
            await b.launch();
            await b.login('bob');
        } finally {
            await a.end();
            await b.end();
        }
        assert.equal(database.sql(`SELECT count(*) FROM ${at}.verifier`), '0', 'a node that has ended stands in the registry');
        assert.equal(database.sql(`SELECT count(*) FROM ${at}.journal WHERE type = 'started'`), '3');
    });

    test('of two that start at once on an empty database one makes the keys', async () => {
        const at = schema();
        const both = await Promise.all([node(at), node(at)]);
        try {
            const [ka, kb] = await Promise.all(both.map((s) => s.request('/.well-known/jwks.json')));
            assert.deepEqual(ka.json, kb.json);
            const keys = (schema) => database.sql(`SELECT usage, state, count(*) FROM ${schema}.keyring GROUP BY 1, 2 ORDER BY 1, 2`);
            const alone = await node(`${at}_alone`);
            await alone.end();
            assert.equal(keys(at), keys(`${at}_alone`), 'more keys than one node makes');
        } finally {
            for (const s of both) await s.end();
        }
    });

    test('a master key is made for an empty database, and never beside existing keys', async () => {
        const at = schema(), state = temporary();
        const env = { ...PUBLIC, CARDEA_ACCOUNTS: database.url({ schema: at }) };
        assert.equal(run(['user', 'list', '--state', state], { env }).status, 3, 'there is no installation yet');
        assert.equal(JSON.parse(run(['init', '--state', state, '--json'], { env }).stdout).created, true);
        assert.ok(existsSync(join(state, 'master.key')));
        assert.equal(JSON.parse(run(['init', '--state', state, '--json'], { env }).stdout).created, false);
        const other = temporary();
        const refusal = run(['init', '--state', other], { env });
        assert.notEqual(refusal.status, 0);
        assert.match(refusal.stderr, /holds an installation already.*master key/);
        assert.ok(!existsSync(join(other, 'master.key')));
        writeFileSync(join(other, 'master.key'), `${Buffer.alloc(32, 9).toString('base64url')}\n`, { mode: 0o600 });
        assert.match(run(['init', '--state', other], { env }).stderr, /another master key/);
        for (const s of [state, other]) rmSync(s, { recursive: true, force: true });
    });

    test('sessions of one node alone are refused beside another, both ways round', async () => {
        const at = schema();
        const shared = await node(at);
        try {
            assert.match(await refused(at, { CARDEA_SESSIONS: 'memory' }), /this node would keep them for itself/);
            assert.match(await refused(at, { CARDEA_SESSIONS: `sqlite:${folder}/sessions.db` }), /this node would keep them for itself/);
            assert.match(await refused(at, { CARDEA_SESSIONS: database.url({ schema: `${at}_b` }) }), /must name the same/);
        } finally {
            await shared.end();
        }
        const alone = await node(at, { CARDEA_SESSIONS: 'memory', CARDEA_LEASE: '1' }, [{ name: 'alice', password: PASSWORD }]);
        try {
            assert.match(await refused(at, {}), /keeps its sessions for itself/);
            await alone.login('alice');
            // after a crash its record stands there for a lease, and then no more
            await alone.restart('SIGKILL');
            await alone.login('alice');
            assert.equal(database.sql(`SELECT count(*) FROM ${at}.verifier`), '1');
        } finally {
            await alone.end();
        }
        const again = await node(at); // nobody is left
        await again.end();
    });

    test('a node that slept while another took its place answers nobody until that one has gone', async () => {
        const at = schema(), env = { CARDEA_SESSIONS: 'memory', CARDEA_LEASE: '1' };
        const first = await node(at, env, [{ name: 'alice' }]);
        try {
            const { jar } = await first.login('alice');
            first.child.kill('SIGSTOP');
            const second = await node(at, env);
            try {
                first.child.kill('SIGCONT');
                assert.equal((await first.verify({ jar })).status, 503);
                for (const deadline = Date.now() + 10_000; !first.output.includes('taken for dead');) {
                    assert.ok(Date.now() < deadline, 'it does not say why');
                    assert.equal((await first.verify({ jar })).status, 503);
                }
                assert.equal(database.sql(`SELECT count(*) FROM ${at}.verifier`), '1');
            } finally {
                await second.end();
            }
            await until(204, () => first.verify({ jar }));
        } finally {
            first.child.kill('SIGCONT');
            await first.end();
        }
    });

    test('the configuration is checked', () => {
        const check = (env) => run(['config', 'check', '--state', folder], { env });
        assert.match(check({ CARDEA_ACCOUNTS: 'postgres://u:secret@h/d' }).stderr, /a password does not belong into a URL/);
        assert.doesNotMatch(check({ CARDEA_ACCOUNTS: 'postgres://u:secret@h/d' }).stderr, /secret/);
        assert.match(check({ CARDEA_ACCOUNTS: 'postgres://h/d?nothing=1' }).stderr, /no URL of a PostgreSQL database/);
        assert.match(check({ CARDEA_ACCOUNTS: 'redis://h/0' }).stderr, /keeps sessions only/);
        const good = check({ CARDEA_ACCOUNTS: 'postgres://h/d', CARDEA_SESSIONS: 'redis://h/0' });
        assert.equal(good.status, 0, good.stderr);
        const down = run(['init', '--state', folder], { env: { CARDEA_ACCOUNTS: `postgres:///d?host=${folder}` } });
        assert.match(down.stderr, /^cardea: PostgreSQL: /);
        assert.notEqual(down.status, 0);
    });
});
