/* Can anything that somebody sent break a line, steer a terminal or hide in the log? */
#include "check.h"

#include "base/json.h"
#include "daemon/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIME_MS = 1000 };

static const char *line_of(bool json, const struct log_field *fields, size_t count)
{
    static char room[LOG_LINE_MAX + 1];
    struct buf b = buf_fixed(room, LOG_LINE_MAX);
    log_line(&b, json, TIME_MS, LOG_WARN, "it happened", fields, count);
    assert_true(buf_ok(&b));
    room[b.len] = '\0';
    return room;
}

static void lines_have_a_form(void **state)
{
    (void)state;
    struct address a = {.version = 4, .bytes = {192, 0, 2, 1}};
    assert_string_equal(
        line_of(true, LOG_FIELDS(LOG_TEXT("who", VIEW("alice")), LOG_INT("n", -7), LOG_ADDRESS("from", &a),
                                 LOG_STATUS(CARDEA_FAIL(E_BUSY)))),
        "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"warn\",\"message\":\"it happened\",\"who\":\"alice\","
        "\"n\":-7,\"from\":\"192.0.2.1\",\"status\":\"E_BUSY\"}\n");
    assert_string_equal(line_of(false, LOG_FIELDS(LOG_TEXT("who", VIEW("alice")), LOG_TEXT("what", VIEW("a b")))),
                        "1970-01-01T00:00:01.000Z warn: it happened who=alice what=\"a b\"\n");
    assert_string_equal(line_of(false, LOG_NOTHING), "1970-01-01T00:00:01.000Z warn: it happened\n");
}

/* H24: line ends, escape sequences, format strings, look-up strings, broken UTF-8, all bytes. */
static void nothing_gets_through(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    const struct view bad[] = {VIEW("a\r\n{\"level\":\"error\"}"),
                               VIEW("\x1b[2J\x1b]0;x\x07"),
                               VIEW("%s%n%n"),
                               VIEW("${jndi:ldap://x}"),
                               VIEW("\xff\xfe\xc0\xaf"),
                               VIEW("\xc2\x9b"),
                               VIEW("a\0b"),
                               VIEW("\" level=error x=\""),
                               VIEW("\\"),
                               {all, sizeof all}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int json = 0; json < 2; json++) {
            const char *line = line_of(json != 0, LOG_FIELDS(LOG_TEXT("x", bad[i])));
            size_t len = strlen(line);
            assert_int_equal(line[len - 1], '\n');
            for (size_t at = 0; at + 1 < len; at++)
                assert_false((unsigned char)line[at] < 0x20 || line[at] == 0x7f);
            assert_null(strstr(line, "\xc2\x9b"));
            if (json) {
                struct json_token tokens[16];
                struct json doc;
                assert_ok(json_read(view_of(line, len - 1), tokens, 16, &doc, NULL));
                assert_int_equal(json_type(&doc, json_get(&doc, 0, VIEW("x"))), JSON_STRING);
                assert_int_equal(tokens[0].count, 4);
            } else {
                for (size_t at = 0; at < len; at++)
                    assert_true((unsigned char)line[at] < 0x80);
                assert_null(strstr(line, "x=\"\" level"));
            }
        }
    }
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    static char text[1 << 20];
    memset(text, 'x', sizeof text);
    assert_true(strlen(line_of(true, LOG_FIELDS(LOG_TEXT("x", view_of(text, sizeof text))))) < LOG_TEXT_MAX + 120);
    /* Not in the middle of a character. */
    for (size_t i = 0; i + 1 < LOG_TEXT_MAX + 2; i += 2)
        memcpy(text + 1 + i, "\xc3\xa4", 2);
    const char *line = line_of(true, LOG_FIELDS(LOG_TEXT("x", view_of(text, sizeof text))));
    assert_null(strstr(line, "\xef\xbf\xbd"));
    assert_null(strstr(line, "\\ufffd"));
}

static void a_line_too_long_loses_fields_not_its_end(void **state)
{
    (void)state;
    static char text[LOG_TEXT_MAX];
    memset(text, '\x01', sizeof text);
    struct log_field fields[8];
    for (size_t i = 0; i < 8; i++)
        fields[i] = LOG_TEXT("x", view_of(text, sizeof text));
    const char *line = line_of(true, fields, 8);
    struct json_token tokens[32];
    struct json doc;
    /* Repeated names are ours here, so read it as far as braces go. */
    assert_int_equal(line[strlen(line) - 2], '}');
    fields[0] = LOG_TEXT("y", VIEW("z"));
    line = line_of(true, fields, 2);
    assert_ok(json_read(view_of(line, strlen(line) - 1), tokens, 32, &doc, NULL));
}

static void levels_are_kept(void **state)
{
    (void)state;
    int ends[2];
    char got[512];
    assert_int_equal(pipe(ends), 0);
    log_start(ends[1], LOG_AUTO, LOG_WARN);
    assert_true(log_wanted(LOG_ERROR));
    assert_false(log_wanted(LOG_INFO));
    log_write(LOG_INFO, "not this", LOG_NOTHING);
    log_write(LOG_ERROR, "this", LOG_NOTHING);
    ssize_t n = read(ends[0], got, sizeof got - 1);
    assert_true(n > 0);
    got[n] = '\0';
    assert_non_null(strstr(got, "\"message\":\"this\""));
    assert_null(strstr(got, "not this"));
    close(ends[0]);
    close(ends[1]);
}

/* Take all that a pipe holds. */
static size_t drain(int fd, char *out, size_t cap)
{
    size_t len = 0;
    ssize_t n;
    while (len < cap && (n = read(fd, out + len, cap - len)) > 0)
        len += (size_t)n;
    out[len < cap ? len : cap - 1] = '\0';
    return len;
}

/* The event loops write here too: a reader that stands still must not stop them. */
static void a_full_pipe_holds_nobody_back(void **state)
{
    (void)state;
    enum { LINES = 3000, ROOM = 1 << 20 };
    static char text[ROOM];
    for (int is_socket = 0; is_socket < 2; is_socket++) {
        int ends[2];
        assert_int_equal(is_socket != 0 ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
        int reader = ends[0], writer = ends[1];
        assert_int_equal(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
        log_start(writer, LOG_JSON, LOG_INFO);
        alarm(20);
        char filler[LOG_TEXT_MAX];
        memset(filler, 'x', sizeof filler);
        for (int i = 0; i < LINES; i++)
            log_write(LOG_INFO, "fill", LOG_FIELDS(LOG_TEXT("x", view_of(filler, sizeof filler))));
        size_t len = drain(reader, text, ROOM);
        assert_true(len > 0 && len < ROOM && text[len - 1] == '\n');
        unsigned got = 0;
        for (size_t i = 0; i < len; i++)
            got += text[i] == '\n';
        assert_in_range(got, 1, LINES - 1);
        log_write(LOG_INFO, "after", LOG_NOTHING);
        len = drain(reader, text, ROOM);
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "\"lines\":%u}\n", LINES - got);
        assert_non_null(strstr(text, wanted));
        assert_non_null(strstr(text, "\"message\":\"after\""));
        log_write(LOG_INFO, "again", LOG_NOTHING);
        (void)drain(reader, text, ROOM);
        assert_null(strstr(text, "dropped"));
        alarm(0);
        close(reader);
        close(writer);
    }
    log_start(STDERR_FILENO, LOG_HUMAN, LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_a_form),  cmocka_unit_test(nothing_gets_through),
        cmocka_unit_test(long_texts_are_cut), cmocka_unit_test(a_line_too_long_loses_fields_not_its_end),
        cmocka_unit_test(levels_are_kept),    cmocka_unit_test(a_full_pipe_holds_nobody_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
