// Do the known attacks on accounts fail? Group H of the list, end to end; H03 is in guessing.test.mjs, H09 to H18 wait for their features; refresh tokens and signup are in attacks_oauth.test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Service, PASSWORD } from './lib/service.mjs';
import { Caller, allowed, bearer, refused } from './lib/credentials.mjs';

describe('group H', () => {
    let service, admin;
    before(async () => {
        service = await Service.start({
            settings: { signup: true, apps: { web: 'web', mobile: 'mobile', api: 'api' }, guess: { free: 100, address_per_minute: 10000 } },
            users: [{ name: 'root', roles: ['admin'] }, { name: 'alice' }, { name: 'bob' }, { name: 'gone' }],
        });
        service.command(['user', 'suspend', 'gone']);
        service.command(['user', 'add', 'keyless', '--no-password']);
        admin = await Caller.login(service, 'root', { app: 'mobile' });
    });
    after(() => service?.end());
    const login = (username, password, headers) => service.request('/v1/login', { json: { username, password }, headers });

    test('H01 unknown, known, suspended and passwordless accounts fail alike', async () => {
        const shape = (a) => {
            const { date, 'x-request-id': id, ...headers } = a.headers;
            assert.ok(date && id);
            return JSON.stringify([a.status, headers, a.text.replace(id, '')]);
        };
        const wrong = 'certainly not this one';
        const shapes = new Set();
        for (const [name, password] of [['alice', wrong], ['nobody', wrong], ['gone', wrong], ['gone', PASSWORD], ['keyless', wrong], ['keyless', PASSWORD], ['no such name!', wrong], ['a'.repeat(64), wrong]])
            shapes.add(shape(refused(await login(name, password), 401, 'invalid_credentials')));
        assert.equal(shapes.size, 1, [...shapes].join('\n'));
    });

    test('H05 a huge password or body is refused before any hashing', async () => {
        for (const size of [1025, 4096, 60_000]) {
            const a = await login('alice', 'x'.repeat(size));
            assert.ok([400, 401, 413].includes(a.status), a.text);
            const b = await service.request('/v1/signup', { json: { username: 'long', password: 'x y z'.repeat(size / 4) } });
            assert.ok([400, 413].includes(b.status), b.text);
        }
        refused(await login('alice', 'x'.repeat(200_000)), 413, 'too_large');
        allowed(await login('alice', PASSWORD));
    });

    test('H06 passwords are compared byte for byte: NUL, blanks, length, composition', async () => {
        const base = 'grün und lang genug für hier', nfd = base.normalize('NFD');
        const long = `${'kettle '.repeat(20)}violin`;
        assert.notEqual(base, nfd);
        for (const [name, password] of [['umlaut', base], ['longer', long]]) allowed(await service.request('/v1/signup', { json: { username: name, password } }), 201);
        for (const [name, password] of [['umlaut', nfd], ['umlaut', `${base} `], ['umlaut', ` ${base}`], ['umlaut', base.toUpperCase()], ['umlaut', base.slice(0, -1)],
            ['longer', long.slice(0, 72)], ['longer', long.slice(0, 128)], ['longer', `${long}x`], ['longer', long.slice(0, -1)]])
            refused(await login(name, password), 401, 'invalid_credentials');
        for (const name of ['umlaut', 'longer']) allowed(await login(name, name === 'umlaut' ? base : long));
        for (const password of [`${base}\0`, `${base}\0suffix`, '\0'.repeat(12)]) {
            assert.ok([400, 401].includes((await login('umlaut', password)).status));
            refused(await service.request('/v1/signup', { json: { username: 'nul', password } }), 400, 'invalid_field', 'password');
        }
        // a lone surrogate is no text
        const raw = await service.request('/v1/login', { body: '{"username":"umlaut","password":"\\ud800aaaaaaaa"}', headers: { 'Content-Type': 'application/json' } });
        refused(raw, 400, 'bad_json');
    });

    test('H08 one canonical form of a name, everywhere', async () => {
        for (const same of ['alice', 'ALICE', 'Alice', 'aLiCe']) {
            assert.equal(allowed(await login(same, PASSWORD)).json.user.username, 'alice');
            refused(await service.request('/v1/signup', { json: { username: same, password: PASSWORD } }), 409, 'username_taken');
            refused(await service.request('/v1/admin/users', { json: { username: same }, headers: bearer(admin.access) }), 409, 'username_taken');
            assert.equal(service.command(['user', 'show', same]).user.username, 'alice');
            assert.equal(service.cli(['user', 'add', same, '--no-password']).status, 5);
        }
        for (const other of ['alice ', ' alice', 'alice\u200b', 'ａｌｉｃｅ', 'ᴬᴸᴵᶜᴱ', 'alıce', 'аlice', 'alice\0', 'alice\n', 'al ice', 'alice/..', '']) {
            assert.ok([400, 401].includes((await login(other, PASSWORD)).status), other);
            refused(await service.request('/v1/signup', { json: { username: other, password: PASSWORD } }), 400, 'invalid_field', 'username');
            refused(await service.request('/v1/admin/users', { json: { username: other }, headers: bearer(admin.access) }), 400, 'invalid_field', 'username');
        }
    });

    test('H20 what belongs to another is not there', async () => {
        const alice = await Caller.login(service, 'alice', { app: 'mobile' }), bob = await Caller.login(service, 'bob', { app: 'mobile' });
        const key = allowed(await service.request('/v1/api-keys', { json: { name: 'of alice' }, headers: bearer(alice.access) }), 201).json;
        refused(await service.request(`/v1/sessions/${alice.sid}`, { method: 'DELETE', headers: bearer(bob.access) }), 404, 'not_found');
        refused(await service.request(`/v1/api-keys/${key.id}`, { method: 'DELETE', headers: bearer(bob.access) }), 404, 'not_found');
        const none = refused(await service.request(`/v1/sessions/${'A'.repeat(22)}`, { method: 'DELETE', headers: bearer(bob.access) }), 404, 'not_found');
        assert.equal(none.json.detail, refused(await service.request(`/v1/sessions/${alice.sid}`, { method: 'DELETE', headers: bearer(bob.access) }), 404, 'not_found').json.detail);
        for (const path of [`/v1/admin/users/${alice.user.id}`, `/v1/admin/users/${bob.user.id}`, '/v1/admin/users', '/v1/admin/audit', '/v1/admin/signing-keys'])
            refused(await service.request(path, { headers: bearer(bob.access) }), 403, 'forbidden');
        allowed(await alice.verify(), 204);
        assert.equal((await service.verify({ headers: { 'X-API-Key': key.key } })).status, 204);
        // a cursor of somebody else's list opens nothing of theirs
        for (let i = 0; i < 3; i++) await Caller.login(service, 'alice', { app: 'mobile' });
        const page = allowed(await service.request('/v1/sessions?limit=1', { headers: bearer(alice.access) })).json;
        assert.ok(page.next_cursor);
        const foreign = await service.request(`/v1/sessions?cursor=${encodeURIComponent(page.next_cursor)}`, { headers: bearer(bob.access) });
        if (foreign.status === 200) for (const s of foreign.json.items) assert.equal(s.current || s.sid !== alice.sid, true);
        if (foreign.status === 200) {
            const own = allowed(await service.request('/v1/sessions?limit=200', { headers: bearer(bob.access) })).json.items.map((s) => s.sid);
            assert.ok(foreign.json.items.every((s) => own.includes(s.sid)), "another's session in the list");
        }
    });

    test('H21 nothing can be assigned that is not offered', async () => {
        const bob = await Caller.login(service, 'bob', { app: 'mobile' });
        for (const field of ['role', 'roles', 'is_admin', 'status', 'tenant_id', 'mfa_enabled', 'password_hash', 'email_verified', 'epoch', 'id', '__proto__', 'constructor']) {
            refused(await service.request('/v1/me', { method: 'PATCH', body: `{"${field}":"admin"}`, headers: { ...bearer(bob.access), 'Content-Type': 'application/json' } }), 400, 'unknown_field', field);
            refused(await service.request('/v1/signup', { body: `{"username":"mallory","password":"${PASSWORD}","${field}":"admin"}`, headers: { 'Content-Type': 'application/json' } }), 400, 'unknown_field', field);
        }
        assert.deepEqual(allowed(await service.request('/v1/me', { headers: bearer(bob.access) })).json.user.roles, []);
    });

    test('H22 administration needs the role, a login and no API key; there are no default credentials', async () => {
        const adminKey = allowed(await service.request('/v1/api-keys', { json: { name: 'k' }, headers: bearer(admin.access) }), 201).json.key;
        for (const headers of [{}, { 'X-API-Key': adminKey }, bearer(adminKey), bearer('x'), { Authorization: 'Basic YWRtaW46YWRtaW4=' }, { 'X-Auth-User': 'root', 'X-Auth-Roles': 'admin', 'X-Forwarded-For': '127.0.0.1' }])
            assert.ok([400, 401, 403].includes((await service.request('/v1/admin/users', { headers })).status));
        for (const [name, password] of [['admin', 'admin'], ['admin', 'password'], ['root', 'root'], ['cardea', 'cardea'], ['sa', '']]) assert.ok([400, 401].includes((await login(name, password)).status));
    });

    test('H23 nothing is shown that helps: metrics, debugging, version, private parts', async () => {
        for (const path of ['/metrics', '/debug', '/debug/pprof', '/server-status', '/.env', '/v1', '/.well-known/', '/cardea.db', '/master.key', '/admin.sock']) {
            const a = await service.request(path);
            assert.equal(a.status, 404, path);
            assert.doesNotMatch(JSON.stringify(a.rawHeaders) + a.text, /cardea\/|microhttpd|sqlite|gnutls|0\.1\.0/i);
            assert.equal(a.headers.server, undefined);
        }
        const keys = allowed(await service.request('/.well-known/jwks.json')).json.keys;
        for (const k of keys) for (const secret of ['d', 'p', 'q', 'k', 'dp', 'dq', 'qi']) assert.equal(k[secret], undefined);
        assert.match(readFileSync(`/proc/${service.child.pid}/limits`, 'utf8'), /Max core file size +0 +0/);
    });

    test('H24 logs and journal are escaped and hold no secret', async () => {
        const nasty = ['x\r\nlevel=error forged', '\u001b[31mred\u001b[0m', '${jndi:ldap://127.0.0.1/a}', '%s%n%s%n', "'; DROP TABLE user;--", 'A'.repeat(900)];
        const secret = 'a password nobody may read 7';
        for (const text of nasty) {
            await login(text, secret);
            await service.request('/v1/me', { headers: { 'User-Agent': text.replace(/[\r\n\u001b]/g, '.'), 'X-Request-Id': text.replace(/[\r\n\u001b]/g, '.') } });
        }
        const c = await Caller.login(service, 'alice', { app: 'mobile', headers: { 'User-Agent': '%s%n ${jndi:x} <script>' } });
        await service.request(`/v1/me?access_token=${c.access}`, { headers: bearer(c.access) });
        const key = allowed(await service.request('/v1/api-keys', { json: { name: '${jndi:x}' }, headers: bearer(c.access) }), 201).json.key;
        await service.verify({ headers: { 'X-API-Key': key } });
        await service.stop();
        for (const line of service.output.split('\n').filter(Boolean)) {
            assert.doesNotMatch(line, /[\u0000-\u001f\u007f]/, 'a raw control character in the log');
            assert.equal(typeof JSON.parse(line).message, 'string', line);
        }
        const kept = service.output + readFileSync(join(service.state, 'cardea.db'), 'latin1');
        for (const s of [secret, PASSWORD, c.access, c.refresh, key, admin.access]) assert.ok(!kept.includes(s), `a secret is kept: ${s.slice(0, 12)}…`);
        const listing = service.cli(['audit']).stdout + service.cli(['session', 'list', 'alice']).stdout;
        assert.doesNotMatch(listing, /[\u0000-\u0009\u000b-\u001f\u007f]/);
        await service.launch();
    });
});
