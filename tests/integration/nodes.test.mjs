// Are several services on one PostgreSQL database one installation? Two real nodes, a real server; and what may not run side by side is refused at start, with the reason.
import { describe, test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Postgres, postgresInstalled } from './lib/postgres.mjs';
import { Service, run, temporary } from './lib/service.mjs';

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
