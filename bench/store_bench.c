/* How fast is the SQLite engine, beside SQLite itself doing the least that could be called the same?
 *
 * Durable rotations a second, one thread on one core, in commits of 1, 8 and 64: ours reads the record, rotates it
 * between mark and keep, and commits; the bare engine runs the one UPDATE on a table of the same rows and commits.
 * Both sync before each commit's end. Rounds of the two alternate, medians are given. Then reading every session, as
 * at start; making sessions; touching them.
 *
 * store_bench [--json] [--sessions N] [--folder DIR]: the folder must lie on a real disk for the syncs to mean much.
 */
#include "measure.h"

#include "crypto/digest.h"
#include "store/sqlite/internal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, ROUND_MS = 400, BATCH = 1000 };

static uint32_t sessions = 1000000;
static char folder[256], path[320], bare_path[320];
static struct store *store;

static void must(struct cardea_status s, const char *what)
{
    if (cardea_ok(s))
        return;
    (void)fprintf(stderr, "store_bench: %s: %s\n", what, cardea_status_name(s));
    exit(1);
}

static void must_sqlite(sqlite3 *db, bool good)
{
    if (good)
        return;
    (void)fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static double now_s(void)
{
    return measure_now_ns() / 1e9;
}

static int64_t boot_ms(void)
{
    return (int64_t)(now_s() * 1000);
}

static double cpu_s(void)
{
    struct rusage r;
    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* A scrambled 64-bit number: the same sessions in both databases, spread like random ids. */
static uint64_t scramble(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9U;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebU;
    return n ^ (n >> 31);
}

static struct session_id sid_of(uint64_t number)
{
    struct session_id sid;
    uint64_t halves[2] = {scramble(number * 2 + 1), scramble(number * 2 + 2)};
    memcpy(sid.bytes, halves, sizeof sid.bytes);
    return sid;
}

static uint32_t pick(void)
{
    static uint64_t counter;
    return (uint32_t)(scramble(0x5eed + counter++) % sessions);
}

static struct session_record record(uint32_t number)
{
    struct session_record r = {.sid = sid_of(number),
                               .epoch = 1,
                               .kind = SESSION_TOKEN,
                               .remember = true,
                               .created_at_ms = 1700000000000 + number,
                               .authenticated_at_ms = 1700000000000 + number,
                               .last_seen_at_ms = 1700000000000 + number,
                               .expires_at_ms = 1707000000000 + number,
                               .idle_ms = 604800000,
                               .generation = 1,
                               .rotated_at_ms = 1700000000000 + number,
                               .ip = {.bytes = {192, 0, 2, 1}, .version = 4},
                               .app = "spa",
                               .user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"};
    uint64_t user = scramble(number / 10);
    memcpy(r.user.bytes, &user, sizeof user);
    memcpy(r.refresh_digest, r.sid.bytes, sizeof r.sid.bytes);
    memcpy(r.refresh_nonce, r.sid.bytes, sizeof r.sid.bytes);
    return r;
}

/* value against goal, which it must reach; NULL and 0 where there is none. */
static void report(const char *name, double value, const char *unit, const char *against, double rival, double goal)
{
    figure_print(&(struct figure){.name = name,
                                  .value = value,
                                  .unit = unit,
                                  .against = against,
                                  .rival = rival,
                                  .goal = goal,
                                  .goal_is = GOAL_AT_LEAST});
}

static struct store_tx *begin(enum store_mode mode)
{
    struct store_tx *tx = NULL;
    must(store->ops->begin(store, mode, INT64_MAX, &tx), "begin");
    return tx;
}

/* In the order of the ids: an id is random, so a load in any other order measures the disk's seeks, not the engine. */
static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct session_id));
}

struct numbered {
    struct session_id sid;
    uint32_t number;
};

static void fill(void)
{
    struct numbered *order = malloc(sessions * sizeof *order);
    if (order == NULL)
        exit(1);
    for (uint32_t i = 0; i < sessions; i++)
        order[i] = (struct numbered){sid_of(i), i};
    qsort(order, sessions, sizeof *order, by_sid);
    for (uint32_t at = 0; at < sessions;) {
        struct store_tx *tx = begin(STORE_WRITE);
        for (uint32_t i = 0; i < 20000 && at < sessions; i++, at++) {
            struct session_record r = record(order[at].number);
            must(store->ops->session_create(tx, &r), "session_create");
        }
        must(store->ops->commit(tx), "commit");
    }
    free(order);
}

/* One commit of `group` rotations. */
static void rotate_group(unsigned group)
{
    const struct store_ops *ops = store->ops;
    struct store_tx *tx = begin(STORE_WRITE);
    for (unsigned i = 0; i < group; i++) {
        struct session_record r;
        must(ops->mark(tx), "mark");
        must(ops->session_get(tx, sid_of(pick()), &r), "session_get");
        r.generation++;
        memcpy(r.previous_digest, r.refresh_digest, sizeof r.previous_digest);
        r.refresh_digest[0]++;
        r.rotated_at_ms++;
        r.last_seen_at_ms++;
        must(ops->session_rotate(tx, &r, r.generation - 1), "session_rotate");
        must(ops->keep(tx), "keep");
    }
    must(ops->commit(tx), "commit");
}

static sqlite3 *bare;
static sqlite3_stmt *bare_begin, *bare_update, *bare_commit;

static void bare_open(void)
{
    char attach[400];
    must_sqlite(bare,
                sqlite3_open_v2(bare_path, &bare, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                NULL) == SQLITE_OK);
    (void)snprintf(attach, sizeof attach, "ATTACH '%s' AS from_", path);
    must_sqlite(bare, sqlite3_exec(bare, attach, NULL, NULL, NULL) == SQLITE_OK);
    must_sqlite(bare,
                sqlite3_exec(bare,
                             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-2048;"
                             "PRAGMA wal_autocheckpoint=4096;"
                             "CREATE TABLE session (sid BLOB NOT NULL PRIMARY KEY, user_id, epoch, kind, remember,"
                             " created_at_ms, authenticated_at_ms, last_seen_at_ms, expires_at_ms, idle_ms,"
                             " sweep_at_ms, secret_digest, generation, refresh_digest, previous_digest, refresh_nonce,"
                             " rotated_at_ms, app, ip, user_agent) WITHOUT ROWID;"
                             "INSERT INTO session SELECT * FROM from_.session ORDER BY sid; DETACH from_",
                             NULL, NULL, NULL) == SQLITE_OK);
    must_sqlite(bare, sqlite3_prepare_v2(bare, "BEGIN IMMEDIATE", -1, &bare_begin, NULL) == SQLITE_OK);
    must_sqlite(bare, sqlite3_prepare_v2(bare, "COMMIT", -1, &bare_commit, NULL) == SQLITE_OK);
    must_sqlite(bare, sqlite3_prepare_v2(bare,
                                         "UPDATE session SET generation = generation + 1, refresh_digest = ?,"
                                         " previous_digest = ?, refresh_nonce = ?, rotated_at_ms = ?,"
                                         " last_seen_at_ms = ? WHERE sid = ?",
                                         -1, &bare_update, NULL) == SQLITE_OK);
}

static void bare_step(sqlite3_stmt *st)
{
    must_sqlite(bare, sqlite3_step(st) == SQLITE_DONE);
    (void)sqlite3_reset(st);
}

static void bare_group(unsigned group)
{
    uint8_t digest[32] = {1}, nonce[16] = {2};
    bare_step(bare_begin);
    for (unsigned i = 0; i < group; i++) {
        struct session_id sid = sid_of(pick());
        (void)sqlite3_bind_blob(bare_update, 1, digest, sizeof digest, SQLITE_STATIC);
        (void)sqlite3_bind_blob(bare_update, 2, digest, sizeof digest, SQLITE_STATIC);
        (void)sqlite3_bind_blob(bare_update, 3, nonce, sizeof nonce, SQLITE_STATIC);
        (void)sqlite3_bind_int64(bare_update, 4, 1700000000000 + i);
        (void)sqlite3_bind_int64(bare_update, 5, 1700000000000 + i);
        (void)sqlite3_bind_blob(bare_update, 6, sid.bytes, sizeof sid.bytes, SQLITE_STATIC);
        bare_step(bare_update);
    }
    bare_step(bare_commit);
}

/* Rows a second of one round; *ret_cpu_us what a row cost. */
static double rate(void (*run)(unsigned), unsigned group, double *ret_cpu_us)
{
    double begin_s = now_s(), begin_cpu = cpu_s(), spent;
    uint64_t rows = 0;
    do {
        run(group);
        rows += group;
        spent = now_s() - begin_s;
    } while (spent * 1000 < ROUND_MS);
    *ret_cpu_us = (cpu_s() - begin_cpu) * 1e6 / (double)rows;
    return (double)rows / spent;
}

static void rotations(unsigned group, double goal)
{
    double ours[ROUNDS], theirs[ROUNDS], our_cpu[ROUNDS], their_cpu[ROUNDS];
    char name[80];
    for (unsigned i = 0; i < ROUNDS; i++) {
        ours[i] = rate(rotate_group, group, &our_cpu[i]);
        theirs[i] = rate(bare_group, group, &their_cpu[i]);
    }
    (void)snprintf(name, sizeof name, "durable rotations, %u a commit", group);
    report(name, measure_median(ours, ROUNDS), "1/s", "bare UPDATE", measure_median(theirs, ROUNDS), goal);
    (void)snprintf(name, sizeof name, "durable rotations, %u a commit, CPU", group);
    report(name, measure_median(our_cpu, ROUNDS), "us/rotation", "bare UPDATE", measure_median(their_cpu, ROUNDS), 0);
}

static double scan_rate(void)
{
    struct session_record *out = malloc(BATCH * sizeof *out);
    struct session_id after = {{0}};
    uint32_t count = 0;
    uint64_t rows = 0;
    if (out == NULL)
        exit(1);
    double begin_s = now_s();
    struct store_tx *tx = begin(STORE_READ);
    do {
        must(store->ops->session_scan(tx, after, out, BATCH, &count), "session_scan");
        if (count > 0)
            after = out[count - 1].sid;
        rows += count;
    } while (count == BATCH);
    store->ops->abort(tx);
    double spent = now_s() - begin_s;
    free(out);
    return (double)rows / spent;
}

static void create_group(unsigned group)
{
    static uint32_t next = UINT32_MAX / 2;
    struct store_tx *tx = begin(STORE_WRITE);
    for (unsigned i = 0; i < group; i++) {
        struct session_record r = record(next++);
        struct event e = {.at_ms = r.created_at_ms,
                          .type = "login",
                          .actor = "system",
                          .sid = r.sid,
                          .subject = r.user,
                          .detail = "{}",
                          .revocation = {.kind = REVOCATION_NONE}};
        must(store->ops->mark(tx), "mark");
        must(store->ops->session_create(tx, &r), "session_create");
        must(store->ops->event_append(tx, &e), "event_append");
        must(store->ops->keep(tx), "keep");
    }
    must(store->ops->commit(tx), "commit");
}

static void touch_group(unsigned group)
{
    static int64_t seen = 1800000000000;
    struct session_id sids[BATCH];
    int64_t seen_ms[BATCH];
    for (unsigned i = 0; i < group; i++) {
        sids[i] = sid_of(pick());
        seen_ms[i] = seen++;
    }
    struct store_tx *tx = begin(STORE_WRITE);
    must(store->ops->session_touch(tx, sids, seen_ms, group), "session_touch");
    must(store->ops->commit(tx), "commit");
}

static void alone(const char *name, void (*run)(unsigned), unsigned group)
{
    double rates[ROUNDS], cpu;
    for (unsigned i = 0; i < ROUNDS; i++)
        rates[i] = rate(run, group, &cpu);
    report(name, measure_median(rates, ROUNDS), "1/s", NULL, 0, 0);
}

static void clean_up(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[336];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)unlink(name);
        (void)snprintf(name, sizeof name, "%s%s", bare_path, ends[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

static void arguments(int count, char **values)
{
    const char *base = "/var/tmp"; /* /tmp may lie in memory */
    measure_arguments(count, values);
    for (int i = 1; i < count; i++) {
        if (strcmp(values[i], "--json") == 0)
            continue;
        if (strcmp(values[i], "--sessions") == 0 && i + 1 < count)
            sessions = (uint32_t)strtoul(values[++i], NULL, 10);
        else if (strcmp(values[i], "--folder") == 0 && i + 1 < count)
            base = values[++i];
        else
            sessions = 0;
    }
    if (sessions == 0 || strlen(base) > 200) {
        (void)fprintf(stderr, "usage: store_bench [--json] [--sessions N] [--folder DIR]\n");
        exit(2);
    }
    (void)snprintf(folder, sizeof folder, "%s/cardea-store-bench-XXXXXX", base);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        exit(1);
    }
    (void)snprintf(path, sizeof path, "%s/ours.db", folder);
    (void)snprintf(bare_path, sizeof bare_path, "%s/bare.db", folder);
    (void)atexit(clean_up);
}

int main(int count, char **values)
{
    char message[512];
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
    arguments(count, values);
    must(store_sqlite_open(path, boot_ms, digest_sha256, &store, message, sizeof message), "open");
    double begin_s = now_s();
    fill();
    report("sessions loaded, 20000 a commit", sessions / (now_s() - begin_s), "1/s", NULL, 0, 0);
    bare_open();
    rotations(1, 0);
    rotations(8, 0);
    rotations(64, 8000);
    double rates[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++)
        rates[i] = scan_rate();
    report("sessions read for the table", measure_median(rates, ROUNDS), "rows/s", NULL, 0, 500000);
    alone("logins kept, 64 a commit", create_group, 64);
    alone("sessions touched, 1000 a commit", touch_group, BATCH);
    (void)sqlite3_finalize(bare_begin);
    (void)sqlite3_finalize(bare_update);
    (void)sqlite3_finalize(bare_commit);
    (void)sqlite3_close(bare);
    store->ops->close(store);
    return 0;
}
