/* Redis behind Sentinel: primary, replica and Sentinel are real. Does the engine find the new primary by itself, and
 * leave the old one alone, dead, paused or demoted? */
#include "redis_server.h"
#include "store_conformance.h"

#include "store/redis/redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct redis_server first, second, sentinel;
static char first_port[8], second_port[8], sentinel_port[8], config[80], message[320];

static int64_t wall_ms(void)
{
    return 1700000000000;
}

static int64_t soon(void)
{
    return conformance_boot_ms() + 2000;
}

/* --- the servers --- */

static void say(const struct redis_server *r, const char *command)
{
    if (!redis_tell(r, command, "+OK"))
        fail_msg("%s", command);
}

static void start(struct redis_server *r, char port[8])
{
    const char *const options[] = {
        "--bind", "127.0.0.1", "--port", port, "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", NULL};
    memcpy(r->options, options, sizeof options);
    redis_start(r);
}

/* Until the second has all that the first was told so far: of a connection's own writes alone WAIT knows when they are.
 */
static void replicate(void)
{
    static const char lines[] = "SET t:written 1\r\nWAIT 1 60000\r\n";
    int fd = redis_connect(&first);
    assert_int_equal(write(fd, lines, sizeof lines - 1), sizeof lines - 1);
    redis_await(fd, ":1\r\n");
    (void)close(fd);
}

/* A Sentinel's event, from the question to it on. */
struct event_wait {
    int fd;
};

static struct event_wait listen_for(const char *event)
{
    char line[64];
    struct event_wait w = {.fd = redis_connect(&sentinel)};
    int len = snprintf(line, sizeof line, "SUBSCRIBE %s\r\n", event);
    assert_int_equal(write(w.fd, line, (size_t)len), len);
    redis_await(w.fd, ":1\r\n");
    return w;
}

static void await_event(struct event_wait w)
{
    redis_await(w.fd, "message");
    (void)close(w.fd);
}

static void start_sentinel(void)
{
    const char *const options[] = {config, "--sentinel", "--bind", "127.0.0.1", "--port", sentinel_port, NULL};
    char command[128];
    (void)snprintf(config, sizeof config, "%s/sentinel.conf", sentinel.folder);
    FILE *f = fopen(config, "we");
    assert_non_null(f);
    (void)fclose(f);
    memcpy(sentinel.options, options, sizeof options);
    redis_start(&sentinel);
    struct event_wait w = listen_for("+slave");
    (void)snprintf(command, sizeof command, "SENTINEL MONITOR mine 127.0.0.1 %s 1", first_port);
    say(&sentinel, command);
    say(&sentinel, "SENTINEL SET mine down-after-milliseconds 300 failover-timeout 3000");
    await_event(w);
}

static int each_setup(void **state)
{
    (void)state;
    char command[64];
    redis_make(&first);
    redis_make(&second);
    redis_make(&sentinel);
    (void)snprintf(first_port, sizeof first_port, "%u", server_port());
    (void)snprintf(second_port, sizeof second_port, "%u", server_port());
    (void)snprintf(sentinel_port, sizeof sentinel_port, "%u", server_port());
    start(&first, first_port);
    start(&second, second_port);
    (void)snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %s", first_port);
    say(&second, command);
    replicate();
    start_sentinel();
    return 0;
}

static int each_teardown(void **state)
{
    (void)state;
    conformance_boot_freeze(false);
    redis_remove(&sentinel);
    redis_remove(&second);
    redis_remove(&first);
    first.pid = second.pid = sentinel.pid = 0;
    return 0;
}

/* --- the engine --- */

static struct cardea_status try_open(const char *hosts, const char *rest, struct sessions **out)
{
    struct redis_options o;
    char url[256];
    message[0] = '\0';
    (void)snprintf(url, sizeof url, "redis-sentinel://%s/%s", hosts, rest);
    struct cardea_status s = redis_options_read(view_text(url), &o, message, sizeof message);
    if (!cardea_ok(s))
        return s;
    o.boot_ms = conformance_boot_ms;
    o.wall_ms = wall_ms;
    return sessions_redis_open(&o, out, message, sizeof message);
}

static const char *the_sentinel(void)
{
    static char host[32];
    (void)snprintf(host, sizeof host, "127.0.0.1:%s", sentinel_port);
    return host;
}

static struct sessions *open_sessions(const char *hosts)
{
    struct sessions *s = NULL;
    if (!cardea_ok(try_open(hosts, "mine?prefix=t", &s)))
        fail_msg("%s", message);
    return s;
}

static bool there(const struct redis_server *r, struct session_id sid)
{
    char command[80];
    struct buf b = buf_fixed(command, sizeof command);
    buf_text(&b, "EXISTS t:s:");
    buf_session_id(&b, sid);
    assert_true(buf_terminate(&b));
    return redis_ask(r, command) == 1;
}

static struct session_record record(unsigned number)
{
    return sample_session(number, sample_user(1).id);
}

static void a_dead_primary_is_followed_by_the_new_one(void **state)
{
    (void)state;
    struct sessions *s = open_sessions(the_sentinel());
    struct session_record before = record(1), after = record(2), later = record(3), got;
    assert_ok(s->ops->create(s, soon(), &before));
    replicate();
    struct event_wait w = listen_for("+switch-master");
    server_stop(first.pid, SIGKILL);
    assert_code(s->ops->get(s, soon(), before.sid, &got), E_UNAVAILABLE);
    await_event(w);
    conformance_boot_move(REDIS_AWAY_MS);
    assert_ok(s->ops->get(s, soon(), before.sid, &got));
    assert_ok(s->ops->create(s, soon(), &after));
    assert_true(there(&second, after.sid));
    /* Back again, it takes itself for a primary until it is told. */
    redis_start(&first);
    conformance_boot_move(REDIS_ASK_MS);
    assert_ok(s->ops->create(s, soon(), &later));
    assert_true(there(&second, later.sid));
    s->ops->close(s);
}

/* Paused, and on again after another became the primary: our connections to it are as good as ever, and it has not
 * heard of it yet. */
static void a_primary_that_was_paused_gets_nothing_more(void **state)
{
    (void)state;
    struct sessions *s = open_sessions(the_sentinel());
    struct session_record before = record(1), after = record(2), got;
    assert_ok(s->ops->create(s, soon(), &before));
    replicate();
    struct event_wait w = listen_for("+switch-master");
    (void)kill(first.pid, SIGSTOP);
    await_event(w);
    say(&sentinel, "SENTINEL REMOVE mine"); /* so that none demotes it during the test */
    char command[64];
    (void)snprintf(command, sizeof command, "SENTINEL MONITOR mine 127.0.0.1 %s 1", second_port);
    say(&sentinel, command);
    (void)kill(first.pid, SIGCONT);
    conformance_boot_move(REDIS_ASK_MS);
    assert_ok(s->ops->create(s, soon(), &after));
    assert_true(there(&second, after.sid));
    assert_false(there(&first, after.sid));
    assert_ok(s->ops->get(s, soon(), before.sid, &got));
    s->ops->close(s);
}

/* A server that was told, over a connection that it kept. */
static void a_demoted_primary_is_not_written_to(void **state)
{
    (void)state;
    struct redis_options o;
    struct sessions *s = NULL;
    char url[64], command[64];
    struct session_record before = record(1), after = record(2);
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%s?prefix=t", first_port);
    assert_ok(redis_options_read(view_text(url), &o, message, sizeof message));
    o.boot_ms = conformance_boot_ms;
    o.wall_ms = wall_ms;
    assert_ok(sessions_redis_open(&o, &s, message, sizeof message));
    assert_ok(s->ops->create(s, soon(), &before));
    say(&second, "REPLICAOF NO ONE");
    (void)snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %s", second_port);
    say(&first, command);
    assert_code(s->ops->create(s, soon(), &after), E_UNAVAILABLE);
    assert_false(there(&first, after.sid));
    assert_false(there(&second, after.sid));
    s->ops->close(s);
}

/* One that is dead, one that takes connections and says nothing, one that works. */
static void one_sentinel_that_answers_is_enough(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    char hosts[96];
    struct session_record r = record(1), got;
    int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(mute, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(mute, 8), 0);
    assert_int_equal(getsockname(mute, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(hosts, sizeof hosts, "127.0.0.1:%u,127.0.0.1:%u,%s", server_port(), (unsigned)ntohs(a.sin_port),
                   the_sentinel());
    struct sessions *s = open_sessions(hosts);
    assert_ok(s->ops->create(s, soon(), &r));
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    /* With none left what is there goes on. */
    (void)kill(sentinel.pid, SIGSTOP);
    conformance_boot_move(REDIS_ASK_MS);
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    (void)kill(sentinel.pid, SIGCONT);
    s->ops->close(s);
    (void)close(mute);
}

static void refused(const char *rest, const char *why)
{
    struct sessions *s = NULL;
    assert_false(cardea_ok(try_open(the_sentinel(), rest, &s)));
    if (strstr(message, why) == NULL)
        fail_msg("\"%s\", wanted \"%s\"", message, why);
}

static void what_the_sentinel_says_is_told(void **state)
{
    (void)state;
    char file[80], rest[160];
    struct sessions *s = NULL;
    refused("yours", "knows no primary called yours");
    say(&sentinel, "ACL SETUSER default on >secret");
    refused("mine", "NOAUTH");
    (void)snprintf(file, sizeof file, "%s/password", sentinel.folder);
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    (void)fputs("secret\n", f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    (void)fclose(f);
    (void)snprintf(rest, sizeof rest, "mine?sentinel_user=nobody&sentinel_password_file=%s", file);
    refused(rest, "WRONGPASS");
    (void)snprintf(rest, sizeof rest, "mine?sentinel_password_file=%s", file);
    assert_ok(try_open(the_sentinel(), rest, &s));
    s->ops->close(s);
    server_stop(sentinel.pid, SIGKILL);
    refused("mine", "it takes no connection");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, each_setup, each_teardown)

int main(void)
{
    if (!redis_installed())
        return 77;
    static const struct CMUnitTest tests[] = {
        CASE(a_dead_primary_is_followed_by_the_new_one),
        CASE(a_primary_that_was_paused_gets_nothing_more),
        CASE(a_demoted_primary_is_not_written_to),
        CASE(one_sentinel_that_answers_is_enough),
        CASE(what_the_sentinel_says_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
