/* Redis that asks who is there: passwords, users that may do little, TLS with certificates that are not what they
 * should be. The servers and the certificates are made here. */
#include "redis_server.h"
#include "store_conformance.h"

#include "store/redis/redis.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct redis_server server;
static char port[8], tls_port[8];

static int64_t wall_ms(void)
{
    return 1700000000000;
}

static const char *in_folder(const char *name)
{
    static char paths[8][80];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", server.folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "we");
    assert_non_null(f);
    (void)fputs(text, f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    (void)fclose(f);
}

/* --- certificates --- */

static void openssl(const char *const *argv)
{
    assert_int_equal(server_run(argv, NULL), 0);
}

static void make_authority(const char *name)
{
    char key[40], certificate[40];
    (void)snprintf(key, sizeof key, "%s.key", name);
    (void)snprintf(certificate, sizeof certificate, "%s.pem", name);
    openssl((const char *const[]){"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                  "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=authority",
                                  "-keyout", in_folder(key), "-out", in_folder(certificate), NULL});
}

/* server.pem and server.key, of the authority, for these names. */
static void make_certificate(const char *names, const char *days)
{
    char extension[160];
    (void)snprintf(extension, sizeof extension, "subjectAltName=%s\n", names);
    write_file("names", extension);
    openssl((const char *const[]){"/usr/bin/openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                                  "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server", "-keyout",
                                  in_folder("server.key"), "-out", in_folder("request"), NULL});
    openssl((const char *const[]){"/usr/bin/openssl", "x509", "-req", "-in", in_folder("request"), "-CA",
                                  in_folder("ca.pem"), "-CAkey", in_folder("ca.key"), "-CAcreateserial", "-days", days,
                                  "-extfile", in_folder("names"), "-out", in_folder("server.pem"), NULL});
}

/* The server again, with the certificate that there is now. */
static void restart(void)
{
    static char certificate[80], key[80], ca[80];
    (void)snprintf(certificate, sizeof certificate, "%s", in_folder("server.pem"));
    (void)snprintf(key, sizeof key, "%s", in_folder("server.key"));
    (void)snprintf(ca, sizeof ca, "%s", in_folder("ca.pem"));
    const char *const options[] = {"--bind",    "127.0.0.1",          "-::1",   "--port",
                                   port,        "--tls-port",         tls_port, "--tls-cert-file",
                                   certificate, "--tls-key-file",     key,      "--tls-ca-cert-file",
                                   ca,          "--tls-auth-clients", "no",     NULL};
    memcpy(server.options, options, sizeof options);
    if (server.pid > 0)
        server_stop(server.pid, SIGTERM);
    redis_start(&server);
}

/* --- the engine --- */

static char message[320];

static struct cardea_status try_open(const char *url, struct sessions **out)
{
    struct redis_options o;
    message[0] = '\0';
    struct cardea_status s = redis_options_read(view_text(url), &o, message, sizeof message);
    if (!cardea_ok(s))
        return s;
    o.boot_ms = conformance_boot_ms;
    o.wall_ms = wall_ms;
    return sessions_redis_open(&o, out, message, sizeof message);
}

static void works(const char *url)
{
    struct sessions *s = NULL;
    struct session_record r = sample_session(1, sample_user(1).id), got;
    if (!cardea_ok(try_open(url, &s)))
        fail_msg("%s: %s", url, message);
    int64_t soon = conformance_boot_ms() + 5000;
    struct session_record next = r;
    struct session_id below[4];
    struct session_record list[3];
    struct cursor end;
    struct page page = {.limit = 2};
    uint32_t count = 0;
    next.generation++;
    assert_ok(s->ops->create(s, soon, &r));
    assert_ok(s->ops->get(s, soon, r.sid, &got));
    assert_ok(s->ops->rotate(s, soon, &next, r.generation));
    assert_ok(s->ops->touch(s, soon, &r.sid, &r.last_seen_at_ms, 1));
    assert_ok(s->ops->find_below(s, soon, r.user, r.epoch + 1, (struct session_id){{0}}, below, 4, &count));
    assert_int_equal(count, 1);
    assert_ok(s->ops->list(s, soon, &r.user, 0, &page, list, &count, &end));
    assert_int_equal(count, 1);
    assert_ok(s->ops->list(s, soon, NULL, 0, &page, list, &count, &end));
    assert_int_equal(count, 1);
    assert_ok(s->ops->scan(s, soon, (struct session_id){{0}}, list, 3, &count));
    assert_int_equal(count, 1); /* nothing is left of what was tried out at the start */
    assert_ok(s->ops->sweep(s, soon, wall_ms(), 10, &count));
    assert_int_equal(count, 0);
    assert_ok(s->ops->remove(s, soon, &r.sid, 1));
    assert_int_equal(redis_ask(&server, "DBSIZE"), 0);
    s->ops->close(s);
}

static void refused(const char *url, const char *why)
{
    struct sessions *s = NULL;
    assert_false(cardea_ok(try_open(url, &s)));
    assert_null(s);
    if (strstr(message, why) == NULL)
        fail_msg("%s: \"%s\", wanted \"%s\"", url, message, why);
}

static const char *at(const char *scheme, const char *host, const char *which, const char *options)
{
    static char url[256];
    (void)snprintf(url, sizeof url, "%s://%s:%s/0?%s", scheme, host, which, options);
    return url;
}

static const char *with_ca(const char *file)
{
    static char option[96];
    (void)snprintf(option, sizeof option, "ca=%s", in_folder(file));
    return option;
}

/* --- TLS --- */

static void a_certificate_of_the_right_name_is_taken(void **state)
{
    (void)state;
    make_certificate("DNS:localhost,IP:127.0.0.1,IP:::1", "2");
    restart();
    works(at("rediss", "localhost", tls_port, with_ca("ca.pem")));
    works(at("rediss", "127.0.0.1", tls_port, with_ca("ca.pem")));
    if (access("/proc/net/if_inet6", R_OK) == 0)
        works(at("rediss", "[::1]", tls_port, with_ca("ca.pem")));
}

static void another_name_is_refused(void **state)
{
    (void)state;
    make_certificate("DNS:redis.example.com,DNS:*.localhost", "2");
    restart();
    refused(at("rediss", "localhost", tls_port, with_ca("ca.pem")), "its certificate is for another name");
    refused(at("rediss", "127.0.0.1", tls_port, with_ca("ca.pem")), "its certificate is for another name");
    make_certificate("DNS:localhost", "2");
    restart();
    works(at("rediss", "localhost", tls_port, with_ca("ca.pem")));
    refused(at("rediss", "127.0.0.1", tls_port, with_ca("ca.pem")), "its certificate is for another name");
}

static void another_authority_is_refused(void **state)
{
    (void)state;
    make_certificate("DNS:localhost", "2");
    restart();
    make_authority("stranger"); /* of the same name */
    refused(at("rediss", "localhost", tls_port, with_ca("stranger.pem")), "its certificate is ");
    refused(at("rediss", "localhost", tls_port, ""), "of no authority that is trusted here");
    refused(at("rediss", "localhost", tls_port, with_ca("nothing.pem")), "no authority can be read");
}

static void a_certificate_that_is_over_is_refused(void **state)
{
    (void)state;
    make_certificate("DNS:localhost", "-1");
    restart();
    refused(at("rediss", "localhost", tls_port, with_ca("ca.pem")), "its certificate's time has passed");
}

static void tls_and_plain_do_not_meet(void **state)
{
    (void)state;
    make_certificate("DNS:localhost", "2");
    restart();
    refused(at("rediss", "localhost", port, with_ca("ca.pem")), "the TLS handshake failed");
    refused(at("redis", "localhost", tls_port, ""), "stopped answering");
}

/* --- users --- */

/* What docs/stores.md tells the operator to give. */
#define RIGHTS                                                                                                         \
    "-@all +evalsha +script|load +role +info +select +hget +hmget +hset +pexpire +pttl +zadd +zrem +del +exists "      \
    "+zrangebyscore +zrevrangebyscore +zrangebylex +incrby +decrby +get +set +getdel"

static void passwords(void **state)
{
    (void)state;
    char options[160];
    write_file("right", "secret\n");
    write_file("wrong", "guess\n");
    assert_true(redis_tell(&server, "ACL SETUSER cardea reset on >secret ~cardea:* " RIGHTS, "+OK"));
    (void)snprintf(options, sizeof options, "user=cardea&password_file=%s", in_folder("wrong"));
    refused(at("redis", "127.0.0.1", port, options), "WRONGPASS");
    (void)snprintf(options, sizeof options, "user=nobody&password_file=%s", in_folder("right"));
    refused(at("redis", "127.0.0.1", port, options), "WRONGPASS");
    (void)snprintf(options, sizeof options, "user=cardea&password_file=%s", in_folder("right"));
    works(at("redis", "127.0.0.1", port, options));
    assert_true(redis_tell(&server, "ACL SETUSER cardea off", "+OK"));
    refused(at("redis", "127.0.0.1", port, options), "WRONGPASS");
    assert_int_equal(chmod(in_folder("right"), 0644), 0);
    refused(at("redis", "127.0.0.1", port, options), "others may read this password file");
}

/* Each right that is missing is named at the start, not found out by the first login. */
static void rights(void **state)
{
    (void)state;
    static const char *const needed[] = {
        "evalsha",          "script|load", "role",   "info",   "hget", "hmget",  "hset",
        "pexpire",          "pttl",        "zadd",   "zrem",   "del",  "exists", "zrangebyscore",
        "zrevrangebyscore", "zrangebylex", "incrby", "decrby", "get",  "set",    "getdel"};
    char options[160], command[400];
    write_file("right", "secret\n");
    (void)snprintf(options, sizeof options, "user=cardea&password_file=%s", in_folder("right"));
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        struct sessions *s = NULL;
        (void)snprintf(command, sizeof command, "ACL SETUSER cardea reset on >secret ~cardea:* " RIGHTS " -%s",
                       needed[i]);
        assert_true(redis_tell(&server, command, "+OK"));
        assert_code(try_open(at("redis", "127.0.0.1", port, options), &s), E_USAGE);
        if (strstr(message, "permission") == NULL && strstr(message, "can't run") == NULL)
            fail_msg("without %s: \"%s\"", needed[i], message);
    }
    assert_true(redis_tell(&server, "FLUSHALL", "+OK"));
    assert_true(redis_tell(&server, "ACL SETUSER cardea reset on >secret ~other:* " RIGHTS, "+OK"));
    refused(at("redis", "127.0.0.1", port, options), "NOPERM");
    (void)snprintf(options, sizeof options, "user=cardea&prefix=other&password_file=%s", in_folder("right"));
    works(at("redis", "127.0.0.1", port, options));
}

int main(void)
{
    if (!redis_installed())
        return 77;
    redis_make(&server);
    (void)snprintf(port, sizeof port, "%u", server_port());
    (void)snprintf(tls_port, sizeof tls_port, "%u", server_port());
    make_authority("ca");
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_of_the_right_name_is_taken),
        cmocka_unit_test(another_name_is_refused),
        cmocka_unit_test(another_authority_is_refused),
        cmocka_unit_test(a_certificate_that_is_over_is_refused),
        cmocka_unit_test(tls_and_plain_do_not_meet),
        cmocka_unit_test(passwords),
        cmocka_unit_test(rights),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_remove(&server);
    return failed;
}
