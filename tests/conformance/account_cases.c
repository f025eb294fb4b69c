/* Users, API keys, keys and values. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

void user_round_trip(void **state)
{
    (void)state;
    struct user_record u = sample_user(1), got;
    memset(&got, 0x77, sizeof got);
    assert_int_equal(read_user(u.id, &got), CARDEA_E_NOT_FOUND);
    assert_int_equal(got.epoch, 0x7777777777777777); /* outputs are untouched on failure */
    put_user(&u);
    assert_int_equal(read_user(u.id, &got), CARDEA_OK);
    same_user(&got, &u);
    u = sample_user(1);
    u.status = USER_SUSPENDED;
    u.epoch = INT64_MAX;
    u.email[0] = u.name[0] = u.roles[0] = u.password_hash[0] = '\0';
    (void)snprintf(u.username, sizeof u.username, "renamed");
    put_user(&u);
    assert_int_equal(read_user(u.id, &got), CARDEA_OK);
    same_user(&got, &u);
    struct store_tx *tx = open_write(store);
    u.status = USER_STATUS_UNSET; /* nobody may write what reading would refuse */
    assert_code(OPS->user_put(tx, &u), E_INTERNAL);
    OPS->abort(tx);
}

static void fill(char *text, size_t cap, char c)
{
    memset(text, c, cap - 1);
    text[cap - 1] = '\0';
}

void user_at_its_limits(void **state)
{
    (void)state;
    struct user_record u = sample_user(1), got;
    fill(u.username, sizeof u.username, 'u');
    fill(u.email, sizeof u.email, 'e');
    fill(u.name, sizeof u.name, '\xff'); /* an engine keeps bytes, it does not judge them */
    fill(u.roles, sizeof u.roles, 'r');
    fill(u.password_hash, sizeof u.password_hash, '$');
    fill(u.metadata, sizeof u.metadata, 'm');
    put_user(&u);
    assert_int_equal(read_user(u.id, &got), CARDEA_OK);
    same_user(&got, &u);
}

void user_found_by_name_and_email(void **state)
{
    (void)state;
    struct user_record u = sample_user(1), none = sample_user(2), got;
    none.email[0] = '\0';
    put_user(&u);
    put_user(&none);
    struct store_tx *tx = open_read(store);
    assert_ok(OPS->user_find(tx, view_text(u.username), &got));
    same_user(&got, &u);
    assert_code(OPS->user_find(tx, VIEW("USER00001"), &got), E_NOT_FOUND); /* names come in canonical form */
    assert_code(OPS->user_find(tx, VIEW("user0000"), &got), E_NOT_FOUND);
    assert_code(OPS->user_find(tx, VIEW("user00001\0x"), &got), E_NOT_FOUND);
    assert_code(OPS->user_find(tx, VIEW_EMPTY, &got), E_NOT_FOUND);
    assert_ok(OPS->user_find_email(tx, VIEW("User00001@EXAMPLE.org"), &got));
    same_user(&got, &u);
    assert_code(OPS->user_find_email(tx, VIEW_EMPTY, &got), E_NOT_FOUND); /* "" is nobody's address */
    OPS->abort(tx);
}

void usernames_and_emails_are_unique(void **state)
{
    (void)state;
    struct user_record a = sample_user(1), b = sample_user(2), c = sample_user(3), got;
    put_user(&a);
    put_user(&b);
    struct store_tx *tx = open_write(store);
    memcpy(c.username, a.username, sizeof c.username);
    assert_code(OPS->user_put(tx, &c), E_USERNAME_TAKEN);
    memcpy(c.email, a.email, sizeof c.email); /* both: the name is told */
    assert_code(OPS->user_put(tx, &c), E_USERNAME_TAKEN);
    c = sample_user(3);
    (void)snprintf(c.email, sizeof c.email, "USER00001@example.ORG");
    assert_code(OPS->user_put(tx, &c), E_CONFLICT);
    c.email_verified = false; /* a claim is nobody's property, and shows nothing about the owner */
    assert_ok(OPS->user_put(tx, &c));
    assert_ok(OPS->user_find_email(tx, VIEW("user00001@example.org"), &got));
    same_user(&got, &a);
    c.email_verified = true;
    assert_code(OPS->user_put(tx, &c), E_CONFLICT);
    assert_ok(OPS->user_delete(tx, c.id));
    memcpy(b.username, a.username, sizeof b.username); /* a replacement is refused too */
    assert_code(OPS->user_put(tx, &b), E_USERNAME_TAKEN);
    commit(store, tx); /* a refused record breaks nothing */
    assert_int_equal(read_user(c.id, &got), CARDEA_E_NOT_FOUND);
    assert_int_equal(read_user(b.id, &got), CARDEA_OK);
    b = sample_user(2);
    same_user(&got, &b);
    c = sample_user(3);
    c.email[0] = '\0';
    put_user(&c);
    b.email[0] = '\0'; /* any number may have none */
    put_user(&b);
}

static struct api_key_record sample_key(unsigned number, struct user_id user)
{
    struct api_key_record k = {
        .user = user, .created_at_ms = 1700000000000 + number / 2, .expires_at_ms = 1800000000000 + number};
    for (unsigned i = 0; i < 4; i++) /* ids out of the order of creation */
        k.id.bytes[i] = (uint8_t)((number * 2654435761U) >> (8 * i));
    memset(k.digest, (int)number, sizeof k.digest);
    (void)snprintf(k.name, sizeof k.name, "key %u", number);
    (void)snprintf(k.scopes, sizeof k.scopes, "read write:%u", number);
    return k;
}

static void same_key(const struct api_key_record *a, const struct api_key_record *b)
{
    assert_memory_equal(&a->id, &b->id, sizeof a->id);
    assert_memory_equal(&a->user, &b->user, sizeof a->user);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    assert_int_equal(a->created_at_ms, b->created_at_ms);
    assert_int_equal(a->expires_at_ms, b->expires_at_ms);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->scopes, b->scopes);
}

void user_delete_takes_what_is_the_users(void **state)
{
    (void)state;
    struct user_record a = sample_user(1), b = sample_user(2), got;
    struct session_record of_a = sample_session(1, a.id), of_b = sample_session(2, b.id), session;
    struct api_key_record key_a = sample_key(1, a.id), key_b = sample_key(2, b.id), key;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->user_put(tx, &a));
    assert_ok(OPS->user_put(tx, &b));
    assert_ok(OPS->api_key_put(tx, &key_a));
    assert_ok(OPS->api_key_put(tx, &key_b));
    if (engine->sessions) {
        assert_ok(OPS->session_create(tx, &of_a));
        assert_ok(OPS->session_create(tx, &of_b));
    }
    assert_ok(OPS->user_delete(tx, a.id));
    assert_code(OPS->user_delete(tx, a.id), E_NOT_FOUND);
    commit(store, tx);
    assert_int_equal(read_user(a.id, &got), CARDEA_E_NOT_FOUND);
    assert_int_equal(read_user(b.id, &got), CARDEA_OK);
    tx = open_read(store);
    assert_code(OPS->user_find(tx, view_text(a.username), &got), E_NOT_FOUND);
    assert_code(OPS->api_key_get(tx, key_a.id, &key), E_NOT_FOUND);
    assert_ok(OPS->api_key_get(tx, key_b.id, &key));
    if (engine->sessions) {
        assert_code(OPS->session_get(tx, of_a.sid, &session), E_NOT_FOUND);
        assert_ok(OPS->session_get(tx, of_b.sid, &session));
    }
    OPS->abort(tx);
}

/* Put users 1 … count in a shuffled order. */
static void put_users(unsigned count)
{
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < count; i++) {
        struct user_record u = sample_user(1 + i * 7 % count);
        assert_ok(OPS->user_put(tx, &u));
    }
    commit(store, tx);
}

void users_in_pages(void **state)
{
    (void)state;
    enum { USERS = 25, LIMIT = 10 };
    struct user_record *out = calloc(LIMIT, sizeof *out);
    assert_non_null(out);
    struct user_filter all = {0};
    struct page page = {.limit = LIMIT};
    uint32_t count = 0, seen = 0, pages = 0;
    struct cursor next;
    put_users(USERS);
    do {
        struct store_tx *tx = open_read(store); /* a transaction a page, as over HTTP */
        assert_ok(OPS->user_list(tx, &all, &page, out, &count, &next));
        OPS->abort(tx);
        assert_in_range(count, 1, LIMIT);
        for (uint32_t i = 0; i < count; i++) {
            struct user_record wanted = sample_user(++seen);
            same_user(&out[i], &wanted);
        }
        page.after = next;
        pages++;
    } while (next.text[0] != '\0');
    assert_int_equal(seen, USERS);
    assert_int_equal(pages, 3);
    struct store_tx *tx = open_read(store);
    page = (struct page){.limit = 0};
    assert_code(OPS->user_list(tx, &all, &page, out, &count, &next), E_INTERNAL);
    page.limit = PAGE_MAX + 1;
    assert_code(OPS->user_list(tx, &all, &page, out, &count, &next), E_INTERNAL);
    OPS->abort(tx);
    free(out);
}

static uint32_t count_users(struct user_filter filter)
{
    struct user_record *out = calloc(50, sizeof *out);
    assert_non_null(out);
    struct page page = {.limit = 50};
    struct cursor next;
    uint32_t count = 0;
    struct store_tx *tx = open_read(store);
    assert_ok(OPS->user_list(tx, &filter, &page, out, &count, &next));
    OPS->abort(tx);
    assert_string_equal(next.text, "");
    free(out);
    return count;
}

void users_by_filter(void **state)
{
    (void)state;
    put_users(20);
    struct user_record u = sample_user(21);
    u.status = USER_SUSPENDED;
    (void)snprintf(u.username, sizeof u.username, "zoë%%_");
    (void)snprintf(u.email, sizeof u.email, "Other@example.org");
    (void)snprintf(u.roles, sizeof u.roles, "admin2,sub");
    put_user(&u);
    assert_int_equal(count_users((struct user_filter){0}), 21);
    assert_int_equal(count_users((struct user_filter){.q = VIEW("user0001")}), 10);
    assert_int_equal(count_users((struct user_filter){.q = VIEW("zoë%")}), 1); /* no pattern characters */
    assert_int_equal(count_users((struct user_filter){.q = VIEW("%")}), 0);
    assert_int_equal(count_users((struct user_filter){.q = VIEW("zo_")}), 0);
    assert_int_equal(count_users((struct user_filter){.q = VIEW("other@EX")}), 1);
    assert_int_equal(count_users((struct user_filter){.q = VIEW("ser")}), 0); /* a prefix, not a part */
    assert_int_equal(count_users((struct user_filter){.role = VIEW("admin")}), 10);
    assert_int_equal(count_users((struct user_filter){.role = VIEW("sub")}), 1);
    assert_int_equal(count_users((struct user_filter){.role = VIEW("adm")}), 0);
    assert_int_equal(count_users((struct user_filter){.role = VIEW("admin,editor")}), 0);
    assert_int_equal(count_users((struct user_filter){.status = USER_SUSPENDED}), 1);
    assert_int_equal(count_users((struct user_filter){.status = USER_ACTIVE}), 20);
    assert_int_equal(
        count_users((struct user_filter){.q = VIEW("user"), .role = VIEW("editor"), .status = USER_ACTIVE}), 20);
    char longest[EMAIL_MAX + 2];
    memset(longest, 'u', sizeof longest);
    assert_int_equal(count_users((struct user_filter){.q = view_of(longest, sizeof longest)}), 0);
    assert_int_equal(count_users((struct user_filter){.role = view_of(longest, sizeof longest)}), 0);
}

void cursors_of_others_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"x",
                                      "-",
                                      "12-",
                                      "AAAA",
                                      "-1-AAAAAAAAAAAAAAAAAAAAAA",
                                      "12-AAAAAAAAAAAAAAAAAAAAA",
                                      "12-AAAAAAAAAAAAAAAAAAAAAB",
                                      "01-AAAAAAAAAAAAAAAAAAAAAA",
                                      "12-AAAAAAAAAAAAAAAAAAAAAA ",
                                      "99999999999999999999-AAAAAAAAAAAAAAAAAAAAAA",
                                      "' OR 1=1 --"};
    struct user_record *user = calloc(1, sizeof *user);
    assert_non_null(user);
    struct api_key_record key;
    struct session_record session;
    struct store_tx *tx = open_read(store);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct page page = {.limit = 1};
        struct user_filter all = {0};
        uint32_t count;
        struct cursor next;
        (void)snprintf(page.after.text, sizeof page.after.text, "%s", bad[i]);
        assert_code(OPS->user_list(tx, &all, &page, user, &count, &next), E_INVALID_FIELD);
        assert_code(OPS->api_key_list(tx, NULL, &page, &key, &count, &next), E_INVALID_FIELD);
        if (engine->sessions)
            assert_code(OPS->session_list(tx, NULL, 0, &page, &session, &count, &next), E_INVALID_FIELD);
        memset(page.after.text, 'A', sizeof page.after.text); /* not even an end */
        assert_code(OPS->user_list(tx, &all, &page, user, &count, &next), E_INVALID_FIELD);
    }
    assert_ok(OPS->commit(tx));
    free(user);
}

void api_key_round_trip(void **state)
{
    (void)state;
    struct api_key_record k = sample_key(1, sample_user(1).id), got;
    struct store_tx *tx = open_write(store);
    assert_code(OPS->api_key_get(tx, k.id, &got), E_NOT_FOUND);
    assert_code(OPS->api_key_delete(tx, k.id), E_NOT_FOUND);
    fill(k.name, sizeof k.name, 'n');
    fill(k.scopes, sizeof k.scopes, 's');
    k.expires_at_ms = 0;
    assert_ok(OPS->api_key_put(tx, &k));
    assert_ok(OPS->api_key_get(tx, k.id, &got));
    same_key(&got, &k);
    k.name[0] = '\0';
    k.expires_at_ms = 5;
    assert_ok(OPS->api_key_put(tx, &k));
    assert_ok(OPS->api_key_get(tx, k.id, &got));
    same_key(&got, &k);
    assert_ok(OPS->api_key_delete(tx, k.id));
    assert_code(OPS->api_key_get(tx, k.id, &got), E_NOT_FOUND);
    commit(store, tx);
}

static uint32_t walk_keys(const struct user_id *user, uint32_t limit)
{
    struct api_key_record out[10], last = {.created_at_ms = INT64_MAX};
    struct page page = {.limit = limit};
    struct cursor next;
    uint32_t seen = 0, count = 0;
    do {
        struct store_tx *tx = open_read(store);
        assert_ok(OPS->api_key_list(tx, user, &page, out, &count, &next));
        OPS->abort(tx);
        for (uint32_t i = 0; i < count; i++) {
            bool older =
                out[i].created_at_ms < last.created_at_ms ||
                (out[i].created_at_ms == last.created_at_ms && memcmp(&out[i].id, &last.id, sizeof last.id) < 0);
            assert_true(older);
            last = out[i];
        }
        seen += count;
        page.after = next;
    } while (next.text[0] != '\0');
    return seen;
}

void api_keys_in_pages(void **state)
{
    (void)state;
    struct user_id a = sample_user(1).id, b = sample_user(2).id;
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < 20; i++) { /* two of each millisecond */
        struct api_key_record k = sample_key(i, i % 4 == 0 ? a : b);
        assert_ok(OPS->api_key_put(tx, &k));
    }
    commit(store, tx);
    assert_int_equal(walk_keys(NULL, 3), 20);
    assert_int_equal(walk_keys(NULL, 10), 20);
    assert_int_equal(walk_keys(&a, 2), 5);
    assert_int_equal(walk_keys(&b, 1), 15);
}

void key_round_trip(void **state)
{
    (void)state;
    enum { KEYS = 3 };
    static struct key_record keys[KEYS], got[KEYS + 1];
    struct store_tx *tx = open_write(store);
    for (unsigned i = 0; i < KEYS; i++) {
        struct key_record *k = &keys[i];
        memset(k, 0, sizeof *k);
        memset(k->id.bytes, 0xf0 - (int)i, sizeof k->id.bytes);
        k->use = (enum key_use)(KEY_USE_ACCESS + i);
        k->state = (enum key_state)(KEY_NEXT + i);
        k->created_at_ms = 1000 + i;
        k->activate_at_ms = 2000 + i;
        k->drop_at_ms = 3000 + i;
        (void)snprintf(k->algorithm, sizeof k->algorithm, "ES256");
        k->sealed_len = i == 0 ? 0 : (uint16_t)sizeof k->sealed;
        memset(k->sealed, (int)i, sizeof k->sealed);
        fill(k->public_jwk, sizeof k->public_jwk, '{');
        assert_ok(OPS->key_put(tx, k));
    }
    keys[1].state = KEY_RETIRING;
    keys[1].sealed_len = 100;
    assert_ok(OPS->key_put(tx, &keys[1]));
    uint32_t count = 0;
    assert_ok(OPS->key_list(tx, got, KEYS, &count));
    assert_int_equal(count, KEYS);
    for (unsigned i = 0; i < KEYS; i++) {
        assert_memory_equal(&got[i].id, &keys[i].id, sizeof keys[i].id);
        assert_int_equal(got[i].use, keys[i].use);
        assert_int_equal(got[i].state, keys[i].state);
        assert_int_equal(got[i].created_at_ms, keys[i].created_at_ms);
        assert_int_equal(got[i].activate_at_ms, keys[i].activate_at_ms);
        assert_int_equal(got[i].drop_at_ms, keys[i].drop_at_ms);
        assert_string_equal(got[i].algorithm, keys[i].algorithm);
        assert_string_equal(got[i].public_jwk, keys[i].public_jwk);
        assert_int_equal(got[i].sealed_len, keys[i].sealed_len);
        assert_memory_equal(got[i].sealed, keys[i].sealed, keys[i].sealed_len);
    }
    assert_code(OPS->key_list(tx, got, KEYS - 1, &count), E_LIMIT);
    assert_ok(OPS->key_delete(tx, keys[0].id));
    assert_code(OPS->key_delete(tx, keys[0].id), E_NOT_FOUND);
    assert_ok(OPS->key_list(tx, got, KEYS - 1, &count));
    assert_int_equal(count, KEYS - 1);
    keys[1].use = KEY_USE_UNSET;
    assert_code(OPS->key_put(tx, &keys[1]), E_INTERNAL);
    commit(store, tx);
}

void values(void **state)
{
    (void)state;
    int64_t value = 42;
    struct store_tx *tx = open_write(store);
    assert_code(OPS->value_get(tx, "high_water_ms", &value), E_NOT_FOUND);
    assert_int_equal(value, 42);
    assert_ok(OPS->value_put(tx, "high_water_ms", INT64_MAX));
    assert_ok(OPS->value_put(tx, "incarnation", INT64_MIN));
    assert_ok(OPS->value_get(tx, "high_water_ms", &value));
    assert_true(value == INT64_MAX);
    assert_ok(OPS->value_put(tx, "high_water_ms", 0));
    assert_ok(OPS->value_raise(tx, "raised", 5));
    assert_ok(OPS->value_raise(tx, "raised", 9));
    assert_ok(OPS->value_raise(tx, "raised", 7));
    assert_ok(OPS->value_get(tx, "raised", &value));
    assert_int_equal(value, 9);
    commit(store, tx);
    tx = open_read(store);
    assert_ok(OPS->value_get(tx, "high_water_ms", &value));
    assert_int_equal(value, 0);
    assert_ok(OPS->value_get(tx, "incarnation", &value));
    assert_true(value == INT64_MIN);
    OPS->abort(tx);
}

static struct verifier_record sample_verifier(unsigned number)
{
    struct verifier_record v = {.kind = number % 2 == 0 ? VERIFIER_REMOTE : VERIFIER_NODE,
                                .n = number,
                                .renewals = number + 1,
                                .lease_ms = 2000};
    v.id[0] = (uint8_t)number;
    (void)snprintf(v.name, sizeof v.name, "node-%u", number);
    (void)snprintf(v.sessions, sizeof v.sessions, number % 2 == 0 ? "" : "shared");
    return v;
}

static void same_verifier(const struct verifier_record *a, const struct verifier_record *b)
{
    assert_memory_equal(a->id, b->id, sizeof a->id);
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->name, b->name);
    assert_true(a->n == b->n && a->renewals == b->renewals && a->lease_ms == b->lease_ms);
    assert_string_equal(a->sessions, b->sessions);
}

void verifiers_are_registered(void **state)
{
    (void)state;
    struct verifier_record v[3] = {sample_verifier(3), sample_verifier(1), sample_verifier(2)}, got[3];
    uint32_t count = 77;
    fill(v[0].name, sizeof v[0].name, 'n');
    fill(v[0].sessions, sizeof v[0].sessions, 's');
    v[0].n = v[0].renewals = INT64_MAX;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->verifier_list(tx, got, 0, &count));
    assert_int_equal(count, 0);
    for (int i = 0; i < 3; i++)
        assert_ok(OPS->verifier_put(tx, &v[i]));
    commit(store, tx);
    tx = open_read(store);
    assert_ok(OPS->verifier_list(tx, got, 3, &count));
    assert_int_equal(count, 3);
    same_verifier(&got[0], &v[1]);
    same_verifier(&got[1], &v[2]);
    same_verifier(&got[2], &v[0]);
    assert_code(OPS->verifier_list(tx, got, 2, &count), E_LIMIT);
    assert_int_equal(count, 3);
    assert_code(OPS->verifier_put(tx, &v[0]), E_INTERNAL); /* in a READ */
    OPS->abort(tx);
    tx = open_write(store);
    v[1].n = 9;
    v[1].renewals++;
    v[1].lease_ms = 500;
    assert_ok(OPS->verifier_put(tx, &v[1]));
    assert_ok(OPS->verifier_delete(tx, v[0].id));
    assert_code(OPS->verifier_delete(tx, v[0].id), E_NOT_FOUND);
    struct verifier_record unset = {.kind = VERIFIER_KIND_UNSET};
    assert_code(OPS->verifier_put(tx, &unset), E_INTERNAL);
    commit(store, tx);
    tx = open_read(store);
    assert_ok(OPS->verifier_list(tx, got, 3, &count));
    assert_int_equal(count, 2);
    same_verifier(&got[0], &v[1]);
    OPS->abort(tx);
}

/* What is heard by the time a push of our own, sent behind it, is heard. */
static unsigned hear(void)
{
    unsigned what = 0, all = 0;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->push(tx, STORE_PUSH_RENEW));
    commit(store, tx);
    while ((all & STORE_PUSH_RENEW) == 0) {
        assert_ok(OPS->push_wait(store, conformance_boot_ms() + 10000, &what));
        assert_int_not_equal(what, 0); /* not within ten seconds */
        all |= what;
    }
    return all;
}

/* Append one row; committed or not. */
static void append(const char *type, enum revocation_kind kind, bool kept)
{
    struct event e = sample_event(1);
    (void)snprintf(e.type, sizeof e.type, "%s", type);
    e.revocation.kind = kind;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->event_append(tx, &e));
    if (kept)
        commit(store, tx);
    else
        OPS->abort(tx);
}

void pushes_come_with_the_commit(void **state)
{
    (void)state;
    unsigned what = 77;
    if (OPS->push == NULL) {
        assert_true(OPS->push_wait == NULL && OPS->push_wake == NULL);
        return;
    }
    assert_ok(OPS->push_wait(store, conformance_boot_ms() + 10000, &what)); /* it listens: look */
    assert_int_equal(what, STORE_PUSH_ROWS);
    assert_ok(OPS->push_wait(store, conformance_boot_ms() + 20, &what)); /* nothing, by the deadline */
    assert_int_equal(what, 0);
    assert_int_equal(hear(), STORE_PUSH_RENEW);
    append("user_updated", REVOCATION_NONE, false);
    append("login", REVOCATION_NONE, true);
    assert_int_equal(hear(), STORE_PUSH_RENEW);
    append("user_updated", REVOCATION_NONE, true);
    assert_int_equal(hear(), STORE_PUSH_ROWS | STORE_PUSH_RENEW);
    append("logout", REVOCATION_SESSION, true);
    assert_int_equal(hear(), STORE_PUSH_ROWS | STORE_PUSH_RENEW);
    assert_int_equal(hear(), STORE_PUSH_RENEW);
    OPS->push_wake(store); /* before the wait: it sticks */
    OPS->push_wake(store);
    assert_ok(OPS->push_wait(store, conformance_boot_ms() + 10000, &what));
    assert_int_equal(what, STORE_PUSH_WAKE);
    assert_ok(OPS->push_wait(store, conformance_boot_ms() + 20, &what));
    assert_int_equal(what, 0);
    struct store_tx *tx = open_read(store);
    assert_code(OPS->push(tx, STORE_PUSH_ROWS), E_INTERNAL); /* in a READ */
    OPS->abort(tx);
}

void sweep_removes_expired_api_keys(void **state)
{
    (void)state;
    struct user_id user = sample_user(1).id;
    struct api_key_record key, over = sample_key(1, user), alive = sample_key(2, user), endless = sample_key(3, user);
    over.expires_at_ms = 5000;
    alive.expires_at_ms = 5001;
    endless.expires_at_ms = 0;
    uint32_t count = 9;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->api_key_put(tx, &over));
    assert_ok(OPS->api_key_put(tx, &alive));
    assert_ok(OPS->api_key_put(tx, &endless));
    assert_ok(OPS->sweep(tx, 4999, 10, &count));
    assert_int_equal(count, 0);
    assert_ok(OPS->sweep(tx, 5000, 10, &count));
    assert_int_equal(count, 1);
    assert_code(OPS->api_key_get(tx, over.id, &key), E_NOT_FOUND);
    assert_ok(OPS->api_key_get(tx, alive.id, &key));
    assert_ok(OPS->api_key_get(tx, endless.id, &key));
    commit(store, tx);
}

void values_are_listed(void **state)
{
    (void)state;
    struct named_value got[3];
    uint32_t count = 9;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->value_list(tx, got, 3, &count));
    assert_int_equal(count, 0);
    assert_ok(OPS->value_put(tx, "time", INT64_MAX));
    assert_ok(OPS->value_put(tx, "incarnation", -1));
    assert_ok(OPS->value_put(tx, "time", 7));
    assert_ok(OPS->value_list(tx, got, 2, &count));
    assert_int_equal(count, 2);
    assert_string_equal(got[0].name, "incarnation");
    assert_int_equal(got[0].value, -1);
    assert_string_equal(got[1].name, "time");
    assert_int_equal(got[1].value, 7);
    assert_code(OPS->value_list(tx, got, 1, &count), E_LIMIT);
    assert_int_equal(count, 2);
    OPS->abort(tx);
}
