// The token commands, without an installation, and a folder of keys for them.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { run, temporary } from './service.mjs';

/** As cardea's exit status says. */
export const OK = 0, FAILED = 1, USAGE = 2, CONFLICT = 5, NOT_VALID = 6, EXPIRED = 7;
export const signatures = ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
export const seals = ['dir', 'A128KW', 'A192KW', 'A256KW', 'A128GCMKW', 'A192GCMKW', 'A256GCMKW', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW', 'RSA-OAEP-256'];
/** Content encryptions and the bits of their keys. */
export const encryptions = { A128GCM: 128, A192GCM: 192, A256GCM: 256, 'A128CBC-HS256': 256, 'A192CBC-HS384': 384, 'A256CBC-HS512': 512 };

/** cardea token …; must end with the status, and say why on stderr where that is a failure. Its stdout. */
export function token(status, args, input) {
    const r = run(['token', ...args], { input, env: { CARDEA_STATE: '/nonexistent' } });
    assert.equal(r.status, status, `${args.join(' ')}: ${r.stdout}${r.stderr}`.slice(0, 1000));
    if (status === OK) assert.equal(r.stderr, '', args.join(' '));
    else if (args[0] !== 'inspect') assert.match(r.stderr, /^cardea: .+\n$/, args.join(' '));
    return r.stdout;
}

/** A temporary folder where keys are made once. */
export class Workshop {
    constructor() { this.folder = temporary(); }
    end() { rmSync(this.folder, { recursive: true, force: true }); }
    path(name) { return join(this.folder, name); }
    write(name, text) { writeFileSync(this.path(name), text, { mode: 0o600 }); return this.path(name); }
    /** The path of a key, made with cardea token jwk generate where it is not there. */
    generated(name, ...args) {
        if (!existsSync(this.path(name))) token(OK, ['jwk', 'generate', ...args, '--out', this.path(name)]);
        return this.path(name);
    }
    publicHalf(key) {
        if (!existsSync(`${key}.pub`)) token(OK, ['jwk', 'convert', key, '--public', '--to', 'jwk', '--out', `${key}.pub`]);
        return `${key}.pub`;
    }
    jwk(key) { return JSON.parse(readFileSync(key, 'utf8')); }
}

/** The same text with one character of one part changed, so that it still decodes: parts from 0. */
export function tampered(text, part) {
    const parts = text.split('.');
    parts[part] = (parts[part][0] === 'A' ? 'B' : 'A') + parts[part].slice(1);
    return parts.join('.');
}

/** Node 18 has no global crypto, which packages written for browsers look for. */
export function webCrypto() { globalThis.crypto ??= webcrypto; }
