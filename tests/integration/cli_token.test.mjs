// Do the token commands make, check, show and convert what they say, and refuse the rest with the documented exit codes?
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from './lib/client.mjs';
import { PASSWORD, Service, run } from './lib/service.mjs';
import { CONFLICT, EXPIRED, FAILED, NOT_VALID, OK, USAGE, Workshop, encryptions, seals, signatures, tampered, token } from './lib/token.mjs';

const encode = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url');
const claims = ['--claim', 'iss=https://id.example', '--claim', 'aud=api'];
const rules = ['--issuer', 'https://id.example', '--audience', 'api'];

/** What a terminal obeys, or what turns the direction of writing. */
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufffd]/;

let shop;
const path = (name) => shop.path(name), generated = (...args) => shop.generated(...args), publicHalf = (key) => shop.publicHalf(key);
before(() => { shop = new Workshop(); });
after(() => shop.end());

describe('sign and verify', () => {
    for (const alg of [...signatures, 'Ed448']) {
        test(`${alg}: what was signed verifies, and nothing else`, () => {
            const key = alg === 'Ed448' ? generated('Ed448', '--alg', 'EdDSA', '--curve', 'Ed448') : generated(alg, '--alg', alg);
            const keys = alg.startsWith('HS') ? key : publicHalf(key);
            const text = token(OK, ['sign', '--key', key, ...claims, '--claim', 'n:=[1,{"a":null}]']).trim();
            const verified = JSON.parse(token(OK, ['verify', '--keys', keys, ...rules], text));
            assert.deepEqual(verified.n, [1, { a: null }]);
            assert.equal(verified.exp - verified.iat, 900);
            assert.match(verified.jti, /^[\w-]{22}$/);
            assert.equal(JSON.parse(token(OK, ['verify', '--keys', keys, ...rules, '--json', text])).verified, true);
            const [header, body, signature] = text.split('.');
            assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url')), { alg: alg === 'Ed448' ? 'EdDSA' : alg, kid: JSON.parse(readFileSync(key)).kid, typ: 'at+jwt' });
            const other = JSON.parse(Buffer.from(body, 'base64url'));
            for (const bad of [`${header}.${encode({ ...other, aud: 'apj' })}.${signature}`, `${header}.${body}.`, `${header}.${body}`, `${header}.${body}.${'A'.repeat(signature.length)}`,
                `${encode({ alg: 'none' })}.${body}.`, `${text}.`, `${text}x`, 'x', ''])
                assert.equal(token(NOT_VALID, ['verify', '--keys', keys, ...rules], bad), '');
            const refused = JSON.parse(token(NOT_VALID, ['verify', '--keys', keys, ...rules, '--json'], `${header}.${body}.`));
            assert.equal(refused.verified, false);
            assert.equal(refused.claims, undefined);
        });
    }
    test('issuer, audience, type, algorithm and required claims are the rules that were said', () => {
        const key = generated('ES256', '--alg', 'ES256'), keys = publicHalf(key);
        const text = token(OK, ['sign', '--key', key, ...claims]).trim();
        const typed = token(OK, ['sign', '--key', key, ...claims, '--type', 'JWT']).trim();
        for (const bad of [['--issuer', 'x', '--audience', 'api'], ['--issuer', 'https://id.example', '--audience', 'x'], [...rules, '--type', 'JWT'], [...rules, '--type', 'none'], [...rules, '--alg', 'RS256'], [...rules, '--require', 'sub']])
            token(NOT_VALID, ['verify', '--keys', keys, ...bad], text);
        for (const good of [['--any-issuer', '--any-audience'], ['--issuer', 'x', '--issuer', 'https://id.example', '--audience', 'y', '--audience', 'api'], [...rules, '--alg', 'RS256', '--alg', 'ES256'], [...rules, '--type', 'any'], [...rules, '--require', 'jti']])
            token(OK, ['verify', '--keys', keys, ...good], text);
        token(NOT_VALID, ['verify', '--keys', keys, ...rules], typed);
        token(OK, ['verify', '--keys', keys, ...rules, '--type', 'JWT'], typed);
        token(OK, ['verify', '--keys', keys, ...rules, '--type', 'none'], token(OK, ['sign', '--key', key, ...claims, '--type', 'none']));
        for (const half of [['--issuer', 'x'], ['--audience', 'x'], [], [...rules, '--any-issuer'], [...rules, '--alg', 'ES257'], [...rules, '--leeway', '5'], [...rules, '--leeway', '301s']])
            token(USAGE, ['verify', '--keys', keys, ...half], text);
    });
    test('an expired token has an exit status of its own, and only where nothing else is wrong', () => {
        const key = generated('ES256', '--alg', 'ES256'), keys = publicHalf(key), now = Math.floor(Date.now() / 1000);
        const sign = (exp, iat = exp - 60) => token(OK, ['sign', '--key', key, ...claims, '--claim', `exp:=${exp}`, '--claim', `iat:=${iat}`]).trim();
        const old = sign(now - 10);
        assert.equal(token(EXPIRED, ['verify', '--keys', keys, ...rules], old), '');
        assert.deepEqual(JSON.parse(token(EXPIRED, ['verify', '--keys', keys, ...rules, '--json'], old)), { verified: false, code: 'expired' });
        token(OK, ['verify', '--keys', keys, ...rules, '--leeway', '300s'], old);
        token(NOT_VALID, ['verify', '--keys', keys, '--issuer', 'x', '--any-audience'], old);
        token(NOT_VALID, ['verify', '--keys', keys, ...rules], `${old.slice(0, -4)}AAAA`);
        token(NOT_VALID, ['verify', '--keys', keys, ...rules], sign(now + 7200, now + 3600));
    });
    test('a set: the key that kid names, and no other', () => {
        const one = generated('ES256', '--alg', 'ES256'), two = generated('RS256', '--alg', 'RS256');
        const set = { keys: [one, two].map((k) => JSON.parse(readFileSync(publicHalf(k)))) };
        writeFileSync(path('set'), JSON.stringify(set));
        const text = token(OK, ['sign', '--key', two, ...claims]).trim(), [header, ...rest] = text.split('.');
        token(OK, ['verify', '--keys', path('set'), ...rules], text);
        const renamed = [encode({ ...JSON.parse(Buffer.from(header, 'base64url')), kid: set.keys[0].kid }), ...rest].join('.');
        token(NOT_VALID, ['verify', '--keys', path('set'), ...rules], renamed);
        token(NOT_VALID, ['verify', '--keys', path('set'), ...rules], [encode({ alg: 'RS256', kid: 'x', typ: 'at+jwt' }), ...rest].join('.'));
        writeFileSync(path('twice'), JSON.stringify({ keys: [set.keys[0], { ...set.keys[1], kid: set.keys[0].kid }] }));
        token(USAGE, ['verify', '--keys', path('twice'), ...rules], text);
        writeFileSync(path('mixed'), JSON.stringify({ keys: [set.keys[0], JSON.parse(readFileSync(two))] }));
        token(USAGE, ['verify', '--keys', path('mixed'), ...rules], text);
        writeFileSync(path('many'), JSON.stringify({ keys: Array.from({ length: 65 }, (_, i) => ({ ...set.keys[0], kid: `${i}` })) }));
        token(USAGE, ['verify', '--keys', path('many'), ...rules], text);
        writeFileSync(path('bare'), JSON.stringify({ keys: set.keys.map(({ alg, ...k }) => k) }));
        token(OK, ['verify', '--keys', path('bare'), ...rules, '--alg', 'RS256'], text);
        token(NOT_VALID, ['verify', '--keys', path('bare'), ...rules], text);
        token(USAGE, ['sign', '--key', path('set'), ...claims]);
        token(USAGE, ['sign', '--key', path('set'), '--kid', set.keys[1].kid, ...claims]);
        writeFileSync(path('secrets'), JSON.stringify({ keys: [one, two].map((k) => JSON.parse(readFileSync(k))) }), { mode: 0o600 });
        token(OK, ['verify', '--keys', path('set'), ...rules], token(OK, ['sign', '--key', path('secrets'), '--kid', set.keys[0].kid, ...claims]));
        token(USAGE, ['sign', '--key', path('secrets'), '--kid', 'x', ...claims]);
    });
    test('--kid names a key that has no name, and contradicts none that has one', () => {
        const key = generated('ES256', '--alg', 'ES256'), header = (text) => JSON.parse(Buffer.from(text.split('.')[0], 'base64url'));
        token(OK, ['jwk', 'convert', key, '--to', 'pem', '--out', path('es.pem')]);
        const { kid } = JSON.parse(readFileSync(key));
        assert.equal(header(token(OK, ['sign', '--key', path('es.pem'), ...claims])).kid, kid, 'the thumbprint');
        assert.equal(header(token(OK, ['sign', '--key', path('es.pem'), '--kid', 'mine', ...claims])).kid, 'mine');
        assert.equal(header(token(OK, ['sign', '--key', key, '--kid', kid, ...claims])).kid, kid);
        token(USAGE, ['sign', '--key', key, '--kid', 'mine', ...claims]);
        token(USAGE, ['sign', '--key', path('es.pem'), '--kid', 'x'.repeat(256), ...claims]);
        token(USAGE, ['sign', '--key', generated('k4.secret', 'OKP', '--to', 'paserk'), '--kid', 'mine', ...claims]);
    });
    test('a public key never becomes a MAC key, whatever the token says', () => {
        const key = generated('RS256', '--alg', 'RS256');
        token(OK, ['jwk', 'convert', publicHalf(key), '--to', 'pem', '--out', path('rs.pem')]);
        const pem = readFileSync(path('rs.pem'), 'utf8');
        writeFileSync(path('confused'), JSON.stringify({ kty: 'oct', k: encode(pem), alg: 'HS256' }), { mode: 0o600 });
        const forged = token(OK, ['sign', '--key', path('confused'), ...claims]);
        token(NOT_VALID, ['verify', '--keys', path('rs.pem'), ...rules, '--alg', 'RS256'], forged);
        token(USAGE, ['verify', '--keys', path('rs.pem'), ...rules, '--alg', 'HS256'], forged);
    });
    test('claims: from a file, from standard input, by name; twice is refused, and so is what is no JSON', () => {
        const key = generated('ES256', '--alg', 'ES256'), keys = publicHalf(key), any = ['--any-issuer', '--any-audience'];
        writeFileSync(path('claims'), ' { "sub" : "a\\u0041" , "x": {"y" : 1} } ');
        const verified = (args, input) => JSON.parse(token(OK, ['verify', '--keys', keys, ...any], token(OK, ['sign', '--key', key, ...args], input)));
        assert.deepEqual({ ...verified(['--claims', path('claims'), '--claim', 'z=t"\n']), iat: 0, exp: 0, jti: 0 }, { sub: 'aA', x: { y: 1 }, z: 't"\n', iat: 0, exp: 0, jti: 0 });
        assert.equal(verified(['--claims', '-'], '{"sub":"in"}').sub, 'in');
        assert.equal(verified(['--claim', 'a=b=c']).a, 'b=c');
        const long = verified(['--expires-in', '2h']);
        assert.equal(long.exp - long.iat, 7200);
        for (const bad of [['--claims', path('claims'), '--claim', 'sub=again'], ['--claim', 'a=1', '--claim', 'a=2'], ['--claim', 'x:=1,"y":2'], ['--claim', 'x:={'], ['--claim', '=x'], ['--claim', ':=1'], ['--claim', 'x'],
            ['--expires-in', '5'], ['--expires-in', '1h', '--claim', 'exp:=99'], ['--alg', 'RS256'], ['--alg', 'none'], ['--format', 'saml'], ['--footer', 'x'], ['--claim', `y=${'x'.repeat(13_000)}`]])
            token(USAGE, ['sign', '--key', key, ...bad]);
        token(USAGE, ['sign', '--key', key, '--claims', '-'], '[1]');
        token(USAGE, ['sign', '--key', key, '--claims', '-'], '{"a":1,"a":2}');
        token(USAGE, ['sign', '--key', '-', '--claims', '-'], '{}');
        token(USAGE, ['sign', ...claims]);
        token(USAGE, ['sign', '--key', keys, ...claims]);
        token(FAILED, ['sign', '--key', path('nowhere'), ...claims]);
        token(OK, ['sign', '--key', '-', ...claims], readFileSync(key));
    });
    test('weak, malformed and misused keys are refused', () => {
        const text = token(OK, ['sign', '--key', generated('ES256', '--alg', 'ES256'), ...claims]).trim();
        const bad = {
            short: { kty: 'oct', k: encode('short'), alg: 'HS256' },
            use: { ...JSON.parse(readFileSync(publicHalf(path('ES256')))), use: 'enc' },
            ops: { ...JSON.parse(readFileSync(publicHalf(path('ES256')))), use: undefined, key_ops: ['sign'] },
            off: { ...JSON.parse(readFileSync(publicHalf(path('ES256')))), x: 'A'.repeat(43) },
            none: { kty: 'oct', k: encode('x'.repeat(32)), alg: 'none' },
            unnamed: { kty: 'oct', k: encode('x'.repeat(32)) },
            kind: { kty: 'XYZ' },
            empty: {},
        };
        for (const [name, key] of Object.entries(bad)) {
            writeFileSync(path(`bad-${name}`), JSON.stringify(key));
            token(USAGE, ['verify', '--keys', path(`bad-${name}`), ...rules], text);
            token(USAGE, ['sign', '--key', path(`bad-${name}`), ...claims]);
        }
        writeFileSync(path('junk'), randomBytes(2000));
        token(USAGE, ['verify', '--keys', path('junk'), ...rules], text);
        writeFileSync(path('large'), 'x'.repeat(300_000));
        token(FAILED, ['verify', '--keys', path('large'), ...rules], text);
        token(NOT_VALID, ['verify', '--keys', publicHalf(path('ES256')), ...rules], `${text}${'A'.repeat(20_000)}`);
    });
});

describe('PASETO', () => {
    for (const [type, name, purpose] of [['OKP', 'k4.secret', 'public'], ['oct', 'k4.local', 'local']])
        test(`v4.${purpose}: made and verified, with footer and implicit assertion`, () => {
            const key = generated(name, type, '--to', 'paserk');
            assert.ok(readFileSync(key, 'utf8').startsWith(`${name}.`));
            let keys = key;
            if (purpose === 'public') {
                keys = path('k4.public');
                token(OK, ['jwk', 'convert', key, '--public', '--to', 'paserk', '--out', keys]);
                assert.match(readFileSync(keys, 'utf8'), /^k4\.public\.[\w-]{43}\n$/);
                token(USAGE, ['sign', '--key', keys, ...claims]);
            }
            const plain = token(OK, ['sign', '--key', key, ...claims]).trim();
            assert.ok(plain.startsWith(`v4.${purpose}.`));
            const shown = JSON.parse(token(OK, ['verify', '--keys', keys, ...rules, '--json'], plain));
            assert.deepEqual(JSON.parse(shown.footer), { kid: token(OK, ['jwk', 'thumbprint', keys]).trim() });
            assert.equal(shown.algorithm, `v4.${purpose}`);
            assert.match(shown.claims.exp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
            const bound = token(OK, ['sign', '--key', key, ...claims, '--footer', 'foot', '--implicit', 'tenant', '--format', 'paseto']).trim();
            const both = ['--footer', 'foot', '--implicit', 'tenant'];
            token(OK, ['verify', '--keys', keys, ...rules, ...both], bound);
            token(OK, ['verify', '--keys', keys, ...rules, '--implicit', 'tenant'], bound);
            token(NOT_VALID, ['verify', '--keys', keys, ...rules], bound);
            token(NOT_VALID, ['verify', '--keys', keys, ...rules, '--footer', 'fool', '--implicit', 'tenant'], bound);
            token(NOT_VALID, ['verify', '--keys', keys, ...rules, ...both], plain);
            token(NOT_VALID, ['verify', '--keys', keys, '--issuer', 'x', '--any-audience'], plain);
            token(NOT_VALID, ['verify', '--keys', keys, '--any-issuer', '--audience', 'x'], plain);
            token(NOT_VALID, ['verify', '--keys', keys, ...rules, '--require', 'sub'], plain);
            const parts = plain.split('.');
            for (const bad of [plain.replace('v4', 'v3'), plain.replace(purpose, purpose === 'local' ? 'public' : 'local'), [...parts.slice(0, 3), encode('other')].join('.'), parts.slice(0, 3).join('.'), `${parts[0]}.${parts[1]}.${'A'.repeat(200)}`])
                token(NOT_VALID, ['verify', '--keys', keys, ...rules], bad);
            const old = token(OK, ['sign', '--key', key, ...claims, '--claim', 'exp=2020-01-01T00:00:00Z', '--claim', 'iat=2019-12-31T23:00:00Z']);
            token(EXPIRED, ['verify', '--keys', keys, ...rules], old);
            token(NOT_VALID, ['verify', '--keys', keys, ...rules, '--footer', 'x'], old);
            token(NOT_VALID, ['verify', '--keys', keys, ...rules], token(OK, ['sign', '--key', key, ...claims, '--claim', 'exp:=99999999999']));
            token(NOT_VALID, ['verify', '--keys', keys, ...rules], token(OK, ['sign', '--key', key, ...claims, '--claim', 'nbf=2099-01-01T00:00:00Z', '--claim', 'exp=2100-01-01T00:00:00Z']));
        });
    test('a key of PASETO serves PASETO alone, and one of JOSE nothing of PASETO', () => {
        const secret = generated('k4.secret', 'OKP', '--to', 'paserk'), jwk = generated('EdDSA', '--alg', 'EdDSA');
        token(USAGE, ['sign', '--key', secret, '--format', 'jwt', ...claims]);
        token(USAGE, ['sign', '--key', jwk, '--format', 'paseto', ...claims]);
        token(USAGE, ['sign', '--key', secret, '--alg', 'EdDSA', ...claims]);
        token(NOT_VALID, ['verify', '--keys', secret, ...rules], token(OK, ['sign', '--key', jwk, ...claims]));
        token(NOT_VALID, ['verify', '--keys', jwk, ...rules], token(OK, ['sign', '--key', secret, ...claims]));
        writeFileSync(path('k3'), 'k3.secret.AAAA');
        token(USAGE, ['sign', '--key', path('k3'), ...claims]);
    });
});

describe('inspect', () => {
    const inspect = (text, status = OK) => {
        const json = JSON.parse(token(status, ['inspect', '--json'], text)), human = token(status, ['inspect'], text);
        assert.equal(json.verified, false);
        assert.match(human, /^NOT VERIFIED\./);
        assert.doesNotMatch(human, controls, 'control characters reach the terminal');
        assert.doesNotMatch(human.replace(/NOT VERIFIED|see cardea token verify/gi, ''), /\b(valid|fine|genuine|trusted|verified)\b/i);
        return { json, human };
    };
    test('a signed token shows header, claims and times, and that nobody has vouched for them', () => {
        const text = token(OK, ['sign', '--key', generated('ES256', '--alg', 'ES256'), ...claims]).trim();
        const { json, human } = inspect(text);
        assert.equal(json.kind, 'jws');
        assert.equal(json.header.alg, 'ES256');
        assert.equal(json.claims.iss, 'https://id.example');
        assert.match(json.times.exp, /Z$/);
        assert.match(human, /iss: https:\/\/id\.example/);
        assert.ok(!human.includes(text.split('.')[2]), 'the signature is not shown');
        assert.equal(inspect(`Bearer ${text}`).json.kind, 'jws');
        assert.equal(JSON.parse(token(OK, ['inspect', '--json', text])).claims.aud, 'api');
    });
    test('what a verifier must refuse is said', () => {
        const notes = (header, body = { exp: 1 }, signature = 'AA') => inspect(`${encode(header)}.${encode(body)}.${signature}`).json.notes.join('\n');
        assert.match(notes({ alg: 'none' }, { exp: 1 }, ''), /alg is none[^]*signature is empty/);
        assert.match(notes({ alg: 'NoNe' }), /alg is none/);
        assert.match(notes({ alg: 'RS256', jku: 'https://evil.example', crit: ['x'] }), /jku stands[^]*crit stands/);
        assert.match(notes({ alg: 'RS256' }), /exp lies in the past/);
        assert.match(notes({ alg: 'RS256' }, {}), /no exp/);
        assert.match(notes({ alg: 'RS256' }, '{"a":1,"a":2}'), /claims is no JSON object/);
        assert.match(notes('nonsense', '[]'), /header is no JSON/);
        assert.match(inspect('a=.b=.c').json.notes.join(), /no canonical base64url/);
    });
    test('nothing of the token is obeyed by a terminal', () => {
        const evil = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eabc\u0000\r\n admin: true';
        for (const text of [`${encode({ alg: evil, [evil]: evil })}.${encode({ iss: evil, [evil]: [evil] })}.AA`, `${encode(evil)}.${encode(evil)}.AA`, `v4.public.${encode(evil + 'x'.repeat(64))}.${encode(evil)}`,
            `${encode(Buffer.from([0x9b, 0xff, 0x1b]).toString('latin1'))}.${Buffer.from([0x9b, 0xff, 0x1b]).toString('base64url')}.AA`]) {
            const { human } = inspect(text);
            assert.doesNotMatch(human, /^ ?admin: true/m);
            const r = run(['token', 'inspect', '--json'], { input: text });
            assert.doesNotMatch(r.stdout, controls);
        }
        const r = run(['token', 'inspect', evil.replace(/\0/g, '')]);
        assert.equal(r.status, NOT_VALID);
        assert.doesNotMatch(r.stdout + r.stderr, controls);
    });
    test('PASETO of every version, PASERK, JWE', () => {
        for (const v of [1, 2, 3, 4]) {
            const size = { 1: 256, 2: 64, 3: 96, 4: 64 }[v];
            const { json } = inspect(`v${v}.public.${Buffer.concat([Buffer.from('{"sub":"me"}'), randomBytes(size)]).toString('base64url')}.${encode({ kid: 'x' })}`);
            assert.deepEqual([json.kind, json.version, json.claims, json.footer], ['paseto', `v${v}`, { sub: 'me' }, { kid: 'x' }]);
            assert.equal((json.notes ?? []).join().includes('version 4 alone'), v !== 4);
            assert.equal(inspect(`v${v}.local.${randomBytes(100).toString('base64url')}`).json.claims, undefined);
        }
        assert.match(inspect('v4.public.AAAA').json.notes.join(), /shorter than a signature/);
        const secret = readFileSync(generated('k4.secret', 'OKP', '--to', 'paserk'), 'utf8').trim();
        const shown = inspect(secret);
        assert.equal(shown.json.kind, 'paserk');
        assert.match(shown.human, /secret key/);
        assert.ok(!shown.human.includes(secret.slice(10)));
        const { json } = inspect(token(OK, ['seal', '--key', generated('A256KW', '--alg', 'A256KW')], 'secret text'));
        assert.deepEqual([json.kind, json.header.enc, json.claims], ['jwe', 'A256GCM', undefined]);
    });
    test('what is none of it', () => {
        for (const text of ['', 'x', 'a.b', 'a.b.c.d', 'a.b.c.d.e.f', '{"kty":"oct"}', 'x'.repeat(75) + '!'])
            assert.equal(inspect(text, NOT_VALID).json.kind, 'unknown');
        assert.equal(run(['token', 'inspect'], { input: 'x'.repeat(200_000) }).status, FAILED);
    });
    test("the service's own credentials are known, and their secrets not shown", async () => {
        const s = await Service.start();
        try {
            const login = (app) => request(`${s.url}/v1/login`, { method: 'POST', json: { username: 'alice', password: PASSWORD, app } });
            const cookie = /__Host-cardea=([^;]+)/.exec([].concat((await login('web')).headers['set-cookie']).join('\n'))[1];
            const { access_token, refresh_token, session } = (await login('mobile')).json;
            const { key, id } = s.command(['apikey', 'create', 'alice', '--name', 'k']);
            const access = inspect(access_token);
            assert.deepEqual([access.json.kind, access.json.claims.sid], ['jws', session.sid]);
            const refresh = inspect(refresh_token);
            assert.deepEqual([refresh.json.kind, refresh.json.sid, refresh.json.generation], ['refresh_token', session.sid, 1]);
            assert.ok(!refresh.human.includes(refresh_token.slice(50)));
            const api = inspect(key);
            assert.deepEqual([api.json.kind, api.json.id, api.json.notes], ['api_key', id, undefined]);
            assert.ok(!api.human.includes(key.slice(30, 60)));
            assert.match(inspect(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`).human, /checksum does not fit/);
            const found = inspect(cookie);
            assert.equal(found.json.kind, 'session_cookie');
            assert.ok(s.command(['session', 'list', 'alice']).items.some((i) => i.sid === found.json.sid));
            assert.ok(!found.human.includes(cookie.slice(40)));
            const jwks = (await request(`${s.url}/.well-known/jwks.json`)).text;
            writeFileSync(path('jwks'), jwks);
            token(OK, ['verify', '--keys', path('jwks'), '--issuer', s.url, '--any-audience'], access_token);
        } finally { await s.stop(); }
    });
});

describe('seal and open', () => {
    for (const alg of seals)
        test(`${alg}: with every content encryption, and only under its own key`, () => {
            for (const [enc, bits] of Object.entries(encryptions)) {
                const key = alg === 'dir' ? generated(`dir${bits}`, '--alg', 'dir', '--bits', `${bits}`) : generated(alg, '--alg', alg);
                const to = alg.startsWith('ECDH') || alg.startsWith('RSA') ? publicHalf(key) : key;
                const text = token(OK, ['seal', '--key', to, '--enc', enc, '--type', 'x', '--content-type', 'text'], 'grüße\n').trim();
                assert.equal(text.split('.').length, 5);
                assert.equal(token(OK, ['open', '--key', key, '--enc', enc], text), 'grüße\n');
                const json = JSON.parse(token(OK, ['open', '--key', key, '--enc', enc, '--json'], text));
                assert.deepEqual(json, { opened: true, verified: false, alg, enc, typ: 'x', cty: 'text', text: 'grüße\n' });
                for (const i of enc === 'A256GCM' ? text.split('.').keys() : [])
                    token(NOT_VALID, ['open', '--key', key, '--enc', enc], tampered(text, i));
                if (to !== key) token(USAGE, ['open', '--key', to, '--enc', enc], text);
            }
            const other = alg === 'dir' ? 'dir2' : `${alg}2`;
            const key = alg === 'dir' ? path('dir256') : path(alg), stranger = generated(other, '--alg', alg, ...(alg === 'dir' ? ['--bits', '256'] : []));
            const text = token(OK, ['seal', '--key', key], 'x');
            assert.equal(JSON.parse(token(NOT_VALID, ['open', '--key', stranger, '--json'], text)).opened, false);
        });
    test('X25519', () => {
        const key = generated('x25519', 'OKP', '--alg', 'ECDH-ES');
        assert.equal(JSON.parse(readFileSync(key)).crv, 'X25519');
        assert.equal(token(OK, ['open', '--key', key], token(OK, ['seal', '--key', publicHalf(key)], 'x')), 'x');
    });
    test('claims inside, and their end', () => {
        const key = generated('dir256', '--alg', 'dir', '--bits', '256');
        const open = (status, args, ...more) => token(status, ['open', '--key', key, ...more], token(OK, ['seal', '--key', key, ...args]));
        assert.equal(JSON.parse(open(OK, ['--claim', 'sub=me'], '--check-exp')).sub, 'me');
        open(EXPIRED, ['--claim', 'exp:=1000'], '--check-exp');
        open(OK, ['--claim', 'exp:=1000']);
        open(NOT_VALID, ['--claim', 'exp=soon'], '--check-exp');
        open(NOT_VALID, ['--claim', 'nbf:=99999999999'], '--check-exp');
        token(NOT_VALID, ['open', '--key', key, '--check-exp'], token(OK, ['seal', '--key', key], '{}'));
    });
    test('bytes come as they are, in JSON as base64url where they are no text', () => {
        const key = generated('dir256', '--alg', 'dir', '--bits', '256'), bytes = randomBytes(500);
        writeFileSync(path('bytes'), bytes);
        const text = token(OK, ['seal', '--key', key, path('bytes')]).trim();
        assert.equal(JSON.parse(token(OK, ['open', '--key', key, '--json', text])).base64url, bytes.toString('base64url'));
    });
    test('wrong keys, limits and options', () => {
        const key = generated('dir256', '--alg', 'dir', '--bits', '256');
        token(USAGE, ['seal', '--key', generated('ES256', '--alg', 'ES256')], 'x');
        token(USAGE, ['seal', '--key', generated('k4.local', 'oct', '--to', 'paserk')], 'x');
        token(USAGE, ['seal', '--key', key, '--alg', 'A256KW'], 'x');
        token(USAGE, ['seal', '--key', key, '--enc', 'A128GCM'], 'x');
        token(USAGE, ['seal', '--key', key, '--enc', 'XC20P'], 'x');
        token(USAGE, ['seal'], 'x');
        token(USAGE, ['seal', '--key', '-'], readFileSync(key));
        token(USAGE, ['seal', '--key', key, '--derive', 'authjs:x', '--alg', 'dir'], 'x');
        token(USAGE, ['seal', '--key', key, '--derive', 'rot13:x'], 'x');
        token(USAGE, ['seal', '--key', key, '--derive', 'authjs:'], 'x');
        token(FAILED, ['seal', '--key', key], 'x'.repeat(40_961));
        assert.equal(token(OK, ['open', '--key', key], token(OK, ['seal', '--key', key], 'x'.repeat(40_960))).length, 40_960);
        for (const alg of ['RSA1_5', 'RSA-OAEP', 'PBES2-HS256+A128KW', 'none'])
            token(USAGE, ['seal', '--key', key, '--alg', alg], 'x');
    });
});

describe('jwk', () => {
    const openssl = (args, input) => {
        const r = spawnSync('openssl', args, { input });
        assert.equal(r.status, 0, `${r.stderr}`);
        return r.stdout;
    };
    test('every algorithm gets a key that it takes, with kid, alg and use, readable by its owner alone', () => {
        for (const alg of [...signatures, ...seals]) {
            const key = JSON.parse(readFileSync(generated(alg, '--alg', alg)));
            assert.equal(statSync(path(alg)).mode & 0o777, 0o600, alg);
            assert.deepEqual([key.alg, key.use], [alg, signatures.includes(alg) ? 'sig' : 'enc']);
            assert.ok(key.kid);
            if (key.kty !== 'oct') {
                const { e, n, crv, kty, x, y } = key;
                const canonical = JSON.stringify(kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x });
                assert.equal(key.kid, createHash('sha256').update(canonical).digest('base64url'));
                assert.equal(token(OK, ['jwk', 'thumbprint', path(alg)]).trim(), key.kid);
                const { d, p, q, dp, dq, qi, ...rest } = key;
                assert.deepEqual(JSON.parse(token(OK, ['jwk', 'convert', path(alg), '--public', '--to', 'jwk'])), rest);
            }
        }
    });
    test('JWK to PEM and back is the same key, and openssl reads it', () => {
        for (const [name, args] of [['EC', ['EC']], ['p384', ['--curve', 'P-384']], ['p521', ['--curve', 'P-521']], ['RSA', ['RSA', '--bits', '3072']], ['ed', ['OKP']], ['ed448', ['--curve', 'Ed448']], ['x', ['--curve', 'X25519']]]) {
            const key = generated(`c-${name}`, ...args, '--kid', 'mine'), written = JSON.parse(readFileSync(key));
            token(OK, ['jwk', 'convert', key, '--out', path(`c-${name}.pem`)]);
            assert.equal(statSync(path(`c-${name}.pem`)).mode & 0o777, 0o600);
            assert.match(readFileSync(path(`c-${name}.pem`), 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
            const back = JSON.parse(token(OK, ['jwk', 'convert', path(`c-${name}.pem`), '--kid', 'mine', ...(written.use ? ['--use', written.use] : [])]));
            assert.deepEqual(back, written);
            const spki = openssl(['pkey', '-in', path(`c-${name}.pem`), '-pubout']);
            assert.equal(token(OK, ['jwk', 'convert', key, '--public']), `${spki}`);
            assert.equal(token(OK, ['jwk', 'convert', '--public', '--to', 'pem'], readFileSync(path(`c-${name}.pem`))), `${spki}`);
            assert.equal(token(OK, ['jwk', 'thumbprint'], spki), token(OK, ['jwk', 'thumbprint', key]));
        }
    });
    test('PKCS#1, SEC 1 and certificates are read; a certificate is its public key', () => {
        const rsa = path('c-RSA.pem'), ec = path('c-EC.pem');
        const same = (pem, of, ...args) => assert.equal(token(OK, ['jwk', 'convert', '--to', 'pem', ...args], pem), `${readFileSync(of)}`);
        same(openssl(['rsa', '-in', rsa, '-traditional']), rsa);
        same(openssl(['ec', '-in', ec]), ec);
        assert.equal(token(OK, ['jwk', 'convert', '--to', 'pem'], openssl(['rsa', '-in', rsa, '-RSAPublicKey_out'])), `${openssl(['pkey', '-in', rsa, '-pubout'])}`);
        const crt = openssl(['req', '-x509', '-new', '-key', ec, '-subj', '/CN=x', '-days', '1']);
        writeFileSync(path('ec.crt'), crt);
        assert.equal(token(OK, ['jwk', 'convert', '--to', 'pem'], crt), `${openssl(['pkey', '-in', ec, '-pubout'])}`);
        const signed = token(OK, ['sign', '--key', ec, '--alg', 'ES256', ...claims]);
        token(OK, ['verify', '--keys', path('ec.crt'), ...rules], signed);
        token(USAGE, ['sign', '--key', path('ec.crt'), ...claims]);
        token(USAGE, ['jwk', 'convert'], openssl(['pkcs8', '-topk8', '-in', ec, '-passout', 'pass:x', '-v2', 'aes256']));
        token(USAGE, ['jwk', 'convert'], openssl(['genrsa', '1024']));
    });
    test('a set converts whole, or one of it by kid; public only when asked', () => {
        const keys = ['ES256', 'EdDSA'].map((a) => JSON.parse(readFileSync(generated(a, '--alg', a))));
        writeFileSync(path('pair'), JSON.stringify({ keys }), { mode: 0o600 });
        assert.deepEqual(JSON.parse(token(OK, ['jwk', 'convert', path('pair'), '--to', 'jwks'])), { keys });
        assert.deepEqual(JSON.parse(token(OK, ['jwk', 'convert', path('pair'), '--to', 'jwks', '--public'])).keys.map((k) => k.d), [undefined, undefined]);
        assert.deepEqual(JSON.parse(token(OK, ['jwk', 'convert', path('pair'), '--kid', keys[1].kid])), keys[1]);
        token(USAGE, ['jwk', 'convert', path('pair'), '--to', 'pem']);
        token(USAGE, ['jwk', 'convert', path('pair'), '--kid', 'x']);
        assert.deepEqual(JSON.parse(token(OK, ['jwk', 'thumbprint', path('pair'), '--json'])).items.map((i) => i.kid), keys.map((k) => k.kid));
    });
    test('nothing is overwritten, no link followed', () => {
        const key = generated('ES256', '--alg', 'ES256'), before = readFileSync(key, 'utf8');
        token(CONFLICT, ['jwk', 'generate', 'EC', '--out', key]);
        symlinkSync(path('target'), path('link'));
        token(CONFLICT, ['jwk', 'generate', 'EC', '--out', path('link')]);
        assert.equal(readFileSync(key, 'utf8'), before);
        assert.ok(!existsSync(path('target')));
        token(FAILED, ['jwk', 'generate', 'EC', '--out', path('no/where')]);
    });
    test('keys that nothing would load are not made, and not written', () => {
        for (const bad of [[], ['XYZ'], ['RSA', '--bits', '1024'], ['RSA', '--bits', '8192'], ['oct', '--bits', '7'], ['oct', '--bits', 'many'], ['--alg', 'none'], ['--alg', 'HS512', '--bits', '256'], ['EC', '--alg', 'RS256'],
            ['--alg', 'ES256', '--curve', 'P-384'], ['--alg', 'A128KW', '--bits', '256'], ['--alg', 'ECDH-ES', '--curve', 'P-521'], ['EC', '--curve', 'secp256k1'], ['EC', '--use', 'both'], ['EC', '--kid', ''], ['EC', '--to', 'der'],
            ['EC', '--to', 'paserk'], ['oct', '--to', 'pem'], ['--alg', 'dir', '--bits', '136']])
            token(USAGE, ['jwk', 'generate', ...bad]);
        const oct = generated('HS256', '--alg', 'HS256');
        token(USAGE, ['jwk', 'thumbprint', oct]);
        token(USAGE, ['jwk', 'convert', oct, '--public', '--to', 'jwk']);
        token(USAGE, ['jwk', 'convert', oct, '--to', 'pem']);
        token(USAGE, ['jwk', 'convert', generated('ES256', '--alg', 'ES256'), '--alg', 'RS256', '--to', 'jwk']);
        const off = { ...JSON.parse(readFileSync(path('ES256'))), x: 'A'.repeat(43) };
        token(USAGE, ['jwk', 'convert', '--to', 'jwk'], JSON.stringify(off));
    });
});
