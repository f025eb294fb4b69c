// Do the commands do what they say, on a stopped installation and on a running one, and refuse the rest with the documented exit codes?
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PASSWORD, Service, freePort, program, root, run, temporary } from './lib/service.mjs';
import { request } from './lib/client.mjs';

const OK = 0, FAILED = 1, USAGE = 2, NOT_FOUND = 3, BUSY = 4, CONFLICT = 5;
const quick = { CARDEA_ARGON2_MEMORY: '19MiB', CARDEA_ARGON2_PASSES: '2' };

/** A stopped installation: cli(args…) → {status, stdout, stderr}; json(args…) must succeed. */
class Stopped {
    constructor() { this.parent = temporary(); this.state = join(this.parent, 'state'); }
    cli(args, options = {}) { return run([...args, '--state', this.state], { ...options, env: { ...quick, ...options.env } }); }
    json(args, options) {
        const r = this.cli([...args, '--json'], options);
        assert.equal(r.status, OK, `${args.join(' ')}: ${r.stderr}`);
        return r.stdout ? JSON.parse(r.stdout) : undefined;
    }
    expect(status, args, options) {
        const r = this.cli(args, options);
        assert.equal(r.status, status, `${args.join(' ')}: ${r.stdout}${r.stderr}`);
        if (status === OK) assert.equal(r.stderr, '');
        else assert.match(r.stderr, /^cardea: .+\n$/);
        return r;
    }
    end() { rmSync(this.parent, { recursive: true, force: true }); }
}

describe('without an installation', () => {
    test('version, help, and the table of commands', () => {
        assert.match(run(['version']).stdout, /^cardea \d+\.\d+\.\d+\n$/);
        assert.match(JSON.parse(run(['version', '--json']).stdout).version, /^\d/);
        const overview = run(['--help']);
        assert.equal(overview.status, OK);
        assert.equal(run([]).status, USAGE);
        const names = [...overview.stdout.matchAll(/^ {2}([a-z][a-z-]*(?: [a-z-]+){0,2})(?: [A-Z[].*?)? {2,}/gm)].map((m) => m[1]);
        for (const wanted of ['serve', 'init', 'user add', 'user list', 'user show', 'user passwd', 'user roles', 'user suspend', 'user resume',
            'user logout', 'user delete', 'session list', 'session revoke', 'signing-key list', 'signing-key rotate', 'signing-key revoke',
            'apikey create', 'apikey list', 'apikey revoke', 'profile list', 'profile show', 'config check', 'config show', 'audit', 'version',
            'token sign', 'token verify', 'token inspect', 'token seal', 'token open', 'token jwk generate', 'token jwk thumbprint', 'token jwk convert'])
            assert.ok(names.includes(wanted), `${wanted} is missing`);
        for (const name of names) {
            const words = name.split(' ');
            const help = run([...words, '--help']);
            assert.equal(help.status, OK, name);
            assert.ok(help.stdout.startsWith(`Usage: cardea ${name}`), name);
            assert.match(help.stdout, /--state DIR[^]*--json[^]*Exit status:/);
            assert.equal(run(['help', ...words]).stdout, help.stdout);
        }
    });
    test('the man page and docs/configuration.md are what the program prints', () => {
        assert.equal(run(['help', '--man']).stdout, readFileSync(join(root, 'man/cardea.1'), 'utf8'), 'make it anew: cardea help --man > man/cardea.1');
        assert.equal(run(['config', 'manual']).stdout, readFileSync(join(root, 'docs/configuration.md'), 'utf8'), 'make it anew: cardea config manual > docs/configuration.md');
    });
    test('the man page has no fault that mandoc finds', (t) => {
        const r = spawnSync('mandoc', ['-T', 'lint', join(root, 'man/cardea.1')], { encoding: 'utf8' });
        if (r.error) return t.skip('mandoc is not installed');
        assert.equal(r.stdout + r.stderr, '');
    });
    test('a group of commands explains itself, and --version is the command', () => {
        const help = run(['user', '--help']);
        assert.equal(help.status, OK);
        assert.match(help.stdout, /^Usage: cardea user COMMAND[^]*user add NAME/);
        assert.doesNotMatch(help.stdout, /session list/);
        assert.equal(run(['help', 'user']).stdout, help.stdout);
        assert.match(run(['user']).stderr, /see cardea user --help/);
        assert.match(run(['user', 'nonsense']).stderr, /there is no command user nonsense/);
        assert.equal(run(['user', 'nonsense', '--help']).status, USAGE);
        assert.match(run(['user', 'add']).stderr, /usage: cardea user add NAME/);
        assert.equal(run(['--version']).stdout, run(['version']).stdout);
    });
    test('wrong command lines are exit status 2 with one sentence', () => {
        for (const args of [['nonsense'], ['user'], ['user', 'nonsense'], ['user', 'show'], ['user', 'show', 'a', 'b'], ['user', 'list', '--colour'],
            ['--colour'], ['user', 'list', '--limit'], ['user', 'list', '--limit', '0'], ['user', 'list', '--limit', 'many'], ['user', 'list', '--json=1'],
            ['-x'], ['serve', '--listen', 'nowhere'], ['help', 'nonsense'], ['apikey', 'create', 'a'], ['user', 'roles', 'a', 'b', '--none']]) {
            const r = run(args, { env: { CARDEA_STATE: '/nonexistent' } });
            assert.equal(r.status, USAGE, args.join(' '));
            assert.match(r.stderr, /^cardea: .+\n$/, args.join(' '));
            assert.equal(r.stdout, '', args.join(' '));
        }
    });
    test('profiles are explained', () => {
        const list = JSON.parse(run(['profile', 'list', '--json']).stdout).items;
        assert.deepEqual(list.map((p) => p.name), ['web', 'spa', 'mobile', 'service', 'strict', 'sealed', 'api']);
        assert.equal(list.find((p) => p.name === 'spa').access, '15m');
        assert.match(run(['profile', 'show', 'strict']).stdout, /trade-off/);
        assert.equal(run(['profile', 'show', 'loose']).status, NOT_FOUND);
    });
    test('the configuration is checked with line and column, and shown with where values come from', () => {
        const folder = temporary(), file = join(folder, 'c.yaml');
        writeFileSync(file, 'log:\n  formt: json\n');
        const bad = run(['config', 'check', '--config', file]);
        assert.equal(bad.status, USAGE);
        assert.equal(bad.stderr, `cardea: ${file}:2:3: log.formt is not a known key; did you mean log.format?\n`);
        writeFileSync(file, 'log: {format: json}\napps: {shop: web}\n');
        assert.equal(run(['config', 'check', '--config', file]).status, OK);
        assert.equal(run(['config', 'check'], { env: { CARDEA_CONFIG: file } }).status, OK);
        const shown = JSON.parse(run(['config', 'show', '--json', '--config', file], { env: { CARDEA_LOG_LEVEL: 'warn' } }).stdout);
        const from = Object.fromEntries(shown.keys.map((k) => [k.key, k]));
        assert.deepEqual([from['log.format'].value, from['log.format'].from], ['json', `${file}:1:15`]);
        assert.deepEqual([from['log.level'].value, from['log.level'].from], ['warn', 'CARDEA_LOG_LEVEL']);
        assert.equal(from.lease.from, 'default');
        assert.deepEqual(Object.keys(shown.apps), ['shop']);
        const yaml = run(['config', 'show', '--config', file]).stdout;
        writeFileSync(file, yaml);
        assert.equal(run(['config', 'check', '--config', file]).stderr, '');
        const warned = run(['config', 'check'], { env: { CARDEA_LISTN: 'x' } });
        assert.equal(warned.status, OK);
        assert.match(warned.stderr, /warning: the environment variable CARDEA_LISTN/);
        rmSync(folder, { recursive: true });
    });
    test('nothing is made by a command that only looks', () => {
        const s = new Stopped();
        s.expect(NOT_FOUND, ['user', 'list']);
        s.expect(NOT_FOUND, ['audit']);
        assert.ok(!existsSync(s.state));
        s.end();
    });
});

describe('init', () => {
    test('makes the folder and the first administrator, whose password is printed once', async () => {
        const s = new Stopped();
        const made = s.json(['init', '--admin', 'root']);
        assert.deepEqual([made.created, made.admin.username], [true, 'root']);
        assert.equal(made.admin.password.length, 24);
        assert.equal(statSync(s.state).mode & 0o777, 0o700);
        for (const name of readdirSync(s.state)) assert.equal(statSync(join(s.state, name)).mode & 0o077, 0, name);
        assert.equal(readFileSync(join(s.state, '.gitignore'), 'utf8'), '*\n');
        assert.deepEqual(s.json(['init']), { state: s.state, created: false });
        s.expect(CONFLICT, ['init', '--admin', 'root']);
        assert.match(s.expect(OK, ['init', '--admin', 'second']).stdout, /Password, not shown again: \S{24}\n/);
        const service = await Service.start({ state: s.state, users: [] });
        await service.login('root', { password: made.admin.password });
        s.expect(BUSY, ['init']);
        await service.end();
        s.end();
    });
    test('two at once: one makes it, the other finds it or is told to wait', async () => {
        const s = new Stopped();
        const runs = await Promise.all([1, 2, 3, 4].map(() => new Promise((done) => {
            const child = spawn(program, ['init', '--json', '--state', s.state], { stdio: ['ignore', 'pipe', 'pipe'] });
            let out = '';
            child.stdout.on('data', (d) => { out += d; });
            child.on('close', (status) => done({ status, out }));
        })));
        assert.equal(runs.filter((r) => r.status === OK && JSON.parse(r.out).created).length, 1);
        for (const r of runs) assert.ok(r.status === OK || r.status === BUSY, `status ${r.status}`);
        s.end();
    });
});

/** The same story, told to a stopped installation and to a running service. `it.json`, `it.expect` as in Stopped. */
function story(title, open, close) {
    describe(title, () => {
        let it;
        before(async () => { it = await open(); });
        after(async () => { await close(it); });

        test('users are made, shown, listed, changed and removed', () => {
            const { user } = it.json(['user', 'add', 'Alice', '--password-file', '-', '--role', 'writer', '--role', 'editor', '--email', 'a@example.org',
                '--name', 'Alice A', '--metadata', '{"team":7}'], { input: `${PASSWORD}\n` });
            assert.deepEqual([user.username, user.roles, user.email, user.metadata], ['alice', ['editor', 'writer'], 'a@example.org', { team: 7 }]);
            assert.equal(it.json(['user', 'show', 'alice']).user.id, user.id);
            assert.equal(it.json(['user', 'show', user.id]).user.username, 'alice');
            assert.equal(it.json(['user', 'show', 'ALICE']).user.id, user.id);
            it.expect(NOT_FOUND, ['user', 'show', 'nobody']);
            it.expect(NOT_FOUND, ['user', 'show', '00000000-0000-7000-8000-000000000000']);
            it.expect(CONFLICT, ['user', 'add', 'alice', '--no-password']);
            for (const n of ['b', 'c', 'd']) it.json(['user', 'add', n, '--no-password']);
            assert.deepEqual(it.json(['user', 'list']).items.map((u) => u.username), ['alice', 'b', 'c', 'd']);
            assert.equal(it.json(['user', 'list', '--limit', '2']).items.length, 2);
            assert.deepEqual(it.json(['user', 'list', '--role', 'editor']).items.map((u) => u.username), ['alice']);
            assert.deepEqual(it.json(['user', 'list', '--query', 'al']).items.map((u) => u.username), ['alice']);
            const lines = it.expect(OK, ['user', 'list']).stdout.trimEnd().split('\n');
            assert.equal(lines.length, 5);
            assert.equal(new Set(lines.map((l) => l.search(/(?<= {2})\S/))).size, 1, 'columns are aligned');
            it.expect(OK, ['user', 'delete', 'd']);
            it.expect(NOT_FOUND, ['user', 'delete', 'd']);
        });
        test('roles are replaced, added, removed', () => {
            const roles = (...args) => it.json(['user', 'roles', 'alice', ...args]).user.roles;
            assert.deepEqual(roles('x', 'y'), ['x', 'y']);
            assert.deepEqual(roles('--add', 'z', '--remove', 'x'), ['y', 'z']);
            assert.deepEqual(roles(), ['y', 'z']);
            assert.deepEqual(roles('--none'), []);
            it.expect(FAILED, ['user', 'roles', 'alice', 'Not A Role']);
        });
        test('passwords come by file or standard input, and weak ones are refused', () => {
            const folder = temporary(), file = join(folder, 'p');
            writeFileSync(file, 'entirely different phrase 4\r\n');
            it.expect(OK, ['user', 'passwd', 'alice', '--password-file', file]);
            assert.match(it.expect(FAILED, ['user', 'passwd', 'alice', '--password-file', '-'], { input: 'password' }).stderr, /weak_password/);
            assert.match(it.expect(FAILED, ['user', 'passwd', 'alice', '--password-file', '-'], { input: 'alice' }).stderr, /weak_password/);
            it.expect(FAILED, ['user', 'passwd', 'alice', '--password-file', '-'], { input: 'x'.repeat(5000) });
            it.expect(FAILED, ['user', 'passwd', 'alice', '--password-file', join(folder, 'missing')]);
            it.expect(USAGE, ['user', 'passwd', 'alice']);
            it.expect(USAGE, ['user', 'add', 'zed']);
            it.expect(USAGE, ['user', 'add', 'zed', '--no-password', '--password-file', file]);
            rmSync(folder, { recursive: true });
        });
        test('bad values are refused with the field', () => {
            assert.match(it.expect(FAILED, ['user', 'add', 'a b', '--no-password']).stderr, /username: .*invalid_field/);
            assert.match(it.expect(FAILED, ['user', 'add', 'q', '--no-password', '--email', 'nowhere']).stderr, /email: /);
            it.expect(USAGE, ['user', 'add', 'q', '--no-password', '--metadata', '{']);
            assert.match(it.expect(FAILED, ['user', 'add', 'q', '--no-password', '--metadata', '[]']).stderr, /metadata: /);
            it.expect(NOT_FOUND, ['session', 'revoke', 'nonsense']);
            it.expect(FAILED, ['token', 'revoke', 'nonsense']);
            it.expect(NOT_FOUND, ['apikey', 'revoke', 'nonsense/../../users']);
            it.expect(FAILED, ['signing-key', 'revoke', 'nonsense']);
            it.expect(NOT_FOUND, ['signing-key', 'revoke', `-${'A'.repeat(42)}`]);
            it.expect(FAILED, ['audit', '--verify', '--head', 'nonsense']);
        });
        test('suspend and resume', () => {
            assert.equal(it.json(['user', 'suspend', 'alice']).user.status, 'suspended');
            assert.deepEqual(it.json(['user', 'list', '--status', 'suspended']).items.map((u) => u.username), ['alice']);
            assert.equal(it.json(['user', 'resume', 'alice']).user.status, 'active');
        });
        test('API keys', () => {
            const made = it.json(['apikey', 'create', 'alice', '--name', 'ci', '--scope', 'read', '--scope', 'write', '--expires', '2d']);
            assert.match(made.key, /^cdk_/);
            assert.deepEqual(made.scopes, ['read', 'write']);
            assert.ok(Math.abs(Date.parse(made.expires_at) - Date.now() - 2 * 86400_000) < 60_000);
            const [listed] = it.json(['apikey', 'list', 'alice']).items;
            assert.deepEqual([listed.id, 'key' in listed], [made.id, false]);
            assert.equal(it.json(['apikey', 'list']).items.length, 1);
            it.expect(OK, ['apikey', 'revoke', made.id]);
            it.expect(NOT_FOUND, ['apikey', 'revoke', made.id]);
            assert.equal(it.json(['apikey', 'list']).items.length, 0);
            it.expect(USAGE, ['apikey', 'create', 'alice', '--name', 'x', '--expires', 'soon']);
            it.expect(NOT_FOUND, ['apikey', 'create', 'nobody', '--name', 'x']);
        });
        test('signing keys', () => {
            const keys = it.json(['signing-key', 'list']).items;
            assert.deepEqual(keys.map((k) => `${k.use} ${k.state}`).sort(), ['access active', 'access next', 'sealed active']);
            const sealing = it.json(['signing-key', 'rotate', '--use', 'sealed']).items.filter((k) => k.use === 'sealed');
            assert.deepEqual(sealing.map((k) => k.state).sort(), ['active', 'retiring']);
            assert.ok(!it.json(['signing-key', 'revoke', '--use', 'sealed']).items.some((k) => k.kid === sealing.find((s) => s.state === 'active').kid));
            assert.ok(!it.json(['signing-key', 'revoke', sealing.find((s) => s.state === 'retiring').kid]).items.some((k) => k.state === 'retiring'));
            it.expect(FAILED, ['signing-key', 'rotate', '--use', 'csrf']);
            const rotated = it.json(['signing-key', 'rotate']);
            assert.match(rotated.effective_at, /Z$/);
            const active = rotated.items.find((k) => k.use === 'access' && k.state === 'active').kid;
            const after = it.json(['signing-key', 'revoke', active]);
            assert.ok(!after.items.some((k) => k.kid === active));
            assert.equal(after.items.filter((k) => k.use === 'access' && k.state === 'active').length, 1);
            assert.match(it.expect(OK, ['signing-key', 'rotate']).stdout, /In effect from \S+Z\n$/);
        });
        test('--wait says who has heard of a change', () => {
            const said = (args, options) => it.expect(OK, [...args, '--wait'], options).stdout;
            it.json(['user', 'add', 'waited', '--no-password']);
            const line = /(?:^|\n)Felt everywhere: row [1-9][0-9]* of the journal, [01] acknowledged, 0 expired, 0 pending, after [0-9]+ ms\n$/;
            assert.match(said(['user', 'roles', 'waited', 'a']), line);
            assert.match(said(['user', 'passwd', 'waited', '--password-file', '-'], { input: 'another wombat hums low' }), line);
            assert.match(said(['user', 'suspend', 'waited']), line);
            assert.match(said(['user', 'logout', 'waited']), line);
            assert.match(said(['signing-key', 'rotate']), line);
            assert.match(said(['signing-key', 'revoke']), line);
            assert.match(said(['token', 'revoke', 'AAAAAAAAAAAAAAAAAAAAAA']), line);
            const { receipt } = it.json(['user', 'logout', 'waited', '--wait']);
            assert.equal(receipt.complete, true);
            assert.equal(it.json(['audit', '--limit', '1']).items.length, 1);
            assert.ok(it.json(['audit', '--type', 'logout_all', '--limit', '1']).items[0].n === receipt.position);
            assert.deepEqual(it.json(['user', 'suspend', 'waited', '--wait']).receipt.pending, 0);
            it.expect(OK, ['user', 'logout', 'waited']);
            assert.match(said(['user', 'delete', 'waited']), line);
            it.expect(NOT_FOUND, ['user', 'delete', 'waited', '--wait']);
            it.expect(USAGE, ['user', 'list', '--wait']);
        });
        test('the journal tells all of it, and its chain holds', () => {
            const events = it.json(['audit', '--limit', '1000']).items;
            assert.deepEqual(events.map((e) => e.n), events.map((_, i) => events.length - i));
            for (const type of ['user_created', 'roles_changed', 'password_set', 'user_suspended', 'user_resumed', 'user_deleted', 'api_key_created',
                'api_key_revoked', 'key_rotated', 'key_dropped'])
                assert.ok(events.some((e) => e.type === type && e.actor === `operator:${process.getuid()}`), type);
            assert.ok(it.json(['audit', '--type', 'roles_changed', '--user', 'alice']).items.every((e) => e.type === 'roles_changed'));
            assert.equal(it.json(['audit', '--limit', '3']).items.length, 3);
            const whole = it.json(['audit', '--verify']);
            assert.equal(whole.ok, true);
            it.expect(OK, ['user', 'roles', 'alice', 'last']);
            assert.equal(it.json(['audit', '--verify', '--head', whole.head]).ok, true);
            const forged = whole.head.replace(/.$/, (c) => (c === '0' ? '1' : '0'));
            it.expect(FAILED, ['audit', '--verify', '--head', forged]);
            assert.doesNotMatch(JSON.stringify(events), /lazy wombats|different phrase|cdk_/);
        });
        test('text of users can not drive a terminal', () => {
            it.json(['user', 'add', 'eve', '--no-password', '--name', 'a\u202Eb', '--metadata', '{"a":"\\u001b[31m\u009b"}']);
            const human = it.expect(OK, ['user', 'show', 'eve']).stdout, json = it.expect(OK, ['user', 'show', 'eve', '--json']).stdout;
            for (const text of [human, json]) assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
            assert.match(human, /a\\u202eb/);
            assert.equal(JSON.parse(json).user.name, 'a\u202Eb');
            assert.equal(JSON.parse(json).user.metadata.a, '\u001b[31m\u009b');
            assert.doesNotMatch(it.expect(NOT_FOUND, ['user', 'show', '\u001b[31m']).stderr, /\u001b/);
        });
        test('words that begin with a dash', () => {
            it.expect(NOT_FOUND, ['session', 'revoke', '-AAAAAAAAAAAAAAAAAAAAA']);
            it.expect(NOT_FOUND, ['session', 'revoke', '--AAAAAAAAAAAAAAAAAAAA']);
            assert.equal(run(['session', 'revoke', '--state', it.state, '--', '-x']).status, NOT_FOUND);
            it.expect(USAGE, ['session', 'revoke', '-x']);
        });
        test('a reader that goes away does no harm', () => {
            const r = spawnSync('sh', ['-c', '"$0" "$@" | head -c 1 >/dev/null', program, 'user', 'list', '--state', it.state], { encoding: 'utf8', env: { ...process.env, ...quick } });
            assert.deepEqual([r.status, r.stderr], [0, '']);
            const full = spawnSync('sh', ['-c', '"$0" "$@" >/dev/full', program, 'user', 'list', '--state', it.state], { encoding: 'utf8', env: { ...process.env, ...quick } });
            assert.equal(full.status, FAILED);
            assert.match(full.stderr, /standard output/);
        });
    });
}

story('on a stopped installation', () => { const s = new Stopped(); s.json(['init']); return s; }, (s) => s.end());
story('on a running service', async () => {
    const s = new Stopped();
    s.service = await Service.start({ state: s.state, users: [] });
    return s;
}, async (s) => { await s.service.end(); s.end(); });

describe('while the service runs', () => {
    let service;
    before(async () => { service = await Service.start({ users: [{ name: 'alice' }, { name: 'root', roles: ['admin'] }] }); });
    after(() => service.end());

    test('what a command changes is felt at the next request', async () => {
        const alice = await service.login('alice'), mobile = await service.login('alice', { app: 'mobile' });
        const status = async () => (await service.verify({ jar: alice.jar, headers: {} })).status;
        assert.equal(await status(), 204);
        service.command(['user', 'roles', 'alice', 'fresh']);
        assert.equal((await service.verify({ jar: alice.jar })).headers['x-auth-roles'], 'fresh');
        const sessions = service.command(['session', 'list', 'alice']).items;
        assert.deepEqual(sessions.map((s) => s.app).sort(), ['mobile', 'web']);
        service.command(['session', 'revoke', sessions.find((s) => s.app === 'mobile').sid]);
        assert.equal((await service.verify({ headers: { Authorization: `Bearer ${mobile.access}` } })).status, 401);
        assert.equal(await status(), 204);
        service.command(['user', 'logout', 'alice']);
        assert.equal(await status(), 401);
        const again = await service.login('alice', { app: 'mobile' });
        const claims = JSON.parse(Buffer.from(again.access.split('.')[1], 'base64url'));
        service.command(['token', 'revoke', claims.jti]);
        assert.equal((await service.verify({ headers: { Authorization: `Bearer ${again.access}` } })).status, 401);
        const web = await service.login('alice');
        service.command(['user', 'suspend', 'alice']);
        assert.equal((await service.verify({ jar: web.jar })).status, 401);
        service.command(['user', 'delete', 'alice']);
        assert.equal((await service.request('/v1/login', { json: { username: 'alice', password: PASSWORD } })).status, 401);
    });
    test('the socket and its folder are for the operator alone', () => {
        const socket = join(service.state, 'admin.sock');
        assert.equal(statSync(socket).mode & 0o777, 0o600);
        assert.equal(statSync(service.state).mode & 0o777, 0o700);
    });
    test('the socket knows only the admin API', async () => {
        const socketPath = join(service.state, 'admin.sock');
        const ask = (path, options) => request(`http://localhost${path}`, { socketPath, contract: false, ...options });
        assert.equal((await ask('/v1/admin/users')).status, 200);
        for (const path of ['/v1/me', '/verify', '/v1/login', '/v1/sessions']) assert.equal((await ask(path)).status, 404, path);
    });
    test('a folder that others may write to is not trusted', () => {
        chmodSync(service.state, 0o777);
        const r = service.cli(['user', 'list']);
        chmodSync(service.state, 0o700);
        assert.equal(r.status, FAILED);
        assert.match(r.stderr, /not to be trusted/);
    });
    test('a socket that somebody else has put up is told nothing', { skip: process.getuid() !== 0 && 'takes root, to be two others' }, async () => {
        const folder = temporary(), owner = 12345, stranger = 12346;
        const heard = join(folder, 'heard'), state = join(folder, 'state'), socket = join(state, 'admin.sock');
        chmodSync(folder, 0o755);
        writeFileSync(heard, '');
        chownSync(heard, stranger, stranger);
        const own = join(folder, 'cardea'); // others may not read the folder that it was built in
        copyFileSync(program, own);
        chmodSync(own, 0o755);
        const listen = `const net = require('node:net'), fs = require('node:fs');
            net.createServer((c) => c.on('data', (d) => { fs.appendFileSync(${JSON.stringify(heard)}, d); c.end(); })).listen(${JSON.stringify(socket)}, () => { fs.chmodSync(${JSON.stringify(socket)}, 0o777); console.log('up'); });`;
        // As the stranger's folder, then as a folder of another in which the stranger has got a socket.
        for (const uid of [stranger, owner]) {
            mkdirSync(state);
            chownSync(state, stranger, stranger);
            const child = spawn(process.execPath, ['-e', listen], { uid: stranger, gid: stranger, stdio: ['ignore', 'pipe', 'inherit'] });
            await once(child.stdout, 'data');
            chownSync(state, uid, uid);
            chmodSync(state, 0o755);
            const as = uid === stranger ? { uid: owner, gid: owner } : {};
            const r = spawnSync(own, ['user', 'passwd', 'alice', '--password-file', '-', '--state', state], { ...as, input: 'a very secret text\n', encoding: 'utf8' });
            child.kill();
            assert.equal(r.status, FAILED, r.stderr);
            assert.match(r.stderr, /not to be trusted/);
            rmSync(state, { recursive: true });
        }
        assert.equal(readFileSync(heard, 'utf8'), '');
        rmSync(folder, { recursive: true });
    });
    test('a second service is refused', () => {
        const r = service.cli(['serve', '--listen', '127.0.0.1:0']);
        assert.equal(r.status, BUSY);
        assert.match(r.stderr, /in use by a running process/);
    });
    test('commands are safe beside each other', async () => {
        const results = await Promise.all([...Array(12).keys()].map((i) => new Promise((done) => {
            const child = spawn(program, ['user', 'add', `many${i}`, '--no-password', ...service.commonArgs], { stdio: 'ignore', env: { ...process.env, ...service.env } });
            child.on('exit', done);
        })));
        assert.deepEqual(results, Array(12).fill(OK));
        assert.equal(service.command(['user', 'list', '--query', 'many']).items.length, 12);
    });
});

describe('between running and stopped', () => {
    test('commands beside a service that stops and starts wait for it, and none is lost', async () => {
        const service = await Service.start({ users: [] });
        let going = true, done = 0;
        const failures = [];
        const commander = (async () => {
            while (going) {
                await new Promise((next) => {
                    const child = spawn(program, ['user', 'add', `u${done}`, '--no-password', ...service.commonArgs], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...service.env } });
                    let text = '';
                    child.stderr.on('data', (d) => { text += d; });
                    child.on('close', (code) => {
                        if (code === OK) done++;
                        else failures.push({ code, text, name: `u${done++}` });
                        next();
                    });
                });
            }
        })();
        for (let i = 0; i < 3; i++) await service.restart();
        going = false;
        await commander;
        const names = new Set(service.command(['user', 'list', '--query', 'u']).items.map((u) => u.username));
        for (const f of failures) assert.equal(f.code, BUSY, f.text); // broke off: the outcome is not known, and says so
        for (let i = 0; i < done; i++) if (!failures.some((f) => f.name === `u${i}`)) assert.ok(names.has(`u${i}`), `u${i}`);
        await service.end();
    });
    test('a socket left behind by a killed service is no obstacle', async () => {
        const service = await Service.start({ users: [{ name: 'alice' }] });
        await service.kill();
        assert.ok(existsSync(join(service.state, 'admin.sock')));
        assert.equal(service.command(['user', 'show', 'alice']).user.username, 'alice');
        await service.launch();
        await service.end();
    });
    test('something else that holds the lock: busy, after a while', () => {
        const s = new Stopped();
        s.json(['init']);
        const holder = spawnSync('flock', [join(s.state, 'lock'), program, 'user', 'list', '--state', s.state], { encoding: 'utf8' });
        assert.equal(holder.status, BUSY);
        assert.match(holder.stderr, /in use by a running process/);
        s.end();
    });
    test('a service that answers nonsense is not believed', async () => {
        const s = new Stopped();
        s.json(['init']);
        for (const [answer, status] of [['', BUSY], ['nonsense\r\n\r\n', BUSY], ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}', BUSY],
            ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}', BUSY], ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}', FAILED],
            ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', BUSY], ['HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nabc', FAILED]]) {
            const socket = join(s.state, 'admin.sock');
            const server = createServer((c) => { c.on('data', () => { c.end(answer); }); c.on('error', () => {}); });
            await new Promise((ready) => server.listen(socket, ready));
            const code = await new Promise((done) => {
                spawn(program, ['user', 'list', '--state', s.state], { stdio: 'ignore', env: { ...process.env, ...quick } }).on('exit', done);
            });
            assert.equal(code, status, JSON.stringify(answer));
            await new Promise((closed) => server.close(closed));
            rmSync(socket, { force: true });
        }
        s.end();
    });
    test('a state folder whose path leaves no room for its socket is refused', () => {
        const s = new Stopped();
        s.state = join(s.parent, 'x'.repeat(100));
        for (const args of [['init'], ['serve'], ['user', 'list']]) assert.match(s.expect(USAGE, args).stderr, /state: the path must have at most/);
        s.end();
    });
});
