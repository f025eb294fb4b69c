// Does the service refuse forged, altered and malformed access tokens, each with the same words? Groups A, B and C of the attack list,
// over real HTTP; what needs the private key to be told apart (claims under a good signature) is in tests/unit/access_token_*_test.c.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { constants, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Service, freePort, temporary } from './lib/service.mjs';
import { COOKIE, Caller, allowed, bearer, cookies, decode } from './lib/credentials.mjs';

const settings = {
    apps: { web: 'web', spa: 'spa', mobile: 'mobile', shop: { profile: 'mobile', audience: 'https://shop.example' } },
    guess: { free: 100, address_per_minute: 10000 },
};
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }), rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }), ed = generateKeyPairSync('ed25519');
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
let service, caller, head, body, signature, header, claims, jwk, pem, generic;
/** A place that an attacker would like the service to fetch from; what came is counted. */
let attacker, visits = 0;

before(async () => {
    attacker = net.createServer((s) => { visits++; s.destroy(); });
    await new Promise((done) => attacker.listen(0, '127.0.0.1', done));
    service = await Service.start({ settings });
    caller = await Caller.login(service, 'alice', { app: 'mobile' });
    [head, body, signature] = caller.access.split('.');
    ({ header, claims } = decode(caller.access));
    jwk = (await service.request('/.well-known/jwks.json')).json.keys.find((k) => k.kid === header.kid);
    pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    generic = {};
    for (const path of PATHS) generic[path] = shape(await service.request(path, { headers: bearer('x.y.z') }));
});
after(async () => {
    agent.destroy();
    attacker.close();
    await service?.end();
});
/** The service lives, serves the genuine token, and has fetched nothing. */
afterEach(async () => {
    assert.equal((await service.request('/healthz')).status, 200);
    allowed(await caller.verify(), 204);
    assert.equal(visits, 0, 'nothing was fetched');
});

const PATHS = ['/verify', '/v1/me'];
const encode = (x) => Buffer.from(typeof x === 'string' || Buffer.isBuffer(x) ? x : JSON.stringify(x)).toString('base64url');
const joined = (h, p) => `${encode(h)}.${encode(p)}`;
const es256 = (input, key = ec.privateKey) => sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
/** Signed well, by somebody else. */
const signed = (h = header, p = claims) => `${joined(h, p)}.${es256(joined(h, p))}`;
const hmac = (alg, key, h = header) => {
    const input = joined({ ...h, alg }, claims);
    return `${input}.${createHmac(`sha${alg.slice(2)}`, key).update(input).digest('base64url')}`;
};
/** The genuine signature, and one of another's, under the header or the claims. */
const underHeader = (h) => [`${encode(h)}.${body}.${signature}`, signed(h)];
const underClaims = (p) => [`${head}.${encode(p)}.${signature}`, signed(header, p)];
const withSignature = (bytes) => `${head}.${body}.${Buffer.from(bytes).toString('base64url')}`;

/** All of an answer but what differs from request to request. */
const shape = (a) => ({
    status: a.status,
    headers: Object.fromEntries(Object.entries(a.headers).filter(([n]) => !['date', 'x-request-id', 'content-length', 'connection', 'keep-alive'].includes(n))),
    body: { ...a.json, request_id: 0 },
});

/** Longer cookies are refused with the head (docs/limits.md), before anybody looks at them. */
const COOKIE_LONG = 8000;

/** Every text is refused at every path, as a bearer and as a cookie, with the one generic answer. */
async function allRefused(texts) {
    const asks = [...new Set(texts)].flatMap((text) => PATHS.flatMap((path) => [[path, text, bearer(text)], ...(text.length <= COOKIE_LONG && /^[\w.-]+$/.test(text) ? [[path, text, cookies({ [COOKIE.access]: text })]] : [])]));
    const next = async () => {
        for (let ask; (ask = asks.pop());) {
            const [path, text, headers] = ask;
            const a = await service.request(path, { headers, agent });
            const what = `${path} with ${text.slice(0, 300)} (${text.length}) answered ${a.status} ${a.text}`;
            assert.equal(a.status, 401, what);
            assert.equal(a.headers['www-authenticate'], 'Bearer error="invalid_token"', what);
            assert.deepEqual(shape(a), generic[path], what);
        }
    };
    await Promise.all(Array.from({ length: 8 }, next));
}

/** Bytes as they are, for what no HTTP client would send; the status, or 'closed'. */
const raw = (bytes) => new Promise((done) => {
    const socket = net.connect(service.port, '127.0.0.1'), chunks = [];
    const finish = () => { socket.destroy(); done(Buffer.concat(chunks).toString('latin1').match(/^HTTP\/1\.1 (\d{3})/)?.[1] ?? 'closed'); };
    socket.setTimeout(10_000, () => { socket.destroy(); done('nothing'); });
    socket.on('data', (c) => { chunks.push(c); });
    socket.on('error', finish);
    socket.on('close', finish);
    socket.write(bytes);
});
const rawBearer = (text, path = '/verify') => raw(Buffer.concat([Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\nConnection: close\r\nAuthorization: Bearer `), Buffer.from(text, 'latin1'), Buffer.from('\r\n\r\n')]));
const rawRefused = async (text, statuses) => {
    for (const path of PATHS) {
        const got = await rawBearer(text, path);
        assert.ok(statuses.includes(got), `${path} with ${JSON.stringify(text.slice(0, 200))} (${text.length}) answered ${got}`);
    }
};

describe('A: header, algorithm, key selection', () => {
    test('A01 A02 alg none, in every spelling', () => allRefused(['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\0', 'n\u0000one', 'NoNe', 'ｎone', 'null'].flatMap((alg) =>
        [`${encode({ ...header, alg })}.${body}.`, `${encode({ alg, typ: 'at+jwt' })}.${body}.`, `${joined({ alg }, { ...claims, sub: 'admin' })}.`, `${joined({ ...header, alg }, claims)}.${encode('x')}`])));

    test('A04 alg of another type or missing', () => allRefused([undefined, null, 0, 1, true, false, '', [], ['none'], ['ES256'], {}, { ES256: 1 }, 'es256', 'ES256 ', 'ES256\0', 'ES2560', 'ES25'].flatMap((alg) =>
        [...underHeader({ ...header, alg }), `${encode({ ...header, alg })}.${body}.`])));

    test('A05 the genuine parts, put together otherwise', () => allRefused([
        `${encode({ ...header, alg: 'none' })}.${body}.${signature}`, `${head}.${body}.`, `${head}.${body}`, `${head}..${signature}`, `.${body}.${signature}`,
        `${encode({ alg: 'none' })}.${body}`, `${body}.${head}.${signature}`, `${head}.${signature}.${body}`, `${head}.${head}.${signature}`, `${head}.${body}.${body}`, head, body, signature,
    ]));

    test('A06 A07 HMAC keyed with the public key', () => {
        const der = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' });
        const point = Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]);
        const keys = [pem, pem.trim(), pem.replace(/\n/g, '\r\n'), pem.trim().replace(/\n/g, '\r\n'), pem.replace(/\n/g, ''), `${pem}\n`, `${pem}\0`, pem.split('\n').slice(1, -2).join(''), der, point, point.subarray(1), Buffer.from(jwk.x, 'base64url'), jwk.x, JSON.stringify(jwk), JSON.stringify({ keys: [jwk] })];
        return allRefused(['HS256', 'HS384', 'HS512'].flatMap((alg) => keys.flatMap((k) => [hmac(alg, k), hmac(alg, k, { ...header, kid: undefined })])));
    });

    test('A10 HMAC with keys that are guessed', () => allRefused(['', '\0', Buffer.alloc(32), Buffer.alloc(64), 'secret', 'cardea', 'alice', header.kid, service.url, claims.sid, claims.jti, '{}', 'null', 'undefined'].flatMap((k) => ['HS256', 'HS512'].map((alg) => hmac(alg, k)))));

    test('A12 the genuine token, relabelled', () => allRefused(['EdDSA', 'Ed25519', 'Ed448', 'ES384', 'ES512', 'ES256K', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'HS256', 'dir', 'RSA-OAEP', 'ECDH-ES', 'A256KW', 'PBES2-HS256+A128KW', 'v4.public'].flatMap((alg) =>
        underHeader({ ...header, alg }))));

    test('A13 a key inside the token', () => {
        const own = ec.publicKey.export({ format: 'jwk' }), kinds = [];
        for (const kid of [header.kid, 'mine', undefined]) {
            kinds.push(signed({ ...header, kid, jwk: own }), signed({ ...header, kid, jwk: { ...own, kid: header.kid, use: 'sig', alg: 'ES256' } }), signed({ ...header, kid, jwk: [own] }), signed({ ...header, kid, jwks: { keys: [own] } }), signed({ ...header, kid, key: own }));
            kinds.push(`${encode({ ...header, kid, jwk })}.${body}.${signature}`, signed({ ...header, kid, jwk }));
            const other = (alg, key, options, jwkOf) => {
                const input = joined({ ...header, kid, alg, jwk: jwkOf.export({ format: 'jwk' }) }, claims);
                kinds.push(`${input}.${sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), { key, ...options }).toString('base64url')}`);
            };
            other('RS256', rsa.privateKey, {}, rsa.publicKey);
            other('PS256', rsa.privateKey, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, rsa.publicKey);
            other('EdDSA', ed.privateKey, {}, ed.publicKey);
            kinds.push(hmac('HS256', 'k', { ...header, kid, jwk: { kty: 'oct', k: encode('k') } }));
        }
        return allRefused(kinds);
    });

    test('A15 a key by address: refused, and nothing fetched', () => {
        const at = `127.0.0.1:${attacker.address().port}`;
        const addresses = [`http://${at}/jwks.json`, `https://${at}/x`, `${service.url}@${at}/`, `${service.url}#@${at}`, `http://${at}/?${service.url}`, `http://${at}#${service.url}`, `//${at}/x`, 'file:///etc/passwd', `gopher://${at}/_x`, `ftp://${at}/x`, `http://localhost:${attacker.address().port}/`, `${service.url}/.well-known/jwks.json`];
        return allRefused(addresses.flatMap((a) => [...['jku', 'x5u'].flatMap((n) => [...underHeader({ ...header, [n]: a }), signed({ ...header, kid: undefined, [n]: a })]), signed({ ...header, kid: a }), signed(header, { ...claims, iss: a }), signed({ ...header, iss: a, jku: [a] })]));
    });

    test('A16 certificates inside the token', () => {
        const der = ec.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
        return allRefused([[der], [der, der], [], [''], ['not base64'], der, null, {}, [[der]], [1], ['MIIB'.repeat(300)]].flatMap((x5c) => [...underHeader({ ...header, x5c }), signed({ ...header, kid: undefined, x5c }), signed({ ...header, 'x5t#S256': encode('x'), x5c })]));
    });

    test('A18 A19 A20 A21 a kid that is a path, a query, a format, or no text', async () => {
        const odd = ['../../../../dev/null', '/dev/null', '/proc/sys/kernel/randomize_va_space', '..%2f..%2fdev%2fnull', 'file:///dev/null', "x' UNION SELECT 'k'-- -", '|id|', '$(id)', '`id`', '*)(uid=*', '%n%n%n%s', 'a\r\nSet-Cookie: x=y', 'a\nb', '${jndi:ldap://x}', '\u001b[31m', `${header.kid}\0`, `${header.kid} `, ` ${header.kid}`, header.kid.toUpperCase(), header.kid.slice(0, -1), `${header.kid}A`, '', '\0', 'x'.repeat(6000), 'http://127.0.0.1/', [header.kid], { kid: header.kid }, 0, 1, -1, 1e99, true, null, [], {}, undefined];
        await allRefused(odd.flatMap((kid) => [...underHeader({ ...header, kid }), hmac('HS256', '', { ...header, kid }), hmac('HS256', 'k', { ...header, kid })]));
        // nothing of it makes a line of its own in the log, or a control character
        assert.doesNotMatch(service.output, /^Set-Cookie/m);
        assert.doesNotMatch(service.output, /[\x00-\x08\x0b-\x1f]/);
    });

    test('A23 A24 critical extensions, and unencoded payloads', () => allRefused([
        ...[['exp'], ['x'], [], '', 'exp', null, ['alg'], ['missing'], ['exp', 'exp'], [1], [null], {}, 1, true, ['b64'], ['http://x.example/y']].flatMap((crit) => underHeader({ ...header, crit, exp: claims.exp, x: 1 })),
        ...[true, false, 'false', 0, null].flatMap((b64) => [...underHeader({ ...header, crit: ['b64'], b64 }), ...underHeader({ ...header, b64 })]),
        (() => { const input = `${encode({ ...header, crit: ['b64'], b64: false })}.${JSON.stringify(claims)}`; return `${input}.${es256(input)}`; })(),
    ]));

    test('A26 A27 A28 tokens that are no access tokens', async () => {
        const web = await Caller.login(service, 'alice'), spa = await Caller.login(service, 'alice', { app: 'spa' });
        const types = ['JWT', 'jwt', '', 'id+jwt', 'refresh+jwt', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 'oauth-authz-req+jwt', 'token-introspection+jwt', 'sealed+jwt', 'at+jwt;x', 'at+jwt\0', 'at+jwt ', 'at-jwt', 'application/', 'application/jwt', 'application/application/at+jwt', 'x/at+jwt', ['at+jwt'], { typ: 'at+jwt' }, 1, true, null, undefined];
        await allRefused([...types.flatMap((typ) => underHeader({ ...header, typ })),
            signed({ alg: 'ES256', typ: 'JWT' }, { iss: service.url, sub: claims.sub, aud: 'mobile', exp: claims.exp, iat: claims.iat, nonce: 'n' }),
            signed({ alg: 'ES256', typ: 'dpop+jwt', jwk: ec.publicKey.export({ format: 'jwk' }) }, { jti: 'x', htm: 'GET', htu: `${service.url}/verify`, iat: claims.iat }),
            signed({ alg: 'ES256', typ: 'logout+jwt' }, { ...claims, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
            caller.refresh, spa.refresh, web.jar.get(COOKIE.session), web.jar.get(COOKIE.device), web.csrf, caller.sid, claims.jti]);
    });

    test('A31 an algorithm outside the protected header', () => allRefused([
        { payload: body, signatures: [{ header, signature }] }, { payload: body, header: { alg: 'none' }, protected: head, signature },
        { payload: body, header, signature }, { payload: body, protected: encode({ kid: header.kid, typ: header.typ }), header: { alg: 'ES256' }, signature },
    ].flatMap((j) => [JSON.stringify(j), encode(j)])));
});

describe('B: JSON and claims', () => {
    const headText = (text) => [`${encode(text)}.${body}.${signature}`, `${encode(text)}.${body}.${es256(`${encode(text)}.${body}`)}`];
    const bodyText = (text) => [`${head}.${encode(text)}.${signature}`, `${head}.${encode(text)}.${es256(`${head}.${encode(text)}`)}`];
    const claimText = (member, without = []) => {
        const rest = JSON.stringify(Object.fromEntries(Object.entries(claims).filter(([n]) => !without.includes(n))));
        return bodyText(`${rest.slice(0, -1)},${member}}`);
    };

    test('B01 members named twice', () => {
        const rest = `"kid":"${header.kid}","typ":"at+jwt"`;
        return allRefused([...headText(`{"alg":"none","alg":"ES256",${rest}}`), ...headText(`{"alg":"ES256","alg":"none",${rest}}`), ...headText(`{"alg":"ES256","a\\u006cg":"ES256",${rest}}`), ...headText(`{"alg":"ES256",${rest},"kid":"x"}`), ...headText(`{"alg":"ES256",${rest},${rest}}`),
            ...['exp', 'sub', 'iss', 'aud', 'sid'].flatMap((n) => claimText(`"${n}":${JSON.stringify(claims[n])}`)), ...claimText('"\\u0073ub":"x"')]);
    });

    test('B03 texts that are not UTF-8, and marks before them', () => {
        const bad = ['ff', 'c0af', 'e080af', 'eda080', 'eda0bdedb880', 'f4908080', '00', '01', '80', 'c3'].map((h) => Buffer.from(h, 'hex'));
        const inside = (text, b) => { const at = text.length - 2; return Buffer.concat([Buffer.from(text.slice(0, at)), b, Buffer.from(text.slice(at))]); };
        const h = JSON.stringify({ ...header, x: 'x' }), p = JSON.stringify({ ...claims, x: 'x' });
        const forms = (text) => [`\ufeff${text}`, Buffer.from(text, 'utf16le'), Buffer.from(text, 'utf16le').swap16(), Buffer.from(`\ufeff${text}`, 'utf16le'), ...bad.map((b) => inside(text, b)), text.replace('"x":"x"', '"x":"\\ud800"'), text.replace('"x":"x"', '"x":"\\udc00\\ud800"'), text.replace('"x":"x"', '"x":"\\x41"')];
        return allRefused([...forms(h).flatMap(headText), ...forms(p).flatMap(bodyText)]);
    });

    test('B04 depth', async () => {
        for (const n of [100, 2000]) for (const text of ['['.repeat(n), `${'['.repeat(n)}${']'.repeat(n)}`, '{"a":'.repeat(n), `{"x":${'['.repeat(n)}${']'.repeat(n)}}`])
            await allRefused([...headText(text), ...bodyText(text)]);
        await allRefused(['['.repeat(8000), '{'.repeat(8000)]);
        for (const text of ['['.repeat(100_000), encode('['.repeat(75_000))]) await rawRefused(text, ['401', '431']);
    });

    test('B05 a payload that is no object', () => {
        const good = JSON.stringify(claims), h = JSON.stringify(header);
        return allRefused([...['', '[]', '"x"', '1', 'null', 'true', '{', '{}', ' ', '{}{}', `[${good}]`, `${good}x`, `${good}\0`, `${good},`, `${good}${good}`, `"${good}"`, good.slice(0, -1), good.slice(1), JSON.stringify(good)].flatMap(bodyText),
            ...['', '[]', '"ES256"', '1', 'null', '{', '{}', `[${h}]`, `${h}x`, `${h}\0`, `${h}${h}`, h.slice(0, -1)].flatMap(headText)]);
    });

    test('B06 many members, members that collide, long numbers', () => {
        const many = (n, name) => `{${Array.from({ length: n }, (_, i) => `"${name(i)}":0`).join()}}`;
        const same = (i) => Array.from({ length: 9 }, (_, b) => ((i >> b) & 1 ? 'Aa' : 'BB')).join('');
        return allRefused([...[many(500, (i) => `k${i}`), many(500, same), many(1000, (i) => i)].flatMap((t) => [...headText(t), ...bodyText(t)]), ...claimText(many(400, same).slice(1, -1)),
            ...['exp', 'iat', 'ep'].flatMap((n) => claimText(`"${n}":${'9'.repeat(3000)}`, [n])), ...claimText(`"x":0.${'1'.repeat(3000)}`)]);
    });

    test('B07 B08 an exp of another type, or past every range', () => allRefused([...['null', `"${claims.exp}"`, `[${claims.exp}]`, 'true', '{}', '""', '-1', '0', '1e400', '1e308', '-1e308', 'Infinity', 'NaN', '4294967296', '9223372036854775807', '9223372036854775808', '18446744073709551616', '9'.repeat(400), `${claims.exp}000`, `${claims.exp}.5`, `${claims.exp}e0`, `+${claims.exp}`, `0${claims.exp}`].flatMap((v) => claimText(`"exp":${v}`, ['exp'])), ...underClaims({ ...claims, exp: undefined })]));

    test('B10 B11 B13 times, audience, issuer', () => allRefused([
        ...[{ nbf: claims.exp }, { nbf: 'x' }, { nbf: null }, { iat: claims.iat + 86400 }, { iat: 'x' }, { iat: undefined }, { iat: -1 }].flatMap((c) => underClaims({ ...claims, ...c })),
        ...[undefined, null, '', 'https://other.example', [], [null], 1, [[service.url]], { a: service.url }, [service.url, 1], true].flatMap((aud) => underClaims({ ...claims, aud })),
        ...[undefined, null, '', 'https://other.example', [service.url], `${service.url}/`, `${service.url} `, service.url.toUpperCase(), `${service.url}\0`, `${service.url}@evil.example`, 1].flatMap((iss) => underClaims({ ...claims, iss })),
    ]));

    test('B16 what somebody would be by other claims', () => allRefused([
        { cnf: { jkt: 'x' } }, { cnf: { 'x5t#S256': 'x' } }, { sub: 'admin' }, { sub: '' }, { sub: null }, { sub: [claims.sub] }, { sid: 'A'.repeat(22) }, { sid: null }, { sid: '../x' }, { ep: 0 }, { ep: -1 }, { ep: 1e99 }, { jti: undefined }, { jti: 'x' }, { client_id: 'web' }, { client_id: null }, { roles: ['admin'] }, { scope: 'cardea:admin' },
    ].flatMap((c) => underClaims({ ...claims, ...c }))));

    test('B17 A21 two issuers with one key: a token is good at its own alone', async () => {
        const copy = temporary(), first = await Service.start({ settings, keepState: true });
        let a, b;
        try {
            const before = await Caller.login(first, 'alice', { app: 'mobile' }), shop = await Caller.login(first, 'alice', { app: 'shop' });
            await first.stop();
            cpSync(first.state, copy, { recursive: true });
            a = await Service.start({ settings, state: first.state, port: first.port, users: [], keepState: true });
            b = await Service.start({ settings, state: copy, users: [], port: await freePort(), keepState: true });
            const kids = async (s) => (await s.request('/.well-known/jwks.json')).json.keys.map((k) => k.kid);
            assert.deepEqual(await kids(a), await kids(b), 'the same key');
            const here = await Caller.login(b, 'alice', { app: 'mobile' });
            for (const c of [before, shop]) allowed(await a.verify({ headers: bearer(c.access) }), 204);
            allowed(await here.verify(), 204);
            for (const [s, c] of [[b, before], [b, shop], [a, here]]) for (const path of PATHS) {
                const answer = await s.request(path, { headers: bearer(c.access) });
                assert.deepEqual([answer.status, answer.headers['www-authenticate'], answer.json.detail], [401, 'Bearer error="invalid_token"', generic[path].body.detail], path);
            }
        } finally {
            for (const s of [first, a, b]) await s?.stop();
            for (const folder of [first.state, copy]) rmSync(folder, { recursive: true, force: true });
            for (const s of [first, a, b]) if (s?.configFile) rmSync(s.configFile, { force: true });
        }
    });
});

describe('C: signature bytes and encoding', () => {
    const number = (n) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex');
    let good;
    before(() => { good = Buffer.from(signature, 'base64url'); });

    test('C01 r and s of zero, one, the order', () => {
        const values = [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, (1n << 256n) - 1n].map(number), all = [];
        for (const v of values) {
            for (const w of values) all.push(withSignature(Buffer.concat([v, w])));
            all.push(withSignature(Buffer.concat([v, good.subarray(32)])), withSignature(Buffer.concat([good.subarray(0, 32), v])));
        }
        return allRefused(all);
    });

    test('C02 the genuine signature in other forms', () => {
        const [r, s] = [good.subarray(0, 32), good.subarray(32)], int = (b) => { const v = b[0] & 0x80 ? Buffer.concat([Buffer.from([0]), b]) : b; return Buffer.concat([Buffer.from([2, v.length]), v]); };
        const inner = Buffer.concat([int(r), int(s)]);
        return allRefused([Buffer.concat([Buffer.from([0x30, inner.length]), inner]), Buffer.concat([Buffer.from([0x30, 0x81, inner.length]), inner]), Buffer.from('3006020100020100', 'hex'), Buffer.from('308106020101020101', 'hex'),
            Buffer.concat([Buffer.from([0]), r, Buffer.from([0]), s]), r, s, Buffer.concat([s, r]), Buffer.from(good.toString('hex')), Buffer.from(signature), Buffer.concat([Buffer.from([0, 0]), good]), Buffer.from(good).reverse()].map(withSignature));
    });

    test('C04 C05 signatures of Edwards curves and RSA', () => {
        const point = (h) => Buffer.concat([Buffer.from(h.padEnd(64, '0'), 'hex'), Buffer.alloc(32)]);
        const forms = (alg, bytes) => [`${encode({ ...header, alg })}.${body}.${bytes.toString('base64url')}`, `${head}.${body}.${bytes.toString('base64url')}`];
        const input = Buffer.from(`${head}.${body}`), edSig = sign(null, input, ed.privateKey), rsaSig = sign('sha256', input, rsa.privateKey);
        return allRefused([...[edSig, point('01'), point('00'), point('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'), Buffer.concat([edSig.subarray(32), edSig.subarray(0, 32)])].flatMap((b) => forms('EdDSA', b)),
            ...[rsaSig, Buffer.concat([Buffer.from([0]), rsaSig]), rsaSig.subarray(1), Buffer.alloc(256), Buffer.concat([Buffer.alloc(255), Buffer.from([1])]), Buffer.alloc(256, 255)].flatMap((b) => [...forms('RS256', b), ...forms('PS256', b)])]);
    });

    test('C06 C08 lengths and bits, in the same words', () => {
        const flipped = (bit) => { const b = Buffer.from(good); b[bit >> 3] ^= 1 << (bit & 7); return b; };
        const text = caller.access, altered = [];
        for (let i = 0; i < text.length - 1; i += 11) if (text[i] !== '.') altered.push(text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1));
        return allRefused([...[good.subarray(0, 63), good.subarray(1), Buffer.concat([good, Buffer.from([0])]), Buffer.concat([Buffer.from([0]), good]), Buffer.concat([good, good]), Buffer.alloc(64), Buffer.alloc(64, 255), Buffer.alloc(0), Buffer.alloc(1), Buffer.concat([good, Buffer.alloc(4096)]), ...[0, 1, 7, 8, 255, 256, 504, 511].map(flipped)].map(withSignature), ...altered,
            text.slice(0, -1), text.slice(1), `${text}A`, `A${text}`, text + text, text.toLowerCase(), text.toUpperCase()]);
    });

    test('C09 C10 C11 other spellings of the same bytes', async () => {
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', text = caller.access;
        const insert = (what) => [[0, head], [1, body], [2, signature]].flatMap(([i, part]) => [0, 5, part.length].filter((at) => what.trim() !== '' || (i * 1e6 + at !== 0 && !(i === 2 && at === part.length))).map((at) => [head, body, signature].map((p, j) => (j === i ? part.slice(0, at) + what + part.slice(at) : p)).join('.')));
        await allRefused([...['=', '==', '%3d', '+', '/', ' ', '\t', '!', 'ä', '\xff', '%41', '\\', '"', ',', ';', '~', '*', '\x80'].flatMap(insert), ...[...alphabet].filter((c) => c !== text.at(-1)).map((c) => text.slice(0, -1) + c),
            text.replace(/-/g, '+').replace(/_/g, '/').replace(/^([^+/]*)$/, '$1='), `"${text}"`, `<${text}>`, `Bearer ${text}`, `${text},${text}`, `${text} ${text}`]);
        for (const what of ['\0', '\n', '\r', '\r\n', '\x7f', '\x01']) for (const t of insert(what).filter((x) => x.trim() === x && x.endsWith(signature.slice(-4)))) await rawRefused(t, ['400', '401', 'closed']);
    });

    test('C12 segments', async () => {
        const text = caller.access;
        await allRefused(['', '.', '..', '...', '....', 'a', 'a.b', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e', '.b.c', 'a..c', 'a.b.', `.${text}`, `${text}.`, `${text}.e30`, `e30.${text}`, `${text}..`, `${text}.x.y`, `..${text}`, `${head}..${body}.${signature}`, `${head}.${body}..${signature}`, '.'.repeat(8000)]);
        await rawRefused('.'.repeat(1_000_000), ['401', '431', 'closed']);
    });

    test('C13 other serialisations, and dots that are none', () => allRefused([
        JSON.stringify({ payload: body, protected: head, signature }), JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }), encode({ payload: body, protected: head, signature }),
        `{"protected":"${head}","payload":"${body}","signature":"${signature}","x":".."}`, `{" ${head}.${body}.${signature}":""}`, `[${JSON.stringify(caller.access)}]`,
        ...['%2e', '%2E', '%252e', '\\u002e', ',', ':', '~', Buffer.from('．').toString('latin1'), Buffer.from('。').toString('latin1')].flatMap((dot) => [caller.access.replaceAll('.', dot), caller.access.replace('.', dot)]),
    ]));

    test('C14 size', async () => {
        const text = caller.access;
        await allRefused([1000, 4096, 8192].flatMap((n) => [text.padEnd(n, 'A'), `${'A'.repeat(n)}.e30.AAAA`, `${head}.${'A'.repeat(n)}.${signature}`, 'A'.repeat(n)]));
        for (const n of [16_000, 65_536, 200_000, 1 << 20]) for (const t of [text.padEnd(n, 'A'), `${'A'.repeat(n)}.e30.AAAA`]) await rawRefused(t, ['401', '413', '431', 'closed']);
    });
});
