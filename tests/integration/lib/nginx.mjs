// A real nginx on a free port with the files of integrations/nginx, and a small application behind it.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { freePort, root, temporary } from './service.mjs';
import { request } from './client.mjs';

const program = ['/usr/sbin/nginx', '/usr/bin/nginx', 'nginx'].find((p) => spawnSync(p, ['-v']).status === 0);

/** Why these tests can not run here, or undefined. */
export function nginxMissing() {
    if (!program) return 'nginx is not installed';
    const built = spawnSync(program, ['-V'], { encoding: 'utf8' });
    return built.stderr.includes('http_auth_request_module') ? undefined : 'this nginx has no auth_request';
}

/** The application: says what it was sent. Counts, so that a test can tell that nothing arrived. */
export class Application {
    static async start() {
        const a = new Application();
        a.requests = [];
        a.server = http.createServer((request, response) => {
            const chunks = [];
            request.on('data', (c) => chunks.push(c));
            request.on('end', () => {
                const seen = { method: request.method, url: request.url, headers: request.headers, raw: request.rawHeaders, body: Buffer.concat(chunks).toString() };
                a.requests.push(seen);
                const status = Number(/^\/status\/(\d+)/.exec(request.url)?.[1] ?? 200);
                response.writeHead(status, { 'Content-Type': 'application/json' });
                response.end(JSON.stringify(seen));
            });
        });
        a.server.on('upgrade', (request, socket) => {
            a.requests.push({ method: request.method, url: request.url, headers: request.headers, upgrade: true });
            socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
        });
        await new Promise((done) => a.server.listen(0, '127.0.0.1', done));
        a.port = a.server.address().port;
        return a;
    }
    end() { return new Promise((done) => { this.server.close(done); this.server.closeAllConnections(); }); }
}

export class Nginx {
    /** cardea, app: ports. The site file is the example's own, with folders and ports of this test. */
    static async start({ port, cardea, app }) {
        const n = new Nginx();
        n.folder = temporary('cardea-nginx-');
        n.port = port ?? (await freePort());
        n.url = `http://127.0.0.1:${n.port}`;
        const source = join(root, 'integrations/nginx');
        mkdirSync(join(n.folder, 'tmp'));
        const place = (text) => text.replaceAll('/etc/nginx/cardea', n.folder).replaceAll('127.0.0.1:8420', `127.0.0.1:${cardea}`)
            .replaceAll('127.0.0.1:8080', `127.0.0.1:${n.port}`).replaceAll('127.0.0.1:3000', `127.0.0.1:${app}`);
        for (const f of ['cardea-http.conf', 'cardea-server.conf', 'cardea-protect.conf', 'site.conf'])
            writeFileSync(join(n.folder, f), place(readFileSync(join(source, f), 'utf8')));
        for (const f of ['login.html', 'login.js', 'login.css']) copyFileSync(join(source, f), join(n.folder, f));
        const tmp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((t) => `${t}_temp_path ${n.folder}/tmp/${t};`).join(' ');
        writeFileSync(join(n.folder, 'nginx.conf'), `daemon off; master_process off; worker_processes 1; pid ${n.folder}/pid; error_log ${n.folder}/error.log info;
events { worker_connections 512; }
http { access_log off; ${tmp} include /etc/nginx/mime.types; default_type application/octet-stream; include ${n.folder}/site.conf; }\n`);
        await n.launch();
        return n;
    }
    get log() { try { return readFileSync(join(this.folder, 'error.log'), 'utf8'); } catch { return ''; } }
    async launch() {
        this.child = spawn(program, ['-p', this.folder, '-c', join(this.folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
        this.output = '';
        this.child.stderr.on('data', (d) => { this.output += d; });
        let ended = false;
        this.exited = new Promise((done) => this.child.on('exit', () => { ended = true; done(); }));
        const deadline = Date.now() + 15_000;
        for (;;) {
            if (ended || Date.now() > deadline) throw new Error(`nginx does not start: ${this.output}${this.log}`);
            try {
                await request(`${this.url}/login.html`, { contract: false });
                return;
            } catch (e) {
                if (e.code !== 'ECONNREFUSED' && e.code !== 'ECONNRESET') throw e;
            }
        }
    }
    async end() {
        if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
        await this.exited;
        rmSync(this.folder, { recursive: true, force: true });
    }
    /** A request through nginx; not held to Cardea's contract, since nginx and the application answer too. */
    request(path, options = {}) { return request(this.url + path, { contract: false, ...options }); }
}
