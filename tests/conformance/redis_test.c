/* The conformance suite on Redis, behind accounts in SQLite, against a server that this program starts on a socket in a
 * folder of its own. And what only a server can do to us: restart, hang, forget its scripts, be a replica, evict. */
#include "redis_server.h"
#include "sessions_conformance.h"

#include "store/mixture.h"
#include "store/redis/redis.h"
#include "store/sqlite/sqlite.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct redis_server server = {.options = {"--port", "0"}};
static char database[64];
static int64_t wall = 1700000000000;

static int64_t wall_ms(void)
{
    return wall;
}

static bool tell(const char *command, const char *answer)
{
    return redis_tell(&server, command, answer);
}

static struct redis_options options(void)
{
    struct redis_options o;
    char url[128], message[256] = "";
    (void)snprintf(url, sizeof url, "redis+unix://%s?prefix=t", server.socket);
    if (!cardea_ok(redis_options_read(view_text(url), &o, message, sizeof message)))
        fail_msg("%s", message);
    o.boot_ms = conformance_boot_ms;
    o.wall_ms = wall_ms;
    return o;
}

static struct sessions *open_sessions(void)
{
    struct redis_options o = options();
    struct sessions *s = NULL;
    char message[256] = "";
    if (!cardea_ok(sessions_redis_open(&o, &s, message, sizeof message)))
        fail_msg("%s", message);
    return s;
}

static struct store *open_mixture(void)
{
    struct store *accounts = NULL, *s = NULL;
    char message[256] = "";
    if (!cardea_ok(
            store_sqlite_open(database, conformance_boot_ms, conformance_digest, &accounts, message, sizeof message)))
        fail_msg("%s", message);
    assert_ok(store_mixture_new(accounts, open_sessions(), &s));
    return s;
}

static void wipe(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[80];
        (void)snprintf(path, sizeof path, "%s%s", database, suffixes[i]);
        (void)unlink(path);
    }
    assert_true(tell("FLUSHALL", "+OK"));
}

static const struct engine_under_test redis = {.name = "sqlite and redis",
                                               .accounts = true,
                                               .sessions = true,
                                               .durable = true,
                                               .expires = true,
                                               .open = open_mixture,
                                               .wipe = wipe};
static const struct sessions_under_test alone = {.name = "redis", .expires = true, .open = open_sessions, .wipe = wipe};

static int64_t soon(void)
{
    return conformance_boot_ms() + 2000;
}

static int each(void **state)
{
    (void)state;
    conformance_boot_freeze(false);
    wipe();
    return 0;
}

static void a_restarted_server_is_found_again(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), got;
    assert_ok(s->ops->create(s, soon(), &r));
    server_stop(server.pid, SIGKILL);
    conformance_boot_freeze(true);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE);
    redis_start(&server);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE); /* it was away a moment ago */
    conformance_boot_move(REDIS_AWAY_MS);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_NOT_FOUND);
    assert_ok(s->ops->create(s, soon(), &r)); /* with its scripts */
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    s->ops->close(s);
}

static void idle_connections_that_died_cost_nothing(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), got;
    assert_ok(s->ops->create(s, soon(), &r));
    assert_true(tell("CLIENT KILL TYPE normal SKIPME yes", ":1"));
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    assert_true(tell("SCRIPT FLUSH", "+OK"));
    struct session_record next = r;
    next.generation++;
    assert_ok(s->ops->rotate(s, soon(), &next, r.generation));
    s->ops->close(s);
}

static void a_server_that_hangs_is_away_by_the_deadline(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), got;
    assert_ok(s->ops->create(s, soon(), &r));
    (void)kill(server.pid, SIGSTOP);
    assert_code(s->ops->get(s, conformance_boot_ms() + 200, r.sid, &got), E_UNAVAILABLE);
    conformance_boot_freeze(true); /* so that no deadline would ever end a question to it */
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE);
    (void)kill(server.pid, SIGCONT);
    conformance_boot_move(REDIS_AWAY_MS);
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    s->ops->close(s);
}

static void creation_and_rotation_may_be_repeated(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), next, rival;
    assert_ok(s->ops->create(s, soon(), &r));
    assert_ok(s->ops->create(s, soon(), &r)); /* as after a connection that broke */
    next = rival = r;
    next.generation = rival.generation = r.generation + 1;
    memset(rival.refresh_nonce, 0x77, sizeof rival.refresh_nonce);
    assert_ok(s->ops->rotate(s, soon(), &next, r.generation));
    assert_ok(s->ops->rotate(s, soon(), &next, r.generation));
    assert_code(s->ops->rotate(s, soon(), &rival, r.generation), E_CONFLICT);
    s->ops->close(s);
}

/* "t:s:SID" */
static const char *key_of(struct session_id sid)
{
    static char key[64];
    struct buf b = buf_fixed(key, sizeof key);
    buf_text(&b, "t:s:");
    buf_session_id(&b, sid);
    assert_true(buf_terminate(&b));
    return key;
}

static void records_expire_by_themselves(void **state)
{
    (void)state;
    enum { LIFE_MS = 100000000, SLACK_MS = 10000000 };
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), kept = sample_session(2, sample_user(1).id), got;
    char command[128];
    r.idle_ms = 0;
    r.expires_at_ms = wall + LIFE_MS;
    assert_ok(s->ops->create(s, soon(), &r));
    assert_ok(s->ops->create(s, soon(), &kept));
    (void)snprintf(command, sizeof command, "PTTL %s", key_of(r.sid));
    assert_in_range(redis_ask(&server, command), LIFE_MS - SLACK_MS, LIFE_MS);
    (void)snprintf(command, sizeof command, "PEXPIRE %s 0", key_of(r.sid)); /* as if that time had passed */
    assert_int_equal(redis_ask(&server, command), 1);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_NOT_FOUND);
    uint32_t count = 0;
    assert_ok(s->ops->sweep(s, soon(), wall, 100, &count));
    assert_int_equal(count, 1); /* the sets still named it */
    assert_ok(s->ops->sweep(s, soon(), wall, 100, &count));
    assert_int_equal(count, 0);
    assert_ok(s->ops->get(s, soon(), kept.sid, &got));
    s->ops->close(s);
}

static void what_is_no_record_is_corrupt(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), got;
    char key[64], command[128];
    struct buf b = buf_fixed(key, sizeof key);
    buf_text(&b, "t:s:");
    buf_session_id(&b, r.sid);
    assert_true(buf_terminate(&b));
    assert_ok(s->ops->create(s, soon(), &r));
    (void)snprintf(command, sizeof command, "HSET %s g nonsense\r\n", key);
    assert_true(tell(command, ":0"));
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_CORRUPT);
    (void)snprintf(command, sizeof command, "SET %s x\r\n", key);
    assert_true(tell(command, "+OK"));
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_CORRUPT);
    s->ops->close(s);
}

static void a_full_server_takes_nothing_new_and_works_on(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record kept = sample_session(1, sample_user(1).id), late = sample_session(2, kept.user), got;
    assert_ok(s->ops->create(s, soon(), &kept));
    assert_true(tell("CONFIG SET maxmemory 1", "+OK"));
    conformance_boot_freeze(true);
    assert_code(s->ops->create(s, soon(), &late), E_UNAVAILABLE);
    assert_ok(s->ops->get(s, soon(), kept.sid, &got)); /* it is not away */
    assert_code(s->ops->get(s, soon(), late.sid, &got), E_NOT_FOUND);
    assert_ok(s->ops->remove(s, soon(), &kept.sid, 1)); /* what makes room goes on */
    assert_code(s->ops->get(s, soon(), kept.sid, &got), E_NOT_FOUND);
    assert_true(tell("CONFIG SET maxmemory 0", "+OK"));
    assert_ok(s->ops->create(s, soon(), &late));
    s->ops->close(s);
}

/* Somebody sets another policy while we run: records and sets of names go, in any order. */
static void what_was_evicted_is_gone_and_breaks_nothing(void **state)
{
    (void)state;
    enum { RECORDS = 40 };
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), got;
    for (unsigned i = 1; i <= RECORDS; i++) {
        r = sample_session(i, sample_user(1).id);
        assert_ok(s->ops->create(s, soon(), &r));
    }
    assert_true(tell("CONFIG SET maxmemory-policy allkeys-random", "+OK"));
    assert_true(tell("CONFIG SET maxmemory 1", "+OK"));
    (void)tell("SET t:room 1", "+OK"); /* a write makes it throw out what it can: all */
    assert_true(tell("CONFIG SET maxmemory 0", "+OK"));
    assert_true(tell("CONFIG SET maxmemory-policy noeviction", "+OK"));
    assert_int_equal(redis_ask(&server, "DBSIZE"), 0);
    struct session_record next = r;
    struct session_id below[4];
    uint32_t count = 7;
    next.generation++;
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_NOT_FOUND);
    assert_code(s->ops->rotate(s, soon(), &next, r.generation), E_NOT_FOUND); /* none is made of it */
    assert_ok(s->ops->touch(s, soon(), &r.sid, &r.last_seen_at_ms, 1));
    assert_ok(s->ops->remove(s, soon(), &r.sid, 1));
    assert_ok(s->ops->find_below(s, soon(), r.user, INT64_MAX, (struct session_id){{0}}, below, 4, &count));
    assert_int_equal(count, 0);
    assert_int_equal(redis_ask(&server, "DBSIZE"), 0);
    assert_ok(s->ops->create(s, soon(), &r));
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    s->ops->close(s);
}

static void refused(const char *why)
{
    struct redis_options o = options();
    struct sessions *s = NULL;
    char message[256] = "";
    assert_code(sessions_redis_open(&o, &s, message, sizeof message), E_USAGE);
    assert_non_null(strstr(message, why));
}

static void servers_that_will_not_do_are_refused(void **state)
{
    (void)state;
    assert_true(tell("CONFIG SET maxmemory-policy allkeys-lru", "+OK"));
    refused("noeviction");
    assert_true(tell("CONFIG SET maxmemory-policy noeviction", "+OK"));
    assert_true(tell("REPLICAOF 127.0.0.1 1", "+OK"));
    refused("replica");
    assert_true(tell("REPLICAOF NO ONE", "+OK"));
    assert_true(tell("ACL SETUSER default on >secret", "+OK"));
    refused("NOAUTH");
    struct redis_options o = options();
    struct sessions *s = NULL;
    char message[256] = "";
    (void)snprintf(o.password, sizeof o.password, "wrong");
    assert_code(sessions_redis_open(&o, &s, message, sizeof message), E_USAGE);
    (void)snprintf(o.password, sizeof o.password, "secret");
    assert_ok(sessions_redis_open(&o, &s, message, sizeof message));
    s->ops->close(s);
    assert_true(tell("AUTH secret\r\nACL SETUSER default on nopass", "+OK"));
}

static void a_cluster_is_refused(void **state)
{
    (void)state;
    struct redis_server node = {.pid = 0};
    char numbers[2][8], url[128], message[320] = "";
    struct redis_options o;
    struct sessions *s = NULL;
    redis_make(&node);
    for (int i = 0; i < 2; i++)
        (void)snprintf(numbers[i], sizeof numbers[i], "%u", server_port());
    const char *const with[] = {"--bind", "127.0.0.1",      "--port",  numbers[0], "--cluster-enabled",
                                "yes",    "--cluster-port", numbers[1]};
    memcpy(node.options, with, sizeof with);
    redis_start(&node);
    for (int slots = 0; slots < 2; slots++) { /* a node with no slots yet, and one that serves them all */
        (void)snprintf(url, sizeof url, "redis+unix://%s", node.socket);
        assert_ok(redis_options_read(view_text(url), &o, message, sizeof message));
        o.boot_ms = conformance_boot_ms;
        o.wall_ms = wall_ms;
        assert_code(sessions_redis_open(&o, &s, message, sizeof message), E_USAGE);
        assert_non_null(strstr(message, "belongs to a Redis Cluster"));
        assert_true(slots == 1 || redis_tell(&node, "CLUSTER ADDSLOTSRANGE 0 16383", "+OK"));
    }
    redis_remove(&node);
}

static void urls(void **state)
{
    (void)state;
    struct redis_options o;
    char message[256];
    static const char *const bad[] = {"",
                                      "redis:",
                                      "redis://",
                                      "redis://:6379",
                                      "redis://h:0",
                                      "redis://h:65536",
                                      "redis://h:x",
                                      "redis://h/x",
                                      "redis://user:secret@h",
                                      "redis://h?nothing=1",
                                      "redis://h?user",
                                      "redis://h?user=a",
                                      "redis://h?ca=/x",
                                      "redis-sentinel://h:1",
                                      "redis-sentinel://h:1/",
                                      "redis+unix://x",
                                      "http://h",
                                      "redis://[::1",
                                      "redis://h?tls=yes",
                                      "redis-sentinel://h/m?tls=maybe",
                                      "redis://h?password_file=/nowhere/at/all"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        message[0] = '\0';
        assert_false(cardea_ok(redis_options_read(view_text(bad[i]), &o, message, sizeof message)));
        assert_true(message[0] != '\0');
    }
    assert_ok(redis_options_read(VIEW("redis://[::1]:7000/3?prefix=a"), &o, message, sizeof message));
    assert_string_equal(o.hosts[0].name, "::1");
    assert_string_equal(o.hosts[0].port, "7000");
    assert_int_equal(o.database, 3);
    assert_string_equal(o.prefix, "a");
    assert_false(o.tls);
    assert_ok(redis_options_read(VIEW("redis-sentinel://a,b:5/mine/2?tls=yes&ca=/ca"), &o, message, sizeof message));
    assert_int_equal(o.host_count, 2);
    assert_string_equal(o.hosts[0].port, "26379");
    assert_string_equal(o.hosts[1].port, "5");
    assert_string_equal(o.master, "mine");
    assert_true(o.tls);
    assert_string_equal(o.ca_file, "/ca");
}

int main(void)
{
    if (!redis_installed())
        return 77;
    redis_make(&server);
    (void)snprintf(database, sizeof database, "%s/accounts.db", server.folder);
    redis_start(&server);
    int failed = store_conformance_run(&redis) + sessions_conformance_run(&alone);
    static const struct CMUnitTest own[] = {
        cmocka_unit_test_setup(a_restarted_server_is_found_again, each),
        cmocka_unit_test_setup(idle_connections_that_died_cost_nothing, each),
        cmocka_unit_test_setup(a_server_that_hangs_is_away_by_the_deadline, each),
        cmocka_unit_test_setup(creation_and_rotation_may_be_repeated, each),
        cmocka_unit_test_setup(records_expire_by_themselves, each),
        cmocka_unit_test_setup(what_is_no_record_is_corrupt, each),
        cmocka_unit_test_setup(a_full_server_takes_nothing_new_and_works_on, each),
        cmocka_unit_test_setup(what_was_evicted_is_gone_and_breaks_nothing, each),
        cmocka_unit_test_setup(servers_that_will_not_do_are_refused, each),
        cmocka_unit_test(a_cluster_is_refused),
        cmocka_unit_test(urls),
    };
    failed += cmocka_run_group_tests_name("redis", own, NULL, NULL);
    redis_remove(&server);
    return failed;
}
