#include "store/sqlite/internal.h"

#include <stdio.h>

/* All times are milliseconds since 1970; ids, digests and addresses are blobs. Tables found by a random id are WITHOUT
 * ROWID: one tree to descend instead of two. No foreign keys: sessions may one day live without their users in another
 * engine, and user_delete says what goes with a user. */
static const char version_1[] =
    "CREATE TABLE value ("
    " name TEXT NOT NULL PRIMARY KEY,"
    " value INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE user ("
    " id BLOB NOT NULL PRIMARY KEY," /* UUIDv7: by creation */
    " epoch INTEGER NOT NULL,"
    " status INTEGER NOT NULL,"
    " email_verified INTEGER NOT NULL,"
    " created_at_ms INTEGER NOT NULL,"
    " updated_at_ms INTEGER NOT NULL,"
    " last_login_at_ms INTEGER NOT NULL,"
    " username TEXT NOT NULL,"
    " email TEXT NOT NULL COLLATE NOCASE," /* '' none */
    " name TEXT NOT NULL,"
    " roles TEXT NOT NULL,"
    " password_hash TEXT NOT NULL,"
    " metadata TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX user_username ON user (username);"
    "CREATE UNIQUE INDEX user_email ON user (email) WHERE email_verified = 1 AND email <> '';"

    "CREATE TABLE session ("
    " sid BLOB NOT NULL PRIMARY KEY,"
    " user_id BLOB NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " remember INTEGER NOT NULL,"
    " created_at_ms INTEGER NOT NULL,"
    " authenticated_at_ms INTEGER NOT NULL,"
    " last_seen_at_ms INTEGER NOT NULL,"
    " expires_at_ms INTEGER NOT NULL,"
    " idle_ms INTEGER NOT NULL,"
    /* When sweep looks at the row: never later than its end, and moved on then if it was seen meanwhile. So a rotation
     * touches no index. */
    " sweep_at_ms INTEGER NOT NULL,"
    " secret_digest BLOB NOT NULL," /* x'' but for SESSION_COOKIE */
    " generation INTEGER NOT NULL," /* 0: the next four are x'' and 0 */
    " refresh_digest BLOB NOT NULL,"
    " previous_digest BLOB NOT NULL,"
    " refresh_nonce BLOB NOT NULL,"
    " rotated_at_ms INTEGER NOT NULL,"
    " app TEXT NOT NULL,"
    " ip BLOB NOT NULL," /* 0, 4 or 16 bytes */
    " user_agent TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX session_user ON session (user_id, created_at_ms);" /* the rest of the key, sid, follows by itself */
    "CREATE INDEX session_created ON session (created_at_ms);"
    "CREATE INDEX session_sweep ON session (sweep_at_ms);"

    "CREATE TABLE api_key ("
    " id BLOB NOT NULL PRIMARY KEY,"
    " user_id BLOB NOT NULL,"
    " digest BLOB NOT NULL,"
    " created_at_ms INTEGER NOT NULL,"
    " expires_at_ms INTEGER NOT NULL," /* 0: never */
    " name TEXT NOT NULL,"
    " scopes TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX api_key_user ON api_key (user_id, created_at_ms);"
    "CREATE INDEX api_key_expires ON api_key (expires_at_ms) WHERE expires_at_ms > 0;"

    /* A few rows of several KiB each. */
    "CREATE TABLE keyring ("
    " id BLOB NOT NULL UNIQUE,"
    " usage INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " algorithm TEXT NOT NULL,"
    " created_at_ms INTEGER NOT NULL,"
    " activate_at_ms INTEGER NOT NULL,"
    " drop_at_ms INTEGER NOT NULL,"
    " public_jwk TEXT NOT NULL,"
    " sealed BLOB NOT NULL"
    ") STRICT;"

    /* Audit log and feed in one, rows only ever added. */
    "CREATE TABLE journal ("
    " n INTEGER NOT NULL PRIMARY KEY,"
    " at_ms INTEGER NOT NULL,"
    " type TEXT NOT NULL,"
    " actor TEXT NOT NULL,"
    " subject BLOB NOT NULL," /* x'' none; sid too */
    " sid BLOB NOT NULL,"
    " ip BLOB NOT NULL,"
    " request_id TEXT NOT NULL,"
    " detail TEXT NOT NULL,"
    " revocation_kind INTEGER NOT NULL,"
    " revocation_id BLOB NOT NULL," /* x'' when it narrows nothing */
    " revocation_epoch INTEGER NOT NULL,"
    " revocation_until_ms INTEGER NOT NULL,"
    " previous_hash BLOB NOT NULL,"
    " hash BLOB NOT NULL"
    ") STRICT;"

    /* The events whose revocation is still in force: what a verifier is filled from, whatever the journal's length. */
    "CREATE TABLE revocation ("
    " n INTEGER NOT NULL PRIMARY KEY,"
    " until_ms INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX revocation_until ON revocation (until_ms);";

/* Asked whether one session was ended, a node must not read the journal. */
static const char version_2[] = "ALTER TABLE revocation ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE revocation ADD COLUMN id BLOB NOT NULL DEFAULT x'';"
                                "UPDATE revocation SET (kind, id) ="
                                " (SELECT revocation_kind, revocation_id FROM journal WHERE journal.n = revocation.n);"
                                "CREATE INDEX revocation_id ON revocation (id, kind);";

/* What a comparison without case means must not depend on a collation of SQLite's own. */
static const char version_3[] = "DROP INDEX user_email;"
                                "CREATE UNIQUE INDEX user_email ON user (lower(email))"
                                " WHERE email_verified = 1 AND email <> '';";

/* Who follows the journal. */
static const char version_4[] = "CREATE TABLE verifier ("
                                " id BLOB NOT NULL PRIMARY KEY,"
                                " kind INTEGER NOT NULL,"
                                " name TEXT NOT NULL,"
                                " n INTEGER NOT NULL,"
                                " renewals INTEGER NOT NULL,"
                                " lease_ms INTEGER NOT NULL,"
                                " sessions TEXT NOT NULL"
                                ") STRICT, WITHOUT ROWID;";

/* What is counted, and given out once, for a while. */
static const char version_5[] = "CREATE TABLE counter ("
                                " id BLOB NOT NULL PRIMARY KEY,"
                                " value INTEGER NOT NULL,"
                                " ends_at_ms INTEGER NOT NULL"
                                ") STRICT, WITHOUT ROWID;"
                                "CREATE INDEX counter_ends ON counter (ends_at_ms);"
                                "CREATE TABLE code ("
                                " id BLOB NOT NULL PRIMARY KEY,"
                                " value BLOB NOT NULL,"
                                " ends_at_ms INTEGER NOT NULL"
                                ") STRICT, WITHOUT ROWID;"
                                "CREATE INDEX code_ends ON code (ends_at_ms);";

const struct schema_step schema_steps[] = {
    {version_1}, {version_2}, {version_3}, {version_4}, {version_5},
};
const uint32_t schema_step_count = sizeof schema_steps / sizeof schema_steps[0];

static void say(char *message, size_t cap, const char *text)
{
    (void)snprintf(message, cap, "%s", text);
}

static struct cardea_status fail(sqlite3 *db, int rc, char *message, size_t cap)
{
    say(message, cap, sqlite3_errmsg(db));
    return sqlite_status(rc);
}

/* The first column of the only row of a query. */
static int ask(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    int end = sqlite3_finalize(st);
    return rc == SQLITE_ROW ? SQLITE_OK : end != SQLITE_OK ? end : SQLITE_ERROR;
}

/* Whose database is this, and how old? */
static struct cardea_status version_of(sqlite3 *db, uint32_t newest, uint32_t *ret_version, char *message, size_t cap)
{
    int64_t application = 0, version = 0, objects = 0;
    int rc = ask(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = ask(db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = ask(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc != SQLITE_OK)
        return fail(db, rc, message, cap);
    bool untouched = application == 0 && version == 0 && objects == 0;
    if (!untouched && (application != SQLITE_APPLICATION_ID || version < 1)) {
        say(message, cap, "this is an SQLite database, but not one of Cardea's");
        return CARDEA_FAIL(E_CORRUPT);
    }
    if (version > newest) {
        (void)snprintf(
            message, cap,
            "the database has schema version %lld, this program knows versions up to %u: use a newer program",
            (long long)version, newest);
        return CARDEA_FAIL(E_CORRUPT);
    }
    *ret_version = (uint32_t)version;
    return CARDEA_SUCCESS;
}

/* The same outside of a transaction: in one of its own, because three questions to a database that another process is
 * just making could have answers from before and after. */
static struct cardea_status version_at_once(sqlite3 *db, uint32_t newest, uint32_t *ret_version, char *message,
                                            size_t cap)
{
    int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return fail(db, rc, message, cap);
    struct cardea_status s = version_of(db, newest, ret_version, message, cap);
    if (sqlite3_get_autocommit(db) == 0)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return s;
}

/* One step, and the numbers that say it was taken, in one transaction. */
static int step(sqlite3 *db, const struct schema_step *s, uint32_t version)
{
    char numbers[96];
    (void)snprintf(numbers, sizeof numbers, "PRAGMA application_id = %d; PRAGMA user_version = %u",
                   SQLITE_APPLICATION_ID, version);
    int rc = sqlite3_exec(db, s->sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, numbers, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

struct cardea_status schema_check(sqlite3 *db, uint32_t count, char *message, size_t message_cap)
{
    uint32_t version = 0;
    struct cardea_status s = version_at_once(db, count, &version, message, message_cap);
    if (!cardea_ok(s) || version == count)
        return s;
    (void)snprintf(message, message_cap,
                   "the database has schema version %u, this program writes version %u: start its service once",
                   version, count);
    return CARDEA_FAIL(E_CORRUPT);
}

struct cardea_status schema_migrate(sqlite3 *db, const struct schema_step *steps, uint32_t count, char *message,
                                    size_t message_cap)
{
    for (;;) {
        uint32_t version = 0;
        struct cardea_status s = version_at_once(db, count, &version, message, message_cap);
        if (!cardea_ok(s) || version == count)
            return s;
        int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return fail(db, rc, message, message_cap);
        /* Under the lock, look again: another process may have taken the step meanwhile. */
        s = version_of(db, count, &version, message, message_cap);
        if (cardea_ok(s) && version < count) {
            rc = step(db, &steps[version], version + 1);
            if (rc != SQLITE_OK)
                s = fail(db, rc, message, message_cap);
        }
        if (sqlite3_get_autocommit(db) == 0)
            (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        if (!cardea_ok(s))
            return s;
    }
}
