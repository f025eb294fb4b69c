// Do sealed sessions and strict's tokens keep their word in real time: renewal, what ends them, restarts, keys, a record that is gone?
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Service, PASSWORD, root, temporary } from './lib/service.mjs';
import { BANK, COOKIE, Caller, allowed, bearer, cookies, eventually, refused, signUp } from './lib/credentials.mjs';

const settings = {
    signup: true,
    apps: {
        web: 'web', spa: 'spa', mobile: 'mobile', sealed: 'sealed', bank: BANK,
        brief: { profile: 'sealed', access: '3s', idle: '1h' },
        idle: { profile: 'sealed', access: '1s', idle: '3s' },
        short: { profile: 'sealed', access: '1s', idle: '3s', absolute: '3s' },
        vault: { ...BANK, idle: '3s', access: '5m' },
    },
    policies: { brief: { apps: ['brief'] }, sealings: { kinds: ['sealed'] } },
    guess: { free: 100, address_per_minute: 10000 },
};
let service;
before(async () => { service = await Service.start({ settings, users: [{ name: 'root', roles: ['admin'] }] }); });
after(() => service?.end());

const login = async (app) => Caller.login(service, (await signUp(service, app)).username, { app });
const expired = (c) => eventually('the text ends', async () => (await c.verify()).status === 401);
/** By what a browser holds now, whatever the caller gets later. */
const renewal = (headers) => service.request('/v1/refresh', { method: 'POST', headers });
const over = (answer) => {
    refused(answer, 401, 'invalid_session');
    assert.equal(answer.setCookies.length, 1);
    assert.match(answer.setCookies[0], /^__Host-cardea=; Path=\/; Max-Age=0; Secure; HttpOnly/);
};

describe('renewal', () => {
    test('a page that was left open: refused, renewed, and on with it', async () => {
        const c = await login('brief'), old = c.credential;
        allowed(await c.verify(), 204);
        await expired(c);
        refused(await c.request('/v1/me'), 401, 'invalid_session');
        const before = c.jar.get(COOKIE.session), a = allowed(await c.rotate());
        assert.deepEqual(Object.keys(a.json).sort(), ['csrf_token', 'expires_in']);
        assert.equal(a.headers['cache-control'], 'no-store');
        assert.equal(a.json.expires_in, 3);
        assert.notEqual(c.jar.get(COOKIE.session), before);
        assert.match(a.setCookies[0], /; Path=\/; Max-Age=4(319\d|3200); Secure; HttpOnly; SameSite=Strict$/);
        allowed(await c.request('/v1/me', { method: 'PATCH', json: { name: 'still here' } }));
        assert.equal((await old.verify()).status, 401, 'what has expired stays so');
        assert.equal(allowed(await c.request('/v1/me')).json.session.sid, c.sid, 'the same session');
    });

    test('many tabs at once: each gets a good one', async () => {
        const c = await login('sealed'), { headers } = c.credential;
        const answers = await Promise.all(Array.from({ length: 24 }, () => renewal(headers)));
        const texts = answers.map((a) => allowed(a).setCookies[0].match(/^__Host-cardea=([^;]*)/)[1]);
        assert.equal(new Set(texts).size, 24);
        for (const text of texts) allowed(await service.verify({ headers: cookies({ [COOKIE.session]: text }) }), 204);
    });

    test('past the idle end, or the absolute one, it is over', async () => {
        for (const app of ['idle', 'short']) {
            const c = await login(app), { headers } = c.credential;
            await new Promise((done) => setTimeout(done, 4200));
            over(await renewal(headers));
        }
        const c = await login('idle');
        for (let i = 0; i < 4; i++) { // in use it goes on past the idle time
            await new Promise((done) => setTimeout(done, 1200));
            allowed(await c.rotate());
        }
    });

    test('after a logout, a password change, a suspension, a deletion of the user', async () => {
        const root = await Caller.login(service, 'root');
        const ends = {
            logout: (c) => c.request('/v1/logout', { method: 'POST' }),
            'logout everywhere': (c) => c.request('/v1/logout/all', { method: 'POST' }),
            'a step-up': (c) => c.request('/v1/reauthenticate', { json: { password: PASSWORD } }),
            'a password change': (c) => c.request('/v1/password', { json: { current_password: PASSWORD, new_password: 'nine violet otters read' } }),
            'another login': async (c) => (await service.login(c.username, { app: 'web', jar: c.jar.copy() })).answer,
            'the end of the session': (c) => c.request(`/v1/sessions/${c.sid}`, { method: 'DELETE' }),
            suspension: (c) => root.request(`/v1/admin/users/${c.user.id}`, { method: 'PATCH', json: { status: 'suspended' } }),
            'log out by an administrator': (c) => root.request(`/v1/admin/users/${c.user.id}/logout`, { method: 'POST' }),
            deletion: (c) => root.request(`/v1/admin/users/${c.user.id}`, { method: 'DELETE' }),
        };
        for (const [what, end] of Object.entries(ends)) for (const app of ['sealed', 'brief']) {
            const c = await login(app), { headers } = c.credential, stranger = await login('sealed');
            const a = await end(c);
            assert.ok(a.status >= 200 && a.status < 300, `${what}: ${a.text}`);
            assert.equal((await service.verify({ headers })).status, 401, what);
            over(await renewal(headers));
            allowed(await stranger.verify(), 204);
        }
    });

    test('over a restart: sealed sessions live, and what was ended stays ended', async () => {
        const lives = await login('sealed'), ended = await login('sealed'), everywhere = await login('sealed');
        const dead = [ended.credential, everywhere.credential];
        allowed(await ended.request('/v1/logout', { method: 'POST' }), 204);
        allowed(await everywhere.request('/v1/logout/all', { method: 'POST' }), 204);
        for (const signal of ['SIGTERM', 'SIGKILL']) {
            await service.restart(signal);
            allowed(await lives.verify(), 204);
            allowed(await lives.rotate());
            for (const d of dead) {
                assert.equal((await d.verify()).status, 401);
                over(await renewal(d.headers));
            }
        }
    });
});

describe('the function of docs/sealed.md, as it stands there', () => {
    const folder = temporary(), file = join(folder, 'caller.mjs');
    let caller;
    before(async () => {
        const blocks = [...readFileSync(join(root, 'docs/sealed.md'), 'utf8').matchAll(/```js\n([^]*?)```/g)].map((m) => m[1]);
        writeFileSync(file, blocks.find((b) => b.includes('export async function caller')));
        ({ caller } = await import(pathToFileURL(file)));
    });
    after(() => rmSync(folder, { recursive: true }));
    const request = (c, method = 'GET', headers = {}) => ({ method, headers: new Headers({ cookie: `theme=dark; ${c.jar.header()}`, ...headers }) });

    test('knows who calls, renews what has expired, and clears what is over', async () => {
        const c = await login('brief');
        assert.deepEqual(await caller(request(c), service.url), { user: c.username, setCookie: null });
        await expired(c);
        const renewed = await caller(request(c), service.url);
        assert.equal(renewed.user, c.username);
        c.jar.take([renewed.setCookie]);
        allowed(await c.verify(), 204);
        allowed(await c.request('/v1/logout', { method: 'POST', csrf: false, jar: c.jar.copy() }), 204);
        const gone = await caller(request(c), service.url);
        assert.equal(gone.user, null);
        assert.match(gone.setCookie, /^__Host-cardea=; .*Max-Age=0/);
        assert.deepEqual(await caller({ method: 'GET', headers: new Headers() }, service.url), { user: null, setCookie: null });
    });

    test('refuses what another site sends', async () => {
        const c = await login('sealed');
        assert.equal((await caller(request(c, 'POST', { origin: service.url }), service.url)).user, c.username);
        for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
            assert.equal((await caller(request(c, 'POST', headers), service.url)).user, null);
        const web = await login('web');
        assert.deepEqual(await caller(request(web), service.url), { user: web.username, setCookie: null });
        const signal = await web.request('/v1/logout', { method: 'POST', jar: web.jar.copy() });
        allowed(signal, 204);
        assert.deepEqual(await caller(request(web), service.url), { user: null, setCookie: null });
    });
});

describe('keys that seal', () => {
    test('a rotation ends no login; a compromised key ends its texts at once', async () => {
        const old = await login('sealed'), web = await login('web');
        const kid = (c) => JSON.parse(Buffer.from(c.jar.get(COOKIE.session).split('.')[0], 'base64url')).kid;
        const sealing = (state) => service.command(['signing-key', 'list']).items.filter((k) => k.use === 'sealed' && k.state === state).map((k) => k.kid);
        const first = kid(old);
        assert.deepEqual(sealing('active'), [first]);
        service.command(['signing-key', 'rotate', '--use', 'sealed']);
        assert.ok(sealing('retiring').includes(first));
        allowed(await old.verify(), 204);
        const fresh = await login('sealed');
        assert.deepEqual(sealing('active'), [kid(fresh)]);
        assert.notEqual(kid(fresh), first);
        const before = old.credential;
        allowed(await old.rotate());
        assert.equal(kid(old), kid(fresh), 'renewed under the new key');
        allowed(await before.verify(), 204);
        await service.restart();
        allowed(await before.verify(), 204);
        service.command(['signing-key', 'revoke', first]);
        assert.equal((await before.verify()).status, 401);
        over(await renewal(before.headers));
        allowed(await old.verify(), 204);
        allowed(await web.verify(), 204);
        service.command(['signing-key', 'revoke', '--use', 'sealed']);
        for (const c of [old, fresh]) assert.equal((await c.verify()).status, 401);
        await service.restart();
        for (const c of [old, fresh]) assert.equal((await c.verify()).status, 401);
        allowed(await (await login('sealed')).verify(), 204);
        assert.ok(!(await service.request('/.well-known/jwks.json')).text.includes(first), 'no public set names a key that seals');
    });

    test('an installation from before there were any gets one at its start', async () => {
        const web = await login('web');
        await service.stop();
        assert.ok(service.sql('DELETE FROM keyring WHERE usage = 7').changed >= 1);
        await service.launch();
        allowed(await web.verify(), 204);
        const c = await login('sealed');
        allowed(await c.verify(), 204);
        await service.restart();
        allowed(await c.verify(), 204);
    });
});

describe('attacks on sealed sessions', () => {
    const parts = (text) => text.split('.');
    const asCookie = (text) => cookies({ [COOKIE.session]: text });
    /** Refused in the same words wherever it comes, whatever is wrong with it; and renewed nowhere. */
    async function nobody(text, what) {
        assert.equal((await service.verify({ headers: asCookie(text) })).status, 401, what);
        refused(await service.request('/v1/me', { headers: asCookie(text) }), 401, 'invalid_session');
        const a = await renewal(asCookie(text));
        assert.equal(a.status, 401, `${what}: ${a.text}`);
        assert.equal((await service.request('/v1/logout', { method: 'POST', headers: asCookie(text) })).status, 401, what);
    }

    test('a sealed text in any other place is nothing', async () => {
        const c = await login('sealed'), text = c.jar.get(COOKIE.session);
        refused(await service.request('/v1/me', { headers: bearer(text) }), 401, 'invalid_token');
        assert.equal((await service.verify({ headers: bearer(text) })).status, 401);
        refused(await service.request('/v1/me', { headers: { 'X-API-Key': text } }), 401, 'invalid_key');
        for (const name of [COOKIE.access, COOKIE.refresh]) assert.equal((await service.verify({ headers: cookies({ [name]: text }) })).status, 401);
        assert.equal((await service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: text }) })).status, 401);
        assert.equal((await service.request('/v1/refresh', { json: { refresh_token: text.slice(0, 128) } })).status, 401);
        allowed(await c.verify(), 204);
    });

    test('another credential under its name is nothing', async () => {
        const mobile = await login('mobile'), spa = await login('spa'), web = await login('web'), c = await login('sealed');
        for (const text of [mobile.access, spa.access, mobile.refresh, spa.refresh, c.csrf, c.sid, `${mobile.access}..`, `${web.jar.get(COOKIE.session)}.a.b.c.d`])
            await nobody(text, text.slice(0, 30));
        // told apart by form alone: never the one, then the other
        assert.equal((await service.verify({ headers: asCookie(web.jar.get(COOKIE.session)) }, 'sealings')).status, 401);
        allowed(await service.verify({ headers: c.headers }, 'sealings'), 204);
    });

    test('another app\'s is refused where a policy names the app, and another installation\'s everywhere', async () => {
        const c = await login('sealed'), brief = await login('brief');
        refused(await c.verify('brief'), 403, 'forbidden');
        allowed(await brief.verify('brief'), 204);
        const other = await Service.start({ users: [{ name: 'alice' }], env: { CARDEA_PUBLIC_URL: service.url } });
        try {
            const stranger = await Caller.login(other, 'alice', { app: 'sealed' });
            allowed(await stranger.verify(), 204);
            await nobody(stranger.jar.get(COOKIE.session), 'of another installation');
        } finally {
            await other.end();
        }
    });

    test('every segment altered, cut, swapped, of another encryption', async () => {
        const c = await login('sealed'), d = await login('sealed');
        const text = c.jar.get(COOKIE.session), own = parts(text), theirs = parts(d.jar.get(COOKIE.session));
        const header = JSON.parse(Buffer.from(own[0], 'base64url'));
        const encode = (h) => Buffer.from(typeof h === 'string' ? h : JSON.stringify(h)).toString('base64url');
        const under = (h) => [encode(h), ...own.slice(1)].join('.');
        const flip = (s, i) => s.slice(0, i) + (s[i] === 'A' ? 'B' : 'A') + s.slice(i + 1);
        assert.deepEqual(header, { alg: 'dir', kid: header.kid, enc: 'A256GCM', typ: 'sealed+jwt' });
        assert.equal(own[1], '', 'dir has no encrypted key');
        const tries = [];
        for (const n of [0, 2, 3, 4]) {
            for (const i of [0, Math.floor(own[n].length / 2), own[n].length - 1]) tries.push(own.map((s, k) => (k === n ? flip(s, i) : s)).join('.'));
            tries.push(own.map((s, k) => (k === n ? '' : s)).join('.'), own.map((s, k) => (k === n ? `${s}A` : s)).join('.'));
            if (n > 0) tries.push(own.map((s, k) => (k === n ? theirs[k] : s)).join('.'));
        }
        tries.push([own[0], 'AAAA', ...own.slice(2)].join('.')); // an encrypted key for dir
        for (const alg of ['none', 'DIR', 'A256KW', 'A128KW', 'A256GCMKW', 'ECDH-ES', 'RSA-OAEP', 'RSA1_5', 'PBES2-HS256+A128KW', 'HS256', '', null, 1]) tries.push(under({ ...header, alg }));
        for (const enc of ['A128GCM', 'A192GCM', 'A256CBC-HS512', 'A128CBC-HS256', 'none', '', null]) tries.push(under({ ...header, enc }));
        for (const kid of ['A'.repeat(43), '', null, '../../dev/null', header.kid.slice(1), `${header.kid}=`]) tries.push(under({ ...header, kid }));
        const retired = service.command(['signing-key', 'list']).items.find((k) => k.use === 'access').kid;
        tries.push(under({ ...header, kid: retired }));
        for (const typ of ['at+jwt', 'JWT', '', null, 'Sealed+JWT']) tries.push(under({ ...header, typ }));
        for (const more of [{ zip: 'DEF' }, { crit: ['exp'] }, { crit: [] }, { cty: 'JWT' }, { p2c: 2147483647, p2s: 'AAAA' }, { epk: {} }, { jwk: {} }, { jku: service.url }]) tries.push(under({ ...header, ...more }));
        tries.push(under(`{"alg":"dir","alg":"dir","kid":"${header.kid}","enc":"A256GCM","typ":"sealed+jwt"}`));
        tries.push(own.slice(0, 4).join('.'), `${text}.`, `.${text}`, `${text}.AAAA`, '....', '.'.repeat(4000), text.replaceAll('.', '..'), text.toLowerCase());
        for (const t of tries) await nobody(t, t.slice(0, 120));
        allowed(await c.verify(), 204);
    });

    test('sent twice it is refused, in any order and beside a session cookie', async () => {
        const c = await login('sealed'), web = await login('web');
        const text = c.jar.get(COOKIE.session), other = web.jar.get(COOKIE.session);
        const host = ['Host', new URL(service.url).host];
        for (const [a, b] of [[text, text], [text, 'x'], ['x', text], [text, other], [other, text], ['', text]])
            for (const headers of [[...host, 'Cookie', `${COOKIE.session}=${a}; ${COOKIE.session}=${b}`], [...host, 'Cookie', `${COOKIE.session}=${a}`, 'Cookie', `${COOKIE.session}=${b}`]]) {
                refused(await service.request('/v1/me', { headers }), 401, 'invalid_session');
                assert.equal((await service.verify({ headers })).status, 401);
                assert.equal((await service.request('/v1/refresh', { method: 'POST', headers: [...headers, 'Content-Length', '0'] })).status, 401);
            }
        const mobile = await login('mobile');
        refused(await service.request('/v1/me', { headers: { ...c.headers, ...bearer(mobile.access) } }), 400, 'several_credentials');
        assert.equal((await service.verify({ headers: { ...c.headers, ...bearer(mobile.access) } })).status, 401);
    });

    test('renewal: from our pages alone, with no other credential beside it', async () => {
        const c = await login('sealed'), spa = await login('spa'), { headers } = c.credential;
        for (const extra of [{ Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }])
            assert.deepEqual(refused(await renewal({ ...headers, ...extra }), 403, 'origin_refused').setCookies, []);
        refused(await renewal(cookies({ [COOKIE.session]: c.jar.get(COOKIE.session), [COOKIE.refresh]: spa.refresh })), 400, 'several_credentials');
        refused(await service.request('/v1/refresh', { json: { refresh_token: 'x' }, headers }), 400, 'several_credentials');
        allowed(await renewal({ ...headers, Origin: service.url }));
        allowed(await service.verify({ headers }), 204);
        refused(await service.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, headers }), 403, 'csrf_failed');
    });
});

describe('strict with a token', () => {
    test('the record counts: gone from the store, the token is dead; other profiles\' tokens live by the revocation set', async () => {
        const bank = await login('bank'), mobile = await login('mobile');
        allowed(await bank.verify(), 204);
        await service.stop();
        const hex = (sid) => Buffer.from(sid, 'base64url').toString('hex');
        for (const c of [bank, mobile]) assert.equal(service.sql(`DELETE FROM session WHERE sid = x'${hex(c.sid)}'`).changed, 1);
        await service.launch();
        assert.equal((await bank.verify()).status, 401);
        refused(await bank.request('/v1/me'), 401, 'invalid_token');
        refused(await service.request('/v1/refresh', { json: { refresh_token: bank.refresh } }), 401, 'invalid_token');
        allowed(await mobile.verify(), 204);
        const again = await login('bank');
        await service.restart();
        allowed(await again.verify(), 204);
    });

    test('idle ends it, use prolongs it', async () => {
        const c = await login('vault');
        for (let i = 0; i < 5; i++) {
            await new Promise((done) => setTimeout(done, 800));
            allowed(await c.verify(), 204);
        }
        const { access } = c;
        await new Promise((done) => setTimeout(done, 4200));
        assert.equal((await service.verify({ headers: bearer(access) })).status, 401, 'the token itself has minutes left');
        refused(await service.request('/v1/refresh', { json: { refresh_token: c.refresh } }), 401, 'invalid_token');
    });

    test('roles are those of now, and a rotation goes on', async () => {
        const root = await Caller.login(service, 'root'), c = await login('bank');
        allowed(await root.request(`/v1/admin/users/${c.user.id}`, { method: 'PATCH', json: { roles: ['teller'] } }));
        assert.equal(allowed(await c.verify(), 204).headers['x-auth-roles'], 'teller');
        allowed(await root.request(`/v1/admin/users/${c.user.id}`, { method: 'PATCH', json: { roles: [] } }));
        assert.equal(allowed(await c.verify(), 204).headers['x-auth-roles'], undefined);
        allowed(await c.rotate());
        assert.equal(allowed(await c.verify(), 204).headers['x-auth-method'], 'token');
    });

    test('not for browsers', async () => {
        const user = await signUp(service);
        refused(await service.request('/v1/login', { json: { username: user.username, password: PASSWORD, app: 'bank' }, headers: { Origin: service.url } }), 403, 'origin_refused');
    });
});
