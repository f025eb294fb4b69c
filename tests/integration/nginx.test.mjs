// Does the example set-up for nginx keep what it promises, with the real nginx, a real service and an application?
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Jar } from './lib/client.mjs';
import { Application, Nginx, nginxMissing } from './lib/nginx.mjs';
import { freePort, PASSWORD, root, Service } from './lib/service.mjs';

const browser = { Accept: 'text/html,application/xhtml+xml;q=0.9' };
const evil = 'https://evil.example';

/** Bytes as they are; the whole answer as text. */
const raw = (port, text) => new Promise((done, fail) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer to ${text}`)));
    socket.on('data', (d) => { answer += d; if (/\r\n\r\n/.test(answer) && /upgrade: /i.test(text)) socket.end(); });
    socket.on('end', () => done(answer));
    socket.on('error', fail);
});
const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

describe('nginx', { skip: nginxMissing() }, () => {
    let service, nginx, app;

    before(async () => {
        app = await Application.start();
        const port = await freePort(), front = await freePort();
        const url = `http://127.0.0.1:${front}`;
        service = await Service.start({
            port,
            settings: { trusted_proxies: ['127.0.0.1'], apps: { web: 'web', spa: 'spa', mobile: 'mobile' }, policies: { admin: { roles: ['admin'] } } },
            env: { CARDEA_PUBLIC_URL: url },
            users: [{ name: 'alice' }, { name: 'root', roles: ['admin', 'staff'] }],
        });
        nginx = await Nginx.start({ port: front, cardea: port, app: app.port });
    });
    after(async () => {
        await nginx?.end();
        await service?.end();
        await app?.end();
    });
    beforeEach(() => { app.requests.length = 0; });

    /** Log in through nginx, as the login page does. */
    async function login(username = 'alice', name) {
        const jar = new Jar();
        const answer = await nginx.request('/v1/login', { json: { username, password: PASSWORD, ...(name && { app: name }) }, jar, headers: name === 'mobile' ? {} : { Origin: nginx.url } });
        assert.equal(answer.status, 200, answer.text);
        return { jar, csrf: answer.json.csrf_token, token: answer.json.access_token, user: answer.json.user, session: answer.json.session };
    }

    test('a browser is sent to the login page, everybody else is told 401', async () => {
        const page = await nginx.request('/orders?id=7&x=//evil', { headers: browser });
        assert.equal(page.status, 302);
        assert.equal(page.headers.location, '/login.html?next=/orders?id=7&x=//evil');
        assert.match(page.headers['cache-control'], /no-store/);
        for (const [method, headers] of [['GET', { Accept: 'application/json' }], ['GET', {}], ['POST', browser]]) {
            const answer = await nginx.request('/orders', { method, headers });
            assert.equal(answer.status, 401, `${method} ${JSON.stringify(headers)}`);
            assert.match(answer.headers['www-authenticate'], /^Bearer/);
            assert.equal(answer.rawHeaders.filter((h) => h.toLowerCase() === 'www-authenticate').length, 1);
            assert.equal(answer.json.code, 'unauthenticated');
        }
        const wrong = await nginx.request('/orders', { headers: { Authorization: 'Bearer nonsense' } });
        assert.equal(wrong.status, 401);
        assert.equal(wrong.headers['www-authenticate'], 'Bearer error="invalid_token"');
        assert.equal(app.requests.length, 0);
    });

    test('F06 the login page is there for anybody and goes nowhere else', async () => {
        const page = await nginx.request('/login.html?next=/', { headers: browser });
        assert.equal(page.status, 200);
        assert.match(page.text, /login\.js/);
        assert.match(page.headers['content-security-policy'], /frame-ancestors 'none'/);
        assert.equal((await nginx.request('/login.js')).status, 200);
        const { destination } = createRequire(import.meta.url)(join(root, 'integrations/nginx/login.js'));
        const here = 'https://www.example.com';
        for (const [next, where] of [
            ['?next=/orders?id=7&x=1', '/orders?id=7&x=1'], ['', '/'], ['?next=/', '/'], ['?other=/a', '/'],
            ['?next=//evil', '/'], ['?next=/\\evil', '/'], ['?next=/%09/evil', '/%09/evil'], ['?next=https://evil', '/'], ['?next=https:evil', '/'],
            ['?next=///evil', '/'], ['?next=javascript:alert(1)', '/'], ['?next=/\t/evil', '/'], ['?next=/a/../\\evil', '/'], ['?next=/./%2e//evil', '/'],
        ]) {
            const to = destination(next, here);
            assert.equal(new URL(to, here).origin, here, next);
            assert.ok(!to.startsWith('//'), `${next} led to ${to}`);
            if (where !== '/' || !next.includes('evil')) assert.equal(to, where, next);
        }
    });

    test('after a login the application is told who it is', async () => {
        const { jar, user, session } = await login('root');
        const answer = await nginx.request('/orders?id=7', { jar });
        assert.equal(answer.status, 200, answer.text);
        const h = answer.json.headers;
        assert.equal(answer.json.url, '/orders?id=7');
        assert.equal(h['x-auth-user'], user.id);
        assert.equal(h['x-auth-username'], 'root');
        assert.equal(h['x-auth-roles'], 'admin,staff');
        assert.equal(h['x-auth-session'], session.sid);
        assert.equal(h['x-auth-method'], 'session');
        const body = await nginx.request('/orders', { jar, json: { a: 1 }, headers: { Origin: nginx.url } });
        assert.equal(body.json.body, '{"a":1}');
    });

    test('G01 identity headers of the client are replaced, never merged', async () => {
        const { jar, user } = await login();
        const names = ['X-Auth-User', 'X-Auth-Username', 'X-Auth-Email', 'X-Auth-Roles', 'X-Auth-Session', 'X-Auth-Method', 'X-Auth-Issuer', 'X-Auth-Client', 'Remote-User', 'Remote-Groups',
            'Remote-Name', 'Remote-Email', 'X-Remote-User', 'X-Remote-Groups', 'X-Forwarded-User', 'X-Forwarded-Groups', 'X-Forwarded-Email',
            'X-Forwarded-Preferred-Username', 'X-Auth-Request-User', 'X-Auth-Request-Email', 'X-Auth-Request-Groups', 'X-Webauth-User', 'X-Authenticated-User',
            'X-User', 'X-User-Id', 'X-Original-Url', 'X-Rewrite-Url', 'X-Forwarded-Uri', 'Forwarded'];
        const spelled = (n) => [n, n.toLowerCase(), n.toUpperCase(), n.replaceAll('-', '_'), n.replace('-', '_'), n.replaceAll('-', '.')];
        const lines = names.flatMap((n) => spelled(n).flatMap((s) => [`${s}: forged`, `${s}: forged too`]));
        for (let i = 0; i < lines.length; i += 40) {
            const head = lines.slice(i, i + 40).join('\r\n');
            const answer = await raw(nginx.port, `GET /who HTTP/1.1\r\nHost: x\r\nConnection: close, X-Auth-User, X-Auth-Roles\r\nCookie: ${jar.header()}\r\n${head}\r\n\r\n`);
            assert.equal(statusOf(answer), 200, answer);
            const seen = app.requests.at(-1);
            assert.ok(!JSON.stringify(seen).includes('forged'), JSON.stringify(seen.raw));
            assert.equal(seen.headers['x-auth-user'], user.id);
            assert.equal(seen.raw.filter((h) => h.toLowerCase() === 'x-auth-user').length, 1);
            assert.equal(seen.headers['x-auth-roles'], undefined);
        }
    });

    test('its own cookies reach the application, ours do not', async () => {
        const { jar } = await login();
        const c = `__Host-cardea=${jar.get('__Host-cardea')}`;
        const others = '__Host-cardea-refresh=r; __Host-cardea-device=d';
        for (const [sent, seen] of [
            [`theme=dark; ${c}; lang=en`, 'theme=dark; lang=en'],
            [`${c}; theme=dark`, 'theme=dark'],
            [`theme=dark; ${c}`, 'theme=dark'],
            [`theme=dark;${c};lang=en`, 'theme=dark;lang=en'],
            [c, undefined],
            [`${c}; ${others}`, undefined],
            [`a=1; ${others}; b="x y"; ${c}; c=__Host-cardea`, 'a=1; b="x y"; c=__Host-cardea'],
            [`${c}; mycardea=1; cardea-extra=2; x__Host-cardea=3`, 'mycardea=1; cardea-extra=2; x__Host-cardea=3'],
        ]) {
            const answer = await nginx.request('/', { headers: { Cookie: sent } });
            assert.equal(answer.status, 200, sent);
            assert.equal(answer.json.headers.cookie, seen, sent);
        }
        const two = await raw(nginx.port, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: a=1; ${c}\r\nCookie: b=2; __Host-cardea-device=d\r\n\r\n`);
        assert.equal(statusOf(two), 200);
        assert.doesNotMatch(app.requests.at(-1).headers.cookie, /cardea/);
        assert.match(app.requests.at(-1).headers.cookie, /a=1;.*b=2/);
        // more of them than anybody has: no cookie at all rather than one of ours
        const many = await nginx.request('/', { headers: { Cookie: `${c}; ${Array(10).fill('__Host-cardea-device=d').join('; ')}; a=1` } });
        assert.equal(many.status, 200);
        assert.doesNotMatch(many.json.headers.cookie ?? '', /cardea/);
    });

    test('other credentials pass the check and go no further', async () => {
        const { token } = await login('alice', 'mobile');
        const answer = await nginx.request('/', { headers: { Authorization: `Bearer ${token}` } });
        assert.equal(answer.status, 200);
        assert.equal(answer.json.headers['x-auth-method'], 'token');
        assert.equal(answer.json.headers.authorization, undefined);
        const key = service.command(['apikey', 'create', 'alice', '--name', 'ci']);
        for (const headers of [{ 'X-API-Key': key.key }, { Authorization: `Bearer ${key.key}` }]) {
            const byKey = await nginx.request('/', { headers });
            assert.equal(byKey.status, 200, byKey.text);
            assert.equal(byKey.json.headers['x-auth-method'], 'key');
            assert.ok(!JSON.stringify(byKey.json).includes(key.key));
        }
        const spa = await login('alice', 'spa');
        const page = await nginx.request('/', { jar: spa.jar });
        assert.equal(page.json.headers['x-auth-method'], 'token');
        assert.equal(page.json.headers.cookie, undefined);
    });

    test('two credentials are refused, in whatever lines they come', async () => {
        const { jar } = await login(), { token } = await login('alice', 'mobile');
        const c = `__Host-cardea=${jar.get('__Host-cardea')}`;
        assert.equal((await nginx.request('/', { jar, headers: { Authorization: `Bearer ${token}` } })).status, 401);
        for (const head of [`Cookie: ${c}; ${c}`, `Cookie: ${c}\r\nCookie: ${c}`, `Cookie: ${c}; __Host-cardea=x`, `Cookie: __Host-cardea=x\r\nCookie: ${c}`,
            `Authorization: Bearer ${token}\r\nAuthorization: Bearer ${token}`]) {
            const status = statusOf(await raw(nginx.port, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n\r\n`));
            assert.ok(status === 401 || status === 400, `${head}: ${status}`);
        }
        assert.equal(app.requests.length, 0);
    });

    test('the origin rule is applied to the original request', async () => {
        const { jar } = await login(), { token } = await login('alice', 'mobile');
        const status = async (method, headers) => (await nginx.request('/transfer', { method, jar, headers })).status;
        assert.equal(await status('GET', { Origin: evil, 'Sec-Fetch-Site': 'cross-site' }), 200);
        assert.equal(await status('POST', { Origin: nginx.url }), 200);
        assert.equal(await status('POST', {}), 200);
        assert.equal(await status('POST', { 'Sec-Fetch-Site': 'same-origin' }), 200);
        const passed = app.requests.length;
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
            assert.equal(await status(method, { Origin: evil }), 403, method);
            assert.equal(await status(method, { Origin: 'null' }), 403, method);
            assert.equal(await status(method, { 'Sec-Fetch-Site': 'cross-site' }), 403, method);
        }
        // what the client says about the original request is overwritten
        const lies = { 'X-Original-Method': 'GET', 'X-Original-Upgrade': '-', 'X-Original-Origin': nginx.url, 'X-Original-Sec-Fetch-Site': 'same-origin' };
        assert.equal(await status('POST', { ...lies, Origin: evil }), 403);
        assert.equal(await status('POST', { ...lies, 'Sec-Fetch-Site': 'cross-site' }), 403);
        assert.equal(await status('POST', { Origin: evil, 'X-HTTP-Method-Override': 'GET' }), 403);
        assert.equal(app.requests.length, passed);
        assert.equal((await nginx.request('/transfer', { method: 'POST', headers: { Origin: evil, Authorization: `Bearer ${token}` } })).status, 200);
    });

    test('a WebSocket handshake counts as unsafe', async () => {
        const { jar } = await login();
        const shake = (lines) => raw(nginx.port, `GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines}\r\n\r\n`);
        const cookie = `Cookie: ${jar.header()}`;
        assert.equal(statusOf(await shake(`Origin: ${nginx.url}\r\n${cookie}`)), 101);
        assert.equal(app.requests.at(-1).headers['x-auth-username'], 'alice');
        app.requests.length = 0;
        assert.equal(statusOf(await shake(`Origin: ${evil}\r\n${cookie}\r\nX-Original-Upgrade: -`).then((a) => a)), 403);
        assert.equal(statusOf(await shake(`Origin: ${nginx.url}`)), 401);
        assert.equal(app.requests.length, 0);
    });

    test('a policy guards its paths, however they are written, and roles count at once', async () => {
        const { jar, user } = await login(), root = await login('root');
        const paths = ['/admin', '/admin/', '/admin/users', '//admin/users', '/x/../admin/users', '/%61dmin/users', '/admin%2fusers', '/admin;x/users', '/ADMIN/users', '/./admin/users', '/x/..%2fadmin'];
        for (const path of paths) assert.equal((await nginx.request(path, { jar })).status, 403, path);
        assert.ok([400, 403].includes((await nginx.request('/admin%00', { jar })).status));
        assert.equal(app.requests.length, 0);
        for (const path of ['/admin', '/admin/users']) assert.equal((await nginx.request(path, { jar: root.jar })).status, 200, path);
        service.command(['user', 'roles', user.username, 'admin']);
        assert.equal((await nginx.request('/admin', { jar })).json.headers['x-auth-roles'], 'admin');
        service.command(['user', 'roles', user.username, '--none']);
        assert.equal((await nginx.request('/admin', { jar })).status, 403);
        assert.equal((await nginx.request('/', { jar })).status, 200);
    });

    test('G04 no header of the client names another path, method or policy', async () => {
        const { jar } = await login();
        const other = '/login/', lies = ['X-Original-URL', 'X-Original-Uri', 'X-Rewrite-URL', 'X-Forwarded-Uri', 'X-Forwarded-Path', 'X-Forwarded-Prefix', 'X-Envoy-Original-Path',
            'X-Accel-Redirect', 'X-HTTP-Method-Override', 'X-Original-Method', 'X-Forwarded-Method', 'X-Original-Upgrade', 'X-Original-Origin'];
        const head = lies.map((n) => `${n}: ${/Method/.test(n) ? 'GET' : /Upgrade/.test(n) ? '-' : /Origin/.test(n) ? `http://127.0.0.1:${nginx.port}` : other}`).join('\r\n');
        const ask = async (line, ...more) => statusOf(await raw(nginx.port, [`${line} HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 0', head, ...more, '', ''].join('\r\n')));
        assert.equal(await ask('GET /who'), 401);
        assert.equal(await ask('GET /admin/', `Cookie: ${jar.header()}`), 403);
        assert.equal(await ask('POST /who', `Cookie: ${jar.header()}`, `Origin: ${evil}`), 403);
        assert.equal(await ask('GET /who', `Cookie: ${jar.header()}`), 200);
    });
    test('a logout is felt by the next request', async () => {
        for (const path of ['/v1/logout', '/v1/logout/all']) {
            const { jar, csrf } = await login();
            const before = jar.copy();
            assert.equal((await nginx.request('/', { jar })).status, 200);
            const out = await nginx.request(path, { method: 'POST', jar, headers: { Origin: nginx.url, 'X-CSRF-Token': csrf } });
            assert.equal(out.status, 204, out.text);
            app.requests.length = 0;
            assert.equal((await nginx.request('/', { jar: before })).status, 401);
            assert.equal(app.requests.length, 0);
        }
    });

    test('the check itself and administration can not be reached from outside', async () => {
        const { jar } = await login('root');
        assert.equal((await nginx.request('/_cardea/verify', { jar })).status, 404);
        assert.equal((await nginx.request('/_cardea/verify/admin', { jar })).status, 404);
        assert.equal((await nginx.request('/v1/admin/users', { jar })).status, 404);
        assert.equal((await nginx.request('/v1/../v1/admin/users', { jar })).status, 404);
        assert.equal((await nginx.request('/v1/%61dmin/users', { jar })).status, 404);
        const keys = await nginx.request('/.well-known/jwks.json');
        assert.equal(keys.status, 200);
        assert.ok(keys.json.keys.length >= 1);
    });

    test("the application's own refusals stay as they are", async () => {
        const { jar } = await login();
        for (const status of [400, 401, 403, 404, 500, 502, 503]) {
            const answer = await nginx.request(`/status/${status}`, { jar, headers: browser });
            assert.equal(answer.status, status);
            assert.equal(answer.json.url, `/status/${status}`);
        }
    });

    test('with the service down everything is closed, and open again afterwards', async () => {
        const { jar } = await login();
        assert.equal((await nginx.request('/', { jar })).status, 200);
        app.requests.length = 0;
        await service.stop();
        for (const headers of [browser, {}]) {
            const answer = await nginx.request('/', { jar, headers });
            assert.equal(answer.status, 503, answer.text);
            assert.match(answer.headers['retry-after'], /^\d+$/);
        }
        assert.equal((await nginx.request('/v1/me', { jar })).status, 503);
        assert.equal((await nginx.request('/login.html')).status, 200);
        assert.equal(app.requests.length, 0);
        await service.launch();
        assert.equal((await nginx.request('/', { jar })).status, 200);
    });
});

describe('nginx before a service that says anything', { skip: nginxMissing() }, () => {
    let nginx, app, fake, say;

    before(async () => {
        app = await Application.start();
        fake = http.createServer((request, response) => say(request, response));
        await new Promise((done) => fake.listen(0, '127.0.0.1', done));
        nginx = await Nginx.start({ cardea: fake.address().port, app: app.port });
    });
    after(async () => {
        await nginx?.end();
        await app?.end();
        fake.closeAllConnections();
        await new Promise((done) => fake.close(done));
    });

    test('503 stays 503 with its Retry-After, and nothing but 2xx opens', async () => {
        say = (request, response) => response.writeHead(503, { 'Retry-After': '7' }).end();
        let answer = await nginx.request('/', { headers: browser });
        assert.equal(answer.status, 503);
        assert.equal(answer.headers['retry-after'], '7');
        assert.equal(answer.json.code, 'unavailable');
        for (const status of [500, 502, 504, 302, 404, 429]) {
            say = (request, response) => response.writeHead(status, { Location: 'https://evil.example' }).end();
            answer = await nginx.request('/');
            assert.equal(answer.status, 503, `${status}`);
            assert.match(answer.headers['retry-after'], /^\d+$/);
        }
        say = (request) => request.socket.destroy();
        assert.equal((await nginx.request('/')).status, 503);
        assert.equal(app.requests.length, 0);
    });

    test('the check is told about the original request', async () => {
        let seen;
        say = (request, response) => { seen = request; response.writeHead(204, { 'X-Auth-User': 'u' }).end(); };
        await nginx.request('/a%20b?c=d', { method: 'DELETE', body: 'body', headers: { Origin: evil, 'Sec-Fetch-Site': 'cross-site', 'X-Forwarded-For': '203.0.113.9', Forwarded: 'for=203.0.113.9', 'X-Original-Method': 'GET' } });
        assert.equal(seen.method, 'GET');
        assert.equal(seen.url, '/verify');
        assert.equal(seen.headers['x-original-method'], 'DELETE');
        assert.equal(seen.headers['x-original-upgrade'], '-');
        assert.equal(seen.headers['x-original-origin'], evil);
        assert.equal(seen.headers['x-original-sec-fetch-site'], 'cross-site');
        assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
        assert.equal(seen.headers['x-forwarded-proto'], 'http');
        assert.equal(seen.headers.forwarded, undefined);
        assert.equal(seen.headers['content-length'], undefined);
        assert.equal(app.requests.at(-1).headers['x-auth-user'], 'u');
        assert.equal(app.requests.at(-1).body, 'body');
        await nginx.request('/admin');
        assert.equal(seen.url, '/verify/admin');
    });
});
