/* The conformance suite on Memcached, behind accounts in SQLite, against servers that this program starts on sockets in
 * a folder of its own. And what only a server can do to us: restart, hang, evict, be one of several that is lost. */
#include "sessions_conformance.h"

#include "store/memcached/memcached.h"
#include "store/mixture.h"
#include "store/sqlite/sqlite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[sizeof "/tmp/cardea-memcached-XXXXXX"], socket_path[64], database[64];

struct server {
    pid_t pid;
    uint16_t port; /* 0: the socket */
};
static struct server on_socket;

/* The clock of the sample records; 0: this machine's. */
static int64_t wall = 1700000000000;

static int64_t wall_ms(void)
{
    if (wall != 0)
        return wall;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    struct sockaddr_in i = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    memcpy(u.sun_path, socket_path, sizeof socket_path);
    int fd = socket(port == 0 ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int done = fd < 0      ? -1
               : port == 0 ? connect(fd, (const struct sockaddr *)(const void *)&u, sizeof u)
                           : connect(fd, (const struct sockaddr *)(const void *)&i, sizeof i);
    if (done == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* One command on a connection of its own, and whether the answer begins so. */
static bool tell(uint16_t port, const char *command, const char *answer)
{
    char got[64] = "";
    int fd = connect_to(port);
    if (fd < 0)
        return false;
    ssize_t n = write(fd, command, strlen(command));
    if (n > 0)
        n = read(fd, got, sizeof got - 1);
    (void)close(fd);
    return n > 0 && strncmp(got, answer, strlen(answer)) == 0;
}

/* Until it answers: each try waits for the kernel, not for the clock. */
static void start(struct server *v, const char *option, const char *value)
{
    char number[8];
    (void)snprintf(number, sizeof number, "%u", v->port);
    v->pid = fork();
    if (v->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed case leaves no server behind */
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        /* -u counts for root alone, who must name somebody. */
        const char *where = v->port == 0 ? "-s" : "-p", *name = v->port == 0 ? socket_path : number;
        (void)execlp("memcached", "memcached", "-u", "root", "-U", "0", "-l", "127.0.0.1", "-t", "2", where, name,
                     option, value, (char *)NULL);
        _exit(127);
    }
    assert_true(v->pid > 0);
    for (int i = 0; i < 3000; i++) {
        if (tell(v->port, "version\r\n", "")) /* whatever it says */
            return;
        assert_int_equal(waitpid(v->pid, NULL, WNOHANG), 0);
        (void)poll(NULL, 0, 5);
    }
    fail_msg("memcached does not answer");
}

static void stop(struct server *v, int how)
{
    if (v->pid <= 0)
        return;
    (void)kill(v->pid, how);
    (void)kill(v->pid, SIGCONT);
    (void)waitpid(v->pid, NULL, 0);
    v->pid = 0;
}

/* Stopped, with all its threads. */
static void hang(const struct server *v)
{
    int status = 0;
    (void)kill(v->pid, SIGSTOP);
    assert_int_equal(waitpid(v->pid, &status, WUNTRACED), v->pid);
    assert_true(WIFSTOPPED(status));
}

static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&a, &len), 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}

static struct cardea_status try_open(const char *url, struct sessions **out, char message[512])
{
    struct cache_options o;
    struct cardea_status s = cache_options_read(view_text(url), &o, message, 512);
    o.boot_ms = conformance_boot_ms;
    o.wall_ms = wall_ms;
    return cardea_ok(s) ? sessions_memcached_open(&o, out, message, 512) : s;
}

static struct sessions *open_url(const char *url)
{
    struct sessions *s = NULL;
    char message[512] = "";
    if (!cardea_ok(try_open(url, &s, message)))
        fail_msg("%s", message);
    assert_non_null(strstr(message, "logs out")); /* what may be lost is said */
    return s;
}

static struct sessions *open_sessions(void)
{
    char url[128];
    (void)snprintf(url, sizeof url, "memcached+unix://%s?prefix=t", socket_path);
    return open_url(url);
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
    assert_true(tell(0, "flush_all\r\n", "OK"));
}

static const struct engine_under_test memcached = {.name = "sqlite and memcached",
                                                   .accounts = true,
                                                   .sessions = true,
                                                   .durable = true,
                                                   .expires = true,
                                                   .blind = true,
                                                   .open = open_mixture,
                                                   .wipe = wipe};

static const struct sessions_under_test alone = {
    .name = "memcached", .expires = true, .blind = true, .open = open_sessions, .wipe = wipe};

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

static struct session_record session(unsigned number)
{
    return sample_session(number, sample_user(1).id);
}

/* --- one server --- */

static void a_restarted_server_has_forgotten_and_works(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = session(1), got;
    assert_ok(s->ops->create(s, soon(), &r));
    stop(&on_socket, SIGKILL);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE); /* at once: it was away a moment ago */
    (void)unlink(socket_path);
    start(&on_socket, NULL, NULL);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_UNAVAILABLE);
    conformance_boot_move(CACHE_AWAY_MS);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_NOT_FOUND);
    assert_ok(s->ops->create(s, soon(), &r));
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    /* Restarted between two calls: nobody notices but by what is gone. */
    stop(&on_socket, SIGTERM);
    (void)unlink(socket_path);
    start(&on_socket, NULL, NULL);
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_NOT_FOUND);
    s->ops->close(s);
}

static void a_server_that_hangs_is_away_by_the_deadline(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = session(1), got;
    assert_ok(s->ops->create(s, soon(), &r));
    hang(&on_socket);
    int64_t before = conformance_boot_ms();
    assert_code(s->ops->get(s, before + 200, r.sid, &got), E_UNAVAILABLE);
    assert_in_range(conformance_boot_ms() - before, 195, 1000);
    before = conformance_boot_ms();
    assert_code(s->ops->get(s, before + 60000, r.sid, &got), E_UNAVAILABLE);
    assert_in_range(conformance_boot_ms() - before, 0, 100);
    conformance_boot_move(CACHE_AWAY_MS);
    before = conformance_boot_ms();
    assert_code(s->ops->get(s, before + 300, r.sid, &got), E_UNAVAILABLE); /* connected by the kernel, never answered */
    assert_in_range(conformance_boot_ms() - before, 0, 1000);
    (void)kill(on_socket.pid, SIGCONT);
    conformance_boot_move(CACHE_AWAY_MS);
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    hang(&on_socket);
    before = conformance_boot_ms();
    s->ops->close(s); /* does not wait for it either */
    assert_in_range(conformance_boot_ms() - before, 0, 1000);
    (void)kill(on_socket.pid, SIGCONT);
}

struct asker {
    struct sessions *sessions;
    struct session_id sid;
    int64_t took_ms;
};

static void *ask_of_hanging(void *context)
{
    struct asker *a = context;
    struct session_record got;
    int64_t before = conformance_boot_ms();
    struct cardea_status s = a->sessions->ops->get(a->sessions, before + 400, a->sid, &got);
    a->took_ms = s.code == CARDEA_E_UNAVAILABLE ? conformance_boot_ms() - before : INT64_MAX;
    return NULL;
}

/* More callers than connections: those that get none are let go at their deadline too. */
static void the_pool_is_bounded_and_lets_go(void **state)
{
    (void)state;
    enum { ASKERS = CACHE_CONNECTIONS * 3 };
    struct sessions *s = open_sessions();
    struct asker askers[ASKERS];
    pthread_t threads[ASKERS];
    struct session_record r = session(1), got;
    assert_ok(s->ops->create(s, soon(), &r));
    hang(&on_socket);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.sessions = s, .sid = r.sid};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_of_hanging, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_in_range(askers[i].took_ms, 0, 2000);
    }
    (void)kill(on_socket.pid, SIGCONT);
    conformance_boot_move(CACHE_AWAY_MS);
    assert_ok(s->ops->get(s, soon(), r.sid, &got));
    s->ops->close(s);
}

static void creation_and_rotation_may_be_repeated(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = session(1), next, rival;
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

struct rotator {
    struct sessions *sessions;
    struct session_record record;
    uint32_t won;
};

static void *rotate_often(void *context)
{
    struct rotator *r = context;
    for (uint64_t g = 1; g <= 200; g++) {
        struct session_record next = r->record;
        next.generation = g + 1;
        next.last_seen_at_ms += (int64_t)g;
        r->won += cardea_ok(r->sessions->ops->rotate(r->sessions, soon(), &next, g));
        int64_t seen = next.last_seen_at_ms;
        (void)r->sessions->ops->touch(r->sessions, soon(), &next.sid, &seen, 1);
    }
    return NULL;
}

/* Two engines, as two nodes would have them, each with touches in between. */
static void of_rivals_one_rotates(void **state)
{
    (void)state;
    enum { RIVALS = 4 };
    struct sessions *two[] = {open_sessions(), open_sessions()};
    struct rotator rivals[RIVALS];
    pthread_t threads[RIVALS];
    struct session_record r = session(0), got;
    r.generation = 1;
    assert_ok(two[0]->ops->create(two[0], soon(), &r));
    for (int i = 0; i < RIVALS; i++) {
        rivals[i] = (struct rotator){.sessions = two[i % 2], .record = r};
        memset(rivals[i].record.refresh_nonce, i + 1, sizeof r.refresh_nonce);
        assert_int_equal(pthread_create(&threads[i], NULL, rotate_often, &rivals[i]), 0);
    }
    uint32_t won = 0;
    for (int i = 0; i < RIVALS; i++) {
        (void)pthread_join(threads[i], NULL);
        won += rivals[i].won;
    }
    assert_ok(two[1]->ops->get(two[1], soon(), r.sid, &got));
    assert_int_equal(won, got.generation - 1); /* each generation had exactly one winner */
    assert_true(won > 0);
    two[0]->ops->close(two[0]);
    two[1]->ops->close(two[1]);
}

static void records_expire_by_themselves(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = session(1), kept = session(2), far = session(3), got;
    r.expires_at_ms = wall + 30;
    assert_ok(s->ops->create(s, soon(), &r));
    assert_ok(s->ops->create(s, soon(), &kept));
    int64_t samples = wall;
    wall = 0;
    far.expires_at_ms = wall_ms() + (int64_t)40 * 24 * 3600 * 1000; /* past what Memcached counts in seconds */
    far.last_seen_at_ms = wall_ms();
    far.idle_ms = 0;
    assert_ok(s->ops->create(s, soon(), &far));
    wall = samples;
    struct cardea_status there = CARDEA_SUCCESS;
    for (int i = 0; i < 2000 && cardea_ok(there); i++) {
        there = s->ops->get(s, soon(), r.sid, &got);
        (void)poll(NULL, 0, 5);
    }
    assert_int_equal(there.code, CARDEA_E_NOT_FOUND);
    assert_ok(s->ops->get(s, soon(), kept.sid, &got));
    assert_ok(s->ops->get(s, soon(), far.sid, &got));
    s->ops->close(s);
}

static void key_of(const struct session_record *r, char key[64])
{
    struct buf b = buf_fixed(key, 64);
    buf_text(&b, "t:s:");
    buf_session_id(&b, r->sid);
    assert_true(buf_terminate(&b));
}

static void what_is_no_record_is_corrupt(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = session(1), other = session(2), got;
    struct page page = {.limit = 10};
    struct cursor next;
    uint32_t count = 9;
    char key[64], command[32768];
    key_of(&r, key);
    assert_ok(s->ops->create(s, soon(), &r));
    (void)snprintf(command, sizeof command, "set %s 0 0 8\r\nnonsense\r\n", key);
    assert_true(tell(0, command, "STORED"));
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_CORRUPT);
    assert_code(s->ops->rotate(s, soon(), &r, 1), E_CORRUPT);
    (void)snprintf(command, sizeof command, "set %s 0 0 1000\r\n%01000d\r\n", key, 0);
    assert_true(tell(0, command, "STORED"));
    assert_code(s->ops->get(s, soon(), r.sid, &got), E_CORRUPT);
    assert_ok(s->ops->list(s, soon(), &r.user, 0, &page, &got, &count, &next));
    assert_int_equal(count, 0);
    /* A broken index is none, and is written anew. */
    struct buf b = buf_fixed(key, sizeof key);
    buf_text(&b, "t:u:");
    buf_session_id(&b, *(const struct session_id *)(const void *)&r.user);
    assert_true(buf_terminate(&b));
    for (int length = 8; length <= 30000; length += 29992) {
        (void)snprintf(command, sizeof command, "set %s 0 0 %d\r\n%0*d\r\n", key, length, length, 0);
        assert_true(tell(0, command, "STORED"));
        count = 9;
        assert_ok(s->ops->list(s, soon(), &r.user, 0, &page, &got, &count, &next));
        assert_int_equal(count, 0);
    }
    assert_ok(s->ops->create(s, soon(), &other));
    assert_ok(s->ops->list(s, soon(), &r.user, 0, &page, &got, &count, &next));
    assert_int_equal(count, 1);
    s->ops->close(s);
}

static void an_index_keeps_the_newest_that_are_there(void **state)
{
    (void)state;
    struct sessions *s = open_sessions();
    struct session_record r = session(1), out[PAGE_MAX];
    struct session_id first = {{0}};
    struct page page = {.limit = PAGE_MAX};
    struct cursor next;
    uint32_t count = 0, listed = 0;
    for (uint32_t i = 0; i < CACHE_INDEX_MAX + 3; i++) { /* one lives, the others end at once */
        r.created_at_ms++;
        memcpy(r.sid.bytes, &i, sizeof i);
        if (i == 0)
            first = r.sid;
        assert_ok(s->ops->create(s, soon(), &r));
        if (i > 0)
            assert_ok(s->ops->remove(s, soon(), &r.sid, 1));
    }
    assert_ok(s->ops->list(s, soon(), &r.user, 0, &page, out, &count, &next));
    assert_int_equal(count, 1);
    assert_memory_equal(&out[0].sid, &first, sizeof first);
    for (uint32_t i = 0; i < CACHE_INDEX_MAX + 3; i++) { /* all live: the oldest are not named any more */
        r.created_at_ms++;
        memcpy(r.sid.bytes + 4, "new!", 4);
        memcpy(r.sid.bytes, &i, sizeof i);
        assert_ok(s->ops->create(s, soon(), &r));
    }
    do {
        assert_ok(s->ops->list(s, soon(), &r.user, 0, &page, out, &count, &next));
        listed += count;
        page.after = next;
    } while (next.text[0] != '\0');
    assert_int_equal(listed, CACHE_INDEX_MAX);
    assert_ok(s->ops->get(s, soon(), first, &out[0]));
    s->ops->close(s);
}

/* What the server throws away is gone for its owner, and what ended does not come back. */
static void eviction_is_a_logout(void **state)
{
    (void)state;
    enum { MANY = 8000 };
    stop(&on_socket, SIGTERM);
    (void)unlink(socket_path);
    start(&on_socket, "-m", "4");
    struct store *s = open_mixture();
    struct session_record r = session(0), got, ended = session(1);
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->session_create(tx, &ended));
    assert_ok(s->ops->session_delete(tx, ended.sid));
    struct event e = sample_event(1);
    e.revocation = (struct revocation){.kind = REVOCATION_SESSION, .until_ms = INT64_MAX};
    memcpy(e.revocation.id, ended.sid.bytes, sizeof ended.sid.bytes);
    assert_ok(s->ops->event_append(tx, &e));
    for (uint32_t i = 0; i < MANY; i++) {
        struct user_id user = sample_user(i).id;
        r = sample_session(i + 2, user);
        memcpy(r.sid.bytes + 8, &i, sizeof i);
        memset(r.user_agent, 'x', sizeof r.user_agent - 1);
        assert_ok(s->ops->session_create(tx, &r));
    }
    commit(s, tx);
    uint32_t there = 0;
    tx = open_read(s);
    for (uint32_t i = 0; i < MANY; i++) {
        r = sample_session(i + 2, sample_user(i).id);
        memcpy(r.sid.bytes + 8, &i, sizeof i);
        struct cardea_status status = s->ops->session_get(tx, r.sid, &got);
        assert_true(cardea_ok(status) || status.code == CARDEA_E_NOT_FOUND);
        there += cardea_ok(status);
    }
    s->ops->abort(tx);
    assert_in_range(there, 1, MANY - 1);
    struct session_record again = ended; /* as a server that falls back to an older state would have it */
    struct sessions *behind = open_sessions();
    assert_ok(behind->ops->create(behind, soon(), &again));
    behind->ops->close(behind);
    tx = open_read(s);
    assert_code(s->ops->session_get(tx, ended.sid, &got), E_NOT_FOUND);
    s->ops->abort(tx);
    s->ops->close(s);
    stop(&on_socket, SIGTERM);
    (void)unlink(socket_path);
    start(&on_socket, NULL, NULL);
}

static void refused(const char *option, const char *value, const char *why)
{
    struct sessions *s = NULL;
    char message[512] = "", url[128];
    struct server v = {.port = free_port()};
    start(&v, option, value);
    (void)snprintf(url, sizeof url, "memcached://127.0.0.1:%u", v.port);
    struct cardea_status status = try_open(url, &s, message);
    stop(&v, SIGTERM);
    assert_int_equal(status.code, CARDEA_E_USAGE);
    if (strstr(message, why) == NULL)
        fail_msg("%s", message);
}

static void servers_that_will_not_do_are_refused(void **state)
{
    (void)state;
    char file[96], message[512] = "", url[128];
    struct sessions *s = NULL;
    refused("-C", NULL, "compare-and-swap");
    refused("-I16k", "-oslab_chunk_max=8", "items");
    (void)snprintf(file, sizeof file, "%s/passwords", folder);
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_true(fputs("user:secret\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    refused("-Y", file, "password");
    (void)unlink(file);
    (void)snprintf(url, sizeof url, "memcached://127.0.0.1:%u", free_port());
    assert_code(try_open(url, &s, message), E_UNAVAILABLE);
    assert_non_null(strstr(message, "does not answer"));
}

/* --- several --- */

static void one_of_several_may_be_lost(void **state)
{
    (void)state;
    enum { SERVERS = 3, SESSIONS = 60 };
    struct server v[SERVERS];
    char url[256] = "memcached://";
    for (int i = 0; i < SERVERS; i++) {
        v[i] = (struct server){.port = free_port()};
        start(&v[i], NULL, NULL);
        (void)snprintf(url + strlen(url), sizeof url - strlen(url), "%s127.0.0.1:%u", i == 0 ? "" : ",", v[i].port);
    }
    struct sessions *s = open_url(url);
    struct session_record got, page_rows[SESSIONS];
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session_record r = session(i);
        memset(r.sid.bytes, (int)(i * 4 + 1), sizeof r.sid.bytes);
        assert_ok(s->ops->create(s, soon(), &r));
    }
    struct page page = {.limit = SESSIONS};
    struct cursor next;
    struct user_id user = sample_user(1).id;
    uint32_t count = 0, there = 0, away = 0;
    assert_ok(s->ops->list(s, soon(), &user, 0, &page, page_rows, &count, &next));
    assert_int_equal(count, SESSIONS);
    stop(&v[1], SIGKILL);
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session_id sid;
        memset(sid.bytes, (int)(i * 4 + 1), sizeof sid.bytes);
        struct cardea_status status = s->ops->get(s, soon(), sid, &got);
        there += cardea_ok(status);
        away += status.code == CARDEA_E_UNAVAILABLE;
    }
    assert_int_equal(there + away, SESSIONS);
    assert_in_range(away, 1, SESSIONS - 1);
    struct cardea_status listed = s->ops->list(s, soon(), &user, 0, &page, page_rows, &count, &next);
    assert_true(listed.code == CARDEA_E_UNAVAILABLE || (cardea_ok(listed) && count == there));
    struct sessions *late = open_url(url); /* a node that starts meanwhile */
    late->ops->close(late);
    start(&v[1], NULL, NULL);
    conformance_boot_move(CACHE_AWAY_MS);
    uint32_t gone = 0;
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session_id sid;
        memset(sid.bytes, (int)(i * 4 + 1), sizeof sid.bytes);
        gone += s->ops->get(s, soon(), sid, &got).code == CARDEA_E_NOT_FOUND;
    }
    assert_int_equal(gone, away);
    s->ops->close(s);
    for (int i = 0; i < SERVERS; i++)
        stop(&v[i], SIGTERM);
}

static void urls(void **state)
{
    (void)state;
    struct cache_options o;
    char message[512];
    static const char *const bad[] = {"",
                                      "memcached:",
                                      "memcached://",
                                      "memcached://:11211",
                                      "memcached://h:0",
                                      "memcached://h:65536",
                                      "memcached://h:x",
                                      "memcached://h,",
                                      "memcached://h,h:11211",
                                      "memcached://h/0",
                                      "memcached://user:secret@h",
                                      "memcached://h?nothing=1",
                                      "memcached://h?prefix",
                                      "memcached://h?prefix=",
                                      "memcached://h?prefix=a%20b",
                                      "memcached://h?prefix=a b",
                                      "memcached://h?prefix=123456789012345678901234567890123",
                                      "memcached://h?password_file=/x",
                                      "memcached+unix://x",
                                      "memcached+unix://",
                                      "memcached://[::1",
                                      "memcached://a b",
                                      "http://h"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        message[0] = '\0';
        if (cardea_ok(cache_options_read(view_text(bad[i]), &o, message, sizeof message)))
            fail_msg("%s", bad[i]);
        assert_true(message[0] != '\0');
    }
    assert_ok(cache_options_read(VIEW("memcached://[::1]:7000,b,c:3?prefix=a"), &o, message, sizeof message));
    assert_int_equal(o.host_count, 3);
    assert_string_equal(o.hosts[0].name, "::1");
    assert_int_equal(o.hosts[0].port, 7000);
    assert_string_equal(o.hosts[1].name, "b");
    assert_int_equal(o.hosts[1].port, 11211);
    assert_int_equal(o.hosts[2].port, 3);
    assert_string_equal(o.prefix, "a");
    assert_ok(cache_options_read(VIEW("memcached+unix:///run/m.sock"), &o, message, sizeof message));
    assert_string_equal(o.hosts[0].name, "/run/m.sock");
    assert_int_equal(o.hosts[0].port, 0);
}

int main(void)
{
    memcpy(folder, "/tmp/cardea-memcached-XXXXXX", sizeof folder);
    if (access("/usr/bin/memcached", X_OK) != 0) {
        (void)fprintf(stderr, "memcached is not installed\n");
        return 77;
    }
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
    (void)snprintf(database, sizeof database, "%s/accounts.db", folder);
    start(&on_socket, NULL, NULL);
    int failed = store_conformance_run(&memcached) + sessions_conformance_run(&alone);
    static const struct CMUnitTest own[] = {
        cmocka_unit_test_setup(a_restarted_server_has_forgotten_and_works, each),
        cmocka_unit_test_setup(a_server_that_hangs_is_away_by_the_deadline, each),
        cmocka_unit_test_setup(the_pool_is_bounded_and_lets_go, each),
        cmocka_unit_test_setup(creation_and_rotation_may_be_repeated, each),
        cmocka_unit_test_setup(of_rivals_one_rotates, each),
        cmocka_unit_test_setup(records_expire_by_themselves, each),
        cmocka_unit_test_setup(what_is_no_record_is_corrupt, each),
        cmocka_unit_test_setup(an_index_keeps_the_newest_that_are_there, each),
        cmocka_unit_test_setup(eviction_is_a_logout, each),
        cmocka_unit_test_setup(servers_that_will_not_do_are_refused, each),
        cmocka_unit_test_setup(one_of_several_may_be_lost, each),
        cmocka_unit_test(urls),
    };
    failed += cmocka_run_group_tests_name("memcached", own, NULL, NULL);
    wipe();
    stop(&on_socket, SIGTERM);
    (void)unlink(socket_path);
    (void)rmdir(folder);
    return failed;
}
