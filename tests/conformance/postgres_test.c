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

static char folder[sizeof "/tmp/cardea-postgres-XXXXXX"], data[64], url[128], maintenance[128];
static pid_t server;
#define OWNER "postgres"

/* --- the server --- */

/* One statement through the server's own client. */
static bool tell(const char *sql)
{
    const char *const argv[] = {BIN "psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", maintenance, "-c", sql, NULL};
    return server_run(argv, OWNER) == 0;
}

static void start_server(void)
{
    char sockets[80];
    (void)snprintf(sockets, sizeof sockets, "-k%s", folder);
    const char *const argv[] = {BIN "postgres",         "-D", data, sockets, "-h", "", "-cfsync=off",
                                "-cmax_connections=40", NULL};
    server = server_start(argv, OWNER);
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
        cmocka_unit_test_setup(a_server_that_hangs_is_away_by_the_deadline, each),
        cmocka_unit_test_setup(two_nodes_keep_one_journal, each),
        cmocka_unit_test_setup(two_nodes_yield_one_successor, each),
        cmocka_unit_test_setup(a_node_hears_another, each),
        cmocka_unit_test_setup(a_lost_listener_listens_again, each),
        cmocka_unit_test_setup(a_waiting_node_is_woken, each),
        cmocka_unit_test_setup(two_nodes_make_one_schema, each),
        cmocka_unit_test_setup(urls, each),
    };
    failed += cmocka_run_group_tests_name("postgres", own, NULL, NULL);
    server_stop(server, SIGINT);
    const char *const argv[] = {"/bin/rm", "-rf", folder, NULL};
    (void)server_run(argv, NULL);
    return failed;
}
