/* The conformance suite on PostgreSQL, against a cluster that this program makes in a folder of its own and reaches on
 * a socket there. And what only a server can do to us: restart, hang, drop connections, be written to by another node.
 *
 * PostgreSQL does not run as root: there the cluster belongs to the user that Debian's package makes. */
#include "server.h"
#include "sessions_conformance.h"

#include "store/journal.h"
#include "store/mixture.h"
#include "store/postgres/postgres.h"

#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIN "/usr/lib/postgresql/15/bin/"

static char folder[sizeof "/tmp/cardea-postgres-XXXXXX"], data[64], url[128], maintenance[160];
static pid_t server;
#define OWNER "postgres"

/* --- the server --- */

/* One statement through the server's own client. */
static bool tell(const char *sql)
{
    const char *const argv[] = {BIN "psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", maintenance, "-c", sql, NULL};
    return server_run(argv, OWNER) == 0;
}

/* With up to eight more arguments. */
static void start_server_with(const char *const *more)
{
    char sockets[80];
    (void)snprintf(sockets, sizeof sockets, "-k%s", folder);
    const char *argv[16] = {BIN "postgres", "-D", data, sockets, "-cfsync=off", "-cmax_connections=40"};
    for (size_t i = 6; *more != NULL && i < 15; i++)
        argv[i] = *more++;
    server = server_start(argv, OWNER);
}

static void start_server(void)
{
    start_server_with((const char *const[]){"-h", "", NULL});
}

static bool make_cluster(void)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam(OWNER) : NULL;
    if (user != NULL && chown(folder, user->pw_uid, user->pw_gid) != 0)
        return false;
    const char *const argv[] = {BIN "initdb", "-D", data,   "-U",        "tester",     "-A",
                                "trust",      "-E", "UTF8", "--no-sync", "--locale=C", NULL};
    return server_run(argv, OWNER) == 0;
}

/* --- the engine --- */

static struct store *try_open(const char *at)
{
    struct store *s = NULL;
    char message[256] = "";
    if (!cardea_ok(store_postgres_open(at, conformance_boot_ms, conformance_digest, &s, message, sizeof message)))
        fail_msg("%s", message);
    return s;
}

static struct store *open_store(void)
{
    return try_open(url);
}

static void wipe(void)
{
    assert_true(tell("DROP SCHEMA IF EXISTS cardea CASCADE"));
}

/* Accounts here, and sessions in another schema, as if it were another database. */
static struct store *open_both(void)
{
    char other[160];
    struct sessions *sessions = NULL;
    struct store *s = NULL;
    (void)snprintf(other, sizeof other, "%s&schema=elsewhere", url);
    assert_ok(store_as_sessions(try_open(other), &sessions));
    assert_ok(store_mixture_new(open_store(), sessions, &s));
    return s;
}

static void wipe_both(void)
{
    assert_true(tell("DROP SCHEMA IF EXISTS cardea CASCADE; DROP SCHEMA IF EXISTS elsewhere CASCADE"));
}

static const struct engine_under_test both = {.name = "postgres and postgres",
                                              .accounts = true,
                                              .sessions = true,
                                              .durable = true,
                                              .open = open_both,
                                              .wipe = wipe_both};

static const struct engine_under_test postgres = {
    .name = "postgres", .accounts = true, .sessions = true, .durable = true, .open = open_store, .wipe = wipe};

static struct sessions *open_sessions(void)
{
    struct sessions *s = NULL;
    assert_ok(store_as_sessions(open_store(), &s));
    return s;
}

static const struct sessions_under_test alone = {.name = "postgres", .open = open_sessions, .wipe = wipe};

static int each(void **state)
{
    (void)state;
    conformance_boot_freeze(false);
    wipe();
    return 0;
}

static enum cardea_code put(struct store *s, unsigned number)
{
    struct user_record u = sample_user(number);
    struct store_tx *tx = NULL;
    struct cardea_status status = s->ops->begin(s, STORE_WRITE, conformance_boot_ms() + 3000, &tx);
    if (!cardea_ok(status))
        return status.code;
    status = s->ops->user_put(tx, &u);
    if (cardea_ok(status))
        return s->ops->commit(tx).code;
    s->ops->abort(tx);
    return status.code;
}

static bool has(struct store *s, unsigned number)
{
    struct user_record u;
    struct store_tx *tx = open_read(s);
    struct cardea_status status = s->ops->user_get(tx, sample_user(number).id, &u);
    s->ops->abort(tx);
    return cardea_ok(status);
}

static void a_restarted_server_is_found_again(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_int_equal(put(s, 1), CARDEA_OK);
    server_stop(server, SIGQUIT);
    conformance_boot_freeze(true);
    assert_int_equal(put(s, 2), CARDEA_E_UNAVAILABLE);
    start_server();
    assert_int_equal(put(s, 2), CARDEA_E_UNAVAILABLE); /* it was away a moment ago */
    conformance_boot_move(POSTGRES_AWAY_MS);
    assert_int_equal(put(s, 3), CARDEA_OK);
    assert_true(has(s, 1));
    assert_false(has(s, 2));
    s->ops->close(s);
}

static void idle_connections_that_died_cost_nothing(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_int_equal(put(s, 1), CARDEA_OK);
    assert_true(tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cardea'"));
    assert_true(has(s, 1));
    assert_int_equal(put(s, 2), CARDEA_OK);
    s->ops->close(s);
}

static void a_connection_that_dies_in_a_transaction_breaks_it(void **state)
{
    (void)state;
    struct store *s = open_store();
    struct user_record u = sample_user(1);
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->user_put(tx, &u));
    assert_true(tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cardea'"));
    assert_code(s->ops->user_get(tx, u.id, &u), E_UNAVAILABLE);
    assert_code(s->ops->commit(tx), E_UNAVAILABLE);
    assert_false(has(s, 1));
    s->ops->close(s);
}

/* Connections are taken by the kernel, and nobody answers. */
static void a_server_that_takes_no_connection_is_asked_by_one_at_a_time(void **state)
{
    (void)state;
    struct store *s = open_store();
    struct store_tx *tx = NULL;
    assert_int_equal(put(s, 1), CARDEA_OK);
    assert_true(tell("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'cardea'"));
    (void)kill(server, SIGSTOP);
    assert_code(s->ops->begin(s, STORE_READ, conformance_boot_ms() + 100, &tx), E_UNAVAILABLE);
    conformance_boot_freeze(true); /* so that no deadline would ever end a question to it */
    assert_int_equal(put(s, 2), CARDEA_E_UNAVAILABLE);
    assert_code(s->ops->begin(s, STORE_READ, conformance_boot_ms() + 100, &tx), E_UNAVAILABLE);
    (void)kill(server, SIGCONT);
    conformance_boot_move(POSTGRES_AWAY_MS);
    assert_int_equal(put(s, 3), CARDEA_OK);
    assert_true(has(s, 1));
    s->ops->close(s);
}

/* Two users in one transaction. */
static struct store_tx *begin_two(struct store *s, int64_t patience_ms)
{
    struct user_record a = sample_user(1), b = sample_user(2);
    struct store_tx *tx = NULL;
    assert_ok(s->ops->begin(s, STORE_WRITE, conformance_boot_ms() + patience_ms, &tx));
    assert_ok(s->ops->user_put(tx, &a));
    assert_ok(s->ops->user_put(tx, &b));
    return tx;
}

static void a_connection_that_dies_before_commit_leaves_nothing(void **state)
{
    (void)state;
    struct store *s = open_store();
    struct store_tx *tx = begin_two(s, 10000);
    assert_true(tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cardea'"));
    assert_code(s->ops->commit(tx), E_UNAVAILABLE);
    assert_false(has(s, 1));
    assert_false(has(s, 2));
    s->ops->close(s);
}

/* The COMMIT is under way, and its answer does not come: nobody can tell, and then all of it is there. */
static void a_commit_whose_answer_is_lost_is_unknown_and_whole(void **state)
{
    (void)state;
    struct store *s = open_store();
    assert_true(tell("CREATE FUNCTION cardea.tarry() RETURNS trigger LANGUAGE plpgsql AS"
                     " 'BEGIN PERFORM pg_advisory_lock(4711); RETURN NULL; END';"
                     "CREATE CONSTRAINT TRIGGER tarry AFTER INSERT ON cardea.\"user\" DEFERRABLE INITIALLY DEFERRED"
                     " FOR EACH ROW EXECUTE FUNCTION cardea.tarry()"));
    /* Somebody else holds what the COMMIT waits for. */
    const char *const argv[] = {
        BIN "psql", "-qXAt", "-d", maintenance, "-c", "SELECT pg_advisory_lock(4711); SELECT pg_sleep(60)", NULL};
    pid_t holder = server_spawn(argv, OWNER);
    while (!tell("DO $$BEGIN IF (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted) = 0"
                 " THEN RAISE 'not yet'; END IF; END$$"))
        (void)poll(NULL, 0, 10);
    assert_code(s->ops->commit(begin_two(s, 300)), E_UNAVAILABLE);
    assert_false(has(s, 1));
    server_stop(holder, SIGTERM);
    assert_true(tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'"
                     " AND pid <> pg_backend_pid()"));
    while (!has(s, 1))
        (void)poll(NULL, 0, 10);
    assert_true(has(s, 2));
    s->ops->close(s);
}

static void a_server_that_hangs_is_away_by_the_deadline(void **state)
{
    (void)state;
    struct store *s = open_store();
    struct user_record u = sample_user(1);
    struct store_tx *tx = NULL;
    assert_ok(s->ops->begin(s, STORE_WRITE, conformance_boot_ms() + 300, &tx));
    /* A lock that somebody holds hangs a statement as a stopped server would. */
    struct store *other = open_store();
    struct store_tx *holder = open_write(other);
    assert_ok(other->ops->user_put(holder, &u));
    assert_code(s->ops->user_put(tx, &u), E_UNAVAILABLE); /* while the other still holds it */
    s->ops->abort(tx);
    commit(other, holder);
    assert_true(has(s, 1));
    assert_int_equal(put(s, 2), CARDEA_OK);
    s->ops->close(s);
    other->ops->close(other);
}

/* Two nodes append at once: numbers without gaps, in the order of the commits, one chain. */
struct node {
    pthread_t thread;
    struct store *store;
    unsigned first;
    int failed;
};
enum { EVENTS = 40 };

static void *append_many(void *context)
{
    struct node *node = context;
    for (unsigned i = 0; i < EVENTS; i++) {
        struct event e = sample_event(node->first + i);
        struct store_tx *tx = NULL;
        struct cardea_status s = node->store->ops->begin(node->store, STORE_WRITE, conformance_boot_ms() + 20000, &tx);
        if (cardea_ok(s))
            s = node->store->ops->event_append(tx, &e);
        if (cardea_ok(s))
            s = node->store->ops->commit(tx);
        node->failed += !cardea_ok(s);
    }
    return NULL;
}

static void two_nodes_keep_one_journal(void **state)
{
    (void)state;
    struct node nodes[2] = {{.store = open_store(), .first = 1}, {.store = open_store(), .first = 1001}};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&nodes[i].thread, NULL, append_many, &nodes[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(nodes[i].thread, NULL), 0);
    assert_int_equal(nodes[0].failed + nodes[1].failed, 0);
    struct journal_head head = {0};
    struct store_tx *tx = open_read(nodes[0].store);
    assert_ok(journal_verify(nodes[0].store->ops, tx, conformance_digest, &head));
    assert_int_equal(head.n, 2 * EVENTS);
    nodes[0].store->ops->abort(tx);
    nodes[0].store->ops->close(nodes[0].store);
    nodes[1].store->ops->close(nodes[1].store);
}

/* Two nodes rotate the same generation at once: one of them does. */
static void *rotate_once(void *context)
{
    struct node *node = context;
    struct session_record r = sample_session(1, sample_user(1).id), got;
    struct store_tx *tx = NULL;
    struct cardea_status s = node->store->ops->begin(node->store, STORE_WRITE, conformance_boot_ms() + 20000, &tx);
    if (!cardea_ok(s))
        return NULL;
    s = node->store->ops->session_get(tx, r.sid, &got);
    r.generation = 2;
    memset(r.refresh_nonce, (int)node->first, sizeof r.refresh_nonce);
    if (cardea_ok(s))
        s = node->store->ops->session_rotate(tx, &r, 1);
    struct cardea_status end = node->store->ops->commit(tx);
    node->failed = !cardea_ok(s) || !cardea_ok(end);
    return NULL;
}

static void two_nodes_yield_one_successor(void **state)
{
    (void)state;
    struct session_record r = sample_session(1, sample_user(1).id);
    struct node nodes[2] = {{.store = open_store(), .first = 1, .failed = 1},
                            {.store = open_store(), .first = 2, .failed = 1}};
    for (int round = 0; round < 20; round++) {
        struct store_tx *tx = open_write(nodes[0].store);
        (void)cardea_ok(nodes[0].store->ops->session_delete(tx, r.sid));
        assert_ok(nodes[0].store->ops->session_create(tx, &r));
        commit(nodes[0].store, tx);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&nodes[i].thread, NULL, rotate_once, &nodes[i]), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(nodes[i].thread, NULL), 0);
        assert_int_equal(nodes[0].failed + nodes[1].failed, 1);
    }
    nodes[0].store->ops->close(nodes[0].store);
    nodes[1].store->ops->close(nodes[1].store);
}

/* Two nodes that hold what the other one wants. */
struct crossing {
    pthread_t thread;
    struct store *store;
    struct store_tx *tx;
    unsigned wants;
    struct cardea_status outcome;
};

static void *take_and_commit(void *context)
{
    struct crossing *c = context;
    struct user_record u;
    struct cardea_status s = c->store->ops->user_get(c->tx, sample_user(c->wants).id, &u);
    (void)snprintf(u.name, sizeof u.name, "node-%u", 2 - c->wants);
    if (cardea_ok(s))
        s = c->store->ops->user_put(c->tx, &u);
    c->outcome = c->store->ops->commit(c->tx);
    return cardea_ok(s) == cardea_ok(c->outcome) ? NULL : context;
}

static void of_two_that_wait_for_each_other_one_is_broken(void **state)
{
    (void)state;
    struct crossing c[2] = {{.store = open_store(), .wants = 2}, {.store = open_store(), .wants = 1}};
    assert_int_equal(put(c[0].store, 1), CARDEA_OK);
    assert_int_equal(put(c[0].store, 2), CARDEA_OK);
    for (unsigned i = 0; i < 2; i++) {
        struct user_record u;
        c[i].tx = open_write(c[i].store);
        assert_ok(c[i].store->ops->user_get(c[i].tx, sample_user(1 + i).id, &u));
        (void)snprintf(u.name, sizeof u.name, "node-%u", i);
        assert_ok(c[i].store->ops->user_put(c[i].tx, &u));
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&c[i].thread, NULL, take_and_commit, &c[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *odd = NULL;
        assert_int_equal(pthread_join(c[i].thread, &odd), 0);
        assert_null(odd); /* who was broken commits nothing */
    }
    int won = cardea_ok(c[0].outcome) ? 0 : 1;
    assert_int_equal(c[won].outcome.code, CARDEA_OK);
    assert_int_equal(c[1 - won].outcome.code, CARDEA_E_UNAVAILABLE);
    for (unsigned i = 0; i < 2; i++) {
        struct user_record u;
        struct store_tx *tx = open_read(c[0].store);
        assert_ok(c[0].store->ops->user_get(tx, sample_user(1 + i).id, &u));
        assert_string_equal(u.name, won == 0 ? "node-0" : "node-1"); /* both; nothing of the other's */
        c[0].store->ops->abort(tx);
    }
    c[0].store->ops->close(c[0].store);
    c[1].store->ops->close(c[1].store);
}

/* What the second of two writers does while the first is under way, and when it was done. */
static _Atomic int second_done;

static void *raise_and_list(void *context)
{
    struct node *node = context;
    struct store *s = node->store;
    struct verifier_record v;
    uint32_t count = 0;
    struct store_tx *tx = NULL;
    struct cardea_status status = s->ops->begin(s, STORE_WRITE, conformance_boot_ms() + 20000, &tx);
    if (cardea_ok(status))
        status = s->ops->value_raise(tx, "mark", 7);
    if (cardea_ok(status))
        status = s->ops->verifier_list(tx, &v, 1, &count);
    second_done = 1;
    if (cardea_ok(status))
        status = s->ops->commit(tx);
    node->failed = !cardea_ok(status) || count != 1;
    return NULL;
}

/* A mark that two nodes raise never falls, and who lists the registry to register finds who did so before. */
static void two_nodes_raise_and_register(void **state)
{
    (void)state;
    struct store *first = open_store();
    struct node second = {.store = open_store(), .failed = 1};
    struct verifier_record v = {.id = {1}, .kind = VERIFIER_NODE}, none;
    int64_t value = 0;
    uint32_t count = 0;
    for (int round = 0; round < 2; round++) { /* without a row that stands there, and with one */
        struct store_tx *tx = open_write(first);
        assert_ok(first->ops->value_raise(tx, "mark", 10 + round));
        assert_ok(first->ops->verifier_list(tx, &none, 1, &count));
        assert_int_equal(count, round);
        assert_ok(first->ops->verifier_put(tx, &v));
        second_done = 0;
        assert_int_equal(pthread_create(&second.thread, NULL, raise_and_list, &second), 0);
        while (!tell("DO $$BEGIN IF (SELECT count(*) FROM pg_locks WHERE NOT granted) = 0 THEN RAISE 'not yet';"
                     " END IF; END$$"))
            (void)poll(NULL, 0, 10);
        assert_int_equal(second_done, 0);
        commit(first, tx);
        assert_int_equal(pthread_join(second.thread, NULL), 0);
        assert_int_equal(second.failed, 0);
        tx = open_read(first);
        assert_ok(first->ops->value_get(tx, "mark", &value));
        assert_int_equal(value, 10 + round);
        first->ops->abort(tx);
    }
    first->ops->close(first);
    second.store->ops->close(second.store);
}

static unsigned wait_for_push(struct store *s)
{
    unsigned what = 0;
    assert_ok(s->ops->push_wait(s, conformance_boot_ms() + 20000, &what));
    return what;
}

static void push_rows(struct store *s)
{
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->push(tx, STORE_PUSH_ROWS));
    commit(s, tx);
}

static void a_node_hears_another(void **state)
{
    (void)state;
    char other[160];
    (void)snprintf(other, sizeof other, "%s&schema=other_2", url);
    struct store *s = open_store(), *writer = open_store(), *stranger = try_open(other);
    assert_int_equal(wait_for_push(s), STORE_PUSH_ROWS);
    push_rows(stranger); /* of another installation in this database */
    push_rows(writer);
    assert_int_equal(wait_for_push(s), STORE_PUSH_ROWS);
    unsigned what = 77;
    assert_ok(s->ops->push_wait(s, conformance_boot_ms() + 50, &what));
    assert_int_equal(what, 0);
    s->ops->close(s);
    writer->ops->close(writer);
    stranger->ops->close(stranger);
    assert_true(tell("DROP SCHEMA other_2 CASCADE"));
}

static void a_lost_listener_listens_again(void **state)
{
    (void)state;
    struct store *s = open_store();
    unsigned what = 77;
    assert_int_equal(wait_for_push(s), STORE_PUSH_ROWS);
    assert_true(tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cardea'"));
    assert_int_equal(wait_for_push(s), STORE_PUSH_ROWS);
    assert_ok(s->ops->push_wait(s, conformance_boot_ms() + 20, &what));
    assert_int_equal(what, 0);
    push_rows(s);
    assert_int_equal(wait_for_push(s), STORE_PUSH_ROWS);
    server_stop(server, SIGQUIT);
    assert_code(s->ops->push_wait(s, conformance_boot_ms() + 200, &what), E_UNAVAILABLE);
    assert_int_equal(what, 0);
    s->ops->push_wake(s); /* also while there is no server */
    assert_int_equal(wait_for_push(s), STORE_PUSH_WAKE);
    start_server();
    assert_int_equal(wait_for_push(s), STORE_PUSH_ROWS);
    s->ops->close(s);
}

static void *wake_soon(void *context)
{
    struct store *s = context;
    (void)poll(NULL, 0, 30); /* most likely while it waits; before is as good */
    s->ops->push_wake(s);
    return NULL;
}

/* A service that stops, or a server that hangs while the listener connects, must not make anybody wait. */
static void a_waiting_node_is_woken(void **state)
{
    (void)state;
    struct store *s = open_store();
    pthread_t thread;
    assert_int_equal(wait_for_push(s), STORE_PUSH_ROWS);
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, s), 0);
    assert_int_equal(wait_for_push(s), STORE_PUSH_WAKE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    s->ops->close(s);
    s = open_store();
    (void)kill(server, SIGSTOP); /* the kernel still takes the connection */
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, s), 0);
    unsigned what = 0;
    struct cardea_status status = s->ops->push_wait(s, conformance_boot_ms() + 20000, &what);
    (void)kill(server, SIGCONT);
    assert_ok(status);
    assert_int_equal(what, STORE_PUSH_WAKE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    s->ops->close(s);
}

static void two_nodes_make_one_schema(void **state)
{
    (void)state;
    enum { NODES = 4 };
    pid_t pids[NODES];
    for (int i = 0; i < NODES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct store *s = NULL;
            char message[256];
            bool ok = cardea_ok(
                store_postgres_open(url, conformance_boot_ms, conformance_digest, &s, message, sizeof message));
            _exit(ok ? 0 : 1);
        }
    }
    for (int i = 0; i < NODES; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_true(tell("INSERT INTO cardea.schema_version (version) VALUES (99)"));
    struct store *s = NULL;
    char message[256] = "";
    assert_code(store_postgres_open(url, conformance_boot_ms, conformance_digest, &s, message, sizeof message),
                E_CORRUPT);
    assert_non_null(strstr(message, "newer program"));
}

/* A role as careful operators make it: its own schema, and nothing else. */
static void a_role_needs_its_schema_only(void **state)
{
    (void)state;
    char narrow[160], message[256] = "";
    struct store *s = NULL;
    (void)snprintf(narrow, sizeof narrow, "postgres://narrow@/postgres?host=%s", folder);
    assert_true(tell("CREATE ROLE narrow LOGIN"));
    assert_code(store_postgres_open(narrow, conformance_boot_ms, conformance_digest, &s, message, sizeof message),
                E_IO);
    assert_non_null(strstr(message, "permission denied"));
    assert_true(tell("CREATE SCHEMA cardea AUTHORIZATION narrow"));
    for (int i = 0; i < 2; i++) { /* made, and found */
        s = try_open(narrow);
        assert_int_equal(put(s, 1), CARDEA_OK);
        unsigned what = 0;
        assert_ok(s->ops->push_wait(s, conformance_boot_ms() + 20000, &what));
        assert_int_equal(what, STORE_PUSH_ROWS);
        s->ops->close(s);
    }
    wipe();
    assert_true(tell("DROP ROLE narrow"));
}

static void urls(void **state)
{
    (void)state;
    static const char *const bad[] = {"postgres://u:secret@h/d", "postgres://h/d?schema=a'b",
                                      "postgres://h/d?nothing=1", "postgres://h/d?schema=", "nonsense"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store *s = NULL;
        char message[256] = "";
        assert_code(store_postgres_open(bad[i], conformance_boot_ms, conformance_digest, &s, message, sizeof message),
                    E_USAGE);
        assert_true(message[0] != '\0');
        assert_null(strstr(message, "secret"));
    }
    char other[160];
    (void)snprintf(other, sizeof other, "%s&schema=other_1", url);
    struct store *s = try_open(other);
    assert_int_equal(put(s, 1), CARDEA_OK);
    s->ops->close(s);
    s = open_store();
    assert_false(has(s, 1));
    s->ops->close(s);
    assert_true(tell("DROP SCHEMA other_1 CASCADE"));
}

/* --- TLS --- */

static const char *in_folder(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* NAME.pem and NAME.key, signed by itself. */
static void make_authority(const char *certificate, const char *key)
{
    const char *const argv[] = {"/usr/bin/openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:P-256",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=authority",
                                "-keyout",
                                in_folder(key),
                                "-out",
                                in_folder(certificate),
                                NULL};
    assert_int_equal(server_run(argv, OWNER), 0);
}

static void make_certificate(void)
{
    const char *const argv[] = {"/usr/bin/openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:P-256",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=localhost",
                                "-addext",
                                "subjectAltName=DNS:localhost",
                                "-CA",
                                in_folder("ca.pem"),
                                "-CAkey",
                                in_folder("ca.key"),
                                "-keyout",
                                in_folder("server.key"),
                                "-out",
                                in_folder("server.pem"),
                                NULL};
    assert_int_equal(server_run(argv, OWNER), 0);
}

/* Open over TCP; on failure the message must say `why`. */
static void over_tcp(const char *host, unsigned port, const char *options, const char *why)
{
    char at[256], message[512] = "";
    struct store *s = NULL;
    (void)snprintf(at, sizeof at, "postgres://tester@%s:%u/postgres?%s", host, port, options);
    struct cardea_status status =
        store_postgres_open(at, conformance_boot_ms, conformance_digest, &s, message, sizeof message);
    if (why == NULL) {
        if (!cardea_ok(status))
            fail_msg("%s", message);
        assert_int_equal(put(s, 1), CARDEA_OK);
        assert_true(tell("DO $$BEGIN IF (SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl"
                         " AND application_name = 'cardea') = 0 THEN RAISE 'plain'; END IF; END$$"));
        s->ops->close(s);
        return;
    }
    assert_code(status, E_UNAVAILABLE);
    if (strstr(message, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", message, why);
}

static void the_server_is_who_it_says(void **state)
{
    (void)state;
    char port_text[16], certificate[112], key[112], right[128], wrong[128], lax[128];
    unsigned port = server_port();
    make_authority("ca.pem", "ca.key");
    make_authority("other.pem", "other.key");
    make_certificate();
    (void)snprintf(port_text, sizeof port_text, "%u", port);
    (void)snprintf(certificate, sizeof certificate, "-cssl_cert_file=%s", in_folder("server.pem"));
    (void)snprintf(key, sizeof key, "-cssl_key_file=%s", in_folder("server.key"));
    (void)snprintf(right, sizeof right, "sslmode=verify-full&sslrootcert=%s", in_folder("ca.pem"));
    (void)snprintf(wrong, sizeof wrong, "sslmode=verify-full&sslrootcert=%s", in_folder("other.pem"));
    (void)snprintf(lax, sizeof lax, "sslmode=verify-ca&sslrootcert=%s", in_folder("ca.pem"));
    server_stop(server, SIGINT);
    start_server_with((const char *const[]){"-h", "127.0.0.1", "-p", port_text, "-cssl=on", certificate, key, NULL});
    (void)snprintf(maintenance, sizeof maintenance, "%s&port=%u", url, port);
    over_tcp("localhost", port, right, NULL);
    over_tcp("127.0.0.1", port, lax, NULL);
    over_tcp("127.0.0.1", port, right, "certificate"); /* it is for another name */
    over_tcp("localhost", port, wrong, "certificate verify failed");
    server_stop(server, SIGINT);
    start_server_with((const char *const[]){"-h", "127.0.0.1", "-p", port_text, NULL});
    over_tcp("localhost", port, right, "does not support SSL"); /* and never in the clear */
    server_stop(server, SIGINT);
    start_server();
    (void)snprintf(maintenance, sizeof maintenance, "%s", url);
}

int main(void)
{
    memcpy(folder, "/tmp/cardea-postgres-XXXXXX", sizeof folder);
    if (access(BIN "postgres", X_OK) != 0) {
        (void)fprintf(stderr, "PostgreSQL 15 is not installed\n");
        return 77;
    }
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(data, sizeof data, "%s/data", folder);
    (void)snprintf(url, sizeof url, "postgres://tester@/postgres?host=%s", folder);
    (void)snprintf(maintenance, sizeof maintenance, "%s", url);
    if (!make_cluster()) {
        (void)fprintf(stderr, "initdb failed\n");
        return 1;
    }
    start_server();
    int failed = store_conformance_run(&postgres);
    failed += store_conformance_run(&both);
    failed += sessions_conformance_run(&alone);
    static const struct CMUnitTest own[] = {
        cmocka_unit_test_setup(a_restarted_server_is_found_again, each),
        cmocka_unit_test_setup(idle_connections_that_died_cost_nothing, each),
        cmocka_unit_test_setup(a_connection_that_dies_in_a_transaction_breaks_it, each),
        cmocka_unit_test_setup(a_server_that_takes_no_connection_is_asked_by_one_at_a_time, each),
        cmocka_unit_test_setup(a_connection_that_dies_before_commit_leaves_nothing, each),
        cmocka_unit_test_setup(a_commit_whose_answer_is_lost_is_unknown_and_whole, each),
        cmocka_unit_test_setup(a_server_that_hangs_is_away_by_the_deadline, each),
        cmocka_unit_test_setup(two_nodes_keep_one_journal, each),
        cmocka_unit_test_setup(two_nodes_yield_one_successor, each),
        cmocka_unit_test_setup(of_two_that_wait_for_each_other_one_is_broken, each),
        cmocka_unit_test_setup(two_nodes_raise_and_register, each),
        cmocka_unit_test_setup(a_node_hears_another, each),
        cmocka_unit_test_setup(a_lost_listener_listens_again, each),
        cmocka_unit_test_setup(a_waiting_node_is_woken, each),
        cmocka_unit_test_setup(two_nodes_make_one_schema, each),
        cmocka_unit_test_setup(a_role_needs_its_schema_only, each),
        cmocka_unit_test_setup(urls, each),
        cmocka_unit_test_setup(the_server_is_who_it_says, each),
    };
    failed += cmocka_run_group_tests_name("postgres", own, NULL, NULL);
    server_stop(server, SIGINT);
    const char *const argv[] = {"/bin/rm", "-rf", folder, NULL};
    (void)server_run(argv, NULL);
    return failed;
}
