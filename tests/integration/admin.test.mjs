// Does the admin API do what it says, for administrators alone, and does a key rotation drop no request?
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { request } from './lib/client.mjs';
import { PASSWORD, Service, freePort } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, decode, eventually, refused, signUp } from './lib/credentials.mjs';

const NEW_PASSWORD = 'nine violet otters read';
const settings = {
    signup: true,
    apps: { web: 'web', spa: 'spa', mobile: 'mobile', service: 'service' },
    policies: { staff: { roles: ['staff'] } },
    jwks: { max_age: '2s' },
    limits: { sessions_per_user: 10000 }, // the stream of logins below is one user's
    guess: { free: 100, address_per_minute: 10000 },
};
let service, admin;
before(async () => {
    service = await Service.start({ settings, users: [{ name: 'root', roles: ['admin'] }, { name: 'second', roles: ['admin'] }, { name: 'alice' }] });
    admin = await Caller.login(service, 'root');
});
after(() => service?.end());
const patch = (id, json, as = admin) => as.request(`/v1/admin/users/${id}`, { method: 'PATCH', json });
const nobody = '0190a3c2-7b10-7000-8000-000000000000';

describe('users', () => {
    test('create, show, change, delete', async () => {
        const body = { username: 'Carol', password: PASSWORD, email: 'Carol@Example.org', name: 'Carol C.', roles: ['staff', 'editor', 'staff'], metadata: { team: 7 } };
        const twice = { ...body, roles: ['staff', 'editor'] };
        const made = allowed(await admin.request('/v1/admin/users', { json: twice }), 201).json.user;
        assert.equal(made.username, 'carol');
        assert.deepEqual([...made.roles].sort(), ['editor', 'staff']);
        assert.deepEqual([made.status, made.name, made.metadata, made.last_login_at], ['active', 'Carol C.', { team: 7 }, null]);
        refused(await admin.request('/v1/admin/users', { json: { username: 'CAROL' } }), 409, 'username_taken', 'username');
        assert.deepEqual(allowed(await admin.request(`/v1/admin/users/${made.id}`)).json.user, made);
        const c = await Caller.login(service, 'carol', { app: 'mobile' });
        assert.equal((await c.verify()).headers['x-auth-roles'], 'editor,staff');
        const changed = allowed(await patch(made.id, { name: 'C.', email: null, metadata: {}, roles: ['editor'] })).json.user;
        assert.deepEqual([changed.name, changed.email, changed.metadata, changed.roles], ['C.', null, {}, ['editor']]);
        assert.equal((await c.verify()).headers['x-auth-roles'], 'editor');
        assert.equal(allowed(await patch(made.id, {})).json.user.name, 'C.');
        // a password: ends the sessions, and the new one works
        refused(await patch(made.id, { password: 'carol1carol' }), 400, 'weak_password', 'password');
        allowed(await patch(made.id, { password: NEW_PASSWORD }));
        assert.equal((await c.verify()).status, 401);
        refused(await service.request('/v1/login', { json: { username: 'carol', password: PASSWORD } }), 401, 'invalid_credentials');
        const again = await Caller.login(service, 'carol', { password: NEW_PASSWORD });
        allowed(await admin.request(`/v1/admin/users/${made.id}`, { method: 'DELETE' }), 204);
        assert.equal((await again.verify()).status, 401);
        refused(await admin.request(`/v1/admin/users/${made.id}`), 404, 'not_found');
        refused(await admin.request(`/v1/admin/users/${made.id}`, { method: 'DELETE' }), 404, 'not_found');
        refused(await service.request('/v1/login', { json: { username: 'carol', password: NEW_PASSWORD } }), 401, 'invalid_credentials');
        // the name is free, and whoever takes it inherits nothing
        const heir = allowed(await admin.request('/v1/admin/users', { json: { username: 'carol', password: PASSWORD } }), 201).json.user;
        assert.notEqual(heir.id, made.id);
        assert.deepEqual(heir.roles, []);
        assert.equal((await again.verify()).status, 401);
    });

    test('a user without a password can not log in', async () => {
        allowed(await admin.request('/v1/admin/users', { json: { username: 'keyless' } }), 201);
        for (const password of [PASSWORD, 'x', ' ']) refused(await service.request('/v1/login', { json: { username: 'keyless', password } }), 401, 'invalid_credentials');
    });

    test('the list: filters and pages', async () => {
        const made = [];
        for (let i = 0; i < 5; i++) made.push(allowed(await admin.request('/v1/admin/users', { json: { username: `list-${i}`, email: `l${i}@list.example`, roles: i % 2 ? ['odd'] : ['even'] } }), 201).json.user);
        allowed(await patch(made[4].id, { status: 'suspended' }));
        const list = async (query) => allowed(await admin.request(`/v1/admin/users?${query}`)).json;
        const names = async (query) => (await list(query)).items.map((u) => u.username).sort();
        assert.deepEqual(await names('q=list-'), made.map((u) => u.username));
        assert.deepEqual(await names('q=LIST-'), made.map((u) => u.username));
        assert.deepEqual(await names('q=l3@list'), ['list-3']);
        assert.deepEqual(await names('q=list-&role=odd'), ['list-1', 'list-3']);
        assert.deepEqual(await names('q=list-&status=suspended'), ['list-4']);
        assert.deepEqual(await names('q=list-&role=even&status=active'), ['list-0', 'list-2']);
        assert.deepEqual(await names('username=list-2'), ['list-2']);
        assert.deepEqual(await names('username=list-'), []);
        assert.deepEqual(await names(`q=${encodeURIComponent("x' OR '1'='1")}`), []);
        for (const wild of ['%25', '_', '%2a']) assert.deepEqual(await names(`q=list${wild}`), [], 'no wild cards');
        const paged = [];
        for (let cursor = '', n = 0; cursor !== null; n++) {
            assert.ok(n < 5);
            const page = await list(`q=list-&limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
            paged.push(...page.items.map((u) => u.id));
            cursor = page.next_cursor;
        }
        assert.deepEqual(paged, made.map((u) => u.id), 'by creation, each once');
        for (const query of ['status=x', 'limit=0', 'limit=999', 'cursor=%00', 'nothing=1']) assert.equal((await admin.request(`/v1/admin/users?${query}`)).status, 400, query);
        for (const u of await list('').then((l) => l.items)) assert.ok(!JSON.stringify(u).includes('argon2'), 'no hashes');
    });

    test('suspend, resume and log out take effect at once', async () => {
        const user = await signUp(service, 'susan');
        const web = await Caller.login(service, user.username), spa = await Caller.login(service, user.username, { app: 'spa' }), mobile = await Caller.login(service, user.username, { app: 'mobile' });
        const key = allowed(await web.request('/v1/api-keys', { json: { name: 'k' } }), 201).json.key;
        allowed(await admin.request(`/v1/admin/users/${user.id}/logout`, { method: 'POST' }), 204);
        for (const c of [web, spa, mobile]) assert.equal((await c.credential.verify()).status, 401);
        refused(await service.request('/v1/refresh', { json: { refresh_token: mobile.refresh } }), 401, 'invalid_token');
        allowed(await service.verify({ headers: bearer(key) }), 204);
        const next = await Caller.login(service, user.username, { app: 'mobile' });
        const suspended = allowed(await patch(user.id, { status: 'suspended' })).json.user;
        assert.equal(suspended.status, 'suspended');
        assert.equal((await next.verify()).status, 401);
        assert.equal((await service.verify({ headers: bearer(key) })).status, 401);
        refused(await service.request('/v1/refresh', { json: { refresh_token: next.refresh } }), 401, 'invalid_token');
        refused(await service.request('/v1/login', { json: { username: user.username, password: PASSWORD } }), 401, 'invalid_credentials');
        allowed(await patch(user.id, { status: 'active' }));
        assert.equal((await next.verify()).status, 401, 'nothing comes back to life');
        refused(await service.request('/v1/refresh', { json: { refresh_token: next.refresh } }), 401, 'invalid_token');
        await Caller.login(service, user.username);
    });

    test('an administrator can not lock everybody out, and a second one can', async () => {
        const { id } = admin.user;
        refused(await patch(id, { roles: ['staff'] }), 409, 'conflict', 'roles');
        refused(await patch(id, { status: 'suspended' }), 409, 'conflict', 'status');
        refused(await patch(id, { password: NEW_PASSWORD }), 409, 'conflict', 'password');
        refused(await admin.request(`/v1/admin/users/${id}`, { method: 'DELETE' }), 409, 'conflict');
        allowed(await admin.request('/v1/admin/users'));
        // demoted by somebody else: the very next request is refused
        const third = allowed(await admin.request('/v1/admin/users', { json: { username: 'third', password: PASSWORD, roles: ['admin'] } }), 201).json.user;
        const t = await Caller.login(service, 'third', { app: 'mobile' });
        allowed(await t.request('/v1/admin/users'));
        allowed(await patch(third.id, { roles: ['staff'] }));
        refused(await t.request('/v1/admin/users'), 403, 'forbidden');
        allowed(await t.request('/v1/me'));
    });

    test('bad input: ids, roles, fields', async () => {
        const { id } = (await signUp(service, 'badly'));
        for (const wrong of ['x', nobody, `${id}x`, '%00', '..']) {
            const a = await admin.request(`/v1/admin/users/${wrong}`);
            refused(a, 404, 'not_found');
            if (wrong !== '..') refused(await patch(wrong, { name: 'x' }), 404, 'not_found');
            refused(await admin.request(`/v1/admin/users/${wrong}/logout`, { method: 'POST' }), 404, 'not_found');
        }
        for (const roles of [['a,b'], ['A'], [''], ['-a'], ['a b'], ['x'.repeat(65)], 'admin', [1], [null], ['ä']]) refused(await patch(id, { roles }), 400, 'invalid_field', 'roles');
        for (const status of ['Active', 'deleted', '', 1]) refused(await patch(id, { status }), 400, 'invalid_field', 'status');
        for (const field of ['id', 'epoch', 'password_hash', 'username', 'created_at', 'email_verified']) refused(await patch(id, { [field]: 'x' }), 400, 'unknown_field', field);
        refused(await admin.request('/v1/admin/tokens/revoke', { json: { jti: 'x'.repeat(22) + '!' } }), 400, 'invalid_field', 'jti');
        refused(await admin.request(`/v1/admin/sessions/${'A'.repeat(22)}`, { method: 'DELETE' }), 404, 'not_found');
    });
});

describe('sessions and tokens of others', () => {
    test('listed, ended, revoked', async () => {
        const user = await signUp(service, 'dora');
        const callers = [await Caller.login(service, user.username), await Caller.login(service, user.username, { app: 'spa' }), await Caller.login(service, user.username, { app: 'mobile' })];
        const path = `/v1/admin/users/${user.id}/sessions`;
        const list = allowed(await admin.request(path)).json.items;
        assert.deepEqual(list.map((s) => s.sid).sort(), callers.map((c) => c.sid).sort());
        assert.ok(list.every((s) => s.current === false));
        const page = allowed(await admin.request(`${path}?limit=2`)).json;
        assert.equal(page.items.length, 2);
        assert.equal(allowed(await admin.request(`${path}?limit=2&cursor=${encodeURIComponent(page.next_cursor)}`)).json.items.length, 1);
        for (const [i, c] of callers.entries()) {
            const had = c.credential;
            allowed(await had.verify(), 204);
            allowed(await admin.request(`/v1/admin/sessions/${c.sid}`, { method: 'DELETE' }), 204);
            assert.equal((await had.verify()).status, 401);
            refused(await admin.request(`/v1/admin/sessions/${c.sid}`, { method: 'DELETE' }), 404, 'not_found');
            assert.equal(allowed(await admin.request(path)).json.items.length, callers.length - 1 - i);
        }
        // one token of several of one session
        const m = await Caller.login(service, user.username, { app: 'mobile' });
        const first = m.access;
        allowed(await m.rotate());
        allowed(await admin.request('/v1/admin/tokens/revoke', { json: { jti: decode(first).claims.jti } }), 204);
        assert.equal((await service.verify({ headers: bearer(first) })).status, 401);
        refused(await service.request('/v1/me', { headers: bearer(first) }), 401, 'invalid_token');
        refused(await service.request('/v1/logout', { method: 'POST', headers: bearer(first) }), 401, 'invalid_token');
        refused(await service.request('/v1/logout/all', { method: 'POST', headers: bearer(first) }), 401, 'invalid_token');
        allowed(await m.verify(), 204);
        // it stays so after a restart
        await service.restart();
        assert.equal((await service.verify({ headers: bearer(first) })).status, 401);
        allowed(await m.verify(), 204);
    });
});

describe('API keys of others', () => {
    test('made, listed, revoked', async () => {
        const user = await signUp(service, 'erin');
        const made = allowed(await admin.request(`/v1/admin/users/${user.id}/api-keys`, { json: { name: 'machine', scopes: ['introspect'] } }), 201);
        assert.equal(made.headers['cache-control'], 'no-store');
        const a = allowed(await service.verify({ headers: bearer(made.json.key) }), 204);
        assert.equal(a.headers['x-auth-user'], user.id);
        const list = allowed(await admin.request(`/v1/admin/api-keys?user=${user.id}`));
        assert.ok(!list.text.includes(made.json.key));
        assert.deepEqual(list.json.items.map((k) => k.id), [made.json.id]);
        assert.ok(allowed(await admin.request('/v1/admin/api-keys?limit=200')).json.items.some((k) => k.id === made.json.id));
        allowed(await admin.request(`/v1/admin/api-keys/${made.json.id}`, { method: 'DELETE' }), 204);
        assert.equal((await service.verify({ headers: bearer(made.json.key) })).status, 401);
        refused(await admin.request(`/v1/admin/api-keys/${made.json.id}`, { method: 'DELETE' }), 404, 'not_found');
        refused(await admin.request(`/v1/admin/users/${nobody}/api-keys`, { json: { name: 'x' } }), 404, 'not_found');
        // an administrator's own key opens no administration
        const own = allowed(await admin.request('/v1/api-keys', { json: { name: 'own', scopes: ['cardea:admin'] } }), 201).json.key;
        assert.equal((await service.request('/v1/admin/users', { headers: bearer(own) })).status, 401);
    });
});

describe('signing keys', () => {
    const keys = async () => allowed(await admin.request('/v1/admin/signing-keys')).json.items.filter((k) => k.use === 'access');
    const jwks = async () => (await service.request('/.well-known/jwks.json')).json.keys.map((k) => k.kid);
    const active = async () => (await keys()).find((k) => k.state === 'active').kid;

    /** Logins, refreshes and checks without a pause while `during` runs; what failed of them. */
    async function under(load, during) {
        const failures = [], counts = { logins: 0, refreshes: 0, checks: 0 }, tokens = [];
        let going = true;
        const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
        const user = (await signUp(service, 'busy')).username;
        const c = await Caller.login(service, user, { app: 'mobile' });
        tokens.push(c.access);
        const turn = async (what, call) => { while (going) { const r = await call().catch((e) => ({ status: String(e) })); counts[what]++; if (!load(r, what)) failures.push(`${what} ${r.status} ${r.text}`); } };
        const workers = [
            turn('logins', async () => { const r = await service.request('/v1/login', { json: { username: user, password: PASSWORD, app: 'service' } }); if (r.status === 200) tokens.push(r.json.access_token); return r; }),
            turn('refreshes', async () => { const r = await service.request('/v1/refresh', { json: { refresh_token: c.refresh } }); if (r.status === 200) { c.refresh = r.json.refresh_token; tokens.push(r.json.access_token); } return r; }),
            ...Array.from({ length: 3 }, () => turn('checks', () => service.verify({ headers: bearer(tokens[Math.floor(Math.random() * tokens.length)]), agent }))),
        ];
        try {
            await during(tokens);
        } finally {
            going = false;
            await Promise.all(workers);
            agent.destroy();
        }
        return { failures, counts, tokens };
    }

    test('a graceful rotation drops no request: next, active, retiring', async () => {
        const before = await active();
        const result = await under((r, what) => r.status === (what === 'checks' ? 204 : 200), async (tokens) => {
            // twice: the second successor was made just now, and has to be published first
            for (let i = 0; i < 2; i++) {
                const old = await active(), waiting = (await keys()).find((k) => k.state === 'next');
                assert.ok((await jwks()).includes(waiting.kid), 'published before it signs');
                const a = allowed(await admin.request('/v1/admin/signing-keys/rotate', { method: 'POST' })).json;
                assert.ok(Date.parse(a.effective_at) >= Date.parse(waiting.created_at) + 2000, 'not before everybody can have fetched it');
                await eventually('the new key signs', async () => (await active()) === waiting.kid, 15000);
                assert.ok(Date.now() >= Date.parse(a.effective_at) - 1000);
                await eventually('tokens are signed by it', async () => decode(tokens.at(-1)).header.kid === waiting.kid);
                const retiring = (await keys()).find((k) => k.kid === old);
                assert.equal(retiring.state, 'retiring');
                assert.ok(Date.parse(retiring.drops_at) > Date.now() + 890_000, 'until its last token has ended');
                assert.ok((await jwks()).includes(old));
            }
        });
        assert.deepEqual(result.failures, []);
        for (const [what, n] of Object.entries(result.counts)) assert.ok(n > 5, `${what}: ${n}`);
        const first = result.tokens.find((t) => decode(t).header.kid === before);
        allowed(await service.verify({ headers: bearer(first) }), 204);
    });

    test('a compromised key is dropped at once; sessions go on with a new one', async () => {
        const web = await Caller.login(service, 'alice'), mobile = await Caller.login(service, 'alice', { app: 'mobile' });
        const before = await active();
        let dropped = false;
        const result = await under((r, what) => r.status === (what === 'checks' ? 204 : 200) || (dropped && what === 'checks' && r.status === 401), async (tokens) => {
            await new Promise((done) => setTimeout(done, 200));
            dropped = true;
            const a = allowed(await admin.request('/v1/admin/signing-keys/rotate', { json: { compromised: true } })).json;
            assert.ok(!a.items.some((k) => k.kid === before));
            const dead = tokens.filter((t) => decode(t).header.kid === before);
            assert.ok(dead.length > 0);
            for (const t of dead) assert.equal((await service.verify({ headers: bearer(t) })).status, 401);
            assert.ok(!(await jwks()).includes(before));
            await new Promise((done) => setTimeout(done, 300));
        });
        assert.deepEqual(result.failures, [], 'logins and refreshes never fail');
        assert.equal((await mobile.verify()).status, 401);
        allowed(await web.verify(), 204);
        allowed(await mobile.rotate());
        assert.notEqual(decode(mobile.access).header.kid, before);
        allowed(await mobile.verify(), 204);
        await service.restart();
        allowed(await mobile.verify(), 204);
        assert.ok(!(await jwks()).includes(before));
    });

    test('which key: by kid, only with compromised, only one of ours', async () => {
        const kid = await active();
        refused(await admin.request('/v1/admin/signing-keys/rotate', { json: { kid } }), 400, 'invalid_field', 'kid');
        refused(await admin.request('/v1/admin/signing-keys/rotate', { json: { compromised: true, kid: 'x' } }), 400, 'invalid_field', 'kid');
        refused(await admin.request('/v1/admin/signing-keys/rotate', { json: { compromised: true, kid: createHash('sha256').update('x').digest('base64url') } }), 404, 'not_found', 'kid');
        const retiring = (await keys()).find((k) => k.state === 'retiring');
        if (retiring) {
            allowed(await admin.request('/v1/admin/signing-keys/rotate', { json: { compromised: true, kid: retiring.kid } }));
            assert.ok(!(await jwks()).includes(retiring.kid));
        }
        assert.equal(await active(), kid);
        assert.deepEqual((await keys()).map((k) => k.kid).sort(), (await jwks()).sort());
    });
});

describe('the journal', () => {
    const types = async (query = '') => allowed(await admin.request(`/v1/admin/audit?limit=200${query}`)).json.items.map((e) => e.type);

    test('each security event stands in it, with who, whom and from where', async () => {
        const user = await signUp(service, 'frank');
        const c = await Caller.login(service, user.username), m = await Caller.login(service, user.username, { app: 'mobile' });
        const { key, id } = allowed(await c.request('/v1/api-keys', { json: { name: 'k' } }), 201).json;
        assert.ok(key);
        allowed(await c.request(`/v1/api-keys/${id}`, { method: 'DELETE' }), 204);
        const used = m.refresh;
        for (let i = 0; i < 2; i++) allowed(await m.rotate());
        refused(await service.request('/v1/refresh', { json: { refresh_token: used } }), 401, 'invalid_token');
        allowed(await c.step('/v1/reauthenticate', { json: { password: PASSWORD } }));
        allowed(await c.step('/v1/password', { json: { current_password: PASSWORD, new_password: NEW_PASSWORD } }));
        allowed(await c.request('/v1/me', { method: 'PATCH', json: { name: 'F' } }));
        const other = await Caller.login(service, user.username, { password: NEW_PASSWORD });
        allowed(await other.request('/v1/logout', { method: 'POST' }), 204);
        allowed(await patch(user.id, { roles: ['staff'] }), 200);
        allowed(await admin.request(`/v1/admin/sessions/${c.sid}`, { method: 'DELETE' }), 204);
        allowed(await admin.request(`/v1/admin/users/${user.id}/logout`, { method: 'POST' }), 204);
        allowed(await patch(user.id, { status: 'suspended' }));
        allowed(await patch(user.id, { status: 'active' }));
        allowed(await patch(user.id, { password: PASSWORD }));
        service.command(['user', 'roles', user.username, 'staff', 'editor']);
        allowed(await admin.request(`/v1/admin/users/${user.id}`, { method: 'DELETE' }), 204);
        const seen = await types(`&user=${user.id}`);
        for (const type of ['user_created', 'login', 'api_key_created', 'api_key_revoked', 'refresh_reuse', 'reauthenticated', 'password_changed', 'logout', 'roles_changed', 'session_revoked', 'logout_all', 'user_suspended', 'user_resumed', 'password_set', 'user_deleted'])
            assert.ok(seen.includes(type), `${type} in ${seen}`);
        const events = allowed(await admin.request(`/v1/admin/audit?limit=200&user=${user.id}`)).json.items;
        const roles = events.filter((e) => e.type === 'roles_changed');
        assert.match(roles[0].actor, /^operator:\d+$/);
        assert.equal(roles[1].actor, admin.user.id);
        assert.equal(roles[1].ip_address, '127.0.0.1');
        assert.ok(roles[1].request_id);
        const all = await types();
        for (const type of ['started', 'key_rotated', 'key_dropped', 'token_revoked']) assert.ok((await types(`&type=${type}`)).length > 0, type);
        assert.ok(all.length > 0);
        const text = JSON.stringify(events);
        for (const secret of [PASSWORD, NEW_PASSWORD, key, used]) assert.ok(!text.includes(secret));
    });

    test('pages, newest first, each row once; wrong queries refused', async () => {
        const rows = [];
        for (let cursor = '', n = 0; cursor !== null && n < 200; n++) {
            const page = allowed(await admin.request(`/v1/admin/audit?limit=50${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)).json;
            rows.push(...page.items);
            cursor = page.next_cursor;
        }
        for (let i = 1; i < rows.length; i++) assert.equal(rows[i].n, rows[i - 1].n - 1);
        assert.equal(rows.at(-1).n, 1);
        for (const query of ['user=x', 'cursor=x', 'limit=0', 'n=1']) assert.equal((await admin.request(`/v1/admin/audit?${query}`)).status, 400, query);
        assert.deepEqual((await admin.request('/v1/admin/audit?type=nothing')).json.items, []);
    });

    test('its chain holds, and a changed, missing or moved row breaks it', async () => {
        const whole = allowed(await admin.request('/v1/admin/audit/verify')).json;
        assert.deepEqual([whole.ok, whole.complete], [true, true]);
        const newest = allowed(await admin.request('/v1/admin/audit?limit=1')).json.items[0];
        assert.equal(whole.head, `${newest.n}:${newest.hash}`);
        const middle = allowed(await admin.request('/v1/admin/audit?limit=10')).json.items[9];
        assert.equal(allowed(await admin.request(`/v1/admin/audit/verify?after=${middle.n}:${middle.hash}`)).json.ok, true);
        assert.equal(allowed(await admin.request(`/v1/admin/audit/verify?after=${middle.n}:${'0'.repeat(64)}`)).json.ok, false);
        for (const after of ['x', '1', '1:', `1:${'g'.repeat(64)}`, `-1:${'0'.repeat(64)}`]) refused(await admin.request(`/v1/admin/audit/verify?after=${after}`), 400, 'invalid_field', 'after');
        for (const [change, back] of [
            [`UPDATE journal SET actor = 'x' || actor WHERE n = ${middle.n}`, `UPDATE journal SET actor = substr(actor, 2) WHERE n = ${middle.n}`],
            [`UPDATE journal SET at_ms = at_ms + 1 WHERE n = ${middle.n}`, `UPDATE journal SET at_ms = at_ms - 1 WHERE n = ${middle.n}`],
            [`UPDATE journal SET n = -1 WHERE n = ${middle.n}`, `UPDATE journal SET n = ${middle.n} WHERE n = -1`],
        ]) {
            await service.stop();
            assert.equal(service.sql(change).changed, 1);
            await service.launch();
            const broken = allowed(await admin.request('/v1/admin/audit/verify')).json;
            assert.deepEqual([broken.ok, Number(broken.head.split(':')[0])], [false, middle.n - 1]);
            await service.stop();
            service.sql(back);
            await service.launch();
            assert.equal(allowed(await admin.request('/v1/admin/audit/verify')).json.ok, true);
        }
    });
});

describe('who may', () => {
    test('nobody without the role, whatever the credential', async () => {
        const user = await signUp(service, 'grace', {});
        allowed(await patch(user.id, { roles: ['staff', 'admin2', 'administrator', 'xadmin'] }));
        for (const app of ['web', 'spa', 'mobile']) {
            const c = await Caller.login(service, user.username, { app });
            for (const path of ['/v1/admin/users', `/v1/admin/users/${user.id}`, '/v1/admin/signing-keys', '/v1/admin/audit', '/v1/admin/audit/verify']) refused(await c.request(path), 403, 'forbidden');
            refused(await patch(user.id, { roles: ['admin'] }, c), 403, 'forbidden');
        }
        assert.equal((await service.request('/v1/admin/users')).status, 401);
        for (const path of ['/v1/admin', '/v1/admin/', '/v1/admin/nothing', '/v1/admin/users/']) refused(await admin.request(path), 404, 'not_found');
    });

    test('the role counts from the request after it was given, for sessions and tokens that exist', async () => {
        const user = await signUp(service, 'heidi');
        const web = await Caller.login(service, user.username), mobile = await Caller.login(service, user.username, { app: 'mobile' });
        allowed(await patch(user.id, { roles: ['admin'] }));
        for (const c of [web, mobile]) allowed(await c.request('/v1/admin/users'));
        allowed(await patch(user.id, { roles: [] }));
        for (const c of [web, mobile]) refused(await c.request('/v1/admin/users'), 403, 'forbidden');
    });

    test('an old login must be renewed; admin_listen takes the API off the main listener', { timeout: 120_000 }, async () => {
        const port = await freePort();
        const s = await Service.start({ settings: { ...settings, admin: { login_age: '1m' }, admin_listen: `127.0.0.1:${port}` }, users: [{ name: 'root', roles: ['admin'] }] });
        try {
            const c = await Caller.login(s, 'root'), m = await Caller.login(s, 'root', { app: 'mobile' });
            const there = (who, path = '/v1/admin/users') => request(`http://127.0.0.1:${port}${path}`, { headers: who.headers });
            allowed(await there(c));
            allowed(await there(m));
            for (const path of ['/v1/admin/users', '/v1/admin/audit']) refused(await c.request(path), 404, 'not_found');
            // the other door opens administration alone
            assert.equal((await there(c, '/v1/me')).status, 404);
            assert.equal((await request(`http://127.0.0.1:${port}/v1/admin/users`)).status, 401);
            // a stored login is made older than the limit: no test waits a minute
            await s.stop();
            assert.equal(s.sql('UPDATE session SET authenticated_at_ms = authenticated_at_ms - 120000').changed, 2);
            await s.launch();
            for (const who of [c, m]) {
                allowed(await who.request('/v1/me'));
                refused(await there(who), 403, 'reauthentication_required');
            }
            allowed(await c.step('/v1/reauthenticate', { json: { password: PASSWORD } }));
            allowed(await m.step('/v1/reauthenticate', { json: { password: PASSWORD } }));
            for (const who of [c, m]) allowed(await there(who));
            assert.ok(c.jar.get(COOKIE.session));
        } finally {
            await s.end();
        }
    });
});
