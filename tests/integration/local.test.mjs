// Does a program of the same host, which maps the service's table, see what the service says at once; and nothing when
// the service is gone?
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Example } from './lib/example.mjs';
import { Service, temporary } from './lib/service.mjs';

const cookie = (login) => login.jar.get('__Host-cardea');

describe('the table of a service on the same host', () => {
    let service, local;
    before(async () => {
        service = await Service.start({ users: [{ name: 'alice', roles: ['staff'] }, { name: 'bob' }, { name: 'root', roles: ['admin'] }] });
        local = new Example('checker', [join(service.state, 'table.sock'), service.url, service.url]);
    });
    after(async () => {
        await local?.end();
        await service?.end();
    });

    test('a session: there with the login, gone with the logout, at once', async () => {
        for (let i = 0; i < 20; i++) {
            const login = await service.login(), value = cookie(login);
            assert.equal(await local.ask('session', value), 'yes session alice staff');
            assert.equal((await service.request('/v1/logout', { method: 'POST', jar: login.jar, csrf: login.csrf })).status, 204);
            assert.equal(await local.ask('session', value), 'no');
        }
    });

    test('a session whose secret is another, or that nobody made', async () => {
        const one = cookie(await service.login()), other = cookie(await service.login());
        assert.equal(await local.ask('session', one.slice(0, 32) + other.slice(32)), 'no');
        assert.equal(await local.ask('session', 'A'.repeat(75)), 'ask'); // no tag can be checked here: the service knows
        assert.equal(await local.ask('session', 'nonsense'), 'no');
    });

    test('a token: revoked with its session, with its user, and not under a key that the table has not', async () => {
        const phone = await service.login('bob', { app: 'mobile' });
        assert.equal(await local.ask('token', phone.access), 'yes token bob ');
        assert.equal(await local.ask('token', phone.access), 'yes token bob '); // out of the cache of signatures
        const parts = phone.access.split('.');
        assert.equal(await local.ask('token', `${parts[0]}.${parts[1]}.${'A'.repeat(parts[2].length)}`), 'no');
        service.command(['user', 'logout', 'bob']);
        assert.equal(await local.ask('token', phone.access), 'no');
        const again = await service.login('bob', { app: 'mobile' });
        assert.equal(await local.ask('token', again.access), 'yes token bob ');
        service.command(['signing-key', 'revoke']);
        assert.equal(await local.ask('token', again.access), 'ask'); // the key is not in the table: the service refuses it
        assert.equal((await service.verify({ headers: { Authorization: `Bearer ${again.access}` } })).status, 401);
        assert.equal(await local.ask('token', (await service.login('bob', { app: 'mobile' })).access), 'yes token bob ');
    });

    test('an API key, and roles as they are now', async () => {
        const made = service.command(['apikey', 'create', 'bob', '--name', 'a', '--scope', 'read']);
        assert.equal(await local.ask('key', made.key), 'yes key bob ');
        service.command(['user', 'roles', 'bob', 'staff', 'night']);
        assert.equal(await local.ask('key', made.key), 'yes key bob night,staff');
        service.command(['apikey', 'revoke', made.id]);
        assert.equal(await local.ask('key', made.key), 'no');
    });

    test('a suspended user', async () => {
        const login = await service.login();
        service.command(['user', 'suspend', 'alice']);
        assert.equal(await local.ask('session', cookie(login)), 'no');
        service.command(['user', 'resume', 'alice']);
        assert.equal(await local.ask('session', cookie(login)), 'no'); // it carries an epoch of before
        assert.equal(await local.ask('session', cookie(await service.login())), 'yes session alice staff');
    });

    test('a sealed session is for the service to open', async () => {
        const login = await service.login('alice', { app: 'sealed' });
        assert.equal(await local.ask('session', cookie(login)), 'ask');
    });

    test('an app that the configuration lists no longer', async () => {
        const own = await Service.start({ settings: { apps: { web: 'web', shop: 'web' } } });
        const checker = new Example('checker', [join(own.state, 'table.sock'), own.url, own.url]);
        try {
            const login = await own.login('alice', { app: 'shop' }), value = cookie(login);
            assert.equal(await checker.ask('session', value), 'yes session alice ');
            own.configure({ apps: { web: 'web' } });
            own.child.kill('SIGHUP');
            while (!own.output.includes('the configuration was read again')) await new Promise((done) => setTimeout(done, 5));
            assert.equal(await checker.ask('session', value), 'no');
        } finally {
            await checker.end();
            await own.end();
        }
    });

    for (const signal of ['SIGTERM', 'SIGKILL']) {
        test(`a service that goes by ${signal}: nobody is let in; its successor's table is found`, async () => {
            const login = await service.login(), ended = await service.login(), gone = cookie(ended);
            assert.equal(await local.ask('session', cookie(login)), 'yes session alice staff');
            await service.stop(signal);
            assert.equal(await local.ask('session', cookie(login)), 'unavailable');
            await service.launch();
            assert.equal((await service.request('/v1/logout', { method: 'POST', jar: ended.jar, csrf: ended.csrf })).status, 204);
            assert.equal(await local.ask('session', gone), 'no');
            assert.equal(await local.ask('session', cookie(login)), 'yes session alice staff');
        });
    }

    test('a successor that came up unnoticed', async () => {
        const login = await service.login(), value = cookie(login);
        assert.equal(await local.ask('session', value), 'yes session alice staff');
        await service.restart('SIGKILL');
        assert.equal((await service.request('/v1/logout', { method: 'POST', jar: login.jar, csrf: login.csrf })).status, 204);
        assert.equal(await local.ask('session', value), 'no');
    });
});

describe('the table socket', () => {
    let service;
    before(async () => { service = await Service.start(); });
    after(() => service?.end());
    const socket = () => join(service.state, 'table.sock');

    test('is its owner\'s alone, and gives the table for reading alone', () => {
        assert.equal(statSync(socket()).mode & 0o777, 0o600);
        const script = `
import array, fcntl, mmap, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
fds = array.array('i'); data, control, _, _ = s.recvmsg(64, socket.CMSG_SPACE(8))
for level, kind, bytes in control: fds.frombytes(bytes)
assert len(data) == 32 and len(fds) == 2, (data, fds)
block, seen = fds
assert fcntl.fcntl(block, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
assert os.fstat(block).st_mode & 0o777 == 0 and os.fstat(seen).st_mode & 0o777 == 0
mmap.mmap(block, 65536, prot=mmap.PROT_READ)
for attempt in (lambda: mmap.mmap(block, 65536, prot=mmap.PROT_READ | mmap.PROT_WRITE), lambda: os.write(block, b'x'), lambda: os.ftruncate(block, 0), lambda: os.ftruncate(seen, 0)):
    try: attempt()
    except (PermissionError, OSError): continue
    raise AssertionError('it could be written')
print('good')`;
        const r = spawnSync('python3', ['-c', script, socket()], { encoding: 'utf8' });
        assert.equal(r.stdout.trim(), 'good', r.stderr);
    });

    test('is where and whose the configuration says, or not at all', async () => {
        const folder = temporary();
        const group = await Service.start({ users: [], settings: { table: { socket: join(folder, 'table.sock'), access: 'group' } } });
        assert.equal(statSync(join(folder, 'table.sock')).mode & 0o777, 0o660);
        await group.end();
        assert.equal(existsSync(join(folder, 'table.sock')), false);
        rmSync(folder, { recursive: true });
        const none = await Service.start({ users: [], settings: { table: { access: 'nobody' } } });
        assert.equal(existsSync(join(none.state, 'table.sock')), false);
        await none.end();
    });

    test('has a limit, and a peer that speaks is cut', async () => {
        const open = [];
        const connect = () => new Promise((done) => {
            const c = net.connect(socket());
            c.on('error', () => {});
            c.once('data', () => done(c)).once('close', () => done(null));
        });
        for (let i = 0; i < 128; i++) {
            open.push(await connect());
            assert.ok(open[i], `connection ${i}`);
        }
        assert.equal(await connect(), null); // the 129th of one user
        const first = open.shift();
        const closed = new Promise((done) => first.once('close', done));
        first.write('x');
        await closed;
        const again = await connect();
        assert.ok(again);
        for (const c of [...open, again]) c.destroy();
        assert.equal((await service.request('/healthz')).status, 200);
    });
});
