// Attacks of group F, as far as there is anything to attack: refresh tokens, and the calls of services (introspection, revocation).
// The rest of the group waits for the OAuth provider.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { PASSWORD, Service } from './lib/service.mjs';
import { Jar } from './lib/client.mjs';
import { COOKIE, Caller, allowed, bearer, cookies, refused, signUp } from './lib/credentials.mjs';

let service, root;
before(async () => {
    service = await Service.start({
        settings: { signup: true, apps: { web: 'web', spa: 'spa', mobile: 'mobile', service: 'service' }, guess: { free: 100, address_per_minute: 10000 } },
        users: [{ name: 'root', roles: ['admin'] }],
    });
    root = await Caller.login(service, 'root');
});
after(() => service?.end());

const refresh = (token) => service.request('/v1/refresh', { json: { refresh_token: token } });
const user = (id, change) => root.request(`/v1/admin/users/${id}`, { method: 'PATCH', json: change });

describe('refresh tokens', () => {
    test('F13 a rotated token that comes again ends the login, and the journal says so', async () => {
        const { id, username } = await signUp(service);
        const thief = await Caller.login(service, username, { app: 'mobile' });
        const stolen = thief.refresh;
        await thief.rotate();
        await thief.rotate();
        refused(await refresh(stolen), 401, 'invalid_token');
        refused(await refresh(thief.refresh), 401, 'invalid_token');
        assert.equal((await thief.verify()).status, 401);
        const { items } = service.command(['audit', '--type', 'refresh_reuse', '--user', id]);
        assert.equal(items.length, 1);
        assert.equal(items[0].sid, thief.sid);
    });
    const endings = {
        'logout': (c) => c.request('/v1/logout', { method: 'POST' }),
        'log out everywhere': (c) => c.request('/v1/logout/all', { method: 'POST' }),
        'a new password': (c) => c.request('/v1/password', { json: { current_password: PASSWORD, new_password: 'another wombat hums 9' } }),
        'a new password by an administrator': (c) => user(c.user.id, { password: 'another wombat hums 9' }),
        'a suspension': (c) => user(c.user.id, { status: 'suspended' }),
    };
    for (const app of ['mobile', 'spa'])
        test(`F15 ${app}: no refresh after logout, a new password, a suspension, deletion`, async () => {
            for (const [what, end] of Object.entries({ ...endings, deletion: (c) => root.request(`/v1/admin/users/${c.user.id}`, { method: 'DELETE' }) })) {
                const { username } = await signUp(service);
                const c = await Caller.login(service, username, { app });
                const before = c.refresh;
                const ended = await end(c);
                assert.ok(ended.status === 200 || ended.status === 204, `${what}: ${ended.text}`);
                const again = app === 'mobile' ? await refresh(before)
                    : await service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: before }) });
                refused(again, 401, 'invalid_token');
                if (what === 'a suspension') { // nor does what was dead come alive again
                    allowed(await user(c.user.id, { status: 'active' }));
                    refused(app === 'mobile' ? await refresh(before) : again, 401, 'invalid_token');
                }
            }
        });
    test('F15 a token works only in the place of its app: no cookie from a body, no body from a cookie', async () => {
        const { username } = await signUp(service);
        const spa = await Caller.login(service, username, { app: 'spa' }), mobile = await Caller.login(service, username, { app: 'mobile' });
        refused(await refresh(spa.refresh), 401, 'invalid_token');
        refused(await service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: mobile.refresh }) }), 401, 'invalid_token');
        // and both are as good as before
        allowed(await refresh(mobile.refresh));
        allowed(await service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: spa.refresh }) }));
    });
    test('F15 nothing is widened: scopes, apps and lifetimes can not be asked for', async () => {
        const { username } = await signUp(service);
        const c = await Caller.login(service, username, { app: 'mobile' });
        for (const field of ['scope', 'app', 'client_id', 'audience', 'expires_in', 'roles'])
            refused(await service.request('/v1/refresh', { json: { refresh_token: c.refresh, [field]: 'service' } }), 400, 'unknown_field', field);
        allowed(await refresh(c.refresh));
    });
    test('F15 a browser page of another site does not refresh', async () => {
        const { username } = await signUp(service);
        const c = await Caller.login(service, username, { app: 'spa' });
        for (const headers of [{ Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }])
            refused(await service.request('/v1/refresh', { method: 'POST', headers: { ...cookies({ [COOKIE.refresh]: c.refresh }), ...headers } }), 403, 'origin_refused');
    });
});

test('F23 nobody makes themselves an administrator, verified, or somebody else at signup', async () => {
    const extra = { roles: ['admin'], role: 'admin', is_admin: true, email_verified: true, status: 'active', id: root.user.id, sub: root.user.id, epoch: 99, tenant: 'x', password_hash: '$argon2id$x', __proto__x: {} };
    for (const [field, value] of Object.entries(extra))
        refused(await service.request('/v1/signup', { json: { username: 'mallory', password: PASSWORD, [field]: value } }), 400, 'unknown_field', field);
    // not by a name that is written otherwise, either: in JSON the escaped name is the name
    const raw = `{"username":"mallory","password":"${PASSWORD}","\\u0072oles":["admin"]}`;
    refused(await service.request('/v1/signup', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: raw }), 400, 'unknown_field');
    const made = await signUp(service);
    assert.deepEqual([made.roles, made.email_verified], [[], false]);
});

describe('services', () => {
    const key = (...scopes) => service.command(['apikey', 'create', 'root', '--name', 'x', ...scopes.flatMap((s) => ['--scope', s])]).key;
    const ask = (path, headers, form) => service.request(path, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }, body: new URLSearchParams(form).toString() });
    const basic = (name, secret) => ({ Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` });
    const idOf = (k) => k.slice(k.indexOf('_') + 1).slice(0, 22);

    test('F18 F27 introspection and revocation ask who asks, in one place and in one way', async () => {
        const good = key('introspect', 'revoke'), scopeless = key();
        const alice = await Caller.login(service, (await signUp(service)).username, { app: 'mobile' });
        for (const path of ['/v1/introspect', '/v1/revoke']) {
            const form = { token: alice.access };
            const bodies = [];
            const refusals = {
                nobody: {}, 'an empty key': bearer(''), 'an unknown key': bearer(`${good.slice(0, 5)}${'A'.repeat(good.length - 5)}`),
                'a damaged key': bearer(`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`), 'an empty secret': basic(idOf(good), ''),
                'no such client': basic('nobody', 'x'), 'a login': { Cookie: root.jar.header() }, 'an access token': bearer(alice.access),
            };
            for (const [what, headers] of Object.entries(refusals)) {
                const a = await ask(path, headers, form);
                assert.equal(a.status, 401, what);
                assert.ok(a.headers['www-authenticate'], what);
                assert.match(a.json.error, /^invalid_(client|token)$/, what);
                if (headers.Authorization?.startsWith('Basic ')) bodies.push(a.text);
            }
            assert.equal(new Set(bodies).size, 1, 'a wrong secret is told from an unknown client');
            // a key without the scope is known, and may not
            const poor = await ask(path, bearer(scopeless), form);
            assert.equal(`${poor.status} ${poor.json.error}`, '403 insufficient_scope');
            // never in the address, where it would be logged, nor in the form, nor twice
            assert.equal((await ask(`${path}?access_token=${good}`, {}, form)).status, 401);
            assert.equal((await ask(`${path}?access_token=${good}`, bearer(good), form)).status, 400);
            assert.equal((await ask(path, {}, { ...form, client_id: idOf(good), client_secret: good })).status, 401);
            assert.equal((await ask(path, { ...bearer(good), 'X-API-Key': good }, form)).status, 400);
            assert.equal((await ask(path, { ...basic(idOf(good), good), 'X-API-Key': good }, form)).status, 400);
        }
        assert.equal((await alice.verify()).status, 204, 'a refused revocation revoked');
    });
    test('F27 what is no token of ours is inactive, whatever it is made of', async () => {
        const good = key('introspect');
        const shapes = ['x', '{"active":true}', '","active":true,"x":"', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.', '\u202e', '%00', '../../etc/passwd', 'é'.repeat(100), 'x'.repeat(4096)];
        for (const token of shapes) {
            const a = await ask('/v1/introspect', bearer(good), { token });
            assert.equal(a.status, 200, token.slice(0, 20));
            assert.equal(a.text, '{"active":false}', token.slice(0, 20));
        }
        for (const form of ['', 'token=', 'token=a&token=b', 'token=%', 'token=%ff', 'token=%00', 'token', '=a', `token=${'x'.repeat(4097)}`])
            assert.equal((await service.request('/v1/introspect', { method: 'POST', headers: { ...bearer(good), 'Content-Type': 'application/x-www-form-urlencoded' }, body: form })).status, 400, form.slice(0, 20));
    });
    test('F27 the answer is for services: no page of a browser reads it', async () => {
        const good = key('introspect');
        const a = await ask('/v1/introspect', { ...bearer(good), Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, { token: root.jar.get(COOKIE.session) });
        assert.equal(a.headers['access-control-allow-origin'], undefined);
        assert.equal(a.headers['cache-control'], 'no-store');
    });
});

test('F23 a login asks for no role, and a jar of somebody else is no help', async () => {
    const { username } = await signUp(service);
    for (const field of ['roles', 'scope', 'user_id', 'sub', 'redirect_uri'])
        refused(await service.request('/v1/login', { json: { username, password: PASSWORD, [field]: 'admin' } }), 400, 'unknown_field', field);
    const jar = new Jar();
    await Caller.login(service, 'root', { jar });
    const c = await service.login(username, { jar });
    assert.deepEqual(c.user.roles, []);
    assert.equal((await service.request('/v1/admin/users', { jar })).status, 403);
});
