// A disk that is full, or turned read-only, under a running service: a change is refused and nothing of it is there, what is in memory is
// checked, and all goes on when there is room. The broken disk is played by a library loaded before the service's; as root, a small file
// system is filled too. (The engine alone, write by write: tests/conformance/sqlite_test.c.)
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PASSWORD, Service, temporary } from './lib/service.mjs';
import { Caller, allowed, bearer, eventually } from './lib/credentials.mjs';

const settings = { apps: { web: 'web', mobile: 'mobile' }, guess: { free: 100, address_per_minute: 10000 }, limits: { sessions_per_user: 10000 } };

/** What holds of any disk that takes nothing: `broken` makes it so, `mended` ends that. */
async function takesNothing(service, broken, mended) {
    const kept = await Caller.login(service, 'alice', { app: 'mobile' }), web = await Caller.login(service, 'alice');
    const out = await Caller.login(service, 'alice', { app: 'mobile' });
    allowed(await out.request('/v1/logout', { method: 'POST' }), 204);
    await broken();
    try {
        assert.equal((await kept.verify()).status, 204, 'what is in memory is checked');
        assert.equal((await out.verify()).status, 401);
        for (const answer of [
            await service.request('/v1/login', { json: { username: 'alice', password: PASSWORD, app: 'mobile' } }),
            await service.request('/v1/refresh', { json: { refresh_token: kept.refresh } }),
            await web.request('/v1/logout', { method: 'POST' }),
        ]) {
            assert.equal(answer.status, 503, answer.text);
            assert.ok(answer.headers['retry-after'] !== undefined);
        }
        // the logout was refused, not lost: it did not happen, or nobody can tell and nobody is let in
        assert.ok([204, 503].includes((await web.verify()).status));
        assert.equal((await service.request('/healthz', { contract: false })).status, 200);
    } finally {
        await mended();
    }
    await eventually('it takes changes again', async () => (await service.request('/v1/login', { json: { username: 'alice', password: PASSWORD, app: 'mobile' } })).status === 200);
    await kept.rotate();
    await service.restart('SIGKILL');
    assert.equal((await kept.verify()).status, 204, 'what was answered is there');
    assert.equal((await out.verify()).status, 401, 'what had ended stays ended');
    const audit = service.cli(['audit', '--verify'], { env: { LD_PRELOAD: '' } });
    assert.equal(audit.status, 0, audit.stdout + audit.stderr);
}

describe('a disk that is played', () => {
    const folder = temporary('cardea-disk-'), flag = join(folder, 'fault'), library = join(folder, 'fail_disk.so');
    let service;
    before(async () => {
        const made = spawnSync('cc', ['-shared', '-fPIC', '-o', library, fileURLToPath(new URL('./lib/fail_disk.c', import.meta.url)), '-ldl'], { encoding: 'utf8' });
        assert.equal(made.status, 0, made.stderr);
        service = await Service.start({ settings });
        await service.stop();
        service.env = { ...service.env, LD_PRELOAD: library, FAIL_DISK: flag };
        await service.launch();
    });
    after(async () => {
        rmSync(flag, { force: true });
        await service?.end();
        rmSync(folder, { recursive: true, force: true });
    });
    test('full', () => takesNothing(service, () => writeFileSync(flag, 'f'), () => rmSync(flag)));
    test('read-only', () => takesNothing(service, () => writeFileSync(flag, 'r'), () => rmSync(flag)));
});

describe('a file system of its own', () => {
    const folder = temporary('cardea-disk-');
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', folder]).status === 0;
    const reason = mounted ? false : 'nobody but root may mount one; the disk above is played';
    after(() => {
        if (mounted) spawnSync('umount', ['-l', folder]);
        rmSync(folder, { recursive: true, force: true });
    });
    test('is full', { skip: reason }, async () => {
        const state = join(folder, 'state'), ballast = join(folder, 'ballast');
        mkdirSync(state, { mode: 0o700 });
        const service = await Service.start({ settings, state });
        try {
            await takesNothing(service, async () => {
                const { bavail, bsize } = statfsSync(folder);
                writeFileSync(ballast, Buffer.alloc(bavail * bsize));
                // the log has room of its own for a while
                await eventually('no more is taken', async () => (await service.request('/v1/login', { json: { username: 'alice', password: PASSWORD } })).status === 503, 60_000);
            }, () => rmSync(ballast));
        } finally {
            await service.end();
        }
    });
    test('is read-only at the start', { skip: reason }, async () => {
        const state = join(folder, 'frozen');
        mkdirSync(state, { mode: 0o700 });
        const service = await Service.start({ settings, state });
        const who = await Caller.login(service, 'alice', { app: 'mobile' });
        await service.stop();
        assert.equal(spawnSync('mount', ['-o', 'remount,ro', folder]).status, 0);
        try {
            await assert.rejects(service.launch(), /ended at once: .*(read-only|Read-only)/s);
        } finally {
            spawnSync('mount', ['-o', 'remount,rw', folder]);
        }
        await service.launch();
        assert.equal((await service.verify({ headers: bearer(who.access) })).status, 204);
        await service.end();
    });
});
