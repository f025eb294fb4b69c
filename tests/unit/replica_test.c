/* Does a replica have what its source has, never believe a copy that is not whole, and never for longer than it may? */
#include "check.h"

#include "core/replica.h"
#include "core/token_format.h"
#include "crypto/random.h"
#include "table_help.h"

#include <stdlib.h>

enum { ASKED = 1000000, TEXT_MAX = 1 << 20 };
static const char FEED_ID[17] = "a feed's 16 byte";

struct pair {
    struct world from, to;
    struct feed_log *log;
    struct replica *r;
    char *text;
    struct buf b;
};

static struct pair open_pair(void)
{
    struct pair p = {.from = world_open(1000, 4, NULL), .to = world_open(1000, 4, NULL), .text = malloc(TEXT_MAX)};
    p.log = feed_log_new(64, entropy_system());
    assert_non_null(p.log);
    assert_ok(replica_new(p.to.w, entropy_system(), &p.r));
    p.b = buf_fixed(p.text, TEXT_MAX);
    return p;
}

static void close_pair(struct pair *p)
{
    replica_free(p->r);
    feed_log_free(p->log);
    world_close(&p->from);
    world_close(&p->to);
    free(p->text);
}

static void ask(struct pair *p)
{
    char target[REPLICA_TARGET_MAX];
    struct buf b = buf_fixed(target, sizeof target);
    replica_ask(p->r, ASKED, &b);
    assert_true(buf_ok(&b));
    buf_reset(&p->b);
}

static void put_line(struct pair *p, const struct feed_line *line)
{
    assert_ok(feed_write(line, &p->b));
    buf_char(&p->b, '\n');
}

static void put_begin(struct pair *p, bool snapshot, uint64_t after, uint64_t head)
{
    struct feed_line line = {.is = FEED_IS_BEGIN, .begin = {.snapshot = snapshot, .after = after, .head = head}};
    memcpy(line.begin.feed, FEED_ID, sizeof line.begin.feed);
    put_line(p, &line);
}

static void put_end(struct pair *p, uint64_t head, int64_t lease_ms, int64_t held_ms)
{
    put_line(p,
             &(struct feed_line){.is = FEED_IS_END, .end = {.head = head, .lease_ms = lease_ms, .held_ms = held_ms}});
}

static struct cardea_status give(struct pair *p)
{
    struct cardea_status s = replica_take(p->r, buf_view(&p->b), NOW);
    buf_reset(&p->b);
    return s;
}

/* All records of the source, as a stream walks them. */
static void put_all(struct pair *p)
{
    struct table_walk walk = {0};
    struct feed_line line = {.is = FEED_IS_ITEM};
    bool more = true, found;
    while (more) {
        more = table_walk(p->from.t, &walk, 100, &line.item, &found);
        if (found)
            put_line(p, &line);
    }
}

static void put_entries(struct pair *p, uint64_t after)
{
    struct feed_entry entries[64];
    struct feed_line line;
    uint32_t count = 0;
    bool some;
    assert_true(feed_log_read(p->log, after, entries, 64, &count));
    for (uint32_t i = 0; i < count; i++) {
        assert_ok(feed_look(p->from.t, &entries[i], &line, &some));
        if (some)
            put_line(p, &line);
    }
}

static void apply(struct pair *p, const struct change *c)
{
    (void)table_apply(p->from.w, c, 7, NOW).code;
    feed_log_change(p->log, c);
}

static void snapshot(struct pair *p)
{
    ask(p);
    put_begin(p, true, 0, feed_log_head(p->log));
    put_all(p);
    put_end(p, feed_log_head(p->log), 2000, 0);
    assert_ok(give(p));
}

static void changes(struct pair *p)
{
    uint64_t after = replica_position(p->r);
    ask(p);
    put_begin(p, false, after, feed_log_head(p->log));
    put_entries(p, after);
    put_end(p, feed_log_head(p->log), 2000, 0);
    assert_ok(give(p));
}

static bool believed(const struct pair *p, int64_t boot_ms)
{
    return table_valid(p->to.t, boot_ms);
}

/* --- what it holds --- */

static void a_copy_and_its_changes(void **state)
{
    struct pair p = open_pair();
    struct table_session s;
    struct table_user u;
    struct table_api_key k;
    int64_t until;
    (void)state;
    for (uint64_t n = 0; n < 100; n++) {
        struct user_record user = user_at(n, 1);
        struct session_record session = session_at(n, 5);
        if (n < 25)
            OK(put_user(&p.from, &user));
        OK(put_session(&p.from, &session));
    }
    struct api_key_record key = api_key_at(3, "read feed");
    OK(put_api_key(&p.from, &key));
    OK(end_session(&p.from, 7));
    OK(end_id(&p.from, CHANGE_TOKEN_END, jti_of(9).bytes, NOW + DAY));
    snapshot(&p);
    assert_true(believed(&p, ASKED + 1));
    for (uint64_t n = 0; n < 100; n++) {
        enum table_answer answer = find_session(&p.to, n, &s);
        assert_int_equal(answer, n == 7 ? TABLE_REVOKED : TABLE_HIT);
        if (n != 7)
            assert_int_equal(session_whole(n, &s), 5);
        if (n < 25) {
            assert_int_equal(table_find_user(p.to.t, user_of(n), 0, &u), TABLE_HIT);
            assert_int_equal(user_whole(n, &u), 1);
        }
    }
    assert_int_equal(table_find_api_key(p.to.t, api_key_of(3), &k), TABLE_HIT);
    assert_view(view_of(k.scopes, k.scopes_len), VIEW("read feed"));
    assert_memory_equal(k.digest, key.digest, 32);
    assert_int_equal(table_find_token(p.to.t, jti_of(9)), TABLE_REVOKED);
    assert_true(table_find_ended(p.to.t, CHANGE_TOKEN_END, jti_of(9).bytes, &until) && until == NOW + DAY);

    struct user_record promoted = user_at(2, 9);
    struct change c = {.kind = CHANGE_SESSION_END, .revocation.until_ms = NOW + 7 * DAY};
    memcpy(c.revocation.id, sid_of(11).bytes, 16);
    apply(&p, &c);
    apply(&p, &(struct change){.kind = CHANGE_USER_PUT, .user = &promoted});
    /* Forgotten here: not ended, and the replica does not know either. */
    table_forget(p.from.w, CHANGE_SESSION_PUT, sid_of(12).bytes);
    feed_log_note(p.log, FEED_SESSION, sid_of(12).bytes);
    changes(&p);
    assert_int_equal(find_session(&p.to, 11, &s), TABLE_REVOKED);
    assert_int_equal(find_session(&p.to, 12, &s), TABLE_MISS);
    assert_int_equal(table_find_user(p.to.t, user_of(2), 0, &u), TABLE_HIT);
    assert_int_equal(user_whole(2, &u), 9);
    assert_int_equal(replica_position(p.r), feed_log_head(p.log));
    close_pair(&p);
}

static void a_copy_replaces_everything(void **state)
{
    struct pair p = open_pair();
    struct session_record one = session_at(1, 1), two = session_at(2, 1);
    struct table_session s;
    (void)state;
    OK(put_session(&p.from, &one));
    snapshot(&p);
    assert_int_equal(find_session(&p.to, 1, &s), TABLE_HIT);
    table_clear(p.from.w);
    OK(put_session(&p.from, &two));
    uint64_t cleared = table_cleared(p.to.t);
    snapshot(&p);
    assert_int_equal(find_session(&p.to, 1, &s), TABLE_MISS);
    assert_int_equal(find_session(&p.to, 2, &s), TABLE_HIT);
    assert_int_not_equal(table_cleared(p.to.t), cleared); /* who looked meanwhile does not count */
    close_pair(&p);
}

/* A service that was started anew with other apps gives their places to others. */
static void the_apps_of_a_copy_are_all_there_are(void **state)
{
    static const char *const names[] = {"web", "shop"};
    struct pair p = open_pair();
    struct table_app app;
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct feed_line line = {.is = FEED_IS_APP, .app.app.enabled = true};
        memcpy(line.app.app.name, names[i], strlen(names[i]));
        ask(&p);
        put_begin(&p, true, 0, 1);
        for (line.app.index = 0; line.app.index < 2 - i; line.app.index++)
            put_line(&p, &line);
        put_end(&p, 1, 2000, 0);
        assert_ok(give(&p));
        assert_true(believed(&p, ASKED));
        assert_true(table_find_app(p.to.t, 0, &app) && strcmp(app.name, names[i]) == 0 && app.enabled);
    }
    assert_false(table_find_app(p.to.t, 1, &app));
    close_pair(&p);
}

static void keys_are_a_set(void **state)
{
    struct pair p = open_pair();
    struct feed_line line = {.is = FEED_IS_KEY,
                             .key = {.algorithm = TOKEN_ES256, .state = KEY_ACTIVE, .public_len = 65}};
    struct key_id kids[4];
    (void)state;
    ask(&p);
    put_begin(&p, true, 0, 1);
    put_line(&p, &(struct feed_line){.is = FEED_IS_KEYS, .keys = 2});
    for (uint64_t n = 1; n <= 2; n++) {
        line.key.kid = kid_of(n);
        put_line(&p, &line);
    }
    put_end(&p, 1, 2000, 0);
    assert_ok(give(&p));
    assert_int_equal(table_list_keys(p.to.t, kids, 4), 2);
    ask(&p);
    put_begin(&p, false, 1, 2);
    put_line(&p, &(struct feed_line){.is = FEED_IS_KEYS, .keys = 1});
    put_line(&p, &line);
    put_end(&p, 2, 2000, 0);
    assert_ok(give(&p));
    assert_int_equal(table_list_keys(p.to.t, kids, 4), 1);
    assert_true(ID_SAME(kids[0], line.key.kid));
    /* A set that is not whole. */
    ask(&p);
    put_begin(&p, false, 2, 3);
    put_line(&p, &(struct feed_line){.is = FEED_IS_KEYS, .keys = 2});
    put_line(&p, &line);
    put_end(&p, 3, 2000, 0);
    assert_code(give(&p), E_CORRUPT);
    assert_false(believed(&p, ASKED));
    close_pair(&p);
}

/* --- what counts --- */

static void the_lease_counts_from_before_the_asking(void **state)
{
    struct pair p = open_pair();
    (void)state;
    assert_false(believed(&p, 0));
    ask(&p);
    put_begin(&p, true, 0, 5);
    assert_ok(give(&p));
    assert_false(believed(&p, ASKED)); /* it is not whole yet */
    put_end(&p, 5, 2000, 640);
    assert_ok(give(&p));
    assert_true(believed(&p, ASKED + 2000 + 640 - 10 - 1 - 1));
    assert_false(believed(&p, ASKED + 2000 + 640 - 10 - 1));
    /* A lease of nothing is none. */
    ask(&p);
    put_begin(&p, false, 5, 5);
    put_end(&p, 5, 0, 0);
    assert_ok(give(&p));
    assert_false(believed(&p, ASKED));
    close_pair(&p);
}

static void half_a_copy_is_none(void **state)
{
    struct pair p = open_pair();
    struct session_record one = session_at(1, 1);
    struct table_session s;
    char target[REPLICA_TARGET_MAX];
    (void)state;
    OK(put_session(&p.from, &one));
    snapshot(&p);
    ask(&p);
    put_begin(&p, true, 0, 9);
    assert_ok(give(&p));
    assert_false(believed(&p, ASKED));
    assert_int_equal(find_session(&p.to, 1, &s), TABLE_MISS);
    assert_true(replica_amid(p.r));
    /* It broke off: the next asking is for a whole one. */
    struct buf b = buf_fixed(target, sizeof target);
    replica_ask(p.r, ASKED, &b);
    assert_null(memmem(b.ptr, b.len, "after", 5));
    assert_false(replica_amid(p.r));
    close_pair(&p);
}

static void half_of_some_changes_does_not_count(void **state)
{
    struct pair p = open_pair();
    char target[REPLICA_TARGET_MAX];
    (void)state;
    snapshot(&p);
    feed_log_note(p.log, FEED_SESSION, sid_of(1).bytes);
    ask(&p);
    put_begin(&p, false, 0, 1);
    put_entries(&p, 0);
    assert_ok(give(&p));
    struct buf b = buf_fixed(target, sizeof target);
    replica_ask(p.r, ASKED, &b);
    assert_non_null(memmem(b.ptr, b.len, ".0", 2)); /* from where it was */
    close_pair(&p);
}

static void a_gap_empties(void **state)
{
    const struct {
        bool other;
        uint64_t after;
    } gaps[] = {{true, 0}, {false, 6}};
    (void)state;
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        struct pair p = open_pair();
        struct session_record one = session_at(1, 1);
        struct table_session s;
        OK(put_session(&p.from, &one));
        for (int n = 0; n < 5; n++)
            feed_log_note(p.log, FEED_APPS, NULL);
        snapshot(&p);
        ask(&p);
        struct feed_line line = {.is = FEED_IS_BEGIN, .begin = {.after = gaps[i].after, .head = 7}};
        memcpy(line.begin.feed, gaps[i].other ? "another feed's 1" : FEED_ID, sizeof line.begin.feed);
        put_line(&p, &line);
        put_end(&p, 7, 2000, 0);
        assert_code(give(&p), E_CONFLICT);
        assert_false(believed(&p, ASKED));
        assert_int_equal(find_session(&p.to, 1, &s), TABLE_MISS);
        assert_int_equal(replica_position(p.r), 0);
        /* The rest of that answer is passed over. */
        put_begin(&p, true, 0, 7);
        put_end(&p, 7, 2000, 0);
        assert_ok(give(&p));
        assert_false(believed(&p, ASKED));
        snapshot(&p);
        assert_true(believed(&p, ASKED));
        close_pair(&p);
    }
}

/* Two answers that overtake each other: the one with less changes nothing, neither records nor the lease. */
static void what_comes_too_late_is_passed_over(void **state)
{
    struct pair p = open_pair();
    struct session_record one = session_at(1, 1);
    struct table_session s;
    (void)state;
    OK(put_session(&p.from, &one));
    for (int n = 0; n < 5; n++)
        feed_log_note(p.log, FEED_SESSION, one.sid.bytes);
    snapshot(&p);
    struct change c = {.kind = CHANGE_SESSION_END, .revocation.until_ms = NOW + DAY};
    ask(&p);
    put_begin(&p, false, 3, 4);
    put_line(&p, &(struct feed_line){.is = FEED_IS_FORGET, .forget.put = CHANGE_SESSION_PUT});
    struct feed_line forget = {.is = FEED_IS_FORGET, .forget.put = CHANGE_SESSION_PUT};
    memcpy(forget.forget.id, one.sid.bytes, 16);
    put_line(&p, &forget);
    put_end(&p, 4, 60000, 0);
    assert_ok(give(&p));
    assert_int_equal(find_session(&p.to, 1, &s), TABLE_HIT);
    assert_false(believed(&p, ASKED + 30000));
    assert_int_equal(replica_position(p.r), 5);
    (void)c;
    close_pair(&p);
}

static void absence_proves_nothing_where_the_source_says_so(void **state)
{
    struct pair p = open_pair();
    (void)state;
    ask(&p);
    put_begin(&p, true, 0, 1);
    put_line(&p, &(struct feed_line){.is = FEED_IS_END, .end = {.head = 1, .lease_ms = 2000, .incomplete = true}});
    assert_ok(give(&p));
    assert_int_equal(table_find_token(p.to.t, jti_of(1)), TABLE_UNKNOWN);
    (void)table_sweep(p.to.w, NOW, 10);
    assert_int_equal(table_find_token(p.to.t, jti_of(1)), TABLE_UNKNOWN);
    ask(&p);
    put_begin(&p, false, 1, 1);
    put_end(&p, 1, 2000, 0);
    assert_ok(give(&p));
    assert_int_equal(table_find_token(p.to.t, jti_of(1)), TABLE_MISS);
    close_pair(&p);
}

/* --- bytes --- */

#define ID22 "AAAAAAAAAAAAAAAAAAAAAA"
#define BEGIN "{\"is\":\"begin\",\"feed\":\"" ID22 "\",\"snapshot\":true,\"after\":0,\"head\":3}\n"
#define END "{\"is\":\"end\",\"head\":3,\"lease_ms\":2000,\"held_ms\":0,\"incomplete\":false}\n"

static void in_any_pieces_and_as_events(void **state)
{
    static const char *const texts[] = {
        BEGIN END,
        ": a comment\r\n\r\nid: 7\r\nevent: x\nretry: 3\ndata: {\"is\":\"begin\",\"feed\":\"" ID22
        "\",\"snapshot\":true,\"after\":0,\"head\":3}\r\n\ndata:" END "\n",
    };
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t piece = 1; piece < 40; piece++) {
            struct pair p = open_pair();
            ask(&p);
            struct view rest = view_text(texts[i]);
            while (rest.len > 0) {
                struct view now = {rest.ptr, rest.len < piece ? rest.len : piece};
                assert_ok(replica_take(p.r, now, NOW));
                rest = view_skip(rest, now.len);
            }
            assert_true(believed(&p, ASKED));
            close_pair(&p);
        }
}

static void what_is_no_feed(void **state)
{
    static const char *const texts[] = {
        "<html>\n",
        "{}\n",
        "[]\n",
        "null\n",
        "{\"is\":\"\"}\n",
        "{\"is\":\"nonsense\"}\n",
        "{\"is\":7}\n",
        END,         /* without a begin */
        BEGIN BEGIN, /* in the middle of one */
        BEGIN "\x80\n",
        /* an end of something else; a lease beyond all leases; below nothing; numbers that are none */
        BEGIN "{\"is\":\"end\",\"head\":4,\"lease_ms\":2000,\"held_ms\":0,\"incomplete\":false}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":60001,\"held_ms\":0,\"incomplete\":false}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":-1,\"held_ms\":0,\"incomplete\":false}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":2000,\"held_ms\":3600001,\"incomplete\":false}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":2000,\"held_ms\":-1,\"incomplete\":false}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":2e3,\"held_ms\":0,\"incomplete\":false}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":\"2000\",\"held_ms\":0,\"incomplete\":false}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":2000,\"held_ms\":0}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":2000,\"held_ms\":0,\"incomplete\":false,\"more\":1}\n",
        BEGIN "{\"is\":\"end\",\"head\":3,\"lease_ms\":2000,\"lease_ms\":2000,\"held_ms\":0,\"incomplete\":false}\n",
        "{\"is\":\"begin\",\"feed\":\"" ID22 "\",\"snapshot\":true,\"after\":4,\"head\":3}\n",
        "{\"is\":\"begin\",\"feed\":\"" ID22 "A\",\"snapshot\":true,\"after\":0,\"head\":3}\n",
        "{\"is\":\"begin\",\"feed\":\"" ID22 "\",\"snapshot\":1,\"after\":0,\"head\":3}\n",
        "{\"is\":\"begin\",\"feed\":\"" ID22 "\",\"snapshot\":true,\"after\":0,\"head\":99999999999999999999}\n",
        BEGIN "{\"is\":\"ended\",\"what\":\"nobody\",\"id\":\"" ID22 "\",\"until_ms\":1}\n",
        BEGIN "{\"is\":\"forget\",\"what\":\"token\",\"id\":\"" ID22 "\"}\n",
        BEGIN "{\"is\":\"app\",\"index\":64,\"name\":\"web\",\"enabled\":true,\"live\":false}\n",
        BEGIN "{\"is\":\"app\",\"index\":0,\"name\":\"\",\"enabled\":true,\"live\":false}\n",
        BEGIN "{\"is\":\"app\",\"index\":0,\"name\":\"a-name-that-is-longer-than-any-app-s\",\"enabled\":true,\"live\":"
              "false}\n",
        BEGIN "{\"is\":\"keys\",\"count\":65}\n",
        BEGIN "{\"is\":\"key\",\"kid\":\"" ID22 ID22
              "\",\"format\":\"ES256\",\"state\":\"active\",\"public\":\"AAAA\"}\n",
        BEGIN "{\"is\":\"keys\",\"count\":1}\n{\"is\":\"key\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
              "\"format\":\"HS256\",\"state\":\"active\",\"public\":\"AAAA\"}\n",
        BEGIN "{\"is\":\"user\",\"id\":\"01a1fd42-8b1d-7ecf-9897-697585747566\",\"epoch\":0,\"status\":\"active\","
              "\"username\":"
              "\"a\",\"email\":\"\",\"name\":\"\",\"roles\":\"\"}\n",
        BEGIN "{\"is\":\"user\",\"id\":\"01a1fd42-8b1d-7ecf-9897-697585747566\",\"epoch\":1,\"status\":\"active\","
              "\"username\":"
              "\"\\u0000\",\"email\":\"\",\"name\":\"\",\"roles\":\"\"}\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pair p = open_pair();
        ask(&p);
        struct cardea_status s = replica_take(p.r, view_text(texts[i]), NOW);
        if (s.code != CARDEA_E_CORRUPT)
            print_error("%s\n", texts[i]);
        assert_code(s, E_CORRUPT);
        assert_ok(replica_take(p.r, VIEW(BEGIN END), NOW)); /* passed over */
        assert_false(believed(&p, ASKED));
        ask(&p);
        assert_ok(replica_take(p.r, VIEW(BEGIN END), NOW));
        assert_true(believed(&p, ASKED));
        close_pair(&p);
    }
}

static void a_line_without_end(void **state)
{
    struct pair p = open_pair();
    char piece[1000];
    struct cardea_status s = CARDEA_SUCCESS;
    (void)state;
    memset(piece, ' ', sizeof piece);
    ask(&p);
    for (int i = 0; i < 20 && cardea_ok(s); i++)
        s = replica_take(p.r, view_of(piece, sizeof piece), NOW);
    assert_code(s, E_CORRUPT);
    close_pair(&p);
    /* Nothing was asked: nothing counts. */
    p = open_pair();
    assert_ok(replica_take(p.r, VIEW(BEGIN END), NOW));
    assert_false(believed(&p, 0));
    close_pair(&p);
}

static void the_longest_lines_fit(void **state)
{
    struct feed_line line = {.is = FEED_IS_ITEM, .item.kind = TABLE_ITEM_USER}, back;
    char text[FEED_LINE_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    struct user_record u = {.epoch = INT64_C(9007199254740991), .status = USER_SUSPENDED, .email_verified = true};
    (void)state;
    memset(u.username, '"', sizeof u.username - 1);
    memset(u.email, '\\', sizeof u.email - 1);
    memset(u.name, 0xff, sizeof u.name - 1);
    memset(u.roles, 0x80, sizeof u.roles - 1);
    assert_ok(table_user_from_record(&u, &line.item.user));
    assert_ok(feed_write(&line, &b));
    assert_ok(feed_read(buf_view(&b), &back));
    assert_int_equal(back.item.user.roles_len, 3 * (sizeof u.roles - 1));
    assert_memory_equal(back.item.user.text, line.item.user.text, 64 + 254);
    buf_reset(&b);
    line = (struct feed_line){.is = FEED_IS_KEY, .key = {.algorithm = TOKEN_RS256, .state = KEY_RETIRING}};
    line.key.public_len = TABLE_PUBLIC_MAX;
    assert_ok(feed_write(&line, &b));
    assert_ok(feed_read(buf_view(&b), &back));
    assert_int_equal(back.key.public_len, TABLE_PUBLIC_MAX);
    uint8_t feed[16];
    uint64_t at;
    assert_ok(feed_position_parse(VIEW(ID22 ".18446744073709551615"), feed, &at));
    assert_code(feed_position_parse(VIEW(ID22 ".18446744073709551616"), feed, &at), E_INVALID_FIELD);
    assert_code(feed_position_parse(VIEW(ID22), feed, &at), E_INVALID_FIELD);
    assert_code(feed_position_parse(VIEW("." ID22), feed, &at), E_INVALID_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_and_its_changes),
        cmocka_unit_test(a_copy_replaces_everything),
        cmocka_unit_test(the_apps_of_a_copy_are_all_there_are),
        cmocka_unit_test(keys_are_a_set),
        cmocka_unit_test(the_lease_counts_from_before_the_asking),
        cmocka_unit_test(half_a_copy_is_none),
        cmocka_unit_test(half_of_some_changes_does_not_count),
        cmocka_unit_test(a_gap_empties),
        cmocka_unit_test(what_comes_too_late_is_passed_over),
        cmocka_unit_test(absence_proves_nothing_where_the_source_says_so),
        cmocka_unit_test(in_any_pieces_and_as_events),
        cmocka_unit_test(what_is_no_feed),
        cmocka_unit_test(a_line_without_end),
        cmocka_unit_test(the_longest_lines_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
