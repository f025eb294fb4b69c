// Does the service refuse what a hostile page, a sibling host or a forged cookie can make a browser send? Group E of the attack list,
// over real HTTP.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { Jar } from './lib/client.mjs';
import { PASSWORD, Service } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, cookies, eventually, refused, signUp } from './lib/credentials.mjs';

const NEW_PASSWORD = 'nine violet otters read';
const LISTED = 'https://app.example';
const settings = {
    signup: true,
    apps: {
        web: 'web', spa: 'spa', mobile: 'mobile', strict: 'strict', sealed: 'sealed', panel: { profile: 'spa', origins: [LISTED] },
        brief: { profile: 'web', idle: '1s' }, ending: { profile: 'web', idle: '2s', absolute: '2s' },
    },
    guess: { free: 100, address_per_minute: 10000 },
};
/** The profiles that live in cookies, and the cookie that authenticates each. */
const BROWSER = { web: COOKIE.session, strict: COOKIE.session, spa: COOKIE.access, sealed: COOKIE.session };
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
let service, host;
before(async () => {
    service = await Service.start({ settings, users: [{ name: 'alice' }, { name: 'root', roles: ['admin'] }] });
    host = new URL(service.url).host;
});
after(async () => { agent.destroy(); await service?.end(); });
afterEach(async () => assert.equal((await service.request('/healthz')).status, 200));

/** Nobody, by whatever code: not one answer of another status. */
async function nobody(headers, what = JSON.stringify(headers).slice(0, 300)) {
    for (const path of ['/verify', '/v1/me']) {
        const a = await service.request(path, { headers, agent });
        assert.equal(a.status, 401, `${path} ${what}: ${a.text}`);
        assert.ok(!a.headers['x-auth-user'], what);
    }
}
/** One request byte by byte; {status, text}, status 'closed' where the connection just ended. */
const raw = (lines, body = '') => new Promise((done) => {
    const socket = net.connect(service.port, '127.0.0.1'), chunks = [];
    const finish = () => { socket.destroy(); const text = Buffer.concat(chunks).toString('latin1'); done({ status: text.match(/^HTTP\/1\.1 (\d{3})/)?.[1] ?? 'closed', text }); };
    socket.setTimeout(10_000, () => { socket.destroy(); done({ status: 'nothing', text: '' }); });
    socket.on('data', (c) => chunks.push(c));
    socket.on('error', finish);
    socket.on('close', finish);
    socket.write(Buffer.from(`${lines.join('\r\n')}\r\nHost: ${host}\r\nConnection: close\r\n\r\n${body}`, 'latin1'));
});
const name = async (c) => allowed(await c.request('/v1/me')).json.user.name;

test('E01 a session set before the login never becomes the victim\'s', async () => {
    const victim = await signUp(service, 'victim'), attacker = await signUp(service, 'attacker');
    for (const app of Object.keys(BROWSER)) {
        // chosen freely, another's genuine one, and one that has ended
        const theirs = await Caller.login(service, attacker.username, { app }), ended = await Caller.login(service, attacker.username, { app });
        const dead = ended.jar.get(BROWSER[app]);
        allowed(await ended.request('/v1/logout', { method: 'POST' }), 204);
        for (const fixed of ['A'.repeat(75), 'x', theirs.jar.get(BROWSER[app]), dead]) {
            const jar = new Jar();
            jar.take([`${BROWSER[app]}=${fixed}; Path=/`]);
            const { sid } = await service.login(victim.username, { app, jar });
            assert.notEqual(jar.get(BROWSER[app]), fixed);
            assert.equal(allowed(await service.verify({ jar }), 204).headers['x-auth-user'], victim.id);
            const a = await service.verify({ headers: cookies({ [BROWSER[app]]: fixed }) });
            assert.notEqual(a.headers['x-auth-user'], victim.id);
            assert.notEqual(a.headers['x-auth-session'], sid);
        }
    }
    // a step-up and a new password change it, too
    for (const app of Object.keys(BROWSER)) {
        const c = await Caller.login(service, victim.username, { app });
        const before = c.credential, { sid } = c;
        allowed(await c.step('/v1/reauthenticate', { json: { password: PASSWORD } }));
        assert.notEqual(c.sid, sid);
        await nobody(before.headers);
        const between = c.credential;
        allowed(await c.step('/v1/password', { json: { current_password: PASSWORD, new_password: PASSWORD + app } }));
        await nobody(between.headers);
        allowed(await c.step('/v1/password', { json: { current_password: PASSWORD + app, new_password: PASSWORD } }));
        allowed(await c.verify(), 204);
    }
});

test('E02 a credential in the query or the path is none', async () => {
    const web = await Caller.login(service, 'alice'), mobile = await Caller.login(service, 'alice', { app: 'mobile' });
    const cookie = web.jar.get(COOKIE.session);
    for (const query of [`${COOKIE.session}=${cookie}`, `sid=${web.sid}`, `session=${cookie}`, `access_token=${mobile.access}`, `token=${mobile.access}`, `Authorization=Bearer%20${mobile.access}`, `Cookie=${COOKIE.session}%3D${cookie}`, `jsessionid=${cookie}`]) {
        assert.equal((await service.request(`/verify?${query}`)).status, 401);
        for (const path of ['/v1/me', '/v1/sessions']) assert.equal((await service.request(`${path}?${query}`)).status, 401, query);
        assert.notEqual((await service.request('/v1/logout?' + query, { method: 'POST' })).status, 204);
    }
    for (const path of [`/verify;jsessionid=${cookie}`, `/v1/me;sid=${web.sid}`, `/v1/me/${cookie}`, `/v1/${cookie}/me`]) assert.equal((await service.request(path)).status, 404, path);
    for (const body of [{ access_token: mobile.access }, { session: cookie }]) assert.ok([400, 401].includes((await service.request('/v1/logout', { json: body })).status));
    allowed(await web.verify(), 204);
    allowed(await mobile.verify(), 204);
});

test('E03 what has ended stays ended', async () => {
    const admin = await Caller.login(service, 'root');
    for (const app of Object.keys(BROWSER)) {
        const user = await signUp(service, 'ended');
        const open = (password) => Caller.login(service, user.username, { app, ...(password && { password }) });
        const out = await open();
        allowed(await out.request('/v1/logout', { method: 'POST', headers: {} }), 204);
        const kept = (c) => c.credential.headers;
        const a = await open(), b = await open(), had = kept(a), others = kept(b);
        allowed(await a.step('/v1/password', { json: { current_password: PASSWORD, new_password: NEW_PASSWORD } }));
        await nobody(had);
        await nobody(others);
        const c = await open(NEW_PASSWORD), everywhere = [kept(a), kept(c)];
        allowed(await c.request('/v1/logout/all', { method: 'POST' }), 204);
        for (const h of everywhere) await nobody(h);
        const d = await open(NEW_PASSWORD), disabled = kept(d);
        allowed(await admin.request(`/v1/admin/users/${user.id}`, { method: 'PATCH', json: { status: 'suspended' } }));
        await nobody(disabled);
        allowed(await admin.request(`/v1/admin/users/${user.id}`, { method: 'PATCH', json: { status: 'active' } }));
        await nobody(disabled);
        const e = await open(NEW_PASSWORD), deleted = kept(e);
        allowed(await admin.request(`/v1/admin/users/${user.id}`, { method: 'DELETE' }), 204);
        await nobody(deleted);
    }
    // by time: without use, and in spite of use
    const idle = await Caller.login(service, 'alice', { app: 'brief' }), ending = await Caller.login(service, 'alice', { app: 'ending' });
    await eventually('the absolute end', async () => (await ending.verify()).status === 401);
    await nobody(ending.credential.headers);
    await nobody(idle.credential.headers);
});

test('E06 session ids: long, different, never guessed', async () => {
    const c = await Caller.login(service, 'alice');
    const cookie = c.jar.get(COOKIE.session), bytes = [];
    for (let i = 0; i < 40; i++) bytes.push(Buffer.from((await Caller.login(service, 'alice')).jar.get(COOKIE.session), 'base64url'));
    // 56 bytes: id, check, secret; no byte of the secret half is the same in all of them, and no two are alike
    assert.equal(new Set(bytes.map((b) => b.toString('hex'))).size, bytes.length);
    for (let at = 24; at < 56; at++) assert.ok(new Set(bytes.map((b) => b[at])).size > 8, `byte ${at} varies`);
    const flip = (i) => cookie.slice(0, i) + (cookie[i] === 'A' ? 'B' : 'A') + cookie.slice(i + 1);
    const guesses = [...Array.from({ length: cookie.length }, (_, i) => flip(i)), '', c.sid, cookie.slice(0, -1), cookie.slice(1), `${cookie}A`, `A${cookie}`, cookie + cookie, cookie.toLowerCase(), `"${cookie}"`, `${cookie}=`, `${cookie}%00`, cookie.replace(/.$/, '%41'), '..', '../../x', "'", "' OR '1'='1", '%00', '0', '-1', 'null', 'undefined', '[]', '{}', '*', 'A'.repeat(75), '_'.repeat(75), 'A'.repeat(8000)];
    for (const g of guesses) await nobody({ Cookie: `${COOKIE.session}=${g}` }, g.slice(0, 100));
    for (const [what, text] of [['NUL', `${cookie}\0`], ['NUL before', `\0${cookie}`], ['LF', `${cookie}\nX: y`], ['1 MB', 'A'.repeat(1 << 20)], ['64 KB', `${cookie}${'A'.repeat(65536)}`], ['8 bit', `${cookie}\xff`]]) {
        const { status } = await raw(['GET /verify HTTP/1.1', `Cookie: ${COOKIE.session}=${text}`]);
        assert.ok(['400', '401', '431', 'closed'].includes(status), `${what}: ${status}`);
    }
    allowed(await c.verify(), 204);
});

test('E07 the attributes of every cookie', async () => {
    for (const app of Object.keys(BROWSER)) {
        const { answer, jar, csrf } = await service.login('alice', { app });
        const out = await service.request('/v1/logout', { method: 'POST', jar: jar.copy(), headers: { 'X-CSRF-Token': csrf } });
        assert.ok(answer.setCookies.length >= 2 && out.setCookies.length >= 1);
        for (const line of [...answer.setCookies, ...out.setCookies]) {
            const [pair, ...rest] = line.split('; ');
            assert.match(pair, /^__Host-cardea(-access|-refresh|-device)?=[\w.-]*$/);
            for (const word of ['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']) assert.equal(rest.filter((r) => r === word).length, 1, `${word} in ${line}`);
            assert.ok(rest.every((r) => /^(Path=\/|Secure|HttpOnly|SameSite=Strict|Max-Age=\d+)$/.test(r)), line);
        }
    }
});

test('E08 cookies tossed in from a sibling host: nobody\'s session, in any order', async () => {
    const victim = await signUp(service, 'tossed'), evil = await signUp(service, 'evil');
    for (const [app, cookie] of Object.entries(BROWSER)) {
        const mine = (await Caller.login(service, victim.username, { app })).jar.get(cookie), theirs = (await Caller.login(service, evil.username, { app })).jar.get(cookie);
        for (const [a, b] of [[mine, theirs], [theirs, mine], [mine, mine], ['x', theirs], [theirs, 'x'], ['', theirs], [theirs, ''], [mine, '']]) {
            const forms = [['Cookie', `${cookie}=${a}; ${cookie}=${b}`], ['Cookie', `${cookie}=${a};${cookie}=${b}`], ['Cookie', `${cookie}=${a}; x=y; ${cookie}=${b}; z`], ['Cookie', `${cookie}=${a}`, 'Cookie', `${cookie}=${b}`], ['cookie', `${cookie}=${a}`, 'COOKIE', `x=y; ${cookie}=${b}`], ['Cookie', `${cookie}=${a}; ${cookie}= ${b}`]];
            for (const form of forms) await nobody(['Host', host, ...form]);
            // a blank makes another name of it: it neither replaces the session nor is one
            if (a === mine) assert.equal(allowed(await service.verify({ headers: { Cookie: `${cookie}=${a}; ${cookie} =${b}` } }), 204).headers['x-auth-user'], victim.id);
            await nobody({ Cookie: `${cookie} =${a}; x=${b}` });
        }
        // both kinds of login at once
        if (app === 'spa') {
            const session = (await Caller.login(service, evil.username)).jar.get(COOKIE.session);
            for (const pair of [{ [COOKIE.session]: session, [cookie]: mine }, { [cookie]: mine, [COOKIE.session]: session }]) assert.ok([400, 401].includes((await service.request('/v1/me', { headers: cookies(pair) })).status));
        }
    }
});

test('E09 other spellings of the name are other cookies', async () => {
    for (const [app, cookie] of Object.entries(BROWSER)) {
        const value = (await Caller.login(service, 'alice', { app })).jar.get(cookie), bare = cookie.slice('__Host-'.length);
        const names = [`__%48ost-${bare}`, `..Host-${bare}`, `_[Host-${bare}`, `__host-${bare}`, `__HOST-${bare}`, `__Secure-${bare}`, bare, `_Host-${bare}`, ` _Host-${bare}`, `x${cookie}`, `${cookie}x`, `${cookie}[]`, `${cookie}[0]`, `${cookie}%00`, `${cookie}.`, `__Host.${bare}`, `__Host ${bare}`, `%5f%5fHost-${bare}`, cookie.replace('-', '%2d'), `$${cookie}`, `"${cookie}"`, `=${cookie}`, `x=${cookie}`, ''];
        for (const n of names) for (const form of [`${n}=${value}`, `a=b; ${n}=${value}`]) await nobody({ Cookie: form });
        for (const form of [value, `"${cookie}=${value}"`, `x="; ${cookie}X=${value}"`, `${cookie}`, `${cookie}:${value}`, `a=b, ${cookie}=${value}`]) await nobody({ Cookie: form });
        await nobody({ Cookie2: `${cookie}=${value}`, 'X-Cookie': `${cookie}=${value}`, 'Set-Cookie': `${cookie}=${value}` });
        allowed(await service.verify({ headers: { Cookie: `a=b; ${cookie}=${value}` } }), 204);
    }
});

test('E11 very many cookies: refused with the head, and a login still works', async () => {
    const { jar } = await service.login();
    const many = (n, size) => Array.from({ length: n }, (_, i) => `c${i}=${'x'.repeat(size)}`).join('; ');
    for (const line of [many(500, 1), many(500, 100), many(20, 4000), many(3000, 20), 'x'.repeat(65536), `a=${'x'.repeat(65536)}`, ';'.repeat(65536), '='.repeat(65536), 'a=b; '.repeat(10000)]) {
        const { status } = await raw(['GET /verify HTTP/1.1', `Cookie: ${line}; ${COOKIE.session}=${jar.get(COOKIE.session)}`]);
        assert.ok(['204', '400', '431', 'closed'].includes(status), `${line.length} of ${line.slice(0, 20)}: ${status}`);
        assert.ok(line.length < 65536 || status !== '204', 'past the limit of a head');
    }
    // a head that is refused is the connection's last: what was sent behind it is not read as a request
    for (const line of [many(300, 40), `a=${'x'.repeat(14000)}`, `a=${'x'.repeat(22000)}`]) {
        const { status, text } = await raw(['GET /verify HTTP/1.1', `Cookie: ${line}`, `Host: ${host}`, '', 'GET /healthz HTTP/1.1']);
        assert.ok(['431', 'closed'].includes(status), status);
        assert.doesNotMatch(text, /HTTP\/1\.1 200/);
    }
    const lines = Array.from({ length: 200 }, (_, i) => `Cookie: c${i}=x`);
    assert.equal((await raw(['GET /verify HTTP/1.1', ...lines])).status, '431');
    // evicted by the attacker's: the victim is nobody, until the next login
    await nobody({ Cookie: many(50, 20) });
    const back = new Jar();
    for (let i = 0; i < 50; i++) back.take([`c${i}=${'x'.repeat(20)}; Path=/`]);
    await service.login('alice', { jar: back });
    allowed(await service.verify({ jar: back }), 204);
});

test('E13 JSON under the content type of a form', async () => {
    const user = await signUp(service, 'typed'), c = await Caller.login(service, user.username);
    const types = ['text/plain', 'text/plain; charset=application/json', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', undefined, '', 'application/json, text/plain', 'text/plain, application/json', 'application/jsonp', 'application/json+x', 'application/csp-report', 'text/json', 'application', '*/*', 'application/octet-stream'];
    const calls = [['POST', '/v1/login', { username: user.username, password: PASSWORD }], ['POST', '/v1/signup', { username: 'typed-other', password: PASSWORD }], ['PATCH', '/v1/me', { name: 'x' }], ['POST', '/v1/password', { current_password: PASSWORD, new_password: NEW_PASSWORD }], ['POST', '/v1/reauthenticate', { password: PASSWORD }], ['POST', '/v1/api-keys', { name: 'x' }], ['POST', '/v1/refresh', { refresh_token: 'x' }]];
    for (const [method, path, json] of calls) for (const type of types) {
        const a = await c.request(path, { method, body: JSON.stringify(json), headers: type === undefined ? {} : { 'Content-Type': type } });
        assert.equal(a.status, 415, `${path} as ${type}: ${a.text}`);
        assert.deepEqual(a.setCookies, []);
    }
    for (const body of [`username=${user.username}&password=${PASSWORD}`, `{"username":"${user.username}","password":"${PASSWORD}","x":"=`])
        for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/json']) assert.ok([400, 415].includes((await service.request('/v1/login', { body, headers: { 'Content-Type': type } })).status));
    const twice = await service.request('/v1/login', { method: 'POST', contract: false, body: JSON.stringify(calls[0][2]), headers: ['Host', host, 'Content-Type', 'text/plain', 'Content-Type', 'application/json', 'Content-Length', String(JSON.stringify(calls[0][2]).length)] });
    assert.ok([400, 415].includes(twice.status), twice.text);
    assert.equal(await name(c), null);
});

/** Calls that change something, as a browser of this caller would make them. */
const changes = (c) => [['PATCH', '/v1/me', { name: 'forged' }], ['POST', '/v1/password', { current_password: PASSWORD, new_password: NEW_PASSWORD }], ['POST', '/v1/reauthenticate', { password: PASSWORD }], ['POST', '/v1/api-keys', { name: 'forged' }], ['POST', '/v1/logout'], ['POST', '/v1/logout/all'], ['DELETE', `/v1/sessions/${c.sid}`]];
const untouched = async (c) => {
    assert.equal(await name(c), null);
    assert.deepEqual(allowed(await c.request('/v1/api-keys')).json.items, []);
    allowed(await c.verify(), 204);
};

test('E14 CSRF tokens: none, empty, another\'s, an older one, in the wrong place', async () => {
    for (const app of Object.keys(BROWSER)) {
        const user = await signUp(service, 'csrf'), old = await Caller.login(service, user.username, { app });
        const stranger = await Caller.login(service, (await signUp(service)).username, { app }), sibling = await Caller.login(service, user.username, { app });
        const before = old.csrf, c = old;
        c.take((await service.login(user.username, { app, jar: c.jar })).answer);
        const bad = [undefined, '', ' ', 'x', 'null', 'undefined', c.csrf.slice(1), c.csrf.slice(0, -1), `${c.csrf}A`, `${c.csrf}=`, c.csrf.toLowerCase(), `"${c.csrf}"`, `${c.csrf},${c.csrf}`, 'A'.repeat(c.csrf.length), 'A'.repeat(4000), stranger.csrf, sibling.csrf, before, c.sid, c.jar.get(BROWSER[app])];
        // a logout of this session is the one change that the origin rule guards alone
        for (const [method, path, json] of changes(c).filter(([, path]) => path !== '/v1/logout')) {
            for (const token of bad) refused(await service.request(path, { method, json, agent, headers: { Cookie: c.jar.header(), ...(token !== undefined && { 'X-CSRF-Token': token }) } }), 403, 'csrf_failed');
            for (const query of [`csrf_token=${c.csrf}`, `X-CSRF-Token=${c.csrf}`, `_csrf=${c.csrf}`]) assert.ok([400, 403].includes((await service.request(`${path}?${query}`, { method, json, headers: { Cookie: c.jar.header() } })).status), `${path}?${query}`);
            refused(await service.request(path, { method, json, headers: { Cookie: `${c.jar.header()}; csrf_token=${c.csrf}; X-CSRF-Token=${c.csrf}`, 'X-XSRF-Token': c.csrf, 'CSRF-Token': c.csrf } }), 403, 'csrf_failed');
            if (json) assert.ok([400, 403].includes((await service.request(path, { method, json: { ...json, csrf_token: c.csrf }, headers: { Cookie: c.jar.header() } })).status));
        }
        await untouched(c);
        const text = JSON.stringify({ name: 'forged' }), lines = ['Host', host, 'Cookie', c.jar.header(), 'Content-Type', 'application/json', 'Content-Length', String(text.length)];
        for (const pair of [[c.csrf, 'x'], ['x', c.csrf]]) assert.ok([400, 403].includes((await service.request('/v1/me', { method: 'PATCH', contract: false, body: text, headers: [...lines, ...pair.flatMap((t) => ['X-CSRF-Token', t])] })).status));
        await untouched(c);
        allowed(await c.request('/v1/me', { method: 'PATCH', json: { name: 'own' } }));
    }
});

const strangers = () => ['null', '', 'https://evil.example', `${service.url}.evil.example`, `http://evil.${host}`, `${service.url}@evil.example`, `${service.url}/`, `${service.url} `.trim() + '/x', service.url.toUpperCase(), service.url.replace('http:', 'https:'), service.url.replace('127.0.0.1', 'localhost'), service.url.replace(/:\d+$/, ''), service.url.replace(/:\d+$/, ':1'), `${LISTED}.evil.example`, `https://evil.${LISTED.slice(8)}`, `${LISTED}:443`, `${LISTED}, ${service.url}`, `${service.url}, ${LISTED}`, `${service.url} ${LISTED}`, `${LISTED}%00`, 'https://appXexample', 'file://', 'chrome-extension://x', '*', host, '//' + host, 'about:blank', 'data:'];

test('E15 origins that only look like ours', async () => {
    for (const app of ['web', 'spa', 'panel', 'sealed']) {
        const user = await signUp(service, 'origin'), c = await Caller.login(service, user.username, { app });
        const hostile = [...strangers().map((Origin) => ({ Origin })), ...['cross-site', 'same-site', 'CROSS-SITE', 'x', '', 'same-origin, cross-site'].map((s) => ({ 'Sec-Fetch-Site': s })), { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' }, { Origin: 'https://evil.example', Referer: `${service.url}/`, 'Sec-Fetch-Site': 'same-origin' }, ...(app === 'panel' ? [] : [{ Origin: LISTED }])];
        for (const [method, path, json] of changes(c)) for (const headers of hostile) refused(await c.request(path, { method, json, headers, agent }), 403, 'origin_refused');
        for (const headers of hostile) {
            const a = await c.request('/v1/me', { headers, agent });
            for (const h of ['access-control-allow-origin', 'access-control-allow-credentials']) assert.equal(a.headers[h], undefined, JSON.stringify(headers));
        }
        // without an Origin the token alone does it; with two there is none to trust
        const text = JSON.stringify({ name: 'x' }), lines = ['Host', host, 'Cookie', c.jar.header(), 'Content-Type', 'application/json', 'Content-Length', String(text.length), 'X-CSRF-Token', c.csrf];
        for (const [n, a, b] of [['Origin', service.url, 'https://evil.example'], ['Origin', 'https://evil.example', service.url], ['Origin', service.url, service.url], ['Sec-Fetch-Site', 'same-origin', 'cross-site']])
            assert.ok([400, 403].includes((await service.request('/v1/me', { method: 'PATCH', contract: false, body: text, headers: [...lines, n, a, n, b] })).status));
        await untouched(c);
        refused(await service.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, jar: c.jar }), 403, 'csrf_failed');
        allowed(await c.request('/v1/me', { method: 'PATCH', json: { name: 'x' }, headers: { Origin: service.url } }));
    }
});

test('E17 nobody is logged in or out by a page of another\'s', async () => {
    const user = await signUp(service, 'forced'), c = await Caller.login(service, user.username);
    for (const headers of [...strangers().map((Origin) => ({ Origin })), { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
        for (const app of ['web', 'spa', 'strict', 'sealed']) {
            const a = refused(await service.request('/v1/login', { json: { username: user.username, password: PASSWORD, app }, headers, agent }), 403, 'origin_refused');
            assert.deepEqual(a.setCookies, []);
        }
        refused(await c.request('/v1/logout', { method: 'POST', headers, agent }), 403, 'origin_refused');
    }
    for (const path of ['/v1/logout', '/v1/logout/all']) {
        for (const method of ['GET', 'HEAD']) {
            const a = await c.request(path, { method });
            assert.equal(a.status, 405);
            assert.deepEqual(a.setCookies, []);
        }
    }
    refused(await c.request('/v1/logout/all', { method: 'POST', csrf: false }), 403, 'csrf_failed');
    const spa = await Caller.login(service, user.username, { app: 'spa' });
    refused(await service.request('/v1/refresh', { method: 'POST', headers: { ...cookies({ [COOKIE.refresh]: spa.refresh }), Origin: 'https://evil.example' } }), 403, 'origin_refused');
    refused(await service.request('/v1/refresh', { method: 'POST', headers: { ...cookies({ [COOKIE.refresh]: spa.refresh }), 'Sec-Fetch-Site': 'cross-site' } }), 403, 'origin_refused');
    for (const l of [c, spa]) allowed(await l.verify(), 204);
    allowed(await spa.rotate());
});

test('E18 no change by a safe method, nor by naming another', async () => {
    const user = await signUp(service, 'safe');
    for (const app of [...Object.keys(BROWSER), 'mobile']) {
        const c = await Caller.login(service, user.username, { app });
        for (const path of ['/v1/login', '/v1/signup', '/v1/refresh', '/v1/reauthenticate', '/v1/password', '/v1/logout', '/v1/logout/all', `/v1/sessions/${c.sid}`])
            for (const method of ['GET', 'HEAD']) for (const headers of [{}, { 'X-HTTP-Method-Override': 'POST' }, { 'X-HTTP-Method': 'DELETE', 'X-Method-Override': 'DELETE' }]) for (const query of ['', '?_method=POST', '?_method=DELETE'])
                assert.equal((await c.request(path + query, { method, headers, agent })).status, 405, `${method} ${path}${query}`);
        for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) for (const method of ['PATCH', 'DELETE', 'POST']) {
            assert.deepEqual(allowed(await c.request('/v1/me', { headers: { [name]: method } })).json.user.name, null);
            allowed(await c.request('/v1/sessions', { headers: { [name]: method } }));
        }
        for (const method of ['POST', 'PUT', 'DELETE', 'TRACE', 'PROPFIND', 'patch', 'get']) {
            const { status } = await raw([`${method} /v1/me HTTP/1.1`, ...Object.entries(c.headers).map(([n, v]) => `${n}: ${v}`), `X-CSRF-Token: ${c.csrf}`, 'X-HTTP-Method-Override: PATCH', 'Content-Type: application/json', 'Content-Length: 12'], '{"name":"x"}');
            assert.ok(['405', '400', '501'].includes(status), `${method}: ${status}`);
        }
        assert.equal(await name(c), null);
        allowed(await c.verify(), 204);
    }
});

test('E19 answers are no pages: JSON alone, never sniffed, never kept', async () => {
    const c = await Caller.login(service, 'alice');
    const evil = '<script>alert(1)</script>';
    const answers = [await c.request('/v1/me'), await c.request('/v1/csrf'), c.answer, await c.request('/v1/sessions'), await service.request('/v1/me'), await service.request(`/${encodeURIComponent(evil)}`), await service.request(`/v1/me?x=${encodeURIComponent(evil)}`), await service.request('/v1/login', { json: { [evil]: 1 } }), await service.request('/v1/login', { body: evil, headers: { 'Content-Type': 'application/json' } }), await service.request('/v1/me', { headers: bearer(evil) }), await service.request('/v1/login'), await service.request('/verify')];
    for (const a of answers) {
        assert.match(a.headers['content-type'], /^application\/(problem\+)?json$/, a.text);
        assert.equal(a.headers['x-content-type-options'], 'nosniff');
        assert.equal(a.headers.location, undefined);
    }
    for (const a of answers.slice(0, 3)) assert.equal(a.headers['cache-control'], 'no-store');
});
