// Sessions in Memcached, which can not say what it holds, forgets, and hangs: what do clients see?
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Service, run } from './lib/service.mjs';
import { MemcachedStore, memcachedThere } from './lib/stores.mjs';

describe('sessions in Memcached', { skip: !memcachedThere && 'Memcached is not installed' }, () => {
    let store, service;
    before(async () => {
        store = await MemcachedStore.start();
        service = await Service.start({ users: [{ name: 'alice' }], env: { CARDEA_SESSIONS: store.url } });
    });
    after(async () => {
        await service?.end();
        await store?.end();
    });

    /** One command of Memcached's, to the end of its answer. */
    const ask = (command, end) => new Promise((done, fail) => {
        let said = '';
        const s = net.connect(store.socket, () => s.write(`${command}\r\n`));
        s.on('data', (d) => { said += d; if (said.endsWith(`${end}\r\n`)) { s.destroy(); done(said); } });
        s.on('error', fail);
    });
    const reads = async () => Number(/STAT cmd_get (\d+)/.exec(await ask('stats', 'END'))[1]);
    const refresh = (token) => service.request('/v1/refresh', { json: { refresh_token: token } });

    test('a service that was started again learns each session once, and then asks no more', async () => {
        const web = await service.login('alice'), mobile = await service.login('alice', { app: 'mobile' });
        await service.restart();
        const unknown = await reads();
        assert.equal((await service.verify({ jar: web.jar })).status, 204);
        const known = await reads();
        assert.ok(known > unknown, 'the store was not asked for a session that the service can not know');
        for (let i = 0; i < 50; i++) assert.equal((await service.verify({ jar: web.jar })).status, 204);
        assert.equal(await reads(), known, 'a check of a known session asked the store');
        assert.equal((await refresh(mobile.refresh)).status, 200);
        const devices = await service.request('/v1/sessions', { jar: web.jar });
        assert.deepEqual(new Set(devices.json.items.map((s) => s.sid)), new Set([web.sid, mobile.sid]));
    });

    test('what ended stays so, in a service that was started again too', async () => {
        const web = await service.login('alice');
        assert.equal((await service.verify({ jar: web.jar })).status, 204);
        assert.equal((await service.request('/v1/logout', { method: 'POST', jar: web.jar, csrf: web.csrf })).status, 204);
        await service.restart();
        assert.equal((await service.verify({ jar: web.jar })).status, 401);
    });

    test('a Memcached that hangs: what is known goes on, a login is 503 soon', async () => {
        const web = await service.login('alice');
        process.kill(store.child.pid, 'SIGSTOP');
        try {
            assert.equal((await service.verify({ jar: web.jar })).status, 204);
            const r = await service.request('/v1/login', { json: { username: 'alice', password: 'wrong, and asked for no session' } });
            assert.equal(r.status, 401);
            await assert.rejects(service.login('alice'), /503/);
        } finally {
            process.kill(store.child.pid, 'SIGCONT');
        }
        let again;
        for (const deadline = Date.now() + 10_000; !again && Date.now() < deadline;) again = await service.login('alice').catch(() => undefined);
        assert.ok(again, 'no login after Memcached was back');
    });

    test('an evicted session is a logout, and nothing else', async () => {
        const web = await service.login('alice'), mobile = await service.login('alice', { app: 'mobile' });
        await ask('flush_all', 'OK');
        assert.equal((await refresh(mobile.refresh)).status, 401);
        await service.restart();
        assert.equal((await service.verify({ jar: web.jar })).status, 401);
        assert.equal((await service.verify({ jar: (await service.login('alice')).jar })).status, 204);
    });

    test('an evicted session that is still known ends with its logout, its revocation, a login over it', async () => {
        const evicted = async () => {
            const web = await service.login('alice');
            await ask('flush_all', 'OK');
            assert.equal((await service.verify({ jar: web.jar })).status, 204, 'it is known no more: this shows nothing');
            return web;
        };
        const ends = { // with a jar that stays as it was
            logout: (web) => service.request('/v1/logout', { method: 'POST', jar: web.jar.copy(), csrf: web.csrf }),
            revocation: (web) => service.command(['session', 'revoke', web.sid]),
            login: (web) => service.login('alice', { jar: web.jar.copy() }),
        };
        for (const [name, end] of Object.entries(ends)) {
            const web = await evicted();
            const said = await end(web);
            assert.ok(said?.status === undefined || said.status < 300, `${name}: ${said?.status}`);
            assert.equal((await service.verify({ jar: web.jar })).status, 401, name);
        }
    });

    test('a lost session that is not known here either is ended for other nodes, once', async () => {
        const web = await service.login('alice');
        await ask('flush_all', 'OK');
        await service.restart();
        const ends = () => service.command(['audit', '--type', 'logout']).items.filter((e) => e.sid === web.sid && e.narrows).length;
        const logout = () => service.request('/v1/logout', { method: 'POST', jar: web.jar.copy(), csrf: web.csrf });
        assert.equal((await logout()).status, 204);
        assert.equal(ends(), 1);
        assert.equal((await logout()).status, 401);
        assert.equal(ends(), 1);
    });

    test('what it may lose is said at the start, and a password in its URL is refused', () => {
        assert.match(service.output, /"level":"warn".*sessions are kept in Memcached/);
        const check = (url) => run(['config', 'check', '--state', service.state], { env: { CARDEA_SESSIONS: url } });
        assert.equal(check('memcached://a,b:11212,[::1]:11213?prefix=shop').status, 0);
        const refusal = check('memcached://user:secret@h');
        assert.notEqual(refusal.status, 0);
        assert.match(refusal.stderr, /a password does not belong into a URL/);
        assert.doesNotMatch(refusal.stderr, /secret/);
    });
});
