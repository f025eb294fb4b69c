// Do the settings that change the HTTP contract change it as they say, and no further?
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { request } from './lib/client.mjs';
import { PASSWORD, Service } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, refused } from './lib/credentials.mjs';

async function running(options, body) {
    const service = await Service.start({ users: [{ name: 'alice' }], ...options });
    try {
        await body(service);
    } finally {
        await service.end();
    }
}
const apps = { web: 'web', spa: 'spa', mobile: 'mobile' };

test('base_path: everything stands below it and nothing beside it', () => running({ settings: { apps, base_path: '/auth' } }, async (s) => {
    const under = (path, options) => request(`${s.url}/auth${path}`, { base: '/auth', ...options });
    const a = allowed(await under('/v1/login', { json: { username: 'alice', password: PASSWORD } }));
    const cookie = { Cookie: a.setCookies[0].split(';')[0] };
    assert.match(a.setCookies[0], /; Path=\/;/, '__Host- asks for the whole host');
    allowed(await under('/v1/me', { headers: cookie }));
    allowed(await under('/verify', { headers: cookie }), 204);
    allowed(await under('/.well-known/jwks.json'));
    for (const path of ['/v1/me', '/verify', '/healthz', '/authv1/me', '/auth', '/auth/', '/Auth/v1/me', '/auth/auth/v1/me'])
        assert.equal((await request(`${s.url}${path}`, { headers: cookie, contract: false })).status, 404, path);
    // checks answered at once are too many to be logged, wherever they stand
    assert.match(s.output, /"path":"\/auth\/v1\/me"/);
    assert.doesNotMatch(s.output, /"path":"\/auth\/verify"/);
}));

test('cookie.domain: shared with sub-domains, under the prefix that allows it', () => running({ settings: { apps, cookie: { domain: 'example.org' } }, env: { CARDEA_PUBLIC_URL: 'https://id.example.org' } }, async (s) => {
    for (const app of ['web', 'spa']) {
        const a = allowed(await s.request('/v1/login', { json: { username: 'alice', password: PASSWORD, app } }));
        assert.ok(a.setCookies.length >= 2);
        for (const line of a.setCookies) assert.match(line, /^__Secure-cardea[a-z-]*=[^;]+; Path=\/; Domain=example\.org; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/);
        const pairs = a.setCookies.map((l) => l.split(';')[0]);
        allowed(await s.verify({ headers: { Cookie: pairs.join('; ') } }), 204);
        // the old names are other people's
        assert.equal((await s.verify({ headers: { Cookie: pairs.map((p) => p.replace('__Secure-', '__Host-')).join('; ') } })).status, 401);
        const out = allowed(await s.request('/v1/logout', { method: 'POST', headers: { Cookie: pairs.join('; '), Origin: 'https://id.example.org' } }), 204);
        for (const line of out.setCookies) assert.match(line, /^__Secure-[a-z-]+=; Path=\/; Domain=example\.org; Max-Age=0;/);
    }
    refused(await s.request('/v1/login', { json: { username: 'alice', password: PASSWORD }, headers: { Origin: s.url } }), 403, 'origin_refused');
}));

test('cookie.insecure_names: for browsers that want it so on loopback', () => running({ settings: { apps, cookie: { insecure_names: true } } }, async (s) => {
    const a = allowed(await s.request('/v1/login', { json: { username: 'alice', password: PASSWORD } }));
    for (const line of a.setCookies) assert.match(line, /^cardea[a-z-]*=[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
    const cookie = a.setCookies[0].split(';')[0];
    allowed(await s.verify({ headers: { Cookie: cookie } }), 204);
    assert.equal((await s.verify({ headers: { Cookie: `__Host-${cookie}` } })).status, 401);
}));

test('apps: only what is listed can log in, and an app taken away takes its logins along', () => running({ settings: { apps } }, async (s) => {
    const web = await Caller.login(s, 'alice'), mobile = await Caller.login(s, 'alice', { app: 'mobile' });
    for (const app of ['strict', 'service', 'api', 'sealed']) refused(await s.request('/v1/login', { json: { username: 'alice', password: PASSWORD, app } }), 400, 'invalid_field', 'app');
    s.configure({ apps: { web: 'web' } });
    await s.restart();
    allowed(await web.verify(), 204);
    assert.equal((await mobile.verify()).status, 401);
    refused(await s.request('/v1/refresh', { json: { refresh_token: mobile.refresh } }), 401, 'invalid_token');
    s.configure({ apps });
    await s.restart();
    allowed(await web.verify(), 204);
}));

test('login.by_email: a verified address stands for its user', () => running({ settings: { apps, login: { by_email: true } } }, async (s) => {
    const c = await Caller.login(s, 'alice');
    allowed(await c.request('/v1/me', { method: 'PATCH', json: { email: 'Alice@Example.org' } }));
    const login = (username) => s.request('/v1/login', { json: { username, password: PASSWORD } });
    refused(await login('alice@example.org'), 401, 'invalid_credentials');
    await s.stop();
    assert.equal(s.sql('UPDATE user SET email_verified = 1').changed, 1);
    await s.launch();
    for (const name of ['alice@example.org', 'ALICE@EXAMPLE.ORG', 'alice']) assert.equal(allowed(await login(name)).json.user.username, 'alice');
    refused(await login('alice@example'), 401, 'invalid_credentials');
}));

test('limits.sessions_per_user: the oldest ends; limits.api_keys_per_user: no more', () => running({ settings: { apps, limits: { sessions_per_user: 3, api_keys_per_user: 2 } } }, async (s) => {
    const callers = [];
    for (let i = 0; i < 5; i++) callers.push(await Caller.login(s, 'alice', { app: ['web', 'mobile'][i % 2] }));
    const statuses = [];
    for (const c of callers) statuses.push((await c.verify()).status);
    assert.deepEqual(statuses, [401, 401, 204, 204, 204]);
    const c = callers[4];
    assert.equal(allowed(await c.request('/v1/sessions')).json.items.length, 3);
    const ids = [];
    for (let i = 0; i < 2; i++) ids.push(allowed(await c.request('/v1/api-keys', { json: { name: `${i}` } }), 201).json.id);
    refused(await c.request('/v1/api-keys', { json: { name: 'more' } }), 409, 'limit_reached');
    allowed(await c.request(`/v1/api-keys/${ids[0]}`, { method: 'DELETE' }), 204);
    allowed(await c.request('/v1/api-keys', { json: { name: 'again' } }), 201);
}));

test('api_keys.lifetime: keys without expires_in end then', () => running({ settings: { apps, api_keys: { lifetime: '2d' } } }, async (s) => {
    const c = await Caller.login(s, 'alice');
    const { expires_at: end, key } = allowed(await c.request('/v1/api-keys', { json: { name: 'k' } }), 201).json;
    assert.ok(Math.abs(Date.parse(end) - Date.now() - 2 * 86400e3) < 60e3);
    allowed(await s.verify({ headers: bearer(key) }), 204);
    await s.stop();
    assert.equal(s.sql('UPDATE api_key SET expires_at_ms = expires_at_ms - 2 * 86400000 - 60000').changed, 1);
    await s.launch();
    assert.equal((await s.verify({ headers: bearer(key) })).status, 401);
    assert.deepEqual(allowed(await c.request('/v1/api-keys')).json.items, []);
}));

test('argon2: a hash is renewed at the next login when the parameters rise', () => running({ settings: { apps } }, async (s) => {
    const hash = async () => { await s.stop(); const [[text]] = s.sql('SELECT password_hash FROM user').rows; return text; };
    assert.match(await hash(), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    s.env.CARDEA_ARGON2_PASSES = '3';
    await s.launch();
    const c = await Caller.login(s, 'alice');
    allowed(await c.verify(), 204);
    const renewed = await hash();
    assert.match(renewed, /^\$argon2id\$v=19\$m=19456,t=3,p=1\$/);
    // what is good enough stays: parameters that fall change nothing
    s.env.CARDEA_ARGON2_PASSES = '2';
    await s.launch();
    allowed(await c.verify(), 204);
    await Caller.login(s, 'alice');
    assert.equal(await hash(), renewed);
    await s.launch();
}));

test('listen: a unix socket, private to its owner and group, and IPv6 loopback', async () => {
    const { statSync } = await import('node:fs');
    await running({}, async (s) => {
        await s.stop();
        const socketPath = join(s.state, 'main.sock');
        s.listen = `unix:${socketPath}`;
        await s.launch({ socketPath });
        assert.equal(statSync(socketPath).mode & 0o007, 0);
        const a = allowed(await s.request('/v1/login', { socketPath, json: { username: 'alice', password: PASSWORD } }));
        assert.equal(a.json.session.ip_address, null);
        const pair = a.setCookies.find((l) => l.startsWith(`${COOKIE.session}=`)).split(';')[0];
        allowed(await s.verify({ socketPath, headers: { Cookie: pair } }), 204);
        await s.stop();
        s.listen = `[::1]:${s.port}`;
        s.url = `http://[::1]:${s.port}`;
        await s.launch();
        const b = allowed(await s.request('/v1/login', { json: { username: 'alice', password: PASSWORD } }));
        assert.equal(b.json.session.ip_address, '::1');
        allowed(await s.verify({ headers: { Cookie: pair } }), 204);
    });
});
