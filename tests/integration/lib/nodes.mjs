// Several nodes of one installation: each a real service with a port and a state folder of its own; one master key, one store or two, and
// between each node and PostgreSQL a proxy that can be cut.
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { Proxy } from './proxy.mjs';
import { Service, freePort, temporary } from './service.mjs';

export const ADMIN = 'root';
const settings = {
    signup: true,
    apps: { web: 'web', mobile: 'mobile', sealed: 'sealed' },
    guess: { free: 100, address_per_minute: 10000 },
    limits: { sessions_per_user: 1000 },
};

export class Nodes {
    /**
     * postgres: a Postgres for the accounts (each node reaches it through a proxy of its own); without one each node is alone on SQLite.
     * sessions: the setting, as a text, or a function of the node's number. lease in seconds; env: more of the environment.
     */
    static async start({ count = 2, postgres, schema, sessions, lease = 1, env = {} } = {}) {
        const n = new Nodes();
        try {
            await n.#launch({ count, postgres, schema, sessions, lease, env });
        } catch (e) {
            await n.end().catch(() => {});
            throw e;
        }
        return n;
    }
    async #launch({ count, postgres, schema, sessions, lease, env }) {
        const n = this;
        n.folder = temporary('cardea-nodes-');
        n.bound = lease * 1010;
        n.proxies = [];
        n.all = [];
        const key = join(n.folder, 'master.key'), ports = await Promise.all(Array.from({ length: count }, freePort));
        writeFileSync(key, randomBytes(32).toString('base64url'), { mode: 0o600 });
        for (let i = 0; i < count; i++) {
            const own = { CARDEA_PUBLIC_URL: `http://127.0.0.1:${ports[0]}`, CARDEA_MASTER_KEY_FILE: key, CARDEA_LEASE: `${lease}s`, ...env };
            if (postgres) {
                n.proxies.push(await Proxy.start(postgres.port, { postgres: true }));
                own.CARDEA_ACCOUNTS = postgres.url({ schema, through: n.proxies[i].port });
            }
            const through = typeof sessions === 'function' ? sessions(i, n) : sessions;
            if (through) own.CARDEA_SESSIONS = through;
            const node = await Service.start({ settings, port: ports[i], env: own, users: i === 0 ? [{ name: ADMIN, roles: ['admin'] }] : [] });
            node.name = `node ${i + 1}`;
            node.agent = new http.Agent({ keepAlive: true });
            n.all.push(node);
        }
    }
    get count() { return this.all.length; }
    any() { return this.all[Math.floor(Math.random() * this.all.length)]; }
    others(node) { return this.all.filter((n) => n !== node); }
    pause(i) { process.kill(this.all[i].child.pid, 'SIGSTOP'); }
    resume(i) { process.kill(this.all[i].child.pid, 'SIGCONT'); }
    async end() {
        const faults = [];
        for (const node of this.all) {
            node.agent.destroy();
            try { process.kill(node.child.pid, 'SIGCONT'); } catch { /* it has ended */ }
        }
        for (const node of this.all) await node.end().catch((e) => faults.push(e));
        for (const p of this.proxies) await p.end();
        rmSync(this.folder, { recursive: true, force: true });
        if (faults.length > 0) throw faults[0];
    }
}
