#include "check.h"

#include "base/text.h"
#include "crypto/digest.h"
#include "store/journal.h"

static struct event first(void)
{
    return (struct event){
        .at_ms = -2, .type = "login", .actor = "system", .detail = "{}", .revocation = {.kind = REVOCATION_NONE}};
}

static struct event second(void)
{
    struct event e = {.at_ms = 1700000000123,
                      .type = "logout",
                      .actor = "operator:1000",
                      .ip = {.bytes = {192, 0, 2, 7}, .version = 4},
                      .request_id = "req-1",
                      .detail = "{\"name\":\"zoë\"}",
                      .revocation = {.kind = REVOCATION_SESSION, .epoch = -1, .until_ms = 1700600000000}};
    for (uint8_t i = 0; i < 16; i++) {
        e.subject.bytes[i] = i;
        e.sid.bytes[i] = e.revocation.id[i] = (uint8_t)(16 + i);
    }
    return e;
}

static void assert_hash(const uint8_t hash[32], const char *hex)
{
    uint8_t wanted[32];
    assert_ok(hex_decode_exact(view_text(hex), wanted, sizeof wanted));
    assert_memory_equal(hash, wanted, sizeof wanted);
}

/* The form is for ever: journals written today are checked by later programs. The hashes were computed from the text of
 * journal.h with Python's struct and hashlib. */
static void golden_hashes(void **state)
{
    (void)state;
    uint8_t canonical[JOURNAL_CANONICAL_MAX];
    struct journal_head head = {0};
    struct event a = first(), b = second();
    journal_link(&head, &a, digest_sha256);
    assert_int_equal(journal_canonical(&a, canonical), 136);
    assert_hash(a.hash, "37644b54562a839e936835c1230fbef7bca5bc74e9c0a134b6be5b1f388d0e8c");
    journal_link(&head, &b, digest_sha256);
    assert_int_equal(journal_canonical(&b, canonical), 162);
    assert_hash(b.hash, "432654e780ecdc368cc7f3db028144415e0e9d2cfc3f414d14fea4f3065e16dc");
    assert_int_equal(head.n, 2);
    assert_memory_equal(head.hash, b.hash, 32);
}

/* What lies outside a member's value is not part of the event. */
static void what_is_behind_a_value_does_not_count(void **state)
{
    (void)state;
    uint8_t one[JOURNAL_CANONICAL_MAX], two[JOURNAL_CANONICAL_MAX];
    struct event e = second();
    size_t len = journal_canonical(&e, one);
    e.type[EVENT_TYPE_MAX] = e.detail[EVENT_DETAIL_MAX] = 'x';
    e.ip.bytes[4] = e.ip.bytes[15] = 0xff;
    assert_int_equal(journal_canonical(&e, two), len);
    assert_memory_equal(one, two, len);
}

/* No byte may wander from one text into the next and leave the hash as it was. */
static void texts_do_not_run_together(void **state)
{
    (void)state;
    uint8_t one[JOURNAL_CANONICAL_MAX], two[JOURNAL_CANONICAL_MAX];
    struct event a = {.type = "ab", .actor = "c"}, b = {.type = "a", .actor = "bc"};
    size_t len = journal_canonical(&a, one);
    assert_int_equal(journal_canonical(&b, two), len);
    assert_memory_not_equal(one, two, len);
}

static void the_longest_event_fits(void **state)
{
    (void)state;
    uint8_t canonical[JOURNAL_CANONICAL_MAX];
    struct event e;
    memset(&e, 'x', sizeof e); /* not even an end */
    e.ip.version = 6;
    assert_in_range(journal_canonical(&e, canonical), 1, JOURNAL_CANONICAL_MAX);
}

static void only_bookkeeping_concerns_nobody_else(void **state)
{
    (void)state;
    static const char *const others[] = {"user_updated",   "roles_changed", "user_suspended",
                                         "password_set",   "key_rotated",   "key_published",
                                         "never_heard_of", "logins",        ""};
    static const char *const nobody[] = {"login",           "login_failed", "user_created",
                                         "api_key_created", "started",      "operator_read"};
    struct event e = {.revocation = {.kind = REVOCATION_NONE}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_true(view_copy(view_text(others[i]), e.type, sizeof e.type));
        assert_true(journal_concerns_others(&e));
    }
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_true(view_copy(view_text(nobody[i]), e.type, sizeof e.type));
        e.revocation.kind = REVOCATION_NONE;
        assert_false(journal_concerns_others(&e));
        e.revocation.kind = REVOCATION_SESSION;
        assert_true(journal_concerns_others(&e));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_hashes),
        cmocka_unit_test(what_is_behind_a_value_does_not_count),
        cmocka_unit_test(texts_do_not_run_together),
        cmocka_unit_test(the_longest_event_fits),
        cmocka_unit_test(only_bookkeeping_concerns_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
