/* Does the table grow, come and go, sweep and overflow as core/table.h says? */
#include "table_help.h"

#include <stdlib.h>

#include "core/table_layout.h"

/* Ids whose hashes agree in every bit that the table keeps. */
static void full_collisions_are_told_apart(void **state)
{
    (void)state;
    enum { IDS = 60000 }; /* of 2^28 tags: some seven pairs */
    struct world x = world_open(IDS, 1, NULL);
    uint32_t *tags = calloc(IDS, sizeof *tags), pairs = 0;
    uint8_t *seen = calloc(1, (1 << TAG_BITS) / 8);
    assert_true(tags != NULL && seen != NULL);
    for (uint32_t n = 0; n < IDS; n++) {
        struct session_id sid = sid_of(n);
        tags[n] = table_name(x.t->seed, SPACE_SESSION, sid.bytes, 16).tag;
        pairs += seen[tags[n] / 8] >> tags[n] % 8 & 1;
        seen[tags[n] / 8] |= (uint8_t)(1 << tags[n] % 8);
        struct session_record r = session_at(n, 1);
        OK(put_session(&x, &r));
    }
    assert_true(pairs > 0);
    struct table_session s;
    for (uint32_t n = 0; n < IDS; n++) {
        assert_int_equal(find_session(&x, n, &s), TABLE_HIT);
        assert_int_equal(session_whole(n, &s), 1);
    }
    for (uint32_t n = 0; n < IDS; n += 2) {
        struct session_id sid = sid_of(n);
        OK(end_id(&x, CHANGE_SESSION_END, sid.bytes, n < 100 ? NOW + 7 * DAY : 0));
        if (n == 15000)
            break; /* one MiB of others has room for 16383 */
    }
    for (uint32_t n = 0; n < IDS; n++)
        assert_int_equal(find_session(&x, n, &s), n <= 15000 && n % 2 == 0 ? TABLE_REVOKED : TABLE_HIT);
    free(tags);
    free(seen);
    world_close(&x);
}

static void grows_through_many_sizes_and_gives_the_old_back(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct world x = world_open(N, 1, &(struct table_host){give_back_shared, NULL});
    struct table_session s;
    for (uint64_t n = 0; n < N; n++) {
        struct session_record r = session_at(n, 1);
        OK(put_session(&x, &r));
        if (n % 997 == 0)
            for (uint64_t m = 0; m < n; m += 1 + n / 50)
                assert_int_equal(find_session(&x, m, &s), TABLE_HIT);
    }
    for (uint64_t n = 0; n < N; n++) {
        assert_int_equal(find_session(&x, n, &s), TABLE_HIT);
        assert_int_equal(session_whole(n, &s), 1);
    }
    struct table_stats stats = table_stats(x.t);
    assert_int_equal(stats.sessions, N);
    assert_int_equal(stats.index_entries, N);
    assert_true(stats.index_capacity == 1 << 18 || stats.index_capacity == 1 << 17);
    assert_true(stats.bytes_touched < N * 160 + (1 << 18));
    for (size_t i = 0; i < part_offset(17, 0); i++)
        assert_true(x.t->index[i] == 0); /* every part before was given back */
    world_close(&x);
}

/* Sessions come and go: the index of one size is built anew again and again, with and without a host. */
static void churn_neither_grows_nor_loses(const struct table_host *host)
{
    enum { LIVE = 3000, ROUNDS = 40 };
    struct world x = world_open(LIVE + 1, 4, host);
    struct table_session s;
    for (uint64_t n = 0; n < (uint64_t)LIVE * ROUNDS; n++) {
        struct session_record r = session_at(n, 1);
        OK(put_session(&x, &r));
        if (n < LIVE)
            continue;
        struct session_id sid = sid_of(n - LIVE);
        OK(end_id(&x, CHANGE_SESSION_END, sid.bytes, NOW + 7 * DAY));
        assert_int_equal(find_session(&x, n - LIVE, &s), TABLE_REVOKED);
        if (n % 1000 == 0)
            table_sweep(x.w, NOW + 7 * DAY - 1, 100);
        if (n % 2000 == 0) {
            /* Let the revocations expire, as if a week had passed for them alone. */
            for (uint32_t u = 1; u < 4 * 16384; u++)
                if (head_kind(x.t->others[(size_t)u * UNIT_WORDS + CELL_HEAD]) == (SPACE_SESSION | KIND_ENDED))
                    word_put((table_word *)(uintptr_t)&x.t->others[(size_t)u * UNIT_WORDS + ENDED_UNTIL], 1);
            table_sweep(x.w, NOW, LIVE * 8);
        }
    }
    for (uint64_t n = (uint64_t)LIVE * (ROUNDS - 1); n < (uint64_t)LIVE * ROUNDS; n++)
        assert_int_equal(find_session(&x, n, &s), TABLE_HIT);
    assert_int_equal(find_session(&x, 0, &s), TABLE_MISS);
    struct table_stats stats = table_stats(x.t);
    assert_true(stats.index_capacity <= 1 << 14);
    assert_int_equal(stats.sessions, LIVE);
    world_close(&x);
}

static void churn_with_a_host(void **state)
{
    (void)state;
    churn_neither_grows_nor_loses(&(struct table_host){give_back_shared, NULL});
}

static void churn_without_a_host(void **state)
{
    (void)state;
    churn_neither_grows_nor_loses(NULL);
}

static void full_of_sessions_says_so(void **state)
{
    (void)state;
    struct world x = world_open(3, 1, NULL);
    struct table_session s;
    for (uint64_t n = 0; n < 3; n++) {
        struct session_record r = session_at(n, 1);
        OK(put_session(&x, &r));
    }
    struct session_record fourth = session_at(3, 1), newer = session_at(1, 2);
    FAILS(E_LIMIT, put_session(&x, &fourth));
    assert_int_equal(find_session(&x, 3, &s), TABLE_MISS);
    /* A change that finds no room leaves nothing that is no longer true. */
    FAILS(E_LIMIT, put_session(&x, &newer));
    assert_int_equal(find_session(&x, 1, &s), TABLE_MISS);
    OK(put_session(&x, &newer));
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(session_whole(1, &s), 2);
    OK(end_session(&x, 0));
    OK(put_session(&x, &fourth));
    assert_false(table_stats(x.t).incomplete);
    world_close(&x);
}

static void full_of_revocations_becomes_slow_not_wrong(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct session_record r = session_at(1, 1), later = session_at(2, 1);
    struct table_session s;
    OK(put_session(&x, &r));
    for (uint64_t n = 0; n < 16383; n++) {
        struct token_id jti = jti_of(n);
        OK(end_id(&x, CHANGE_TOKEN_END, jti.bytes, NOW + DAY));
    }
    assert_false(table_stats(x.t).incomplete);
    assert_int_equal(table_find_token(x.t, jti_of(99999)), TABLE_MISS);
    OK(end_session(&x, 1)); /* no room to remember it */
    assert_true(table_stats(x.t).incomplete);
    assert_int_equal(find_session(&x, 1, &s), TABLE_UNKNOWN);
    assert_int_equal(table_find_token(x.t, jti_of(99999)), TABLE_UNKNOWN);
    assert_int_equal(table_find_token(x.t, jti_of(5)), TABLE_REVOKED);
    FAILS(E_LIMIT, fill_session(&x, &r)); /* it must not come back */
    OK(put_session(&x, &later));          /* a login goes on */
    assert_int_equal(find_session(&x, 2, &s), TABLE_HIT);

    table_sweep(x.w, NOW + DAY, 20000);
    assert_int_equal(table_find_token(x.t, jti_of(99999)), TABLE_UNKNOWN); /* the lost one lives longer */
    table_sweep(x.w, NOW + 7 * DAY, 1);
    assert_int_equal(table_find_token(x.t, jti_of(99999)), TABLE_MISS);
    assert_false(table_stats(x.t).incomplete);
    world_close(&x);
}

static void sweep_forgets_the_dead_only(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct table_session s;
    for (uint64_t n = 0; n < 12; n++) { /* users 0 … 2, epochs 1 … 3 */
        struct session_record r = session_at(n, 1);
        r.expires_at_ms = n % 4 == 0 ? NOW + 1 : NOW + DAY;
        OK(put_session(&x, &r));
    }
    struct user_record ahead = user_at(1, 3); /* sessions 4 … 7 have epochs 2 3 1 2 */
    struct user_id gone = user_of(2);
    OK(put_user(&x, &ahead));
    OK(end_id(&x, CHANGE_USER_END, gone.bytes, NOW + DAY));
    assert_int_equal(table_sweep(x.w, NOW, 5), 1); /* 4; it goes on where it stopped */
    assert_int_equal(table_sweep(x.w, NOW, 100), 2 + 4);
    for (uint64_t n = 0; n < 12; n++)
        assert_int_equal(find_session(&x, n, &s), n < 4 || n == 5 ? TABLE_HIT : TABLE_MISS);
    assert_int_equal(table_sweep(x.w, NOW + 1, 100), 1);
    assert_int_equal(find_session(&x, 0, &s), TABLE_MISS);
    assert_int_equal(table_sweep(x.w, NOW + DAY, 100), 4 + 1);
    assert_int_equal(table_stats(x.t).sessions + table_stats(x.t).revocations, 0);
    world_close(&x);
}

static void geometry_has_limits(void **state)
{
    (void)state;
    assert_int_equal(table_size(&(struct table_geometry){0, 1}), 0);
    assert_int_equal(table_size(&(struct table_geometry){1, 0}), 0);
    assert_int_equal(table_size(&(struct table_geometry){TABLE_SESSIONS_LIMIT + 1u, 1}), 0);
    assert_int_equal(table_size(&(struct table_geometry){1, TABLE_OTHERS_LIMIT_MIB + 1u}), 0);
    assert_true(table_size(&(struct table_geometry){TABLE_SESSIONS_LIMIT, TABLE_OTHERS_LIMIT_MIB}) != 0);
    struct table_plan p = table_plan(&(struct table_geometry){TABLE_SESSIONS_LIMIT, TABLE_OTHERS_LIMIT_MIB});
    assert_true(p.level_max <= LEVEL_MAX);
    struct table_writer *w;
    FAILS(E_USAGE, table_create(NULL, NULL, &(struct table_geometry){1, 1}, (const uint8_t[16]){0}, NULL, &w));
    FAILS(E_USAGE, table_create(NULL, NULL, &(struct table_geometry){0, 1}, (const uint8_t[16]){0}, NULL, &w));
    table_writer_free(NULL);
    table_detach(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_collisions_are_told_apart),
        cmocka_unit_test(grows_through_many_sizes_and_gives_the_old_back),
        cmocka_unit_test(churn_with_a_host),
        cmocka_unit_test(churn_without_a_host),
        cmocka_unit_test(full_of_sessions_says_so),
        cmocka_unit_test(full_of_revocations_becomes_slow_not_wrong),
        cmocka_unit_test(sweep_forgets_the_dead_only),
        cmocka_unit_test(geometry_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
