// Promise 11: is guessing slowed per account and per address, without locking the owner out?
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PASSWORD, Service } from './lib/service.mjs';
import { Jar } from './lib/client.mjs';

describe('promise 11: guessing', () => {
    let service;
    before(async () => {
        // The test speaks for clients at many addresses, as a trusted proxy would.
        service = await Service.start({ settings: { trusted_proxies: ['127.0.0.1'], apps: { web: 'web' }, guess: { wait_max: '2s' } }, users: ['alice', 'bob', 'carol', 'dave'].map((name) => ({ name })) });
    });
    after(() => service?.end());

    const attempt = (username, password, address, jar) => service.request('/v1/login', { json: { username, password }, headers: { 'X-Forwarded-For': address }, jar });
    const wrong = (username, address) => attempt(username, 'certainly not this one', address);
    function throttled(answer) {
        assert.equal(answer.status, 429, answer.text);
        assert.equal(answer.json.code, 'rate_limited');
        assert.match(answer.headers['retry-after'], /^[12]$/);
    }

    // An address earns one attempt every two seconds: on a slow machine the first may be let through, not one after another.
    async function throttledSoon(once) {
        let answer;
        for (let i = 0; i < 5 && answer?.status !== 429; i++) answer = await once();
        throttled(answer);
    }

    test('one account from one address: five free, then it waits, and the right password waits too', async () => {
        for (let i = 0; i < 5; i++) assert.equal((await wrong('alice', '203.0.113.1')).status, 401);
        throttled(await wrong('alice', '203.0.113.1'));
        throttled(await attempt('alice', PASSWORD, '203.0.113.1'));
        throttled(await attempt('ALICE', PASSWORD, '203.0.113.1'));
        // the owner elsewhere does not notice
        assert.equal((await attempt('alice', PASSWORD, '203.0.113.2')).status, 200);
        // and here no later than the longest wait
        const until = Date.now() + 2500;
        let answer;
        do answer = await attempt('alice', PASSWORD, '203.0.113.1'); while (answer.status === 429 && Date.now() < until);
        assert.equal(answer.status, 200, answer.text);
    });

    test('an account that does not exist behaves the same', async () => {
        for (let i = 0; i < 5; i++) assert.equal((await wrong('nobody-here', '203.0.113.3')).status, 401);
        throttled(await wrong('nobody-here', '203.0.113.3'));
    });

    test('H03 one account from many addresses', async () => {
        let let_through = 0;
        for (let i = 0; i < 40; i++) let_through += (await wrong('bob', `198.51.100.${i + 1}`)).status === 401;
        assert.ok(let_through >= 5 && let_through <= 12, `${let_through} guesses`);
    });

    test('parallel guesses are counted while they run', async () => {
        const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => wrong('carol', `198.51.101.${i + 1}`)));
        const counts = Object.groupBy ? Object.groupBy(answers, (a) => a.status) : answers.reduce((o, a) => ({ ...o, [a.status]: [...(o[a.status] ?? []), a] }), {});
        assert.ok((counts[401]?.length ?? 0) <= 32, `${counts[401]?.length} of 60`);
        assert.ok(answers.every((a) => [401, 429, 503].includes(a.status)));
        throttled(await wrong('carol', '198.51.101.99'));
    });

    test('H03 a spray over many accounts is held by its address, of IPv6 by its /64', async () => {
        for (const address of [() => '203.0.113.77', (i) => `2001:db8:7:7::${(i + 1).toString(16)}`]) {
            let let_through = 0;
            for (let i = 0; i < 60; i++) let_through += (await wrong(`user${i}`, address(i))).status === 401;
            assert.ok(let_through >= 30 && let_through < 45, `${let_through} guesses`);
            await throttledSoon(() => wrong('somebody', address(99)));
        }
        assert.equal((await wrong('somebody', '203.0.113.78')).status, 401);
    });

    test('H03 a device that logged in before is unaffected by others, and has a counter of its own', async () => {
        const jar = new Jar();
        assert.equal((await attempt('dave', PASSWORD, '203.0.113.80', jar)).status, 200);
        const device = new Jar();
        device.cookies.set('__Host-cardea-device', jar.cookies.get('__Host-cardea-device'));
        // the same address guesses at everybody, dave among them
        for (let i = 0; i < 80; i++) await wrong(i % 2 ? 'dave' : `x${i}`, '203.0.113.80');
        await throttledSoon(() => attempt('dave', PASSWORD, '203.0.113.80'));
        assert.equal((await attempt('dave', PASSWORD, '203.0.113.80', device.copy())).status, 200);
        for (let i = 0; i < 5; i++) assert.equal((await attempt('dave', 'certainly not this one', '203.0.113.81', device.copy())).status, 401);
        throttled(await attempt('dave', PASSWORD, '203.0.113.81', device.copy()));
        // one account's device is nothing to another
        await throttledSoon(() => attempt('x0', PASSWORD, '203.0.113.80', device.copy()));
    });

    test('the address is the one that a trusted proxy vouches for, not what a client adds', async () => {
        for (let i = 0; i < 40; i++) await wrong(`y${i}`, `10.9.8.${i}, 203.0.113.90`);
        await throttledSoon(() => wrong('somebody', '10.9.8.200, 203.0.113.90'));
    });

    test('failures stand in the audit log, in aggregate', async () => {
        await service.stop(); // what was not written yet is written now
        const rows = service.command(['audit', '--type', 'login_failed', '--limit', '200']).items;
        const failures = rows.filter((e) => e.detail.username === 'bob').reduce((n, e) => n + e.detail.failures, 0);
        assert.ok(failures >= 5 && failures <= 12, JSON.stringify(rows.slice(0, 3)));
        assert.ok(rows.filter((e) => e.detail.username === 'bob').length <= failures);
    });
});
