// Do Cardea and Auth.js (@auth/core) read the session cookies that the other sealed?
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { EXPIRED, NOT_VALID, OK, USAGE, Workshop, tampered, token, webCrypto } from './lib/token.mjs';

const names = ['authjs.session-token', '__Secure-authjs.session-token', 'my cookie (ü)'];
const secret = 'x4fTq+8ZkYw0c2mJr7hLpB9vNsD3aGeU/6Ko1iRtQyE=';
let shop, auth, file;
before(async () => {
    webCrypto();
    auth = await import('@auth/core/jwt');
    shop = new Workshop();
    file = shop.write('secret', `${secret}\n`);
});
after(() => shop.end());
const derive = (name) => ['--key', file, '--derive', `authjs:${name}`];
const user = { sub: '42', name: 'Zoë', email: 'zoe@example.com', picture: null, roles: ['editor'] };

for (const salt of names) {
    test(`${salt}: Cardea opens what Auth.js sealed`, async () => {
        const cookie = await auth.encode({ token: user, secret, salt });
        const { iat, exp, jti, ...claims } = JSON.parse(token(OK, ['open', ...derive(salt)], cookie));
        assert.deepEqual(claims, user);
        assert.equal(exp - iat, 30 * 86400);
        assert.ok(jti);
        for (const part of [0, 2, 3, 4]) token(NOT_VALID, ['open', ...derive(salt)], tampered(cookie, part));
        token(NOT_VALID, ['open', ...derive(`${salt}x`)], cookie);
        token(NOT_VALID, ['open', '--key', shop.write('other', 'another secret'), '--derive', `authjs:${salt}`], cookie);
        token(EXPIRED, ['open', ...derive(salt)], await auth.encode({ token: user, secret, salt, maxAge: -60 }));
    });
    test(`${salt}: Auth.js reads what Cardea sealed`, async () => {
        const cookie = token(OK, ['seal', ...derive(salt), '--claims', '-', '--expires-in', '30d'], JSON.stringify(user)).trim();
        const { iat, exp, jti, ...claims } = await auth.decode({ token: cookie, secret, salt });
        assert.deepEqual(claims, user);
        assert.equal(exp - iat, 30 * 86400);
        assert.ok(jti);
        assert.deepEqual(await auth.decode({ token: cookie, secret: ['a newer secret', secret], salt }), { ...claims, iat, exp, jti }, 'found by its kid');
        for (const part of [0, 2, 3, 4]) await assert.rejects(auth.decode({ token: tampered(cookie, part), secret, salt }));
        await assert.rejects(auth.decode({ token: cookie, secret, salt: `${salt}x` }));
        await assert.rejects(auth.decode({ token: cookie, secret: 'another secret', salt }));
        const gcm = token(OK, ['seal', ...derive(salt), '--enc', 'A256GCM', '--claim', 'sub=7']).trim();
        assert.equal((await auth.decode({ token: gcm, secret, salt })).sub, '7');
        token(OK, ['open', ...derive(salt), '--enc', 'A256GCM'], gcm);
        const old = token(OK, ['seal', ...derive(salt), '--claim', 'exp:=1000']).trim();
        await assert.rejects(auth.decode({ token: old, secret, salt }));
    });
}

test("a request's cookie, as Auth.js finds it", async () => {
    const salt = '__Secure-authjs.session-token', cookie = token(OK, ['seal', ...derive(salt), '--claim', 'sub=42', '--claim', `big=${'x'.repeat(6000)}`]).trim();
    const chunks = cookie.match(/.{1,3900}/g);
    assert.ok(chunks.length > 1);
    const req = { headers: { cookie: chunks.map((c, i) => `${salt}.${i}=${c}`).join('; ') } };
    assert.equal((await auth.getToken({ req, secret, secureCookie: true })).sub, '42');
});

test('what is no secret, name or derivation is a wrong command line', () => {
    token(USAGE, ['open', '--key', shop.write('empty', '\n'), '--derive', 'authjs:x'], 'x');
    token(USAGE, ['open', '--key', file, '--derive', 'authjs:'], 'x');
    token(USAGE, ['open', '--key', file, '--derive', 'authjs:x', '--enc', 'A128GCM'], 'x');
    token(NOT_VALID, ['open', ...derive('x')], 'x');
});
