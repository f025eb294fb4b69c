// Are access tokens of other issuers let in exactly where and as the configuration says, and are their keys fetched so
// that neither an outage nor a flood of invented tokens does harm?
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Issuer, Key, makeCertificates, nowSeconds } from './lib/issuer.mjs';
import { freePort, run, Service, temporary } from './lib/service.mjs';

const API = 'https://api.example.com';
const folder = temporary('cardea-issuers-');
const certificates = makeCertificates(folder);
after(() => rmSync(folder, { recursive: true, force: true }));

const claimsOf = (iss, more = {}) => ({ iss, sub: 'user-1', aud: API, iat: nowSeconds(), exp: nowSeconds() + 300, ...more });

/** A service that trusts `issuers` (name: settings), each by a policy of its own name. */
const serve = (issuers, { policies = {}, ...more } = {}) => Service.start({
    settings: {
        apps: { web: 'web', mobile: 'mobile' }, issuers, log: { level: 'debug' }, ...more,
        policies: { ...Object.fromEntries(Object.keys(issuers).map((name) => [name, { issuers: [name] }])), ...policies },
    },
    users: [{ name: 'alice', roles: ['staff'] }, { name: 'root', roles: ['admin'] }],
});
const ask = (service, token, policy) => service.verify({ headers: { Authorization: `Bearer ${token}` } }, policy);
const status = async (...args) => (await ask(...args)).status;
/** The answer has to come to this within some seconds. */
async function becomes(wanted, get, what) {
    let last;
    for (let i = 0; i < 100; i++) {
        last = await get();
        if (last === wanted) return;
        await sleep(100);
    }
    assert.equal(last, wanted, what);
}

describe('five styles of issuers', () => {
    let service, issuer;
    const keys = { rsa: new Key('rsa-1'), plain: new Key('rsa-2', 'RS256', { named: false }), ec: new Key('ec-1', 'ES256'), ed: new Key('ed-1', 'EdDSA'), ps: new Key('ps-1', 'PS256') };
    before(async () => {
        issuer = await Issuer.start(certificates);
        issuer.keys = Object.values(keys);
        const common = { jwks: issuer.jwks, jwks_ca: certificates.ca };
        service = await serve({
            auth0: { ...common, issuer: 'https://corp.eu.auth0.com/', audience: [API], types: ['at+jwt', 'JWT'], scopes: ['scope', 'permissions'] },
            okta: { ...common, issuer: 'https://corp.okta.com/oauth2/default', audience: ['api://default'], types: ['none', 'JWT'], user: 'uid', username: ['sub'], client: ['cid'], roles: ['groups'] },
            cognito: { ...common, issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1', audience: ['client-1'], audience_claim: 'client_id', types: ['none'], require: ['token_use=access'], username: ['username'], roles: ['cognito:groups'] },
            entra: { ...common, issuer: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0', audience: ['api-client-id'], types: ['JWT'], require: ['tid=11111111-2222-3333-4444-555555555555'], user: 'oid', roles: ['roles'] },
            keycloak: { ...common, issuer: 'https://id.corp.example/realms/main', audience: ['orders'], types: ['JWT'], require: ['typ=Bearer'], algorithms: ['ES256', 'EdDSA', 'PS256'], roles: ['/realm_access/roles', '/resource_access/orders/roles'], clients: ['shop'] },
        }, {
            policies: {
                readers: { issuers: ['auth0', 'okta', 'self'], scopes: ['read:orders'] }, staff: { issuers: ['keycloak', 'entra'], roles: ['Staff', 'Task.Write'] },
                mixed: { issuers: ['auth0', 'self'] }, cookies: { kinds: ['session'] }, fresh: { issuers: ['auth0'], login_age_max: '1h' },
            },
        });
    });
    after(async () => { await service?.end(); await issuer?.stop(); });

    const auth0 = (more) => claimsOf('https://corp.eu.auth0.com/', { aud: [API, 'https://corp.eu.auth0.com/userinfo'], sub: 'auth0|5f7c', azp: 'spa-1', scope: 'openid read:orders', permissions: ['write:orders'], ...more });

    test('Auth0', async () => {
        const r = await ask(service, keys.rsa.token(auth0({ email: 'a@b.example', email_verified: true }), { typ: 'JWT' }), 'auth0');
        assert.equal(r.status, 204);
        assert.equal(r.headers['x-auth-user'], 'auth0|5f7c');
        assert.equal(r.headers['x-auth-issuer'], 'auth0');
        assert.equal(r.headers['x-auth-method'], 'token');
        assert.equal(r.headers['x-auth-client'], 'spa-1');
        assert.equal(r.headers['x-auth-email'], 'a@b.example');
        assert.equal(r.headers['x-auth-session'], undefined);
        assert.equal(r.headers['x-auth-roles'], undefined);
        assert.equal(r.headers['cache-control'], 'no-store');
        assert.equal(await status(service, keys.rsa.token(auth0()), 'readers'), 204);
        assert.equal(await status(service, keys.rsa.token(auth0({ scope: 'openid' })), 'readers'), 403);
    });
    test('Okta: sub is the login, uid the id, groups the roles', async () => {
        const r = await ask(service, keys.rsa.token(claimsOf('https://corp.okta.com/oauth2/default', { aud: 'api://default', sub: 'ann@corp.example', uid: '00u1', cid: '0oa1', scp: ['read:orders', 'x'], groups: ['Everyone', 'Ops, North'] }), { typ: undefined }), 'readers');
        assert.equal(r.status, 204);
        assert.equal(r.headers['x-auth-user'], '00u1');
        assert.equal(r.headers['x-auth-username'], 'ann@corp.example');
        assert.equal(r.headers['x-auth-roles'], 'Everyone,Ops%2C North');
        assert.equal(r.headers['x-auth-client'], '0oa1');
    });
    test('Cognito: no aud, the client instead; its ID tokens are refused', async () => {
        const claims = (more) => claimsOf('https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1', { aud: undefined, client_id: 'client-1', token_use: 'access', username: 'ann', 'cognito:groups': ['admins'], ...more });
        const r = await ask(service, keys.rsa.token(claims(), { typ: undefined }), 'cognito');
        assert.equal(r.status, 204);
        assert.equal(r.headers['x-auth-username'], 'ann');
        assert.equal(r.headers['x-auth-roles'], 'admins');
        assert.equal(await status(service, keys.rsa.token(claims({ token_use: 'id', aud: 'client-1' }), { typ: undefined }), 'cognito'), 401);
        assert.equal(await status(service, keys.rsa.token(claims({ client_id: 'client-2' }), { typ: undefined }), 'cognito'), 401);
    });
    test('Entra ID: keys without alg, oid, tid; an address that nobody verified is left out', async () => {
        const claims = (more) => claimsOf('https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0', { aud: 'api-client-id', oid: 'oid-1', tid: '11111111-2222-3333-4444-555555555555', roles: ['Task.Write'], preferred_username: 'ann@corp.example', email: 'ceo@corp.example', azp: 'x', ...more });
        const r = await ask(service, keys.plain.token(claims(), { typ: 'JWT', x5t: 'abc' }), 'staff');
        assert.equal(r.status, 204);
        assert.equal(r.headers['x-auth-user'], 'oid-1');
        assert.equal(r.headers['x-auth-username'], 'ann@corp.example');
        assert.equal(r.headers['x-auth-email'], undefined);
        assert.equal(await status(service, keys.plain.token(claims({ tid: 'other' }), { typ: 'JWT' }), 'staff'), 401);
        assert.equal(await status(service, keys.plain.token(claims({ roles: ['Task.Read'] }), { typ: 'JWT' }), 'staff'), 403);
    });
    test('Keycloak: roles of the realm and of the client, and only the client that is named', async () => {
        const claims = (more) => claimsOf('https://id.corp.example/realms/main', { aud: ['orders', 'account'], typ: 'Bearer', azp: 'shop', preferred_username: 'zoë', realm_access: { roles: ['Staff'] }, resource_access: { orders: { roles: ['view'] }, other: { roles: ['root'] } }, ...more });
        for (const key of [keys.ec, keys.ed, keys.ps]) {
            const r = await ask(service, key.token(claims(), { typ: 'JWT' }), 'staff');
            assert.equal(r.status, 204, key.alg);
            assert.equal(r.headers['x-auth-roles'], 'Staff,view');
            assert.equal(r.headers['x-auth-username'], 'zo%C3%AB');
        }
        assert.equal(await status(service, keys.rsa.token(claims(), { typ: 'JWT' }), 'staff'), 401, 'RS256 is not among its algorithms');
        assert.equal(await status(service, keys.ec.token(claims({ typ: 'ID' }), { typ: 'JWT' }), 'staff'), 401);
        assert.equal(await status(service, keys.ec.token(claims({ azp: 'other' }), { typ: 'JWT' }), 'staff'), 403);
        assert.equal(await status(service, keys.ec.token(claims({ realm_access: { roles: 'x' }, resource_access: {} }), { typ: 'JWT' }), 'staff'), 403);
    });
    test('plain /verify, policies without issuers and every call of /v1 know nothing of them', async () => {
        const token = keys.rsa.token(auth0({ roles: ['admin'] }));
        assert.equal(await status(service, token, 'auth0'), 204);
        assert.equal(await status(service, token), 401);
        assert.equal(await status(service, token, 'cookies'), 401);
        assert.equal(await status(service, token, 'okta'), 401);
        const bearer = { Authorization: `Bearer ${token}` };
        for (const [method, path] of [['GET', '/v1/me'], ['GET', '/v1/sessions'], ['GET', '/v1/admin/users'], ['GET', '/v1/admin/audit'], ['POST', '/v1/admin/signing-keys/rotate'], ['POST', '/v1/api-keys'], ['POST', '/v1/logout']]) {
            const r = await service.request(path, { method, headers: bearer, ...(method === 'POST' && { json: {} }) });
            assert.equal(r.status, 401, `${method} ${path}`);
        }
    });
    test('ours pass where the policy says self, and the answer says whose they are', async () => {
        const phone = await service.login('alice', { app: 'mobile' });
        assert.equal(await status(service, phone.access, 'auth0'), 401);
        const r = await ask(service, phone.access, 'mixed');
        assert.equal(r.status, 204);
        assert.equal(r.headers['x-auth-issuer'], 'self');
        assert.equal(r.headers['x-auth-username'], 'alice');
        const other = await ask(service, keys.rsa.token(auth0()), 'mixed');
        assert.equal(other.headers['x-auth-issuer'], 'auth0');
        const web = await service.login('alice');
        const cookie = { Cookie: `__Host-cardea=${web.jar.get('__Host-cardea')}` };
        assert.equal((await service.verify({ headers: cookie }, 'mixed')).headers['x-auth-issuer'], 'self');
        // who asks for another issuer's users does not ask for ours, whatever they carry
        for (const policy of ['auth0', 'staff'])
            assert.equal((await service.verify({ headers: cookie }, policy)).status, 401, policy);
        // two credentials are none, and a foreign token is no cookie of ours
        assert.equal((await service.verify({ headers: { ...cookie, Authorization: `Bearer ${keys.rsa.token(auth0())}` } }, 'mixed')).status, 401);
        assert.equal((await service.verify({ headers: { Cookie: `__Host-cardea-access=${keys.rsa.token(auth0())}` } }, 'auth0')).status, 401);
    });
    test('wrong issuer, audience, times, type; too long a life; no proof of possession', async () => {
        const bad = {
            'no slash': [auth0({ iss: 'https://corp.eu.auth0.com' })], 'another issuer': [auth0({ iss: 'https://evil.example/' })], 'no issuer': [auth0({ iss: undefined })],
            'another audience': [auth0({ aud: 'https://other.example' })], 'no audience': [auth0({ aud: undefined })], 'a number': [auth0({ aud: [API, 7] })],
            expired: [auth0({ iat: nowSeconds() - 600, exp: nowSeconds() - 40 })], 'no exp': [auth0({ exp: undefined })], 'text exp': [auth0({ exp: String(nowSeconds() + 60) })],
            future: [auth0({ iat: nowSeconds() + 100 })], nbf: [auth0({ nbf: nowSeconds() + 100 })], long: [auth0({ exp: nowSeconds() + 90000 })], 'no iat': [auth0({ iat: undefined })],
            type: [auth0(), { typ: 'logout+jwt' }], 'no type': [auth0(), { typ: undefined }], cnf: [auth0({ cnf: { jkt: 'x' } })], crit: [auth0(), { crit: ['exp'] }],
            'no subject': [auth0({ sub: undefined }), {}, 403], 'subject with a line': [auth0({ sub: 'a\r\nX-Auth-Roles: admin' })], 'roles that are none': [auth0({ scope: 7 }), {}, 403],
        };
        for (const [name, [claims, header, wanted = 401]] of Object.entries(bad)) {
            const r = await ask(service, keys.rsa.token(claims, header), 'auth0');
            assert.equal(r.status, wanted, name);
            if (wanted === 401) assert.match(r.headers['www-authenticate'], /error="invalid_token"/, name);
        }
        assert.equal(await status(service, keys.rsa.token(auth0({ exp: nowSeconds() - 10, iat: nowSeconds() - 300 })), 'auth0'), 204, 'within the leeway');
    });
    test('the age of the login is what the token says, or not known', async () => {
        assert.equal(await status(service, keys.rsa.token(auth0({ auth_time: nowSeconds() - 60 })), 'fresh'), 204);
        assert.equal(await status(service, keys.rsa.token(auth0({ auth_time: nowSeconds() - 4000 })), 'fresh'), 403);
        assert.equal(await status(service, keys.rsa.token(auth0()), 'fresh'), 403);
    });
    test('algorithms are the key\'s: none, HS256 with the public key, another name, another key, one of the token', async () => {
        const [, payload, signature] = keys.rsa.token(auth0()).split('.');
        const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
        const head = { alg: 'RS256', kid: 'rsa-1', typ: 'at+jwt' };
        const mac = (secret, header) => { const input = `${part(header)}.${payload}`; return `${input}.${crypto.createHmac('sha256', secret).update(input).digest('base64url')}`; };
        const mine = new Key('rsa-1');
        const bad = [
            `${part({ ...head, alg: 'none' })}.${payload}.`, `${part({ ...head, alg: 'none' })}.${payload}.${signature}`, `${part({ ...head, alg: 'PS256' })}.${payload}.${signature}`,
            mac(keys.rsa.pem, { ...head, alg: 'HS256' }), mac(JSON.stringify(keys.rsa.jwk), { ...head, alg: 'HS256' }), mac('', { ...head, alg: 'HS256' }),
            mine.token(auth0()), mine.token(auth0(), { jwk: mine.jwk }), keys.ec.token(auth0(), { kid: 'rsa-1' }), keys.ec.token(auth0()),
            keys.rsa.token(auth0()).slice(0, -4), `${keys.rsa.token(auth0())}=`,
        ];
        for (const token of bad) assert.equal(await status(service, token, 'auth0'), 401, token.slice(0, 60));
    });
    test('addresses in a token are never asked', async () => {
        const mine = new Key('mine');
        const before = issuer.count;
        for (const member of ['jku', 'x5u'])
            for (const url of [`${issuer.url}evil.json`, `https://127.0.0.1:${issuer.port}@evil.example/`, 'file:///etc/passwd'])
                assert.equal(await status(service, mine.token(auth0(), { [member]: url, kid: 'rsa-1' }), 'auth0'), 401);
        assert.equal(issuer.count, before);
        assert.ok(!issuer.paths.some((p) => p !== '/jwks.json'), String(issuer.paths));
    });
    test('what was fetched with, and how often', async () => {
        assert.equal(issuer.count, 5, 'once an issuer');
        assert.equal(issuer.requests[0]['user-agent'].startsWith('cardea/'), true);
        assert.equal(issuer.requests[0].cookie, undefined);
        assert.equal(issuer.requests[0]['accept-encoding'], undefined);
    });
    test('a token that was seen before is checked as strictly', async () => {
        const short = keys.rsa.token(auth0({ iat: nowSeconds() - 200, exp: nowSeconds() - 28 }));
        assert.equal(await status(service, short, 'auth0'), 204);
        await becomes(401, () => status(service, short, 'auth0'), 'it expires');
        const token = keys.rsa.token(auth0());
        for (let i = 0; i < 3; i++) assert.equal(await status(service, token, 'auth0'), 204);
        assert.equal(await status(service, token, 'okta'), 401);
    });
});

describe('keys of an issuer', () => {
    const iss = 'https://issuer.example/';
    const settings = (issuer, more = {}) => ({ corp: { issuer: iss, audience: [API], jwks: issuer.jwks, jwks_ca: certificates.ca, jwks_refresh: '1s', ...more } });
    const token = (key, header) => key.token(claimsOf(iss), header);

    test('a new key is found by the first token that names it; one that was taken out stops at once', async () => {
        const issuer = await Issuer.start(certificates);
        const [first, second] = [new Key('k1'), new Key('k2')];
        issuer.keys = [first];
        const service = await serve(settings(issuer));
        try {
            const old = token(first);
            assert.equal(await status(service, old, 'corp'), 204);
            assert.equal(await status(service, old, 'corp'), 204);
            issuer.keys = [second];
            await sleep(1100);
            assert.equal(await status(service, token(second), 'corp'), 204);
            assert.equal(await status(service, old, 'corp'), 401, 'its signature was remembered under the old set only');
            assert.equal(issuer.count, 2);
        } finally { await service.end(); await issuer.stop(); }
    });

    test('a storm of invented keys: one fetch at a time, and no more than the rate', async () => {
        const issuer = await Issuer.start(certificates);
        const key = new Key('k1'), mine = new Key('mine');
        issuer.keys = [key];
        issuer.handler = function slow(q, r) { setTimeout(() => this.answer(q, r), 200); };
        const service = await serve(settings(issuer, { jwks_refresh: '2s' }));
        try {
            await becomes(204, () => status(service, token(key), 'corp'));
            const begun = Date.now(), before = issuer.count;
            let sent = 0;
            while (Date.now() - begun < 3000) {
                const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => status(service, token(mine, { kid: `x${sent}-${i}` }), 'corp')));
                assert.ok(answers.every((s) => s === 401), String(answers));
                sent += 20;
                assert.equal(await status(service, token(key), 'corp'), 204, 'good ones pass meanwhile');
            }
            assert.ok(sent > 60);
            assert.ok(issuer.count - before <= 2 + (Date.now() - begun) / 2000, `${issuer.count - before} fetches for ${sent} tokens`);
        } finally { await service.end(); await issuer.stop(); }
    });

    test('an issuer that is down: its last good set stays, a key that nobody knows is 401; after jwks_keep 503', async () => {
        const issuer = await Issuer.start(certificates);
        const [key, later] = [new Key('k1'), new Key('k2')];
        issuer.keys = [key];
        const service = await serve(settings(issuer, { jwks_keep: '4s' }), { metrics: { listen: `127.0.0.1:${await freePort()}` } });
        try {
            assert.equal(await status(service, token(key), 'corp'), 204);
            await issuer.stop();
            await sleep(1100);
            assert.equal(await status(service, token(key), 'corp'), 204);
            assert.equal(await status(service, token(later), 'corp'), 401);
            await becomes(503, () => status(service, token(key), 'corp'), 'nobody can know any more');
            const r = await ask(service, token(key), 'corp');
            assert.ok(r.headers['retry-after']);
            issuer.keys = [key, later];
            await issuer.resume();
            await becomes(204, () => status(service, token(later), 'corp'));
            assert.equal(await status(service, token(key), 'corp'), 204);
            assert.match(service.output, /can not be read; the last good ones stay in use/);
            assert.match(service.output, /and there are none/);
            assert.match(service.output, /can be read again/);
        } finally { await service.end(); await issuer.stop(); }
    });

    test('an issuer that is down at the start: the service starts, its tokens are 503, all else works', async () => {
        const issuer = await Issuer.start(certificates);
        const key = new Key('k1');
        issuer.keys = [key];
        await issuer.stop();
        const service = await serve(settings(issuer));
        try {
            await service.login();
            assert.equal(await status(service, token(key), 'corp'), 503);
            assert.equal(await status(service, new Key('x').token(claimsOf('https://other.example/')), 'corp'), 401, 'somebody else\'s');
            await issuer.resume();
            await becomes(204, () => status(service, token(key), 'corp'));
        } finally { await service.end(); await issuer.stop(); }
    });

    test('the first request waits for the first fetch', async () => {
        const issuer = await Issuer.start(certificates);
        const key = new Key('k1');
        issuer.keys = [key];
        issuer.handler = function slow(q, r) { setTimeout(() => this.answer(q, r), 700); };
        const service = await serve(settings(issuer));
        try {
            const answers = await Promise.all(Array.from({ length: 8 }, () => status(service, token(key), 'corp')));
            assert.deepEqual(answers, Array(8).fill(204));
            assert.equal(issuer.count, 1);
        } finally { await service.end(); await issuer.stop(); }
    });

    // [what, how the server answers, what a token of a key in force gets]
    const good = new Key('k1'), other = new Key('k2');
    const bad = {
        'too large': (i, q, r) => { i.body = JSON.stringify({ keys: [good.jwk, other.jwk], pad: 'x'.repeat(300_000) }); i.answer(q, r); },
        'endless': (i, q, r) => { r.writeHead(200); const more = () => { if (!r.destroyed) r.write('x'.repeat(65536), more); }; more(); r.on('error', () => {}); },
        'slow': (i, q, r) => { r.writeHead(200); r.write('{'); },
        'silent': () => {},
        'a redirect': (i, q, r) => { r.writeHead(q.url === '/jwks.json' ? 302 : 200, { Location: `${i.url}else.json` }); r.end(JSON.stringify({ keys: [good.jwk, other.jwk] })); },
        'an error': (i, q, r) => { r.writeHead(500); r.end(JSON.stringify({ keys: [good.jwk, other.jwk] })); },
        'not modified, unasked': (i, q, r) => { r.writeHead(304); r.end(); },
        'no JSON': (i, q, r) => { r.end('<html>sign in to the hotel network</html>'); },
        'no keys': (i, q, r) => { r.end('{"keys":[]}'); },
        'two of one kid': (i, q, r) => { r.end(JSON.stringify({ keys: [good.jwk, other.jwk, { ...new Key('x').jwk, kid: 'k2' }] })); },
        'a private key': (i, q, r) => { r.end(JSON.stringify({ keys: [good.secretJwk, other.secretJwk] })); },
        'a private key among public ones': (i, q, r) => { r.end(JSON.stringify({ keys: [good.jwk, other.secretJwk] })); },
        'a shared secret': (i, q, r) => { r.end(JSON.stringify({ keys: [{ kty: 'oct', kid: 'k2', alg: 'HS256', k: crypto.randomBytes(32).toString('base64url') }] })); },
        'duplicate names': (i, q, r) => { r.end(`{"keys":[],"keys":${JSON.stringify([good.jwk, other.jwk])}}`); },
        'cut off': (i, q, r) => { r.writeHead(200, { 'Content-Length': 5000 }); r.write(JSON.stringify({ keys: [good.jwk, other.jwk] })); setTimeout(() => r.destroy(), 50); },
        'packed': (i, q, r) => { r.writeHead(200, { 'Content-Encoding': 'gzip' }); r.end(Buffer.from('1f8b0800', 'hex')); },
    };
    test('a bad answer changes nothing: the set in force stays, the new key is not there', async () => {
        const names = Object.keys(bad);
        const issuers = await Promise.all(names.map(() => Issuer.start(certificates)));
        const service = await serve(Object.fromEntries(names.slice(0, 16).map((name, n) => [`i${n}`, { ...settings(issuers[n]).corp, issuer: `${iss}${n}` }])));
        try {
            await Promise.all(names.map(async (name, n) => {
                const issuer = issuers[n], of = (key) => key.token(claimsOf(`${iss}${n}`));
                issuer.keys = [good];
                await becomes(204, () => status(service, of(good), `i${n}`), name);
                issuer.handler = (q, r) => bad[name](issuer, q, r);
                await sleep(1100);
                const before = issuer.count;
                const begun = Date.now();
                assert.equal(await status(service, of(other), `i${n}`), 401, name);
                assert.ok(Date.now() - begun < 9000, `${name}: ${Date.now() - begun} ms`);
                assert.equal(issuer.count, before + 1, `${name}: asked once, and followed nowhere`);
                assert.equal(await status(service, of(good), `i${n}`), 204, name);
                assert.ok(!issuer.paths.includes('/else.json'), name);
            }));
        } finally { await service.end(); await Promise.all(issuers.map((i) => i.stop())); }
    });

    test('a head that is longer than any key set is a bad answer', async () => {
        const issuer = await Issuer.start(certificates);
        const good = new Key('k1'), other = new Key('k2');
        issuer.keys = [good];
        const service = await serve(settings(issuer));
        const of = (key) => key.token(claimsOf(iss));
        try {
            await becomes(204, () => status(service, of(good), 'corp'));
            issuer.keys = [good, other];
            issuer.headers = Object.fromEntries(Array.from({ length: 80 }, (_, n) => [`X-Pad-${n}`, 'x'.repeat(1000)]));
            await sleep(1100);
            const before = issuer.count;
            assert.equal(await status(service, of(other), 'corp'), 401);
            assert.equal(issuer.count, before + 1);
            assert.equal(await status(service, of(good), 'corp'), 204);
        } finally { await service.end(); await issuer.stop(); }
    });

    test('a certificate of another authority, another name, plain http behind https: nothing is taken', async () => {
        const strange = makeCertificates(folder, 'strange');
        const [untrusted, unnamed] = [await Issuer.start(strange), await Issuer.start(certificates)];
        const plain = net.createServer((s) => { s.on('error', () => {}); s.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'); });
        await new Promise((done) => { plain.listen(0, '127.0.0.1', done); });
        const key = new Key('k1');
        untrusted.keys = unnamed.keys = [key];
        const of = (n, jwks, more) => ({ issuer: `${iss}${n}`, audience: [API], jwks, jwks_ca: certificates.ca, ...more });
        const service = await serve({
            untrusted: of(1, untrusted.jwks), unnamed: of(2, `https://127.0.0.2:${unnamed.port}/jwks.json`), system: of(3, unnamed.jwks, { jwks_ca: undefined }), plain: of(4, `https://127.0.0.1:${plain.address().port}/`),
        });
        try {
            for (const [n, name] of [[1, 'untrusted'], [2, 'unnamed'], [3, 'system'], [4, 'plain']]) assert.equal(await status(service, key.token(claimsOf(`${iss}${n}`)), name), 503, name);
            assert.equal(untrusted.count + unnamed.count, 0);
        } finally { await service.end(); await untrusted.stop(); await unnamed.stop(); plain.close(); }
    });

    test('the environment has no say: no proxy is used', async () => {
        const issuer = await Issuer.start(certificates);
        let asked = 0;
        const proxy = net.createServer((s) => { asked++; s.on('error', () => {}); s.destroy(); });
        await new Promise((done) => { proxy.listen(0, '127.0.0.1', done); });
        const key = new Key('k1'), url = `http://127.0.0.1:${proxy.address().port}`;
        issuer.keys = [key];
        const service = await Service.start({
            settings: { apps: { web: 'web' }, issuers: settings(issuer), policies: { corp: { issuers: ['corp'] } } },
            env: { https_proxy: url, HTTPS_PROXY: url, ALL_PROXY: url, all_proxy: url, http_proxy: url },
        });
        try {
            assert.equal(await status(service, token(key), 'corp'), 204);
            assert.equal(asked, 0);
        } finally { await service.end(); await issuer.stop(); proxy.close(); }
    });

    test('an entity tag is sent back, and 304 keeps the set', async () => {
        const issuer = await Issuer.start(certificates);
        const key = new Key('k1');
        issuer.keys = [key];
        issuer.headers = { ETag: '"v1"', 'Cache-Control': 'max-age=60' };
        issuer.handler = function tagged(q, r) { if (q.headers['if-none-match'] === '"v1"') { r.writeHead(304); r.end(); } else this.answer(q, r); };
        const service = await serve(settings(issuer));
        try {
            assert.equal(await status(service, token(key), 'corp'), 204);
            await sleep(1100);
            assert.equal(await status(service, token(new Key('x')), 'corp'), 401);
            assert.equal(issuer.requests.length, 2);
            assert.equal(issuer.requests[1]['if-none-match'], '"v1"');
            assert.equal(await status(service, token(key), 'corp'), 204);
        } finally { await service.end(); await issuer.stop(); }
    });

    test('a file: read at the start, again when it changes; a bad one is refused at the start and passed over later', async () => {
        const file = join(folder, 'set.json'), [first, second] = [new Key('k1'), new Key('k2')];
        const put = (text) => { writeFileSync(`${file}.new`, text); renameSync(`${file}.new`, file); };
        const set = (...keys) => JSON.stringify({ keys: keys.map((k) => k.jwk) });
        const corp = { corp: { issuer: iss, audience: [API], jwks: file } };
        put('{}');
        await assert.rejects(serve(corp), /issuers\.corp\.jwks: this is no set of public keys/);
        const yaml = join(folder, 'corp.yaml');
        writeFileSync(yaml, JSON.stringify({ issuers: corp }));
        const check = run(['config', 'check', '--config', yaml]);
        assert.notEqual(check.status, 0);
        assert.match(check.stderr, /issuers\.corp\.jwks: this is no set of public keys/);
        put(set(first));
        const service = await serve(corp);
        try {
            const old = token(first);
            assert.equal(await status(service, old, 'corp'), 204);
            put(set(second));
            await becomes(204, () => status(service, token(second), 'corp'));
            assert.equal(await status(service, old, 'corp'), 401);
            put('{"keys":');
            await becomes(true, () => service.output.includes('the last good ones stay in use'));
            assert.equal(await status(service, token(second), 'corp'), 204);
        } finally { await service.end(); }
    });

    test('a reload adds and removes issuers, and keeps the keys of those that stay', async () => {
        const [a, b] = [await Issuer.start(certificates), await Issuer.start(certificates)];
        const key = new Key('k1');
        a.keys = b.keys = [key];
        const one = { ...settings(a).corp, issuer: `${iss}a` }, two = { ...settings(b).corp, issuer: `${iss}b`, jwks_refresh: '1h' };
        const yaml = (issuers) => ({ apps: { web: 'web' }, issuers, policies: Object.fromEntries(Object.keys(issuers).map((n) => [n, { issuers: [n] }])) });
        const service = await serve({ one, two });
        const reload = async () => { const seen = service.output.split('read again').length; service.child.kill('SIGHUP'); await becomes(true, () => service.output.split('read again').length > seen); };
        try {
            assert.equal(await status(service, key.token(claimsOf(`${iss}a`)), 'one'), 204);
            assert.equal(await status(service, key.token(claimsOf(`${iss}b`)), 'two'), 204);
            await b.stop();
            service.configure(yaml({ two: { ...two, audience: [API, 'x'] } }));
            await reload();
            assert.equal(await status(service, key.token(claimsOf(`${iss}b`)), 'two'), 204, 'its keys were kept, though it is down');
            assert.equal(await status(service, key.token(claimsOf(`${iss}b`, { aud: 'x' })), 'two'), 204);
            assert.equal(await status(service, key.token(claimsOf(`${iss}a`)), 'one'), 403, 'no such policy any more');
            service.configure(yaml({ two, one: { ...one, audience: ['y'] } }));
            await reload();
            await becomes(204, () => status(service, key.token(claimsOf(`${iss}a`, { aud: 'y' })), 'one'));
            assert.equal(await status(service, key.token(claimsOf(`${iss}a`)), 'one'), 401);
            service.configure(yaml({ two: { ...two, jwks: join(folder, 'nowhere.json'), jwks_ca: undefined } }));
            service.child.kill('SIGHUP');
            await becomes(true, () => /was not changed/.test(service.output));
            assert.equal(await status(service, key.token(claimsOf(`${iss}a`, { aud: 'y' })), 'one'), 204, 'a bad configuration changes nothing');
        } finally { await service.end(); await a.stop(); await b.stop(); }
    });

    test('past its deadline a stop does not wait for an issuer', async () => {
        const issuer = await Issuer.start(certificates);
        issuer.handler = () => {};
        const service = await serve(settings(issuer), { 'limits.stop_deadline': '300ms' });
        const waiting = status(service, token(new Key('k1')), 'corp').catch(() => 0);
        await becomes(true, () => issuer.count === 1);
        const begun = Date.now();
        await service.end();
        assert.ok(Date.now() - begun < 4500, `${Date.now() - begun} ms`);
        assert.ok([0, 503].includes(await waiting));
        await issuer.stop();
    });

    test('metrics say how it goes', async () => {
        const issuer = await Issuer.start(certificates), key = new Key('k1');
        issuer.keys = [key, { kty: 'quantum' }];
        const port = await freePort();
        const service = await serve(settings(issuer), { 'metrics.listen': `127.0.0.1:${port}` });
        try {
            assert.equal(await status(service, token(key), 'corp'), 204);
            const { text } = await service.request('/metrics', { contract: false }).then(() => import('./lib/client.mjs')).then(({ request }) => request(`http://127.0.0.1:${port}/metrics`, { contract: false }));
            for (const line of ['cardea_issuer_fetches_total{issuer="corp"} 1', 'cardea_issuer_failures_total{issuer="corp"} 0', 'cardea_issuer_usable{issuer="corp"} 1', 'cardea_issuer_keys{issuer="corp"} 1', 'cardea_issuer_keys_age_seconds{issuer="corp"} 0'])
                assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
        } finally { await service.end(); await issuer.stop(); }
    });
});

test('libcurl is loaded where an issuer has a URL, and nowhere else', async () => {
    const file = join(folder, 'alone.json'), issuer = await Issuer.start(certificates);
    issuer.keys = [new Key('k1')];
    writeFileSync(file, JSON.stringify({ keys: issuer.keys.map((k) => k.jwk) }));
    const base = { issuer: 'https://issuer.example/', audience: [API] };
    for (const [corp, wanted] of [[{ ...base, jwks: file }, false], [{ ...base, jwks: issuer.jwks, jwks_ca: certificates.ca }, true]]) {
        const service = await serve({ corp });
        try {
            assert.equal(readFileSync(`/proc/${service.child.pid}/maps`, 'utf8').includes('libcurl'), wanted);
        } finally { await service.end(); }
    }
    await issuer.stop();
});

test('verify.headers: remote: the user name stands alone, and nothing of X-Auth', async () => {
    const file = join(folder, 'remote.json'), key = new Key('k1');
    writeFileSync(file, JSON.stringify({ keys: [key.jwk] }));
    const service = await serve({ corp: { issuer: 'https://issuer.example/', audience: [API], jwks: file, roles: ['roles'] } }, { 'verify.headers': 'remote' });
    try {
        const r = await service.request('/verify/corp', { contract: false, headers: { Authorization: `Bearer ${key.token(claimsOf('https://issuer.example/', { preferred_username: 'ann', roles: ['a', 'b'] }))}` } });
        assert.equal(r.status, 204);
        assert.equal(r.headers['remote-user'], 'ann');
        assert.equal(r.headers['remote-groups'], 'a,b');
        assert.ok(!Object.keys(r.headers).some((h) => h.startsWith('x-auth')));
        // ids and names are two sets of words: one user's id may be another's name
        assert.equal(await status(service, key.token(claimsOf('https://issuer.example/', { sub: 'ann' })), 'corp'), 403);
    } finally { await service.end(); }
});

test('a configuration that can not be right is refused with its place', () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'issuers:\n  corp:\n    issuer: https://issuer.example/\n    jwks: http://127.0.0.1:1/jwks.json\n');
    const r = run(['config', 'check', '--config', file]);
    assert.notEqual(r.status, 0);
    assert.match(r.stderr, /bad\.yaml:4:11: .*must be an https:\/\/ URL or the path of a file/);
});
