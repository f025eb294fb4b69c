// Credentials as tests hold them: their names, their parts, and a caller that carries one as its profile says.
import assert from 'node:assert/strict';
import { Jar } from './client.mjs';
import { PASSWORD } from './service.mjs';

export const COOKIE = { session: '__Host-cardea', access: '__Host-cardea-access', refresh: '__Host-cardea-refresh', device: '__Host-cardea-device' };
export const bearer = (text) => ({ Authorization: `Bearer ${text}` });
export const cookies = (pairs) => ({ Cookie: Object.entries(pairs).map(([n, v]) => `${n}=${v}`).join('; ') });

/** How each profile carries its credential: a session cookie, tokens in two cookies, tokens in the body, an encrypted cookie. */
export const CARRIER = { web: 'session', strict: 'session', spa: 'cookies', mobile: 'body', service: 'body', sealed: 'sealed', bank: 'body' };
/** The app that is no profile's namesake. */
export const BANK = { profile: 'strict', credential: 'token' };

/** A JWT's parts, unverified. */
export function decode(token) {
    const [header, claims, signature] = token.split('.');
    const json = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return { header: json(header), claims: json(claims), signature };
}

/** The answer is a problem of that status and code, and of that field where one is given. */
export function refused(answer, status, code, field) {
    assert.equal(`${answer.status} ${answer.json?.code}`, `${status} ${code}`, answer.text);
    if (field !== undefined) assert.equal(answer.json.field, field, answer.text);
    return answer;
}

export function allowed(answer, status = 200) {
    assert.equal(answer.status, status, answer.text);
    return answer;
}

/** A login and what it carries; takes over new credentials from answers that hand them out. */
export class Caller {
    static async login(service, username, { app = 'web', password = PASSWORD, ...options } = {}) {
        const c = new Caller();
        Object.assign(c, { service, username, app, jar: new Jar() });
        c.take((await service.login(username, { app, password, jar: c.jar, ...options })).answer);
        return c;
    }
    take(answer) {
        const j = answer.json ?? {};
        this.answer = answer;
        this.csrf = j.csrf_token ?? this.csrf;
        this.access = j.access_token ?? this.jar.get(COOKIE.access);
        this.refresh = j.refresh_token ?? this.jar.get(COOKIE.refresh);
        this.sid = j.session?.sid ?? this.sid;
        this.user = j.user ?? this.user;
        return answer;
    }
    /** Headers that make a request this caller's; with them alone, nothing of the jar is used. */
    get headers() {
        const byCookie = this.jar.cookies.size > 0;
        return byCookie ? { Cookie: this.jar.header() } : bearer(this.access);
    }
    /** A frozen copy: the credential as it is now, whatever the caller gets later. */
    get credential() {
        const h = { ...this.headers };
        return { service: this.service, headers: h, verify: (policy) => this.service.verify({ headers: h }, policy) };
    }
    async request(path, { method, json, body, headers = {}, csrf = true, ...options } = {}) {
        const m = method ?? (json !== undefined || body !== undefined ? 'POST' : 'GET');
        const token = csrf && this.csrf && !['GET', 'HEAD'].includes(m) ? { 'X-CSRF-Token': this.csrf } : {};
        const byCookie = this.jar.cookies.size > 0;
        return this.service.request(path, {
            method: m, json, body, jar: this.jar, headers: { ...(byCookie ? {} : this.headers), ...token, ...headers }, ...options,
        });
    }
    /** The same, taking over what the answer hands out. */
    async step(path, options) { return this.take(await this.request(path, options)); }
    verify(policy) { return this.service.verify({ headers: this.headers }, policy); }
    async rotate() {
        if (this.jar.get(COOKIE.refresh) === undefined && this.access === undefined)
            return this.take(await this.service.request('/v1/refresh', { method: 'POST', jar: this.jar }));
        return this.take(this.jar.get(COOKIE.refresh) !== undefined
            ? await this.service.request('/v1/refresh', { method: 'POST', headers: cookies({ [COOKIE.refresh]: this.jar.get(COOKIE.refresh) }), jar: this.jar })
            : await this.service.request('/v1/refresh', { json: { refresh_token: this.refresh } }));
    }
}

let count = 0;
/** A fresh user over HTTP, where the service lets anybody sign up. */
export async function signUp(service, name = 'user', more = {}) {
    const username = `${name}-${++count}`;
    const answer = await service.request('/v1/signup', { json: { username, password: PASSWORD, ...more } });
    allowed(answer, 201);
    return answer.json.user;
}

/** Ask until the predicate holds, for at most a few seconds. */
export async function eventually(what, predicate, within = 8000) {
    const deadline = Date.now() + within;
    for (;;) {
        const value = await predicate();
        if (value) return value;
        if (Date.now() > deadline) assert.fail(`not within ${within} ms: ${what}`);
        await new Promise((done) => setTimeout(done, 50));
    }
}
