// Do login and account keep the contract of DESIGN section 5, for every endpoint and every profile, over real HTTP with real cookies?
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Jar } from './lib/client.mjs';
import { Service, PASSWORD } from './lib/service.mjs';
import { BANK, CARRIER, COOKIE, Caller, allowed, bearer, cookies, decode, eventually, refused, signUp } from './lib/credentials.mjs';

const LISTED = 'https://app.example';
const NEW_PASSWORD = 'nine violet otters read';
const settings = {
    signup: true,
    apps: {
        web: 'web', spa: 'spa', mobile: 'mobile', service: 'service', strict: 'strict', sealed: 'sealed', bank: BANK, api: 'api',
        panel: { profile: 'spa', origins: [LISTED] },
        phone: { profile: 'mobile', origins: [LISTED] },
        relaxed: { profile: 'web', same_site: 'lax' },
        brief: { profile: 'spa', access: '1s' },
        short: { profile: 'web', idle: '1s' },
    },
    guess: { free: 100, address_per_minute: 10000 },
};
let service;
before(async () => { service = await Service.start({ settings, users: [{ name: 'alice' }] }); });
after(() => service?.end());

const IDLE = { web: 8 * 3600, strict: 15 * 60, spa: 7 * 86400, mobile: 30 * 86400, service: null, sealed: 2 * 3600, bank: 15 * 60 };
const ABSOLUTE = { web: 7 * 86400, strict: 12 * 3600, spa: 30 * 86400, mobile: 90 * 86400, service: 86400, sealed: 12 * 3600, bank: 12 * 3600 };
const ACCESS = { spa: 900, mobile: 900, service: 300, sealed: 900, bank: 300 };
const METHOD = { session: 'session', cookies: 'token', body: 'token', sealed: 'sealed' };
const seconds = (from, to) => (Date.parse(to) - Date.parse(from)) / 1000;

/** Set-Cookie lines without their values, by name. */
const lines = (answer) => Object.fromEntries(answer.setCookies.map((l) => {
    const [pair, ...rest] = l.split('; ');
    const at = pair.indexOf('=');
    return [pair.slice(0, at), { value: pair.slice(at + 1), rest: rest.join('; ') }];
}));
const attributes = (age, sameSite = 'Strict') => `Path=/; ${age === undefined ? '' : `Max-Age=${age}; `}Secure; HttpOnly; SameSite=${sameSite}`;

for (const [app, carrier] of Object.entries(CARRIER)) {
    describe(`profile ${app}`, () => {
        test('login: credential, lifetimes and cookies as the profile says', async () => {
            const user = await signUp(service, app);
            const { answer } = await service.login(user.username, { app });
            assert.equal(answer.headers['cache-control'], 'no-store');
            assert.equal(answer.json.user.id, user.id);
            const { session } = answer.json;
            assert.equal(session.app, app);
            assert.equal(session.current, true);
            assert.equal(session.ip_address, '127.0.0.1');
            assert.equal(seconds(session.created_at, session.expires_at), ABSOLUTE[app]);
            assert.equal(session.idle_expires_at === null ? null : seconds(session.last_seen_at, session.idle_expires_at), IDLE[app]);
            const keys = { session: ['csrf_token'], sealed: ['csrf_token', 'expires_in'], cookies: ['csrf_token', 'expires_in'], body: ['access_token', 'token_type', 'expires_in', 'refresh_token', 'refresh_expires_in'] };
            assert.deepEqual(Object.keys(answer.json).sort(), ['user', 'session', ...keys[carrier]].sort());
            if (ACCESS[app]) assert.equal(answer.json.expires_in, ACCESS[app]);
            const set = lines(answer), names = { session: [COOKIE.session, COOKIE.device], sealed: [COOKIE.session, COOKIE.device], cookies: [COOKIE.access, COOKIE.refresh, COOKIE.device], body: [] };
            assert.deepEqual(Object.keys(set).sort(), names[carrier].sort());
            for (const [name, { value, rest }] of Object.entries(set)) {
                assert.match(value, /^[A-Za-z0-9_.-]{40,}$/);
                assert.equal(rest, attributes(name === COOKIE.device ? 365 * 86400 : ABSOLUTE[app]));
            }
            if (carrier === 'session') assert.equal(set[COOKIE.session].value.length, 75);
            if (carrier === 'sealed') assert.equal(set[COOKIE.session].value.split('.').length, 5);
            if (carrier === 'body') assert.equal(answer.json.refresh_expires_in, IDLE[app] ?? ABSOLUTE[app]);
        });

        test('remember: false makes cookies that end with the browser', { skip: carrier === 'body' && 'no cookies' }, async () => {
            const user = await signUp(service, app);
            const { answer, jar } = await service.login(user.username, { app, remember: false });
            const set = lines(answer);
            assert.equal(set[COOKIE.device], undefined);
            assert.ok(Object.keys(set).length > 0);
            for (const { rest } of Object.values(set)) assert.equal(rest, attributes(undefined));
            allowed(await service.verify({ jar }), 204);
            if (carrier === 'cookies' || carrier === 'sealed') {
                const next = await service.request('/v1/refresh', { method: 'POST', jar });
                for (const { rest } of Object.values(lines(allowed(next)))) assert.equal(rest, attributes(undefined));
            }
        });

        test('me: shown and changed', async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const me = allowed(await c.request('/v1/me')).json;
            assert.equal(me.user.username, user.username);
            assert.equal(me.session.sid, c.sid);
            const change = { name: 'Ámbar "Ä" 你好', email: 'Someone@Example.org', metadata: { theme: 'dark', n: [1, 2, { x: null }] } };
            const changed = allowed(await c.request('/v1/me', { method: 'PATCH', json: change })).json;
            assert.equal(changed.user.name, change.name);
            assert.equal(changed.user.email.toLowerCase(), 'someone@example.org');
            assert.equal(changed.user.email_verified, false);
            assert.deepEqual(changed.user.metadata, change.metadata);
            assert.deepEqual(allowed(await c.request('/v1/me')).json.user, changed.user);
            const cleared = allowed(await c.request('/v1/me', { method: 'PATCH', json: { name: null, email: null, metadata: {} } })).json;
            assert.deepEqual([cleared.user.name, cleared.user.email, cleared.user.metadata], [null, null, {}]);
            for (const field of ['roles', 'status', 'id', 'username', 'password', 'password_hash', 'email_verified', 'epoch', 'created_at'])
                refused(await c.request('/v1/me', { method: 'PATCH', json: { [field]: ['admin'] } }), 400, 'unknown_field', field);
            assert.deepEqual(allowed(await c.request('/v1/me')).json.user.roles, []);
            const head = allowed(await c.request('/v1/me', { method: 'HEAD' }));
            assert.equal(head.text, '');
        });

        test('verify: who is calling, in headers', async () => {
            const { user } = service.command(['user', 'add', `known-${app}`, '--email', `${app}@example.org`, '--password-file', '-'], { input: PASSWORD });
            const c = await Caller.login(service, user.username, { app });
            for (const method of ['GET', 'POST', 'DELETE', 'PROPFIND']) {
                const a = allowed(await service.verify({ method, headers: c.headers }), 204);
                assert.equal(a.headers['x-auth-user'], user.id);
                assert.equal(a.headers['x-auth-username'], user.username);
                assert.equal(a.headers['x-auth-email'], `${app}@example.org`);
                assert.equal(a.headers['x-auth-session'], c.sid);
                assert.equal(a.headers['x-auth-method'], METHOD[carrier]);
                assert.equal(a.headers['x-auth-roles'], undefined);
                assert.equal(a.headers['access-control-allow-origin'], undefined);
                assert.equal(a.headers.vary, undefined);
            }
            refused(await c.verify('nowhere'), 403, 'forbidden');
            // an address that its owner merely claims is nobody's identity
            allowed(await c.request('/v1/me', { method: 'PATCH', json: { email: 'somebody.else@example.org' } }));
            assert.equal(allowed(await c.verify(), 204).headers['x-auth-email'], undefined);
        });

        test('reauthenticate: a new record, new credentials, a wrong password refused', async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const old = c.credential, oldSid = c.sid, oldRefresh = c.refresh;
            refused(await c.request('/v1/reauthenticate', { json: { password: 'not this one' } }), 401, 'invalid_credentials');
            allowed(await old.verify(), 204);
            const a = allowed(await c.step('/v1/reauthenticate', { json: { password: PASSWORD } }));
            assert.equal(a.headers['cache-control'], 'no-store');
            assert.notEqual(c.sid, oldSid);
            assert.equal(a.json.session.app, app);
            assert.equal((await old.verify()).status, 401);
            allowed(await c.verify(), 204);
            if (carrier === 'sealed') refused(await service.request('/v1/refresh', { method: 'POST', headers: old.headers }), 401, 'invalid_session');
            if (carrier === 'cookies' || carrier === 'body') {
                assert.notEqual(c.refresh, oldRefresh);
                const again = carrier === 'body' ? { json: { refresh_token: oldRefresh } } : { method: 'POST', headers: cookies({ [COOKIE.refresh]: oldRefresh }) };
                refused(await service.request('/v1/refresh', again), 401, 'invalid_token');
                allowed(await c.verify(), 204);
            }
        });

        test('password: changed, every other session ended, weak ones refused', async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const other = await Caller.login(service, user.username, { app: 'web' });
            const old = c.credential, oldSid = c.sid;
            refused(await c.request('/v1/password', { json: { current_password: 'not this one', new_password: NEW_PASSWORD } }), 401, 'invalid_credentials');
            refused(await c.request('/v1/password', { json: { current_password: PASSWORD, new_password: 'password1' } }), 400, 'weak_password', 'new_password');
            refused(await c.request('/v1/password', { json: { current_password: PASSWORD, new_password: 'short' } }), 400, 'weak_password', 'new_password');
            refused(await c.request('/v1/password', { json: { current_password: PASSWORD, new_password: `${user.username}${user.username}` } }), 400, 'weak_password', 'new_password');
            refused(await c.request('/v1/password', { json: { current_password: PASSWORD, new_password: 'a\0 nine violet otters' } }), 400, 'invalid_field', 'new_password');
            allowed(await other.verify(), 204);
            const a = allowed(await c.step('/v1/password', { json: { current_password: PASSWORD, new_password: NEW_PASSWORD } }));
            assert.equal(a.headers['cache-control'], 'no-store');
            assert.notEqual(c.sid, oldSid);
            assert.equal((await old.verify()).status, 401);
            assert.equal((await other.verify()).status, 401);
            allowed(await c.verify(), 204);
            refused(await service.request('/v1/login', { json: { username: user.username, password: PASSWORD, app } }), 401, 'invalid_credentials');
            await Caller.login(service, user.username, { app, password: NEW_PASSWORD });
        });

        test('sessions: the devices, in pages, each of which can be ended', async () => {
            const user = await signUp(service, app);
            const devices = [];
            for (let i = 0; i < 4; i++) devices.push(await Caller.login(service, user.username, { app, headers: { 'User-Agent': `device ${i}` } }));
            const c = await Caller.login(service, user.username, { app });
            const all = allowed(await c.request('/v1/sessions')).json;
            assert.equal(all.next_cursor, null);
            assert.deepEqual(all.items.map((s) => s.sid).sort(), [...devices, c].map((d) => d.sid).sort());
            assert.deepEqual(all.items.filter((s) => s.current).map((s) => s.sid), [c.sid]);
            assert.deepEqual(all.items.map((s) => s.user_agent).filter(Boolean).sort(), [0, 1, 2, 3].map((i) => `device ${i}`));
            const paged = [];
            for (let cursor = '', n = 0; cursor !== null; n++) {
                assert.ok(n < 4);
                const page = allowed(await c.request(`/v1/sessions?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)).json;
                assert.ok(page.items.length <= 2);
                paged.push(...page.items.map((s) => s.sid));
                cursor = page.next_cursor;
            }
            assert.deepEqual(paged, all.items.map((s) => s.sid));
            const gone = devices[1].credential;
            allowed(await c.request(`/v1/sessions/${devices[1].sid}`, { method: 'DELETE' }), 204);
            assert.equal((await gone.verify()).status, 401);
            refused(await c.request(`/v1/sessions/${devices[1].sid}`, { method: 'DELETE' }), 404, 'not_found');
            assert.equal(allowed(await c.request('/v1/sessions')).json.items.length, 4);
            const own = c.credential;
            const a = allowed(await c.request(`/v1/sessions/${c.sid}`, { method: 'DELETE' }), 204);
            assert.equal((await own.verify()).status, 401);
            if (carrier !== 'body') assert.ok(a.setCookies.length > 0, 'own cookies are cleared');
        });

        test('csrf: a token for this session, another text each time', { skip: carrier === 'body' && 'no cookie' }, async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const stranger = await Caller.login(service, (await signUp(service)).username, { app });
            const a = allowed(await c.request('/v1/csrf')), b = allowed(await c.request('/v1/csrf'));
            assert.equal(a.headers['cache-control'], 'no-store');
            assert.notEqual(a.json.csrf_token, b.json.csrf_token);
            const change = (token) => service.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, jar: c.jar, headers: token === undefined ? {} : { 'X-CSRF-Token': token } });
            for (const token of [c.csrf, a.json.csrf_token, b.json.csrf_token]) allowed(await change(token));
            for (const token of [undefined, '', 'x', c.csrf.slice(1), `${c.csrf}A`, 'A'.repeat(43), stranger.csrf]) refused(await change(token), 403, 'csrf_failed');
            refused(await service.request(`/v1/me?csrf_token=${c.csrf}`, { method: 'PATCH', json: { name: 'x' }, jar: c.jar }), 403, 'csrf_failed');
            const before = c.csrf;
            await c.step('/v1/reauthenticate', { json: { password: PASSWORD } });
            refused(await change(before), 403, 'csrf_failed');
        });

        test('api-keys: made, shown once, listed, revoked', async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const made = allowed(await c.request('/v1/api-keys', { json: { name: 'build', scopes: ['read', 'write'], expires_in: 3600 } }), 201);
            assert.equal(made.headers['cache-control'], 'no-store');
            assert.ok(made.json.key.startsWith(made.json.prefix));
            assert.deepEqual(made.json.scopes.sort(), ['read', 'write']);
            const left = (Date.parse(made.json.expires_at) - Date.now()) / 1000;
            assert.ok(left > 3500 && left <= 3600);
            const year = allowed(await c.request('/v1/api-keys', { json: { name: 'other' } }), 201).json;
            assert.ok(Math.abs(Date.parse(year.expires_at) - Date.now() - 365 * 86400e3) < 60e3);
            const list = allowed(await c.request('/v1/api-keys'));
            assert.deepEqual(list.json.items.map((k) => k.id).sort(), [made.json.id, year.id].sort());
            assert.ok(!list.text.includes(made.json.key));
            const page = allowed(await c.request('/v1/api-keys?limit=1')).json;
            const second = allowed(await c.request(`/v1/api-keys?limit=1&cursor=${encodeURIComponent(page.next_cursor)}`)).json;
            assert.notEqual(page.items[0].id, second.items[0].id);
            const { key } = made.json;
            for (const headers of [bearer(key), { 'X-API-Key': key }]) {
                const a = allowed(await service.verify({ headers }), 204);
                assert.equal(a.headers['x-auth-method'], 'key');
                assert.equal(a.headers['x-auth-user'], user.id);
                assert.equal(allowed(await service.request('/v1/me', { headers })).json.session, null);
                for (const [method, path, json] of [['GET', '/v1/sessions'], ['GET', '/v1/api-keys'], ['POST', '/v1/api-keys', { name: 'more' }], ['PATCH', '/v1/me', { name: 'x' }], ['POST', '/v1/logout/all']])
                    assert.equal((await service.request(path, { method, json, headers })).status, 401, `${method} ${path}`);
            }
            for (const scope of ['introspect', 'revoke', 'cardea:admin'])
                refused(await c.request('/v1/api-keys', { json: { name: 'high', scopes: [scope] } }), 403, 'forbidden');
            refused(await c.request('/v1/api-keys', { json: { name: 'x', expires_in: 1.5 } }), 400, 'invalid_field', 'expires_in');
            allowed(await c.request(`/v1/api-keys/${made.json.id}`, { method: 'DELETE' }), 204);
            assert.equal((await service.verify({ headers: bearer(key) })).status, 401);
            refused(await c.request(`/v1/api-keys/${made.json.id}`, { method: 'DELETE' }), 404, 'not_found');
            const stranger = await Caller.login(service, (await signUp(service)).username, { app });
            refused(await stranger.request(`/v1/api-keys/${year.id}`, { method: 'DELETE' }), 404, 'not_found');
            allowed(await service.verify({ headers: bearer(year.key) }), 204);
        });

        test('refresh: the successor works, in the place that the profile gives it', { skip: ['session', 'sealed'].includes(carrier) && 'no tokens' }, async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const first = c.refresh, firstAccess = c.access, { sid } = c;
            const a = allowed(await c.rotate());
            assert.equal(a.headers['cache-control'], 'no-store');
            assert.notEqual(c.refresh, first);
            assert.notEqual(c.access, firstAccess);
            assert.equal(decode(c.access).claims.sid, sid);
            if (carrier === 'cookies') {
                assert.deepEqual(Object.keys(a.json).sort(), ['csrf_token', 'expires_in']);
                const set = lines(a);
                assert.deepEqual(Object.keys(set).sort(), [COOKIE.access, COOKIE.refresh]);
                for (const { rest } of Object.values(set)) assert.match(rest, /^Path=\/; Max-Age=25(91999|92000); Secure; HttpOnly; SameSite=Strict$/);
            } else {
                assert.deepEqual(a.setCookies, []);
                assert.equal(a.json.expires_in, ACCESS[app]);
            }
            allowed(await c.verify(), 204);
            allowed(await c.request('/v1/me', { method: 'PATCH', json: { name: 'still' } }));
            // in the other place it is nothing
            if (carrier === 'cookies') refused(await service.request('/v1/refresh', { json: { refresh_token: c.refresh } }), 401, 'invalid_token');
            else refused(await service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: c.refresh }) }), 401, 'invalid_token');
            allowed(await c.rotate());
            refused(await service.request('/v1/refresh', { json: { refresh_token: c.refresh }, headers: cookies({ [COOKIE.refresh]: c.refresh }) }), 400, 'several_credentials');
            // and it opens nothing but a refresh
            assert.equal((await service.verify({ headers: bearer(c.refresh) })).status, 401);
            assert.equal((await service.verify({ headers: cookies({ [COOKIE.refresh]: c.refresh }) })).status, 401);
            allowed(await c.rotate());
        });

        test('logout: this session and its credentials, cookies cleared', async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const other = await Caller.login(service, user.username, { app });
            const had = c.credential, { refresh } = c;
            const a = allowed(await c.request('/v1/logout', { method: 'POST' }), 204);
            const cleared = { session: [COOKIE.session], sealed: [COOKIE.session], cookies: [COOKIE.access, COOKIE.refresh], body: [] }[carrier];
            assert.deepEqual(Object.keys(lines(a)).sort(), cleared);
            for (const { value, rest } of Object.values(lines(a))) {
                assert.equal(value, '');
                assert.equal(rest, attributes(0));
            }
            assert.equal((await had.verify()).status, 401);
            if (carrier === 'body') refused(await service.request('/v1/refresh', { json: { refresh_token: refresh } }), 401, 'invalid_token');
            if (carrier === 'cookies') refused(await service.request('/v1/refresh', { method: 'POST', headers: had.headers }), 401, 'invalid_token');
            if (carrier === 'sealed') refused(await service.request('/v1/refresh', { method: 'POST', headers: had.headers }), 401, 'invalid_session');
            assert.equal((await service.request('/v1/logout', { method: 'POST', headers: had.headers })).status, 401, 'there is nothing left to end');
            allowed(await other.verify(), 204);
        });

        test('logout/all: every device of the user, nobody else', async () => {
            const user = await signUp(service, app);
            const c = await Caller.login(service, user.username, { app });
            const others = [];
            for (const a of Object.keys(CARRIER)) others.push(await Caller.login(service, user.username, { app: a }));
            const stranger = await Caller.login(service, (await signUp(service)).username, { app });
            const all = [c, ...others].map((o) => o.credential);
            const a = allowed(await c.request('/v1/logout/all', { method: 'POST' }), 204);
            if (carrier !== 'body') assert.ok(a.setCookies.every((l) => l.includes('Max-Age=0')) && a.setCookies.length > 0);
            for (const credential of all) assert.equal((await credential.verify()).status, 401);
            allowed(await stranger.verify(), 204);
            const back = await Caller.login(service, user.username, { app });
            // what is dead ends nothing any more, least of all what came after it
            for (const o of [c, ...others]) for (const path of ['/v1/logout', '/v1/logout/all']) {
                const token = o.csrf ? { 'X-CSRF-Token': o.csrf } : {};
                assert.equal((await service.request(path, { method: 'POST', headers: { ...all[[c, ...others].indexOf(o)].headers, ...token } })).status, 401);
            }
            allowed(await back.verify(), 204);
            assert.equal(allowed(await back.request('/v1/sessions')).json.items.length, 1);
        });
    });
}

describe('profile api', () => {
    test('has no login', async () => {
        refused(await service.request('/v1/login', { json: { username: 'alice', password: PASSWORD, app: 'api' } }), 403, 'app_not_for_login');
        refused(await service.request('/v1/login', { json: { username: 'alice', password: PASSWORD, app: 'nothing' } }), 400, 'invalid_field', 'app');
    });
});

describe('login and signup', () => {
    test('web is the app where none is named, and the user name has one form', async () => {
        for (const username of ['alice', 'Alice', 'ALICE']) {
            const { answer } = await service.login(username);
            assert.equal(answer.json.session.app, 'web');
            assert.equal(answer.json.user.username, 'alice');
        }
        for (const username of ['alice ', ' alice', 'ａlice', 'alice\0', 'al\u200bice'])
            refused(await service.request('/v1/login', { json: { username, password: PASSWORD } }), 401, 'invalid_credentials');
    });

    test('an app may be lax about SameSite', async () => {
        const { answer } = await service.login('alice', { app: 'relaxed' });
        for (const { rest } of Object.values(lines(answer))) assert.match(rest, /SameSite=Lax$/);
    });

    test('a login ends what the browser carried before', async () => {
        const user = await signUp(service);
        for (const app of ['web', 'spa', 'strict', 'sealed']) {
            const jar = new Jar();
            await service.login(user.username, { app, jar });
            const old = jar.copy();
            for (const next of ['web', 'spa', 'sealed']) {
                const before = jar.copy();
                await service.login(user.username, { app: next, jar });
                assert.equal((await service.verify({ headers: { Cookie: before.header() } })).status, 401);
                allowed(await service.verify({ jar }), 204);
            }
            assert.equal((await service.verify({ headers: { Cookie: old.header() } })).status, 401);
        }
    });

    test('a session id or cookie that was not handed out is nobody\'s', async () => {
        const c = await Caller.login(service, 'alice');
        const cookie = c.jar.get(COOKIE.session);
        const flip = (i) => cookie.slice(0, i) + (cookie[i] === 'A' ? 'B' : 'A') + cookie.slice(i + 1);
        for (const value of ['', 'x', flip(3), flip(25), flip(60), `${cookie}A`, cookie.slice(0, -1), cookie.toLowerCase(), `"${cookie}"`, c.sid, '../../etc/passwd', "' OR 1=1", 'A'.repeat(4000)])
            assert.equal((await service.verify({ headers: { Cookie: `${COOKIE.session}=${value}` } })).status, 401, value.slice(0, 80));
        refused(await service.request(`/v1/me?sid=${c.sid}&${COOKIE.session}=${cookie}`), 401, 'unauthenticated');
        // other spellings of the cookie's name are other cookies
        for (const name of ['__%48ost-cardea', '..Host-cardea', '_[Host-cardea', '__host-cardea', 'cardea', '__Secure-cardea', ` =${COOKIE.session}`])
            refused(await service.request('/v1/me', { headers: { Cookie: `${name}=${cookie}` } }), 401, 'unauthenticated');
        // tossed in beside the real one
        const host = ['Host', new URL(service.url).host];
        for (const headers of [
            [...host, 'Cookie', `${COOKIE.session}=${cookie}; ${COOKIE.session}=${cookie}`],
            [...host, 'Cookie', `${COOKIE.session}=x; ${COOKIE.session}=${cookie}`],
            [...host, 'Cookie', `${COOKIE.session}=${cookie}; a=b; ${COOKIE.session}=`],
            [...host, 'Cookie', `${COOKIE.session}=${cookie}`, 'Cookie', `${COOKIE.session}=x`],
            [...host, 'Cookie', `${COOKIE.session}=x`, 'Cookie', `${COOKIE.session}=${cookie}`],
        ]) {
            refused(await service.request('/v1/me', { headers }), 401, 'invalid_session');
            assert.equal((await service.verify({ headers })).status, 401);
        }
        allowed(await service.request('/v1/me', { headers: [...host, 'Cookie', 'a=b; c', 'Cookie', `d="e";${COOKIE.session}=${cookie} `] }));
    });

    test('one credential a request', async () => {
        const web = await Caller.login(service, 'alice'), mobile = await Caller.login(service, 'alice', { app: 'mobile' });
        const both = { Cookie: web.jar.header(), ...bearer(mobile.access) };
        refused(await service.request('/v1/me', { headers: both }), 400, 'several_credentials');
        refused(await service.request('/v1/logout', { method: 'POST', headers: both }), 400, 'several_credentials');
        assert.equal((await service.verify({ headers: both })).status, 401);
        // an invalid one never falls back to another
        assert.notEqual((await service.request('/v1/me', { headers: { Cookie: web.jar.header(), ...bearer('x') } })).status, 200);
        const host = ['Host', new URL(service.url).host];
        const twice = [...host, 'Authorization', `Bearer ${mobile.access}`, 'Authorization', `Bearer ${mobile.access}`];
        assert.ok([400, 401].includes((await service.request('/v1/me', { headers: twice })).status));
        // other schemes, and tokens in the query, are no credential
        for (const value of [`Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}`, mobile.access, `Token ${mobile.access}`])
            refused(await service.request('/v1/me', { headers: { Authorization: value } }), 401, 'unauthenticated');
        refused(await service.request(`/v1/me?access_token=${mobile.access}`), 401, 'unauthenticated');
        allowed(await service.request('/v1/me', { headers: { Authorization: `bearer ${mobile.access}` } }));
        allowed(await web.verify(), 204);
    });

    test('signup: an account, its name taken once, nothing but what may be set', async () => {
        const user = await signUp(service, 'new', { email: 'new@example.org' });
        assert.deepEqual([user.roles, user.status, user.last_login_at, user.email], [[], 'active', null, 'new@example.org']);
        for (const username of [user.username, user.username.toUpperCase()])
            refused(await service.request('/v1/signup', { json: { username, password: PASSWORD } }), 409, 'username_taken', 'username');
        // an e-mail is never revealed
        allowed(await service.request('/v1/signup', { json: { username: 'other-new', password: PASSWORD, email: 'new@example.org' } }), 201);
        for (const field of ['roles', 'is_admin', 'status', 'email_verified', 'metadata', 'id', 'sub'])
            refused(await service.request('/v1/signup', { json: { username: 'mallory', password: PASSWORD, [field]: ['admin'] } }), 400, 'unknown_field', field);
        for (const password of ['', 'short', 'password', '12345678', 'aaaaaaaaaaaa', 'mallory1mallory'])
            refused(await service.request('/v1/signup', { json: { username: 'mallory', password } }), 400, 'weak_password', 'password');
        refused(await service.request('/v1/signup', { json: { username: 'mallory', password: 'x'.repeat(1025) } }), 400, 'invalid_field', 'password');
        for (const username of ['', ' ', 'a b', 'a\nb', 'ａdmin', '-a', 'x'.repeat(65), 'a,b', 'a/b', 'Ünder'])
            refused(await service.request('/v1/signup', { json: { username, password: PASSWORD } }), 400, 'invalid_field', 'username');
        refused(await service.request('/v1/signup', { json: { username: 'mallory', password: PASSWORD, email: 'no address' } }), 400, 'invalid_field', 'email');
        allowed(await service.request('/v1/signup', { json: { username: 'longest', password: `${'ä'.repeat(256)}${'nine violet '.repeat(42)}`.slice(0, 700) } }), 201);
    });

    test('idle sessions end', async () => {
        const c = await Caller.login(service, 'alice', { app: 'short' });
        allowed(await c.verify(), 204);
        await eventually('the session ends by itself', async () => {
            await new Promise((done) => setTimeout(done, 1100));
            return (await c.request('/v1/me')).status === 401;
        });
    });
});

describe('spa', () => {
    test('logs out with its refresh cookie alone', async () => {
        const c = await Caller.login(service, 'alice', { app: 'spa' });
        const a = allowed(await service.request('/v1/logout', { method: 'POST', headers: cookies({ [COOKIE.refresh]: c.refresh }) }), 204);
        assert.deepEqual(Object.keys(lines(a)), [COOKIE.refresh]);
        assert.equal((await service.verify({ headers: cookies({ [COOKIE.access]: c.access }) })).status, 401);
    });

    test('logs out with an access cookie whose only fault is its age; refresh brings it back', async () => {
        const c = await Caller.login(service, 'alice', { app: 'brief' });
        const other = await Caller.login(service, 'alice', { app: 'brief' });
        const old = cookies({ [COOKIE.access]: c.access });
        await eventually('the access token expires', async () => (await service.verify({ headers: old })).status === 401);
        refused(await service.request('/v1/me', { headers: old }), 401, 'invalid_token');
        refused(await service.request('/v1/logout', { method: 'POST', headers: bearer(c.access) }), 401, 'invalid_token');
        const flipped = c.access.slice(0, -10) + (c.access.at(-10) === 'A' ? 'B' : 'A') + c.access.slice(-9);
        refused(await service.request('/v1/logout', { method: 'POST', headers: cookies({ [COOKIE.access]: flipped }) }), 401, 'invalid_token');
        allowed(await other.rotate());
        allowed(await other.request('/v1/me'));
        allowed(await service.request('/v1/logout', { method: 'POST', headers: old }), 204);
        refused(await service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: c.refresh }) }), 401, 'invalid_token');
    });

    test('logs out everywhere with its refresh cookie, or an old access cookie, and the CSRF token', async () => {
        const user = await signUp(service);
        for (const kept of [COOKIE.refresh, COOKIE.access]) {
            const c = await Caller.login(service, user.username, { app: 'brief' }), other = await Caller.login(service, user.username);
            const alone = cookies({ [kept]: c.jar.get(kept) });
            await eventually('the access token expires', async () => (await service.verify({ headers: cookies({ [COOKIE.access]: c.access }) })).status === 401);
            refused(await service.request('/v1/logout/all', { method: 'POST', headers: alone }), 403, 'csrf_failed');
            allowed(await other.verify(), 204);
            allowed(await service.request('/v1/logout/all', { method: 'POST', headers: { ...alone, 'X-CSRF-Token': c.csrf } }), 204);
            assert.equal((await other.verify()).status, 401);
        }
    });

    test('cookies that no longer help are cleared with the refusal', async () => {
        const c = await Caller.login(service, 'alice', { app: 'spa' });
        const had = c.jar.copy();
        allowed(await c.request('/v1/logout', { method: 'POST' }), 204);
        const a = refused(await service.request('/v1/refresh', { method: 'POST', jar: had }), 401, 'invalid_token');
        assert.deepEqual(Object.keys(lines(a)).sort(), [COOKIE.access, COOKIE.refresh]);
        refused(await service.request('/v1/refresh', { method: 'POST' }), 401, 'unauthenticated');
        refused(await service.request('/v1/logout', { method: 'POST' }), 401, 'unauthenticated');
    });
});

describe('cross-site rules', () => {
    const login = (app, headers) => service.request('/v1/login', { json: { username: 'alice', password: PASSWORD, app }, headers });
    const strangers = ['null', 'https://evil.example', 'https://app.example.evil', 'https://evilapp.example', 'http://app.example', 'https://app.example:444', 'https://APP.example', 'https://app.example/', '', 'https://app.example https://evil.example'];

    test('Origin is exactly ours or listed by the app', async () => {
        allowed(await login('web', { Origin: service.url }));
        allowed(await login('panel', { Origin: LISTED }));
        allowed(await login('panel', { Origin: service.url }));
        refused(await login('web', { Origin: LISTED }), 403, 'origin_refused');
        for (const origin of strangers) for (const app of ['web', 'panel', 'sealed']) refused(await login(app, { Origin: origin }), 403, 'origin_refused');
        refused(await login('web', { Origin: service.url.replace('http:', 'https:') }), 403, 'origin_refused');
        refused(await login('web', { Origin: service.url.replace(/:\d+$/, ':1') }), 403, 'origin_refused');
        const host = ['Host', new URL(service.url).host];
        const body = JSON.stringify({ username: 'alice', password: PASSWORD });
        refused(await service.request('/v1/login', { method: 'POST', body, headers: [...host, 'Content-Type', 'application/json', 'Content-Length', String(body.length), 'Origin', service.url, 'Origin', 'https://evil.example'] }), 403, 'origin_refused');
    });

    test('without Origin, Sec-Fetch-Site decides; without both it is no browser', async () => {
        for (const site of ['same-origin', 'none']) allowed(await login('web', { 'Sec-Fetch-Site': site }));
        for (const site of ['cross-site', 'same-site', '', 'Same-Origin', 'x']) refused(await login('web', { 'Sec-Fetch-Site': site }), 403, 'origin_refused');
        refused(await login('web', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'same-origin' }), 403, 'origin_refused');
        allowed(await login('web', {}));
    });

    test('profiles that answer tokens in the body refuse browsers, but for listed origins', async () => {
        for (const app of ['mobile', 'service', 'phone', 'bank'])
            for (const headers of [{ 'Sec-Fetch-Site': 'same-origin' }, { 'Sec-Fetch-Site': 'none' }, { Origin: service.url }])
                refused(await login(app, headers), 403, 'origin_refused');
        allowed(await login('phone', { Origin: LISTED }));
        allowed(await login('phone', {}));
    });

    test('calls that a cookie authenticated keep the rule too; a bearer token needs none', async () => {
        const evil = { Origin: 'https://evil.example' };
        const user = await signUp(service);
        for (const app of ['web', 'spa']) {
            const c = await Caller.login(service, user.username, { app });
            for (const [method, path, json] of [['PATCH', '/v1/me', { name: 'x' }], ['POST', '/v1/api-keys', { name: 'x' }], ['POST', '/v1/logout'], ['POST', '/v1/logout/all'], ['DELETE', `/v1/sessions/${c.sid}`], ['POST', '/v1/password', { current_password: PASSWORD, new_password: NEW_PASSWORD }]])
                for (const headers of [evil, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }])
                    refused(await c.request(path, { method, json, headers }), 403, 'origin_refused');
            allowed(await c.request('/v1/me', { headers: evil }));
            allowed(await c.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, headers: { Origin: service.url } }));
            // the exemption follows the credential, not the presence of a header
            refused(await c.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, csrf: false, headers: { Authorization: 'Basic eDp4' } }), 403, 'csrf_failed');
        }
        const mobile = await Caller.login(service, user.username, { app: 'mobile' });
        allowed(await mobile.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, headers: evil }));
        const spa = await Caller.login(service, user.username, { app: 'spa' });
        refused(await service.request('/v1/refresh', { method: 'POST', headers: { ...evil, ...cookies({ [COOKIE.refresh]: spa.refresh }) } }), 403, 'origin_refused');
        allowed(await spa.rotate());
    });

    test('CORS: exact origins, a preflight of 204, never null, none on /verify', async () => {
        const cors = (a) => [a.headers['access-control-allow-origin'], a.headers['access-control-allow-credentials']];
        const varies = (a) => assert.match(a.headers.vary ?? '', /\bOrigin\b/);
        const c = await Caller.login(service, 'alice', { app: 'panel', headers: { Origin: LISTED } });
        assert.deepEqual(cors(c.answer), [LISTED, 'true']);
        const me = await c.request('/v1/me', { headers: { Origin: LISTED } });
        assert.deepEqual(cors(allowed(me)), [LISTED, 'true']);
        varies(me);
        for (const Origin of strangers.slice(0, -2)) {
            const a = allowed(await c.request('/v1/me', { headers: { Origin } }));
            assert.deepEqual(cors(a), [undefined, undefined], Origin);
            varies(a);
        }
        // the app's own list, not just anybody's
        const web = await Caller.login(service, 'alice');
        assert.deepEqual(cors(await web.request('/v1/me', { headers: { Origin: LISTED } })), [undefined, undefined]);
        varies(await service.request('/v1/me'));
        const preflight = (path, Origin, method = 'POST') => service.request(path, { method: 'OPTIONS', headers: { Origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': 'content-type,x-csrf-token' } });
        const yes = allowed(await preflight('/v1/login', LISTED), 204);
        assert.deepEqual(cors(yes), [LISTED, 'true']);
        assert.match(yes.headers['access-control-allow-methods'], /\bPOST\b/);
        assert.match(yes.headers['access-control-allow-headers'], /content-type/i);
        assert.match(yes.headers['access-control-allow-headers'], /x-csrf-token/i);
        varies(yes);
        for (const Origin of ['null', 'https://evil.example']) assert.deepEqual(cors(allowed(await preflight('/v1/login', Origin), 204)), [undefined, undefined]);
        for (const [name] of Object.entries((await preflight('/v1/login', 'null')).headers)) assert.doesNotMatch(name, /^access-control-/);
        refused(await preflight('/nowhere', LISTED), 404, 'not_found');
        for (const method of ['OPTIONS', 'GET']) {
            const a = await service.verify({ method, headers: { Origin: LISTED, 'Access-Control-Request-Method': 'GET' } });
            assert.equal(a.status, 401);
            for (const name of Object.keys(a.headers)) assert.doesNotMatch(name, /^access-control-/);
        }
    });
});

describe('bad input', () => {
    const post = (path, body, headers = { 'Content-Type': 'application/json' }) => service.request(path, { method: 'POST', body, headers });
    const good = JSON.stringify({ username: 'alice', password: PASSWORD });

    test('401 says how to authenticate', async () => {
        for (const [method, path] of [['GET', '/v1/me'], ['PATCH', '/v1/me'], ['GET', '/v1/sessions'], ['DELETE', '/v1/sessions/AAAAAAAAAAAAAAAAAAAAAA'], ['POST', '/v1/logout'], ['POST', '/v1/logout/all'], ['POST', '/v1/password'], ['POST', '/v1/reauthenticate'], ['GET', '/v1/csrf'], ['GET', '/v1/api-keys'], ['POST', '/v1/api-keys'], ['DELETE', '/v1/api-keys/AAAAAAAAAAAAAAAAAAAAAA'], ['GET', '/verify'], ['GET', '/v1/admin/users'], ['GET', '/v1/admin/audit']]) {
            const none = refused(await service.request(path, { method }), 401, 'unauthenticated');
            assert.match(none.headers['www-authenticate'], /^Bearer\b/);
            assert.doesNotMatch(none.headers['www-authenticate'], /error=/);
            const wrong = refused(await service.request(path, { method, headers: bearer('x.y.z') }), 401, 'invalid_token');
            assert.equal(wrong.headers['www-authenticate'], 'Bearer error="invalid_token"');
            assert.equal(wrong.headers['cache-control'], 'no-store');
        }
    });

    test('415 for any other content type', async () => {
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'text/json', 'application/json-patch+json', ''])
            refused(await post('/v1/login', good, { 'Content-Type': type }), 415, 'unsupported_media_type');
        refused(await post('/v1/login', good, {}), 415, 'unsupported_media_type');
        for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/json;charset=UTF-8']) allowed(await post('/v1/login', good, { 'Content-Type': type }));
    });

    test('400 for bad JSON, with the position', async () => {
        const at = async (body, position) => assert.match(refused(await post('/v1/login', body), 400, 'bad_json').json.detail, position);
        await at('{', /line 1, column 2/);
        await at('{"username": alice}', /line 1, column 14 \(byte 13\)/);
        await at('{"username":"alice",\n "password":}', /line 2, column 13/);
        await at('{"username":"a","username":"b","password":"c"}', /line 1/);
        for (const body of ['[]', '"x"', 'null', '1', `${good}${good}`, `${good},`, '{"username":"\\ud800","password":"x"}', '\ufeff{}', "{'a':1}", '{"a":NaN}', '{"a":01}', `${'['.repeat(3000)}`, '{"username":"a\u0001b"}'])
            refused(await post('/v1/login', body), 400, 'bad_json');
        refused(await post('/v1/login', Buffer.from('{"username":"\xff"}', 'latin1')), 400, 'bad_json');
    });

    test('400 for fields: unknown ones by name, missing ones, wrong ones', async () => {
        const login = (json) => service.request('/v1/login', { json });
        refused(await login({ username: 'alice', password: PASSWORD, admin: true }), 400, 'unknown_field', 'admin');
        refused(await login({ Username: 'alice', password: PASSWORD }), 400, 'unknown_field', 'Username');
        refused(await login({ password: PASSWORD }), 400, 'missing_field', 'username');
        refused(await login({}), 400, 'missing_field', 'username');
        refused(await post('/v1/login', ''), 400, 'missing_field', 'username');
        for (const username of [1, null, true, ['alice'], { a: 1 }, '', 'x'.repeat(255)]) refused(await login({ username, password: PASSWORD }), 400, 'invalid_field', 'username');
        for (const remember of [1, 'true', null]) refused(await login({ username: 'alice', password: PASSWORD, remember }), 400, 'invalid_field', 'remember');
        refused(await login({ username: 'alice', password: `${PASSWORD}\0` }), 400, 'invalid_field', 'password');
        const c = await Caller.login(service, 'alice');
        refused(await c.request('/v1/me', { method: 'PATCH', json: { name: 'a\nb' } }), 400, 'invalid_field', 'name');
        refused(await c.request('/v1/me', { method: 'PATCH', json: { metadata: [] } }), 400, 'invalid_field', 'metadata');
        refused(await c.request('/v1/me', { method: 'PATCH', json: { email: 'x' } }), 400, 'invalid_field', 'email');
        for (const query of ['limit=0', 'limit=201', 'limit=-1', 'limit=x', 'limit=', 'cursor=', 'cursor=x', 'cursor=%zz', 'limit=1&limit=2', 'page=1', '%6cimit=1'])
            assert.equal((await c.request(`/v1/sessions?${query}`)).status, 400, query);
        allowed(await c.request('/v1/sessions?limit=200'));
        refused(await c.request('/v1/me?x=1'), 400, 'bad_request');
        refused(await c.request('/v1/me', { method: 'GET', body: '{}', headers: { 'Content-Type': 'application/json' } }), 400, 'bad_request');
    });

    test('413 past the limit, without hashing', async () => {
        const big = JSON.stringify({ username: 'alice', password: 'x'.repeat(9000) });
        refused(await post('/v1/login', big), 413, 'too_large');
        refused(await post('/v1/login', JSON.stringify({ username: 'alice', password: 'x'.repeat(1025) })), 400, 'invalid_field', 'password');
        const c = await Caller.login(service, 'alice');
        refused(await c.request('/v1/me', { method: 'PATCH', json: { metadata: { x: 'x'.repeat(20000) } } }), 413, 'too_large');
        const chunked = await service.request('/v1/login', { method: 'POST', body: big, headers: { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' } });
        refused(chunked, 413, 'too_large');
    });

    test('404 for what does not exist, byte for byte', async () => {
        const c = await Caller.login(service, 'alice');
        for (const path of ['/', '/v1', '/v1/', '/v1/me/', '/v1//me', '//v1/me', '/V1/me', '/v1/ME', '/v1/%6de', '/v1/me%00', '/v1/./me', '/v1/x/../me', '/v1/me;x', '/verify/', '/verify/a/b', '/metrics', '/v1/session/data', '/v1/introspect/', '/v1/revoked', '/.well-known/', '/v1/sessions/', '/debug'])
            refused(await c.request(path), 404, 'not_found');
        for (const sid of ['x', 'A'.repeat(22), 'A'.repeat(23), '%00', '..']) refused(await c.request(`/v1/sessions/${sid}`, { method: 'DELETE' }), 404, 'not_found');
        const other = await Caller.login(service, (await signUp(service)).username);
        refused(await c.request(`/v1/sessions/${other.sid}`, { method: 'DELETE' }), 404, 'not_found');
        allowed(await other.verify(), 204);
    });

    test('405 with Allow', async () => {
        const allow = async (method, path, want) => {
            const a = refused(await service.request(path, { method, headers: { 'X-HTTP-Method-Override': 'POST' } }), 405, 'method_not_allowed');
            assert.deepEqual(a.headers.allow.split(', ').sort(), want.sort());
        };
        await allow('GET', '/v1/login', ['POST', 'OPTIONS']);
        await allow('GET', '/v1/logout', ['POST', 'OPTIONS']);
        const head = await service.request('/v1/logout', { method: 'HEAD' });
        assert.deepEqual([head.status, head.headers.allow, head.text], [405, 'POST, OPTIONS', '']);
        await allow('DELETE', '/v1/me', ['GET', 'HEAD', 'PATCH', 'OPTIONS']);
        await allow('PUT', '/v1/sessions', ['GET', 'HEAD', 'OPTIONS']);
        await allow('POST', '/healthz', ['GET', 'HEAD', 'OPTIONS']);
        await allow('PROPFIND', '/v1/me', ['GET', 'HEAD', 'PATCH', 'OPTIONS']);
        await allow('GET', `/v1/sessions/${'A'.repeat(22)}`, ['DELETE', 'OPTIONS']);
    });

    test('the request id is taken over where it is one, else made', async () => {
        const id = async (value) => (await service.request('/v1/me', { headers: value === undefined ? {} : { 'X-Request-Id': value } })).headers['x-request-id'];
        assert.equal(await id('req-123.abc'), 'req-123.abc');
        assert.match(await id(), /^[A-Za-z0-9._-]{16,}$/);
        assert.notEqual(await id('x'.repeat(300)), 'x'.repeat(300));
        assert.doesNotMatch(await id('a b"<c>'), /[ "<]/);
        const a = await service.request('/v1/me', { headers: { 'X-Request-Id': 'mine' } });
        assert.equal(a.json.request_id, 'mine');
    });

    test('headers of every answer', async () => {
        for (const path of ['/v1/me', '/healthz', '/nowhere', '/.well-known/jwks.json']) {
            const a = await service.request(path);
            assert.equal(a.headers['x-content-type-options'], 'nosniff', path);
            assert.equal(a.headers.server, undefined);
        }
    });
});

describe('public keys', () => {
    test('the JWKS verifies what is handed out, may be cached, and holds nothing private', async () => {
        const a = allowed(await service.request('/.well-known/jwks.json'));
        assert.equal(a.headers['cache-control'], 'public, max-age=300');
        const c = await Caller.login(service, 'alice', { app: 'service' });
        const { header, signature } = decode(c.access);
        const jwk = a.json.keys.find((k) => k.kid === header.kid);
        const { createPublicKey, verify } = await import('node:crypto');
        const key = createPublicKey({ key: jwk, format: 'jwk' });
        const signed = c.access.slice(0, c.access.lastIndexOf('.'));
        assert.ok(verify('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
        assert.ok(!('d' in jwk));
        const same = allowed(await service.request('/.well-known/jwks.json', { headers: { 'If-None-Match': a.headers.etag } }), 304);
        assert.equal(same.text, '');
    });
});

describe('a service as it comes', () => {
    test('signup is off; health is open; nothing else is', async () => {
        const plain = await Service.start({ users: [{ name: 'alice' }] });
        try {
            refused(await plain.request('/v1/signup', { json: { username: 'mallory', password: PASSWORD } }), 403, 'disabled');
            assert.deepEqual(allowed(await plain.request('/healthz')).json, { status: 'ok' });
            assert.deepEqual(allowed(await plain.request('/readyz')).json, { status: 'ok' });
            for (const app of Object.keys(CARRIER).filter((a) => a !== 'bank')) await plain.login('alice', { app });
        } finally {
            assert.deepEqual(await plain.end(), { code: 0, signal: null });
        }
    });
});
