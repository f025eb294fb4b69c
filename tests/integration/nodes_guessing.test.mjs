// Do several nodes give a guesser as many guesses as one? Two real nodes on PostgreSQL, their sessions in each engine that nodes can share.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PASSWORD, Service, temporary } from './lib/service.mjs';
import { MemcachedStore, PostgresStore, RedisStore, memcachedThere, postgresThere, redisThere } from './lib/stores.mjs';

const FREE = 5;

describe('guessing at several nodes', { skip: !postgresThere && 'PostgreSQL 15 is not installed' }, () => {
    let database, folder, key, number = 0;
    before(async () => {
        database = await PostgresStore.start();
        folder = temporary('cardea-guessing-');
        key = join(folder, 'shared.key');
        writeFileSync(key, randomBytes(32).toString('base64url'), { mode: 0o600 });
    });
    after(async () => {
        rmSync(folder, { recursive: true, force: true });
        await database.end();
    });

    async function nodes(sessions) {
        const accounts = database.url(`guessing_${++number}`);
        const start = (users) => Service.start({
            settings: { trusted_proxies: ['127.0.0.1'], apps: { web: 'web' } }, users,
            env: { CARDEA_PUBLIC_URL: 'http://localhost:8471', CARDEA_ACCOUNTS: accounts, CARDEA_SESSIONS: sessions ?? accounts, CARDEA_MASTER_KEY_FILE: key },
        });
        const first = await start(['alice', 'bob'].map((name) => ({ name })));
        return [first, await start([])];
    }
    const attempt = (node, username, password, address) => node.request('/v1/login', { json: { username, password }, headers: { 'X-Forwarded-For': address } });
    const wrong = async (node, username, address) => (await attempt(node, username, 'certainly not this one', address)).status;

    async function counted(both) {
        let let_through = 0;
        for (let i = 0; i < 24; i++) {
            const status = await wrong(both[i % 2], 'alice', '203.0.113.1');
            assert.ok([401, 429].includes(status), String(status));
            let_through += status === 401;
        }
        // one node alone: five; two that do not know of each other: ten, and more as the first waits are over
        assert.ok(let_through >= FREE && let_through <= FREE + 3, `${let_through} guesses were let through`);
        // the owner notices nothing, at either node; and what one node began holds at the other
        for (const [i, node] of both.entries()) {
            const login = await attempt(node, 'alice', PASSWORD, `198.51.100.${i + 1}`);
            assert.equal(login.status, 200, login.text);
        }
    }
    async function run(sessions, then) {
        const both = await nodes(sessions);
        try {
            await counted(both);
            await then?.(both);
        } finally {
            for (const n of both) await n.end();
        }
    }

    test('sessions in PostgreSQL', () => run(undefined));

    test('sessions in Redis; a Redis that hangs neither locks out nor lets through more', { skip: !redisThere && 'Redis is not installed' }, async () => {
        const store = await RedisStore.start();
        try {
            await run(store.url, async (both) => {
                process.kill(store.child.pid, 'SIGSTOP');
                let let_through = 0;
                for (let i = 0; i < 10; i++) let_through += (await wrong(both[0], 'bob', '203.0.113.9')) === 401;
                process.kill(store.child.pid, 'SIGCONT');
                assert.ok(let_through >= FREE && let_through <= FREE + 2, `${let_through} guesses were let through`);
                assert.match(both[0].output, /failed logins are counted by this node alone/);
            });
        } finally {
            await store.end();
        }
    });

    test('sessions in Memcached, which says what it may lose', { skip: !memcachedThere && 'Memcached is not installed' }, async () => {
        const store = await MemcachedStore.start();
        try {
            await run(store.url, async (both) => {
                assert.match(both[0].output, /sessions are kept in Memcached \(1 of 1 servers reached, 64 MB\): a restart of a server logs out everybody/);
                const login = await both[0].login('bob');
                assert.equal((await both[1].verify({ jar: login.jar })).status, 204);
            });
        } finally {
            await store.end();
        }
    });
});
