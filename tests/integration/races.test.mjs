// Do concurrent requests leave one truth? Refreshes against refreshes, against logouts, against log out everywhere.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { answers, connect } from './lib/raw.mjs';
import { Service } from './lib/service.mjs';

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
let service;
before(async () => { service = await Service.start({ env: { CARDEA_LIMITS_SESSIONS_PER_USER: '10000' } }); });
after(() => service.end());

const refresh = (token, options) => service.request('/v1/refresh', { json: { refresh_token: token }, ...options });

test('200 parallel refreshes of one token all get the same successor', async () => {
    const { refresh: token, sid } = await service.login('alice', { app: 'mobile' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => refresh(token)));
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [200]);
    const successors = new Set(answers.map((a) => a.json.refresh_token));
    assert.equal(successors.size, 1, 'more than one successor');
    const [successor] = successors;
    assert.notEqual(successor, token);
    for (const a of answers.slice(0, 5)) assert.equal((await service.verify({ headers: bearer(a.json.access_token) })).headers['x-auth-session'], sid);
    const next = await refresh(successor);
    assert.equal(next.status, 200);
    // the successor was used: the first token is now a reuse, and ends everything
    assert.equal((await refresh(token)).status, 401);
    assert.equal((await refresh(next.json.refresh_token)).status, 401);
    assert.equal((await service.verify({ headers: bearer(next.json.access_token) })).status, 401);
});

test('200 parallel refreshes by cookie: every tab gets the same cookies again', async () => {
    const { jar } = await service.login('alice', { app: 'spa' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => service.request('/v1/refresh', { method: 'POST', jar: jar.copy(), headers: { 'Sec-Fetch-Site': 'same-origin' } })));
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [200]);
    const cookies = new Set(answers.map((a) => a.setCookies.find((c) => c.startsWith('__Host-cardea-refresh=')).split(';')[0]));
    assert.equal(cookies.size, 1);
    for (const a of answers) assert.ok(a.setCookies.some((c) => c.startsWith('__Host-cardea-access=ey')), 'a grace answer without its access cookie');
});

test('a guessed or damaged token does nothing to the session', async () => {
    const { refresh: token, access } = await service.login('alice', { app: 'mobile' });
    for (const at of [6, 30, 60, token.length - 2]) {
        const damaged = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
        assert.equal((await refresh(damaged)).status, 401);
    }
    assert.equal((await service.verify({ headers: bearer(access) })).status, 204);
    assert.equal((await refresh(token)).status, 200);
});

test('refreshes racing a logout: nothing works once the logout has answered', async () => {
    for (let round = 0; round < 15; round++) {
        const { refresh: token, access } = await service.login('alice', { app: 'mobile' });
        const racing = Array.from({ length: 8 }, () => refresh(token));
        const logout = service.request('/v1/logout', { method: 'POST', headers: bearer(access) });
        assert.equal((await logout).status, 204);
        const late = [refresh(token), service.verify({ headers: bearer(access) })];
        const minted = (await Promise.all(racing)).filter((a) => a.status === 200);
        for (const a of await Promise.all(late)) assert.equal(a.status, 401, 'sent after the answer, and accepted');
        for (const a of minted) {
            assert.equal((await service.verify({ headers: bearer(a.json.access_token) })).status, 401, 'minted beside the logout, and alive after it');
            assert.equal((await refresh(a.json.refresh_token)).status, 401);
        }
    }
});

test('refreshes and logins racing log out everywhere and a suspension', async () => {
    service.addUser({ name: 'bob' });
    for (let round = 0; round < 6; round++) {
        const first = await service.login('bob', { app: 'mobile' }), other = await service.login('bob', { app: 'mobile' });
        const racing = [...Array.from({ length: 6 }, () => refresh(first.refresh)), ...Array.from({ length: 6 }, () => refresh(other.refresh))];
        let everywhere;
        if (round % 2 === 0) everywhere = service.request('/v1/logout/all', { method: 'POST', headers: bearer(first.access) }).then((a) => assert.equal(a.status, 204));
        else everywhere = Promise.resolve(service.command(['user', 'suspend', 'bob']));
        await everywhere;
        const answers = (await Promise.all(racing)).filter((a) => a.status === 200);
        for (const token of [first.access, other.access, ...answers.map((a) => a.json.access_token)]) {
            assert.equal((await service.verify({ headers: bearer(token) })).status, 401);
        }
        for (const token of [first.refresh, other.refresh, ...answers.map((a) => a.json.refresh_token)]) assert.equal((await refresh(token)).status, 401);
        if (round % 2 === 1) service.command(['user', 'resume', 'bob']);
    }
});

test('logins racing a password change: the old password opens nothing that lives', async () => {
    service.addUser({ name: 'carol' });
    let password = 'six lazy wombats hum';
    for (let round = 0; round < 4; round++) {
        const { access } = await service.login('carol', { password, app: 'mobile' });
        const next = `violet kettle drummer ${round}`;
        const racing = Array.from({ length: 6 }, () => service.request('/v1/login', { json: { username: 'carol', password, app: 'mobile' } }));
        const change = await service.request('/v1/password', { json: { current_password: password, new_password: next }, headers: bearer(access) });
        assert.equal(change.status, 200, change.text);
        for (const a of await Promise.all(racing)) {
            if (a.status !== 200) continue;
            assert.equal((await service.verify({ headers: bearer(a.json.access_token) })).status, 401, 'a session of the old password lives');
        }
        assert.equal((await service.verify({ headers: bearer(change.json.access_token) })).status, 204);
        assert.equal((await service.request('/v1/login', { json: { username: 'carol', password } })).status, 401);
        password = next;
    }
});

test('checks go on while logins hash', async () => {
    const { jar } = await service.login('alice');
    let hashing = true, checked = 0;
    const logins = Promise.all(Array.from({ length: 24 }, () => service.request('/v1/login', { json: { username: 'alice', password: 'six lazy wombats hum' } }))).then((all) => { hashing = false; return all; });
    while (hashing) {
        assert.equal((await service.verify({ jar })).status, 204);
        checked++;
    }
    assert.ok((await logins).every((a) => a.status === 200));
    assert.ok(checked >= 24, `only ${checked} checks while 24 logins hashed`);
});

test('a request whose head came before a key was dropped, and whose body comes after, is judged by the keys of after', async () => {
    const { access } = await service.login('alice', { app: 'mobile' });
    const body = JSON.stringify({ name: 'Mallory' });
    const c = connect(service.port);
    c.write(`PATCH /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${access}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`);
    await c.until(() => c.text.startsWith('HTTP/1.1 100'), 'the word to go on');
    service.command(['signing-key', 'revoke']);
    assert.equal((await service.verify({ headers: bearer(access) })).status, 401);
    c.text = '';
    c.write(body);
    await c.until(() => answers(c.text).length > 0, 'the answer');
    c.close();
    assert.equal(answers(c.text)[0].status, 401);
});
