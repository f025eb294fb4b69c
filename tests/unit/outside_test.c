/* Does a verifier that has nothing but the table answer as the service would, ask where it can not know, and let nobody
 * in where it may not? */
#include "alloc_count.h"
#include "check.h"

#include "core/outside.h"
#include "house.h"

struct visit {
    struct house h;
    struct outside *o;
    struct user_record alice;
    struct identity who;
    struct cardea_status why;
};

static void show_apps(struct house *h)
{
    for (uint16_t i = 0; i < h->settings->app_count; i++) {
        struct table_app app = {.enabled = true, .live = h->settings->apps[i].live};
        memcpy(app.name, h->settings->apps[i].name, sizeof app.name);
        assert_ok(table_set_app(h->writer, i, &app));
    }
}

/* What daemon/keeper.c does with the ring. */
static void show_keys(struct house *h)
{
    struct table_key keys[8];
    size_t count = 0;
    for (uint32_t i = 0; i < h->keys->access_count; i++) {
        const struct access_key *from = &h->keys->access[i];
        if (from->public_len == 0)
            continue;
        struct table_key *to = &keys[count++];
        *to = (struct table_key){.kid = from->id, .algorithm = (uint8_t)from->format, .state = (uint8_t)from->state};
        to->public_len = from->public_len;
        memcpy(to->public_bytes, from->public_bytes, from->public_len);
    }
    assert_ok(table_set_keys(h->writer, keys, count));
}

static struct visit *come(void)
{
    struct visit *v = calloc(1, sizeof *v);
    assert_non_null(v);
    house_open(&v->h, 1000);
    show_apps(&v->h);
    show_keys(&v->h);
    v->alice = house_user(&v->h, "alice", "staff,admin");
    assert_ok(outside_new(entropy_system(), &v->o));
    assert_ok(outside_issuer(v->o, view_text(v->h.settings->public_url)));
    assert_ok(outside_audience(v->o, view_text(v->h.settings->public_url)));
    outside_table(v->o, v->h.table);
    return v;
}

static void leave(struct visit *v)
{
    outside_free(v->o);
    house_close(&v->h);
    free(v);
}

static enum verify_answer check(struct visit *v, enum credential_kind kind, struct view text)
{
    v->why = CARDEA_FAIL(E_UNSET);
    return outside_check(v->o, kind, text, v->h.now_ms, v->h.boot_ms, &v->who, &v->why);
}

#define YES(call) assert_int_equal(call, VERIFY_YES)
#define NO(v, code_, call)                                                                                             \
    do {                                                                                                               \
        assert_int_equal(call, VERIFY_NO);                                                                             \
        assert_code((v)->why, code_);                                                                                  \
    } while (0)
#define ASK(v, code_, call)                                                                                            \
    do {                                                                                                               \
        assert_int_equal(call, VERIFY_UNKNOWN);                                                                        \
        assert_code((v)->why, code_);                                                                                  \
    } while (0)

static void sessions(void **state)
{
    struct visit *v = come();
    char text[SESSION_COOKIE_TEXT], other[SESSION_COOKIE_TEXT], sealed[SEALED_TEXT_MAX];
    struct session_record s = house_session(&v->h, &v->alice, "web", text);
    struct view cookie = view_of(text, sizeof text), sealed_text;
    (void)state;
    (void)house_session(&v->h, &v->alice, "web", other);
    YES(check(v, KIND_SESSION, cookie));
    assert_text(table_user_username(&v->who.user), "alice");
    assert_string_equal(v->who.app->name, "web");
    assert_true(ID_SAME(v->who.sid, s.sid));
    /* One's id with another's secret: the tag says nothing here, the digest does. */
    memcpy(other, text, 32);
    NO(v, E_INVALID_SESSION, check(v, KIND_SESSION, view_of(other, sizeof other)));
    /* An id that nobody made is for the service, and so is what it sealed; nonsense is refused. */
    memset(other, 'A', sizeof other);
    ASK(v, E_NOT_FOUND, check(v, KIND_SESSION, view_of(other, sizeof other)));
    (void)house_sealed(&v->h, &v->alice, "sealed", sealed, &sealed_text);
    ASK(v, E_NOT_FOUND, check(v, KIND_SESSION, sealed_text));
    ASK(v, E_NOT_FOUND, check(v, KIND_SEALED, sealed_text));
    NO(v, E_INVALID_SESSION, check(v, KIND_SESSION, VIEW("x")));
    NO(v, E_INVALID_SESSION, check(v, KIND_SESSION, VIEW("")));

    int64_t now = v->h.now_ms;
    v->h.now_ms = now + s.idle_ms;
    ASK(v, E_NOT_FOUND, check(v, KIND_SESSION, cookie)); /* it looks idle */
    v->h.now_ms = s.expires_at_ms;
    NO(v, E_EXPIRED, check(v, KIND_SESSION, cookie));
    v->h.now_ms = now;
    house_end(&v->h, CHANGE_SESSION_END, s.sid.bytes);
    NO(v, E_INVALID_SESSION, check(v, KIND_SESSION, cookie));
    leave(v);
}

static void apps_and_users(void **state)
{
    struct visit *v = come();
    char text[SESSION_COOKIE_TEXT];
    struct view cookie = view_of(text, sizeof text);
    struct table_app web = {.name = "web"};
    uint16_t index;
    (void)state;
    (void)house_session(&v->h, &v->alice, "web", text);
    YES(check(v, KIND_SESSION, cookie));
    assert_non_null(settings_app(v->h.settings, VIEW("web"), &index));
    assert_ok(table_set_app(v->h.writer, index, &web)); /* disabled */
    NO(v, E_INVALID_SESSION, check(v, KIND_SESSION, cookie));
    web.enabled = true;
    assert_ok(table_set_app(v->h.writer, index, &web));
    YES(check(v, KIND_SESSION, cookie));
    memcpy(web.name, "spa", 4);
    assert_code(table_set_app(v->h.writer, index, &web), E_CONFLICT);
    v->alice.status = USER_SUSPENDED;
    v->alice.epoch++;
    house_put_user(&v->h, &v->alice);
    NO(v, E_INVALID_SESSION, check(v, KIND_SESSION, cookie));
    v->alice.status = USER_ACTIVE;
    v->alice.epoch++;
    house_put_user(&v->h, &v->alice);
    NO(v, E_INVALID_SESSION, check(v, KIND_SESSION, cookie));
    leave(v);
}

static void tokens(void **state)
{
    struct visit *v = come();
    char text[ACCESS_TOKEN_TEXT_MAX], strange[ACCESS_TOKEN_TEXT_MAX], strict[ACCESS_TOKEN_TEXT_MAX];
    struct session_record s = house_session(&v->h, &v->alice, "mobile", NULL);
    struct access_claims c = house_claims(&v->h, &s);
    struct view token = house_sign(&v->h, &c, text);
    (void)state;
    YES(check(v, KIND_TOKEN, token));
    YES(check(v, KIND_TOKEN, token)); /* known by now */
    assert_string_equal(v->who.app->name, "mobile");

    /* Under a key that is not in the table: a symmetric one, or one that was dropped. */
    house_add_access_key(v->h.keys, TOKEN_HS256, KEY_ACTIVE);
    house_add_access_key(v->h.keys, TOKEN_V4_LOCAL, KEY_ACTIVE);
    house_add_access_key(v->h.keys, TOKEN_V4_PUBLIC, KEY_ACTIVE);
    ASK(v, E_NOT_FOUND, check(v, KIND_TOKEN, house_sign_as(&v->h, TOKEN_HS256, &c, strange)));
    ASK(v, E_NOT_FOUND, check(v, KIND_TOKEN, house_sign_as(&v->h, TOKEN_V4_LOCAL, &c, strange)));
    struct view paseto = house_sign_as(&v->h, TOKEN_V4_PUBLIC, &c, strange);
    ASK(v, E_NOT_FOUND, check(v, KIND_TOKEN, paseto));
    show_keys(&v->h);
    YES(check(v, KIND_TOKEN, paseto));
    YES(check(v, KIND_TOKEN, token));
    assert_ok(table_set_keys(v->h.writer, NULL, 0));
    ASK(v, E_NOT_FOUND, check(v, KIND_TOKEN, token));
    show_keys(&v->h);
    YES(check(v, KIND_TOKEN, token));

    memcpy(strange, text, token.len);
    strange[token.len - 9] = strange[token.len - 9] == 'A' ? 'B' : 'A';
    NO(v, E_INVALID_TOKEN, check(v, KIND_TOKEN, view_of(strange, token.len)));
    NO(v, E_INVALID_TOKEN, check(v, KIND_TOKEN, VIEW("a.b.c")));
    NO(v, E_INVALID_TOKEN, check(v, KIND_TOKEN, VIEW("v4.local.AAAA")));
    struct access_claims other = c;
    memcpy(other.audience, "https://x.example", sizeof "https://x.example");
    NO(v, E_INVALID_TOKEN, check(v, KIND_TOKEN, house_sign(&v->h, &other, strange)));

    /* Its session need not be known, unless its app wants to see it alive. */
    table_forget(v->h.writer, CHANGE_SESSION_PUT, s.sid.bytes);
    YES(check(v, KIND_TOKEN, token));
    struct app *strict_app = NULL;
    for (uint32_t i = 0; i < v->h.settings->app_count; i++)
        if (strcmp(v->h.settings->apps[i].name, "strict") == 0)
            strict_app = &v->h.settings->apps[i];
    assert_non_null(strict_app);
    app_take_tokens(strict_app);
    show_apps(&v->h);
    struct session_record bank = house_session(&v->h, &v->alice, "strict", NULL);
    struct access_claims d = house_claims(&v->h, &bank);
    struct view live = house_sign(&v->h, &d, strict);
    YES(check(v, KIND_TOKEN, live));
    table_forget(v->h.writer, CHANGE_SESSION_PUT, bank.sid.bytes);
    ASK(v, E_NOT_FOUND, check(v, KIND_TOKEN, live));

    house_end(&v->h, CHANGE_TOKEN_END, c.jti.bytes);
    NO(v, E_INVALID_TOKEN, check(v, KIND_TOKEN, token));
    leave(v);
}

static void keys_of_programs(void **state)
{
    struct visit *v = come();
    char text[API_KEY_TEXT_MAX], other[API_KEY_TEXT_MAX];
    struct view key;
    struct api_key_record r = house_key(&v->h, &v->alice, "read write", text, &key);
    (void)state;
    YES(check(v, KIND_KEY, key));
    assert_true(identity_has_scope(&v->who, "write"));
    memcpy(other, text, key.len);
    other[40] = other[40] == 'A' ? 'B' : 'A';
    NO(v, E_INVALID_KEY, check(v, KIND_KEY, view_of(other, key.len))); /* its checksum */
    house_end(&v->h, CHANGE_API_KEY_END, r.id.bytes);
    NO(v, E_INVALID_KEY, check(v, KIND_KEY, key));
    table_forget(v->h.writer, CHANGE_API_KEY_PUT, r.id.bytes);
    NO(v, E_INVALID_KEY, check(v, KIND_KEY, key)); /* what has ended is not forgotten */
    leave(v);
}

static void nobody_without_a_lease(void **state)
{
    struct visit *v = come();
    char text[SESSION_COOKIE_TEXT], token_text[ACCESS_TOKEN_TEXT_MAX];
    struct session_record s = house_session(&v->h, &v->alice, "web", text),
                          m = house_session(&v->h, &v->alice, "mobile", NULL);
    struct access_claims c = house_claims(&v->h, &m);
    struct view cookie = view_of(text, sizeof text), token = house_sign(&v->h, &c, token_text);
    (void)state;
    (void)s;
    table_set_valid_until(v->h.writer, HOUSE_BOOT_MS + 1);
    YES(check(v, KIND_SESSION, cookie));
    YES(check(v, KIND_TOKEN, token));
    v->h.boot_ms++;
    ASK(v, E_UNAVAILABLE, check(v, KIND_SESSION, cookie));
    ASK(v, E_UNAVAILABLE, check(v, KIND_TOKEN, token));
    ASK(v, E_UNAVAILABLE, check(v, KIND_KEY, VIEW("x")));
    table_set_valid_until(v->h.writer, INT64_MAX);
    YES(check(v, KIND_SESSION, cookie));
    outside_table(v->o, NULL);
    ASK(v, E_UNAVAILABLE, check(v, KIND_SESSION, cookie));
    outside_table(v->o, v->h.table);
    YES(check(v, KIND_SESSION, cookie));
    table_clear(v->h.writer);
    ASK(v, E_UNAVAILABLE, check(v, KIND_TOKEN, token)); /* emptied, and so not valid */
    table_close(v->h.writer);
    table_set_valid_until(v->h.writer, INT64_MAX);
    ASK(v, E_UNAVAILABLE, check(v, KIND_SESSION, cookie));
    leave(v);
}

static void a_token_needs_an_issuer_and_an_audience(void **state)
{
    struct visit *v = come();
    char text[ACCESS_TOKEN_TEXT_MAX], cookie[SESSION_COOKIE_TEXT];
    struct session_record s = house_session(&v->h, &v->alice, "mobile", NULL);
    struct access_claims c = house_claims(&v->h, &s);
    struct view token = house_sign(&v->h, &c, text);
    (void)state;
    (void)house_session(&v->h, &v->alice, "web", cookie);
    outside_free(v->o);
    assert_ok(outside_new(entropy_system(), &v->o));
    outside_table(v->o, v->h.table);
    ASK(v, E_USAGE, check(v, KIND_TOKEN, token));
    YES(check(v, KIND_SESSION, view_of(cookie, sizeof cookie)));
    assert_ok(outside_issuer(v->o, view_text(v->h.settings->public_url)));
    ASK(v, E_USAGE, check(v, KIND_TOKEN, token));
    assert_ok(outside_audience(v->o, VIEW("https://other.example")));
    NO(v, E_INVALID_TOKEN, check(v, KIND_TOKEN, token));
    assert_ok(outside_audience(v->o, view_text(v->h.settings->public_url)));
    YES(check(v, KIND_TOKEN, token));
    assert_code(outside_issuer(v->o, VIEW("")), E_USAGE);
    assert_code(outside_audience(v->o, VIEW("")), E_USAGE);
    for (int i = 2; i < OUTSIDE_AUDIENCES_MAX; i++)
        assert_ok(outside_audience(v->o, VIEW("x")));
    assert_code(outside_audience(v->o, VIEW("x")), E_LIMIT);
    leave(v);
}

static void a_check_allocates_nothing(void **state)
{
    struct visit *v = come();
    char text[SESSION_COOKIE_TEXT], token_text[ACCESS_TOKEN_TEXT_MAX], key_text[API_KEY_TEXT_MAX];
    struct session_record m = house_session(&v->h, &v->alice, "mobile", NULL);
    struct access_claims c = house_claims(&v->h, &m);
    struct view token = house_sign(&v->h, &c, token_text), key;
    (void)state;
    (void)house_session(&v->h, &v->alice, "web", text);
    (void)house_key(&v->h, &v->alice, "read", key_text, &key);
    YES(check(v, KIND_TOKEN, token));
    size_t before = alloc_count;
    for (int i = 0; i < 100; i++) {
        YES(check(v, KIND_SESSION, view_of(text, sizeof text)));
        YES(check(v, KIND_TOKEN, token));
        YES(check(v, KIND_KEY, key));
        ASK(v, E_NOT_FOUND, check(v, KIND_SESSION, VIEW("eyJx")));
    }
    assert_int_equal(alloc_count, before);
    leave(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions),
        cmocka_unit_test(apps_and_users),
        cmocka_unit_test(tokens),
        cmocka_unit_test(keys_of_programs),
        cmocka_unit_test(nobody_without_a_lease),
        cmocka_unit_test(a_token_needs_an_issuer_and_an_audience),
        cmocka_unit_test(a_check_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
