// Is what attackers send over HTTP refused by the real service? Names are those of the project's list of attacks, group G.
//
// Elsewhere: G01 and G04, identity headers and the original request through a proxy (nginx.test.mjs, verify.test.mjs); G09 in full on
// the listener (tests/probe/listener.test.mjs); G13 with a thousand idle connections (daemon.test.mjs).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answers, ask, connect, talk } from './lib/raw.mjs';
import { PASSWORD, Service } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, refused } from './lib/credentials.mjs';

let service, web, mobile, key;
before(async () => {
    const settings = {
        apps: { web: 'web', mobile: 'mobile' }, policies: { admins: { roles: ['admin'] } }, guess: { free: 100, address_per_minute: 5 },
        limits: { head_deadline: '1s', body_deadline: '1s' },
    };
    service = await Service.start({ settings, users: [{ name: 'alice' }, { name: 'root', roles: ['admin'] }] });
    web = await Caller.login(service, 'alice');
    mobile = await Caller.login(service, 'alice', { app: 'mobile' });
    key = allowed(await web.request('/v1/api-keys', { json: { name: 'k' } }), 201).json.key;
});
after(() => service?.end());

const host = () => `Host: 127.0.0.1:${service.port}\r\n`;
const cookie = () => `Cookie: ${web.jar.header()}\r\n`;
const get = (target, headers = '') => `GET ${target} HTTP/1.1\r\n${host()}${headers}\r\n`;

describe('G03: a client can not choose its address', () => {
    const claims = ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP', 'X-Cluster-Client-IP', 'X-Originating-IP'];

    test('G03 not in the record of a session', async () => {
        const headers = Object.fromEntries(claims.map((name) => [name, name === 'Forwarded' ? 'for=203.0.113.9' : '203.0.113.9']));
        const sessions = allowed(await web.request('/v1/sessions', { headers })).json.items;
        const me = allowed(await web.request('/v1/me', { headers })).json;
        for (const s of [...sessions, me.session]) assert.equal(s.ip_address, '127.0.0.1');
    });

    test('G03 not to escape the limit of guesses', async () => {
        const s = await Service.start({ settings: { apps: { web: 'web' }, guess: { free: 100, address_per_minute: 5 } } });
        try {
            const statuses = [];
            for (let i = 0; i < 12; i++) {
                const address = i % 3 ? `198.51.100.${i}` : '127.0.0.1';
                const headers = Object.fromEntries(claims.map((name) => [name, name === 'Forwarded' ? `for=${address}` : address]));
                statuses.push((await s.request('/v1/login', { json: { username: `user-${i}`, password: 'not the right one' }, headers })).status);
            }
            assert.deepEqual(statuses.slice(0, 5), [401, 401, 401, 401, 401]);
            // an attempt may be earned meanwhile; new addresses for each are not
            assert.ok(statuses.slice(5).filter((x) => x === 429).length >= 5, statuses.join(' '));
        } finally {
            await s.end();
        }
    });
});

test('G06 X-Forwarded-Host, -Proto, -Prefix and Host change no answer and no token', async () => {
    const decoded = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    const lies = [
        { 'X-Forwarded-Host': 'evil.example' }, { 'X-Forwarded-Host': 'a@evil.example, b' }, { 'X-Forwarded-Proto': 'javascript' }, { 'X-Forwarded-Prefix': '//evil.example' },
        { Forwarded: 'host=evil.example;proto=https' }, { 'X-Forwarded-Host': 'x%0d%0aSet-Cookie:%20evil=1' }, { 'X-Host': 'evil.example', 'X-Original-Host': 'evil.example' },
    ];
    for (const headers of lies) {
        const login = await Caller.login(service, 'alice', { app: 'mobile', headers });
        assert.equal(decoded(login.access).iss, service.url);
        assert.doesNotMatch(JSON.stringify([login.answer.rawHeaders, login.answer.json]), /evil/);
        for (const path of ['/v1/me', '/v1/nowhere', '/.well-known/jwks.json']) {
            const a = await service.request(path, { headers });
            assert.doesNotMatch(JSON.stringify([a.rawHeaders, a.text]), /evil/, path);
            assert.equal(a.headers.location, undefined);
        }
    }
    // the origin rule compares with what is configured, not with what the request says of itself
    for (const more of [{ Host: 'evil.example' }, { 'X-Forwarded-Host': 'evil.example' }])
        refused(await service.request('/v1/login', { json: { username: 'alice', password: PASSWORD }, headers: { Origin: 'http://evil.example', ...more } }), 403, 'origin_refused');
    // line breaks end the connection before anything is read into them
    for (const bytes of [`X-Forwarded-Host: a\rSet-Cookie: evil=1\r\n`, `X-Forwarded-Host: a\nSet-Cookie: evil=1\r\n`, `Host: evil.example\r\n`]) {
        const all = await talk(service.port, get('/verify', bytes));
        assert.deepEqual(all.map((a) => a.status), [400]);
        assert.doesNotMatch(JSON.stringify(all), /evil/);
    }
});

describe('G07: a path has one spelling', () => {
    const other = ['/v1/me/', '//v1/me', '/v1//me', '/./v1/me', '/v1/./me', '/x/../v1/me', '/public/..;/v1/me', '/v1;x/me', '/v1/me;x', '/v1/me;jsessionid=1', '/v1/m%65', '/%76%31/me',
        '/v1%2fme', '/v1/me%2f', '/v1/me%00', '/v1/me%00.png', '/v1/me%20', '/v1/me%09', '/v1/me%0a', '/V1/ME', '/v1/Me', '/v1\\me', '/v1/me.json', '/%2e%2e/v1/me', '/healthz/../v1/me', '/healthz/%2e%2e/v1/me',
        '/v1/%c0%ae%c0%ae/v1/me', '/v1/me#x', '/v1/me%23', '/v1/me%3f', '/v1/\xffme'];

    test('G07 of /v1/me, with a credential', async () => {
        assert.equal((await ask(service.port, get('/v1/me', cookie()))).status, 200);
        for (const target of other) {
            const a = await ask(service.port, get(target, cookie()));
            assert.ok([400, 404].includes(a.status), `${target} answered ${a.status}`);
            assert.ok(!a.body.includes('alice'), target);
        }
    });

    test('G07 of the admin API, without the role', async () => {
        for (const target of ['/v1/admin/users', '//v1/admin/users', '/v1/admin/users/', '/v1/me/../admin/users', '/v1/me/..;/admin/users', '/healthz;/../v1/admin/users', '/v1/%61dmin/users', '/v1/ADMIN/users', '/v1/admin%2fusers', '/v1/admin;x/users', '/v1/admin/users%00', '/v1/admin/users;a=b', '/v1/./admin/users', '/v1/admin\\users']) {
            const a = await ask(service.port, get(target, cookie()));
            assert.ok([400, 403, 404].includes(a.status), `${target} answered ${a.status}`);
        }
    });

    test('G07 of a policy: no spelling of its name is a weaker one', async () => {
        for (const target of ['/verify/admins', '/verify/./admins', '/verify//admins', '/verify/ADMINS', '/verify/admins/', '/verify/admins%00', '/verify/admin%73', '/verify/admins;x', '/verify/x/../../verify', '/verify/..', '/verify/%2e%2e', '/verify/', '/verify;x', '//verify', '/VERIFY', '/verify%00', '/verif%79']) {
            const a = await ask(service.port, get(target, cookie()));
            assert.ok([400, 401, 403, 404].includes(a.status), `${target} answered ${a.status}`);
        }
        assert.equal((await ask(service.port, get('/verify', cookie()))).status, 204);
    });

    test('G07 a target with a host in it gets the decision of its path, or none', async () => {
        for (const target of ['http://evil.example/v1/me', `http://evil.example@127.0.0.1:${service.port}/v1/me`]) {
            assert.ok([400, 401, 404].includes((await ask(service.port, get(target))).status), target);
            const a = await ask(service.port, get(target, cookie()));
            assert.ok([200, 400, 404].includes(a.status) && !/evil/.test(a.lines.join() + a.body), target);
            assert.ok([400, 403, 404].includes((await ask(service.port, get(target.replace('v1/me', 'v1/admin/users'), cookie()))).status), target);
        }
        for (const target of ['v1/me', '*', 'evil.example:443', 'http://evil.example', 'http:///v1/me']) assert.ok([400, 404].includes((await ask(service.port, get(target, cookie()))).status), target);
    });
});

describe('G09: one reading of where a request ends', () => {
    const smuggled = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n', body = '{"username":"alice","password":"x"}';
    const post = (headers, text) => `POST /v1/login HTTP/1.1\r\n${host()}Content-Type: application/json\r\n${headers}\r\n${text}`;
    const chunk = (size, more = '') => post('Transfer-Encoding: chunked\r\n', `${size}\r\n${body}\r\n0\r\n${more}\r\n`);
    for (const [name, bytes] of [
        ['Content-Length and Transfer-Encoding', () => post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
        ['Transfer-Encoding and Content-Length', () => post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n')],
        ['two Content-Length', () => post(`Content-Length: ${body.length}\r\nContent-Length: 0\r\n`, body)],
        ['a signed length', () => post(`Content-Length: +${body.length}\r\n`, body)],
        ['a length in a list', () => post(`Content-Length: ${body.length}, ${body.length}\r\n`, body)],
        ['an unknown coding', () => post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
        ['chunked twice', () => post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n')],
        ['a blank before the colon', () => post(`Content-Length : ${body.length}\r\n`, body)],
        ['a folded line', () => post(`Transfer-Encoding:\r\n chunked\r\n`, '0\r\n\r\n')],
        ['a bare line feed', () => post(`X-A: b\nContent-Length: ${body.length}\r\n`, body)],
        ['a chunk size in C\'s notation', () => chunk(`0x${body.length.toString(16)}`)],
        ['a signed chunk size', () => chunk(`+${body.length.toString(16)}`)],
        ['a second Host', () => get('/healthz', 'Host: evil.example\r\n')],
        ['no Host', () => 'GET /healthz HTTP/1.1\r\n\r\n'],
    ]) test(`G09 ${name}`, async () => {
        const all = await talk(service.port, bytes() + smuggled);
        assert.deepEqual(all.map((a) => a.status).filter((s) => s !== 100), [400], JSON.stringify(all));
        assert.match(all.at(-1).headers.connection ?? '', /close/i);
    });
});

describe('G11: one credential, in its own place', () => {
    const decision = async (target, headers) => (await ask(service.port, get(target, headers))).status;
    test('G11 two of them, of one kind or of two', async () => {
        const token = `Authorization: Bearer ${mobile.access}\r\n`, api = `X-API-Key: ${key}\r\n`;
        for (const headers of [token + token, token + cookie(), cookie() + api, token + api, api + api, `${token}Authorization: Basic YTpi\r\n`, `Authorization: Basic YTpi\r\n${token}`,
            `Cookie: ${COOKIE.session}=${web.jar.get(COOKIE.session)}; ${COOKIE.session}=${web.jar.get(COOKIE.session)}\r\n`, cookie() + cookie(),
            `Authorization: Bearer ${mobile.access}, Bearer ${mobile.access}\r\n`, `Authorization: Bearer ${mobile.access} ${mobile.access}\r\n`]) {
            assert.ok([400, 401].includes(await decision('/v1/me', headers)), `/v1/me: ${headers}`);
            assert.equal(await decision('/verify', headers), 401, headers);
        }
    });
    test('G11 a token in the query or a form is none, and helps no other', async () => {
        for (const name of ['access_token', 'token', 'bearer', 'jwt', 'api_key', 'Authorization', COOKIE.session]) {
            const value = name === COOKIE.session ? web.jar.get(COOKIE.session) : mobile.access;
            assert.equal(await decision(`/v1/me?${name}=${value}`, ''), 401, name);
            assert.equal(await decision(`/verify?${name}=${value}`, ''), 401, name);
        }
        const form = `access_token=${mobile.access}`;
        const a = await ask(service.port, `POST /verify HTTP/1.1\r\n${host()}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`);
        assert.ok([400, 401].includes(a.status), String(a.status));
    });
    test('G11 a token under another scheme, or none', async () => {
        for (const value of [`Basic ${mobile.access}`, `Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}`, `Basic ${Buffer.from(`:${mobile.access}`).toString('base64')}`, mobile.access, `Token ${mobile.access}`, `Bearer`, `Bearer `, `Bearer:${mobile.access}`, `Bearer=${mobile.access}`, `Bearer "${mobile.access}"`, `Bearer\t${mobile.access}`, `DPoP ${mobile.access}`, `JWT ${mobile.access}`, `Bearer Bearer ${mobile.access}`])
            for (const target of ['/v1/me', '/verify']) assert.ok([400, 401].includes(await decision(target, `Authorization: ${value}\r\n`)), `${target} ${value.slice(0, 12)}`);
    });
    test('G11 a credential under another kind\'s name', async () => {
        const session = web.jar.get(COOKIE.session);
        for (const headers of [`X-API-Key: ${mobile.access}\r\n`, `X-API-Key: ${session}\r\n`, `Authorization: Bearer ${session}\r\n`, `Authorization: Bearer ${mobile.refresh}\r\n`,
            `Cookie: ${COOKIE.session}=${mobile.access}\r\n`, `Cookie: ${COOKIE.session}=${key}\r\n`, `Cookie: ${COOKIE.access}=${session}\r\n`, `Cookie: ${COOKIE.refresh}=${mobile.refresh}\r\n`,
            `Cookie: cardea=${session}\r\n`, `Cookie: __host-cardea=${session}\r\n`, `Cookie: $Version=1; ${COOKIE.session}\r\n`])
            assert.equal(await decision('/verify', headers), 401, headers.slice(0, 40));
    });
});

test('G12 nothing sent comes back as a header of its own', async () => {
    const names = (a) => a.lines.map((l) => l.slice(0, l.indexOf(':')).toLowerCase());
    for (const bytes of [
        get('/v1/me?x=%0d%0aSet-Cookie:%20evil=1'), get('/%0d%0aSet-Cookie:%20evil=1'), get('/verify/%0d%0aSet-Cookie:%20evil=1', cookie()), get('/v1/me', 'X-Request-Id: a%0d%0aSet-Cookie:evil=1\r\n'),
        get('/v1/me', 'X-Request-Id: a\rSet-Cookie: evil=1\r\n'), get('/v1/me', 'Origin: https://a%0d%0aSet-Cookie:evil=1\r\n'), get('/v1/me', 'Authorization: Bearer a"\\%0d%0aSet-Cookie: evil=1\r\n'),
        `OPTIONS /v1/login HTTP/1.1\r\n${host()}Origin: https://evil.example\r\nAccess-Control-Request-Method: POST%0d%0aX: evil\r\nAccess-Control-Request-Headers: a%0d%0aevil: 1\r\n\r\n`,
    ]) {
        const a = await ask(service.port, bytes);
        assert.ok(a.status >= 200 && a.status < 500, bytes);
        assert.ok(!names(a).includes('set-cookie') && !/evil/.test(a.lines.join('\n')), a.lines.join('\n'));
    }
    // and what a user may put into an account arrives in one line, escaped
    const name = 'a\r\nSet-Cookie: evil=1\u001b[31m';
    const changed = await web.request('/v1/me', { method: 'PATCH', json: { name } });
    const remote = await Service.start({ settings: { apps: { web: 'web' }, verify: { headers: 'remote' } } });
    try {
        const c = await Caller.login(remote, 'alice');
        for (const value of [name, 'a\u0000b', 'a,b"c%0d%0a', 'é\u2028x']) {
            const set = await c.request('/v1/me', { method: 'PATCH', json: { name: value } });
            assert.ok([200, 400].includes(set.status), set.text);
            const a = await ask(remote.port, `GET /verify HTTP/1.1\r\nHost: 127.0.0.1:${remote.port}\r\nCookie: ${c.jar.header()}\r\n\r\n`);
            assert.equal(a.status, 204);
            assert.ok(!names(a).includes('set-cookie'));
            assert.ok(/^[\x20-\x7e]*$/.test(a.lines.join('')), 'printable ASCII only');
        }
    } finally {
        await remote.end();
    }
    assert.ok([200, 400].includes(changed.status));
});

describe('G13: the slow keep nobody out', () => {
    const others = async () => {
        for (let i = 0; i < 10; i++) allowed(await web.verify(), 204);
        allowed(await service.request('/healthz'));
    };
    test('G13 heads and bodies that trickle are cut at their deadline, whatever comes in', async () => {
        const heads = Array.from({ length: 100 }, () => connect(service.port)), bodies = Array.from({ length: 100 }, () => connect(service.port));
        for (const c of heads) c.write('GET /verify HTTP/1.1\r\n');
        for (const c of bodies) c.write(`POST /v1/login HTTP/1.1\r\n${host()}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`);
        const drip = setInterval(() => {
            for (const c of heads) if (!c.closed) c.write('X-A: b\r\n'.slice(0, 1));
            for (const c of bodies) if (!c.closed) c.write(' ');
        }, 100);
        try {
            await others();
            for (const c of [...heads, ...bodies]) await c.until(() => c.closed, 'the cut');
            for (const c of [...heads, ...bodies]) assert.ok(answers(c.text).every((a) => a.status >= 400), c.text);
        } finally {
            clearInterval(drip);
        }
        await others();
    });
    test('G13 a thousand pipelined requests are answered in turn, beside others', async () => {
        const c = connect(service.port);
        c.write(Array.from({ length: 1000 }, (_, i) => get(i % 2 ? '/verify' : '/healthz', i % 4 === 1 ? cookie() : '')).join(''));
        await others();
        await c.until(() => answers(c.text).length >= 1000 || c.closed, 'a thousand answers');
        const all = answers(c.text);
        assert.deepEqual(all.map((a) => a.status), Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 200 : i % 4 === 1 ? 204 : 401)));
        c.close();
    });
    test('G13 a reader that does not read holds up nobody', async () => {
        const c = connect(service.port);
        c.socket.pause();
        c.write(get('/.well-known/jwks.json').repeat(2000));
        await others();
        c.close();
    });
});
