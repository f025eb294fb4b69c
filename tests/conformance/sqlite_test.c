/* The conformance suite on SQLite, and what SQLite alone promises: nothing acknowledged is lost, whatever the disk, the
 * process or the file go through. */
#include "store_conformance.h"
#include "vfs_shim.h"

#include "store/sqlite/internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[128], path[160], log_path[168], index_path[168], message[512];

static struct cardea_status try_open(struct store **out)
{
    message[0] = '\0';
    return store_sqlite_open(path, conformance_boot_ms, conformance_digest, out, message, sizeof message);
}

static struct store *open_store(void)
{
    struct store *s = NULL;
    struct cardea_status status = try_open(&s);
    if (!cardea_ok(status))
        print_error("%s\n", message);
    assert_ok(status);
    return s;
}

static void wipe(void)
{
    vfs_shim_calm();
    (void)unlink(path);
    (void)unlink(log_path);
    (void)unlink(index_path);
}

static const struct engine_under_test sqlite = {
    .name = "sqlite", .accounts = true, .sessions = true, .durable = true, .open = open_store, .wipe = wipe};

static int each(void **state)
{
    (void)state;
    wipe();
    return 0;
}

/* One user in a transaction of its own; the answer of the first call that failed. */
static struct cardea_status put(struct store *s, unsigned number)
{
    struct user_record u = sample_user(number);
    struct store_tx *tx = open_write(s);
    struct cardea_status put = s->ops->user_put(tx, &u), end = s->ops->commit(tx);
    return cardea_ok(put) ? end : put;
}

static bool has(struct store *s, unsigned number)
{
    struct user_record u;
    struct store_tx *tx = open_read(s);
    struct cardea_status status = s->ops->user_get(tx, sample_user(number).id, &u);
    s->ops->abort(tx);
    if (status.code != CARDEA_E_NOT_FOUND)
        assert_ok(status);
    return cardea_ok(status);
}

/* SQL past the engine, as another program would. */
static void elsewhere(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int same_text(void *wanted, int columns, char **values, char **names)
{
    (void)names;
    return columns == 1 && values[0] != NULL && strcmp(values[0], wanted) == 0 ? 0 : 1;
}

static void whole(void)
{
    sqlite3 *db;
    static char ok[] = "ok";
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA integrity_check", same_text, ok, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void every_commit_is_synced_before_its_answer(void **state)
{
    (void)state;
    struct store *s = open_store();
    for (unsigned i = 1; i <= 20; i++) {
        unsigned before = shim.log_syncs;
        assert_ok(put(s, i));
        assert_false(shim.log_unsynced);
        assert_true(shim.log_syncs > before);
    }
    s->ops->close(s);
    assert_false(shim.file_unsynced);
}

static void a_group_is_synced_once(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_ok(put(s, 1000)); /* the log exists and has its header */
    unsigned before = shim.log_syncs;
    struct store_tx *tx = open_write(s);
    for (unsigned i = 1; i <= 64; i++) {
        struct user_record u = sample_user(i);
        struct event e = sample_event(i);
        assert_ok(s->ops->mark(tx));
        assert_ok(s->ops->user_put(tx, &u));
        assert_ok(s->ops->event_append(tx, &e));
        assert_ok(s->ops->keep(tx));
    }
    assert_int_equal(shim.log_syncs, before);
    commit(s, tx);
    assert_int_equal(shim.log_syncs, before + 1);
    assert_false(shim.log_unsynced);
    s->ops->close(s);
}

/* A checkpoint moves the log into the file: the log must be synced before, and the file before the log is used anew. */
static void checkpoints_lose_nothing(void **state)
{
    (void)state;
    enum { USERS = 1500 };
    struct store *s = open_store();
    unsigned before = shim.file_syncs;
    for (unsigned round = 0; round < 6; round++) {
        struct store_tx *tx = open_write(s);
        for (unsigned i = 1; i <= USERS; i++) {
            struct user_record u = sample_user(i);
            u.epoch = round + 1;
            memset(u.metadata, 'x', 2000);
            assert_ok(s->ops->user_put(tx, &u));
        }
        commit(s, tx);
        assert_false(shim.log_unsynced);
    }
    assert_true(shim.file_syncs > before);
    struct stat log;
    assert_int_equal(stat(log_path, &log), 0);
    assert_true(log.st_size < 4 * CHECKPOINT_PAGES * 4096); /* used anew, not grown for ever */
    s->ops->close(s);
    s = open_store();
    struct store_tx *tx = open_read(s);
    for (unsigned i = 1; i <= USERS; i++) {
        struct user_record u;
        assert_ok(s->ops->user_get(tx, sample_user(i).id, &u));
        assert_int_equal(u.epoch, 6);
    }
    s->ops->abort(tx);
    s->ops->close(s);
    whole();
}

/* The child: commit user after user, a journal row with each, and tell each number once commit has answered. */
static _Noreturn void write_until_killed(int tell)
{
    struct store *s = NULL;
    if (!cardea_ok(try_open(&s)))
        _exit(1);
    for (unsigned i = 1;; i++) {
        struct user_record u = sample_user(i);
        struct event e = sample_event(i);
        struct store_tx *tx = NULL;
        if (!cardea_ok(s->ops->begin(s, STORE_WRITE, INT64_MAX, &tx)) || !cardea_ok(s->ops->user_put(tx, &u)) ||
            !cardea_ok(s->ops->event_append(tx, &e)) || !cardea_ok(s->ops->commit(tx)))
            _exit(2);
        if (write(tell, &i, sizeof i) != sizeof i)
            _exit(3);
    }
}

/* Start the child, kill it after some acknowledged commits; returns the last one it told of. */
static unsigned kill_a_writer(unsigned after)
{
    int ends[2];
    unsigned number = 0, last = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        write_until_killed(ends[1]);
    }
    (void)close(ends[1]);
    while (last < after && read(ends[0], &number, sizeof number) == sizeof number)
        last = number;
    assert_int_equal(kill(child, SIGKILL), 0);
    int end = 0;
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFSIGNALED(end)); /* it did not fail by itself */
    while (read(ends[0], &number, sizeof number) == sizeof number)
        last = number;
    (void)close(ends[0]);
    return last;
}

static void kill_9_keeps_what_was_acknowledged(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        wipe();
        unsigned last = kill_a_writer(20 + round * 37);
        struct store *s = open_store();
        for (unsigned i = 1; i <= last; i++)
            assert_true(has(s, i));
        assert_false(has(s, last + 2)); /* the one in flight may be there or not, none after it */
        struct journal_head head = {0};
        struct store_tx *tx = open_read(s);
        assert_ok(journal_verify(s->ops, tx, conformance_digest, &head));
        s->ops->abort(tx);
        assert_int_equal(head.n, has(s, last + 1) ? last + 1 : last); /* change and event are one */
        s->ops->close(s);
        whole();
    }
}

/* Power lost in the middle of an append: the end of the log is missing or wrong. Whole commits before it stay. */
static void a_torn_log_keeps_whole_commits(void **state)
{
    (void)state;
    for (unsigned cut = 1; cut < 3 * 4120; cut += 997) {
        wipe();
        unsigned last = kill_a_writer(10);
        struct stat log;
        assert_int_equal(stat(log_path, &log), 0);
        assert_int_equal(truncate(log_path, log.st_size - cut), 0);
        struct store *s = open_store();
        unsigned present = 0;
        while (has(s, present + 1))
            present++;
        assert_false(has(s, present + 2));
        assert_true(present + 4 >= last);
        struct journal_head head = {0};
        struct store_tx *tx = open_read(s);
        assert_ok(journal_verify(s->ops, tx, conformance_digest, &head));
        s->ops->abort(tx);
        assert_int_equal(head.n, present);
        s->ops->close(s);
        whole();
    }
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    struct store *s = open_store();
    unsigned number = 0;
    for (int64_t room = 0; room < 40000; room += 1777) {
        unsigned acknowledged = number;
        shim.limit_room = true;
        shim.room = room;
        struct cardea_status answer;
        do
            answer = put(s, ++number);
        while (cardea_ok(answer));
        assert_int_equal(answer.code, CARDEA_E_IO); /* certain: nothing of it is there */
        assert_false(has(s, number));
        vfs_shim_calm();
        assert_false(has(s, number));
        assert_ok(put(s, number));
        for (unsigned i = acknowledged + 1; i <= number; i++)
            assert_true(has(s, i));
    }
    s->ops->close(s);
    s = open_store();
    for (unsigned i = 1; i <= number; i++)
        assert_true(has(s, i));
    s->ops->close(s);
    whole();
}

/* More than the cache holds goes to the log before the commit: the disk can be full in the middle of an operation. */
static void a_full_disk_breaks_the_transaction(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_ok(put(s, 1));
    shim.limit_room = true;
    shim.room = 100000;
    struct store_tx *tx = open_write(s);
    struct cardea_status answer = CARDEA_SUCCESS;
    struct user_record u;
    for (unsigned i = 2; cardea_ok(answer) && i < 5000; i++) {
        u = sample_user(i);
        memset(u.metadata, 'x', METADATA_MAX);
        answer = s->ops->mark(tx);
        if (cardea_ok(answer))
            answer = s->ops->user_put(tx, &u);
        if (cardea_ok(answer))
            answer = s->ops->keep(tx);
    }
    assert_int_equal(answer.code, CARDEA_E_IO);
    vfs_shim_calm(); /* room again: too late for this transaction */
    assert_code(s->ops->user_get(tx, sample_user(1).id, &u), E_IO);
    assert_code(s->ops->undo(tx), E_IO);
    struct event e = sample_event(1);
    assert_code(s->ops->event_append(tx, &e), E_IO);
    assert_code(s->ops->commit(tx), E_IO);
    assert_true(has(s, 1));
    assert_false(has(s, 2));
    assert_ok(put(s, 2));
    s->ops->close(s);
    whole();
}

static void a_failed_sync_leaves_the_outcome_open(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_ok(put(s, 1));
    shim.fail_sync = true;
    assert_code(put(s, 2), E_UNAVAILABLE);
    vfs_shim_calm();
    shim.fail_write = true;
    assert_code(put(s, 3), E_UNAVAILABLE);
    vfs_shim_calm();
    assert_true(has(s, 1));
    assert_ok(put(s, 4)); /* and the store goes on */
    assert_true(has(s, 4));
    s->ops->close(s);
    whole();
}

static void a_failed_read_is_io(void **state)
{
    (void)state;
    struct store *s = open_store();
    for (unsigned i = 1; i <= 50; i++)
        assert_ok(put(s, i));
    s->ops->close(s);
    s = open_store();
    struct user_record u;
    struct store_tx *tx = open_write(s); /* its own root page is read; the rest is not cached */
    shim.fail_read = true;
    assert_code(s->ops->user_get(tx, sample_user(1).id, &u), E_IO);
    vfs_shim_calm();
    assert_code(s->ops->commit(tx), E_IO);
    assert_true(has(s, 1));
    s->ops->close(s);
}

static void a_read_only_file_is_refused(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_ok(put(s, 1));
    s->ops->close(s);
    s = NULL;
    shim.read_only = true;
    assert_code(try_open(&s), E_IO);
    assert_null(s);
    assert_non_null(strstr(message, path));
    assert_non_null(strstr(message, "read-only"));
    vfs_shim_calm();
    s = open_store();
    assert_true(has(s, 1));
    s->ops->close(s);
}

static void a_missing_folder_is_said(void **state)
{
    (void)state;
    struct store *s = NULL;
    assert_code(store_sqlite_open("/nonexistent/cardea.db", conformance_boot_ms, conformance_digest, &s, message,
                                  sizeof message),
                E_IO);
    assert_non_null(strstr(message, "/nonexistent/cardea.db: "));
}

static void damage(off_t at, size_t len)
{
    char garbage[4096];
    memset(garbage, 0xa5, sizeof garbage);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, garbage, len, at), (ssize_t)len);
    (void)close(fd);
}

static void what_is_no_database_is_left_alone(void **state)
{
    (void)state;
    struct store *s = NULL;
    damage(0, 4096);
    assert_code(try_open(&s), E_CORRUPT);
    assert_null(s);
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, 4096);
    wipe();
    elsewhere("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");
    assert_code(try_open(&s), E_CORRUPT);
    assert_non_null(strstr(message, "not one of Cardea's"));
    elsewhere("PRAGMA application_id = 77");
    assert_code(try_open(&s), E_CORRUPT);
    elsewhere("SELECT x FROM mine");
    wipe();
    assert_int_equal(mkdir(path, 0700), 0);
    assert_code(try_open(&s), E_IO);
    assert_int_equal(rmdir(path), 0);
}

/* Whatever page is damaged: every answer is right or E_CORRUPT, and nothing crashes. */
static void a_damaged_page_is_corrupt(void **state)
{
    (void)state;
    enum { USERS = 300, PAGES = 40 };
    unsigned refused = 0;
    for (off_t page = 0; page < PAGES; page += 3) {
        wipe();
        struct store *s = open_store();
        struct store_tx *tx = open_write(s);
        for (unsigned i = 1; i <= USERS; i++) {
            struct user_record u = sample_user(i);
            struct session_record r = sample_session(i, u.id);
            assert_ok(s->ops->user_put(tx, &u));
            assert_ok(s->ops->session_create(tx, &r));
        }
        commit(s, tx);
        s->ops->close(s);
        s = NULL;
        damage(page * 4096 + (page == 0 ? 16 : 0), 2000);
        struct cardea_status answer = try_open(&s);
        if (!cardea_ok(answer)) {
            assert_int_equal(answer.code, CARDEA_E_CORRUPT);
            refused++;
            continue;
        }
        bool corrupt = false;
        for (unsigned i = 1; i <= USERS; i++) {
            struct user_record u, wanted = sample_user(i);
            struct session_record r;
            tx = open_write(s);
            answer = s->ops->user_find(tx, view_text(wanted.username), &u);
            if (cardea_ok(answer))
                assert_int_equal(u.epoch, wanted.epoch);
            corrupt = corrupt || answer.code == CARDEA_E_CORRUPT;
            assert_true(cardea_ok(answer) || answer.code == CARDEA_E_CORRUPT);
            answer = s->ops->session_get(tx, sample_session(i, wanted.id).sid, &r);
            corrupt = corrupt || answer.code == CARDEA_E_CORRUPT;
            assert_true(cardea_ok(answer) || answer.code == CARDEA_E_CORRUPT);
            s->ops->abort(tx);
        }
        refused += corrupt;
        s->ops->close(s);
    }
    assert_true(refused >= 5);
}

static void half_a_file_is_corrupt(void **state)
{
    (void)state;
    struct store *s = open_store();
    for (unsigned i = 1; i <= 200; i++)
        assert_ok(put(s, i));
    s->ops->close(s);
    s = NULL;
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(truncate(path, file.st_size / 2 / 4096 * 4096), 0);
    struct cardea_status answer = try_open(&s);
    if (cardea_ok(answer)) {
        answer = put(s, 1000);
        s->ops->close(s);
    }
    assert_int_equal(answer.code, CARDEA_E_CORRUPT);
}

/* A record that no engine wrote is refused alone: the others, and the transaction, are sound. */
static void a_malformed_record_breaks_nothing_else(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE user SET status = 9 WHERE username = 'user00001'",
        "UPDATE user SET epoch = 0 WHERE username = 'user00001'",
        "UPDATE user SET username = printf('%0100d', 7) WHERE username = 'user00001'",
        "UPDATE user SET email_verified = 2 WHERE username = 'user00001'",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        wipe();
        struct store *s = open_store();
        assert_ok(put(s, 1));
        assert_ok(put(s, 2));
        elsewhere(changes[i]);
        struct user_record u = {.epoch = 77};
        struct store_tx *tx = open_write(s);
        assert_ok(s->ops->mark(tx));
        assert_code(s->ops->user_get(tx, sample_user(1).id, &u), E_CORRUPT);
        assert_int_equal(u.epoch, 77);
        assert_ok(s->ops->undo(tx));
        assert_ok(s->ops->user_get(tx, sample_user(2).id, &u));
        commit(s, tx);
        s->ops->close(s);
    }
    wipe();
    struct store *s = open_store();
    struct session_record r = sample_session(1, sample_user(1).id), got;
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->session_create(tx, &r));
    commit(s, tx);
    elsewhere("UPDATE session SET refresh_digest = x'00'");
    tx = open_write(s);
    assert_code(s->ops->session_get(tx, r.sid, &got), E_CORRUPT);
    commit(s, tx);
    s->ops->close(s);
}

static void a_changed_journal_does_not_verify(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE journal SET detail = '{}' WHERE n = 3",
        "UPDATE journal SET hash = previous_hash WHERE n = 3",
        "DELETE FROM journal WHERE n = 3",
        "UPDATE journal SET n = 100 WHERE n = 3",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        wipe();
        struct store *s = open_store();
        struct store_tx *tx = open_write(s);
        for (unsigned n = 1; n <= 5; n++) {
            struct event e = sample_event(n);
            assert_ok(s->ops->event_append(tx, &e));
        }
        commit(s, tx);
        elsewhere(changes[i]);
        struct journal_head head = {0};
        tx = open_read(s);
        assert_code(journal_verify(s->ops, tx, conformance_digest, &head), E_CORRUPT);
        assert_int_equal(head.n, 2);
        s->ops->abort(tx);
        s->ops->close(s);
    }
}

static void another_process_is_waited_for_no_longer_than_allowed(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_ok(put(s, 1));
    sqlite3 *other;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct store_tx *tx = NULL;
    assert_code(s->ops->begin(s, STORE_WRITE, conformance_boot_ms() + 30, &tx), E_UNAVAILABLE);
    assert_null(tx);
    assert_true(has(s, 1)); /* reading goes on */
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(put(s, 2));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    s->ops->close(s);
}

/* A clock that moves by looking at it: only an operation that looks while it runs can be late on it. */
static int64_t looks;

static int64_t ticking_ms(void)
{
    return looks++;
}

static void a_long_question_ends_at_its_deadline(void **state)
{
    (void)state;
    enum { SESSIONS = 5000 };
    struct store *s = NULL;
    assert_ok(store_sqlite_open(path, ticking_ms, conformance_digest, &s, message, sizeof message));
    struct store_tx *tx = NULL;
    assert_ok(s->ops->begin(s, STORE_WRITE, INT64_MAX, &tx));
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session_record r = sample_session(i, sample_user(1).id);
        assert_ok(s->ops->session_create(tx, &r));
    }
    commit(s, tx);
    struct session_record *out = calloc(SESSIONS, sizeof *out);
    assert_non_null(out);
    uint32_t count = 7;
    assert_ok(s->ops->begin(s, STORE_READ, ticking_ms() + 5, &tx));
    assert_code(s->ops->session_scan(tx, (struct session_id){{0}}, out, SESSIONS, &count), E_UNAVAILABLE);
    assert_int_equal(count, 7);
    s->ops->abort(tx);
    assert_ok(s->ops->begin(s, STORE_READ, ticking_ms() + 1000, &tx));
    assert_ok(s->ops->session_scan(tx, (struct session_id){{0}}, out, SESSIONS, &count));
    assert_int_equal(count, SESSIONS);
    s->ops->abort(tx);
    free(out);
    s->ops->close(s);
}

static void the_files_are_for_their_owner_only(void **state)
{
    (void)state;
    mode_t before = umask(0);
    struct store *s = open_store();
    assert_ok(put(s, 1));
    const char *const files[] = {path, log_path, index_path};
    for (size_t i = 0; i < 3; i++) {
        struct stat file;
        assert_int_equal(stat(files[i], &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
    }
    s->ops->close(s);
    (void)umask(before);
}

static void a_newer_schema_is_refused(void **state)
{
    (void)state;
    struct store *s = open_store();
    s->ops->close(s);
    s = NULL;
    elsewhere("PRAGMA user_version = 4711");
    assert_code(try_open(&s), E_CORRUPT);
    assert_null(s);
    assert_non_null(strstr(message, "4711"));
    assert_non_null(strstr(message, "newer program"));
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    return n;
}

static void migration_goes_step_by_step(void **state)
{
    (void)state;
    static const struct schema_step broken[] = {
        {"CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1), (2)"},
        {"ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7"},
        {"CREATE TABLE b (x INTEGER) STRICT; UPDATE a SET y = 8; INSERT INTO nowhere VALUES (1)"},
        {"CREATE TABLE c (x INTEGER) STRICT"},
    };
    static const struct schema_step mended[] = {
        {"SELECT 1/0 FROM never_run"},
        {"SELECT 1/0 FROM never_run"},
        {"CREATE TABLE b (x INTEGER) STRICT; UPDATE a SET y = 9"},
        {"CREATE TABLE c (x INTEGER) STRICT"},
    };
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_ok(schema_migrate(db, broken, 1, message, sizeof message));
    assert_int_equal(number_of(db, "PRAGMA user_version"), 1);
    assert_int_equal(number_of(db, "PRAGMA application_id"), SQLITE_APPLICATION_ID);
    assert_ok(schema_migrate(db, broken, 1, message, sizeof message)); /* nothing to do */
    /* The third fails: the second is kept, the third is not half there. */
    assert_code(schema_migrate(db, broken, 4, message, sizeof message), E_INTERNAL);
    assert_non_null(strstr(message, "nowhere"));
    assert_int_equal(number_of(db, "PRAGMA user_version"), 2);
    assert_int_equal(number_of(db, "SELECT sum(y) FROM a"), 14);
    assert_int_equal(number_of(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
    assert_ok(schema_migrate(db, mended, 4, message, sizeof message));
    assert_int_equal(number_of(db, "PRAGMA user_version"), 4);
    assert_int_equal(number_of(db, "SELECT sum(y) FROM a"), 18);
    assert_code(schema_migrate(db, broken, 3, message, sizeof message), E_CORRUPT); /* an older program */
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A database of the version before the registry is brought up, with what is in it. */
static void the_registry_is_added_to_an_older_database(void **state)
{
    (void)state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_ok(schema_migrate(db, schema_steps, 3, message, sizeof message));
    assert_int_equal(sqlite3_exec(db, "INSERT INTO value VALUES ('kept', 7)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    struct store *s = open_store();
    struct verifier_record v = {.id = {1}, .kind = VERIFIER_REMOTE, .n = 3}, got;
    uint32_t count = 0;
    int64_t value = 0;
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->value_get(tx, "kept", &value));
    assert_int_equal(value, 7);
    assert_ok(s->ops->verifier_put(tx, &v));
    assert_ok(s->ops->verifier_list(tx, &got, 1, &count));
    assert_int_equal(count, 1);
    assert_int_equal(got.n, 3);
    commit(s, tx);
    s->ops->close(s);
}

static void *open_and_close(void *context)
{
    struct store *s = NULL;
    char reason[256];
    struct cardea_status *answer = context;
    *answer = store_sqlite_open(path, conformance_boot_ms, conformance_digest, &s, reason, sizeof reason);
    if (cardea_ok(*answer))
        s->ops->close(s);
    return NULL;
}

static void several_may_make_the_same_database(void **state)
{
    (void)state;
    enum { RIVALS = 4 };
    for (unsigned round = 0; round < 5; round++) {
        pthread_t threads[RIVALS];
        struct cardea_status answers[RIVALS];
        wipe();
        for (unsigned i = 0; i < RIVALS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, &answers[i]), 0);
        for (unsigned i = 0; i < RIVALS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (unsigned i = 0; i < RIVALS; i++)
            assert_ok(answers[i]);
        whole();
    }
}

/* Run every operation once, so that every statement is prepared. */
static void run_everything(struct store *s, struct store_tx *tx)
{
    struct user_record u = sample_user(1);
    struct session_record r = sample_session(1, u.id);
    struct api_key_record k = {.user = u.id}, k_out;
    static struct key_record key, keys[1];
    struct event e = sample_event(1), events[1];
    struct page page = {.limit = 1};
    struct user_filter all = {0};
    struct cursor next;
    int64_t value;
    uint32_t count;
    key.use = KEY_USE_CSRF;
    key.state = KEY_ACTIVE;
    (void)!cardea_ok(s->ops->user_find(tx, VIEW("x"), &u));
    (void)!cardea_ok(s->ops->user_find_email(tx, VIEW("x"), &u));
    u = sample_user(1);
    assert_ok(s->ops->user_put(tx, &u));
    struct user_record rival = sample_user(2);
    memcpy(rival.username, u.username, sizeof rival.username);
    assert_code(s->ops->user_put(tx, &rival), E_USERNAME_TAKEN);
    assert_ok(s->ops->user_get(tx, u.id, &u));
    assert_ok(s->ops->user_list(tx, &all, &page, &u, &count, &next));
    assert_ok(s->ops->api_key_put(tx, &k));
    assert_ok(s->ops->api_key_get(tx, k.id, &k_out));
    assert_ok(s->ops->api_key_list(tx, NULL, &page, &k_out, &count, &next));
    assert_ok(s->ops->api_key_list(tx, &u.id, &page, &k_out, &count, &next));
    assert_ok(s->ops->api_key_delete(tx, k.id));
    assert_ok(s->ops->key_put(tx, &key));
    assert_ok(s->ops->key_list(tx, keys, 1, &count));
    assert_ok(s->ops->key_delete(tx, key.id));
    assert_ok(s->ops->event_append(tx, &e));
    assert_ok(s->ops->event_list(tx, 0, false, events, 1, &count));
    assert_ok(s->ops->event_list(tx, 0, true, events, 1, &count));
    assert_ok(s->ops->revocation_list(tx, 0, 0, events, 1, &count));
    assert_code(s->ops->revocation_find(tx, REVOCATION_TOKEN, (uint8_t[32]){1}), E_NOT_FOUND);
    assert_ok(s->ops->value_put(tx, "x", 1));
    assert_ok(s->ops->value_raise(tx, "x", 2));
    assert_ok(s->ops->value_get(tx, "x", &value));
    struct verifier_record v = {.kind = VERIFIER_NODE};
    assert_ok(s->ops->verifier_put(tx, &v));
    assert_ok(s->ops->verifier_list(tx, &v, 1, &count));
    assert_ok(s->ops->verifier_delete(tx, v.id));
    assert_ok(s->ops->session_create(tx, &r));
    assert_ok(s->ops->session_get(tx, r.sid, &r));
    int64_t seen_ms = r.last_seen_at_ms + 1000, idle_end_ms = r.last_seen_at_ms + r.idle_ms + SWEEP_IDLE_SLACK_MS;
    assert_ok(s->ops->session_touch(tx, &r.sid, &seen_ms, 1));
    assert_code(s->ops->session_rotate(tx, &r, 99), E_CONFLICT);
    assert_ok(s->ops->session_list(tx, NULL, 0, &page, &r, &count, &next));
    assert_ok(s->ops->session_list(tx, &u.id, 0, &page, &r, &count, &next));
    assert_ok(s->ops->session_scan(tx, (struct session_id){{0}}, &r, 1, &count));
    assert_ok(s->ops->session_delete_below(tx, u.id, 1, 1, &count));
    struct counter_step steps[] = {{.add = 1, .window_ms = 1, .stop_above = 9}, {.add = -1, .window_ms = 1}};
    int64_t counted[2];
    struct code_value code = {.len = 1};
    assert_ok(s->ops->count(tx, 1, steps, 2, counted));
    assert_ok(s->ops->code_put(tx, 1, (struct code_id){{1}}, &code, 1000));
    assert_ok(s->ops->code_take(tx, 1, (struct code_id){{1}}, &code));
    assert_ok(s->ops->sweep(tx, idle_end_ms, 10, &count));
    assert_ok(s->ops->sweep(tx, INT64_MAX, 10, &count));
    assert_ok(s->ops->user_delete(tx, u.id));
    struct named_value values[4];
    assert_ok(s->ops->value_list(tx, values, 4, &count));
    assert_ok(s->ops->session_erase(tx));
    assert_ok(s->ops->account_erase(tx));
}

static int search_only(void *context, int columns, char **values, char **names)
{
    (void)names;
    const char *sql = context, *plan = columns == 4 ? values[3] : "";
    if (strncmp(plan, "SCAN", 4) == 0 || strstr(plan, "TEMP B-TREE") != NULL || strstr(plan, "AUTOMATIC") != NULL) {
        print_error("%s: %s\n", plan, sql);
        return 1;
    }
    return 0;
}

/* No statement reads a whole table or sorts, but those that say so. */
static void every_query_has_its_index(void **state)
{
    (void)state;
    static const enum query_id may_scan[] = {
        QUERY_SNAPSHOT,         QUERY_API_KEY_LIST_ALL, QUERY_KEY_LIST, /* a handful, or an administrator's question */
        QUERY_JOURNAL_HEAD,                                             /* LIMIT 1 from the end */
        QUERY_SESSION_LIST_ALL,                                         /* its index, backwards */
        QUERY_VERIFIER_LIST,                                            /* in the order of its key */
        QUERY_VALUE_LIST,       QUERY_SESSION_ERASE,    QUERY_ERASE_USER, /* all of it is what they are for */
        QUERY_ERASE_API_KEY,    QUERY_ERASE_KEYRING,    QUERY_ERASE_JOURNAL, QUERY_ERASE_REVOCATION,
        QUERY_ERASE_VALUE,      QUERY_ERASE_VERIFIER,   QUERY_ERASE_CODE,
    };
    struct store *s = open_store();
    struct store_tx *tx = open_write(s);
    run_everything(s, tx);
    unsigned prepared = 0;
    int failed = 0;
    for (unsigned i = 0; i < QUERY_COUNT; i++) {
        bool skip = tx->statements[i] == NULL;
        for (size_t j = 0; j < sizeof may_scan / sizeof may_scan[0]; j++)
            skip = skip || may_scan[j] == (enum query_id)i;
        prepared += tx->statements[i] != NULL;
        if (skip)
            continue;
        char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(tx->statements[i]));
        failed += sqlite3_exec(tx->db, sql, search_only, sql, NULL) == SQLITE_ABORT;
        sqlite3_free(sql);
    }
    assert_int_equal(failed, 0);
    /* All but: reading's BEGIN and SNAPSHOT, change's three, COMMIT, ROLLBACK; the four of what is expected; and
     * PostgreSQL's own. */
    assert_int_equal(prepared, QUERY_COUNT - 13);
    s->ops->abort(tx);
    s->ops->close(s);
}

static void null_closes(void **state)
{
    (void)state;
    struct store *s = open_store();
    const struct store_ops *ops = s->ops;
    ops->close(s);
    ops->close(NULL);
    ops->abort(NULL);
}

#define CASE(name) cmocka_unit_test_setup(name, each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_commit_is_synced_before_its_answer),
        CASE(a_group_is_synced_once),
        CASE(checkpoints_lose_nothing),
        CASE(kill_9_keeps_what_was_acknowledged),
        CASE(a_torn_log_keeps_whole_commits),
        CASE(a_full_disk_refuses_and_recovers),
        CASE(a_full_disk_breaks_the_transaction),
        CASE(a_failed_sync_leaves_the_outcome_open),
        CASE(a_failed_read_is_io),
        CASE(a_read_only_file_is_refused),
        CASE(a_missing_folder_is_said),
        CASE(what_is_no_database_is_left_alone),
        CASE(a_damaged_page_is_corrupt),
        CASE(half_a_file_is_corrupt),
        CASE(a_malformed_record_breaks_nothing_else),
        CASE(a_changed_journal_does_not_verify),
        CASE(another_process_is_waited_for_no_longer_than_allowed),
        CASE(a_long_question_ends_at_its_deadline),
        CASE(the_files_are_for_their_owner_only),
        CASE(a_newer_schema_is_refused),
        CASE(migration_goes_step_by_step),
        CASE(the_registry_is_added_to_an_older_database),
        CASE(several_may_make_the_same_database),
        CASE(every_query_has_its_index),
        CASE(null_closes),
    };
    const char *base = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/cardea-store-XXXXXX", base != NULL && strlen(base) < 80 ? base : "/tmp");
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/cardea.db", folder);
    (void)snprintf(log_path, sizeof log_path, "%s-wal", path);
    (void)snprintf(index_path, sizeof index_path, "%s-shm", path);
    vfs_shim_install();
    int failed = store_conformance_run(&sqlite);
    failed += cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
    wipe();
    (void)rmdir(folder);
    return failed;
}
