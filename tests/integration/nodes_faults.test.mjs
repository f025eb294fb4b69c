// Does the bound hold on several real nodes while things break? Clients work all the time; each test breaks one thing under them, and the
// history of all that they saw is checked (lib/history.mjs): nothing is let in that was sent later than L after the answer that ended it, no
// answered end is lost; on PostgreSQL no answered change is lost and a refresh token has one successor.
//
// FAULTS_ROUNDS=20 breaks each thing so many times.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Nodes } from './lib/nodes.mjs';
import { Postgres, postgresInstalled } from './lib/postgres.mjs';
import { Redis, redisInstalled } from './lib/redis.mjs';
import { Workload } from './lib/workload.mjs';
import { check, distribution } from './lib/history.mjs';
import { bearer } from './lib/credentials.mjs';
import { PASSWORD } from './lib/service.mjs';

const ROUNDS = Number(process.env.FAULTS_ROUNDS ?? 1);
const LEASE_S = 1;
const ms = (n) => (Number.isNaN(n) ? '-' : n.toFixed(1));
const short = (v) => ({ rule: v.rule, session: v.session, by: v.by, node: v.record?.node, op: v.record?.op, call: v.record?.call, answer: v.record?.answer, no: v.no });

/** Work, break, work on; then every rule. */
async function under(t, nodes, breakIt, { clients = 4, before = 4, afterwards = 4, excused = () => false, mayLose } = {}) {
    const w = new Workload(nodes, { clients }).start();
    let records;
    try {
        await w.until(before);
        for (let i = 0; i < ROUNDS; i++) {
            await breakIt(w);
            await w.until(afterwards);
        }
    } finally {
        records = await w.stop();
    }
    const d = distribution(records), count = (o) => records.filter((r) => r.outcome === o).length;
    t.diagnostic(`${records.length} requests, ${count('yes')} yes, ${count('no')} no, ${count('unknown')} unknown; old state seen after the answer, ms: p50 ${ms(d.p50)}, p99 ${ms(d.p99)}, max ${ms(d.max)} (${d.count} ends, L ${nodes.bound})`);
    const faults = check(records, { bound: nodes.bound, mayLose }).filter((v) => !excused(v));
    assert.deepEqual(faults.slice(0, 5).map(short), [], `${faults.length} violations`);
    return { records, d };
}

// One node: what its sessions' store does to it, and that what was answered survives kill -9.
for (const [engine, there, start] of [
    ['SQLite', true, async () => undefined],
    ['Redis', redisInstalled(), () => Redis.start({ options: ['--appendonly', 'yes', '--appendfsync', 'always'] })],
    ['PostgreSQL', postgresInstalled(), () => Postgres.start()],
]) describe(`one node, sessions in ${engine}`, { skip: there ? false : `${engine} is not installed` }, () => {
    let store, nodes;
    before(async () => {
        store = await start();
        nodes = await Nodes.start({ count: 1, sessions: store?.url() });
    });
    after(async () => {
        await nodes?.end();
        await store?.end();
    });
    test('it is killed and started again', (t) => under(t, nodes, async () => {
        await nodes.all[0].kill();
        await nodes.all[0].launch();
    }));
    if (engine === 'SQLite') return;
    test('the store hangs: what is in memory is checked, what needs a record is 503, and the operator ends what he will', (t) => under(t, nodes, async () => {
        const [node] = nodes.all, username = `sleeper-${Math.random().toString(36).slice(2)}`;
        assert.equal((await node.request('/v1/signup', { json: { username, password: PASSWORD } })).status, 201);
        const who = await node.login(username, { app: 'mobile' });
        store.pause();
        try {
            assert.equal((await node.verify({ headers: bearer(who.access) })).status, 204);
            assert.equal((await node.request('/v1/refresh', { json: { refresh_token: who.refresh } })).status, 503);
            node.command(['user', 'suspend', username]);
            assert.equal((await node.verify({ headers: bearer(who.access) })).status, 401);
        } finally {
            store.resume();
        }
        assert.equal((await node.verify({ headers: bearer(who.access) })).status, 401);
    }));
    test('the store crashes and comes back', (t) => under(t, nodes, async (w) => {
        await store.stop(engine === 'Redis' ? 'SIGKILL' : 'SIGQUIT');
        await w.until(2, (r) => r.outcome === 'unknown');
        await store.launch();
    }));
});
