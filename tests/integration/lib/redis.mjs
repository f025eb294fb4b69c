// Redis 7 of a test's own: one server, or a primary with replicas and a Sentinel.
import { rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { Process, installed } from './process.mjs';
import { freePort, temporary } from './service.mjs';

const PROGRAM = '/usr/bin/redis-server';
export const redisInstalled = () => installed(PROGRAM);

export class Redis {
    static async start({ options = [], port } = {}) {
        const r = new Redis();
        r.folder = temporary('cardea-redis-');
        r.port = port ?? (await freePort());
        r.options = options;
        await r.launch();
        return r;
    }
    static replicaOf(primary) { return Redis.start({ options: ['--replicaof', `127.0.0.1 ${primary.port}`] }); }
    /** Watches a primary called `mine`; answers when it knows this many replicas of it. */
    static async sentinel(primary, { replicas = 1, downAfter = 300 } = {}) {
        const r = new Redis();
        r.folder = temporary('cardea-sentinel-');
        r.port = await freePort();
        const file = join(r.folder, 'sentinel.conf');
        writeFileSync(file, '');
        r.process = await Process.start([PROGRAM, file, '--sentinel', '--bind', '127.0.0.1', '--port', String(r.port), '--dir', r.folder], { ready: /Sentinel ID is/ });
        const known = r.event('+slave', replicas);
        await known.listening;
        await r.say('SENTINEL', 'MONITOR', 'mine', '127.0.0.1', String(primary.port), '1');
        await r.say('SENTINEL', 'SET', 'mine', 'down-after-milliseconds', String(downAfter), 'failover-timeout', '3000');
        await known;
        return r;
    }
    async launch() {
        this.process = await Process.start([PROGRAM, '--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder, '--save', '', '--appendonly', 'no',
            '--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', ...this.options], { ready: 'Ready to accept connections' });
    }
    url({ through, prefix = 'cardea' } = {}) { return `redis://127.0.0.1:${through ?? this.port}/0?prefix=${prefix}`; }
    get sentinelUrl() { return `redis-sentinel://127.0.0.1:${this.port}/mine`; }
    #line(words) { return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...words.flatMap((w) => { const b = Buffer.from(w); return [Buffer.from(`$${b.length}\r\n`), b, Buffer.from('\r\n')]; })]); }
    /** One command; its answer as it came, the line or the bulk. */
    say(...words) {
        return new Promise((done, fail) => {
            let got = Buffer.alloc(0);
            const s = net.connect(this.port, '127.0.0.1', () => s.write(this.#line(words)));
            s.on('data', (d) => {
                got = Buffer.concat([got, d]);
                const end = got.indexOf('\r\n');
                if (end < 0) return;
                const head = got.toString('latin1', 0, end);
                const bulk = head[0] === '$' && head !== '$-1' ? Number(head.slice(1)) : undefined;
                if (bulk !== undefined && got.length < end + 4 + bulk) return;
                s.destroy();
                if (head[0] === '-') fail(new Error(head)); else done(bulk === undefined ? head.slice(1) : got.subarray(end + 2, end + 2 + bulk));
            });
            s.on('error', fail);
            s.on('close', () => fail(new Error('no answer')));
        });
    }
    /** A promise of a Sentinel's event, so many of them; its `listening` is when it can not be missed any more. */
    event(name, count = 1) {
        let heard = '', s;
        let subscribed;
        const listening = new Promise((done) => { subscribed = done; });
        const event = new Promise((done, fail) => {
            s = net.connect(this.port, '127.0.0.1', () => s.write(this.#line(['SUBSCRIBE', name])));
            s.on('data', (d) => {
                heard += d;
                if (heard.includes('subscribe')) subscribed();
                if (heard.split('$7\r\nmessage').length > count) { s.destroy(); done(); }
            });
            s.on('error', fail);
        });
        event.listening = listening;
        return event;
    }
    pause() { this.process.pause(); }
    resume() { this.process.resume(); }
    stop(signal = 'SIGKILL') { return this.process.stop(signal); }
    async end() {
        await this.process?.stop('SIGKILL');
        rmSync(this.folder, { recursive: true, force: true });
    }
}
