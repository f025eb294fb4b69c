// What survives kill -9? Everything that was acknowledged, and nothing that was refused.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Service } from './lib/service.mjs';

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** One client's life: what it was told, so that it can be held against what is there after the restart. */
class Witness {
    alive = new Map();   // refresh token that must still work, by its session
    ended = new Set();   // refresh tokens and access tokens that must not
    unsure = new Set();  // sessions with a request under way when the process died
    counts = { logins: 0, refreshes: 0, logouts: 0, refused: 0 };

    async live(service, user, dying) {
        const ask = (path, options) => service.request(path, { contract: false, ...options });
        while (!dying.done) {
            try {
                const login = await ask('/v1/login', { json: { username: user, password: 'six lazy wombats hum', app: 'mobile' } });
                if (login.status !== 200) { this.counts.refused++; continue; }
                this.counts.logins++;
                let { access_token: access, refresh_token: refresh, session: { sid } } = login.json;
                this.alive.set(sid, { access, refresh, used: [] });
                for (let i = 0; i < 4 && !dying.done; i++) {
                    this.unsure.add(sid);
                    const r = await ask('/v1/refresh', { json: { refresh_token: refresh } });
                    this.unsure.delete(sid);
                    assert.equal(r.status, 200, r.text);
                    this.counts.refreshes++;
                    this.alive.get(sid).used.push(refresh);
                    ({ access_token: access, refresh_token: refresh } = r.json);
                    Object.assign(this.alive.get(sid), { access, refresh });
                }
                if (this.counts.logins % 2 === 0 && !dying.done) {
                    this.unsure.add(sid);
                    const r = await ask('/v1/logout', { method: 'POST', headers: bearer(access) });
                    this.unsure.delete(sid);
                    assert.equal(r.status, 204, r.text);
                    this.counts.logouts++;
                    this.alive.delete(sid);
                    this.ended.add({ sid, access, refresh });
                }
            } catch (e) {
                if (e instanceof assert.AssertionError) throw e;
                if (!dying.done) throw e; // the connection broke because the process died
            }
        }
    }
}

test('SIGKILL in the middle of logins, refreshes and revocations loses nothing acknowledged', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `user${i}`);
    const service = await Service.start({ users: names.map((name) => ({ name })), env: { CARDEA_LIMITS_SESSIONS_PER_USER: '10000' } });
    try {
        for (let round = 0; round < 3; round++) {
            const dying = { done: false };
            const witnesses = names.map(() => new Witness());
            const lives = witnesses.map((w, i) => w.live(service, names[i], dying));
            // kill once enough has been acknowledged, with all clients busy
            await new Promise((done, fail) => {
                Promise.all(lives).catch(fail);
                const look = () => {
                    const n = witnesses.reduce((a, w) => a + w.counts.refreshes, 0), out = witnesses.reduce((a, w) => a + w.counts.logouts, 0);
                    if (n >= 40 * (round + 1) && out >= 3) done();
                    else setImmediate(look);
                };
                look();
            });
            dying.done = true;
            await service.kill();
            await Promise.all(lives);
            await service.launch();

            let kept = 0, dead = 0;
            for (const w of witnesses) {
                for (const { access, refresh } of w.ended) {
                    assert.equal((await service.verify({ headers: bearer(access) })).status, 401, 'a session whose logout was acknowledged is alive again');
                    assert.equal((await service.request('/v1/refresh', { json: { refresh_token: refresh } })).status, 401);
                    dead++;
                }
                for (const [sid, { access, refresh, used }] of w.alive) {
                    if (w.unsure.has(sid)) continue;
                    assert.equal((await service.verify({ headers: bearer(access) })).status, 204, 'an acknowledged session is gone');
                    const r = await service.request('/v1/refresh', { json: { refresh_token: refresh } });
                    assert.equal(r.status, 200, `an acknowledged rotation is gone: ${r.text}`);
                    kept++;
                    // a token used up before its successor was used is a reuse, across the crash too
                    if (used.length > 1) {
                        assert.equal((await service.request('/v1/refresh', { json: { refresh_token: used[0] } })).status, 401);
                        assert.equal((await service.verify({ headers: bearer(r.json.access_token) })).status, 401, 'reuse did not end the session');
                    }
                }
            }
            assert.ok(kept > 0 && dead > 0, `nothing to look at: ${kept} kept, ${dead} dead`);
        }
        const audit = service.cli(['audit', '--verify']);
        assert.equal(audit.status, 0, audit.stdout + audit.stderr);
    } finally {
        await service.end();
    }
});

test('suspension, role change and log out everywhere survive SIGKILL', async () => {
    const service = await Service.start({ users: [{ name: 'alice' }, { name: 'bob', roles: ['editor'] }, { name: 'carol' }] });
    try {
        const alice = await service.login('alice', { app: 'mobile' }), bob = await service.login('bob', { app: 'mobile' }), carol = await service.login('carol');
        service.command(['user', 'suspend', 'alice']);
        service.command(['user', 'roles', 'bob', 'reader']);
        const out = await service.request('/v1/logout/all', { method: 'POST', jar: carol.jar.copy(), headers: { 'X-CSRF-Token': carol.csrf } });
        assert.equal(out.status, 204);
        await service.restart('SIGKILL');
        assert.equal((await service.verify({ headers: bearer(alice.access) })).status, 401);
        assert.equal((await service.verify({ headers: bearer(bob.access) })).headers['x-auth-roles'], 'reader');
        assert.equal((await service.verify({ jar: carol.jar })).status, 401);
        service.command(['user', 'resume', 'alice']);
        assert.equal((await service.verify({ headers: bearer(alice.access) })).status, 401, 'what was dead stays dead');
    } finally {
        await service.end();
    }
});
