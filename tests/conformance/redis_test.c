/* The conformance suite on Redis, behind accounts in SQLite, against a server that this program starts on a socket in a
 * folder of its own. And what only a server can do to us: restart, hang, forget its scripts, be a replica, evict. */
#include "store_conformance.h"

#include "store/mixture.h"
#include "store/redis/redis.h"
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[sizeof "/tmp/cardea-redis-XXXXXX"], socket_path[64], database[64];
static pid_t server;
static int64_t wall = 1700000000000;

static int64_t wall_ms(void)
{
    return wall;
}

static int connect_once(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, socket_path, sizeof socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* One command on a connection of its own, and whether the answer begins so. */
static bool tell(const char *command, const char *answer)
{
    char got[64] = "";
    int fd = connect_once();
    if (fd < 0)
        return false;
    ssize_t n = write(fd, command, strlen(command));
    if (n > 0)
        n = read(fd, got, sizeof got - 1);
    (void)close(fd);
    return n > 0 && strncmp(got, answer, strlen(answer)) == 0;
}

/* Until it answers: each try waits for the kernel, not for the clock. */
static void start_server(void)
{
    server = fork();
    if (server == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 1);
        (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--dir", folder,
                     "--save", "", "--appendonly", "no", (char *)NULL);
        _exit(127);
    }
    assert_true(server > 0);
    for (int i = 0; i < 3000; i++) {
        if (tell("PING\r\n", "+PONG"))
            return;
        assert_int_equal(waitpid(server, NULL, WNOHANG), 0);
        (void)poll(NULL, 0, 5);
    }
    fail_msg("redis-server does not answer");
}

static void stop_server(int how)
{
    (void)kill(server, how);
    (void)kill(server, SIGCONT);
    (void)waitpid(server, NULL, 0);
}

static struct redis_options options(void)
{
    struct redis_options o;
    char url[128], message[256] = "";
    (void)snprintf(url, sizeof url, "redis+unix://%s?prefix=t", socket_path);
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
    assert_true(tell("FLUSHALL\r\n", "+OK"));
}

static const struct engine_under_test redis = {.name = "sqlite and redis",
                                               .accounts = true,
                                               .sessions = true,
                                               .durable = true,
                                               .expires = true,
                                               .open = open_mixture,
                                               .wipe = wipe};

static int64_t soon(void)
{
    return conformance_boot_ms() + 2000;
}

static int each(void **state)
{
    (void)state;
    wipe();
    return 0;
}

static void a_restarted_server_is_found_again(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), got;
    assert_ok(s->ops->create(s, soon(), &r));
    stop_server(SIGKILL);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE); /* at once: it was away a moment ago */
    start_server();
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
    assert_true(tell("CLIENT KILL TYPE normal SKIPME yes\r\n", ":1"));
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    assert_true(tell("SCRIPT FLUSH\r\n", "+OK"));
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
    (void)kill(server, SIGSTOP);
    int64_t before = conformance_boot_ms();
    assert_code(s->ops->get(s, before + 200, r.sid, &got), E_UNAVAILABLE);
    assert_in_range(conformance_boot_ms() - before, 200, 1000);
    before = conformance_boot_ms();
    assert_code(s->ops->get(s, before + 60000, r.sid, &got), E_UNAVAILABLE);
    assert_in_range(conformance_boot_ms() - before, 0, 100);
    (void)kill(server, SIGCONT);
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

static void records_expire_by_themselves(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = sample_session(1, sample_user(1).id), kept = sample_session(2, sample_user(1).id), got;
    r.expires_at_ms = wall + 30;
    assert_ok(s->ops->create(s, soon(), &r));
    assert_ok(s->ops->create(s, soon(), &kept));
    struct cardea_status there = CARDEA_SUCCESS;
    for (int i = 0; i < 400 && cardea_ok(there); i++) {
        there = s->ops->get(s, soon(), r.sid, &got);
        (void)poll(NULL, 0, 5);
    }
    assert_int_equal(there.code, CARDEA_E_NOT_FOUND);
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
    assert_true(tell("CONFIG SET maxmemory-policy allkeys-lru\r\n", "+OK"));
    refused("noeviction");
    assert_true(tell("CONFIG SET maxmemory-policy noeviction\r\n", "+OK"));
    assert_true(tell("REPLICAOF 127.0.0.1 1\r\n", "+OK"));
    refused("replica");
    assert_true(tell("REPLICAOF NO ONE\r\n", "+OK"));
    assert_true(tell("ACL SETUSER default on >secret\r\n", "+OK"));
    refused("NOAUTH");
    struct redis_options o = options();
    struct sessions *s = NULL;
    char message[256] = "";
    (void)snprintf(o.password, sizeof o.password, "wrong");
    assert_code(sessions_redis_open(&o, &s, message, sizeof message), E_USAGE);
    (void)snprintf(o.password, sizeof o.password, "secret");
    assert_ok(sessions_redis_open(&o, &s, message, sizeof message));
    s->ops->close(s);
    assert_true(tell("AUTH secret\r\nACL SETUSER default on nopass\r\n", "+OK"));
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
    memcpy(folder, "/tmp/cardea-redis-XXXXXX", sizeof folder);
    if (access("/usr/bin/redis-server", X_OK) != 0) {
        (void)fprintf(stderr, "redis-server is not installed\n");
        return 77;
    }
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
    (void)snprintf(database, sizeof database, "%s/accounts.db", folder);
    start_server();
    int failed = store_conformance_run(&redis);
    static const struct CMUnitTest own[] = {
        cmocka_unit_test_setup(a_restarted_server_is_found_again, each),
        cmocka_unit_test_setup(idle_connections_that_died_cost_nothing, each),
        cmocka_unit_test_setup(a_server_that_hangs_is_away_by_the_deadline, each),
        cmocka_unit_test_setup(creation_and_rotation_may_be_repeated, each),
        cmocka_unit_test_setup(records_expire_by_themselves, each),
        cmocka_unit_test_setup(what_is_no_record_is_corrupt, each),
        cmocka_unit_test_setup(servers_that_will_not_do_are_refused, each),
        cmocka_unit_test(urls),
    };
    failed += cmocka_run_group_tests_name("redis", own, NULL, NULL);
    wipe();
    stop_server(SIGTERM);
    (void)unlink(socket_path);
    (void)rmdir(folder);
    return failed;
}
