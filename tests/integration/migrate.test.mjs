// cardea migrate: an installation goes from one engine to another. Nothing is lost, nobody is logged out, nothing that was ended comes
// back; and whatever ends the program in between leaves the source as it was.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Caller, bearer, decode, eventually } from './lib/credentials.mjs';
import { Service, program, run, temporary } from './lib/service.mjs';
import { PostgresStore, RedisStore, postgresThere, redisThere } from './lib/stores.mjs';

/** What an installation on SQLite is, whichever engine the tests run over. */
const sqlite = (state) => ({ CARDEA_ACCOUNTS: `sqlite:${state}/cardea.db`, CARDEA_SESSIONS: `sqlite:${state}/cardea.db` });

async function installation(users = ['alice', 'bob', 'carol']) {
    const state = temporary('cardea-migrate-');
    return Service.start({ state, users: users.map((name) => ({ name })), env: sqlite(state) });
}

/** Every kind of credential, some of them ended already. */
async function credentials(service) {
    const held = { good: {}, ended: {} };
    held.good.cookie = await Caller.login(service, 'alice');
    held.good.cookies = await Caller.login(service, 'alice', { app: 'spa' });
    held.good.token = await Caller.login(service, 'alice', { app: 'mobile' });
    held.good.sealed = await Caller.login(service, 'alice', { app: 'sealed' });
    await held.good.token.rotate();
    const made = await held.good.cookie.request('/v1/api-keys', { json: { name: 'kept' } });
    assert.equal(made.status, 201);
    held.good.key = { verify: () => service.verify({ headers: bearer(made.json.key) }) };
    held.ended.logout = await Caller.login(service, 'alice');
    assert.equal((await held.ended.logout.request('/v1/logout', { method: 'POST' })).status, 204);
    held.ended.logout.jar = held.ended.logout.jar.copy();
    held.ended.suspended = await Caller.login(service, 'bob', { app: 'mobile' });
    service.command(['user', 'suspend', 'bob']);
    held.ended.everywhere = await Caller.login(service, 'carol', { app: 'mobile' });
    service.command(['user', 'logout', 'carol']);
    held.ended.jti = await Caller.login(service, 'carol', { app: 'service' });
    service.command(['token', 'revoke', decode(held.ended.jti.access).claims.jti]);
    const revoked = await held.good.cookie.request('/v1/api-keys', { json: { name: 'revoked' } });
    service.command(['apikey', 'revoke', revoked.json.id]);
    held.ended.key = { verify: () => service.verify({ headers: bearer(revoked.json.key) }) };
    return held;
}

async function check(service, held) {
    for (const [name, c] of Object.entries(held.good)) assert.equal((await c.verify()).status, 204, `${name} is good`);
    for (const [name, c] of Object.entries(held.ended)) assert.equal((await c.verify()).status, 401, `${name} is ended`);
    // refresh tokens rotate; one that was used before ends its session
    assert.equal((await held.good.cookies.rotate()).status, 200);
    assert.equal((await held.good.token.rotate()).status, 200);
    const thief = await Caller.login(service, 'alice', { app: 'mobile' });
    service.thieves.push({ thief, stolen: thief.refresh });
    await thief.rotate();
    await thief.rotate();
    service.command(['audit', '--verify']);
}

/** What was stolen before the move is noticed after it. */
async function catchThieves(service) {
    for (const { thief, stolen } of service.thieves.splice(0)) {
        const good = await thief.rotate();
        assert.equal(good.status, 200, good.text);
        assert.equal((await service.request('/v1/refresh', { json: { refresh_token: stolen } })).status, 401);
        assert.equal((await thief.rotate()).status, 401, 'its session has ended');
    }
}

const migrate = (service, from, to, ...more) => service.command(['migrate', '--from', from, '--to', to, ...more]);

async function move(service, from, to, env, ...more) {
    await service.stop();
    const done = migrate(service, from, to, ...more);
    Object.assign(service.env, env);
    await service.launch();
    await catchThieves(service);
    return done;
}

test('from SQLite to PostgreSQL and back, everything moves', { skip: !postgresThere, timeout: 120_000 }, async () => {
    const service = await installation(), postgres = await PostgresStore.start();
    service.thieves = [];
    try {
        const held = await credentials(service), home = service.env.CARDEA_ACCOUNTS, url = postgres.url();
        await check(service, held);
        const there = await move(service, home, url, { CARDEA_ACCOUNTS: url, CARDEA_SESSIONS: url });
        assert.equal(there.moved.users, 3);
        assert.equal(there.moved.api_keys, 1);
        assert.ok(there.checked && there.moved.sessions >= 5 && there.moved.journal > 20, JSON.stringify(there));
        await check(service, held);
        held.good.later = await Caller.login(service, 'carol');
        const back = `sqlite:${service.state}/back.db`;
        const home2 = await move(service, url, back, { CARDEA_ACCOUNTS: back, CARDEA_SESSIONS: back });
        assert.ok(home2.moved.journal > there.moved.journal);
        await check(service, held);
    } finally {
        await service.end();
        await postgres.end();
    }
});

test('from SQLite to Redis and back, the sessions move', { skip: !redisThere, timeout: 120_000 }, async () => {
    const service = await installation(), redis = await RedisStore.start();
    service.thieves = [];
    try {
        const held = await credentials(service), home = service.env.CARDEA_ACCOUNTS;
        await check(service, held);
        const there = await move(service, home, redis.url, { CARDEA_SESSIONS: redis.url });
        assert.equal(there.moved.users, undefined);
        assert.ok(there.checked && there.moved.sessions >= 5, JSON.stringify(there));
        await check(service, held);
        held.ended.meanwhile = held.good.cookie; // its old record is still in SQLite
        delete held.good.cookie;
        assert.equal((await held.ended.meanwhile.request('/v1/logout', { method: 'POST' })).status, 204);
        await service.stop();
        const refused = service.cli(['migrate', '--from', redis.url, '--to', home]);
        assert.equal(refused.status, 5, refused.stderr);
        assert.match(refused.stderr, /holds sessions already.*--replace-sessions/);
        await service.launch();
        await move(service, redis.url, home, { CARDEA_SESSIONS: home }, '--replace-sessions');
        await check(service, held);
    } finally {
        await service.end();
        await redis.end();
    }
});

test('what may not be moved is refused', { timeout: 120_000 }, async () => {
    const service = await installation(['alice']);
    const home = service.env.CARDEA_ACCOUNTS, aside = `sqlite:${service.state}/aside.db`;
    const refused = (status, pattern, ...args) => {
        const r = service.cli(['migrate', ...args]);
        assert.equal(r.status, status, r.stderr + r.stdout);
        assert.match(r.stderr, pattern);
    };
    try {
        await Caller.login(service, 'alice');
        refused(4, /runs: stop it first/, '--from', home, '--to', aside);
        const elsewhere = temporary();
        const r = run(['migrate', '--from', home, '--to', `sqlite:${elsewhere}/x.db`, '--state', join(elsewhere, 'none')]);
        assert.equal(r.status, 4, r.stderr); // of another installation, as seen from here
        assert.match(r.stderr, /in use: stop its service first/);
        rmSync(elsewhere, { recursive: true });
        await service.stop();
        refused(2, /needs --from URL and --to URL/, '--from', home);
        refused(2, /--only takes/, '--from', home, '--to', aside, '--only', 'users');
        refused(2, /no such engine/, '--from', home, '--to', 'oracle://x');
        refused(2, /its own process alone/, '--from', home, '--to', 'memory');
        refused(5, /same store/, '--from', home, '--to', home);
        refused(5, /same store/, '--from', home, '--to', `sqlite:${service.state}/./cardea.db`);
        refused(3, /there is no database/, '--from', `sqlite:${service.state}/no.db`, '--to', aside);
        migrate(service, home, aside);
        refused(5, /holds an installation already/, '--from', home, '--to', aside);
        refused(5, /holds sessions already/, '--from', home, '--to', aside, '--only', 'sessions');
        migrate(service, home, aside, '--only', 'sessions', '--replace-sessions');
    } finally {
        await service.launch();
        await service.end();
    }
});

test('a node that runs on the database, wherever it is, is noticed', { skip: !postgresThere, timeout: 120_000 }, async () => {
    const postgres = await PostgresStore.start(), elsewhere = temporary('cardea-elsewhere-');
    const state = temporary('cardea-migrate-'), url = postgres.url();
    let node;
    try {
        node = await Service.start({ state, users: [{ name: 'alice' }], env: { CARDEA_ACCOUNTS: url, CARDEA_SESSIONS: url } });
        const file = join(elsewhere, 'backup'), to = `sqlite:${elsewhere}/cardea.db`;
        node.command(['backup', file]);
        copyFileSync(join(state, 'master.key'), join(elsewhere, 'master.key'));
        const there = (...args) => run([...args, '--state', elsewhere], { env: { ...node.env } });
        for (const args of [['migrate', '--from', url, '--to', to], ['restore', file, '--replace']]) {
            const r = there(...args);
            assert.equal(r.status, 4, r.stderr + r.stdout);
            assert.match(r.stderr, /the node .* runs on this database: stop every node first/);
        }
        await node.kill(); // it can not take itself out of the registry: that it is dead shows in its lease
        const moved = there('migrate', '--from', url, '--to', to);
        assert.equal(moved.status, 0, moved.stderr);
        assert.equal(there('restore', file, '--replace').status, 0);
        await node.launch();
    } finally {
        await node?.end();
        await postgres.end();
        rmSync(elsewhere, { recursive: true, force: true });
    }
});

/** So many sessions of nobody in particular, behind the stopped service's back. */
const fill = (service, count) => service.sql(`WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${count})
    INSERT INTO session (sid, user_id, epoch, kind, remember, created_at_ms, authenticated_at_ms, last_seen_at_ms, expires_at_ms, idle_ms, sweep_at_ms, secret_digest,
    generation, refresh_digest, previous_digest, refresh_nonce, rotated_at_ms, app, ip, user_agent)
    SELECT randomblob(16), randomblob(16), 1, 1, 1, ${Date.now()}, ${Date.now()}, ${Date.now()}, ${Date.now() + 86_400_000}, 0, ${Date.now() + 86_400_000}, randomblob(32), 0, x'', x'', x'', 0, 'web', x'', 'test' FROM i`);

async function killedIn(service, from, to, started) {
    const child = spawn(program, ['migrate', '--from', from, '--to', to, ...service.commonArgs], { stdio: 'ignore', env: { ...process.env, ...service.env } });
    const gone = new Promise((done) => child.on('exit', (code, signal) => done(signal)));
    await eventually('the copy has begun', started, 30_000);
    child.kill('SIGKILL');
    assert.equal(await gone, 'SIGKILL', 'it was killed before it was done');
}

test('killed in the middle, it leaves the source as it was, and a target that is empty or refused', { skip: !postgresThere || !redisThere, timeout: 240_000 }, async () => {
    const service = await installation(['alice']), postgres = await PostgresStore.start(), redis = await RedisStore.start();
    service.thieves = [];
    const COUNT = 30_000;
    try {
        const login = await Caller.login(service, 'alice');
        await service.stop();
        fill(service, COUNT);
        const home = service.env.CARDEA_ACCOUNTS, aside = `sqlite:${service.state}/aside.db`, journal = service.sql('SELECT count(*), max(n) FROM journal').rows;

        await killedIn(service, home, redis.url, () => redis.sessions > 1000);
        assert.ok(redis.sessions <= COUNT, 'a part is there');
        const refused = service.cli(['migrate', '--from', home, '--to', redis.url]);
        assert.equal(refused.status, 5, refused.stderr);
        assert.equal(migrate(service, home, redis.url, '--replace-sessions').moved.sessions, COUNT + 1);
        assert.equal(redis.sessions, COUNT + 1);

        const writing = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND query LIKE 'INSERT INTO session%'";
        await killedIn(service, home, postgres.url(), () => Number(postgres.ask(writing)) > 0);
        await eventually('its transaction is gone', () => Number(postgres.ask(writing)) === 0);
        assert.equal(postgres.ask('SELECT (SELECT count(*) FROM cardea.session) + (SELECT count(*) FROM cardea.journal) + (SELECT count(*) FROM cardea."user")'), '0');
        assert.equal(migrate(service, home, postgres.url()).moved.sessions, COUNT + 1);

        await killedIn(service, home, aside, () => existsSync(`${service.state}/aside.db-wal`) && statSync(`${service.state}/aside.db-wal`).size > 1 << 20);
        assert.equal(migrate(service, home, aside).moved.sessions, COUNT + 1);

        assert.deepEqual(service.sql('SELECT count(*) FROM session').rows, [[COUNT + 1]]);
        assert.deepEqual(service.sql('SELECT count(*), max(n) FROM journal').rows, journal);
        await service.launch();
        assert.equal((await login.verify()).status, 204);
        service.command(['audit', '--verify']);
    } finally {
        await service.end();
        await postgres.end();
        await redis.end();
    }
});
