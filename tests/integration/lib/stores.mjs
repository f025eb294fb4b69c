// Servers of a test's own to move an installation to and from: on unix sockets in a folder that goes with them.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { temporary } from './service.mjs';

const BIN = '/usr/lib/postgresql/15/bin';
export const redisThere = existsSync('/usr/bin/redis-server'), memcachedThere = existsSync('/usr/bin/memcached'), postgresThere = existsSync(`${BIN}/initdb`);

/** Start a server, and answer when it says that it is ready. */
function launch(command, ready, options = {}) {
    return new Promise((done, fail) => {
        const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
        let said = '';
        process.on('exit', () => child.kill('SIGKILL')); // also where a test ends before its own clean-up
        const note = (d) => { said += d; if (said.includes(ready)) done(child); };
        child.stdout.on('data', note);
        child.stderr.on('data', note);
        child.on('error', fail);
        child.on('exit', () => fail(new Error(`${command[0]} ended: ${said}`)));
    });
}

async function end(child, folder, signal) {
    const gone = new Promise((done) => child.on('exit', done));
    child.kill(signal);
    await gone;
    rmSync(folder, { recursive: true, force: true });
}

export class RedisStore {
    static async start() {
        const r = new RedisStore();
        r.folder = temporary('cardea-redis-');
        r.socket = join(r.folder, 's');
        r.child = await launch(['redis-server', '--port', '0', '--unixsocket', r.socket, '--dir', r.folder, '--save', '', '--appendonly', 'no'], 'eady to accept connections');
        return r;
    }
    get url() { return `redis+unix://${this.socket}`; }
    ask(...words) { return execFileSync('redis-cli', ['-s', this.socket, ...words], { encoding: 'utf8' }).trim(); }
    get sessions() { return Number(this.ask('ZCARD', 'cardea:sids')); }
    end() { return end(this.child, this.folder, 'SIGKILL'); }
}

export class MemcachedStore {
    static async start() {
        const m = new MemcachedStore();
        m.folder = temporary('cardea-memcached-');
        m.socket = join(m.folder, 's');
        // -u counts for root alone, who must name somebody; -vv says which descriptors it listens on
        m.child = await launch(['memcached', '-u', userInfo().username, '-s', m.socket, '-m', '64', '-vv'], 'server listening');
        return m;
    }
    get url() { return `memcached+unix://${this.socket}`; }
    end() { return end(this.child, this.folder, 'SIGKILL'); }
}

export class PostgresStore {
    static async start() {
        const p = new PostgresStore();
        p.folder = temporary('cardea-postgres-');
        p.data = join(p.folder, 'data');
        chmodSync(p.folder, 0o755);
        if (process.getuid() === 0) { // it does not run as root: there it belongs to the user that Debian's package makes
            const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
            chownSync(p.folder, Number(uid), Number(gid));
            p.as = { uid: Number(uid), gid: Number(gid), cwd: p.folder };
        }
        execFileSync(`${BIN}/initdb`, ['-D', p.data, '-U', 'tester', '-A', 'trust', '--no-sync', '--locale=C', '-E', 'UTF8'], { ...p.as, stdio: 'ignore' });
        p.child = await launch([`${BIN}/postgres`, '-D', p.data, '-k', p.folder, '-h', '', '-c', 'fsync=off', '-c', 'unix_socket_permissions=0777'], 'ready to accept connections', p.as);
        return p;
    }
    url(schema = 'cardea') { return `postgres://tester@/postgres?host=${this.folder}&schema=${schema}`; }
    ask(sql) {
        const r = spawnSync(`${BIN}/psql`, ['-qXAt', '-h', this.folder, '-U', 'tester', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-c', sql], { encoding: 'utf8', ...this.as });
        if (r.status !== 0) throw new Error(r.stderr);
        return r.stdout.trim();
    }
    end() { return end(this.child, this.folder, 'SIGQUIT'); }
}
