// What many clients saw of many nodes, and whether one installation that keeps its promises can have shown it.
//
// A record is one request: {op, call, answer, node, …}; call and answer are milliseconds of one monotonic clock, taken before the first byte
// went out and after the last one came in. `outcome` is 'yes' (it was done, or let in), 'no' (refused: whoever is told so has lost access), or
// 'unknown' (503, a broken connection, no answer: a change may have happened, or may still happen; a check says nothing).
//
//     login    user, session            a new session
//     verify   user, session, roles     a credential of the session; roles as the answer says them
//     refresh  user, session, presented, successor
//     end      session                  logout, or an administrator's revocation
//     end_all  user                     log out everywhere, suspension, password change: every session of the user
//     suspend  user · resume  user      suspend is an end_all besides
//     roles    user, roles              one writer a user, one after the other
//
// The rules, each a name that a violation carries. L is the revocation bound in ms; at the node that answered the change it is nothing.
//     stale_yes        let in, though sent later than L after the answer of what ended the session
//     minted_after_end a refresh that was done, though sent after the answer of what ended the session (no L: it is a change)
//     resurrected      let in, though sent later than L after a check or refresh had said no
//     lost             no, though nothing had been asked for that ends the session (`may_lose`: sessions of which the store may lose writes)
//     two_successors   one refresh token, two successors
//     stale_roles      roles that were replaced by a change whose answer is more than L older; or that nobody has given
//     suspended_login  a login of a user whose suspension was answered, with no resumption asked for
import { performance } from 'node:perf_hooks';

export const RULES = ['stale_yes', 'minted_after_end', 'resurrected', 'lost', 'two_successors', 'stale_roles', 'suspended_login'];

export class History {
    records = [];
    now() { return performance.now(); }
    /** Run one request and write down what came of it: run() answers the outcome and more members, and throws where nothing came. */
    async record(what, run) {
        const r = { ...what, call: this.now(), answer: Infinity, outcome: 'unknown' };
        this.records.push(r);
        try {
            const came = await run();
            Object.assign(r, came, { answer: this.now() });
        } catch (e) {
            r.error = e.code ?? e.message;
            if (e.name === 'AssertionError') throw e;
        }
        return r;
    }
}

const by = (records, key) => {
    const m = new Map();
    for (const r of records) { if (r[key] === undefined) continue; const k = r[key]; if (!m.has(k)) m.set(k, []); m.get(k).push(r); }
    return m;
};

/** What may have ended a session: {from: the earliest moment, sure: the answer after which it must have (Infinity: perhaps never), node}. */
function endsOf(login, own, ofUser) {
    const ends = [];
    for (const e of own.filter((r) => r.op === 'end')) ends.push({ from: e.call, sure: e.outcome === 'yes' ? e.answer : Infinity, node: e.node });
    for (const e of ofUser) {
        if (e.answer < login.call) continue; // it was over before the login began
        const covers = e.outcome === 'yes' && login.answer <= e.call;
        ends.push({ from: e.call, sure: covers ? e.answer : Infinity, node: e.node });
    }
    // A refresh that nobody knows the outcome of may arrive when its successor has been used: that is a reuse, and ends the session.
    for (const r of own.filter((x) => x.op === 'refresh' && x.outcome === 'unknown')) ends.push({ from: r.call, sure: Infinity });
    return ends;
}

function checkSession(session, own, ofUser, { bound, mayLose }, say) {
    const login = own.find((r) => r.op === 'login') ?? { call: -Infinity, answer: -Infinity };
    const ends = endsOf(login, own, ofUser);
    const checks = own.filter((r) => r.op === 'verify' || r.op === 'refresh').sort((a, b) => a.call - b.call);
    for (const c of checks.filter((r) => r.outcome === 'yes')) {
        const slack = (e) => (e.node !== undefined && e.node === c.node ? 0 : bound);
        const late = ends.find((e) => c.call > e.sure + slack(e));
        if (c.op === 'verify' && late) say('stale_yes', { session, by: c.call - late.sure, record: c });
        if (c.op === 'refresh' && ends.some((e) => c.call > e.sure)) say('minted_after_end', { session, record: c });
        const no = checks.find((r) => r.outcome === 'no' && c.call > r.answer + bound && !r.excused);
        if (no) say('resurrected', { session, by: c.call - no.answer, record: c, no });
    }
    for (const c of checks.filter((r) => r.outcome === 'no' && !r.excused))
        if (!mayLose(session, c) && login.answer < c.call && !ends.some((e) => e.from < c.answer)) say('lost', { session, record: c });
}

function checkSuccessors(records, say) {
    for (const [presented, all] of by(records.filter((r) => r.op === 'refresh' && r.outcome === 'yes'), 'presented')) {
        const successors = new Set(all.map((r) => r.successor));
        if (successors.size > 1) say('two_successors', { presented, session: all[0].session, records: all });
    }
}

function checkRoles(user, records, bound, say) {
    const writes = records.filter((r) => r.op === 'roles' && r.outcome !== 'no').sort((a, b) => a.call - b.call);
    if (writes.length === 0) return;
    for (const c of records.filter((r) => r.op === 'verify' && r.outcome === 'yes' && r.roles !== undefined)) {
        const slack = (w) => (w.node === c.node ? 0 : bound);
        const candidates = writes.filter((w) => w.roles === c.roles && w.call < c.answer);
        // it may have come from w where nothing that began after w's end was answered longer than its slack before the check
        const possible = candidates.some((w) => w.outcome === 'unknown' ||
            !writes.some((l) => l !== w && l.outcome === 'yes' && l.call >= w.answer && c.call > l.answer + slack(l)));
        if (!possible) say('stale_roles', { user, record: c });
    }
}

function checkSuspensions(records, say) {
    const suspensions = records.filter((r) => r.op === 'suspend' && r.outcome === 'yes');
    for (const login of records.filter((r) => r.op === 'login' && r.outcome === 'yes'))
        for (const s of suspensions) {
            const resumed = records.some((r) => r.op === 'resume' && r.outcome !== 'no' && r.call >= s.answer && r.call < login.answer);
            // a resumption of before whose outcome nobody knows may come late
            const loose = records.some((r) => r.op === 'resume' && r.outcome === 'unknown' && r.call < login.answer);
            if (login.call > s.answer && !resumed && !loose) say('suspended_login', { user: login.user, record: login });
        }
}

/**
 * The violations, each {rule, …}. bound: L in ms. mayLose(session, record): true where the sessions' store may have lost the write (Redis in a
 * fail-over), so that a no is no fault; a yes after an end is one all the same.
 */
export function check(records, { bound, mayLose = () => false }) {
    const found = [], say = (rule, more) => found.push({ rule, ...more });
    for (const [user, all] of by(records, 'user')) {
        const ofUser = all.filter((r) => (r.op === 'end_all' || r.op === 'suspend') && r.outcome !== 'no');
        for (const [session, own] of by(all, 'session'))
            checkSession(session, own.filter((r) => r.op !== 'end' || r.outcome !== 'no'), ofUser, { bound, mayLose }, say);
        checkRoles(user, all, bound, say);
        checkSuspensions(all, say);
    }
    checkSuccessors(records, say);
    return found;
}

/** For each answered end of one session and each other node: how long after the answer the last yes was sent there (0: none was). */
export function delays(records) {
    const out = [], sessions = by(records, 'session');
    for (const [, own] of sessions) {
        const end = own.find((r) => r.op === 'end' && r.outcome === 'yes');
        if (!end) continue;
        for (const [node, seen] of by(own.filter((r) => r.op === 'verify'), 'node')) {
            if (node === end.node || !seen.some((r) => r.call >= end.answer)) continue;
            const yes = seen.filter((r) => r.outcome === 'yes').map((r) => r.call - end.answer);
            out.push(Math.max(0, ...yes));
        }
    }
    return out.sort((a, b) => a - b);
}

export const quantile = (sorted, q) => (sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]);
export function distribution(records) {
    const d = delays(records);
    return { count: d.length, p50: quantile(d, 0.5), p99: quantile(d, 0.99), max: d.at(-1) ?? NaN };
}
