// Do paseto-ts (npm) and Cardea read the PASETO v4 tokens that the other made, with footer and implicit assertion?
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { NOT_VALID, OK, Workshop, tampered, token, webCrypto } from './lib/token.mjs';

let shop, paseto;
before(async () => {
    webCrypto();
    paseto = await import('paseto-ts/v4');
    shop = new Workshop();
});
after(() => shop.end());
const any = ['--any-issuer', '--any-audience'];
const text = (path) => readFileSync(path, 'utf8').trim();
const variants = [['alone', {}], ['with a footer', { footer: 'foot' }], ['with an implicit assertion', { assertion: 'tenant-7' }], ['with both', { footer: '{"a":1}', assertion: 'tenant-7' }]];
const options = ({ footer, assertion }) => [...(footer ? ['--footer', footer] : []), ...(assertion ? ['--implicit', assertion] : [])];

for (const [name, extra] of variants) {
    test(`v4.public ${name}: both ways, and what was changed is refused`, () => {
        const key = shop.generated('secret', 'OKP', '--to', 'paserk'), keys = shop.write(`public-${name}`, token(OK, ['jwk', 'convert', key, '--public', '--to', 'paserk']));
        const ours = token(OK, ['sign', '--key', key, '--claim', 'sub=Zoë', ...options(extra)]).trim();
        assert.equal(paseto.verify(text(keys), ours, { assertion: extra.assertion }).payload.sub, 'Zoë');
        for (const part of [2, 3]) assert.throws(() => paseto.verify(text(keys), tampered(ours, part), { assertion: extra.assertion }));
        assert.throws(() => paseto.verify(text(keys), ours, { assertion: 'another' }));
        const pair = paseto.generateKeys('public'), theirs = paseto.sign(pair.secretKey, { sub: 'Zoë' }, extra);
        const file = shop.write('theirs', pair.publicKey), whole = shop.write('pair', pair.secretKey);
        for (const f of [file, whole]) assert.equal(JSON.parse(token(OK, ['verify', '--keys', f, ...any, ...options(extra)], theirs)).sub, 'Zoë');
        assert.equal(token(OK, ['jwk', 'convert', whole, '--public', '--to', 'paserk']).trim(), pair.publicKey);
        token(NOT_VALID, ['verify', '--keys', file, ...any, ...options(extra)], tampered(theirs, 2));
        token(NOT_VALID, ['verify', '--keys', file, ...any, ...options({ ...extra, assertion: 'another' })], theirs);
        token(NOT_VALID, ['verify', '--keys', keys, ...any, ...options(extra)], theirs);
    });
    test(`v4.local ${name}: both ways, and what was changed is refused`, () => {
        const key = shop.generated('local', 'oct', '--to', 'paserk');
        const ours = token(OK, ['sign', '--key', key, '--claim', 'sub=Zoë', ...options(extra)]).trim();
        assert.equal(paseto.decrypt(text(key), ours, { assertion: extra.assertion }).payload.sub, 'Zoë');
        for (const part of [2, 3]) assert.throws(() => paseto.decrypt(text(key), tampered(ours, part), { assertion: extra.assertion }));
        assert.throws(() => paseto.decrypt(text(key), ours, { assertion: 'another' }));
        const secret = paseto.generateKeys('local'), theirs = paseto.encrypt(secret, { sub: 'Zoë' }, extra), file = shop.write('theirs', secret);
        assert.equal(JSON.parse(token(OK, ['verify', '--keys', file, ...any, ...options(extra)], theirs)).sub, 'Zoë');
        token(NOT_VALID, ['verify', '--keys', file, ...any, ...options(extra)], tampered(theirs, 2));
        token(NOT_VALID, ['verify', '--keys', file, ...any, ...options({ ...extra, assertion: 'another' })], theirs);
        token(NOT_VALID, ['verify', '--keys', key, ...any, ...options(extra)], theirs);
    });
}
