// A client as a browser or an app would be: one request, a cookie jar, and the contract checked on every answer.
import http from 'node:http';
import https from 'node:https';
import { checkContract } from './contract.mjs';

/** Cookies of one browser: name → {value, attributes}. Expired ones go. */
export class Jar {
    cookies = new Map();
    take(setCookies) {
        for (const line of setCookies ?? []) {
            const [pair, ...rest] = line.split(';').map((s) => s.trim());
            const name = pair.slice(0, pair.indexOf('=')), value = pair.slice(pair.indexOf('=') + 1);
            const attributes = Object.fromEntries(rest.map((r) => { const [k, ...v] = r.split('='); return [k.toLowerCase(), v.length ? v.join('=') : true]; }));
            if (attributes['max-age'] === '0' || (attributes.expires && Date.parse(attributes.expires) <= Date.now())) this.cookies.delete(name);
            else this.cookies.set(name, { value, attributes, line });
        }
    }
    get(name) { return this.cookies.get(name)?.value; }
    attributes(name) { return this.cookies.get(name)?.attributes; }
    header() { return [...this.cookies].map(([n, c]) => `${n}=${c.value}`).join('; '); }
    copy() { const j = new Jar(); j.cookies = new Map(this.cookies); return j; }
}

/**
 * One request. options: method, headers (object, or flat array for repeats and order), json, body, jar, agent, contract (false: do not
 * check), base, ca, socketPath, signal (gives up). Answers {status, headers, rawHeaders, setCookies, text, json}.
 */
export function request(url, options = {}) {
    const { method = options.json !== undefined || options.body !== undefined ? 'POST' : 'GET', jar, json, agent, contract = true, base = '', ca, socketPath, signal } = options;
    let { headers = {}, body } = options;
    const target = new URL(url);
    if (json !== undefined) body = JSON.stringify(json);
    if (!Array.isArray(headers)) {
        headers = { ...headers };
        const has = (name) => Object.keys(headers).some((k) => k.toLowerCase() === name);
        if (json !== undefined && !has('content-type')) headers['Content-Type'] = 'application/json';
        if (body !== undefined && !has('content-length') && !has('transfer-encoding')) headers['Content-Length'] = Buffer.byteLength(body);
        if (jar && jar.cookies.size && !has('cookie')) headers.Cookie = jar.header();
    }
    // the path as written, not as URL would normalise it
    const path = url.slice(url.indexOf('/', url.indexOf('//') + 2));
    return new Promise((done, fail) => {
        const r = (target.protocol === 'https:' ? https : http).request({
            host: target.hostname.replace(/^\[|\]$/g, ''), port: target.port, path, method, headers, agent: agent ?? false, ca, socketPath, signal,
            setHost: !Array.isArray(headers),
        }, (answer) => {
            const chunks = [];
            answer.on('data', (c) => chunks.push(c));
            answer.on('end', () => {
                const text = Buffer.concat(chunks).toString('utf8');
                const result = { status: answer.statusCode, headers: answer.headers, rawHeaders: answer.rawHeaders, setCookies: answer.headers['set-cookie'] ?? [], text };
                try { result.json = text ? JSON.parse(text) : undefined; } catch { result.json = undefined; }
                jar?.take(result.setCookies);
                try {
                    if (contract) checkContract({ method, path: path.split('?')[0], ...result }, base);
                    done(result);
                } catch (e) { fail(e); }
            });
            answer.on('error', fail);
        });
        r.on('error', fail);
        r.end(body);
    });
}
