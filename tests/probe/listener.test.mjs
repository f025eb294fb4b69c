// Does the listener read every request as everybody else does, keep its limits, and serve the others meanwhile?
// Raw sockets against listener_probe, the listener with a stand-in for what is behind it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

const program = process.env.CARDEA_PROBE;
const folder = mkdtempSync(join(tmpdir(), 'cardea-probe-'));
const running = new Set();
after(() => { for (const p of running) p.kill(); rmSync(folder, { recursive: true, force: true }); });

const freePort = () => new Promise((done) => {
    const s = net.createServer();
    s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});

/** Start a probe; {port, stop}. stop answers its exit code. */
async function probe(...options) {
    const where = String(await freePort());
    return start(where, options);
}
function start(where, options) {
    const child = spawn(program, [where, ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(child);
    const ended = new Promise((done) => child.on('exit', (code, signal) => { running.delete(child); done(code ?? signal); }));
    return new Promise((done, fail) => {
        child.stdout.once('data', () => done({ port: Number(where), path: where.replace(/^unix:/, ''), stop: () => { child.stdin.end(); return ended; } }));
        ended.then((code) => fail(new Error(`the probe ended with ${code}`)));
    });
}

/** Cut a stream of answers: [{status, headers (lower case, joined), body}]. */
function answers(text) {
    const found = [];
    let rest = text;
    while (rest.length) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) { found.push({ partial: rest }); break; }
        const [line, ...lines] = rest.slice(0, end).split('\r\n');
        const headers = {};
        for (const l of lines) { const i = l.indexOf(':'); const n = l.slice(0, i).toLowerCase(); headers[n] = (headers[n] ? `${headers[n]}, ` : '') + l.slice(i + 1).trim(); }
        const status = Number(line.split(' ')[1]);
        const length = status === 204 || status === 100 ? 0 : Number(headers['content-length'] ?? 0);
        found.push({ status, headers, body: rest.slice(end + 4, end + 4 + length) });
        rest = rest.slice(end + 4 + length);
    }
    return found;
}

/** A raw connection. */
function connect(where) {
    const socket = net.connect(typeof where === 'string' ? where : { port: where, host: '127.0.0.1' });
    const c = { socket, text: '', closed: false, waiting: [] };
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    const wake = () => { for (const w of c.waiting.splice(0)) w(); };
    socket.on('data', (d) => { c.text += d; wake(); });
    socket.on('error', () => {});
    socket.on('close', () => { c.closed = true; wake(); });
    c.write = (bytes) => socket.write(bytes, 'latin1');
    c.until = async (condition, what = 'an answer', ms = 15000) => {
        const deadline = Date.now() + ms;
        while (!condition()) {
            const left = deadline - Date.now();
            if (left <= 0) throw new Error(`${what} did not come; got ${JSON.stringify(c.text.slice(0, 300))}`);
            let timer;
            await Promise.race([new Promise((done) => c.waiting.push(done)), new Promise((done) => { timer = setTimeout(done, left); })]);
            clearTimeout(timer);
        }
    };
    c.count = async (n) => { await c.until(() => answers(c.text).filter((a) => a.status && a.status !== 100).length >= n, `answer ${n}`); return answers(c.text); };
    c.end = async () => { await c.until(() => c.closed, 'the end of the connection'); return answers(c.text); };
    c.close = () => socket.destroy();
    return c;
}

/** Send bytes, and all that comes until the connection closes. */
async function talk(where, bytes) {
    const c = connect(where);
    c.write(bytes);
    return c.end();
}
/** Send one request on a connection of its own and take its one answer. */
async function ask(where, bytes) {
    const c = connect(where);
    c.write(bytes);
    const [a] = await c.count(1);
    c.close();
    return a;
}
const get = (path = '/echo', extra = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${extra}\r\n`;
const post = (body, extra = '') => `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n${extra}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const echoed = (a) => { assert.equal(a.status, 200); return JSON.parse(a.body); };
const ended = (a) => /close/i.test(a.headers.connection ?? '');

describe('request heads', () => {
    let p;
    before(async () => { p = await probe(); });
    after(async () => assert.equal(await p.stop(), 0));

    // Each is followed by a second request, which must never be answered: 400 and the end.
    const smuggled = get('/verify');
    const body = 'x=1';
    for (const [name, head, status = 400] of [
        ['Content-Length and Transfer-Encoding', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
        ['the same, the other way round', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`],
        ['two Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n${body}`],
        ['two different Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n${body}`],
        ['a list as Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n${body}`],
        ['a signed Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n${body}`],
        ['a negative Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n${body}`],
        ['a hexadecimal Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n${body}`],
        ['a Content-Length with leading zeros', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 003\r\n\r\n${body}`],
        ['a Content-Length with a blank behind', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3 \r\n\r\n${body}`],
        ['an empty Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n${body}`],
        ['a Content-Length beyond 64 bits', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551619\r\n\r\n${body}`, 413],
        ['Transfer-Encoding: xchunked', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
        ['Transfer-Encoding: identity', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n`],
        ['Transfer-Encoding: gzip, chunked', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
        ['Transfer-Encoding: chunked with a blank behind', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n0\r\n\r\n`],
        ['Transfer-Encoding with a vertical tab', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
        ['two Transfer-Encoding', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
        ['Transfer-Encoding in HTTP/1.0', `POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
        ['a blank before the colon', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n`],
        ['a blank before the colon of Content-Length', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\n${body}`],
        ['a tab before the colon of Transfer-Encoding', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`],
        ['a folded line', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n`],
        ['a folded line with a tab', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\tc\r\n\r\n`],
        ['a folded first line', `GET /echo HTTP/1.1\r\n Host: a\r\n\r\n`],
        ['a folded Transfer-Encoding', `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
        ['a fold in the middle', `GET /echo HTTP/1.1\r\nX-A: b\r\n c\r\nHost: a\r\n\r\n`],
        ['an empty folded line', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\r\n \r\n\r\n`],
        ['a bare LF after the request line', `GET /echo HTTP/1.1\nHost: a\r\n\r\n`],
        ['a bare LF after a header', `GET /echo HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n`],
        ['a bare LF after the last header', `GET /echo HTTP/1.1\r\nHost: a\n\r\n`],
        ['a bare LF as empty line', `GET /echo HTTP/1.1\r\nHost: a\r\n\n`],
        ['bare LFs only', `GET /echo HTTP/1.1\nHost: a\n\n`],
        ['a bare CR in a value', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\rX-B: c\r\n\r\n`],
        ['two CRs before an LF', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\r\r\n\r\n`],
        ['a NUL in a value', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n`],
        ['a NUL at the end of a value', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: b\0\r\n\r\n`],
        ['a NUL in a name', `GET /echo HTTP/1.1\r\nHost: a\r\nX\0A: b\r\n\r\n`],
        ['a NUL in the target', `GET /echo\0x HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['a line of a NUL and more', `GET /echo HTTP/1.1\r\nHost: a\r\n\0X: y\r\n\r\n`],
        ['an escape character in a value', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: \x1b[31m\r\n\r\n`],
        ['a DEL in a value', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A: \x7f\r\n\r\n`],
        ['a header without a name', `GET /echo HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n`],
        ['a header without a colon', `GET /echo HTTP/1.1\r\nHost: a\r\nX-A\r\n\r\n`],
        ['a name with a slash', `GET /echo HTTP/1.1\r\nHost: a\r\nX/A: b\r\n\r\n`],
        ['a name with UTF-8', `GET /echo HTTP/1.1\r\nHost: a\r\nX\xc3\xa4: b\r\n\r\n`],
        ['two Host', `GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`],
        ['two equal Host', `GET /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n`],
        ['no Host', `GET /echo HTTP/1.1\r\nX-A: b\r\n\r\n`],
        ['a Host with a list', `GET /echo HTTP/1.1\r\nHost: a, b\r\n\r\n`],
        ['a Host with userinfo', `GET /echo HTTP/1.1\r\nHost: a@b\r\n\r\n`],
        ['a Host with a path', `GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n`],
        ['a method that is no token', `GE{T /echo HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['a method with a colon', `GET: /echo HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['two blanks before the target', `GET  /echo HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['two blanks after the target', `GET /echo  HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['a blank in the target', `GET /ec ho HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['a tab in the target', `GET /ec\tho HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['UTF-8 in the target', `GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['a fragment in the target', `GET /echo#x HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['a backslash in the target', `GET /echo\\x HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['a target without a slash', `GET echo HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['an authority as target', `GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['an absolute target of another scheme', `GET gopher://a/echo HTTP/1.1\r\nHost: a\r\n\r\n`],
        ['HTTP/2.0', `GET /echo HTTP/2.0\r\nHost: a\r\n\r\n`, 505],
        ['HTTP/0.9', `GET /echo HTTP/0.9\r\nHost: a\r\n\r\n`, 505],
        ['HTTP/1.7', `GET /echo HTTP/1.7\r\nHost: a\r\n\r\n`, 505],
        ['HTTP in small letters', `GET /echo http/1.1\r\nHost: a\r\n\r\n`],
        ['a version with a blank behind', `GET /echo HTTP/1.1 \r\nHost: a\r\n\r\n`],
        ['no version', `GET /echo\r\nHost: a\r\n\r\n`],
        ['two Content-Type', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 3\r\n\r\n${body}`],
        ['65 headers', `GET /echo HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(64)}\r\n`, 431],
        ['a target of 2,049 bytes', `GET /${'x'.repeat(2048)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
        ['a target of 1 MB', `GET /${'x'.repeat(1 << 20)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
        ['a Cookie header of 64 KB (E11)', get('/echo', `Cookie: ${'a=b; '.repeat(13108)}c=d\r\n`), 431],
        ['500 cookies of 100 bytes (E11)', get('/echo', `Cookie: ${Array.from({ length: 500 }, (_, i) => `c${i}=${'x'.repeat(96)}`).join('; ')}\r\n`), 431],
        ['a bearer token of 64 KB (C14)', get('/echo', `Authorization: Bearer ${'x'.repeat(65536)}\r\n`), 431],
        ['a bearer token of 1 MB (C14)', get('/echo', `Authorization: Bearer ${'x'.repeat(1 << 20)}\r\n`), 431],
        ['a million dots (C12)', get('/echo', `Authorization: Bearer ${'.'.repeat(1000000)}\r\n`), 431],
    ]) {
        test(`refused (G09): ${name}`, async () => {
            const got = await talk(p.port, head + smuggled);
            // Where the client still writes when the connection closes, its own stack may lose the answer.
            if (got.length === 0 && head.length > 60000) return;
            // libmicrohttpd sends the head of its own refusals twice where Content-Length is malformed; then it hangs up.
            assert.doesNotMatch(JSON.stringify(got), /HTTP.1.1 20|"status":20/);
            assert.equal(got[0].status, status, JSON.stringify(got).slice(0, 500));
        });
    }

    for (const [name, head, check] of [
        ['no blank after the colon', 'GET /echo HTTP/1.1\r\nHost:a\r\nX-A:b\r\n\r\n', (e) => assert.deepEqual(e.headers[1], ['X-A', 'b'])],
        ['blanks around a value', 'GET /echo HTTP/1.1\r\nHost: a\r\nX-A: \t b c \t\r\n\r\n', (e) => assert.deepEqual(e.headers[1], ['X-A', 'b c'])],
        ['an empty value', 'GET /echo HTTP/1.1\r\nHost: a\r\nX-A:\r\nX-B: \r\n\r\n', (e) => assert.deepEqual(e.headers.slice(1), [['X-A', ''], ['X-B', '']])],
        ['a colon in a value', 'GET /echo HTTP/1.1\r\nHost: a:80\r\nX-A: b: c\r\n\r\n', (e) => assert.deepEqual(e.headers[1], ['X-A', 'b: c'])],
        ['an empty line before the request', `\r\n\r\n${get()}`, (e) => assert.equal(e.path, '/echo')],
        ['64 headers', `GET /echo HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(63)}\r\n`, (e) => assert.equal(e.headers.length, 64)],
        ['a target of 2,048 bytes', `GET /echo?${'x'.repeat(2042)} HTTP/1.1\r\nHost: a\r\n\r\n`, (e) => assert.equal(e.target.length, 2048)],
        ['all Cookie headers (E08)', get('/echo', 'Cookie: a=1\r\nX: y\r\ncookie: b=2\r\n'), (e) => assert.deepEqual(e.headers.filter(([n]) => /cookie/i.test(n)), [['Cookie', 'a=1'], ['cookie', 'b=2']])],
        ['both Authorization headers (G11)', get('/echo', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n'), (e) => assert.equal(e.headers.filter(([n]) => n === 'Authorization').length, 2)],
        ['an encoded NUL in the path (G07)', get('/echo?x=%00'), (e) => assert.equal(e.query, 'x=%00')],
        ['plus and escapes in the query', get('/echo?a=b+c%20d&e=%26&f'), (e) => assert.equal(e.query, 'a=b+c%20d&e=%26&f')],
        ['the absolute form', get('http://b.example/echo?q=1'), (e) => { assert.equal(e.path, '/echo'); assert.equal(e.query, 'q=1'); assert.deepEqual(e.headers[0], ['Host', 'a']); }],
        ['HTTP/1.0', 'GET /echo HTTP/1.0\r\n\r\n', (e) => assert.equal(e.path, '/echo')],
        ['a cookie of 4 KB', get('/echo', `Cookie: a=${'x'.repeat(4096)}\r\n`), (e) => assert.equal(e.headers[1][1].length, 4098)],
        ['a bearer token of 8 KB (C14)', get('/echo', `Authorization: Bearer ${'x'.repeat(8192)}\r\n`), (e) => assert.equal(e.headers[1][1].length, 8199)],
    ]) {
        test(`let through: ${name}`, async () => check(echoed(await ask(p.port, head))));
    }

    test('paths reach the exchange as they were sent (G07)', async () => {
        for (const path of ['/public/..;/admin', '/%2e%2e/', '//admin', '/admin%2f', '/admin;x', '/admin%00', '/ADMIN', '/./'])
            assert.equal((await ask(p.port, get(path))).status, 404, path);
    });
    test('a response header never carries a line end (G12)', async () => {
        const a = await ask(p.port, get('/evil'));
        assert.equal(a.status, 500);
        assert.equal(a.headers['set-cookie'], undefined);
    });
    test('request ids are taken over when harmless, else made', async () => {
        assert.equal(echoed(await ask(p.port, get('/echo', 'X-Request-Id: ab-C_d.9\r\n'))).id, 'ab-C_d.9');
        const made = new Set();
        for (const bad of ['', 'a b', 'a;b', 'x'.repeat(65), '<script>', '${jndi:x}'])
            made.add(echoed(await ask(p.port, get('/echo', `X-Request-Id: ${bad}\r\n`))).id);
        assert.equal(made.size, 6);
        for (const id of made) assert.match(id, /^[0-9a-f]{32}$/);
    });
});

describe('bodies', () => {
    let p;
    before(async () => { p = await probe(); });
    after(async () => assert.equal(await p.stop(), 0));

    test('a request with a body ends its connection, and what follows is never read', async () => {
        for (const request of [post('x=1'), 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nx=1\r\n0\r\n\r\n',
            'GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nx=1']) {
            const got = await talk(p.port, request + get('/verify'));
            assert.equal(got.length, 1);
            assert.equal(echoed(got[0]).body, 'x=1');
            assert.ok(ended(got[0]));
        }
    });
    test('a body in chunks, byte by byte, with extensions and trailers', async () => {
        const c = connect(p.port);
        for (const byte of 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-Role: admin\r\n\r\n') {
            c.write(byte);
            await new Promise(setImmediate);
        }
        const [a] = await c.end();
        const e = echoed(a);
        assert.equal(e.body, 'hello');
        assert.ok(!e.headers.some(([n]) => n === 'X-Role'), 'a trailer is no header');
    });
    for (const [name, chunks] of [['0x5', '0x5\r\nhello\r\n0\r\n\r\n'], ['no digit', '\r\nhello\r\n0\r\n\r\n'], ['a minus', '-5\r\nhello\r\n0\r\n\r\n'], ['a blank', ' 5\r\nhello\r\n0\r\n\r\n'],
        ['more data than said', '3\r\nhello\r\n0\r\n\r\n'], ['64 bits passed', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n']]) {
        test(`a chunk size is refused (G09): ${name}`, async () => {
            const got = await talk(p.port, `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}${get('/verify')}`);
            assert.equal(got.length, 1);
            assert.ok([400, 413].includes(got[0].status), String(got[0].status));
        });
    }
    test('64 KiB are taken, one byte more is 413', async () => {
        assert.equal(echoed((await talk(p.port, post('x'.repeat(65536))))[0]).body.length, 65536);
        assert.equal((await talk(p.port, post('x'.repeat(65537))))[0].status, 413);
    });
    test('10 MB are 413, not a reset connection (H05)', async () => {
        const [a] = await talk(p.port, post('x'.repeat(10 << 20)));
        assert.equal(a.status, 413);
    });
    test('endless chunks are 413 at their end, or the end', async () => {
        const chunk = `8000\r\n${'x'.repeat(32768)}\r\n`;
        const [a] = await talk(p.port, `POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(4)}0\r\n\r\n`);
        assert.equal(a.status, 413);
        const c = connect(p.port);
        c.write('POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
        for (let i = 0; i < 1024 && !c.closed; i++) await new Promise((done) => c.socket.write(chunk, () => done()));
        await c.end();
    });
    test('Expect: 100-continue is answered, but not for a body that is refused', async () => {
        const c = connect(p.port);
        c.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
        await c.until(() => c.text.startsWith('HTTP/1.1 100 '), '100');
        c.write('x=1');
        assert.equal(echoed((await c.end())[1]).body, 'x=1');
        for (const [path, length, status] of [['/echo', 70000, 413], ['/refuse', 3, 415]]) {
            const got = await talk(p.port, `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`);
            assert.deepEqual(got.map((a) => a.status), [status]);
        }
    });
    test('a refusal that needs no body comes after the body was read away', async () => {
        const got = await talk(p.port, `POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100000)}`);
        assert.deepEqual(got.map((a) => a.status), [415]);
    });
});

describe('connections', () => {
    test('a thousand pipelined requests are answered in order (G13)', async () => {
        const p = await probe();
        const c = connect(p.port);
        c.write(Array.from({ length: 1000 }, (_, i) => get(`/echo?${i}`)).join(''));
        const got = await c.count(1000);
        got.forEach((a, i) => assert.equal(echoed(a).query, String(i)));
        c.close();
        assert.equal(await p.stop(), 0);
    });
    test('a head that trickles is cut at its deadline; others are served (G13)', async () => {
        const p = await probe('head=400');
        const slow = connect(p.port);
        slow.write('GET /echo HTTP/1.1\r\nHost: a\r\n');
        const drip = setInterval(() => slow.write('X: y\r\n'), 40);
        for (let i = 0; i < 20; i++) assert.equal((await ask(p.port, get('/verify'))).status, 204);
        await slow.end();
        clearInterval(drip);
        assert.equal(slow.text, '');
        assert.equal(await p.stop(), 0);
    });
    test('a second head on a kept connection has a deadline too', async () => {
        const p = await probe('head=300', 'idle=1000');
        const slow = connect(p.port);
        slow.write(get('/verify'));
        await slow.count(1);
        slow.write('GET /echo HTTP/1.1\r\nHost: a\r\n');
        const drip = setInterval(() => slow.write('X: y\r\n'), 40);
        const got = await slow.end();
        clearInterval(drip);
        assert.equal(got.length, 1);
        assert.equal(await p.stop(), 0);
    });
    test('a body that trickles is cut at its deadline (G13)', async () => {
        const p = await probe('body=400');
        const slow = connect(p.port);
        slow.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
        const drip = setInterval(() => slow.write('x'), 40);
        await slow.end();
        clearInterval(drip);
        assert.equal(slow.text, '');
        assert.equal(await p.stop(), 0);
    });
    test('an idle connection ends', async () => {
        const p = await probe('idle=1000');
        const c = connect(p.port);
        c.write(get('/verify'));
        assert.equal((await c.end()).length, 1);
        assert.equal(await p.stop(), 0);
    });
    test('idle connections of one address make room for its new ones (G13)', async () => {
        const p = await probe('per_address=20');
        const idle = [];
        for (let i = 0; i < 200; i++) {
            const c = connect(p.port);
            idle.push(c);
            if (i % 20 === 19) assert.equal((await ask(p.port, get('/verify'))).status, 204);
        }
        for (const c of idle.slice(0, 150)) await c.end();
        assert.ok(idle.filter((c) => !c.closed).length <= 50);
        for (const c of idle) c.close();
        assert.equal(await p.stop(), 0);
    });
    test('connections with a request under way are not cut for new ones', async () => {
        const p = await probe('per_address=3');
        const slow = Array.from({ length: 3 }, () => connect(p.port));
        for (const c of slow) c.write(get('/slow'));
        await slow[0].count(1); // the others are with the lane by now
        const refused = connect(p.port);
        const kept = [slow[1], slow[2]];
        for (const c of kept) assert.equal((await c.count(1))[0].status, 200);
        refused.close();
        for (const c of slow) c.close();
        assert.equal(await p.stop(), 0);
    });
    test('the limit in all holds for every address, trusted ones too', async () => {
        const p = await probe('connections=10', 'proxy=127.0.0.1');
        const idle = Array.from({ length: 60 }, () => connect(p.port));
        for (const c of idle.slice(0, 40)) await c.end();
        assert.equal((await ask(p.port, get('/verify'))).status, 204);
        for (const c of idle) c.close();
        assert.equal(await p.stop(), 0);
    });
    test('trusted proxies are exempt from the limit per address', async () => {
        const p = await probe('per_address=5', 'proxy=127.0.0.1');
        const all = Array.from({ length: 50 }, () => connect(p.port));
        for (const c of all) { c.write(get('/verify')); await c.count(1); }
        assert.equal(all.filter((c) => c.closed).length, 0);
        for (const c of all) c.close();
        assert.equal(await p.stop(), 0);
    });
});

describe('slow work', () => {
    test('kept-alive checks are answered while slow requests are suspended', async () => {
        const p = await probe();
        const slow = Array.from({ length: 3 }, () => connect(p.port));
        const c = connect(p.port);
        for (const s of slow) s.write(get('/slow'));
        for (let i = 1; i <= 30; i++) { c.write(get('/verify')); await c.count(i); }
        assert.ok(slow.some((s) => s.text === ''), 'all checks came before the last slow answer');
        for (const s of slow) assert.equal((await s.count(1))[0].status, 200);
        for (const s of [...slow, c]) s.close();
        assert.equal(await p.stop(), 0);
    });
    test('suspended requests come back while checks never pause', async () => {
        const p = await probe();
        let on = true, checks = 0;
        const busy = Array.from({ length: 8 }, async () => {
            const c = connect(p.port);
            for (let i = 1; on; i++) { c.text = ''; c.write(get('/verify')); await c.count(1); checks++; }
            c.close();
        });
        for (let i = 0; i < 3; i++) assert.equal((await ask(p.port, get('/slow'))).status, 200);
        on = false;
        await Promise.all(busy);
        assert.ok(checks > 8);
        assert.equal(await p.stop(), 0);
    });
    test('past its places a lane answers 503; the connection stays usable', async () => {
        const p = await probe('places=2');
        const all = Array.from({ length: 8 }, () => connect(p.port));
        for (const c of all) c.write(get('/slow'));
        const statuses = [];
        for (const c of all) statuses.push((await c.count(1))[0].status);
        assert.ok(statuses.includes(200) && statuses.includes(503), statuses.join());
        const refused = all[statuses.indexOf(503)];
        refused.write(get('/verify'));
        assert.equal((await refused.count(2))[1].status, 204);
        for (const c of all) c.close();
        assert.equal(await p.stop(), 0);
    });
    test('a flood from one client leaves another its turn', async () => {
        const p = await probe('proxy=127.0.0.1', 'places=2');
        const as = (a) => get('/slow', `X-Forwarded-For: ${a}\r\n`);
        const flood = Array.from({ length: 6 }, () => connect(p.port));
        for (const c of flood) c.write(as('192.0.2.1'));
        await Promise.any(flood.map((c) => c.count(1))); // places are taken, somebody was refused or served
        assert.equal((await ask(p.port, as('192.0.2.2'))).status, 200);
        for (const c of flood) c.close();
        assert.equal(await p.stop(), 0);
    });
    test('a stop waits for the request under way, and says so to the client', async () => {
        const p = await probe();
        const slow = connect(p.port), idle = connect(p.port);
        slow.write(get('/verify'));
        await slow.count(1);
        slow.write(get('/slow'));
        // When the one event loop has answered these, sent one after another and later, it has read the slow one.
        for (let i = 1; i <= 3; i++) {
            idle.write(get('/verify'));
            await idle.count(i);
        }
        const code = p.stop();
        const [, a] = await slow.end();
        assert.equal(a.status, 200);
        assert.ok(ended(a));
        await idle.end();
        assert.equal(await code, 0);
    });
});

describe('trusted proxies', () => {
    test('forwarded headers of anybody else are ignored (G03)', async () => {
        const p = await probe('proxy=192.0.2.0/24');
        const e = echoed(await ask(p.port, get('/echo', 'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n')));
        assert.deepEqual([e.client, e.proxied, e.secure], ['127.0.0.1', false, true]);
        assert.equal(await p.stop(), 0);
    });
    test('the right-most address that is no proxy is the client (G03)', async () => {
        const p = await probe('proxy=127.0.0.1', 'proxy=192.0.2.0/24');
        for (const [lines, client] of [
            ['X-Forwarded-For: 203.0.113.9\r\n', '203.0.113.9'],
            ['X-Forwarded-For: 10.0.0.1, 203.0.113.9\r\n', '203.0.113.9'],
            ['X-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n', '203.0.113.9'],
            ['X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n', '203.0.113.9'],
            ['X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.7\r\n', '203.0.113.9'],
            ['X-Forwarded-For: [2001:db8::1]:443\r\n', '2001:db8::1'],
            ['X-Forwarded-For: 203.0.113.9:1234\r\n', '203.0.113.9'],
            ['X-Forwarded-For: 203.0.113.9, unknown, 192.0.2.7\r\n', '192.0.2.7'],
            ['X-Forwarded-For: \r\n', '127.0.0.1'],
            ['X-Forwarded-For: ,\r\n', '127.0.0.1'],
            ['', '127.0.0.1'],
        ])
            assert.equal(echoed(await ask(p.port, get('/echo', lines))).client, client, lines);
        assert.equal(await p.stop(), 0);
    });
    test('how the request travelled is the nearest proxy\'s word', async () => {
        const p = await probe('proxy=127.0.0.1');
        for (const [lines, secure] of [['X-Forwarded-Proto: https\r\n', true], ['X-Forwarded-Proto: http\r\n', false], ['X-Forwarded-Proto: https, http\r\n', false],
            ['X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n', false], ['X-Forwarded-Proto: x\r\n', false]])
            assert.equal(echoed(await ask(p.port, get('/echo', lines))).secure, secure, lines);
        assert.equal(await p.stop(), 0);
    });
});

describe('other doors', () => {
    test('a unix socket', async () => {
        const path = join(folder, 'probe.sock');
        const p = await start(`unix:${path}`, []);
        const e = echoed(await ask(path, get('/echo')));
        assert.deepEqual([e.client, e.secure], ['unix', true]);
        assert.equal(await p.stop(), 0);
    });
    test('a stale unix socket is replaced, a living one is not', async () => {
        const path = join(folder, 'stale.sock');
        const first = await start(`unix:${path}`, []);
        await assert.rejects(start(`unix:${path}`, []));
        assert.equal((await ask(path, get('/verify'))).status, 204);
        assert.equal(await first.stop(), 0);
    });
    test('TLS 1.2 and 1.3, and nothing older', async () => {
        const key = join(folder, 'key.pem'), cert = join(folder, 'cert.pem');
        const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-days', '2']);
        assert.equal(made.status, 0, String(made.stderr));
        const p = await probe(`cert=${cert}`, `key=${key}`);
        const shake = (options) => new Promise((done) => {
            const s = tls.connect({ port: p.port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => s.write(get('/verify')));
            let text = '';
            s.on('data', (d) => { text += d; done({ text, protocol: s.getProtocol() }); s.destroy(); });
            s.on('error', (error) => done({ error }));
        });
        for (const version of ['TLSv1.2', 'TLSv1.3']) {
            const r = await shake({ minVersion: version, maxVersion: version });
            assert.equal(r.protocol, version, String(r.error));
            assert.match(r.text, /^HTTP\/1\.1 204 /);
        }
        for (const version of ['TLSv1', 'TLSv1.1'])
            assert.ok((await shake({ minVersion: version, maxVersion: version, ciphers: 'ALL@SECLEVEL=0' })).error, version);
        for (const ciphers of ['AES128-SHA', 'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA'])
            assert.ok((await shake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` })).error, ciphers);
        // Plain HTTP on the TLS port gets nothing of ours.
        assert.doesNotMatch(JSON.stringify(await talk(p.port, get('/verify'))), /204/);
        assert.equal(await p.stop(), 0);
    });
});
