/* Does the verification table say what core/table.h promises of records, one change after the other? (Its room:
 * table_room_test.c; its block: table_block_test.c; threads and crashes: table_steps_test.c, table_torture_test.c,
 * table_killed_test.c.) */
#include "table_help.h"

#include "base/secret.h"
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
        cmocka_unit_test(fill_replaces_nothing),
        cmocka_unit_test(expired_records_are_not_taken_in),
        cmocka_unit_test(last_seen_moves_forward_only),
        cmocka_unit_test(a_note_about_a_former_life_is_lost),
        cmocka_unit_test(many_notes_are_taken_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
