// Does every format of access tokens work the same, from the login to the end of its key? And does no key check a token of another
// format, whatever the token says? Groups A, C and D of the attack list between keys of one service, over real HTTP.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { Service } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, eventually, refused, signUp } from './lib/credentials.mjs';

const JWS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed448', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'HS256', 'HS384', 'HS512'];
const FORMATS = [...JWS, 'v4.public', 'v4.local'];
const SYMMETRIC = ['HS256', 'HS384', 'HS512', 'v4.local'];
const name = (format) => `app-${format.replace('.', '-').toLowerCase()}`;
const apps = { web: 'web', page: { profile: 'spa', token_format: 'v4.local' } };
for (const f of FORMATS) apps[name(f)] = { profile: 'mobile', token_format: f };
const settings = { signup: true, apps, jwks: { max_age: '1s' }, guess: { free: 100, address_per_minute: 10000 } };
let service, admin, generic;

before(async () => {
    service = await Service.start({ settings, users: [{ name: 'root', roles: ['admin'] }] });
    admin = await Caller.login(service, 'root');
    generic = (await service.verify({ headers: bearer('x.y.z') })).text.replace(/"request_id":"[^"]*"/, '');
}, { timeout: 240_000 });
after(() => service?.end());

const keys = async (format, state) => allowed(await admin.request('/v1/admin/signing-keys')).json.items.filter((k) => k.alg === format && (!state || k.state === state));
const check = (token) => service.verify({ headers: bearer(token) });
const json = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
const encode = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');
const isPaseto = (format) => format.startsWith('v4.');
/** The kid that a token names. */
const kidOf = (token) => token.startsWith('v4.') ? json(token.split('.')[3]).kid : json(token.split('.')[0]).kid;
/** 401 in the one text that all refusals have. */
async function refusedAlike(token, what) {
    const a = await check(token);
    assert.equal(a.status, 401, `${what}: ${token}`);
    assert.equal(a.headers['www-authenticate'], 'Bearer error="invalid_token"');
    assert.equal(a.text.replace(/"request_id":"[^"]*"/, ''), generic);
}

for (const format of FORMATS)
    describe(format, () => {
        let user, caller, first;
        before(async () => {
            user = await signUp(service, name(format));
            caller = await Caller.login(service, user.username, { app: name(format) });
            first = caller.access;
        });

        test('a token says its format, and is accepted everywhere', async () => {
            if (isPaseto(format)) {
                assert.ok(first.startsWith(`${format}.`));
                assert.match(kidOf(first), format === 'v4.public' ? /^k4\.pid\./ : /^k4\.lid\./);
            } else {
                const header = json(first.split('.')[0]);
                assert.deepEqual(header, { alg: format === 'Ed448' ? 'EdDSA' : format, kid: header.kid, typ: 'at+jwt' });
            }
            assert.equal(kidOf(first), (await keys(format, 'active'))[0].kid);
            const a = allowed(await check(first), 204);
            assert.equal(a.headers['x-auth-user'], user.id);
            assert.equal(a.headers['x-auth-method'], 'token');
            assert.equal(a.headers['x-auth-session'], caller.sid);
            for (let i = 0; i < 3; i++) allowed(await check(first), 204); // from the cache
            assert.equal(allowed(await caller.request('/v1/me')).json.user.id, user.id);
            assert.equal(allowed(await caller.request('/v1/sessions')).json.items[0].current, true);
        });

        test('refresh, a rotation of its keys, a compromised key', async () => {
            allowed(await caller.rotate());
            assert.notEqual(caller.access, first);
            const [next] = await keys(format, 'next');
            await eventually('the next key was published long enough', async () => Date.now() > Date.parse(next.created_at) + 2000);
            const others = (await keys('ES256', 'active'))[0].kid;
            allowed(await admin.request('/v1/admin/signing-keys/rotate', { json: { alg: format } }));
            if (format !== 'ES256') assert.equal((await keys('ES256', 'active'))[0].kid, others, 'keys of other formats stay');
            allowed(await caller.rotate());
            const second = caller.access;
            assert.equal(kidOf(second), next.kid);
            for (const t of [first, second]) allowed(await check(t), 204);
            assert.equal((await keys(format, 'retiring'))[0].kid, kidOf(first));
            // the successor, which for RSA is drawn aside
            await eventually('another key is next', async () => (await keys(format, 'next')).length === 1, 60_000);
            allowed(await admin.request('/v1/admin/signing-keys/rotate', { json: { compromised: true, alg: format } }));
            await refusedAlike(second, 'by a dropped key');
            allowed(await check(first), 204);
            allowed(await caller.rotate());
            allowed(await caller.verify(), 204);
            // a retiring one, by its id
            allowed(await admin.request('/v1/admin/signing-keys/rotate', { json: { compromised: true, kid: kidOf(first) } }));
            await refusedAlike(first, 'by a dropped retiring key');
            allowed(await caller.verify(), 204);
        });

        test('a logout, a revoked jti, a new epoch end it', async () => {
            const one = await Caller.login(service, user.username, { app: name(format) }), two = await Caller.login(service, user.username, { app: name(format) });
            allowed(await check(one.access), 204);
            allowed(await one.request('/v1/logout', { method: 'POST' }), 204);
            await refusedAlike(one.access, 'logged out');
            allowed(await check(two.access), 204);
            if (format !== 'v4.local') { // whose claims nobody outside can read
                const body = Buffer.from(two.access.split('.')[isPaseto(format) ? 2 : 1], 'base64url');
                const claims = JSON.parse(isPaseto(format) ? body.subarray(0, body.length - 64) : body);
                assert.equal(claims.sub, user.id);
                allowed(await admin.request('/v1/admin/tokens/revoke', { json: { jti: claims.jti } }), 204);
                await refusedAlike(two.access, 'revoked');
                allowed(await two.rotate());
            }
            allowed(await check(two.access), 204);
            allowed(await caller.request('/v1/logout/all', { method: 'POST' }), 204);
            for (const t of [two.access, caller.access]) await refusedAlike(t, 'of an older epoch');
        });
    });

test('an app of cookies may have any format, too', async () => {
    const user = await signUp(service, 'page'), c = await Caller.login(service, user.username, { app: 'page' });
    assert.ok(c.jar.get(COOKIE.access).startsWith('v4.local.'));
    allowed(await c.verify(), 204);
    allowed(await c.rotate());
    allowed(await c.verify(), 204);
    allowed(await c.request('/v1/logout', { method: 'POST' }), 204);
});

test('public keys are published where they belong, symmetric ones nowhere', async () => {
    const jwks = allowed(await service.request('/.well-known/jwks.json')), paseto = allowed(await service.request('/.well-known/paseto-keys.json'));
    const all = allowed(await admin.request('/v1/admin/signing-keys')).json.items.filter((k) => k.use === 'access');
    const published = [...jwks.json.keys, ...paseto.json.keys].map((k) => k.kid).sort();
    assert.deepEqual(published, all.filter((k) => !SYMMETRIC.includes(k.alg)).map((k) => k.kid).sort());
    for (const k of jwks.json.keys) assert.ok(['EC', 'RSA', 'OKP'].includes(k.kty) && k.d === undefined && k.k === undefined);
    assert.ok(paseto.json.keys.length >= 2);
    allowed(await service.request('/.well-known/paseto-keys.json', { headers: { 'If-None-Match': paseto.headers.etag } }), 304);
});

test('of several formats, one has to be named', async () => {
    const rotate = (body) => admin.request('/v1/admin/signing-keys/rotate', { json: body });
    refused(await rotate({ compromised: true }), 400, 'invalid_field', 'alg');
    refused(await rotate({ alg: 'ES999' }), 400, 'invalid_field', 'alg');
    refused(await rotate({ alg: 'none' }), 400, 'invalid_field', 'alg');
    refused(await rotate({ alg: 'ES256', use: 'sealed' }), 400, 'invalid_field', 'alg');
    refused(await rotate({ compromised: true, alg: 'ES256', kid: (await keys('ES256', 'active'))[0].kid }), 400, 'invalid_field', 'alg');
    refused(await rotate({ compromised: true, kid: `k4.pid.${'A'.repeat(44)}` }), 404, 'not_found', 'kid');
});

describe('confusion between keys of one service', () => {
    const tokens = {};
    before(async () => {
        const user = await signUp(service, 'mallory');
        for (const f of FORMATS) tokens[f] = (await Caller.login(service, user.username, { app: name(f) })).access;
    });

    test('A12 the alg or the kid of another key', async () => {
        for (const f of JWS) {
            const [h, body, signature] = tokens[f].split('.'), header = json(h);
            for (const g of JWS) {
                const other = json(tokens[g].split('.')[0]);
                if (other.alg !== header.alg) await refusedAlike([encode({ ...header, alg: other.alg }), body, signature].join('.'), `${f} as ${g}`);
                if (g !== f) await refusedAlike([encode({ ...header, kid: other.kid }), body, signature].join('.'), `${f} by the key of ${g}`);
                if (g !== f) await refusedAlike([encode(other), body, signature].join('.'), `${f} under the header of ${g}`);
            }
            for (const kid of [kidOf(tokens['v4.public']), kidOf(tokens['v4.local'])]) await refusedAlike([encode({ ...header, kid }), body, signature].join('.'), `${f} by a key of PASETO`);
        }
    });

    test('A06 A07 HS* with the bytes of a published key', async () => {
        const { keys: published } = (await service.request('/.well-known/jwks.json')).json;
        const claims = tokens.ES256.split('.')[1];
        for (const k of published.filter((k) => ['ES256', 'RS256', 'PS512', 'EdDSA'].includes(k.alg))) {
            const key = createPublicKey({ key: k, format: 'jwk' });
            const pem = key.export({ type: 'spki', format: 'pem' });
            const secrets = [pem, pem.trimEnd(), pem.replaceAll('\n', '\r\n'), key.export({ type: 'spki', format: 'der' }), JSON.stringify(k), Buffer.from(k.n ?? k.x, 'base64url'), k.kid, '', '\0'];
            for (const alg of ['HS256', 'HS384', 'HS512'])
                for (const kid of [k.kid, kidOf(tokens[alg])])
                    for (const secret of secrets) {
                        const input = `${encode({ alg, kid, typ: 'at+jwt' })}.${claims}`;
                        await refusedAlike(`${input}.${createHmac(`sha${alg.slice(2)}`, secret).update(input).digest('base64url')}`, `${alg} by ${k.alg}`);
                    }
        }
    });

    test('D08 a PASETO of one purpose or version as another; a JWT in its clothes', async () => {
        const p = tokens['v4.public'].split('.'), l = tokens['v4.local'].split('.');
        for (const [v, purpose, a, b] of [['v4', 'local', p[2], p[3]], ['v4', 'public', l[2], l[3]], ['v4', 'public', p[2], l[3]], ['v4', 'local', l[2], p[3]],
            ['v4', 'public', l[2], p[3]], ['v4', 'local', p[2], l[3]], ['v3', 'public', p[2], p[3]], ['v2', 'public', p[2], p[3]], ['v1', 'local', l[2], l[3]], ['V4', 'public', p[2], p[3]], ['v4', 'PUBLIC', p[2], p[3]]])
            await refusedAlike([v, purpose, a, b].join('.'), `${v}.${purpose}`);
        for (const f of ['ES256', 'EdDSA', 'HS256']) {
            const [h, body, signature] = tokens[f].split('.');
            const signed = Buffer.concat([Buffer.from(body, 'base64url'), Buffer.from(signature, 'base64url')]).toString('base64url');
            for (const footer of [p[3], l[3], encode({ kid: kidOf(tokens[f]) })]) await refusedAlike(['v4', 'public', signed, footer].join('.'), `${f} as PASETO`);
            await refusedAlike(['v4', 'public', h, body, signature].join('.'), f);
        }
        const [header] = tokens.EdDSA.split('.');
        const body = Buffer.from(p[2], 'base64url');
        await refusedAlike([header, body.subarray(0, -64).toString('base64url'), body.subarray(-64).toString('base64url')].join('.'), 'PASETO as EdDSA');
    });

    test('D09 footers that name no key of ours', async () => {
        const p = tokens['v4.public'].split('.'), l = tokens['v4.local'].split('.');
        const kid = kidOf(tokens['v4.public']);
        for (const footer of [{}, { kid: '' }, { kid: '../../etc/passwd' }, { kid: 'https://evil.example/k' }, { kid: [kid] }, { kid, x: 1 }, { kid: kid.replace('pid', 'sid') }, { kid: kid.replace('k4', 'k3') }, { kid: `${kid} ` }, { kid: kidOf(tokens.EdDSA) }])
            for (const t of [p, l]) await refusedAlike([...t.slice(0, 3), encode(footer)].join('.'), JSON.stringify(footer));
        for (const t of [p, l]) {
            await refusedAlike(t.slice(0, 3).join('.'), 'without a footer');
            await refusedAlike([...t, t[3]].join('.'), 'with two');
            await refusedAlike(`${t.join('.')}=`, 'padded');
        }
    });

    test('C06 C10 every format: a bit, a length, a spelling', async () => {
        for (const f of FORMATS) {
            const parts = tokens[f].split('.'), at = isPaseto(f) ? 2 : parts.length - 1;
            const bytes = Buffer.from(parts[at], 'base64url');
            const with_ = (b) => parts.map((x, i) => i === at ? (typeof b === 'string' ? b : b.toString('base64url')) : x).join('.');
            const flipped = (i) => { const b = Buffer.from(bytes); b[i] ^= 1; return b; };
            for (const b of [flipped(0), flipped(bytes.length - 1), bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from([0])]), Buffer.alloc(bytes.length), Buffer.alloc(bytes.length, 255), Buffer.alloc(0), Buffer.concat([bytes, bytes])]) await refusedAlike(with_(b), f);
            const rest = bytes.length % 3;
            if (rest !== 0) { // trailing bits that no encoder writes
                const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
                await refusedAlike(with_(parts[at].slice(0, -1) + alphabet[alphabet.indexOf(parts[at].at(-1)) | 1]), f);
            }
        }
    });
});

describe('a change of the settings', () => {
    test('a reload makes the keys that it needs before it is in force, and retires those nobody asks for', async () => {
        const s = await Service.start({ settings: { ...settings, apps: { web: 'web', phone: 'mobile', other: { profile: 'mobile', token_format: 'HS256' } } }, users: [{ name: 'root', roles: ['admin'] }] });
        try {
            const root = await Caller.login(s, 'root'), phone = await Caller.login(s, 'root', { app: 'phone' }), other = await Caller.login(s, 'root', { app: 'other' });
            const list = async () => allowed(await root.request('/v1/admin/signing-keys')).json.items.filter((k) => k.use === 'access').map((k) => `${k.alg} ${k.state}`).sort();
            assert.deepEqual(await list(), ['ES256 active', 'ES256 next', 'HS256 active', 'HS256 next']);
            s.configure({ ...settings, apps: { web: 'web', phone: { profile: 'mobile', token_format: 'RS256' }, other: { profile: 'mobile', token_format: 'v4.public' } } });
            s.child.kill('SIGHUP');
            // there is no moment at which an app can not sign
            await eventually('tokens of the new format', async () => (await Caller.login(s, 'root', { app: 'phone' })).access.startsWith(encode({ alg: 'RS256' }).slice(0, 16)), 60_000);
            assert.ok((await Caller.login(s, 'root', { app: 'other' })).access.startsWith('v4.public.'));
            for (const c of [phone, other]) allowed(await c.verify(), 204);
            await eventually('keys come and go', async () => (await list()).join() === ['ES256 active', 'ES256 next', 'HS256 retiring', 'RS256 active', 'RS256 next', 'v4.public active', 'v4.public next'].join(), 60_000);
            for (const c of [phone, other]) allowed(await c.verify(), 204);
            await s.restart();
            for (const c of [phone, other]) allowed(await c.verify(), 204);
            assert.ok((await Caller.login(s, 'root', { app: 'phone' })).access);
        } finally {
            await s.end();
        }
    });

    test('the command shows the formats and takes one', async () => {
        const listed = service.command(['signing-key', 'list']).items.filter((k) => k.use === 'access');
        assert.deepEqual([...new Set(listed.filter((k) => k.state === 'active').map((k) => k.alg))].sort(), [...FORMATS].sort());
        const kid = listed.find((k) => k.alg === 'v4.local' && k.state === 'active').kid;
        const after = service.command(['signing-key', 'revoke', kid]).items;
        assert.ok(!after.some((k) => k.kid === kid));
        assert.ok(after.some((k) => k.alg === 'v4.local' && k.state === 'active'));
        assert.equal(service.cli(['signing-key', 'revoke']).status, 1, 'which?');
        assert.equal(service.cli(['signing-key', 'rotate', '--alg', 'nonsense']).status, 1);
        service.command(['signing-key', 'rotate', '--alg', 'EdDSA']);
    });
});
