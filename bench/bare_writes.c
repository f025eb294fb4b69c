/* bare_writes: what an engine alone makes of the write that a refresh is, in groups as the committer makes them, with
 * nothing of Cardea around it.
 *
 *     bare_writes sqlite FILE GROUP SECONDS    the UPDATE, GROUP in a transaction, on the sessions of a copied database
 *     bare_writes redis SOCKET GROUP SECONDS   the script, GROUP pipelined, on 10,000 keys of its own
 *
 * Prints "writes seconds cpu_us", the last of this process for one write. PostgreSQL is pgbench's to measure.
 */
#include <hiredis/hiredis.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/redis/pool.h"
#include "store/session_bytes.h"

enum { KEYS = 10000 };

static uint8_t (*sids)[16];
static size_t count;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bare_writes: %s\n", what);
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t pick(void)
{
    static uint64_t x = 0x9e3779b97f4a7c15;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (size_t)(x % count);
}

/* --- SQLite --- */

static sqlite3 *db;
static sqlite3_stmt *begin, *update, *commit;

static sqlite3_stmt *prepared(const char *sql)
{
    sqlite3_stmt *st = NULL;
    must(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    return st;
}

static void sqlite_start(const char *path)
{
    must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK, path);
    must(sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4096", NULL,
                      NULL, NULL) == SQLITE_OK,
         sqlite3_errmsg(db));
    sqlite3_stmt *all = prepared("SELECT sid FROM session WHERE generation > 0");
    for (size_t room = 0; sqlite3_step(all) == SQLITE_ROW; count++) {
        if (count == room) {
            room = room == 0 ? 4096 : room * 2;
            sids = realloc(sids, room * sizeof *sids);
            must(sids != NULL, "memory");
        }
        memcpy(sids[count], sqlite3_column_blob(all, 0), sizeof sids[count]);
    }
    (void)sqlite3_finalize(all);
    must(count > 0, "no session");
    begin = prepared("BEGIN IMMEDIATE");
    update = prepared("UPDATE session SET generation = generation + 1, refresh_digest = ?, previous_digest = ?,"
                      " refresh_nonce = ?, rotated_at_ms = ?, last_seen_at_ms = ? WHERE sid = ?");
    commit = prepared("COMMIT");
}

static void step(sqlite3_stmt *st)
{
    must(sqlite3_step(st) == SQLITE_DONE, sqlite3_errmsg(db));
    (void)sqlite3_reset(st);
}

static void sqlite_group(int group)
{
    static int64_t now_ms = 1800000000000;
    uint8_t digest[32] = {1}, nonce[16] = {2};
    step(begin);
    for (int i = 0; i < group; i++) {
        (void)sqlite3_bind_blob(update, 1, digest, sizeof digest, SQLITE_STATIC);
        (void)sqlite3_bind_blob(update, 2, digest, sizeof digest, SQLITE_STATIC);
        (void)sqlite3_bind_blob(update, 3, nonce, sizeof nonce, SQLITE_STATIC);
        (void)sqlite3_bind_int64(update, 4, ++now_ms);
        (void)sqlite3_bind_int64(update, 5, now_ms);
        (void)sqlite3_bind_blob(update, 6, sids[pick()], sizeof *sids, SQLITE_STATIC);
        step(update);
    }
    step(commit);
}

/* --- Redis --- */

static redisContext *redis;
static char sha[41];
static unsigned generations[KEYS];

static void answer(int type)
{
    redisReply *r = NULL;
    must(redisGetReply(redis, (void **)&r) == REDIS_OK && r != NULL, "Redis is away");
    must(r->type == type, r->str != NULL ? r->str : "an answer");
    if (type == REDIS_REPLY_STRING)
        (void)snprintf(sha, sizeof sha, "%s", r->str);
    else if (type == REDIS_REPLY_INTEGER)
        must(r->integer >= 1, "a script that did nothing");
    freeReplyObject(r);
}

static void redis_start(const char *path)
{
    redis = redisConnectUnix(path);
    must(redis != NULL && redis->err == 0, path);
    (void)redisAppendCommand(redis, "SCRIPT LOAD %s", script_texts[SCRIPT_ROTATE]);
    answer(REDIS_REPLY_STRING);
    char kept[150];
    memset(kept, 'k', sizeof kept);
    for (int i = 0; i < KEYS; i++) {
        (void)redisAppendCommand(redis, "DEL bare:s:%d", i); /* what an earlier run left */
        (void)redisAppendCommand(redis,
                                 "HSET bare:s:%d k %b g 0 f %b s 1700000000000 i 604800000 x 4000000000000 u nobody", i,
                                 kept, sizeof kept, kept, (size_t)REFRESH_BYTES);
    }
    for (int i = 0; i < KEYS; i++) {
        redisReply *r = NULL;
        must(redisGetReply(redis, (void **)&r) == REDIS_OK, "Redis is away");
        freeReplyObject(r);
        answer(REDIS_REPLY_INTEGER);
    }
    count = KEYS;
}

static void redis_group(int group)
{
    char refresh[REFRESH_BYTES];
    memset(refresh, 'f', sizeof refresh);
    for (int i = 0; i < group; i++) {
        size_t at = pick();
        unsigned generation = generations[at]++;
        (void)redisAppendCommand(redis, "EVALSHA %s 1 bare:s:%d %u %u %b 1700000000001 1700000000001", sha, (int)at,
                                 generation, generation + 1, refresh, sizeof refresh);
    }
    for (int i = 0; i < group; i++)
        answer(REDIS_REPLY_INTEGER);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    bool is_redis = strcmp(argv[1], "redis") == 0;
    int group = atoi(argv[3]);
    must(group > 0, "a group has members");
    if (is_redis)
        redis_start(argv[2]);
    else
        sqlite_start(argv[2]);
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), spent;
    long writes = 0;
    do {
        if (is_redis)
            redis_group(group);
        else
            sqlite_group(group);
        writes += group;
        spent = seconds_of(CLOCK_MONOTONIC) - began;
    } while (spent < strtod(argv[4], NULL));
    (void)printf("%ld %.4f %.2f\n", writes, spent, (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)writes);
    return 0;
}
