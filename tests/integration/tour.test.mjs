// Does the tour that ./dev run prints work when it is pasted as it stands?
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PASSWORD, Service, root, temporary } from './lib/service.mjs';

/** What tools/tour prints, run by bash in a folder of its own; the output of each numbered step. */
function walk(service, folder, tour) {
    // a mark before each step, as a person sees where one ends; nothing else is added
    const script = tour.replace(/^# (\d)\..*$/gm, "printf '\\n@@ %s\\n' $1");
    const r = spawnSync('bash', ['-euo', 'pipefail'], { input: script, cwd: folder, encoding: 'utf8', timeout: 60_000 });
    assert.equal(r.status, 0, r.stderr + r.stdout);
    assert.equal(r.stderr, '', 'nothing goes wrong on the way');
    return Object.fromEntries(r.stdout.split(/^@@ /m).slice(1).map((part) => [part[0], part.slice(2)]));
}
const statuses = (text) => [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((m) => Number(m[1]));
const header = (text, name) => text.match(new RegExp(`^${name}: (.*?)\\r?$`, 'mi'))?.[1];

test('every step of the tour does what its heading says', async () => {
    const service = await Service.start({ users: [{ name: 'admin', roles: ['admin'] }] }), folder = temporary();
    try {
        const printed = spawnSync(join(root, 'tools/tour'), [service.url, PASSWORD], { encoding: 'utf8' });
        assert.equal(printed.status, 0, printed.stderr);
        assert.match(printed.stdout, new RegExp(`admin .*${PASSWORD}`), 'the password is shown');
        // what stands before the first command is for reading
        const commands = printed.stdout.slice(printed.stdout.indexOf('PASSWORD='));
        for (const line of commands.split('\n').filter(Boolean)) assert.match(line, /^(#|curl |[A-Z]+=)/, 'comments and commands, no more');
        const step = walk(service, folder, commands);
        assert.deepEqual(Object.keys(step), ['1', '2', '3', '4', '5', '6']);

        const me = JSON.parse(step[1]);
        assert.equal(me.user.username, 'admin');
        assert.deepEqual(me.user.roles, ['admin']);
        assert.equal(me.session.app, 'web');

        assert.deepEqual(statuses(step[2]), [204]);
        assert.equal(header(step[2], 'X-Auth-User'), me.user.id);
        assert.equal(header(step[2], 'X-Auth-Username'), 'admin');
        assert.equal(header(step[2], 'X-Auth-Roles'), 'admin');
        assert.equal(header(step[2], 'X-Auth-Session'), me.session.sid);
        assert.equal(header(step[2], 'X-Auth-Method'), 'session');

        assert.deepEqual(statuses(step[3]), [204]);
        assert.equal(header(step[3], 'X-Auth-User'), me.user.id);
        assert.equal(header(step[3], 'X-Auth-Method'), 'token');
        assert.notEqual(header(step[3], 'X-Auth-Session'), me.session.sid);

        assert.equal(step[4].trim(), '', 'the new tokens stay in variables');

        assert.deepEqual(statuses(step[5]), [204, 401]);
        assert.equal(header(step[5], 'WWW-Authenticate'), 'Bearer error="invalid_token"');

        assert.deepEqual(statuses(step[6]), [204, 401]);
        assert.match(step[6], /"code":"invalid_session"/);

        // the log out everywhere of step 6 left nothing alive
        assert.equal(service.command(['session', 'list', 'admin']).items.length, 0);
        assert.match(readFileSync(join(folder, 'jar'), 'utf8'), /__Host-cardea/);
    } finally {
        rmSync(folder, { recursive: true, force: true });
        await service.end();
    }
});

test('without a password it asks for one; with options curl gets them', () => {
    const asked = spawnSync(join(root, 'tools/tour'), ['https://127.0.0.1:1', '', '--cacert cert.pem'], { encoding: 'utf8' });
    assert.equal(asked.status, 0, asked.stderr);
    assert.match(asked.stdout, /^read -rs PASSWORD$/m);
    const calls = asked.stdout.split('\n').filter((l) => l.includes('curl '));
    assert.ok(calls.length >= 9);
    for (const line of calls) assert.match(line, /curl -sS --cacert cert\.pem /);
});
