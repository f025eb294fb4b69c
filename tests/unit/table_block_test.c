/* Is the table's block safe to read from another mapping: leased or not, damaged or whole? */
#include "table_help.h"

#include <stdlib.h>

#include "core/table_layout.h"

static void valid_only_while_leased_and_open(void **state)
{
    (void)state;
    struct world x = world_open(1, 1, NULL);
    assert_false(table_valid(x.t, 0)); /* not before somebody says so */
    assert_false(table_closed(x.t));
    table_set_valid_until(x.w, 1000);
    assert_true(table_valid(x.t, 999));
    assert_false(table_valid(x.t, 1000));
    table_set_valid_until(x.w, INT64_MAX);
    assert_true(table_valid(x.t, 1000));
    table_close(x.w);
    assert_true(table_closed(x.t));
    assert_false(table_valid(x.t, 0));
    table_set_valid_until(x.w, INT64_MAX); /* closed is closed */
    assert_false(table_valid(x.t, 0));
    world_close(&x);
}

static void another_mapping_sees_the_same(void **state)
{
    (void)state;
    struct world x = world_open(1000, 1, NULL);
    struct session_record r = session_at(1, 1);
    OK(put_session(&x, &r));
    void *elsewhere = mremap(x.block, 0, x.size, MREMAP_MAYMOVE); /* a second mapping of the same memory */
    assert_true(elsewhere != MAP_FAILED && elsewhere != x.block);
    assert_int_equal(mprotect(elsewhere, x.size, PROT_READ), 0);
    struct table *t;
    struct table_session s;
    OK(table_attach(elsewhere, x.size, x.seen, x.seen_size, &t));
    assert_int_equal(table_find_session(t, r.sid, &s), TABLE_HIT);
    assert_int_equal(session_whole(1, &s), 1);
    table_session_seen(t, &s, NOW + 1000);
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(s.last_seen_at_ms, NOW + 1000);
    OK(end_session(&x, 1));
    assert_int_equal(table_find_session(t, r.sid, &s), TABLE_REVOKED);
    table_detach(t);

    OK(table_attach(elsewhere, x.size, NULL, 0, &t)); /* without the seen map */
    struct session_record other = session_at(2, 1);
    OK(put_session(&x, &other));
    assert_int_equal(table_find_session(t, other.sid, &s), TABLE_HIT);
    assert_int_equal(s.last_seen_at_ms, NOW);
    table_session_seen(t, &s, NOW + 1000);
    table_detach(t);
    munmap(elsewhere, x.size);
    world_close(&x);
}

static void damaged_headers_are_refused(void **state)
{
    (void)state;
    struct world x = world_open(1000, 1, NULL);
    struct table_header *h = x.block;
    struct table *t;
    FAILS(E_CORRUPT, table_attach(NULL, x.size, NULL, 0, &t));
    FAILS(E_CORRUPT, table_attach(x.block, x.size - 1, NULL, 0, &t));
    FAILS(E_CORRUPT, table_attach(x.block, 64, NULL, 0, &t));
    FAILS(E_CORRUPT, table_attach((char *)x.block + 8, x.size, NULL, 0, &t));
    FAILS(E_CORRUPT, table_attach(x.block, x.size, x.seen, x.seen_size - 1, &t));
    table_word *constants = &h->magic;
    for (size_t i = 0; i < 8; i++) {
        if (&constants[i] == &h->spare)
            continue;
        for (unsigned bit = 0; bit < 64; bit++) {
            uint64_t was = constants[i];
            constants[i] = was ^ UINT64_C(1) << bit;
            FAILS(E_CORRUPT, table_attach(x.block, x.size, x.seen, x.seen_size, &t));
            constants[i] = was;
        }
    }
    uint64_t root = h->root;
    h->root = root_make(LEVEL_MAX + 1, 0, 0);
    FAILS(E_CORRUPT, table_attach(x.block, x.size, x.seen, x.seen_size, &t));
    h->root = root_make(0, 0, 0);
    FAILS(E_CORRUPT, table_attach(x.block, x.size, x.seen, x.seen_size, &t));
    h->root = root;

    struct world y = world_open(1000, 1, NULL);
    ((struct seen_header *)y.seen)->identity ^= 1; /* the map of another table */
    FAILS(E_CORRUPT, table_attach(x.block, x.size, y.seen, y.seen_size, &t));
    world_close(&y);
    OK(table_attach(x.block, x.size, x.seen, x.seen_size, &t));
    table_detach(t);
    world_close(&x);
}

/* Whatever the bytes, no reader leaves the block or hangs: forbidden zones lie around it. */
static void damaged_cells_harm_nobody(void **state)
{
    (void)state;
    struct world x = world_open(64, 1, NULL);
    for (uint64_t n = 0; n < 32; n++) {
        struct session_record r = session_at(n, 1);
        struct user_record u = user_at(n, 1);
        struct api_key_record k = api_key_at(n, "scope");
        OK(put_user(&x, &u));
        OK(put_session(&x, &r));
        OK(put_api_key(&x, &k));
    }
    uint64_t noise = 1;
    table_word *sessions = (table_word *)(uintptr_t)x.t->sessions, *others = (table_word *)(uintptr_t)x.t->others,
               *index = (table_word *)(uintptr_t)x.t->index;
    for (int round = 0; round < 3000; round++) {
        noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t r = (uint32_t)(noise >> 33);
        if (round % 3 == 0)
            sessions[r % (32 * SESSION_WORDS)] ^= UINT64_C(1) << (noise >> 20 & 63);
        else if (round % 3 == 1)
            others[r % (160 * UNIT_WORDS)] ^= UINT64_C(1) << (noise >> 20 & 63);
        else if (index[r % (1 << LEVEL_MIN)] != 0 || round % 30 == 2)
            index[r % (1 << LEVEL_MIN)] ^= UINT64_C(1) << (noise >> 20 & 63);
        uint64_t n = r % 32;
        struct table_session s;
        struct table_user u;
        struct table_api_key k;
        if (find_session(&x, n, &s) == TABLE_HIT) {
            table_session_seen(x.t, &s, NOW + round);
            (void)table_find_user(x.t, s.user, s.user_hint, &u);
        }
        if (table_find_user(x.t, user_of(n), r, &u) == TABLE_HIT)
            assert_true(u.username_len + u.email_len + u.name_len + u.roles_len <= TABLE_USER_TEXT_MAX);
        (void)table_find_api_key(x.t, api_key_of(n), &k);
        (void)table_find_token(x.t, jti_of(n));
    }
    for (uint32_t i = 0; i < 1 << LEVEL_MIN; i++)
        index[i] = ENTRY_TOMBSTONE; /* no empty entry anywhere */
    struct table_session s;
    assert_int_not_equal(find_session(&x, 1, &s), TABLE_HIT);
    world_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_only_while_leased_and_open),
        cmocka_unit_test(another_mapping_sees_the_same),
        cmocka_unit_test(damaged_headers_are_refused),
        cmocka_unit_test(damaged_cells_harm_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
