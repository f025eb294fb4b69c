// Is each promise of DESIGN section 3 kept, as far as one node and today's credentials go?
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { request } from './lib/client.mjs';
import { PASSWORD, Service, freePort, root, run, temporary } from './lib/service.mjs';
import { BANK, CARRIER, COOKIE, Caller, allowed, bearer, cookies, decode, eventually, refused, signUp } from './lib/credentials.mjs';

const NEW_PASSWORD = 'nine violet otters read';
const settings = {
    signup: true,
    apps: {
        web: 'web', spa: 'spa', mobile: 'mobile', service: 'service', strict: 'strict', sealed: 'sealed', bank: BANK, api: 'api',
        shop: { profile: 'mobile', audience: 'https://shop.example' },
        telling: { profile: 'mobile', roles_in_token: true },
        brief: { profile: 'mobile', access: '1s' },
    },
    policies: {
        staff: { roles: ['staff'] },
        sessions: { kinds: ['session'] }, tokens: { kinds: ['token'] }, keys: { kinds: ['key'] }, sealings: { kinds: ['sealed'] },
        onlyshop: { apps: ['shop'] }, shopping: { audience: 'https://shop.example' }, elsewhere: { audience: 'https://else.example' },
        reader: { scopes: ['read'] }, fresh: { login_age_max: '1s' },
    },
    jwks: { max_age: '1s' },
    guess: { free: 100, address_per_minute: 10000 },
};
let service;
before(async () => { service = await Service.start({ settings, users: [{ name: 'alice' }, { name: 'root', roles: ['admin'] }] }); });
after(() => service?.end());

/** Everything that one user can hold, each asked over connections that stay open, so that every event loop has seen it before. */
async function holder(name) {
    const user = await signUp(service, name);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const logins = {};
    for (const app of Object.keys(CARRIER)) logins[app] = await Caller.login(service, user.username, { app });
    const key = allowed(await logins.web.request('/v1/api-keys', { json: { name: 'k', scopes: ['read'] } }), 201).json;
    const headers = { ...Object.fromEntries(Object.entries(logins).map(([app, c]) => [app, c.credential.headers])), key: { 'X-API-Key': key.key } };
    const ask = async (only = Object.keys(headers), policy = undefined) => Object.fromEntries(await Promise.all(only.map(async (kind) =>
        [kind, await Promise.all(Array.from({ length: 4 }, () => service.verify({ headers: headers[kind], agent }, policy)))])));
    const every = async (status, only, policy) => {
        for (const [kind, answers] of Object.entries(await ask(only, policy))) for (const a of answers) assert.equal(a.status, status, `${kind}: ${a.text}`);
    };
    return { user, logins, key, headers, ask, every, end: () => agent.destroy() };
}
const SESSIONS = Object.keys(CARRIER);

test('promise 1: after the answer to a logout, revocation, suspension, role or password change, no request sees the old state', async () => {
    const admin = await Caller.login(service, 'root');
    const patch = async (id, json) => allowed(await admin.request(`/v1/admin/users/${id}`, { method: 'PATCH', json }));
    const rolesAre = async (h, want) => {
        for (const [kind, answers] of Object.entries(await h.ask())) for (const a of answers) assert.equal(a.headers['x-auth-roles'], want, kind);
    };
    const h = await holder('one');
    await h.every(204);
    await rolesAre(h, undefined);
    // roles, up and down: read live, by whatever credential
    for (let i = 0; i < 3; i++) {
        await patch(h.user.id, { roles: ['staff', 'editor'] });
        await rolesAre(h, 'editor,staff');
        await h.every(204, undefined, 'staff');
        await patch(h.user.id, { roles: [] });
        await rolesAre(h, undefined);
        await h.every(403, undefined, 'staff');
    }
    // the same by the operator's command
    service.command(['user', 'roles', h.user.username, 'staff']);
    await h.every(204, undefined, 'staff');
    // one session
    allowed(await h.logins.web.request(`/v1/sessions/${h.logins.mobile.sid}`, { method: 'DELETE' }), 204);
    await h.every(401, ['mobile']);
    await h.every(204, ['web', 'spa', 'service', 'strict', 'sealed', 'bank', 'key']);
    // an API key
    const other = allowed(await h.logins.web.request('/v1/api-keys', { json: { name: 'other' } }), 201).json;
    allowed(await service.verify({ headers: bearer(other.key) }), 204);
    allowed(await h.logins.web.request(`/v1/api-keys/${other.id}`, { method: 'DELETE' }), 204);
    for (let i = 0; i < 4; i++) assert.equal((await service.verify({ headers: bearer(other.key) })).status, 401);
    // one token by its jti; the session goes on
    allowed(await admin.request('/v1/admin/tokens/revoke', { json: { jti: decode(h.logins.service.access).claims.jti } }), 204);
    await h.every(401, ['service']);
    allowed(await h.logins.service.rotate());
    allowed(await h.logins.service.verify(), 204);
    // logout
    for (const app of ['strict', 'sealed', 'bank']) {
        allowed(await h.logins[app].request('/v1/logout', { method: 'POST' }), 204);
        await h.every(401, [app]);
    }
    // suspension ends everything, keys too, and taking it back revives no session
    await patch(h.user.id, { status: 'suspended' });
    await h.every(401);
    refused(await service.request('/v1/login', { json: { username: h.user.username, password: PASSWORD } }), 401, 'invalid_credentials');
    await patch(h.user.id, { status: 'active' });
    await h.every(401, SESSIONS);
    await h.every(204, ['key']);
    h.end();

    const everywhere = await holder('one');
    await everywhere.every(204);
    allowed(await everywhere.logins.spa.request('/v1/logout/all', { method: 'POST' }), 204);
    await everywhere.every(401, SESSIONS);
    await everywhere.every(204, ['key']);
    everywhere.end();

    const changing = await holder('one');
    await changing.every(204);
    allowed(await changing.logins.mobile.step('/v1/password', { json: { current_password: PASSWORD, new_password: NEW_PASSWORD } }));
    await changing.every(401, SESSIONS);
    allowed(await changing.logins.mobile.verify(), 204);
    changing.end();

    const gone = await holder('one');
    await gone.every(204);
    service.command(['user', 'logout', gone.user.username]);
    await gone.every(401, SESSIONS);
    allowed(await admin.request(`/v1/admin/users/${gone.user.id}`, { method: 'DELETE' }), 204);
    await gone.every(401);
    gone.end();

    // a revocation that races checks: none that was sent after its answer passes
    const racing = await holder('one');
    let answered = 0, late = 0, checks = 0;
    const until = Date.now() + 5000;
    const loops = SESSIONS.map(async (app) => {
        for (;;) {
            const sentAfter = answered > 0;
            const a = await service.verify({ headers: racing.headers[app] });
            checks++;
            if (sentAfter && a.status !== 401) late++;
            if (a.status === 401) return;
            assert.ok(Date.now() < until);
        }
    });
    await new Promise((done) => setTimeout(done, 100));
    allowed(await admin.request(`/v1/admin/users/${racing.user.id}/logout`, { method: 'POST' }), 204);
    answered = 1;
    await Promise.all(loops);
    assert.equal(late, 0);
    assert.ok(checks > 10);
    racing.end();
});

test('promise 2: no secret that a client presents is stored, logged, or a key to look things up', async () => {
    const h = await holder('two');
    const spa = h.logins.spa;
    const used = [spa.refresh];
    allowed(await spa.rotate());
    await h.logins.web.request('/v1/me', { method: 'PATCH', json: { name: 'logged' } });
    await service.request(`/v1/me?access_token=${h.logins.mobile.access}&password=${encodeURIComponent(PASSWORD)}`);
    const cookie = h.logins.web.jar.get(COOKIE.session), raw = Buffer.from(cookie, 'base64url');
    const refreshes = [...used, spa.refresh, h.logins.mobile.refresh].map((t) => Buffer.from(t.slice(4), 'base64url'));
    assert.equal(raw.length, 56);
    const secrets = [
        ['session cookie', cookie], ['session secret', raw.subarray(24)],
        ...[...used, spa.refresh, h.logins.mobile.refresh].map((t) => ['refresh token', t]),
        ...refreshes.map((r) => ['refresh secret', r.subarray(28, 60)]),
        ['API key', h.key.key], ['API key secret', Buffer.from(h.key.key.slice(26, 69), 'base64url')], ['API key secret', h.key.key.slice(26, 69)],
        ['access token', h.logins.mobile.access], ['its signature', decode(h.logins.mobile.access).signature],
        ['access token', spa.access], ['password', PASSWORD], ['CSRF token', spa.csrf],
        ['device cookie', spa.jar.get(COOKIE.device)],
    ];
    const search = (where, bytes) => {
        for (const [what, secret] of secrets) {
            const forms = Buffer.isBuffer(secret) ? [secret, Buffer.from(secret.toString('hex')), Buffer.from(secret.toString('base64url')), Buffer.from(secret.toString('base64'))] : [Buffer.from(secret)];
            for (const form of forms) assert.ok(!bytes.includes(form), `${what} in ${where}`);
        }
    };
    const files = () => readdirSync(service.state).filter((f) => statSync(join(service.state, f)).isFile());
    const database = () => Buffer.concat(files().filter((f) => f.startsWith('cardea.db')).map((f) => readFileSync(join(service.state, f))));
    assert.ok(database().includes(raw.subarray(0, 16)) || database().includes(h.logins.web.sid), 'the search finds what is there: the public half');
    for (const f of files()) search(f, readFileSync(join(service.state, f)));
    search('the log', Buffer.from(service.output));
    assert.ok(service.output.includes('/v1/me'), 'requests are logged');
    search('arguments', Buffer.from(readFileSync(`/proc/${service.child.pid}/cmdline`)));
    for (const f of files()) assert.equal(statSync(join(service.state, f)).mode & 0o077, 0, `${f} is private`);
    // the public half alone finds nobody
    const flip = (text, i) => text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1);
    for (const i of [32, 50, 73]) assert.equal((await service.verify({ headers: cookies({ [COOKIE.session]: flip(cookie, i) }) })).status, 401);
    for (const i of [30, 60]) assert.equal((await service.verify({ headers: { 'X-API-Key': flip(h.key.key, i) } })).status, 401);
    h.end();
});

test('promise 3: a token never chooses how it is verified', async () => {
    const c = await Caller.login(service, 'alice', { app: 'mobile' });
    const [head, body, signature] = c.access.split('.');
    const { header, claims } = decode(c.access);
    const b64 = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');
    const { keys } = (await service.request('/.well-known/jwks.json')).json;
    const jwk = keys.find((k) => k.kid === header.kid);
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signed = (h, p = claims, key = own.privateKey) => {
        const input = `${b64(h)}.${typeof p === 'string' ? p : b64(p)}`;
        return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    };
    const hmac = (h, key) => { const input = `${b64(h)}.${body}`; return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`; };
    const forged = [
        ...['none', 'None', 'NONE', 'nOnE', '', null, 0, true, ['none'], ['ES256'], {}].flatMap((alg) => [`${b64({ ...header, alg })}.${body}.`, `${b64({ ...header, alg })}.${body}.${signature}`]),
        `${head}.${body}.`, `${head}.${body}`, `${b64({ typ: 'at+jwt', kid: header.kid })}.${body}.${signature}`,
        ...['HS256', 'HS384', 'HS512'].flatMap((alg) => [pem, pem.trim(), pem.replace(/\n/g, '\r\n'), '', '\0', header.kid, JSON.stringify(jwk)].map((k) => hmac({ ...header, alg }, k))),
        ...['RS256', 'PS256', 'ES384', 'EdDSA', 'ES256K'].map((alg) => `${b64({ ...header, alg })}.${body}.${signature}`),
        signed(header), signed({ ...header, kid: 'x' }), signed({ alg: 'ES256', typ: 'at+jwt' }),
        signed({ ...header, jwk: own.publicKey.export({ format: 'jwk' }) }), signed({ ...header, kid: undefined, jwk: own.publicKey.export({ format: 'jwk' }) }),
        signed({ ...header, jku: `${service.url}/jwks` }), signed({ ...header, x5u: 'http://127.0.0.1:1/x' }), signed({ ...header, crit: ['exp'] }),
        signed({ ...header, kid: '../../../../dev/null' }), signed({ ...header, kid: ["x' UNION SELECT 'k'-- -"] }),
        ...['JWT', '', 'refresh+jwt', undefined, ['at+jwt']].map((typ) => `${b64({ ...header, typ })}.${body}.${signature}`),
    ];
    const genuine = allowed(await service.verify({ headers: bearer(c.access) }), 204);
    assert.equal(genuine.headers['x-auth-method'], 'token');
    const texts = new Set();
    for (const text of forged) {
        for (const place of [bearer(text), cookies({ [COOKIE.access]: text })]) {
            const a = await service.verify({ headers: place });
            assert.equal(a.status, 401, text.slice(0, 200));
            texts.add(`${a.headers['www-authenticate']} ${a.json.code} ${a.json.detail}`);
        }
    }
    assert.deepEqual([...texts], [`Bearer error="invalid_token" invalid_token ${'The token is not valid'}`], 'a refusal never names which check failed');
    allowed(await service.verify({ headers: bearer(c.access) }), 204);
    for (const file of readdirSync(join(root, 'src/core')).filter((f) => /^(access_token|verify|keyring|signature)/.test(f)))
        assert.doesNotMatch(readFileSync(join(root, 'src/core', file), 'utf8').replace(/\/\*[^]*?\*\//g, ''), /\bnone\b/i, `${file}: none does not exist in the code`);
});

/** What `cardea config check` says of these settings. */
function checked(text, env = {}) {
    const folder = temporary(), file = join(folder, 'cardea.yaml');
    writeFileSync(file, text);
    try {
        return run(['config', 'check', '--config', file, '--state', join(folder, 'state')], { env });
    } finally {
        rmSync(folder, { recursive: true });
    }
}

test('promise 4: exp is always there and checked; no access token lives longer than an hour', async () => {
    for (const profile of ['spa', 'mobile', 'service', 'sealed']) {
        for (const access of ['2h', '61m', '3601s', '1d']) {
            const r = checked(`apps:\n  a:\n    profile: ${profile}\n    access: ${access}\n`);
            assert.equal(r.status, 2, r.stdout + r.stderr);
            assert.match(r.stderr, /:4:13: .*access/);
        }
        const good = checked(`apps:\n  a:\n    profile: ${profile}\n    access: 1h\n`);
        assert.equal(good.status, 0, good.stderr);
    }
    for (const app of ['mobile', 'service', 'telling', 'shop', 'brief', 'bank']) {
        const { access } = await Caller.login(service, 'alice', { app });
        const { exp, iat } = decode(access).claims;
        assert.ok(Number.isInteger(exp) && exp > iat && exp - iat <= 3600);
        assert.ok(Math.abs(iat - Date.now() / 1000) <= 2);
    }
    const c = await Caller.login(service, 'alice', { app: 'brief' });
    const at = decode(c.access).claims.exp * 1000;
    await eventually('the token ends', async () => {
        const sent = Date.now(), a = await c.verify();
        if (a.status === 204) assert.ok(sent < at + 50, 'no leeway for exp');
        return a.status === 401;
    });
});

test('promise 5: a session id is never reused across a login, a step-up or a password change', async () => {
    const admin = await Caller.login(service, 'root');
    for (const app of SESSIONS) {
        const user = await signUp(service, 'five');
        const c = await Caller.login(service, user.username, { app });
        const seen = new Set([c.sid]), dead = [];
        const next = async (what, step) => {
            const old = c.credential;
            await step();
            assert.ok(!seen.has(c.sid), `${what} makes a new record`);
            seen.add(c.sid);
            dead.push(old);
            for (const d of dead) assert.equal((await d.verify()).status, 401, `${what} ends the old one`);
            allowed(await c.verify(), 204);
        };
        await next('a step-up', async () => allowed(await c.step('/v1/reauthenticate', { json: { password: PASSWORD } })));
        await next('a password change', async () => allowed(await c.step('/v1/password', { json: { current_password: PASSWORD, new_password: NEW_PASSWORD } })));
        if (CARRIER[app] !== 'body') await next('a login in the same browser', async () => c.take((await service.login(user.username, { app, password: NEW_PASSWORD, jar: c.jar })).answer));
        const kept = c.sid;
        allowed(await admin.request(`/v1/admin/users/${user.id}`, { method: 'PATCH', json: { roles: ['staff'] } }));
        assert.equal(allowed(await c.request('/v1/me')).json.session.sid, kept, 'a role change keeps the id: roles are read live');
        assert.deepEqual((await c.request('/v1/me')).json.user.roles, ['staff']);
    }
});

test('promise 6: a refresh token works once; racing requests share its successor; any other reuse ends the session', async () => {
    const send = (c, token) => (CARRIER[c.app] === 'cookies'
        ? service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: token }) })
        : service.request('/v1/refresh', { json: { refresh_token: token } }));
    const given = (a) => a.json.refresh_token ?? a.setCookies.map((l) => l.match(/^__Host-cardea-refresh=([^;]*)/)?.[1]).find(Boolean);
    const admin = await Caller.login(service, 'root');
    const reuses = async (id) => (await admin.request(`/v1/admin/audit?type=refresh_reuse&user=${id}`)).json.items;
    const late = await Caller.login(service, (await signUp(service, 'six')).username, { app: 'mobile' });
    const lateUsed = late.refresh;
    allowed(await late.rotate());
    const started = Date.now();
    for (const app of ['spa', 'mobile', 'service', 'bank']) {
        const user = await signUp(service, 'six');
        const c = await Caller.login(service, user.username, { app });
        // racing: the same successor for everybody, and the cookies again
        const racing = await Promise.all(Array.from({ length: 24 }, () => send(c, c.refresh)));
        for (const a of racing) allowed(a);
        assert.deepEqual([...new Set(racing.map(given))].length, 1);
        if (CARRIER[app] === 'cookies') for (const a of racing) assert.equal(a.setCookies.length, 2);
        const first = c.refresh, second = given(racing[0]);
        assert.notEqual(second, first);
        assert.equal(given(allowed(await send(c, first))), second, 'and again, as long as the successor is unused');
        // a guess does nothing
        for (const i of [4, 8, 12, 30, 36, 45, 60, 80, 100, 105]) {
            const guess = second.slice(0, i) + (second[i] === 'A' ? 'B' : 'A') + second.slice(i + 1);
            refused(await send(c, guess), 401, 'invalid_token');
        }
        for (const guess of ['x', `${second}A`, second.slice(0, -1), second.toUpperCase(), `crt_${randomBytes(76).toString('base64url')}`]) refused(await send(c, guess), 401, 'invalid_token');
        // the successor's own use closes the grace; then the old one is reuse
        const third = given(allowed(await send(c, second)));
        const access = racing[0].json.access_token ?? racing[0].setCookies.map((l) => l.match(/^__Host-cardea-access=([^;]*)/)?.[1]).find(Boolean);
        allowed(await service.verify({ headers: bearer(access) }), 204);
        assert.equal((await reuses(user.id)).length, 0);
        refused(await send(c, first), 401, 'invalid_token');
        const events = await reuses(user.id);
        assert.equal(events.length, 1);
        assert.equal(events[0].sid, c.sid);
        refused(await send(c, third), 401, 'invalid_token');
        assert.equal((await service.verify({ headers: bearer(access) })).status, 401);
    }
    // rotation never extends the absolute end
    const c = await Caller.login(service, 'alice', { app: 'service' });
    const { expires_at: end } = c.answer.json.session;
    await new Promise((done) => setTimeout(done, 1100));
    const rotated = allowed(await c.rotate()).json;
    assert.ok(rotated.refresh_expires_in < 86400);
    assert.equal((await c.request('/v1/me')).json.session.expires_at, end);
    // past 10 s, the same token is reuse although its successor was never used
    await new Promise((done) => setTimeout(done, Math.max(0, started + 10_500 - Date.now())));
    refused(await service.request('/v1/refresh', { json: { refresh_token: lateUsed } }), 401, 'invalid_token');
    refused(await service.request('/v1/refresh', { json: { refresh_token: late.refresh } }), 401, 'invalid_token');
    assert.equal((await late.verify()).status, 401);
});

test('promise 7: a credential works in its own place alone, and every token is for an audience', async () => {
    const h = await holder('seven');
    const { web, spa, mobile } = h.logins;
    const texts = { session: web.jar.get(COOKIE.session), access: mobile.access, accessCookie: spa.access, refresh: mobile.refresh, refreshCookie: spa.refresh, key: h.key.key, csrf: web.csrf, device: web.jar.get(COOKIE.device) };
    const places = {
        'session cookie': [(t) => cookies({ [COOKIE.session]: t }), ['session']],
        'access cookie': [(t) => cookies({ [COOKIE.access]: t }), ['access', 'accessCookie']],
        'refresh cookie': [(t) => cookies({ [COOKIE.refresh]: t }), []],
        'device cookie': [(t) => cookies({ [COOKIE.device]: t }), []],
        bearer: [bearer, ['access', 'accessCookie', 'key']],
        'X-API-Key': [(t) => ({ 'X-API-Key': t }), ['key']],
        'X-CSRF-Token': [(t) => ({ 'X-CSRF-Token': t }), []],
    };
    for (const [place, [headers, good]] of Object.entries(places)) for (const [what, text] of Object.entries(texts))
        assert.equal((await service.verify({ headers: headers(text) })).status, good.includes(what) ? 204 : 401, `${what} as ${place}`);
    for (const [what, text] of Object.entries(texts)) {
        if (what !== 'refresh') assert.equal((await service.request('/v1/refresh', { json: { refresh_token: text } })).status, text.length > 128 ? 400 : 401, `${what} as refresh token`);
        if (what !== 'refreshCookie') assert.equal((await service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: text }) })).status, 401, `${what} as refresh cookie`);
        if (what !== 'csrf') refused(await service.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, headers: { ...cookies({ [COOKIE.session]: texts.session }), 'X-CSRF-Token': text } }), 403, 'csrf_failed');
    }
    // audiences: an app's tokens are for it; a policy may ask for one; policies name kinds, apps, scopes, age
    const shop = await Caller.login(service, 'alice', { app: 'shop' });
    assert.equal(decode(shop.access).claims.aud, 'https://shop.example');
    assert.equal(decode(mobile.access).claims.aud, service.url);
    allowed(await shop.verify(), 204);
    allowed(await shop.verify('shopping'), 204);
    allowed(await shop.verify('onlyshop'), 204);
    for (const policy of ['shopping', 'elsewhere', 'onlyshop']) refused(await mobile.verify(policy), 403, 'forbidden');
    refused(await shop.verify('elsewhere'), 403, 'forbidden');
    const ask = async (policy) => Object.fromEntries(Object.entries(await h.ask(['web', 'mobile', 'key', 'sealed'], policy)).map(([k, [a]]) => [k, a.status]));
    assert.deepEqual(await ask('sessions'), { web: 204, mobile: 401, key: 401, sealed: 401 });
    assert.deepEqual(await ask('tokens'), { web: 401, mobile: 204, key: 401, sealed: 401 });
    assert.deepEqual(await ask('keys'), { web: 401, mobile: 401, key: 204, sealed: 401 });
    assert.deepEqual(await ask('sealings'), { web: 401, mobile: 401, key: 401, sealed: 204 });
    assert.deepEqual(await ask('reader'), { web: 204, mobile: 204, key: 204, sealed: 204 });
    const scopeless = allowed(await web.request('/v1/api-keys', { json: { name: 'none' } }), 201).json.key;
    refused(await service.verify({ headers: bearer(scopeless) }, 'reader'), 403, 'forbidden');
    await eventually('the logins grow too old', async () => { const a = await ask('fresh'); return a.web === 403 && a.mobile === 403 && a.sealed === 403; });
    assert.deepEqual(await ask('fresh'), { web: 403, mobile: 403, key: 403, sealed: 403 });
    refused(await web.verify('fresh'), 403, 'reauthentication_required');
    // another installation, the same words: not ours
    const other = await Service.start({ users: [{ name: 'alice' }], env: { CARDEA_PUBLIC_URL: service.url } });
    try {
        const stranger = await Caller.login(other, 'alice', { app: 'mobile' }), cookie = await Caller.login(other, 'alice');
        assert.equal(decode(stranger.access).claims.iss, service.url);
        allowed(await stranger.verify(), 204);
        assert.equal((await service.verify({ headers: bearer(stranger.access) })).status, 401);
        assert.equal((await service.verify({ headers: cookie.headers })).status, 401);
        refused(await service.request('/v1/refresh', { json: { refresh_token: stranger.refresh } }), 401, 'invalid_token');
    } finally {
        await other.end();
    }
    h.end();
});

test('promise 8: nothing sensitive in a token; current roles come from memory', async () => {
    const admin = await Caller.login(service, 'root');
    const user = await signUp(service, 'eight', { email: 'eight@example.org' });
    for (const app of ['spa', 'mobile', 'service', 'shop', 'telling', 'bank']) {
        allowed(await admin.request(`/v1/admin/users/${user.id}`, { method: 'PATCH', json: { roles: ['staff'] } }));
        const c = await Caller.login(service, user.username, { app });
        const { header, claims } = decode(c.access);
        assert.deepEqual(Object.keys(header).sort(), ['alg', 'kid', 'typ']);
        assert.equal(header.alg, 'ES256');
        assert.equal(header.typ, 'at+jwt');
        const names = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'sid', 'ep', 'client_id'];
        assert.deepEqual(Object.keys(claims).sort(), (app === 'telling' ? [...names, 'roles'] : names).sort());
        assert.deepEqual([claims.iss, claims.sub, claims.sid, claims.client_id], [service.url, user.id, c.sid, app]);
        if (app === 'telling') assert.deepEqual(claims.roles, ['staff']);
        const text = JSON.stringify([header, claims]);
        for (const word of [user.username, 'eight@example.org', PASSWORD]) assert.ok(!text.includes(word));
        const roles = async () => (await c.verify()).headers['x-auth-roles'];
        assert.equal(await roles(), 'staff');
        allowed(await admin.request(`/v1/admin/users/${user.id}`, { method: 'PATCH', json: { roles: ['boss'] } }));
        assert.equal(await roles(), 'boss');
    }
    // opaque credentials say nothing at all
    const web = await Caller.login(service, user.username);
    assert.ok(!Buffer.from(web.jar.get(COOKIE.session), 'base64url').toString('latin1').includes(user.id));
});

test('promise 9: HTTPS always: plain HTTP on loopback or from a named proxy only, TLS 1.2 and 1.3 only, cookies closed', async () => {
    for (const listen of ['0.0.0.0:8420', '192.0.2.1:80', "'[::]:8420'", "'[2001:db8::1]:8420'"]) {
        const r = checked(`listen: ${listen}\npublic_url: https://id.example\n`);
        assert.equal(r.status, 2, r.stdout);
        assert.match(r.stderr, /plain HTTP/);
        assert.equal(checked(`listen: ${listen}\npublic_url: https://id.example\ntrusted_proxies: [192.0.2.9]\n`).status, 0);
    }
    assert.equal(checked('listen: 127.0.0.1:8420\n').status, 0);
    assert.equal(checked("listen: '[::1]:8420'\n").status, 0);
    assert.equal(checked('admin_listen: 0.0.0.0:8421\n').status, 2);
    for (const url of ['http://id.example', 'http://192.0.2.1:80', 'ftp://id.example']) assert.equal(checked(`public_url: ${url}\n`).status, 2, url);
    assert.equal(checked('public_url: https://id.example\ncookie:\n  insecure_names: true\n').status, 2);

    const folder = temporary();
    const key = join(folder, 'key.pem'), cert = join(folder, 'cert.pem');
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    const s = new Service();
    Object.assign(s, { state: join(folder, 'state'), keepState: true, port: await freePort() });
    s.url = `https://127.0.0.1:${s.port}`;
    s.env = { CARDEA_PUBLIC_URL: s.url, CARDEA_ARGON2_MEMORY: '19MiB', CARDEA_ARGON2_PASSES: '2', CARDEA_LISTEN_TLS_CERT: cert, CARDEA_LISTEN_TLS_KEY: key };
    const ca = readFileSync(cert);
    try {
        s.addUser({ name: 'alice' });
        await s.launch({ ca });
        const a = allowed(await request(`${s.url}/v1/login`, { ca, json: { username: 'alice', password: PASSWORD } }));
        const session = a.setCookies.find((l) => l.startsWith(`${COOKIE.session}=`));
        for (const word of ['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']) assert.ok(session.split('; ').includes(word), word);
        assert.doesNotMatch(session, /domain/i);
        allowed(await request(`${s.url}/verify`, { ca, headers: { Cookie: session.split(';')[0] } }), 204);
        const speak = (minVersion, maxVersion = minVersion) => new Promise((done) => {
            const socket = tls.connect({ port: s.port, host: '127.0.0.1', ca, minVersion, maxVersion, ciphers: 'DEFAULT:@SECLEVEL=0' }, () => { done(socket.getProtocol()); socket.destroy(); });
            socket.on('error', () => done('refused'));
        });
        assert.deepEqual([await speak('TLSv1'), await speak('TLSv1.1'), await speak('TLSv1.2'), await speak('TLSv1.3')], ['refused', 'refused', 'TLSv1.2', 'TLSv1.3']);
        // plain HTTP on that port gets no answer from the service
        const plain = await request(`http://127.0.0.1:${s.port}/healthz`, { contract: false }).then((r) => r.status, () => 'closed');
        assert.equal(plain, 'closed');
    } finally {
        assert.deepEqual(await s.stop(), { code: 0, signal: null });
        rmSync(folder, { recursive: true, force: true });
    }
});

test('promise 10: what was acknowledged survives kill -9, and is on the disk before the answer', async () => {
    const s = await Service.start({ settings, users: [{ name: 'alice' }, { name: 'bob' }, { name: 'root', roles: ['admin'] }] });
    try {
        const admin = await Caller.login(s, 'root');
        const bob = (await Caller.login(s, 'bob')).user;
        const kept = await Caller.login(s, 'alice', { app: 'mobile' }), web = await Caller.login(s, 'alice');
        const gone = await Caller.login(s, 'alice'), bobs = await Caller.login(s, 'bob', { app: 'mobile' });
        const { key, id } = allowed(await web.request('/v1/api-keys', { json: { name: 'k' } }), 201).json;
        const dead = allowed(await web.request('/v1/api-keys', { json: { name: 'dead' } }), 201).json;
        allowed(await kept.rotate());
        // one acknowledged change after the other, and killed at once after the last
        for (const [change, check] of [
            [async () => allowed(await gone.request('/v1/logout', { method: 'POST' }), 204), async () => assert.equal((await gone.credential.verify()).status, 401)],
            [async () => allowed(await web.request(`/v1/api-keys/${dead.id}`, { method: 'DELETE' }), 204), async () => assert.equal((await s.verify({ headers: bearer(dead.key) })).status, 401)],
            [async () => allowed(await admin.request(`/v1/admin/users/${bob.id}`, { method: 'PATCH', json: { roles: ['staff'] } })), async () => assert.equal((await bobs.verify()).headers['x-auth-roles'], 'staff')],
            [async () => allowed(await admin.request(`/v1/admin/users/${bob.id}`, { method: 'PATCH', json: { status: 'suspended' } })), async () => assert.equal((await bobs.verify()).status, 401)],
            [async () => allowed(await admin.request('/v1/admin/tokens/revoke', { json: { jti: decode(kept.access).claims.jti } }), 204), async () => assert.equal((await kept.verify()).status, 401)],
            [async () => allowed(await kept.rotate()), async () => allowed(await kept.verify(), 204)],
        ]) {
            const had = gone.credential;
            await change();
            assert.equal((await s.kill()).signal, 'SIGKILL');
            await s.launch();
            await check();
            assert.equal((await had.verify()).status, 401);
            allowed(await web.verify(), 204);
            allowed(await s.verify({ headers: bearer(key) }), 204);
            assert.ok(id);
        }
        const chain = s.command(['audit', '--verify']);
        assert.equal(chain.ok ?? true, true);
        await syncedBeforeAnswer(s);
    } finally {
        await s.end();
    }
});

/** With strace, where it may be used: the sync of a commit stands before the answer in the order of system calls. */
async function syncedBeforeAnswer(s) {
    const file = join(s.state, 'trace'), tracer = spawn('strace', ['-f', '-q', '-s', '24', '-e', 'trace=fsync,fdatasync,sendto,sendmsg,write,writev', '-o', file, '-p', String(s.child.pid)], { stdio: 'ignore' });
    const ended = new Promise((done) => { tracer.on('exit', done); tracer.on('error', done); });
    const attached = () => existsSync(file) && readFileSync(`/proc/${s.child.pid}/status`, 'utf8').includes(`TracerPid:\t${tracer.pid}`);
    await Promise.race([ended, eventually('strace attaches', attached, 5000).catch(() => undefined)]);
    if (tracer.exitCode !== null || !attached()) { tracer.kill('SIGINT'); return; } // tracing is not permitted here
    const c = await Caller.login(s, 'alice', { app: 'mobile' });
    allowed(await c.rotate());
    allowed(await c.request('/v1/logout', { method: 'POST' }), 204);
    tracer.kill('SIGINT');
    await ended;
    const order = readFileSync(file, 'utf8').split('\n').map((l) => (/f(data)?sync\(/.test(l) ? 's' : /"HTTP\/1\.1 20[04]/.test(l) ? 'a' : '')).join('');
    assert.match(order, /^(s+a){3}/, `each of three answers after a sync of its own: ${order}`);
}

test('promise 11: failed logins tell nothing, guessing is slowed, the owner is not locked out, hashing is bounded', async () => {
    const login = (s, username, password, headers) => s.request('/v1/login', { json: { username, password }, headers });
    const admin = await Caller.login(service, 'root');
    const suspended = await signUp(service, 'eleven'), known = await signUp(service, 'eleven');
    allowed(await admin.request(`/v1/admin/users/${suspended.id}`, { method: 'PATCH', json: { status: 'suspended' } }));
    const bare = (a) => {
        const headers = a.rawHeaders.map((v, i) => (i % 2 && ['date', 'x-request-id'].includes(a.rawHeaders[i - 1].toLowerCase()) ? v.length : v));
        return [a.status, headers.join('\n'), a.text.replace(a.json.request_id, 'x'.repeat(a.json.request_id.length))];
    };
    const answers = [];
    for (const [username, password] of [[known.username, 'wrong password'], ['nobody-here', 'wrong password'], ['nobody-here', PASSWORD], [suspended.username, PASSWORD], [suspended.username, 'wrong password'], ['No Such Name!', PASSWORD], ['x'.repeat(200), PASSWORD]])
        answers.push(bare(refused(await login(service, username, password), 401, 'invalid_credentials')));
    for (const a of answers) assert.deepEqual(a, answers[0]);

    // the same throttle for a known and an unknown account, a bounded wait, and a door for the owner's own browser
    const s = await Service.start({ settings: { ...settings, guess: { free: 3, wait_max: '2s', address_per_minute: 1000 }, hash: { threads: 1, queue: 2 }, trusted_proxies: ['127.0.0.1'] }, users: [{ name: 'alice' }, { name: 'bob' }] });
    try {
        const owner = await Caller.login(s, 'alice');
        const jar = owner.jar.copy();
        const attack = async (username) => {
            const seen = [];
            for (let i = 0; i < 8; i++) {
                const a = await login(s, username, `wrong ${i} password`, { 'X-Forwarded-For': '198.51.100.7' });
                seen.push(a.status);
                if (a.status === 429) {
                    refused(a, 429, 'rate_limited');
                    assert.ok(Number(a.headers['retry-after']) >= 1 && Number(a.headers['retry-after']) <= 2);
                }
            }
            return seen;
        };
        const at = await attack('alice'), other = await attack('nobody-here');
        assert.deepEqual(at.slice(0, 3), [401, 401, 401]);
        assert.equal(at[3], 429);
        assert.deepEqual(other.slice(0, 4), at.slice(0, 4));
        // the known browser notices nothing; elsewhere the owner waits a moment at most, however long the guessing goes on
        allowed(await s.request('/v1/login', { json: { username: 'alice', password: PASSWORD }, headers: { Cookie: `${COOKIE.device}=${jar.get(COOKIE.device)}`, 'X-Forwarded-For': '198.51.100.7' } }));
        await eventually('the owner comes in from elsewhere', async () => {
            await login(s, 'alice', 'wrong again', { 'X-Forwarded-For': '198.51.100.7' });
            return (await login(s, 'alice', PASSWORD, { 'X-Forwarded-For': '203.0.113.5' })).status === 200;
        }, 5000);
        await eventually('the guessing address may try again', async () => (await login(s, 'alice', PASSWORD, { 'X-Forwarded-For': '198.51.100.7' })).status === 200, 10000);
        // one address over many accounts
        const sprayed = await Service.start({ settings: { ...settings, guess: { free: 100, address_per_minute: 5 } }, users: [{ name: 'alice' }] });
        try {
            const statuses = [];
            for (let i = 0; i < 9; i++) statuses.push((await login(sprayed, `user-${i}`, PASSWORD)).status);
            assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429, 429]);
        } finally {
            await sprayed.end();
        }
        // a full queue of hashes: 503 with Retry-After, while logouts and checks go on
        const bob = await Caller.login(s, 'bob'), alice = await Caller.login(s, 'alice');
        const many = Promise.all(Array.from({ length: 24 }, () => login(s, 'bob', PASSWORD)));
        const out = (async () => {
            allowed(await alice.verify(), 204);
            allowed(await alice.request('/v1/logout', { method: 'POST' }), 204);
        })();
        await out;
        const results = await many;
        const busy = results.filter((a) => a.status === 503);
        assert.ok(busy.length > 0, results.map((a) => a.status).join(' '));
        for (const a of busy) refused(a, 503, 'busy');
        assert.ok(results.some((a) => a.status === 200));
        for (const a of results) assert.ok([200, 503].includes(a.status), a.text);
        allowed(await bob.verify(), 204);
        // failures stand in the journal, in aggregate
        await s.stop();
        const failures = s.command(['audit', '--type', 'login_failed']).items;
        assert.ok(failures.length > 0);
        assert.ok(failures.some((e) => JSON.stringify(e.detail).includes('alice')), JSON.stringify(failures));
    } finally {
        await s.end();
    }
});

test('promise 12: no input crashes it, and every quantity a peer controls has a limit', async () => {
    const { pid } = service.child;
    const c = await Caller.login(service, 'alice');
    const host = `Host: 127.0.0.1:${service.port}\r\n`;
    const raw = (bytes) => new Promise((done) => {
        const socket = net.connect(service.port, '127.0.0.1', () => socket.end(bytes));
        const chunks = [];
        socket.on('data', (d) => chunks.push(d));
        socket.on('close', () => done(Buffer.concat(chunks).toString('latin1')));
        socket.on('error', () => {});
        socket.setTimeout(1000, () => socket.destroy()); // what is no whole request waits for its deadline: we do not
    });
    const status = async (bytes) => Number((await raw(bytes)).match(/^HTTP\/1\.1 (\d+)/)?.[1] ?? 0);
    let seed = 0x2545f491;
    const random = (n) => { seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5; return (seed >>> 0) % n; };
    const noise = (n) => Buffer.from(Array.from({ length: n }, () => random(256)));
    const good = `POST /v1/login HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 52\r\n\r\n{"username":"alice","password":"not the right words"}`;
    const storm = [];
    for (let i = 0; i < 150; i++) storm.push(noise(1 + random(3000)));
    for (let i = 0; i < 250; i++) { // a good request with a few bytes changed, cut or doubled
        const b = Buffer.from(good);
        for (let k = 0; k <= random(4); k++) b[random(b.length)] = random(256);
        storm.push(random(3) ? b : Buffer.concat([b.subarray(0, random(b.length)), noise(random(40)), b.subarray(random(b.length))]));
    }
    for (const token of [c.jar.get(COOKIE.session), 'a.b.c', `cdk_${'A'.repeat(82)}`])
        for (let i = 0; i < 40; i++) {
            const text = Buffer.from(token);
            text[random(text.length)] = 0x21 + random(0x5d);
            storm.push(`GET /verify HTTP/1.1\r\n${host}${['Authorization: Bearer ', 'X-API-Key: ', `Cookie: ${COOKIE.session}=`][random(3)]}${text.toString('latin1')}\r\nConnection: close\r\n\r\n`);
        }
    let five = 0;
    for (let i = 0; i < storm.length; i += 64) {
        const answers = await Promise.all(storm.slice(i, i + 64).map(status));
        five += answers.filter((s) => s >= 500 && s !== 503 && s !== 505).length;
    }
    assert.equal(five, 0, 'no 5xx to anything a client sends');
    // limits by name: target, header lines, one header, body, JSON depth, tokens, list elements, cookies
    assert.equal(await status(`GET /${'a'.repeat(4000)} HTTP/1.1\r\n${host}\r\n`), 414);
    assert.equal(await status(`GET /verify HTTP/1.1\r\n${host}${'X-A: b\r\n'.repeat(200)}\r\n`), 431);
    assert.ok([431, 0].includes(await status(`GET /verify HTTP/1.1\r\n${host}X-A: ${'b'.repeat(100_000)}\r\n\r\n`)));
    assert.ok([400, 401, 431].includes(await status(`GET /verify HTTP/1.1\r\n${host}Cookie: ${Array.from({ length: 500 }, (_, i) => `c${i}=x`).join('; ')}\r\nConnection: close\r\n\r\n`)));
    assert.equal(await status(`POST /v1/login HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n`), 413);
    for (const body of ['['.repeat(8000), `${'{"a":'.repeat(1200)}1${'}'.repeat(1200)}`, `{"username":${'9'.repeat(3000)}}`, `{${Array.from({ length: 500 }, (_, i) => `"k${i}":0`).join(',')}}`, `{"username":"${'\\u0041'.repeat(1200)}"}`])
        assert.equal((await service.request('/v1/login', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })).status, 400);
    for (const size of [8e3, 64e3, 1e6]) {
        const a = await service.verify({ headers: bearer('x'.repeat(size)), contract: false }).catch(() => ({ status: 'closed' }));
        assert.ok([400, 401, 431, 'closed'].includes(a.status), String(a.status));
    }
    refused(await c.request('/v1/api-keys', { json: { name: 'k', scopes: Array.from({ length: 500 }, (_, i) => `s${i}`) } }), 400, 'invalid_field', 'scopes');
    // well afterwards, in the same process
    assert.deepEqual(allowed(await service.request('/healthz')).json, { status: 'ok' });
    assert.equal(service.child.pid, pid);
    assert.equal(service.child.exitCode, null);
    allowed(await c.verify(), 204);
    await service.login('alice');
    assert.doesNotMatch(service.output, /Sanitizer|runtime error/);
});
