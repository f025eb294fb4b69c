// Does the service keep what docs/openapi.yaml says of every operation, including those added after this was written?
//
// The lists come from the document: each operation needs a recipe here, and is then tried as its marks say. Every answer of every
// integration test is checked against the document besides (lib/contract.mjs).
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { exercised, operations } from './lib/contract.mjs';
import { Service, PASSWORD } from './lib/service.mjs';
import { BANK, COOKIE, Caller, allowed, bearer, cookies, decode, refused, signUp } from './lib/credentials.mjs';

const NEW_PASSWORD = 'nine violet otters read';
const settings = {
    signup: true,
    apps: { web: 'web', spa: 'spa', mobile: 'mobile', sealed: 'sealed', bank: BANK },
    policies: { staff: { roles: ['staff'] }, free: { kinds: ['token'], revocation: 'none' } },
    guess: { free: 100, address_per_minute: 10000 },
};
let service, admins = 0;
before(async () => { service = await Service.start({ settings, users: [{ name: 'root', roles: ['admin'] }] }); });
after(() => service?.end());

const admin = (app) => Caller.login(service, 'root', { app });
/** A user with a session, a token and an API key, to see which of them end. */
async function victim() {
    const user = await signUp(service, 'victim');
    const web = await Caller.login(service, user.username), mobile = await Caller.login(service, user.username, { app: 'mobile' }), cookie = await Caller.login(service, user.username, { app: 'sealed' });
    const made = allowed(await web.request('/v1/api-keys', { json: { name: 'k' } }), 201).json;
    const by = (headers, policy) => ({ ask: () => service.verify({ headers }, policy), yes: 204, no: policy ? 403 : 401 });
    return { user, web, mobile, made, session: by(web.credential.headers), token: by(bearer(mobile.access)), sealed: by(cookie.credential.headers), key: by(bearer(made.key)), role: (policy) => by(web.credential.headers, policy) };
}
const FORM = 'application/x-www-form-urlencoded';
/** An administrator's key for services, with a scope that opens our own calls. */
const serviceKey = async (...scopes) => allowed(await (await admin('web')).request('/v1/api-keys', { json: { name: 'service', scopes } }), 201).json.key;
const own = (c) => ({ ask: c.credential.verify, yes: 204, no: 401 });
const owner = async (app, name) => Caller.login(service, (await signUp(service, name)).username, { app });
const asOwner = async (app) => { const v = await victim(); return { v, caller: await Caller.login(service, v.user.username, { app }) }; };

/**
 * How each operation is called so that it does what it is for: {caller, path, json?}, with `second`: credentials that work before it
 * and not after it. Anew for each call: the operation may end what it was made with.
 */
const recipes = {
    signup: async () => ({ json: { username: `made-${++admins}`, password: PASSWORD } }),
    login: async () => { const caller = await owner('web'); return { caller, json: { username: caller.username, password: PASSWORD }, second: [own(caller)] }; },
    refresh: async () => { const caller = await owner('spa'); return { caller, headers: cookies({ [COOKIE.refresh]: caller.refresh }) }; },
    logout: async (app) => { const caller = await owner(app); return { caller, second: [own(caller)] }; },
    logoutAll: async (app) => { const { v, caller } = await asOwner(app); return { caller, second: [own(caller), v.session, v.token, v.sealed] }; },
    me: async (app) => ({ caller: await owner(app) }),
    updateMe: async (app) => ({ caller: await owner(app), json: { name: 'Someone' } }),
    listSessions: async (app) => ({ caller: await owner(app) }),
    endSession: async (app) => { const { v, caller } = await asOwner(app); return { caller, path: `/v1/sessions/${v.web.sid}`, second: [v.session] }; },
    changePassword: async (app) => { const { v, caller } = await asOwner(app); return { caller, json: { current_password: PASSWORD, new_password: NEW_PASSWORD }, second: [own(caller), v.session, v.token, v.sealed] }; },
    reauthenticate: async (app) => { const caller = await owner(app); return { caller, json: { password: PASSWORD }, second: [own(caller)] }; },
    csrf: async (app) => ({ caller: await owner(app) }),
    listApiKeys: async (app) => ({ caller: await owner(app) }),
    createApiKey: async (app) => ({ caller: await owner(app), json: { name: 'k' } }),
    revokeApiKey: async (app) => { const { v, caller } = await asOwner(app); return { caller, path: `/v1/api-keys/${v.made.id}`, second: [v.key] }; },
    verify: async (app) => ({ caller: await owner(app) }),
    verifyPolicy: async (app) => {
        const { v, caller } = await asOwner(app);
        const root = await admin(app);
        allowed(await root.request(`/v1/admin/users/${v.user.id}`, { method: 'PATCH', json: { roles: ['staff'] } }));
        return { caller, path: '/verify/staff' };
    },
    introspect: async () => { const v = await victim(); return { key: await serviceKey('introspect'), form: { token: v.mobile.access } }; },
    revoke: async (app, way = 'access token') => {
        const v = await victim(), key = await serviceKey('revoke');
        if (way === 'access token') return { key, form: { token: v.mobile.access }, second: [v.token] };
        if (way === 'refresh token') return { key, form: { token: v.mobile.refresh, token_type_hint: 'refresh_token' }, second: [v.token] };
        return { key, form: { token: v.web.jar.get(COOKIE.session) }, second: [v.session] };
    },
    feed: async () => ({ key: await serviceKey('feed'), path: `/v1/feed?verifier=${'A'.repeat(22)}` }),
    jwks: async () => ({}),
    pasetoKeys: async () => ({}),
    adminListUsers: async (app) => ({ caller: await admin(app) }),
    adminCreateUser: async (app) => ({ caller: await admin(app), json: { username: `made-${++admins}`, password: PASSWORD, roles: ['staff'] } }),
    adminShowUser: async (app) => ({ caller: await admin(app), path: `/v1/admin/users/${(await signUp(service)).id}` }),
    adminUpdateUser: async (app, way = 'status') => {
        const v = await victim(), caller = await admin(app), path = `/v1/admin/users/${v.user.id}`;
        if (way === 'status') return { caller, path, json: { status: 'suspended' }, second: [v.session, v.token, v.sealed, v.key] };
        if (way === 'password') return { caller, path, json: { password: NEW_PASSWORD }, second: [v.session, v.token, v.sealed] };
        allowed(await caller.request(path, { method: 'PATCH', json: { roles: ['staff'] } }));
        return { caller, path, json: { roles: [] }, second: [v.role('staff')] };
    },
    adminDeleteUser: async (app) => { const v = await victim(); return { caller: await admin(app), path: `/v1/admin/users/${v.user.id}`, second: [v.session, v.token, v.sealed, v.key] }; },
    adminLogoutUser: async (app) => { const v = await victim(); return { caller: await admin(app), path: `/v1/admin/users/${v.user.id}/logout`, second: [v.session, v.token, v.sealed] }; },
    adminListSessions: async (app) => ({ caller: await admin(app), path: `/v1/admin/users/${(await victim()).user.id}/sessions` }),
    adminCreateApiKey: async (app) => ({ caller: await admin(app), path: `/v1/admin/users/${(await signUp(service)).id}/api-keys`, json: { name: 'k' } }),
    adminListApiKeys: async (app) => ({ caller: await admin(app) }),
    adminRevokeApiKey: async (app) => { const v = await victim(); return { caller: await admin(app), path: `/v1/admin/api-keys/${v.made.id}`, second: [v.key] }; },
    adminEndSession: async (app) => { const v = await victim(); return { caller: await admin(app), path: `/v1/admin/sessions/${v.mobile.sid}`, second: [v.token] }; },
    adminRevokeToken: async (app) => { const v = await victim(); return { caller: await admin(app), json: { jti: decode(v.mobile.access).claims.jti }, second: [v.token] }; },
    adminListSigningKeys: async (app) => ({ caller: await admin(app) }),
    adminRotateSigningKeys: async (app) => { const v = await victim(); return { caller: await admin(app), json: { compromised: true }, second: [v.token] }; },
    adminAudit: async (app) => ({ caller: await admin(app) }),
    adminVerifyAudit: async (app) => ({ caller: await admin(app) }),
    healthz: async () => ({}),
    readyz: async () => ({}),
};
const ways = { adminUpdateUser: ['status', 'roles', 'password'], revoke: ['access token', 'refresh token', 'session cookie'] };

async function prepare({ method, path, operation }, app = 'web', way = undefined) {
    const recipe = recipes[operation.operationId];
    assert.ok(recipe, `the document has an operation that this test does not know: ${operation.operationId}; add a recipe`);
    const r = await recipe(app, way);
    const call = r.form ? { method, body: new URLSearchParams(r.form).toString() } : { method, json: r.json };
    if (r.form) r.headers = { 'Content-Type': FORM };
    const target = r.path ?? path;
    const bare = ({ query = '', ...options } = {}) => service.request(target + query, { ...call, ...options, headers: { ...r.headers, ...options.headers } });
    return {
        ...r, target, second: r.second ?? [], bare,
        /** As the caller, with cookies and CSRF token as they are, or as the options say. */
        send: (options = {}) => (r.key ? bare({ ...options, headers: { 'X-API-Key': r.key, ...options.headers } })
            : r.caller && !r.headers ? r.caller.request(target + (options.query ?? ''), { ...call, ...options }) : bare(options)),
    };
}
/** On several connections at once, so that every event loop is asked. */
const all = async (credential, want) => {
    for (const a of await Promise.all(Array.from({ length: 6 }, credential.ask))) assert.equal(a.status, want, a.text);
};
const name = ({ method, path }) => `${method} ${path}`;
const secured = ({ operation }) => operation.security !== undefined;
const isService = ({ operation }) => operation.tags.includes('services');
const isVerify = ({ path }) => path.startsWith('/verify');
const good = (status) => status >= 200 && status < 300;

describe('each operation has a recipe, and no recipe is left over', () => {
    test('by operationId', () => {
        assert.deepEqual(Object.keys(recipes).sort(), operations.map((o) => o.operation.operationId).sort());
    });
});

describe('each operation does what it is for, by session cookie and by token', () => {
    for (const o of operations) test(name(o), async () => {
        const works = async (p) => {
            const a = await p.send();
            assert.ok(good(a.status), `${a.status} ${a.text}`);
            assert.ok(o.operation.responses[a.status] !== undefined);
        };
        for (const app of secured(o) ? ['web', 'mobile', 'sealed', 'bank'] : ['web'])
            if (!(['mobile', 'bank'].includes(app) && o.operation.operationId === 'csrf')) await works(await prepare(o, app));
    });
});

describe('x-narrows: what it ends is refused at the next request, and stands in the journal', () => {
    const newestEvent = () => service.command(['audit', '--limit', '1']).items[0].n;
    const narrowing = operations.filter((o) => o.operation['x-narrows']);
    assert.ok(narrowing.length >= 10);
    for (const o of narrowing) for (const way of ways[o.operation.operationId] ?? [undefined]) test(name(o) + (way ? ` (${way})` : ''), async () => {
        for (const app of ['web', 'mobile', 'sealed', 'bank']) {
            const p = await prepare(o, app, way);
            assert.ok(p.second.length > 0, 'the recipe names what ends');
            for (const s of p.second) await all(s, s.yes);
            const before = newestEvent();
            const a = await p.send();
            assert.ok(good(a.status), `${a.status} ${a.text}`);
            assert.ok(newestEvent() > before, 'it left no row in the journal');
            for (const s of p.second) await all(s, s.no);
        }
    });
});

const rowsOf = (answer) => service.command(['audit', '--limit', '20']).items.filter((row) => row.request_id === answer.headers['x-request-id']);
const narrows = (row) => row.narrows !== undefined || row.type.startsWith('key_');

describe('wait=all: the answer of what narrows waits until it is felt everywhere, and says so', () => {
    const narrowing = operations.filter((o) => o.operation['x-narrows']);
    for (const o of narrowing) for (const way of ways[o.operation.operationId] ?? [undefined]) test(name(o) + (way ? ` (${way})` : ''), async () => {
        assert.ok(o.operation.responses[200], 'the document says what is answered then');
        assert.ok(o.operation.parameters.some((p) => p.$ref === '#/components/parameters/wait'));
        for (const app of ['web', 'mobile']) {
            const p = await prepare(o, app, way), a = await p.send({ query: '?wait=all' });
            assert.equal(a.status, 200, a.text);
            const { position, ms, ...rest } = a.json.receipt, rows = rowsOf(a);
            assert.deepEqual(rest, { complete: true, acknowledged: 1, expired: 0, pending: 0, registry: 'read', unleased: ['jwks', 'stateless'] });
            assert.ok(Number.isInteger(ms) && ms >= 0);
            assert.equal(position, rows[0]?.n, 'its newest row');
            assert.ok(rows.some(narrows), 'none of its rows narrows anything');
            for (const s of p.second) await all(s, s.no);
        }
    });
    for (const o of narrowing) test(`${name(o)}: another value is refused before anything happens`, async () => {
        const p = await prepare(o);
        for (const query of ['?wait=', '?wait', '?wait=any', '?wait=all&wait=all', '?wait=all&x=1', '?WAIT=all']) {
            const a = await p.send({ query });
            assert.equal(a.status, 400, `${query}: ${a.text}`);
        }
        for (const s of p.second) await all(s, s.yes);
    });
    for (const o of operations.filter((x) => !x.operation['x-narrows'] && x.method !== 'GET')) test(`${name(o)} narrows nothing: no wait, and no row that says otherwise`, async () => {
        for (const app of ['web', 'mobile', 'sealed']) {
            const p = await prepare(o, app), waiting = await p.send({ query: '?wait=all' });
            assert.equal(waiting.status, 400, waiting.text);
            const a = await (await prepare(o, app)).send();
            assert.ok(good(a.status), a.text);
            assert.deepEqual(rowsOf(a).filter(narrows), [], 'it narrows: mark it with x-narrows');
        }
    });
    test('what was done already, or is nothing, has a receipt about all that was before', async () => {
        const v = await victim(), root = await admin('web'), path = `/v1/admin/users/${v.user.id}?wait=all`, json = { status: 'suspended' };
        const first = allowed(await root.request(path, { method: 'PATCH', json })).json.receipt;
        const again = allowed(await root.request(path, { method: 'PATCH', json })).json.receipt;
        assert.ok(again.position >= first.position && again.complete);
        const revoke = (query) => service.request(`/v1/revoke${query}`, { method: 'POST', body: 'token=nothing', headers: { 'Content-Type': FORM, 'X-API-Key': key } });
        const key = await serviceKey('revoke');
        assert.ok(allowed(await revoke('?wait=all')).json.receipt.position >= again.position);
        assert.equal(allowed(await revoke('')).text, '');
    });
    test('what is refused has none', async () => {
        const caller = await owner('web'), jar = caller.jar.header();
        allowed(await caller.request('/v1/logout?wait=all', { method: 'POST' }));
        const a = await service.request('/v1/logout?wait=all', { method: 'POST', headers: { Cookie: jar } });
        assert.equal(a.status, 401);
        assert.equal(a.json.receipt, undefined);
    });
});

describe('x-origin-rule: refused from another site, and nothing happens', () => {
    const ruled = operations.filter((o) => o.operation['x-origin-rule']);
    assert.ok(ruled.length >= 5);
    for (const o of ruled) test(name(o), async () => {
        const p = await prepare(o);
        for (const headers of [{ Origin: 'https://evil.example' }, { Origin: 'null' }, { Origin: `${service.url}.evil.example` }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
            const a = refused(await p.send({ headers }), 403, 'origin_refused');
            assert.deepEqual(a.setCookies, []);
            assert.equal(a.headers['access-control-allow-origin'], undefined);
        }
        for (const s of p.second) await all(s, s.yes);
        const a = await p.send({ headers: { Origin: service.url } });
        assert.ok(good(a.status), `from our own origin: ${a.status} ${a.text}`);
    });
});

describe('x-csrf: by cookie, refused without the token of this session, or from another site', () => {
    const guarded = operations.filter((o) => o.operation['x-csrf']);
    assert.ok(guarded.length >= 12);
    for (const o of guarded) test(name(o), async () => {
        const p = await prepare(o), stranger = await owner('web');
        refused(await p.send({ csrf: false }), 403, 'csrf_failed');
        for (const token of ['', 'x', stranger.csrf]) refused(await p.send({ headers: { 'X-CSRF-Token': token } }), 403, 'csrf_failed');
        refused(await p.send({ headers: { Origin: 'https://evil.example' } }), 403, 'origin_refused');
        for (const s of p.second) await all(s, s.yes);
    });
    test('and what changes something by cookie is marked: every unsafe operation but those with the origin rule alone', () => {
        for (const o of operations) {
            if (o.method === 'GET' || isVerify(o) || isService(o)) continue;
            assert.ok(o.operation['x-csrf'] || o.operation['x-origin-rule'], `${name(o)} is open to other sites`);
        }
    });
});

describe('security: a credential is asked for, and of the right kind', () => {
    for (const o of operations.filter((x) => secured(x) && !isService(x))) test(name(o), async () => {
        const p = await prepare(o);
        refused(await p.bare(), 401, 'unauthenticated');
        const kinds = o.operation.security.map((s) => Object.keys(s)[0]);
        refused(await p.bare({ headers: bearer('a.b.c') }), 401, kinds.includes('service_bearer') ? 'unauthenticated' : 'invalid_token');
        refused(await p.bare({ headers: cookies({ [COOKIE.session]: 'x' }) }), 401, kinds.includes('service_bearer') ? 'unauthenticated' : 'invalid_session');
        const { key } = allowed(await (await owner('web')).request('/v1/api-keys', { json: { name: 'k' } }), 201).json;
        const a = await p.bare({ headers: { 'X-API-Key': key } });
        if (kinds.includes('api_key')) assert.notEqual(a.status, 401);
        else refused(a, 401, 'unauthenticated');
    });
});

describe('services: an API key with the scope is asked for, and errors are those of RFC 6749', () => {
    for (const o of operations.filter(isService)) test(name(o), async () => {
        const p = await prepare(o), scope = o.path.split('/').at(-1), key = (h) => p.bare({ headers: h });
        const other = await serviceKey(scope === 'revoke' ? 'introspect' : 'revoke', 'other');
        assert.deepEqual(o.operation.security.map((s) => Object.keys(s)[0]), ['service_bearer', 'api_key', 'service_basic'], 'no cookie, so no rule for other sites');
        const oauth = (a, status, error, challenge) => {
            assert.equal(`${a.status} ${a.json?.error}`, `${status} ${error}`, a.text);
            assert.equal(a.headers['www-authenticate'], challenge);
        };
        const caller = await admin('mobile');
        oauth(await key({}), 401, 'invalid_client', 'Bearer realm="cardea"');
        oauth(await key(bearer(caller.access)), 401, 'invalid_client', 'Bearer realm="cardea"');
        oauth(await key({ Cookie: (await admin('web')).jar.header() }), 401, 'invalid_client', 'Bearer realm="cardea"');
        oauth(await key({ 'X-API-Key': 'x' }), 401, 'invalid_client', 'Bearer error="invalid_token"');
        oauth(await key(bearer(`${p.key.slice(0, -1)}_`)), 401, 'invalid_token', 'Bearer error="invalid_token"');
        oauth(await key({ Authorization: 'Basic eDp5' }), 401, 'invalid_client', 'Basic realm="cardea"');
        oauth(await key({ 'X-API-Key': other }), 403, 'insufficient_scope', 'Bearer error="insufficient_scope"');
        oauth(await key({ 'X-API-Key': p.key, ...bearer(p.key) }), 400, 'invalid_request');
        const malformed = (body, status = 400, type = FORM) => p.send({ body, headers: { 'Content-Type': type } }).then((a) => oauth(a, status, 'invalid_request'));
        for (const body of ['', 'token', 'token=', 'x=y', 'token=a&token=b', 'token=a&%74oken=b', 'token=a&', 'token=%', 'token=%zz', 'token=%00', 'token=%ff', 'token=\u00e9', 'token=a b',
            'token=a&x=1&x=2', `token=${'a'.repeat(4097)}`, Array.from({ length: 17 }, (_, i) => `token${i || ''}=a`).join('&')]) await malformed(body);
        await malformed('{"token":"a"}', 415, 'application/json');
        await malformed('token=a', 415, 'text/plain');
        await malformed(`token=${'a'.repeat(20000)}`, 413);
        for (const s of p.second) await all(s, s.yes);
        const basic = `Basic ${Buffer.from(`${p.key.slice(4, 26)}:${p.key}`).toString('base64')}`;
        assert.equal((await key({ Authorization: basic })).status, 200);
        for (const s of p.second) await all(s, s.no);
    });
});

describe('admin: role admin, asked anew at each call', () => {
    for (const o of operations.filter((x) => x.operation.tags.includes('admin'))) test(name(o), async () => {
        const p = await prepare(o);
        for (const app of ['web', 'mobile', 'sealed', 'bank']) {
            const stranger = await owner(app);
            refused(await stranger.request(p.target, { method: o.method, json: p.json }), 403, 'forbidden');
        }
        for (const s of p.second) await all(s, s.yes);
    });
});

describe('bodies: as the document says and no further', () => {
    for (const o of operations.filter((x) => x.operation.requestBody && !isService(x))) test(name(o), async () => {
        const schema = o.operation.requestBody.content['application/json'].schema;
        assert.equal(schema.additionalProperties, false);
        const p = await prepare(o);
        const send = (json) => p.send({ json });
        refused(await send({ ...p.json, surprise: 1 }), 400, 'unknown_field', 'surprise');
        for (const field of schema.required ?? []) {
            const { [field]: _, ...rest } = p.json;
            refused(await send(rest), 400, 'missing_field', field);
        }
        for (const field of Object.keys(schema.properties)) refused(await send({ ...p.json, [field]: 7.5 }), 400, 'invalid_field', field);
        refused(await p.send({ json: undefined, body: JSON.stringify(p.json ?? {}), headers: { 'Content-Type': 'text/plain' } }), 415, 'unsupported_media_type');
        refused(await p.send({ json: undefined, body: '{"x":', headers: { 'Content-Type': 'application/json' } }), 400, 'bad_json');
        for (const s of p.second) await all(s, s.yes);
    });
    for (const o of operations.filter((x) => !x.operation.requestBody && x.method !== 'GET')) test(`${name(o)} takes none`, async () => {
        const p = await prepare(o);
        const a = await p.send({ json: { surprise: 1 } });
        assert.equal(a.status, 400, a.text);
        for (const s of p.second) await all(s, s.yes);
    });
});

describe('methods and parameters that the document does not name', () => {
    const paths = [...new Set(operations.map((o) => o.path))].filter((p) => !p.startsWith('/verify'));
    for (const path of paths) test(path, async () => {
        const here = operations.filter((o) => o.path === path);
        const verbs = here.map((o) => o.method);
        const target = path.replace(/\{[^}]+\}/g, 'A'.repeat(22));
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'BREW']) {
            if (verbs.includes(method)) continue;
            const a = await service.request(target, { method });
            assert.equal(a.status, 405, `${method}: ${a.text}`);
            const want = [...verbs, ...(verbs.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
            assert.deepEqual(a.headers.allow.split(', ').sort(), want.sort());
        }
        for (const o of here) {
            if (path.startsWith('/.well-known/') || !secured(o)) continue;
            const p = await prepare(o);
            const a = await p.send({ query: '?surprise=1' });
            assert.equal(a.status, 400, `${o.method}: ${a.text}`);
            for (const s of p.second) await all(s, s.yes);
        }
    });
});

test('every operation of the document was exercised here, with success', () => {
    for (const o of operations) assert.ok([...(exercised.get(name(o)) ?? [])].some(good), `${name(o)} never succeeded`);
});
