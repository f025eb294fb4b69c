// Do jose (npm) and Cardea read what the other wrote, and refuse what was changed: JWS, JWE, JWK, JWKS, thumbprints?
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as jose from 'jose';
import { NOT_VALID, OK, Workshop, encryptions, seals, signatures, tampered, token } from './lib/token.mjs';

const iss = 'https://id.example', aud = 'api';
const rules = ['--issuer', iss, '--audience', aud];
const symmetric = (alg) => alg.startsWith('HS') || alg === 'dir' || /^A\d+(GCM)?KW$/.test(alg);

let shop;
before(() => { shop = new Workshop(); });
after(() => shop.end());

/** Both halves of a JWK as jose's keys. */
const halves = async (jwk, alg) => ({ secret: await jose.importJWK(jwk, alg), open: jwk.kty === 'oct' ? await jose.importJWK(jwk, alg) : await jose.importJWK(withoutSecret(jwk), alg) });
const withoutSecret = ({ d, p, q, dp, dq, qi, ...rest }) => rest;
const rejects = (promise) => assert.rejects(promise, (e) => e.code?.startsWith('ERR_J'));

/** A key of jose's making as a JWK. */
async function made(alg, options = {}) {
    const key = symmetric(alg) ? await jose.generateSecret(alg, { extractable: true }) : (await jose.generateKeyPair(alg, { extractable: true, ...options })).privateKey;
    return { ...(await jose.exportJWK(key)), alg, kid: `jose-${alg}` };
}

describe('JWS', () => {
    for (const [alg, crv] of [...signatures.map((a) => [a, a === 'EdDSA' ? 'Ed25519' : undefined]), ['EdDSA', 'Ed448']]) {
        const name = crv ?? alg, curve = crv === 'Ed448' ? ['--curve', crv] : [];
        test(`${name}: what Cardea signs, jose verifies`, async () => {
            const key = shop.generated(name, '--alg', alg, ...curve), { open } = await halves(shop.jwk(key), alg);
            const text = token(OK, ['sign', '--key', key, '--claim', `iss=${iss}`, '--claim', `aud=${aud}`, '--claim', 'name=Zoë\u0001"\\', '--claim', 'n:=[1,{"a":null}]']).trim();
            const check = { issuer: iss, audience: aud, typ: 'at+jwt', algorithms: [alg] };
            const { payload, protectedHeader } = await jose.jwtVerify(text, open, check);
            assert.equal(payload.name, 'Zoë\u0001"\\');
            assert.deepEqual(payload.n, [1, { a: null }]);
            assert.deepEqual(protectedHeader, { alg, kid: shop.jwk(key).kid, typ: 'at+jwt' });
            for (const part of [0, 1, 2]) await rejects(jose.jwtVerify(tampered(text, part), open, check));
            await rejects(jose.jwtVerify(text, (await halves(await made(alg, { crv }), alg)).open, check));
        });
        test(`${name}: what jose signs, Cardea verifies`, async () => {
            const jwk = await made(alg, { crv }), { secret } = await halves(jwk, alg);
            const keys = shop.write(`jose-${name}`, JSON.stringify(symmetric(alg) ? jwk : withoutSecret(jwk)));
            const text = await new jose.SignJWT({ name: 'Zoë\u0001', n: [1, { a: null }] }).setProtectedHeader({ alg, kid: jwk.kid, typ: 'at+jwt' })
                .setIssuer(iss).setAudience([aud, 'other']).setIssuedAt().setExpirationTime('5m').sign(secret);
            const claims = JSON.parse(token(OK, ['verify', '--keys', keys, ...rules], text));
            assert.deepEqual([claims.name, claims.n, claims.aud], ['Zoë\u0001', [1, { a: null }], [aud, 'other']]);
            for (const part of [0, 1, 2]) token(NOT_VALID, ['verify', '--keys', keys, ...rules], tampered(text, part));
            token(NOT_VALID, ['verify', '--keys', symmetric(alg) ? shop.generated(name, '--alg', alg, ...curve) : shop.publicHalf(shop.generated(name, '--alg', alg, ...curve)), ...rules], text);
        });
    }
    test('what jose signs with an extension, or not at all, Cardea refuses', async () => {
        const jwk = await made('ES256'), { secret } = await halves(jwk, 'ES256'), keys = shop.write('refused', JSON.stringify(withoutSecret(jwk)));
        const token2 = (header) => new jose.SignJWT({}).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header }).setIssuer(iss).setAudience(aud).setExpirationTime('5m');
        token(NOT_VALID, ['verify', '--keys', keys, ...rules], await token2({ crit: ['x'], x: 1 }).sign(secret, { crit: { x: true } }));
        token(NOT_VALID, ['verify', '--keys', keys, ...rules], await token2({ typ: 'JWT' }).sign(secret));
        token(NOT_VALID, ['verify', '--keys', keys, ...rules], new jose.UnsecuredJWT({}).setIssuer(iss).setAudience(aud).setExpirationTime('5m').encode());
        token(OK, ['verify', '--keys', keys, ...rules], await token2({ jku: 'https://evil.example' }).sign(secret));
    });
});

describe('JWE', () => {
    const curves = { 'P-256': [], 'P-384': ['--curve', 'P-384'], X25519: ['--curve', 'X25519'] };
    /** Every alg, ECDH-ES once a curve. */
    const kinds = seals.flatMap((alg) => (alg.startsWith('ECDH') ? Object.keys(curves).map((crv) => [alg, crv]) : [[alg]]));
    const encsOf = (alg, crv) => (crv === undefined || crv === 'P-256' ? Object.keys(encryptions) : ['A256GCM', 'A256CBC-HS512']);
    for (const [alg, crv] of kinds) {
        const name = crv ? `${alg} ${crv}` : alg;
        const keyOf = (enc) => (alg === 'dir' ? shop.generated(`dir-${enc}`, '--alg', 'dir', '--enc', enc) : shop.generated(`seal-${name}`, '--alg', alg, ...(curves[crv] ?? [])));
        test(`${name}: what Cardea seals, jose opens`, async () => {
            for (const enc of encsOf(alg, crv)) {
                const key = keyOf(enc), { secret } = await halves(shop.jwk(key), alg);
                const to = symmetric(alg) ? key : shop.publicHalf(key);
                const text = token(OK, ['seal', '--key', to, '--enc', enc, '--content-type', 'x'], 'grüße').trim();
                const { plaintext, protectedHeader } = await jose.compactDecrypt(text, secret, { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc] });
                assert.equal(Buffer.from(plaintext).toString(), 'grüße');
                assert.deepEqual([protectedHeader.kid, protectedHeader.cty], [shop.jwk(key).kid, 'x']);
                const parts = text.split('.');
                for (const part of parts.keys()) if (parts[part]) await rejects(jose.compactDecrypt(tampered(text, part), secret));
            }
        });
        test(`${name}: what jose seals, Cardea opens`, async () => {
            for (const enc of encsOf(alg, crv)) {
                const key = keyOf(enc), { open } = await halves(shop.jwk(key), alg);
                const seal = new jose.CompactEncrypt(Buffer.from('grüße')).setProtectedHeader({ alg, enc, typ: 'x' });
                if (alg.startsWith('ECDH')) seal.setKeyManagementParameters({ apu: Buffer.from('Alice'), apv: Buffer.from('Bob') });
                const text = await seal.encrypt(open);
                assert.deepEqual(JSON.parse(token(OK, ['open', '--key', key, '--enc', enc, '--json'], text)), { opened: true, verified: false, alg, enc, typ: 'x', text: 'grüße' });
                const parts = text.split('.');
                for (const part of enc === 'A256CBC-HS512' ? parts.keys() : []) if (parts[part]) token(NOT_VALID, ['open', '--key', key, '--enc', enc], tampered(text, part));
            }
        });
    }
    test('what jose has and Cardea has not is refused: RSA-OAEP with SHA-1, PBES2, zip', async () => {
        const key = shop.generated('seal-RSA-OAEP-256', '--alg', 'RSA-OAEP-256');
        const rsa = createPublicKey(createPrivateKey({ key: shop.jwk(key), format: 'jwk' })), header = { enc: 'A256GCM' };
        const seal = (alg, to) => new jose.CompactEncrypt(Buffer.from('x')).setProtectedHeader({ alg, ...header }).encrypt(to);
        token(OK, ['open', '--key', key], await seal('RSA-OAEP-256', rsa));
        token(NOT_VALID, ['open', '--key', key], await seal('RSA-OAEP', rsa));
        token(NOT_VALID, ['open', '--key', key], await seal('RSA-OAEP-512', rsa));
        token(NOT_VALID, ['open', '--key', shop.generated('seal-A256KW', '--alg', 'A256KW')], await seal('PBES2-HS256+A128KW', Buffer.from('password')));
    });
});

describe('JWK', () => {
    const kinds = [['RSA', ['RSA'], 'RS256'], ['P-256', ['EC'], 'ES256'], ['P-384', ['--curve', 'P-384'], 'ES384'], ['P-521', ['--curve', 'P-521'], 'ES512'],
        ['Ed25519', ['OKP'], 'EdDSA'], ['Ed448', ['--curve', 'Ed448'], 'EdDSA'], ['X25519', ['--curve', 'X25519'], 'ECDH-ES']];
    for (const [name, args, alg] of kinds) {
        const bare = ({ kid, alg: a, use, ...rest }) => rest;
        test(`${name}: JWK, PKCS#8, SPKI and thumbprint are the same on both sides`, async () => {
            const key = shop.generated(`jwk-${name}`, ...args), jwk = shop.jwk(key);
            const pkcs8 = token(OK, ['jwk', 'convert', key]), spki = token(OK, ['jwk', 'convert', key, '--public']);
            const secret = await jose.importPKCS8(pkcs8, alg, { extractable: true }), open = await jose.importSPKI(spki, alg, { extractable: true });
            assert.deepEqual(await jose.exportJWK(secret), bare(jwk));
            assert.deepEqual(await jose.exportJWK(open), withoutSecret(bare(jwk)));
            assert.equal((await jose.exportPKCS8(await jose.importJWK(jwk, alg))).trim(), pkcs8.trim());
            assert.equal((await jose.exportSPKI(await jose.importJWK(withoutSecret(jwk), alg))).trim(), spki.trim());
            assert.equal(await jose.calculateJwkThumbprint(jwk), token(OK, ['jwk', 'thumbprint', key]).trim());
        });
        test(`${name}: jose's keys come through Cardea unchanged`, async () => {
            const jwk = await made(alg, { crv: ['EdDSA', 'ECDH-ES'].includes(alg) ? name : undefined });
            const key = shop.write(`from-jose-${name}`, JSON.stringify(jwk));
            assert.deepEqual(JSON.parse(token(OK, ['jwk', 'convert', key, '--to', 'jwk'])), jwk);
            assert.deepEqual(JSON.parse(token(OK, ['jwk', 'convert', key, '--to', 'jwk', '--public'])), withoutSecret(jwk));
            const secret = await jose.importJWK(jwk, alg);
            assert.deepEqual(bare(JSON.parse(token(OK, ['jwk', 'convert'], await jose.exportPKCS8(secret)))), bare(jwk));
            assert.equal(await jose.calculateJwkThumbprint(jwk), token(OK, ['jwk', 'thumbprint', key]).trim());
        });
    }
    test("a set of Cardea's is jose's, and the other way round", async () => {
        const names = ['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA'], keys = names.map((alg) => shop.generated(alg === 'EdDSA' ? 'Ed25519' : alg, '--alg', alg));
        const all = shop.write('all', JSON.stringify({ keys: keys.map((k) => shop.jwk(k)) }));
        const set = JSON.parse(token(OK, ['jwk', 'convert', all, '--to', 'jwks', '--public']));
        const find = jose.createLocalJWKSet(set), file = shop.write('set', JSON.stringify(set));
        for (const [i, key] of keys.entries()) {
            const text = token(OK, ['sign', '--key', key, '--claim', `iss=${iss}`, '--claim', `aud=${aud}`]).trim();
            assert.equal((await jose.jwtVerify(text, find, { algorithms: [names[i]] })).payload.iss, iss);
            const theirs = await new jose.SignJWT({}).setProtectedHeader({ alg: names[i], kid: set.keys[i].kid, typ: 'at+jwt' }).setIssuer(iss).setAudience(aud).setExpirationTime('1m').sign(await jose.importJWK(shop.jwk(key), names[i]));
            token(OK, ['verify', '--keys', file, ...rules], theirs);
        }
    });
    test('a certificate is the same key on both sides', async () => {
        const pem = shop.write('cert-key', token(OK, ['jwk', 'convert', shop.generated('ES256', '--alg', 'ES256'), '--to', 'pem']));
        const crt = spawnSync('openssl', ['req', '-x509', '-new', '-key', pem, '-subj', '/CN=x', '-days', '1'], { encoding: 'utf8' }).stdout;
        const { kid, alg, use, ...ours } = JSON.parse(token(OK, ['jwk', 'convert'], crt));
        assert.deepEqual(await jose.exportJWK(await jose.importX509(crt, 'ES256', { extractable: true })), ours);
        assert.ok(readFileSync(pem, 'utf8').includes('PRIVATE'));
    });
});
