// Another issuer for a test: keys of its own, a real https server on loopback for their set, a count of who asks.
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';

function openssl(args, cwd) {
    const r = spawnSync('openssl', args, { cwd, encoding: 'utf8' });
    if (r.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${r.stderr}`);
}

/** An authority and a server's certificate for 127.0.0.1 in `folder`; answers {ca, key, cert} as paths. */
export function makeCertificates(folder, name = 'ca') {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl(['req', '-x509', ...curve, '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`], folder);
    openssl(['req', ...curve, '-subj', '/CN=issuer', '-keyout', `${name}-server.key`, '-out', `${name}-server.csr`], folder);
    writeFileSync(join(folder, `${name}.ext`), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    openssl(['x509', '-req', '-in', `${name}-server.csr`, '-CA', `${name}.crt`, '-CAkey', `${name}.key`, '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}-server.crt`], folder);
    return { ca: join(folder, `${name}.crt`), key: join(folder, `${name}-server.key`), cert: join(folder, `${name}-server.crt`) };
}

const b64 = (v) => Buffer.from(v).toString('base64url');

const kinds = {
    RS256: { type: 'rsa', options: { modulusLength: 2048 }, sign: (k, d) => crypto.sign('sha256', d, k) },
    PS256: { type: 'rsa', options: { modulusLength: 2048 }, sign: (k, d) => crypto.sign('sha256', d, { key: k, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }) },
    ES256: { type: 'ec', options: { namedCurve: 'P-256' }, sign: (k, d) => crypto.sign('sha256', d, { key: k, dsaEncoding: 'ieee-p1363' }) },
    EdDSA: { type: 'ed25519', options: {}, sign: (k, d) => crypto.sign(null, d, k) },
};

export class Key {
    constructor(kid, alg = 'RS256', { named = true } = {}) {
        Object.assign(this, { kid, alg, named }, crypto.generateKeyPairSync(kinds[alg].type, kinds[alg].options));
    }
    get jwk() { return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, use: 'sig', ...(this.named && { alg: this.alg }) }; }
    get secretJwk() { return { ...this.privateKey.export({ format: 'jwk' }), kid: this.kid, use: 'sig', alg: this.alg }; }
    get pem() { return this.publicKey.export({ type: 'spki', format: 'pem' }); }
    /** A compact JWS; header members may be overridden, or left out with undefined. */
    token(claims, header = {}) {
        const input = `${b64(JSON.stringify({ alg: this.alg, kid: this.kid, typ: 'at+jwt', ...header }))}.${b64(JSON.stringify(claims))}`;
        return `${input}.${kinds[this.alg].sign(this.privateKey, Buffer.from(input)).toString('base64url')}`;
    }
}

export const nowSeconds = () => Math.floor(Date.now() / 1000);

export class Issuer {
    count = 0; // requests of any path
    paths = [];
    requests = [];
    keys = [];
    headers = { 'Cache-Control': 'max-age=3600' };
    /** certificates: of makeCertificates. */
    static async start(certificates, { path = '/jwks.json' } = {}) {
        const i = new Issuer();
        i.path = path;
        i.certificates = certificates;
        i.sockets = new Set();
        await i.listen(0);
        i.url = `https://127.0.0.1:${i.port}/`;
        return i;
    }
    async listen(port) {
        this.server = https.createServer({ key: readFileSync(this.certificates.key), cert: readFileSync(this.certificates.cert) }, (q, r) => {
            this.count++;
            this.paths.push(q.url);
            this.requests.push(q.headers);
            (this.handler ?? this.answer).call(this, q, r);
        });
        this.server.on('connection', (s) => { this.sockets.add(s); s.on('close', () => this.sockets.delete(s)); });
        await new Promise((done, fail) => { this.server.once('error', fail); this.server.listen(port, '127.0.0.1', done); });
        this.port = this.server.address().port;
    }
    answer(q, r) {
        const body = this.body ?? JSON.stringify({ keys: this.keys.map((k) => k.jwk ?? k) });
        r.writeHead(200, { 'Content-Type': 'application/json', ...this.headers });
        r.end(body);
    }
    get jwks() { return this.url + this.path.slice(1); }
    async stop() {
        for (const s of this.sockets) s.destroy();
        await new Promise((done) => { this.server.close(done); });
    }
    /** Down, and up again at the same port. */
    async resume() { await this.listen(this.port); }
}
