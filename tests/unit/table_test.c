/* Does the verification table say what core/table.h promises, one change after the other? (Threads and crashes:
 * table_steps_test.c, table_torture_test.c, table_killed_test.c.) */
#include "table_help.h"

#include <stdlib.h>

#include "base/secret.h"
#include "core/table_layout.h"
#include "crypto/digest.h"

enum verdict { REFUSE = 1, ASK_THE_STORE, LET_IN };

/* The example of core/table.h, section 6, as it stands there. */
static enum verdict example(const struct table *t, struct session_id sid, const uint8_t secret[32], int64_t now_ms)
{
    uint8_t digest[32];

    struct table_session s;
    struct table_user u;
    table_prefetch_session(t, sid); // the index line travels while we hash
    digest_sha256(secret, 32, digest);
    enum table_answer a = table_find_session(t, sid, &s);
    if (a != TABLE_HIT)
        return a == TABLE_REVOKED ? REFUSE : ASK_THE_STORE; // MISS or UNKNOWN
    if (s.kind != SESSION_COOKIE || !secret_equal(digest, s.secret_digest, 32) || now_ms >= s.expires_at_ms)
        return REFUSE;
    a = table_find_user(t, s.user, s.user_hint, &u);
    if (a != TABLE_HIT)
        return a == TABLE_REVOKED ? REFUSE : ASK_THE_STORE;
    if (u.epoch != s.epoch || u.status != USER_ACTIVE)
        return REFUSE;
    table_session_seen(t, &s, now_ms);
    return LET_IN;
}

static void example_of_the_header_holds(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    uint8_t secret[32] = {1, 2, 3}, wrong[32] = {1, 2, 4};
    struct session_record r = session_at(1, 1);
    struct user_record u = user_at(0, 2), later = user_at(0, 3);
    digest_sha256(secret, sizeof secret, r.secret_digest);
    assert_int_equal(example(x.t, r.sid, secret, NOW), ASK_THE_STORE);
    OK(put_session(&x, &r));
    assert_int_equal(example(x.t, r.sid, secret, NOW), ASK_THE_STORE); /* whose session? */
    OK(put_user(&x, &u));
    assert_int_equal(example(x.t, r.sid, secret, NOW), LET_IN);
    assert_int_equal(example(x.t, r.sid, wrong, NOW), REFUSE);
    assert_int_equal(example(x.t, r.sid, secret, r.expires_at_ms), REFUSE);
    OK(put_user(&x, &later)); /* logged out everywhere */
    assert_int_equal(example(x.t, r.sid, secret, NOW), REFUSE);
    OK(end_session(&x, 1));
    assert_int_equal(example(x.t, r.sid, secret, NOW), REFUSE);
    world_close(&x);
}

static enum table_answer find_session(struct world *x, uint64_t n, struct table_session *out)
{
    return table_find_session(x->t, sid_of(n), out);
}

static void session_is_found_as_it_was_put(void **state)
{
    (void)state;
    struct world x = world_open(1000, 1, NULL);
    struct session_record r = session_at(5, 9);
    struct table_session s;
    assert_int_equal(find_session(&x, 5, &s), TABLE_MISS);
    OK(put_session(&x, &r));
    assert_int_equal(find_session(&x, 5, &s), TABLE_HIT);
    assert_int_equal(session_whole(5, &s), 9);
    assert_int_equal(s.app, 7);
    assert_int_equal(s.last_seen_at_ms, NOW);
    assert_int_equal(find_session(&x, 6, &s), TABLE_MISS);

    struct session_record newer = session_at(5, 10);
    OK(put_session(&x, &newer));
    assert_int_equal(find_session(&x, 5, &s), TABLE_HIT);
    assert_int_equal(session_whole(5, &s), 10);
    assert_int_equal(table_stats(x.t).sessions, 1);
    world_close(&x);
}

static void extreme_values_survive(void **state)
{
    (void)state;
    struct world x = world_open(10, 1, NULL);
    struct session_record r = session_at(1, 1);
    r.kind = SESSION_TOKEN;
    r.remember = true;
    r.idle_ms = INT64_MAX;
    r.epoch = INT64_MAX;
    r.expires_at_ms = INT64_MAX;
    r.created_at_ms = -1;
    OK(table_apply(x.w, &(struct change){.kind = CHANGE_SESSION_PUT, .session = &r}, UINT16_MAX, NOW));
    struct table_session s;
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(s.kind, SESSION_TOKEN);
    assert_true(s.remember);
    assert_int_equal(s.app, UINT16_MAX);
    assert_true(s.epoch == INT64_MAX && s.expires_at_ms == INT64_MAX && s.created_at_ms == -1);
    assert_true(s.idle_ms > 30 * 365 * DAY); /* capped beyond anything that is configured */
    world_close(&x);
}

static void ended_session_stays_ended(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct session_record r = session_at(1, 1), other = session_at(2, 1);
    struct table_session s;
    OK(put_session(&x, &r));
    OK(put_session(&x, &other));
    OK(end_session(&x, 1));
    assert_int_equal(find_session(&x, 1, &s), TABLE_REVOKED);
    assert_int_equal(find_session(&x, 2, &s), TABLE_HIT);
    FAILS(E_CONFLICT, put_session(&x, &r));
    FAILS(E_CONFLICT, fill_session(&x, &r));
    OK(end_session(&x, 1)); /* again: no harm */
    assert_int_equal(find_session(&x, 1, &s), TABLE_REVOKED);
    assert_int_equal(table_stats(x.t).sessions, 1);
    assert_int_equal(table_stats(x.t).revocations, 1);

    OK(end_session(&x, 3)); /* one that is not here */
    assert_int_equal(find_session(&x, 3, &s), TABLE_REVOKED);
    world_close(&x);
}

static void end_without_a_time_lasts_as_long_as_what_it_ends(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct session_record r = session_at(1, 1);
    struct user_record u = user_at(1, 1);
    struct table_session s;
    struct table_user found;
    OK(put_session(&x, &r));
    OK(put_user(&x, &u));
    struct session_id sid = sid_of(1), unknown = sid_of(2);
    struct user_id user = user_of(1);
    OK(end_id(&x, CHANGE_SESSION_END, sid.bytes, 0));
    OK(end_id(&x, CHANGE_USER_END, user.bytes, 0));
    assert_int_equal(find_session(&x, 1, &s), TABLE_REVOKED);
    assert_int_equal(table_find_user(x.t, user, 0, &found), TABLE_REVOKED);
    table_sweep(x.w, r.expires_at_ms - 1, 100);
    assert_int_equal(find_session(&x, 1, &s), TABLE_REVOKED);
    table_sweep(x.w, r.expires_at_ms, 100);
    assert_int_equal(find_session(&x, 1, &s), TABLE_MISS);
    assert_int_equal(table_find_user(x.t, user, 0, &found), TABLE_REVOKED);

    OK(end_id(&x, CHANGE_SESSION_END, unknown.bytes, NOW)); /* nothing carries it any more */
    assert_int_equal(find_session(&x, 2, &s), TABLE_MISS);
    world_close(&x);
}

static void a_later_end_is_remembered_longer(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct token_id jti = jti_of(1);
    OK(end_id(&x, CHANGE_TOKEN_END, jti.bytes, NOW + 10));
    OK(end_id(&x, CHANGE_TOKEN_END, jti.bytes, NOW + 20));
    OK(end_id(&x, CHANGE_TOKEN_END, jti.bytes, NOW + 5));
    table_sweep(x.w, NOW + 19, 10);
    assert_int_equal(table_find_token(x.t, jti), TABLE_REVOKED);
    assert_int_equal(table_sweep(x.w, NOW + 20, 10), 1);
    assert_int_equal(table_find_token(x.t, jti), TABLE_MISS);
    assert_int_equal(table_find_token(x.t, jti_of(2)), TABLE_MISS);
    world_close(&x);
}

static void spaces_do_not_mix(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct session_id sid = sid_of(1);
    struct session_record r = session_at(1, 1);
    OK(put_session(&x, &r));
    struct token_id jti;
    struct api_key_id key;
    memcpy(jti.bytes, sid.bytes, sizeof jti.bytes);
    memcpy(key.bytes, sid.bytes, sizeof key.bytes);
    OK(end_id(&x, CHANGE_TOKEN_END, jti.bytes, NOW + DAY));
    struct table_session s;
    struct table_api_key k;
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(table_find_token(x.t, jti), TABLE_REVOKED);
    assert_int_equal(table_find_api_key(x.t, key, &k), TABLE_MISS);
    world_close(&x);
}

static void user_texts_are_ready_for_headers(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct user_record u = {.id = user_of(1), .epoch = 3, .status = USER_SUSPENDED};
    strcpy(u.username, "alice");
    strcpy(u.email, "a%b@example.com");
    strcpy(u.name, "Zo\xc3\xab, the first");
    strcpy(u.roles, "admin,r\xc3\xb4le");
    OK(put_user(&x, &u));
    struct table_user f;
    assert_int_equal(table_find_user(x.t, u.id, 0, &f), TABLE_HIT);
    assert_int_equal(f.email_len, 0); /* claimed, not verified: nobody hears of it */
    u.email_verified = true;
    OK(put_user(&x, &u));
    assert_int_equal(table_find_user(x.t, u.id, 0, &f), TABLE_HIT);
    assert_int_equal(f.epoch, 3);
    assert_int_equal(f.status, USER_SUSPENDED);
    assert_true(ID_SAME(f.id, u.id));
    assert_true(view_is(table_user_username(&f), "alice"));
    assert_true(view_is(table_user_email(&f), "a%25b@example.com"));
    assert_true(view_is(table_user_name(&f), "Zo%C3%AB%2C the first"));
    assert_true(view_is(table_user_roles(&f), "admin,r%C3%B4le"));
    world_close(&x);
}

static void longest_and_empty_texts_fit(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct user_record u = {.id = user_of(1), .epoch = 1, .status = USER_ACTIVE};
    struct table_user f;
    OK(put_user(&x, &u));
    assert_int_equal(table_find_user(x.t, u.id, 0, &f), TABLE_HIT);
    assert_int_equal(f.username_len + f.email_len + f.name_len + f.roles_len, 0);
    memset(u.username, 0xff, USERNAME_MAX);
    u.email_verified = true;
    memset(u.email, 0xff, EMAIL_MAX);
    memset(u.name, 0xff, NAME_MAX_BYTES);
    memset(u.roles, 0xff, ROLES_MAX_BYTES);
    OK(put_user(&x, &u));
    assert_int_equal(table_find_user(x.t, u.id, 0, &f), TABLE_HIT);
    assert_int_equal(f.username_len, 3 * USERNAME_MAX);
    assert_int_equal(f.roles_len, 3 * ROLES_MAX_BYTES);
    for (size_t i = 0; i < sizeof f.text; i += 3)
        assert_memory_equal(f.text + i, "%FF", 3);
    world_close(&x);
}

static void epoch_never_goes_back(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct user_record older = user_at(1, 4), newer = user_at(1, 5), newest = user_at(1, 6);
    struct table_user f;
    OK(put_user(&x, &newer));
    FAILS(E_CONFLICT, put_user(&x, &older));
    FAILS(E_CONFLICT, fill_user(&x, &older));
    FAILS(E_CONFLICT, fill_user(&x, &newer));
    assert_int_equal(table_find_user(x.t, newer.id, 0, &f), TABLE_HIT);
    assert_int_equal(user_whole(1, &f), 5);

    struct user_record roles = newer; /* same epoch: a role change */
    strcpy(roles.roles, "none");
    OK(put_user(&x, &roles));
    assert_int_equal(table_find_user(x.t, newer.id, 0, &f), TABLE_HIT);
    assert_true(view_is(table_user_roles(&f), "none"));
    OK(fill_user(&x, &newest)); /* read from the store after a change that this table missed */
    assert_int_equal(table_find_user(x.t, newer.id, 0, &f), TABLE_HIT);
    assert_int_equal(user_whole(1, &f), 6);

    OK(end_id(&x, CHANGE_USER_END, newer.id.bytes, NOW + DAY));
    assert_int_equal(table_find_user(x.t, newer.id, 0, &f), TABLE_REVOKED);
    FAILS(E_CONFLICT, put_user(&x, &newest));
    assert_int_equal(table_stats(x.t).users, 0);
    world_close(&x);
}

static void hint_is_right_or_harmless(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct user_record u = user_at(0, 1), moved = user_at(0, 2), other = user_at(1, 1);
    struct session_record r = session_at(1, 1), again = session_at(1, 1);
    struct table_session s;
    struct table_user f;
    OK(put_user(&x, &u));
    OK(put_session(&x, &r));
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_not_equal(s.user_hint, 0);
    assert_int_equal(table_find_user(x.t, s.user, s.user_hint, &f), TABLE_HIT);
    assert_int_equal(user_whole(0, &f), 1);

    OK(put_user(&x, &moved)); /* another cell */
    OK(put_user(&x, &other));
    uint32_t stale = s.user_hint;
    assert_int_equal(table_find_user(x.t, s.user, stale, &f), TABLE_HIT);
    assert_int_equal(user_whole(0, &f), 2);
    assert_int_equal(table_find_user(x.t, s.user, UINT32_MAX, &f), TABLE_HIT);
    assert_int_equal(table_find_user(x.t, s.user, 12345, &f), TABLE_HIT);

    again.last_seen_at_ms += 5000; /* a refresh mends it */
    OK(put_session(&x, &again));
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_not_equal(s.user_hint, stale);
    assert_int_equal(s.last_seen_at_ms, NOW + 5000);
    OK(end_id(&x, CHANGE_USER_END, u.id.bytes, NOW + DAY));
    assert_int_equal(table_find_user(x.t, s.user, s.user_hint, &f), TABLE_REVOKED);
    world_close(&x);
}

static struct api_key_record api_key_at(uint64_t n, const char *scopes)
{
    struct api_key_record k = {.id = api_key_of(n), .user = user_of(n), .expires_at_ms = NOW + 30 * DAY};
    bytes_from(7, n, 0, k.digest, sizeof k.digest);
    snprintf(k.scopes, sizeof k.scopes, "%s", scopes);
    return k;
}

static void api_key_lives_and_ends(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    char longest[SCOPES_MAX_BYTES + 1];
    memset(longest, 's', SCOPES_MAX_BYTES);
    longest[SCOPES_MAX_BYTES] = 0;
    struct api_key_record k = api_key_at(1, "read write"), wide = api_key_at(2, longest), none = api_key_at(3, "");
    struct table_api_key f;
    OK(put_api_key(&x, &k));
    OK(put_api_key(&x, &wide));
    OK(put_api_key(&x, &none));
    assert_int_equal(table_find_api_key(x.t, k.id, &f), TABLE_HIT);
    assert_true(ID_SAME(f.id, k.id) && ID_SAME(f.user, k.user));
    assert_memory_equal(f.digest, k.digest, 32);
    assert_int_equal(f.expires_at_ms, k.expires_at_ms);
    assert_true(view_is(view_of(f.scopes, f.scopes_len), "read write"));
    assert_int_equal(table_find_api_key(x.t, wide.id, &f), TABLE_HIT);
    assert_true(view_is(view_of(f.scopes, f.scopes_len), longest));
    assert_int_equal(table_find_api_key(x.t, none.id, &f), TABLE_HIT);
    assert_int_equal(f.scopes_len, 0);

    OK(end_id(&x, CHANGE_API_KEY_END, k.id.bytes, NOW + 1));
    assert_int_equal(table_find_api_key(x.t, k.id, &f), TABLE_REVOKED);
    FAILS(E_CONFLICT, put_api_key(&x, &k));
    table_sweep(x.w, NOW + 29 * DAY, 100); /* the key would have lived until day 30 */
    assert_int_equal(table_find_api_key(x.t, k.id, &f), TABLE_REVOKED);
    table_sweep(x.w, NOW + 30 * DAY, 100);
    assert_int_equal(table_find_api_key(x.t, k.id, &f), TABLE_MISS);
    assert_int_equal(table_find_api_key(x.t, wide.id, &f), TABLE_MISS); /* expired itself */
    assert_int_equal(table_stats(x.t).api_keys, 0);
    world_close(&x);
}

static struct table_key key_at(uint64_t n, uint8_t key_state, uint16_t len)
{
    struct table_key k = {.kid = kid_of(n), .algorithm = 1, .state = key_state, .public_len = len};
    bytes_from(8, n, 0, k.public_bytes, len);
    return k;
}

static void key_set_is_replaced_as_a_whole(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct table_key keys[TABLE_KEYS_LIMIT + 1], f;
    keys[0] = key_at(1, KEY_ACTIVE, 65);
    keys[1] = key_at(2, KEY_NEXT, TABLE_PUBLIC_MAX);
    assert_int_equal(table_find_key(x.t, keys[0].kid, &f), TABLE_MISS);
    OK(table_set_keys(x.w, keys, 2));
    uint64_t first = table_keys_generation(x.t);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(table_find_key(x.t, keys[i].kid, &f), TABLE_HIT);
        assert_int_equal(f.state, keys[i].state);
        assert_int_equal(f.algorithm, 1);
        assert_int_equal(f.public_len, keys[i].public_len);
        assert_memory_equal(f.public_bytes, keys[i].public_bytes, f.public_len);
        assert_int_equal(f.generation, first);
    }
    /* Rotation: the state moves, the key's own generation does not. */
    keys[0].state = KEY_RETIRING;
    keys[1].state = KEY_ACTIVE;
    keys[2] = key_at(3, KEY_NEXT, 65);
    OK(table_set_keys(x.w, keys, 3));
    assert_true(table_keys_generation(x.t) > first);
    assert_int_equal(table_find_key(x.t, keys[0].kid, &f), TABLE_HIT);
    assert_int_equal(f.state, KEY_RETIRING);
    assert_int_equal(f.generation, first);
    /* Other bytes under the same kid: another generation. A dropped key is gone. */
    keys[1].public_bytes[0] ^= 1;
    OK(table_set_keys(x.w, keys + 1, 2));
    assert_int_equal(table_find_key(x.t, keys[0].kid, &f), TABLE_MISS);
    assert_int_equal(table_find_key(x.t, keys[1].kid, &f), TABLE_HIT);
    assert_true(f.generation > first);
    assert_int_equal(table_stats(x.t).keys, 2);

    for (uint64_t i = 0; i <= TABLE_KEYS_LIMIT; i++)
        keys[i] = key_at(100 + i, KEY_ACTIVE, 65);
    FAILS(E_LIMIT, table_set_keys(x.w, keys, TABLE_KEYS_LIMIT + 1));
    assert_int_equal(table_find_key(x.t, keys[TABLE_KEYS_LIMIT].kid, &f), TABLE_MISS);
    assert_int_equal(table_stats(x.t).keys, TABLE_KEYS_LIMIT);
    keys[0].public_len = TABLE_PUBLIC_MAX + 1;
    FAILS(E_LIMIT, table_set_keys(x.w, keys, 1));
    assert_int_equal(table_find_key(x.t, keys[0].kid, &f), TABLE_MISS);
    OK(table_set_keys(x.w, NULL, 0));
    assert_int_equal(table_stats(x.t).keys, 0);
    world_close(&x);
}

static void keys_with_half_a_name_in_common_are_two(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct table_key keys[2] = {key_at(1, KEY_ACTIVE, 65), key_at(2, KEY_NEXT, 65)}, f;
    memcpy(keys[1].kid.bytes, keys[0].kid.bytes, 16);
    OK(table_set_keys(x.w, keys, 2));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(table_find_key(x.t, keys[i].kid, &f), TABLE_HIT);
        assert_memory_equal(f.public_bytes, keys[i].public_bytes, 65);
    }
    OK(table_set_keys(x.w, keys, 1));
    assert_int_equal(table_find_key(x.t, keys[0].kid, &f), TABLE_HIT);
    assert_int_equal(table_find_key(x.t, keys[1].kid, &f), TABLE_MISS);
    world_close(&x);
}

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

static void fill_replaces_nothing(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct session_record older = session_at(1, 1), newer = session_at(1, 2);
    struct table_session s;
    OK(put_session(&x, &newer));
    FAILS(E_CONFLICT, fill_session(&x, &older));
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(session_whole(1, &s), 2);
    struct session_record other = session_at(2, 1);
    OK(fill_session(&x, &other));
    assert_int_equal(find_session(&x, 2, &s), TABLE_HIT);
    FAILS(E_USAGE, table_fill(x.w, &(struct change){.kind = CHANGE_SESSION_END}, 0, NOW));
    FAILS(E_USAGE, table_apply(x.w, &(struct change){.kind = CHANGE_KEYS}, 0, NOW));
    FAILS(E_USAGE, table_apply(x.w, &(struct change){.kind = CHANGE_UNSET}, 0, NOW));
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

static void expired_records_are_not_taken_in(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct session_record r = session_at(1, 1), expired = session_at(1, 2);
    expired.expires_at_ms = NOW;
    struct table_session s;
    OK(put_session(&x, &expired));
    assert_int_equal(find_session(&x, 1, &s), TABLE_MISS);
    OK(put_session(&x, &r));
    OK(put_session(&x, &expired));
    assert_int_equal(find_session(&x, 1, &s), TABLE_MISS);
    world_close(&x);
}

static void last_seen_moves_forward_only(void **state)
{
    (void)state;
    struct world x = world_open(100, 1, NULL);
    struct session_record r = session_at(1, 1);
    struct table_session s;
    struct session_id sids[4];
    int64_t seen[4];
    OK(put_session(&x, &r));
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(table_take_seen(x.w, NOW, sids, seen, 4), 0);
    table_session_seen(x.t, &s, NOW - 5000);
    assert_int_equal(table_take_seen(x.w, NOW, sids, seen, 4), 0);
    table_session_seen(x.t, &s, NOW + 5900);
    table_session_seen(x.t, &s, NOW + 3000);
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(s.last_seen_at_ms, NOW + 5000); /* whole seconds */
    assert_int_equal(table_take_seen(x.w, NOW + 9000, sids, seen, 4), 1);
    assert_true(ID_SAME(sids[0], r.sid));
    assert_int_equal(seen[0], NOW + 5000);
    assert_int_equal(table_take_seen(x.w, NOW + 9000, sids, seen, 4), 0);
    table_session_seen(x.t, &s, NOW + 60000); /* a clock that runs ahead is not believed */
    assert_int_equal(table_take_seen(x.w, NOW + 9000, sids, seen, 4), 1);
    assert_int_equal(seen[0], NOW + 9000);

    /* Notes stay with a session whose cell moves. */
    struct session_record newer = session_at(1, 2);
    table_session_seen(x.t, &s, NOW + 70000);
    OK(put_session(&x, &newer));
    assert_int_equal(find_session(&x, 1, &s), TABLE_HIT);
    assert_int_equal(s.last_seen_at_ms, NOW + 70000);
    assert_int_equal(table_take_seen(x.w, NOW + 80000, sids, seen, 4), 1);
    world_close(&x);
}

static void a_note_about_a_former_life_is_lost(void **state)
{
    (void)state;
    struct world x = world_open(1, 1, NULL);
    struct session_record first = session_at(1, 1), second = session_at(2, 1);
    struct table_session old, s;
    struct session_id sids[4];
    int64_t seen[4];
    OK(put_session(&x, &first));
    assert_int_equal(find_session(&x, 1, &old), TABLE_HIT);
    OK(end_session(&x, 1));
    table_session_seen(x.t, &old, NOW + 5000);
    OK(put_session(&x, &second)); /* the same cell */
    table_session_seen(x.t, &old, NOW + 5000);
    assert_int_equal(find_session(&x, 2, &s), TABLE_HIT);
    assert_int_equal(s.cell, old.cell);
    assert_int_equal(s.last_seen_at_ms, NOW);
    assert_int_equal(table_take_seen(x.w, NOW + 9000, sids, seen, 4), 0);
    world_close(&x);
}

static void many_notes_are_taken_in_portions(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct world x = world_open(N, 1, NULL);
    struct session_id sids[64];
    int64_t seen[64];
    for (uint64_t n = 0; n < N; n++) {
        struct session_record r = session_at(n, 1);
        struct table_session s;
        OK(put_session(&x, &r));
        assert_int_equal(find_session(&x, n, &s), TABLE_HIT);
        if (n % 3 == 0)
            table_session_seen(x.t, &s, NOW + 1000);
    }
    uint32_t total = 0, count;
    do
        total += count = table_take_seen(x.w, NOW + 9000, sids, seen, 64);
    while (count == 64);
    assert_int_equal(total, (N + 2) / 3);
    world_close(&x);
}

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
        cmocka_unit_test(example_of_the_header_holds),
        cmocka_unit_test(session_is_found_as_it_was_put),
        cmocka_unit_test(extreme_values_survive),
        cmocka_unit_test(ended_session_stays_ended),
        cmocka_unit_test(end_without_a_time_lasts_as_long_as_what_it_ends),
        cmocka_unit_test(a_later_end_is_remembered_longer),
        cmocka_unit_test(spaces_do_not_mix),
        cmocka_unit_test(user_texts_are_ready_for_headers),
        cmocka_unit_test(longest_and_empty_texts_fit),
        cmocka_unit_test(epoch_never_goes_back),
        cmocka_unit_test(hint_is_right_or_harmless),
        cmocka_unit_test(api_key_lives_and_ends),
        cmocka_unit_test(key_set_is_replaced_as_a_whole),
        cmocka_unit_test(keys_with_half_a_name_in_common_are_two),
        cmocka_unit_test(full_collisions_are_told_apart),
        cmocka_unit_test(grows_through_many_sizes_and_gives_the_old_back),
        cmocka_unit_test(churn_with_a_host),
        cmocka_unit_test(churn_without_a_host),
        cmocka_unit_test(full_of_sessions_says_so),
        cmocka_unit_test(full_of_revocations_becomes_slow_not_wrong),
        cmocka_unit_test(fill_replaces_nothing),
        cmocka_unit_test(sweep_forgets_the_dead_only),
        cmocka_unit_test(expired_records_are_not_taken_in),
        cmocka_unit_test(last_seen_moves_forward_only),
        cmocka_unit_test(a_note_about_a_former_life_is_lost),
        cmocka_unit_test(many_notes_are_taken_in_portions),
        cmocka_unit_test(valid_only_while_leased_and_open),
        cmocka_unit_test(another_mapping_sees_the_same),
        cmocka_unit_test(damaged_headers_are_refused),
        cmocka_unit_test(damaged_cells_harm_nobody),
        cmocka_unit_test(geometry_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
