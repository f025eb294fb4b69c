// Does /verify answer as docs/forward-auth.md says, for a proxy that asks and for one that is not trusted?
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { PASSWORD, Service } from './lib/service.mjs';

const evil = 'https://evil.example';
const cookieOf = (jar, name = '__Host-cardea') => `${name}=${jar.get(name)}`;
const policies = {
    admins: { roles: ['admin'] }, cookies: { kinds: ['session'] }, programs: { kinds: ['token', 'key'] }, readers: { kinds: ['key'], scopes: ['read'] },
    phones: { apps: ['mobile'] }, fresh: { login_age_max: '1s' }, audience: { audience: 'https://api.example' },
};

describe('/verify', () => {
    let service;
    before(async () => {
        service = await Service.start({
            settings: { trusted_proxies: ['127.0.0.1'], apps: { web: 'web', spa: 'spa', mobile: 'mobile', service: { profile: 'service', audience: 'https://api.example' }, shop: { profile: 'web', origins: ['https://shop.example'] } }, policies },
            users: [{ name: 'alice', roles: ['staff'] }, { name: 'root', roles: ['admin'] }],
        });
    });
    after(() => service?.end());

    const status = async (headers, policy, method = 'GET') => (await service.verify({ headers, method }, policy)).status;

    test('any method and any query, the credential alone counts', async () => {
        const { jar } = await service.login();
        for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
            for (const query of ['', '?access_token=x', '?a=%00&a=b', '?policy=admins']) {
                const path = `/verify${query}`;
                assert.equal((await service.request(path, { method, headers: { Cookie: cookieOf(jar) } })).status, 204, `${method} ${path}`);
                assert.equal((await service.request(path, { method })).status, 401, `${method} ${path}`);
            }
        }
        const { token } = { token: (await service.login('alice', { app: 'mobile' })).access };
        assert.equal((await service.request(`/verify?access_token=${token}`)).status, 401);
    });

    test('policies: kinds, apps, roles, scopes, audience; an unknown one is 403', async () => {
        const web = await service.login(), root = await service.login('root'), phone = await service.login('alice', { app: 'mobile' }), other = await service.login('alice', { app: 'service' });
        const cookie = { Cookie: cookieOf(web.jar) }, bearer = { Authorization: `Bearer ${phone.access}` }, api = { Authorization: `Bearer ${other.access}` };
        const key = { 'X-API-Key': service.command(['apikey', 'create', 'alice', '--name', 'a', '--scope', 'read']).key };
        const plain = { 'X-API-Key': service.command(['apikey', 'create', 'alice', '--name', 'b']).key };
        const table = [
            [undefined, cookie, 204], [undefined, bearer, 204], [undefined, key, 204], [undefined, api, 204],
            ['admins', cookie, 403], ['admins', { Cookie: cookieOf(root.jar) }, 204],
            ['cookies', cookie, 204], ['cookies', bearer, 401], ['cookies', key, 401], ['cookies', { ...cookie, ...bearer }, 204],
            ['programs', cookie, 401], ['programs', bearer, 204], ['programs', key, 204], ['programs', { ...bearer, ...key }, 401],
            ['readers', key, 204], ['readers', plain, 403], ['readers', bearer, 401],
            ['phones', bearer, 204], ['phones', cookie, 403], ['phones', api, 403],
            ['audience', bearer, 403], ['audience', api, 204], ['audience', cookie, 204],
            ['nothing', cookie, 403], ['Admins', cookie, 403], ['admin%73', { Cookie: cookieOf(root.jar) }, 403],
        ];
        for (const [policy, headers, wanted] of table) assert.equal(await status(headers, policy), wanted, `${policy} ${Object.keys(headers)}`);
    });

    test('the age of the login counts, and a step-up makes it young again', async () => {
        const { jar, csrf } = await service.login();
        const before = Date.now();
        const first = await status({ Cookie: cookieOf(jar) }, 'fresh');
        if (Date.now() - before < 500) assert.equal(first, 204);
        for (;;) if ((await status({ Cookie: cookieOf(jar) }, 'fresh')) === 403) break;
        assert.equal(await status({ Cookie: cookieOf(jar) }), 204);
        const again = await service.request('/v1/reauthenticate', { json: { password: PASSWORD }, jar, headers: { 'X-CSRF-Token': csrf } });
        assert.equal(again.status, 200, again.text);
        assert.equal(await status({ Cookie: cookieOf(jar) }, 'fresh'), 204);
    });

    test('the origin rule, by the word of a trusted proxy', async () => {
        const cookie = { Cookie: cookieOf((await service.login()).jar) }, shop = { Cookie: cookieOf((await service.login('alice', { app: 'shop' })).jar) };
        const bearer = { Authorization: `Bearer ${(await service.login('alice', { app: 'mobile' })).access}` };
        const from = (method, origin, upgrade = '-', more = {}) => ({ ...(method && { 'X-Original-Method': method }), ...(upgrade && { 'X-Original-Upgrade': upgrade }), ...(origin && { 'X-Original-Origin': origin }), ...more });
        for (const [headers, wanted] of [
            [from('GET', evil), 204], [from('POST', evil), 403], [from('POST', service.url), 204], [from('POST', 'null'), 403], [from('POST'), 204],
            [from('GET', evil, 'websocket'), 403], [from('GET', service.url, 'websocket'), 204], [from('GET', evil, ''), 403], [from('', evil), 403],
            [from('POST', '', '-', { 'X-Original-Sec-Fetch-Site': 'cross-site' }), 403], [from('POST', '', '-', { 'Sec-Fetch-Site': 'cross-site' }), 403], [{ Origin: evil }, 403], [{}, 204],
        ]) {
            assert.equal(await status({ ...cookie, ...headers }), wanted, JSON.stringify(headers));
            assert.equal(await status({ ...bearer, ...headers }), 204, JSON.stringify(headers));
        }
        assert.equal(await status({ ...shop, ...from('POST', 'https://shop.example') }), 204);
        assert.equal(await status({ ...cookie, ...from('POST', 'https://shop.example') }), 403);
    });

    test('a role, a suspension, a revocation count for the next request', async () => {
        const { jar, user, sid } = await service.login(), phone = await service.login('alice', { app: 'mobile' });
        const all = [{ Cookie: cookieOf(jar) }, { Authorization: `Bearer ${phone.access}` }, { 'X-API-Key': service.command(['apikey', 'create', 'alice', '--name', 'c']).key }];
        const answers = async (policy) => Promise.all(all.map((h) => status(h, policy)));
        assert.deepEqual(await answers('admins'), [403, 403, 403]);
        service.command(['user', 'roles', 'alice', 'admin']);
        assert.deepEqual(await answers('admins'), [204, 204, 204]);
        service.command(['user', 'roles', 'alice', 'staff']);
        assert.deepEqual(await answers('admins'), [403, 403, 403]);
        service.command(['user', 'suspend', 'alice']);
        assert.deepEqual(await answers(), [401, 401, 401]);
        service.command(['user', 'resume', 'alice']);
        // a suspension ends the logins for good; the key is its owner's again
        assert.deepEqual(await answers(), [401, 401, 204]);
        assert.ok(user.id && sid);
    });

    test('everything is as it was after a restart', async () => {
        const web = await service.login(), ended = await service.login(), phone = await service.login('alice', { app: 'mobile' });
        const key = service.command(['apikey', 'create', 'alice', '--name', 'd']).key;
        await service.request('/v1/logout', { method: 'POST', jar: ended.jar.copy(), headers: { 'X-CSRF-Token': ended.csrf } });
        await service.restart();
        assert.equal(await status({ Cookie: cookieOf(web.jar) }), 204);
        assert.equal(await status({ Authorization: `Bearer ${phone.access}` }), 204);
        assert.equal(await status({ 'X-API-Key': key }), 204);
        assert.equal(await status({ Cookie: cookieOf(ended.jar) }), 401);
    });

    test('thousands of checks on one connection', async () => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const { jar } = await service.login();
        for (let i = 0; i < 3000; i++) {
            const headers = i % 3 ? { Cookie: cookieOf(jar) } : {};
            const answer = await service.verify({ headers, agent });
            assert.equal(answer.status, i % 3 ? 204 : 401);
        }
        agent.destroy();
    });
});

describe('/verify asked by somebody else', () => {
    let service;
    before(async () => { service = await Service.start({ settings: { apps: { web: 'web' }, verify: { headers: 'remote' } } }); });
    after(() => service?.end());

    test('its word about the original request is not heard', async () => {
        const cookie = cookieOf((await service.login()).jar);
        const lies = { 'X-Original-Method': 'GET', 'X-Original-Upgrade': '-', 'X-Original-Origin': service.url };
        assert.equal((await service.verify({ contract: false, headers: { Cookie: cookie, ...lies, Origin: evil } })).status, 403);
        assert.equal((await service.verify({ contract: false, headers: { Cookie: cookie, ...lies, 'Sec-Fetch-Site': 'cross-site' } })).status, 403);
        assert.equal((await service.verify({ contract: false, headers: { Cookie: cookie, ...lies } })).status, 204);
    });

    test('Remote-* by configuration', async () => {
        const answer = await service.verify({ headers: { Cookie: cookieOf((await service.login()).jar) }, contract: false });
        assert.equal(answer.status, 204);
        assert.equal(answer.headers['remote-user'], 'alice');
        assert.equal(answer.headers['x-auth-user'], undefined);
    });
});
