// Clients of several nodes: each logs in, has itself checked at all of them, refreshes at two at once, and has its sessions ended in every way
// there is, while others ask whether the end is felt. All of it goes into a history (lib/history.mjs).
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { History } from './history.mjs';
import { ADMIN } from './nodes.mjs';
import { PASSWORD } from './service.mjs';
import { COOKIE, bearer, cookies } from './credentials.mjs';

const PATIENCE_MS = 2500; // of a client; less than the grace of a refresh token, so that what is late is known to be unknown
const RETRY_MS = 6000;    // how long a refresh of unknown outcome is tried again: with the patience of the last, within the grace
const pick = (list) => list[Math.floor(Math.random() * list.length)];
/** As its profile carries it; with what a change by cookie needs besides. */
const carried = (s) => (s.cookie ? { ...cookies({ [COOKIE.session]: s.cookie }), 'X-CSRF-Token': s.csrf } : bearer(s.access));
const name = (secret) => createHash('sha256').update(secret).digest('base64url').slice(0, 12);
/** done: the statuses of success; no: those of a refusal that means something. What is neither and below 500 is a fault of the test. */
const outcome = (a, done, no = []) => {
    if (done.includes(a.status)) return 'yes';
    if (no.includes(a.status)) return 'no';
    if (a.status === 503 || a.status === 429 || a.status === 500) return 'unknown';
    throw Object.assign(new Error(`${a.status}: ${a.text}`), { name: 'AssertionError' });
};

export class Workload {
    constructor(nodes, { clients = 4, probes = true } = {}) {
        Object.assign(this, { nodes, clients, probes, history: new History(), dead: [], stopped: false, faults: [] });
    }
    send(node, path, options = {}) {
        return node.request(path, { agent: node.agent, contract: false, signal: AbortSignal.timeout(PATIENCE_MS), ...options });
    }
    /** An administrator of this workload's own, logged in again where its session is gone. */
    async admin(node, path, options) {
        for (let i = 0; ; i++) {
            this.adminToken ??= (async () => {
                for (;;) {
                    try {
                        const a = await this.send(node, '/v1/login', { json: { username: ADMIN, password: PASSWORD, app: 'mobile' } });
                        if (a.status === 200) return a.json.access_token;
                    } catch { /* again, elsewhere */ }
                    node = this.nodes.any();
                    await pause(20);
                }
            })();
            const a = await this.send(node, path, { ...options, headers: bearer(await this.adminToken) });
            if (a.status !== 401 || i === 3) return a;
            this.adminToken = undefined;
        }
    }
    verify(s, node) {
        return this.history.record({ op: 'verify', user: s.user, session: s.sid, node: node.name }, async () => {
            const a = await this.send(node, '/verify', { headers: carried(s) });
            return { outcome: outcome(a, [204], [401]), ...(a.status === 204 && { roles: a.headers['x-auth-roles'] ?? '' }) };
        });
    }
    async login(user, node) {
        let s;
        await this.history.record({ op: 'login', user: user.id, node: node.name }, async () => {
            const app = Math.random() < 0.3 ? 'web' : 'mobile';
            const a = await this.send(node, '/v1/login', { json: { username: user.username, password: PASSWORD, app } });
            const o = outcome(a, [200], [401]);
            if (o === 'yes') {
                s = { user: user.id, sid: a.json.session.sid };
                if (app === 'web') Object.assign(s, { cookie: new RegExp(`${COOKIE.session}=([^;]+)`).exec(a.setCookies.join('\n'))[1], csrf: a.json.csrf_token });
                else Object.assign(s, { access: a.json.access_token, refresh: a.json.refresh_token });
            }
            return { outcome: o, ...(s && { session: s.sid }) };
        });
        return s;
    }
    refreshOnce(s, node) {
        const presented = s.refresh;
        let next;
        return this.history.record({ op: 'refresh', user: s.user, session: s.sid, node: node.name, presented: name(presented) }, async () => {
            const a = await this.send(node, '/v1/refresh', { json: { refresh_token: presented } });
            if (a.status === 200) next = { access: a.json.access_token, refresh: a.json.refresh_token };
            return { outcome: outcome(a, [200], [401]), ...(next && { successor: name(next.refresh) }) };
        }).then((r) => ({ r, next }));
    }
    /** At two nodes at once; tried again while nobody knows. false: there is nothing more to do with the session. */
    async refresh(s) {
        const began = this.history.now();
        let tries = await Promise.all([this.refreshOnce(s, this.nodes.any()), this.refreshOnce(s, this.nodes.any())]);
        while (!tries.some((t) => t.r.outcome !== 'unknown')) {
            if (this.history.now() - began > RETRY_MS) return false;
            await pause(30);
            tries = [await this.refreshOnce(s, this.nodes.any())];
        }
        const yes = tries.find((t) => t.next);
        if (!yes) return false;
        Object.assign(s, yes.next);
        return true;
    }
    /** A change that ends something; run() asks for it. */
    change(what, node, run, done = [200, 204]) {
        return this.history.record({ ...what, node: node.name }, async () => ({ outcome: outcome(await run(), done, [401, 404]) }));
    }
    async setRoles(user, node) {
        const roles = [`r${user.roleCount = (user.roleCount ?? 0) + 1}`];
        await this.change({ op: 'roles', user: user.id, roles: roles[0] }, node, () => this.admin(node, `/v1/admin/users/${user.id}`, { method: 'PATCH', json: { roles } }));
    }
    /** End it, in one of the ways; others ask at every other node meanwhile, until they hear no or what is left to hear is past the bound. */
    async end(user, s) {
        const node = this.nodes.any();
        const patch = (status) => () => this.admin(node, `/v1/admin/users/${user.id}`, { method: 'PATCH', json: { status } });
        const ways = {
            logout: () => this.change({ op: 'end', user: s.user, session: s.sid, way: 'logout' }, node, () => this.send(node, '/v1/logout', { method: 'POST', headers: carried(s) })),
            revoke: () => this.change({ op: 'end', user: s.user, session: s.sid, way: 'revoke' }, node, () => this.admin(node, `/v1/admin/sessions/${s.sid}`, { method: 'DELETE' })),
            everywhere: () => this.change({ op: 'end_all', user: s.user }, node, () => this.send(node, '/v1/logout/all', { method: 'POST', headers: carried(s) })),
            suspend: () => this.change({ op: 'suspend', user: s.user }, node, patch('suspended')),
        };
        const way = pick(['logout', 'logout', 'revoke', 'revoke', 'everywhere', 'suspend']);
        const state = {};
        const probing = this.probes ? this.nodes.others(node).map((n) => this.probe(s, n, state)) : [];
        const r = await ways[way]();
        state.answered = this.history.now();
        await this.verify(s, node);
        await Promise.all(probing);
        if (r.outcome === 'yes') this.dead.push({ ...s });
        if (way === 'suspend') {
            let done;
            do {
                const n = this.nodes.any();
                done = await this.change({ op: 'resume', user: s.user }, n, () => this.admin(n, `/v1/admin/users/${user.id}`, { method: 'PATCH', json: { status: 'active' } }));
                if (done.outcome !== 'yes') await pause(30);
            } while (done.outcome !== 'yes' && !this.stopped);
        }
    }
    async probe(s, node, state) {
        for (;;) {
            const r = await this.verify(s, node);
            if (r.outcome === 'no') return;
            if (state.answered !== undefined && this.history.now() > state.answered + this.nodes.bound + 200) return;
            if (r.outcome === 'unknown') await pause(10);
        }
    }
    async client() {
        let user;
        while (!user && !this.stopped) {
            const username = `user-${Math.random().toString(36).slice(2)}`, node = this.nodes.any();
            try {
                const a = await this.send(node, '/v1/signup', { json: { username, password: PASSWORD } });
                if (a.status === 201) {
                    user = { username, id: a.json.user.id };
                    this.history.records.push({ op: 'roles', user: user.id, roles: '', call: -Infinity, answer: -Infinity, outcome: 'yes' });
                }
            } catch { /* a signup of unknown outcome: another name */ }
            if (!user) await pause(30);
        }
        while (!this.stopped) {
            const s = await this.login(user, this.nodes.any());
            if (!s) { await pause(30); continue; }
            let alive = true;
            for (let i = 0; i < 6 && alive && !this.stopped; i++) {
                const what = Math.random();
                if (what < 0.25 && s.refresh) alive = await this.refresh(s);
                else if (what < 0.4) await this.setRoles(user, this.nodes.any());
                else for (const n of this.nodes.all) await this.verify(s, n);
                const old = pick(this.dead);
                if (old) await (Math.random() < 0.8 || !old.refresh ? this.verify(old, this.nodes.any()) : this.refreshOnce(old, this.nodes.any()));
                await pause(Math.random() * 10);
            }
            if (alive) await this.end(user, s);
        }
    }
    start() {
        this.running = Array.from({ length: this.clients }, () => this.client().catch((e) => { this.faults.push(e); this.stopped = true; }));
        return this;
    }
    /** Until so many more records of this kind are there. */
    async until(count, what = (r) => r.op === 'end' && r.outcome === 'yes', within = 60000) {
        const from = this.history.records.length, deadline = this.history.now() + within;
        for (;;) {
            if (this.faults.length > 0) throw this.faults[0];
            if (this.history.records.slice(from).filter(what).length >= count) return;
            if (this.history.now() > deadline) throw new Error(`in ${within} ms less than ${count} of ${what}`);
            await pause(20);
        }
    }
    async stop() {
        this.stopped = true;
        await Promise.all(this.running);
        if (this.faults.length > 0) throw this.faults[0];
        // everything that ended is asked for a last time, everywhere, when even the slowest must know
        await pause(this.nodes.bound + 50);
        for (const s of this.dead) for (const n of this.nodes.all) await this.verify(s, n);
        return this.history.records;
    }
}
