// Between a node and its store, on a thread of its own: passes bytes on, until it is told to swallow them (both ends believe that the other is
// there), to refuse, or to leave out PostgreSQL's notifications.
import net from 'node:net';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

export class Proxy {
    /** to: a port of 127.0.0.1. */
    static async start(to, { postgres = false } = {}) {
        const p = new Proxy();
        p.worker = new Worker(fileURLToPath(import.meta.url), { workerData: { proxy: true, to, postgres } });
        p.waiting = [];
        await new Promise((done, fail) => {
            p.worker.on('error', fail);
            p.worker.once('message', ({ port }) => { p.port = port; done(); });
        });
        p.worker.on('message', () => p.waiting.shift()?.());
        return p;
    }
    #tell(what) {
        return new Promise((done) => { this.waiting.push(done); this.worker.postMessage(what); });
    }
    /** Bytes vanish; connections stay, and new ones are taken. */
    cut() { return this.#tell({ mode: 'swallow' }); }
    /** Nobody gets in, and who is in is thrown out. */
    refuse() { return this.#tell({ mode: 'refuse' }); }
    /** Connections that lost bytes can not go on: they end now, as when a peer that forgot them answers with a reset. */
    heal() { return this.#tell({ mode: 'pass', notifications: true }); }
    /** Do PostgreSQL's notifications get through? */
    notify(yes) { return this.#tell({ notifications: yes }); }
    /** Another server from now on: connections to the one before end. */
    turn(to) { return this.#tell({ to, mode: 'pass' }); }
    end() { return this.worker.terminate(); }
}

/** Whole messages of PostgreSQL's server, with or without those of type A (a notification). */
class Messages {
    rest = Buffer.alloc(0);
    take(bytes, notifications) {
        const out = [];
        let b = Buffer.concat([this.rest, bytes]);
        while (b.length >= 5) {
            const len = 1 + b.readInt32BE(1);
            if (b.length < len) break;
            if (notifications || b[0] !== 0x41) out.push(b.subarray(0, len));
            b = b.subarray(len);
        }
        this.rest = b;
        return Buffer.concat(out);
    }
}

function serve({ to, postgres }) {
    const now = { mode: 'pass', notifications: true, to }, pairs = new Set();
    const server = net.createServer((near) => {
        if (now.mode === 'refuse') { near.destroy(); return; }
        const far = net.connect(now.to, '127.0.0.1'), filter = postgres ? new Messages() : undefined;
        const pair = { spoilt: false, part() { near.destroy(); far.destroy(); pairs.delete(pair); } };
        near.setNoDelay(true);
        far.setNoDelay(true);
        pairs.add(pair);
        near.on('data', (d) => { if (now.mode === 'pass') far.write(d); else pair.spoilt = true; });
        far.on('data', (d) => {
            if (now.mode === 'pass') near.write(filter ? filter.take(d, now.notifications) : d);
            else pair.spoilt = true;
        });
        // in a cut network a close is not heard of either
        const gone = () => { if (now.mode === 'swallow') pair.spoilt = true; else pair.part(); };
        for (const s of [near, far]) { s.on('close', gone); s.on('error', () => {}); }
    });
    parentPort.on('message', (change) => {
        const turned = change.to !== undefined && change.to !== now.to;
        Object.assign(now, change);
        for (const p of [...pairs]) if (turned || now.mode === 'refuse' || (now.mode === 'pass' && p.spoilt)) p.part();
        parentPort.postMessage({ done: true });
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage({ port: server.address().port }));
}
if (!isMainThread && workerData?.proxy) serve(workerData);
