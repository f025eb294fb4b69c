// PostgreSQL 15 of a test's own: one server, or a primary with a synchronous standby that can take over.
import { chownSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Process, installed, must, unprivileged } from './process.mjs';
import { freePort, temporary } from './service.mjs';

const BIN = '/usr/lib/postgresql/15/bin';
export const postgresInstalled = () => installed(`${BIN}/postgres`);
const as = () => unprivileged('postgres') ?? {};
const READY = 'database system is ready to accept';

export class Postgres {
    /** A new cluster, running. */
    static async start({ settings = {} } = {}) {
        const p = await Postgres.#place(settings);
        must([`${BIN}/initdb`, '-D', p.data, '-U', 'tester', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'], { as: as() });
        await p.launch();
        return p;
    }
    static async #place(settings) {
        const p = new Postgres();
        p.folder = temporary('cardea-postgres-');
        if (process.getuid() === 0) chownSync(p.folder, as().uid, as().gid);
        p.data = join(p.folder, 'data');
        p.port = await freePort();
        p.settings = { max_connections: 100, fsync: 'off', wal_level: 'replica', ...settings };
        return p;
    }
    /** What every change waits for from now on: it is on this server's disk too. */
    async standby() {
        const s = await Postgres.#place(this.settings);
        must([`${BIN}/pg_basebackup`, '-D', s.data, '-h', '127.0.0.1', '-p', String(this.port), '-U', 'tester', '-X', 'stream', '-c', 'fast', '-R', '--no-sync'], { as: as() });
        s.settings = { ...this.settings, primary_conninfo: `host=127.0.0.1 port=${this.port} user=tester application_name=standby` };
        await s.launch();
        this.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        this.sql('SELECT pg_reload_conf()');
        // the first change that waits for the standby returns when it is one
        this.sql('CREATE TABLE synchronous_from_here (n int)');
        return s;
    }
    async launch() {
        const settings = Object.entries(this.settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]);
        this.process = await Process.start([`${BIN}/postgres`, '-D', this.data, '-h', '127.0.0.1', '-p', String(this.port), '-k', this.folder, ...settings], { ready: READY, as: as(), cwd: '/' });
    }
    /** As the service takes it; `through` is the port of something in between. */
    url({ schema, through } = {}) {
        return `postgres://tester@127.0.0.1:${through ?? this.port}/postgres?sslmode=disable&gssencmode=disable${schema ? `&schema=${schema}` : ''}`;
    }
    sql(text) { return must([`${BIN}/psql`, '-qXAt', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p', String(this.port), '-U', 'tester', '-d', 'postgres', '-c', text], { as: as() }).trim(); }
    /** Make the standby the primary; answers when it is. */
    promote() { if (this.sql('SELECT pg_promote(true, 60)') !== 't') throw new Error('the standby was not promoted'); }
    pause() { this.process.pause(); }
    resume() { this.process.resume(); }
    /** SIGQUIT: at once, as after a power cut. SIGINT: with a clean shutdown. */
    stop(signal = 'SIGQUIT') { return this.process.stop(signal); }
    async restart(signal) { await this.stop(signal); await this.launch(); }
    async end() {
        await this.process?.stop('SIGQUIT');
        rmSync(this.folder, { recursive: true, force: true });
    }
}
