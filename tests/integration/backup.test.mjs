// cardea backup and restore: a backup of a busy service is whole and of one moment; what is restored is a new incarnation, in which nothing
// counts that was handed out before, wherever its record is.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Caller, bearer, eventually } from './lib/credentials.mjs';
import { PASSWORD, Service, program, temporary } from './lib/service.mjs';
import { PostgresStore, RedisStore, postgresThere, redisThere } from './lib/stores.mjs';

const APPS = ['web', 'spa', 'mobile', 'sealed'];

async function installation({ accounts, sessions, users = ['alice', 'bob'], ...more } = {}) {
    const state = more.state ?? temporary('cardea-backup-');
    const home = `sqlite:${state}/cardea.db`;
    return Service.start({ state, users: users.map((name) => ({ name })), env: { CARDEA_ACCOUNTS: accounts ?? home, CARDEA_SESSIONS: sessions ?? accounts ?? home }, ...more });
}

/** A folder with nothing but a master key, where an installation is to be restored. */
function freshFolder(from, key = readFileSync(join(from, 'master.key'))) {
    const state = temporary('cardea-restored-');
    writeFileSync(join(state, 'master.key'), key, { mode: 0o600 });
    return state;
}

/** The service as it would be with another state folder: for commands, and to launch. */
function at(service, state) {
    const home = `sqlite:${state}/cardea.db`;
    return Object.assign(new Service(), { state, port: service.port, url: service.url, env: { ...service.env, CARDEA_ACCOUNTS: home, CARDEA_SESSIONS: home } });
}

/** The command beside a test that goes on meanwhile. */
function beside(service, args) {
    return new Promise((done) => {
        const child = spawn(program, [...args, '--json', ...service.commonArgs], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...service.env } });
        let stdout = '', stderr = '';
        child.stdout.on('data', (d) => { stdout += d; });
        child.stderr.on('data', (d) => { stderr += d; });
        child.on('exit', (status) => done({ status, stderr, json: status === 0 ? JSON.parse(stdout) : undefined }));
    });
}

async function logins(service, users = ['alice', 'bob']) {
    const callers = [];
    for (const app of APPS)
        for (const user of users) callers.push(await Caller.login(service, user, { app }));
    return callers;
}

async function apiKey(caller, name) {
    const made = await caller.request('/v1/api-keys', { json: { name } });
    assert.equal(made.status, 201, made.text);
    return made.json;
}

/** At the restored service: nothing of before but the users and the keys. */
async function allEnded(service, callers) {
    for (const c of callers) {
        c.service = service;
        assert.equal((await c.verify()).status, 401, `${c.app} of before is refused`);
        if (c.refresh) assert.equal((await c.rotate()).status, 401, `${c.app}: so is its refresh token`);
    }
}

test('a backup of a busy service, restored elsewhere: users are there, and nobody is logged in', { timeout: 180_000 }, async () => {
    const service = await installation();
    let restored, state;
    try {
        const before = await logins(service);
        const kept = await apiKey(before[0], 'kept'), revoked = await apiKey(before[0], 'revoked later');
        // users come and go while backups are made, one after another
        let busy = true, rounds = 0;
        const load = ['alice', 'bob', 'alice', 'bob'].map(async (name) => {
            while (busy) {
                const c = await Caller.login(service, name);
                assert.equal((await c.verify()).status, 204);
                assert.equal((await c.request('/v1/logout', { method: 'POST' })).status, 204);
                rounds++;
            }
        });
        const made = [];
        while (rounds < 20 || made.length < 3) {
            const file = join(service.state, `backup-${made.length}`), r = await beside(service, ['backup', file]);
            assert.equal(r.status, 0, r.stderr);
            assert.equal(statSync(file).mode & 0o777, 0o600);
            made.push({ file, ...r.json });
        }
        busy = false;
        await Promise.all(load);
        const last = made.at(-1);
        assert.ok(last.journal > made[0].journal, 'each is of its own moment');
        assert.equal(last.users, 2);
        assert.equal(last.api_keys, 2);
        assert.deepEqual(readdirSync(service.state).filter((n) => n.startsWith('.') && n !== '.gitignore'), [], 'nothing half made is left');
        const again = service.cli(['backup', last.file]);
        assert.equal(again.status, 5, again.stderr);

        // what comes after the backup is forgotten by the restore
        const after = await logins(service);
        service.command(['apikey', 'revoke', revoked.id]);
        service.addUser({ name: 'dora' });
        after.push(await Caller.login(service, 'dora'), await Caller.login(service, 'dora', { app: 'mobile' }));
        assert.equal(service.cli(['restore', last.file]).status, 4, 'not while the service runs');
        await service.stop();
        assert.equal(service.cli(['restore', last.file]).status, 5, 'nor over an installation');

        state = freshFolder(service.state);
        restored = at(service, state);
        const first = restored.command(['restore', made[0].file]);
        assert.equal(first.aside, null);
        const refused = restored.cli(['restore', last.file]);
        assert.equal(refused.status, 5, refused.stderr);
        const second = restored.command(['restore', last.file, '--replace']);
        assert.ok(second.incarnation > first.incarnation);
        assert.equal(second.journal, last.journal);
        assert.equal(second.aside, `${state}/cardea.db.before-${second.incarnation}`);
        assert.ok(statSync(second.aside).size > 0);
        await restored.launch();
        await allEnded(restored, [...before, ...after]);
        assert.equal((await restored.verify({ headers: bearer(kept.key) })).status, 204);
        assert.equal((await restored.verify({ headers: bearer(revoked.key) })).status, 204, 'as it was at the backup: docs/backup.md says so');
        for (const c of await logins(restored)) {
            assert.equal((await c.verify()).status, 204);
            if (c.refresh) assert.equal((await c.rotate()).status, 200);
        }
        const dora = await restored.request('/v1/login', { json: { username: 'dora', password: PASSWORD } });
        assert.equal(dora.status, 401);
        restored.command(['audit', '--verify']);
        const event = restored.command(['audit', '--type', 'restored']).items[0];
        assert.equal(event.detail.incarnation, second.incarnation);
        assert.match(event.actor, /^operator:/);
        // once more of the same file: a newer incarnation, and what the one before handed out is dead
        const between = await logins(restored);
        await restored.stop();
        const third = restored.command(['restore', last.file, '--replace']);
        assert.ok(third.incarnation > second.incarnation);
        await restored.launch();
        await allEnded(restored, [...between, ...before]);
        await restored.end();
        restored = undefined;
    } finally {
        if (restored?.child) await restored.stop();
        if (state) rmSync(state, { recursive: true, force: true });
        await service.end();
    }
});

test('with sessions in Redis the records of before lie there, dead', { skip: !redisThere, timeout: 120_000 }, async () => {
    const redis = await RedisStore.start();
    let service;
    try {
        service = await installation({ sessions: redis.url });
        const before = await logins(service), file = join(service.state, 'backup');
        service.command(['backup', file]);
        const after = await logins(service);
        await service.stop();
        service.command(['restore', file, '--replace']);
        assert.equal(redis.sessions, before.length + after.length, 'a restore leaves another engine alone');
        await service.launch();
        await allEnded(service, [...before, ...after]);
        const now = await logins(service);
        for (const c of now) assert.equal((await c.verify()).status, 204);
        await service.restart();
        await allEnded(service, [...before, ...after]);
        for (const c of now) assert.equal((await c.verify()).status, 204);
        assert.equal((await now[0].request('/v1/logout/all', { method: 'POST' })).status, 204);
        assert.equal((await now[0].verify()).status, 401);
        service.command(['audit', '--verify']);
    } finally {
        await service?.end();
        await redis.end();
    }
});

test('accounts in PostgreSQL are backed up and restored too, and go into SQLite as well', { skip: !postgresThere, timeout: 120_000 }, async () => {
    const postgres = await PostgresStore.start();
    let state, service;
    try {
        service = await installation({ accounts: postgres.url() });
        const before = await logins(service), file = join(service.state, 'backup');
        const made = service.command(['backup', file]);
        const after = await logins(service);
        service.addUser({ name: 'dora' });
        await service.stop();
        assert.equal(service.cli(['restore', file]).status, 5);
        const r = service.command(['restore', file, '--replace']);
        assert.equal(r.journal, made.journal);
        assert.equal(postgres.ask('SELECT count(*) FROM cardea.session'), '0');
        await service.launch();
        await allEnded(service, [...before, ...after]);
        const now = await logins(service);
        for (const c of now) assert.equal((await c.verify()).status, 204);
        assert.equal(service.command(['user', 'list']).items.length, 2);
        service.command(['audit', '--verify']);
        await service.stop();
        state = freshFolder(service.state);
        at(service, state).command(['restore', file]);
        const list = at(service, state).command(['user', 'list']);
        assert.deepEqual(list.items.map((u) => u.username).sort(), ['alice', 'bob']);
    } finally {
        if (state) rmSync(state, { recursive: true, force: true });
        await service?.end();
        await postgres.end();
    }
});

test('what is no backup, or not of this master key, is refused before anything is written', { timeout: 120_000 }, async () => {
    const service = await installation({ users: ['alice'] }), folders = [];
    const refused = (status, pattern, args, state = service.state) => {
        const r = at(service, state).cli(args);
        assert.equal(r.status, status, r.stderr + r.stdout);
        assert.match(r.stderr, pattern);
    };
    try {
        const login = await Caller.login(service, 'alice'), file = join(service.state, 'backup');
        refused(1, /can not be made/, ['backup', '/no/such/folder/backup']);
        service.command(['backup', file]);
        await service.stop();
        const other = freshFolder(service.state, randomBytes(32).toString('base64url') + '\n'), none = temporary(), good = freshFolder(service.state);
        folders.push(other, none, good);
        refused(1, /does not belong to this backup/, ['restore', file], other);
        refused(3, /needs the master key/, ['restore', file], none);
        assert.deepEqual(readdirSync(other).filter((n) => n.includes('.db') || n.includes('restore')), []);
        assert.deepEqual(readdirSync(none), []);
        refused(3, /No such file/, ['restore', join(none, 'nothing')], good);
        refused(1, /no backup/, ['restore', join(service.state, 'cardea.db')], good);
        refused(1, /no backup/, ['restore', join(service.state, 'master.key')], good);
        copyFileSync(file, join(none, 'cut'));
        truncateSync(join(none, 'cut'), 20_000);
        refused(1, /damaged|no backup/, ['restore', join(none, 'cut')], good);
        assert.deepEqual(readdirSync(good).filter((n) => n.includes('.db') || n.includes('restore')), []);
        // and the installation itself, refused its own backup without --replace, goes on as if nothing had been asked
        refused(5, /--replace/, ['restore', file]);
        await service.launch();
        assert.equal((await login.verify()).status, 204);
    } finally {
        for (const f of folders) rmSync(f, { recursive: true, force: true });
        await service.end();
    }
});

test('a restore that is killed leaves what was there, and the next one is not in its way', { timeout: 180_000 }, async () => {
    const service = await installation({ users: ['alice'] }), file = join(service.state, 'backup'), part = join(service.state, '.cardea.db.part');
    const KEYS = 40_000;
    try {
        const login = await Caller.login(service, 'alice');
        await service.stop();
        // so many that it takes a while
        service.sql(`WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${KEYS})
            INSERT INTO api_key (id, user_id, digest, created_at_ms, expires_at_ms, name, scopes) SELECT randomblob(16), (SELECT id FROM user), randomblob(32), n, 0, 'key', '' FROM i`);
        assert.equal(service.command(['backup', file]).api_keys, KEYS);
        const child = spawn(program, ['restore', file, '--replace', ...service.commonArgs], { stdio: 'ignore', env: { ...process.env, ...service.env } });
        const gone = new Promise((done) => child.on('exit', (code, signal) => done(signal)));
        await eventually('it writes', () => existsSync(`${part}-wal`) && statSync(`${part}-wal`).size > 1 << 20, 60_000);
        child.kill('SIGKILL');
        assert.equal(await gone, 'SIGKILL');
        assert.ok(existsSync(part));
        await service.launch();
        assert.equal((await login.verify()).status, 204, 'as if nothing had been asked');
        service.command(['audit', '--verify']);
        await service.stop();
        assert.equal(service.command(['restore', file, '--replace']).api_keys, KEYS);
        assert.deepEqual(readdirSync(service.state).filter((n) => n.includes('.part')), []);
        await service.launch();
        assert.equal((await login.verify()).status, 401);
    } finally {
        await service.end();
    }
});
