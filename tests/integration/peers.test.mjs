// What users of other servers complain about: does it happen here? Refresh races are in races.test.mjs, rotation in admin.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from './lib/raw.mjs';
import { Service } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, cookies, refused } from './lib/credentials.mjs';

let service;
before(async () => { service = await Service.start({ users: [{ name: 'alice' }, { name: 'root', roles: ['admin'] }] }); });
after(() => service?.end());

test('a malformed cookie is never a yes', async () => {
    const c = await Caller.login(service, 'alice');
    const good = c.jar.get(COOKIE.session);
    for (const bad of ['', ' ', '=', '""', `"${good}`, `${good}=`, `${good}A`, good.slice(1), good.toUpperCase(), 'null', 'undefined', '%00', '[]', '{}', 'a'.repeat(4000), `${good},${good}`])
        assert.equal((await service.verify({ headers: cookies({ [COOKIE.session]: bad }) })).status, 401, bad.slice(0, 90));
    for (const header of ['', ';', ';;;', '=', `=${good}`, `${COOKIE.session}`, `${COOKIE.session} =${good}`, `x${COOKIE.session}=${good}`, `${COOKIE.session.toLowerCase()}=${good}`])
        assert.equal((await service.verify({ headers: { Cookie: header } })).status, 401, header.slice(0, 90));
    // the library itself refuses a quote that is not closed
    const open = await ask(service.port, `GET /verify HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${COOKIE.session}="\r\n\r\n`);
    assert.ok(open.status >= 400 && open.status < 500, String(open.status));
    allowed(await c.verify(), 204);
});

test('a request without a credential needs no store and is told so at once', async () => {
    refused(await service.verify(), 401, 'unauthenticated');
});

test('a fresh token is good in the second it was made', async () => {
    for (let i = 0; i < 20; i++) {
        const c = await Caller.login(service, 'alice', { app: 'mobile' });
        allowed(await c.verify(), 204);
        const r = allowed(await service.request('/v1/refresh', { json: { refresh_token: c.refresh } }));
        allowed(await service.verify({ headers: bearer(r.json.access_token) }), 204);
    }
});

test('a rotation of keys logs nobody out, and tokens of both keys are good', async () => {
    const web = await Caller.login(service, 'alice'), mobile = await Caller.login(service, 'alice', { app: 'mobile' }), spa = await Caller.login(service, 'alice', { app: 'spa' });
    const key = allowed(await web.request('/v1/api-keys', { json: { name: 'k' } }), 201).json.key;
    service.command(['signing-key', 'rotate']);
    for (const c of [web, mobile, spa]) allowed(await c.verify(), 204);
    assert.equal((await service.verify({ headers: { 'X-API-Key': key } })).status, 204);
    allowed(await service.request('/v1/refresh', { json: { refresh_token: mobile.refresh } }));
    const kids = allowed(await service.request('/.well-known/jwks.json')).json.keys.map((k) => k.kid);
    assert.ok(kids.length >= 2, 'the key to come is published before it signs');
});

test('a grace answer hands out its cookies again', async () => {
    const c = await Caller.login(service, 'alice', { app: 'spa' });
    const headers = { ...c.headers };
    const first = await service.request('/v1/refresh', { method: 'POST', headers }), again = await service.request('/v1/refresh', { method: 'POST', headers });
    for (const a of [first, again]) {
        allowed(a);
        for (const name of [COOKIE.access, COOKIE.refresh]) assert.ok(a.setCookies.some((line) => line.startsWith(`${name}=`) && !/Max-Age=0/.test(line)), name);
    }
});

test('a session that has ended mints nothing', async () => {
    for (const end of ['logout', 'all', 'admin']) {
        const c = await Caller.login(service, 'alice', { app: 'mobile' });
        if (end === 'admin') service.command(['session', 'revoke', c.sid]);
        else allowed(await service.request(end === 'all' ? '/v1/logout/all' : '/v1/logout', { method: 'POST', headers: bearer(c.access) }), 204);
        refused(await service.request('/v1/refresh', { json: { refresh_token: c.refresh } }), 401, 'invalid_token');
        refused(await service.request('/v1/me', { headers: bearer(c.access) }), 401, 'invalid_token');
    }
});
