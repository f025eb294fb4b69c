#include "store/postgres/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* The tables of the SQLite engine, in PostgreSQL's types. Every number is a bigint, every text compares byte by byte,
 * and what may be no UTF-8 is bytea. */
static const char version_1[] =
    "CREATE TABLE value (name text COLLATE \"C\" PRIMARY KEY, value bigint NOT NULL);"

    "CREATE TABLE \"user\" ("
    " id bytea PRIMARY KEY, epoch bigint NOT NULL, status bigint NOT NULL, email_verified bigint NOT NULL,"
    " created_at_ms bigint NOT NULL, updated_at_ms bigint NOT NULL, last_login_at_ms bigint NOT NULL,"
    " username text COLLATE \"C\" NOT NULL, email text COLLATE \"C\" NOT NULL, name bytea NOT NULL,"
    " roles text COLLATE \"C\" NOT NULL, password_hash text NOT NULL, metadata text NOT NULL);"
    "CREATE UNIQUE INDEX user_username ON \"user\" (username);"
    "CREATE UNIQUE INDEX user_email ON \"user\" (lower(email)) WHERE email_verified = 1 AND email <> '';"

    /* Room on each page, so that a rotation stays on its page and touches no index. */
    "CREATE TABLE session ("
    " sid bytea PRIMARY KEY, user_id bytea NOT NULL, epoch bigint NOT NULL, kind bigint NOT NULL,"
    " remember bigint NOT NULL, created_at_ms bigint NOT NULL, authenticated_at_ms bigint NOT NULL,"
    " last_seen_at_ms bigint NOT NULL, expires_at_ms bigint NOT NULL, idle_ms bigint NOT NULL,"
    " sweep_at_ms bigint NOT NULL, secret_digest bytea NOT NULL, generation bigint NOT NULL,"
    " refresh_digest bytea NOT NULL, previous_digest bytea NOT NULL, refresh_nonce bytea NOT NULL,"
    " rotated_at_ms bigint NOT NULL, app text NOT NULL, ip bytea NOT NULL, user_agent bytea NOT NULL)"
    " WITH (fillfactor = 70);"
    "CREATE INDEX session_of_user ON session (user_id, created_at_ms, sid);"
    "CREATE INDEX session_created ON session (created_at_ms, sid);"
    "CREATE INDEX session_sweep ON session (sweep_at_ms);"

    "CREATE TABLE api_key ("
    " id bytea PRIMARY KEY, user_id bytea NOT NULL, digest bytea NOT NULL, created_at_ms bigint NOT NULL,"
    " expires_at_ms bigint NOT NULL, name bytea NOT NULL, scopes text NOT NULL);"
    "CREATE INDEX api_key_user ON api_key (user_id, created_at_ms, id);"
    "CREATE INDEX api_key_expires ON api_key (expires_at_ms) WHERE expires_at_ms > 0;"

    "CREATE TABLE keyring ("
    " id bytea PRIMARY KEY, usage bigint NOT NULL, state bigint NOT NULL, algorithm text NOT NULL,"
    " created_at_ms bigint NOT NULL, activate_at_ms bigint NOT NULL, drop_at_ms bigint NOT NULL,"
    " public_jwk text NOT NULL, sealed bytea NOT NULL);"

    "CREATE TABLE journal ("
    " n bigint PRIMARY KEY, at_ms bigint NOT NULL, type text NOT NULL, actor text NOT NULL, subject bytea NOT NULL,"
    " sid bytea NOT NULL, ip bytea NOT NULL, request_id text NOT NULL, detail text NOT NULL,"
    " revocation_kind bigint NOT NULL, revocation_id bytea NOT NULL, revocation_epoch bigint NOT NULL,"
    " revocation_until_ms bigint NOT NULL, previous_hash bytea NOT NULL, hash bytea NOT NULL);"

    "CREATE TABLE revocation ("
    " n bigint PRIMARY KEY, until_ms bigint NOT NULL, kind bigint NOT NULL, id bytea NOT NULL);"
    "CREATE INDEX revocation_until ON revocation (until_ms);"
    "CREATE INDEX revocation_id ON revocation (id, kind);";

/* Written four times a lease: each renewal stays on its page. */
static const char version_2[] =
    "CREATE TABLE verifier ("
    " id bytea PRIMARY KEY, kind bigint NOT NULL, name text NOT NULL, n bigint NOT NULL, renewals bigint NOT NULL,"
    " lease_ms bigint NOT NULL, sessions text NOT NULL) WITH (fillfactor = 50);";

/* Counters may be forgotten in a crash: a failed login then costs no write to the log, and no wait for the disk. */
static const char version_3[] =
    "CREATE UNLOGGED TABLE counter (id bytea PRIMARY KEY, value bigint NOT NULL, ends_at_ms bigint NOT NULL)"
    " WITH (fillfactor = 70);"
    "CREATE INDEX counter_ends ON counter (ends_at_ms);"
    "CREATE TABLE code (id bytea PRIMARY KEY, value bytea NOT NULL, ends_at_ms bigint NOT NULL);"
    "CREATE INDEX code_ends ON code (ends_at_ms);";

static const char *const steps[] = {version_1, version_2, version_3};
enum { STEPS = sizeof steps / sizeof steps[0] };

static struct cardea_status fail(struct store_tx *tx, struct cardea_status s, char *message, size_t cap)
{
    const char *text = PQerrorMessage(tx->conn);
    (void)snprintf(message, cap, "%.*s", (int)strcspn(text, "\n"), text);
    return s.code == CARDEA_E_UNAVAILABLE ? s : CARDEA_FAIL(E_IO);
}

/* The version in the database, 0 for none. */
static struct cardea_status ask_version(struct store_tx *tx, int64_t deadline_ms, int *out)
{
    if (PQsendQuery(tx->conn, "SELECT coalesce(max(version), 0) FROM schema_version") == 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    PGresult *r = connection_finish(tx, deadline_ms);
    struct cardea_status s = r == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : result_status(r);
    if (cardea_ok(s) && PQntuples(r) == 1)
        *out = (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return s;
}

static struct cardea_status take_steps(struct store_tx *tx, int version, int64_t deadline_ms)
{
    struct cardea_status s = CARDEA_SUCCESS;
    for (int i = version; cardea_ok(s) && i < STEPS; i++) {
        char record[96];
        s = connection_run(tx, steps[i], deadline_ms);
        (void)snprintf(record, sizeof record, "INSERT INTO schema_version (version) VALUES (%d)", i + 1);
        if (cardea_ok(s))
            s = connection_run(tx, record, deadline_ms);
    }
    return s;
}

struct cardea_status schema_migrate(struct store_tx *tx, int64_t deadline_ms, char *message, size_t message_cap)
{
    char sql[768];
    int version = 0;
    const char *name = tx->store->schema;
    /* A role that owns the schema may well have no right to make one, which IF NOT EXISTS would ask for all the same.
     */
    (void)snprintf(sql, sizeof sql,
                   "BEGIN; SELECT pg_advisory_xact_lock(hashtext('cardea schema %s'));"
                   " DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '%s')"
                   " THEN CREATE SCHEMA \"%s\"; END IF; END$$;"
                   " CREATE TABLE IF NOT EXISTS schema_version (version bigint PRIMARY KEY)",
                   name, name, name);
    struct cardea_status s = connection_run(tx, sql, deadline_ms);
    if (cardea_ok(s))
        s = ask_version(tx, deadline_ms, &version);
    if (cardea_ok(s) && version > STEPS) {
        (void)snprintf(message, message_cap,
                       "the database has schema version %d, this program knows versions up to %d: use a newer program",
                       version, (int)STEPS);
        return CARDEA_FAIL(E_CORRUPT);
    }
    if (cardea_ok(s))
        s = take_steps(tx, version, deadline_ms);
    if (cardea_ok(s))
        s = connection_run(tx, "COMMIT", deadline_ms);
    return cardea_ok(s) ? s : fail(tx, s, message, message_cap);
}
