// A disk that fails in the middle of a commit: does a change whose outcome nobody knows answer 503, stop the old state at once, and hold
// when the disk is well again and after kill -9, without being asked for again? (core/doubt.h; every kind of change: tests/conformance/doubt_test.c)
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Service, temporary } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, cookies, eventually } from './lib/credentials.mjs';

const folder = temporary('cardea-doubt-'), flag = join(folder, 'disk-fails'), library = join(folder, 'fail_sync.so');
let service, root;
before(async () => {
    mkdirSync(folder, { recursive: true });
    const made = spawnSync('cc', ['-shared', '-fPIC', '-o', library, fileURLToPath(new URL('./lib/fail_sync.c', import.meta.url)), '-ldl'], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    service = await Service.start({ users: [{ name: 'root', roles: ['admin'] }, { name: 'alice' }], settings: { apps: { web: 'web', mobile: 'mobile' }, guess: { free: 100, address_per_minute: 10000 } } });
    await service.stop();
    service.env = { ...service.env, LD_PRELOAD: library, FAIL_SYNC: flag };
    await service.launch();
    root = await Caller.login(service, 'root');
});
after(async () => {
    rmSync(flag, { force: true });
    await service?.end();
    rmSync(folder, { recursive: true, force: true });
});
const fail = () => writeFileSync(flag, '');
const work = () => rmSync(flag, { force: true });
const asks = (headers) => async () => (await service.verify({ headers })).status;
/** The program's own commands are not to suffer. */
const rows = (type) => service.command(['audit', '--type', type], { env: { LD_PRELOAD: '' } }).items.length;

describe('while the disk fails 503, afterwards ended, and so after kill -9', () => {
    const acts = {
        'a logout': { type: 'logout', run: ({ web }) => web.request('/v1/logout', { method: 'POST' }), dead: ['web'], alive: ['token'] },
        'log out everywhere': { type: 'logout_all', run: ({ mobile }) => mobile.request('/v1/logout/all', { method: 'POST' }), dead: ['web', 'token'], alive: [] },
        'a suspension': { type: 'user_suspended', run: ({ web }) => root.request(`/v1/admin/users/${web.user.id}`, { method: 'PATCH', json: { status: 'suspended' } }), dead: ['web', 'token'], alive: [] },
    };
    for (const [name, { type, run, dead, alive }] of Object.entries(acts)) test(name, async () => {
        const web = await Caller.login(service, 'alice'), mobile = await Caller.login(service, 'alice', { app: 'mobile' });
        const ask = { web: asks(cookies({ [COOKIE.session]: web.jar.get(COOKIE.session) })), token: asks(bearer(mobile.access)) };
        const before = rows(type);
        for (const a of Object.values(ask)) assert.equal(await a(), 204);
        fail();
        try {
            const answer = await run({ web, mobile });
            assert.equal(answer.status, 503, answer.text);
            // never a stale yes, and never a no that nobody knows
            for (const a of Object.values(ask)) assert.equal(await a(), 503);
        } finally {
            work();
        }
        for (const d of dead) await eventually('the end holds', async () => { const s = await ask[d](); assert.notEqual(s, 204); return s === 401; });
        for (const a of alive) assert.equal(await ask[a](), 204);
        assert.equal(rows(type), before + 1, 'one row in the journal');
        await service.restart('SIGKILL');
        for (const d of dead) assert.equal(await ask[d](), 401);
        for (const a of alive) assert.equal(await ask[a](), 204);
        assert.equal(rows(type), before + 1);
        assert.equal(service.cli(['audit', '--verify'], { env: { LD_PRELOAD: '' } }).status, 0);
        root = await Caller.login(service, 'root');
    });
    test('and the service says so in its log, and works on', async () => {
        allowed(await root.request('/v1/me'));
        assert.ok(!existsSync(flag));
    });
});
