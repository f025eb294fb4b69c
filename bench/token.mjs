// The figures of tokens in one run: our own beside the bare primitives and C libraries (token_bench), allocations
// (token_allocations), a token seen before (verify_bench), and jose, fast-jwt and jsonwebtoken with the same tokens.
//
//     node bench/token.mjs FOLDER      FOLDER: of the benchmark programs; prints one object a line
//
// What Node's libraries are held against is what the library measured in the same run, on the same processor.
import { spawnSync } from 'node:child_process';
import { createPublicKey, createSecretKey } from 'node:crypto';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];
// The packages live in bench/node, beside their lock file.
const require = createRequire(new URL('./node/package.json', import.meta.url));
const from = (name) => import(pathToFileURL(require.resolve(name)).href);
const [major] = process.versions.node.split('.').map(Number);
const issuer = 'https://id.example.com', audience = 'api.example.com';

// A program's rows, passed on as they are.
function rows(program, ...args) {
    const r = spawnSync(join(folder, program), ['--json', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    if (r.status !== 0) throw new Error(`${program} failed`);
    process.stdout.write(r.stdout);
    return r.stdout.split('\n').filter((l) => l.startsWith('{')).map((l) => JSON.parse(l));
}

// Nanoseconds of processor time a call: the median of short rounds, after the compiler has done its work.
async function cost(call) {
    const round = async (n) => {
        const start = process.cpuUsage();
        for (let i = 0; i < n; i++) {
            const r = call();
            if (r instanceof Promise) await r;
        }
        const used = process.cpuUsage(start);
        return ((used.user + used.system) * 1000) / n;
    };
    await round(2000);
    const n = Math.ceil(4e6 / (await round(1000)));
    const all = [];
    for (let i = 0; i < 61; i++) all.push(await round(n));
    return all.sort((a, b) => a - b)[30];
}

function print(name, ours, theirs, ns, goal) {
    const ratio = Number((ours / ns).toFixed(3));
    console.log(JSON.stringify({ name, value: ours, unit: 'ns', against: `${theirs}: ${Math.round(ns)}`, ratio, goal, met: ratio <= goal }));
}

async function peersOf({ alg, token, jwk }) {
    const key = alg.startsWith('HS') ? createSecretKey(Buffer.from(jwk.k, 'base64url')) : createPublicKey({ key: jwk, format: 'jwk' });
    const peers = [];
    if (alg !== 'EdDSA') {
        const { default: jsonwebtoken } = await from('jsonwebtoken');
        peers.push(['jsonwebtoken', () => jsonwebtoken.verify(token, key, { issuer, audience, algorithms: [alg] })]);
    }
    if (major >= 20) { // which these two ask for
        const { jwtVerify, importJWK } = await from('jose');
        const joseKey = await importJWK(jwk, alg);
        peers.push(['jose', () => jwtVerify(token, joseKey, { issuer, audience, algorithms: [alg] })]);
        const { createVerifier } = await from('fast-jwt');
        const options = {
            key: alg.startsWith('HS') ? key.export() : key.export({ type: 'spki', format: 'pem' }),
            allowedIss: issuer, allowedAud: audience, algorithms: [alg],
        };
        const verify = createVerifier({ ...options, cache: false }), cached = createVerifier({ ...options, cache: true });
        peers.push(['fast-jwt', () => verify(token)]);
        if (alg === 'ES256') peers.push(["fast-jwt's cache", () => cached(token)]);
    }
    return peers;
}

const scratch = mkdtempSync(join(tmpdir(), 'cardea-bench-'));
try {
    const ours = rows('token_bench', '--tokens', join(scratch, 'tokens.json'));
    rows('token_allocations');
    const cached = rows('verify_bench', 'cached token, the same one')[0].value;
    for (const one of JSON.parse(readFileSync(join(scratch, 'tokens.json'), 'utf8'))) {
        const library = ours.find((r) => r.name === `${one.alg} verify, library`).value;
        for (const [name, call] of await peersOf(one)) {
            const ns = await cost(call);
            if (name === "fast-jwt's cache") print('a token seen before, whole check', cached, name, ns, 0.2);
            else print(`${one.alg} verify, library`, library, name, ns, 1);
        }
    }
} finally {
    rmSync(scratch, { recursive: true });
}
