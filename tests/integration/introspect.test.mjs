// Introspection and revocation by text (RFC 7662, RFC 7009) over real HTTP: what a service with a key is told, that it is told the
// truth at every moment, and that nothing it shows is written down. Forms, errors and scopes: contract.test.mjs.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Service } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, decode, signUp } from './lib/credentials.mjs';

let service, introspectKey, revokeKey;
before(async () => {
    service = await Service.start({ settings: { signup: true, apps: { web: 'web', spa: 'spa', mobile: 'mobile', sealed: 'sealed', paseto: { profile: 'mobile', token_format: 'v4.public' }, local: { profile: 'mobile', token_format: 'v4.local' }, hs: { profile: 'mobile', token_format: 'HS256' }, rs: { profile: 'mobile', token_format: 'RS256' } }, guess: { free: 100, address_per_minute: 10000 } }, users: [{ name: 'root', roles: ['admin'] }] });
    [introspectKey, revokeKey] = ['introspect', 'revoke'].map((scope) => service.command(['apikey', 'create', 'root', '--name', scope, '--scope', scope]).key);
});
after(() => service?.end());

const post = (path, headers, form) => service.request(path, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }, body: new URLSearchParams(form).toString() });
const introspect = async (token, hint) => allowed(await post('/v1/introspect', bearer(introspectKey), { token, ...(hint && { token_type_hint: hint }) })).json;
const revoke = async (token) => { assert.equal(allowed(await post('/v1/revoke', { 'X-API-Key': revokeKey }, { token })).text, ''); };
const INACTIVE = { active: false };
/** Asked on several connections at once, so that every event loop answers. */
const everywhere = async (token, check) => { for (const a of await Promise.all(Array.from({ length: 6 }, () => introspect(token)))) check(a); };
const dead = (token) => everywhere(token, (a) => assert.deepEqual(a, INACTIVE));
const alive = (token) => everywhere(token, (a) => assert.equal(a.active, true));

async function login(app) {
    const user = await signUp(service, 'shown');
    const caller = await Caller.login(service, user.username, { app });
    return { user, caller, access: caller.access, refresh: caller.refresh, cookie: caller.jar.get(COOKIE.session) };
}

describe('what is told', () => {
    test('of an access token: its own claims', async () => {
        const { user, access, caller } = await login('mobile');
        const { iss, sub, aud, exp, iat, jti, sid, client_id } = decode(access).claims;
        assert.deepEqual(await introspect(access), { active: true, token_type: 'Bearer', client_id, username: user.username, sub, iss, aud, exp, iat, jti, sid });
        assert.equal(sub, user.id);
        assert.equal(sid, caller.sid);
    });
    for (const app of ['paseto', 'local', 'hs', 'rs']) test(`of an access token in every format (${app})`, async () => {
        const { user, access, caller } = await login(app), now = Math.floor(Date.now() / 1000);
        const { exp, iat, jti, ...rest } = await introspect(access);
        assert.deepEqual(rest, { active: true, token_type: 'Bearer', client_id: app, username: user.username, sub: user.id, iss: service.url, aud: service.url, sid: caller.sid });
        assert.ok(exp > now && iat <= now && jti.length === 22);
        await revoke(access);
        await dead(access);
        assert.equal((await service.verify({ headers: bearer(access) })).status, 401);
        await alive(caller.refresh);
    });
    test('of the access cookie of a browser app and of its refresh cookie', async () => {
        const { access, refresh } = await login('spa');
        assert.equal((await introspect(access)).token_type, 'Bearer');
        assert.equal((await introspect(refresh, 'refresh_token')).token_type, 'refresh_token');
    });
    test('of a user name with what a header could not hold', async () => {
        const name = `o.${Date.now()}+x@example.org`;
        const made = await service.request('/v1/signup', { json: { username: name, password: 'correct horse battery 7' } });
        if (made.status !== 201) return; // names without those characters: nothing to see
        const caller = await Caller.login(service, name, { app: 'mobile', password: 'correct horse battery 7' });
        assert.equal((await introspect(caller.access)).username, made.json.user.username);
    });
});

describe('promise 1: after the answer, no question is answered by the old state', () => {
    const endings = {
        'logout': ({ caller }) => caller.request('/v1/logout', { method: 'POST' }),
        'logout everywhere': ({ caller }) => caller.request('/v1/logout/all', { method: 'POST' }),
        'suspension': async ({ user }) => (await Caller.login(service, 'root')).request(`/v1/admin/users/${user.id}`, { method: 'PATCH', json: { status: 'suspended' } }),
        'deletion': async ({ user }) => (await Caller.login(service, 'root')).request(`/v1/admin/users/${user.id}`, { method: 'DELETE' }),
        'revocation of the refresh token': async ({ refresh, cookie }) => { await revoke(refresh ?? cookie); return { status: 200 }; },
    };
    for (const [name, end] of Object.entries(endings)) for (const app of ['mobile', 'web', 'sealed', 'paseto', 'local']) test(`${name} (${app})`, async () => {
        const l = await login(app);
        const texts = [l.access, l.refresh, l.cookie].filter(Boolean);
        for (const t of texts) await alive(t);
        assert.ok((await end(l)).status < 300);
        for (const t of texts) await dead(t);
    });
    test('revocation of one access token leaves its session', async () => {
        const { access, refresh, caller } = await login('mobile');
        await revoke(access);
        await dead(access);
        assert.equal((await service.verify({ headers: bearer(access) })).status, 401);
        await alive(refresh);
        await caller.rotate();
        await alive(caller.access);
    });
});

describe('asking is not using', () => {
    test('a refresh token rotates as if nobody had asked, and a used one that is shown ends nothing', async () => {
        const { caller, refresh } = await login('mobile');
        for (let i = 0; i < 5; i++) assert.equal((await introspect(refresh)).active, true);
        await caller.rotate();
        await caller.rotate();
        await dead(refresh);
        await alive(caller.refresh);
        allowed(await service.request('/v1/me', { headers: bearer(caller.access) }));
    });
});

describe('what is revoked stays so', () => {
    test('over kill -9 and a start', async () => {
        const { access } = await login('mobile'), other = await login('mobile');
        await revoke(access);
        await revoke(other.refresh);
        await service.restart('SIGKILL');
        await dead(access);
        await dead(other.access);
        await dead(other.refresh);
    });
});

describe('nothing of it is written down', () => {
    test('neither tokens nor keys, in the log or in the state folder', async () => {
        const { access, refresh } = await login('mobile'), { cookie } = await login('web');
        for (const t of [access, refresh, cookie]) { await introspect(t); await revoke(t); await introspect(t); }
        await post('/v1/introspect', bearer(introspectKey), { token: `${refresh}x`, secret_parameter: 'seen-nowhere-7' });
        const said = service.output;
        const files = readdirSync(service.state).map((f) => join(service.state, f)).flatMap((f) => { try { return [readFileSync(f, 'latin1')]; } catch { return []; } });
        for (const secret of [access.split('.')[2], refresh, refresh.slice(40), cookie, cookie.slice(40), introspectKey, introspectKey.slice(30, 60), revokeKey, 'seen-nowhere-7'])
            for (const text of [said, ...files]) assert.ok(!text.includes(secret), `written down: ${secret}`);
    });
    test('the journal says who, what and by which key', async () => {
        const { user, access, caller } = await login('mobile'), { jti } = decode(access).claims;
        await revoke(access);
        const [row] = service.command(['audit', '--limit', '1']).items;
        assert.equal(row.type, 'token_revoked');
        assert.equal(row.user, user.id);
        assert.equal(row.sid, caller.sid);
        assert.deepEqual(row.detail, { api_key: revokeKey.slice(4, 26), jti });
    });
});

describe('other sites', () => {
    test('no page is answered: no CORS, no cookie counts', async () => {
        const { access } = await login('mobile');
        const a = await post('/v1/introspect', { ...bearer(introspectKey), Origin: 'https://evil.example' }, { token: access });
        assert.equal(a.headers['access-control-allow-origin'], undefined);
        const p = await service.request('/v1/introspect', { method: 'OPTIONS', headers: { Origin: service.url, 'Access-Control-Request-Method': 'POST' } });
        assert.equal(p.headers['access-control-allow-origin'], undefined);
    });
});
