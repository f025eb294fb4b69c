// Can the checker of histories fail? Invented histories, good ones and for each rule bad ones.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { History, RULES, check, delays } from './lib/history.mjs';

const L = 100;
let clock = 0;
/** One record that took from `call` to `answer`. */
const at = (call, answer, op, more = {}) => ({ op, user: 'u', node: 'a', outcome: 'yes', call, answer, ...more });
const login = (call, session = 's', more) => at(call, call + 10, 'login', { session, ...more });
const verify = (call, node, outcome = 'yes', more) => at(call, call + 1, 'verify', { session: 's', node, outcome, ...more });
const refresh = (call, presented, successor, more) => at(call, call + 5, 'refresh', { session: 's', presented, successor, ...(successor === undefined && { outcome: 'no' }), ...more });
const end = (call, outcome = 'yes', more) => at(call, outcome === 'unknown' ? Infinity : call + 10, 'end', { session: 's', outcome, ...more });
const everywhere = (call, outcome = 'yes', op = 'end_all') => at(call, outcome === 'unknown' ? Infinity : call + 10, op, { outcome });
const roles = (call, value, outcome = 'yes', node = 'a') => at(call, outcome === 'unknown' ? Infinity : call + 10, 'roles', { roles: value, outcome, node });
const rules = (records, options = {}) => [...new Set(check(records, { bound: L, ...options }).map((v) => v.rule))].sort();

const good = {
    'a session that lives': [login(0), verify(20, 'a'), verify(20, 'b'), refresh(30, 'r0', 'r1'), refresh(40, 'r1', 'r2')],
    'a yes at another node within L of the end': [login(0), end(100), verify(205, 'b'), verify(211, 'b', 'no')],
    'a yes that was sent before the end had answered': [login(0), end(100), at(109, 400, 'verify', { session: 's' })],
    'a no while the end is under way': [login(0), verify(105, 'b', 'no'), end(100)],
    'an end of unknown outcome that did not happen': [login(0), end(100, 'unknown'), verify(500, 'b'), refresh(900, 'r0', 'r1')],
    'an end of unknown outcome that happened late': [login(0), end(100, 'unknown'), verify(500, 'b'), verify(900, 'b', 'no'), verify(1100, 'b', 'no')],
    'the other nodes within L of the first no': [login(0), end(100, 'unknown'), verify(500, 'b', 'no'), verify(560, 'a')],
    'what says nothing': [login(0), end(100), verify(500, 'b', 'unknown'), refresh(510, 'r0', undefined, { outcome: 'unknown', answer: Infinity })],
    'racing refreshes that get the same successor': [login(0), refresh(30, 'r0', 'r1'), refresh(31, 'r0', 'r1', { node: 'b' })],
    'a refresh under way when the end answers': [login(0), end(100), at(109, 200, 'refresh', { session: 's', presented: 'r0', successor: 'r1' })],
    'a refresh of unknown outcome that came as a reuse': [login(0), refresh(30, 'r0', 'x', { outcome: 'unknown', answer: Infinity, successor: undefined }), refresh(40, 'r0', 'r1'), refresh(50, 'r1', 'r2'), verify(900, 'a', 'no')],
    'log out everywhere leaves a later login alone': [everywhere(0), login(20), verify(500, 'b')],
    'and of one under way it is unknown': [everywhere(5), login(0), verify(500, 'b')],
    'roles within L': [login(0), roles(20, 'reader'), roles(100, 'editor'), verify(205, 'b', 'yes', { roles: 'reader' }), verify(206, 'b', 'yes', { roles: 'editor' })],
    'roles of a change whose outcome is unknown': [login(0), roles(20, 'reader'), roles(100, 'editor', 'unknown'), verify(500, 'b', 'yes', { roles: 'reader' }), verify(600, 'b', 'yes', { roles: 'editor' })],
    'roles of a change that is under way': [login(0), roles(20, 'reader'), verify(101, 'b', 'yes', { roles: 'editor' }), roles(100, 'editor')],
    'a login after the resumption': [everywhere(0, 'yes', 'suspend'), at(20, 30, 'resume'), login(40), verify(500, 'b')],
};
const bad = {
    stale_yes: [
        [login(0), end(100), verify(211, 'b')],
        [login(0), end(100), verify(111, 'a')], // at the node that answered there is no L
        [login(0), everywhere(100), verify(500, 'b')],
        [login(0), everywhere(100, 'yes', 'suspend'), verify(500, 'b')],
        [login(0), everywhere(100, 'yes', 'suspend'), at(120, 130, 'resume'), verify(500, 'b')],
        [login(0), end(100, 'unknown'), end(200), verify(500, 'b')],
    ],
    minted_after_end: [[login(0), end(100), refresh(111, 'r0', 'r1', { node: 'b' })], [login(0), everywhere(100), refresh(150, 'r0', 'r1')]],
    resurrected: [[login(0), end(100, 'unknown'), verify(200, 'b', 'no'), verify(400, 'b')], [login(0), end(100, 'unknown'), refresh(200, 'r0'), verify(400, 'b')]],
    lost: [[login(0), verify(20, 'a', 'no')], [login(0), refresh(20, 'r0')], [everywhere(0), login(20), verify(500, 'b', 'no')], [login(0), verify(50, 'b', 'no'), end(100)]],
    two_successors: [[login(0), refresh(30, 'r0', 'r1'), refresh(31, 'r0', 'r2', { node: 'b' })]],
    stale_roles: [
        [login(0), roles(20, 'reader'), roles(100, 'editor'), verify(211, 'b', 'yes', { roles: 'reader' })],
        [login(0), roles(20, 'reader'), roles(100, 'editor'), verify(111, 'a', 'yes', { roles: 'reader' })],
        [login(0), roles(20, 'reader'), verify(300, 'b', 'yes', { roles: 'admin' })],
        [login(0), roles(20, 'reader'), roles(400, 'editor'), verify(300, 'b', 'yes', { roles: 'editor' })],
    ],
    suspended_login: [[everywhere(0, 'yes', 'suspend'), login(20)], [at(0, 5, 'resume'), everywhere(10, 'yes', 'suspend'), login(40)]],
};

describe('good histories', () => {
    for (const [name, records] of Object.entries(good)) test(name, () => assert.deepEqual(check(records, { bound: L }), []));
});
describe('bad histories', () => {
    for (const rule of RULES) for (const [i, records] of bad[rule].entries()) test(`${rule} ${i + 1}`, () => assert.deepEqual(rules(records), [rule]));
    test('what a store may lose is no fault, what it resurrects is', () => {
        const mayLose = (session, r) => r.call > 10;
        assert.deepEqual(rules(bad.lost[0], { mayLose }), []);
        assert.deepEqual(rules(bad.stale_yes[0], { mayLose }), ['stale_yes']);
        assert.deepEqual(rules([login(0), verify(20, 'a', 'no'), verify(400, 'a')], { mayLose }), ['resurrected']);
    });
});
test('how long the old state was seen', () => {
    assert.deepEqual(delays([login(0), end(100), verify(112, 'b'), verify(150, 'b'), verify(160, 'b', 'no'), verify(120, 'c', 'no'), verify(200, 'a', 'no')]), [0, 40]);
    assert.deepEqual(delays([login(0), end(100, 'unknown'), verify(112, 'b')]), []);
});
test('what is recorded', async () => {
    const h = new History();
    h.now = () => clock++;
    await h.record({ op: 'verify', session: 's' }, async () => ({ outcome: 'yes' }));
    await h.record({ op: 'end', session: 's' }, async () => { throw Object.assign(new Error('gone'), { code: 'ECONNRESET' }); });
    assert.deepEqual(h.records, [{ op: 'verify', session: 's', call: 0, answer: 1, outcome: 'yes' }, { op: 'end', session: 's', call: 2, answer: Infinity, outcome: 'unknown', error: 'ECONNRESET' }]);
});
