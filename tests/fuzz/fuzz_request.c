/* A whole request: whatever its head and body say, the exchange ends with an answer that is well formed and blames
 * nobody but the client.
 *
 * Input: "METHOD target", lines "name: value", an empty line, the body. $S, $C, $T, $K and $R in it stand for a good
 * session cookie, CSRF token, access token, API key and refresh token of the one user there is. The store is a double:
 * that user, one session of each kind, one key; it takes every write and keeps none.
 */
#include "fuzz.h"

#include "base/json.h"
#include "core/credential.h"
#include "core/grant.h"
#include "credential_keys.h"
#include "http/endpoint.h"

enum { NOW_S = 1800000000, TEXT_MAX = 32 * 1024, ROOM_MAX = 4096 };

static struct settings settings;
static struct user_record user;
static struct session_record by_cookie, by_token;
static struct api_key_record key;
static char good[5][ACCESS_TOKEN_TEXT_MAX]; /* in the order of good_names */
static const char good_names[] = "SCTKR";

/* --- the store --- */

static struct cardea_status begin(struct store *s, enum store_mode mode, int64_t deadline_ms, struct store_tx **out)
{
    (void)mode;
    (void)deadline_ms;
    *out = (struct store_tx *)(void *)s;
    return CARDEA_SUCCESS;
}

static struct cardea_status end(struct store_tx *tx)
{
    (void)tx;
    return CARDEA_SUCCESS;
}

static void stop(struct store_tx *tx)
{
    (void)tx;
}

static struct cardea_status user_get(struct store_tx *tx, struct user_id id, struct user_record *out)
{
    (void)tx;
    if (!ID_SAME(id, user.id))
        return CARDEA_FAIL(E_NOT_FOUND);
    *out = user;
    return CARDEA_SUCCESS;
}

static struct cardea_status user_find(struct store_tx *tx, struct view name, struct user_record *out)
{
    return view_is(name, user.username) ? user_get(tx, user.id, out) : CARDEA_FAIL(E_NOT_FOUND);
}

static struct cardea_status user_find_email(struct store_tx *tx, struct view email, struct user_record *out)
{
    return view_is(email, user.email) ? user_get(tx, user.id, out) : CARDEA_FAIL(E_NOT_FOUND);
}

static struct cardea_status user_put(struct store_tx *tx, const struct user_record *u)
{
    (void)tx;
    EXPECT(strlen(u->username) <= USERNAME_MAX && u->metadata[0] == '{' && strcmp(u->roles, user.roles) >= 0);
    return strcmp(u->username, user.username) == 0 && !ID_SAME(u->id, user.id) ? CARDEA_FAIL(E_USERNAME_TAKEN)
                                                                               : CARDEA_SUCCESS;
}

static struct cardea_status api_key_get(struct store_tx *tx, struct api_key_id id, struct api_key_record *out)
{
    (void)tx;
    if (!ID_SAME(id, key.id))
        return CARDEA_FAIL(E_NOT_FOUND);
    *out = key;
    return CARDEA_SUCCESS;
}

static struct cardea_status api_key_put(struct store_tx *tx, const struct api_key_record *k)
{
    (void)tx;
    EXPECT(ID_SAME(k->user, user.id) && k->name[0] != '\0' && k->expires_at_ms > NOW_S * INT64_C(1000));
    return CARDEA_SUCCESS;
}

static struct cardea_status api_key_delete(struct store_tx *tx, struct api_key_id id)
{
    struct api_key_record k;
    return api_key_get(tx, id, &k);
}

static struct cardea_status api_key_list(struct store_tx *tx, const struct user_id *of, const struct page *page,
                                         struct api_key_record *out, uint32_t *ret_count, struct cursor *ret_next)
{
    EXPECT(tx != NULL && of != NULL && page->limit >= 1 && page->limit <= PAGE_MAX);
    out[0] = key;
    *ret_count = 1;
    *ret_next = (struct cursor){{0}};
    return page->after.text[0] == 'x' ? CARDEA_FAIL(E_INVALID_FIELD) : CARDEA_SUCCESS;
}

static struct cardea_status event_append(struct store_tx *tx, struct event *e)
{
    struct json_token tokens[64];
    struct json doc;
    (void)tx;
    EXPECT(e->type[0] != '\0' && e->actor[0] != '\0' && e->revocation.kind != REVOCATION_UNSET);
    EXPECT(cardea_ok(json_read(view_text(e->detail), tokens, 64, &doc, NULL)));
    return CARDEA_SUCCESS;
}

static struct cardea_status session_get(struct store_tx *tx, struct session_id sid, struct session_record *out)
{
    (void)tx;
    if (!ID_SAME(sid, by_cookie.sid) && !ID_SAME(sid, by_token.sid))
        return CARDEA_FAIL(E_NOT_FOUND);
    *out = ID_SAME(sid, by_cookie.sid) ? by_cookie : by_token;
    return CARDEA_SUCCESS;
}

static struct cardea_status session_create(struct store_tx *tx, const struct session_record *r)
{
    (void)tx;
    EXPECT(r->kind != SESSION_KIND_UNSET && ID_SAME(r->user, user.id) && r->expires_at_ms > r->created_at_ms);
    return CARDEA_SUCCESS;
}

static struct cardea_status session_rotate(struct store_tx *tx, const struct session_record *r, uint64_t expected)
{
    (void)tx;
    EXPECT(r->generation == expected + 1 && expected == by_token.generation);
    return CARDEA_SUCCESS;
}

static struct cardea_status session_delete(struct store_tx *tx, struct session_id sid)
{
    struct session_record r;
    return session_get(tx, sid, &r);
}

static struct cardea_status session_delete_below(struct store_tx *tx, struct user_id of, int64_t epoch, uint32_t limit,
                                                 uint32_t *ret_count)
{
    (void)tx;
    EXPECT(ID_SAME(of, user.id) && epoch == user.epoch + 1 && limit > 0);
    *ret_count = 2;
    return CARDEA_SUCCESS;
}

static struct cardea_status session_list(struct store_tx *tx, const struct user_id *of, int64_t epoch,
                                         const struct page *page, struct session_record *out, uint32_t *ret_count,
                                         struct cursor *ret_next)
{
    EXPECT(tx != NULL && of != NULL && epoch >= 1 && page->limit >= 1 && page->limit <= PAGE_MAX);
    out[0] = by_token;
    *ret_count = 1;
    *ret_next = (struct cursor){{0}};
    return page->after.text[0] == 'x' ? CARDEA_FAIL(E_INVALID_FIELD) : CARDEA_SUCCESS;
}

static struct cardea_status revocation_find(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32])
{
    EXPECT(tx != NULL && kind == REVOCATION_TOKEN && id != NULL);
    return CARDEA_FAIL(E_NOT_FOUND);
}

static const struct store_ops ops = {
    .name = "double",
    .begin = begin,
    .mark = end,
    .keep = end,
    .undo = end,
    .commit = end,
    .abort = stop,
    .user_get = user_get,
    .user_find = user_find,
    .user_find_email = user_find_email,
    .user_put = user_put,
    .api_key_get = api_key_get,
    .api_key_put = api_key_put,
    .api_key_delete = api_key_delete,
    .api_key_list = api_key_list,
    .event_append = event_append,
    .revocation_find = revocation_find,
    .session_get = session_get,
    .session_create = session_create,
    .session_rotate = session_rotate,
    .session_delete = session_delete,
    .session_delete_below = session_delete_below,
    .session_list = session_list,
};
static struct store store = {&ops};

/* --- the site --- */

static int64_t wall_ms(void)
{
    return NOW_S * INT64_C(1000);
}

static int64_t boot_ms(void)
{
    return 1000;
}

static void make_session(struct session_record *r, const char *app, uint8_t id)
{
    *r = (struct session_record){
        .sid = {{id}},
        .user = user.id,
        .epoch = user.epoch,
        .created_at_ms = wall_ms() - 1000,
        .authenticated_at_ms = wall_ms() - 1000,
        .last_seen_at_ms = wall_ms() - 1000,
        .expires_at_ms = wall_ms() + 86400000,
        .remember = true,
    };
    memcpy(r->app, app, strlen(app));
}

static void make_credentials(void)
{
    const struct keyring *k = fuzz_keyring();
    struct session_cookie cookie = {.sid = by_cookie.sid, .secret = {{3}}};
    struct refresh_token refresh = {.sid = by_token.sid, .generation = 1, .secret = {{4}}};
    struct api_key a = {.id = key.id, .secret = {{5}}};
    struct buf b = buf_fixed(good[2], sizeof good[2] - 1);
    int64_t lifetime_s;
    secret_digest(&cookie.secret, by_cookie.secret_digest);
    secret_digest(&refresh.secret, by_token.refresh_digest);
    secret_digest(&a.secret, key.digest);
    session_cookie_format(k, &cookie, good[0]);
    csrf_token_format(k, by_cookie.sid, fuzz_entropy(), good[1]);
    EXPECT(cardea_ok(grant_access_token(&settings, k, fuzz_entropy(), settings_app(&settings, VIEW("mobile"), NULL),
                                        &user, &by_token, wall_ms(), &b, &lifetime_s)));
    b = buf_fixed(good[3], sizeof good[3] - 1);
    api_key_format(k, &a, &b);
    b = buf_fixed(good[4], sizeof good[4] - 1);
    refresh_token_format(k, &refresh, &b);
}

static void make_site(void)
{
    settings_defaults(&settings);
    settings.argon2 = (struct argon2_cost){.memory_kib = 8, .passes = 1};
    settings.signup = true;
    settings.login_by_email = true;
    user = (struct user_record){.id = {{1}}, .epoch = 1, .status = USER_ACTIVE, .email_verified = true};
    memcpy(user.username, "alice", 6);
    memcpy(user.email, "alice@example.org", 18);
    memcpy(user.metadata, "{}", 3);
    EXPECT(cardea_ok(argon2_hash(VIEW("password"), settings.argon2, user.password_hash, sizeof user.password_hash)));
    make_session(&by_cookie, "web", 2);
    by_cookie.kind = SESSION_COOKIE;
    make_session(&by_token, "mobile", 4);
    by_token.kind = SESSION_TOKEN;
    by_token.generation = 1;
    key = (struct api_key_record){
        .id = {{7}}, .user = user.id, .expires_at_ms = wall_ms() + 1000, .name = "k", .scopes = "introspect revoke"};
    make_credentials();
}

/* --- requests --- */

/* The input with its $ names replaced. */
static struct view expand(const uint8_t *data, size_t size, char *room)
{
    struct buf b = buf_fixed(room, TEXT_MAX);
    for (size_t i = 0; i < size && b.len + ACCESS_TOKEN_TEXT_MAX < TEXT_MAX; i++) {
        const char *name = data[i] == '$' && i + 1 < size ? memchr(good_names, data[i + 1], 5) : NULL;
        if (name == NULL) {
            buf_char(&b, (char)data[i]);
        } else {
            buf_text(&b, good[name - good_names]);
            i++;
        }
    }
    return buf_view(&b);
}

static enum method method_of(struct view name)
{
    static const struct {
        const char *text;
        enum method method;
    } names[] = {{"GET", METHOD_GET},     {"HEAD", METHOD_HEAD},     {"POST", METHOD_POST},      {"PUT", METHOD_PUT},
                 {"PATCH", METHOD_PATCH}, {"DELETE", METHOD_DELETE}, {"OPTIONS", METHOD_OPTIONS}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (view_is(name, names[i].text))
            return names[i].method;
    return METHOD_OTHER;
}

/* The listener lets no control characters through; neither does this. */
static bool printable(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool parse(struct view text, struct request *r)
{
    struct view line, name, value;
    view_cut(text, '\n', &line, &text);
    view_cut(line, ' ', &name, &value);
    if (!printable(line) || value.len > TARGET_MAX)
        return false;
    r->method = method_of(name);
    r->target = value;
    view_cut(value, '?', &r->path, &r->query);
    while (text.len > 0) {
        view_cut(text, '\n', &line, &text);
        if (line.len == 0)
            break;
        if (r->header_count == HEADERS_MAX || !printable(line) || !view_cut(line, ':', &name, &value))
            return false;
        r->headers[r->header_count++] = (struct header){name, view_trim(value)};
    }
    r->body = text;
    r->entrance = ENTRANCE_MAIN;
    r->secure = true;
    memcpy(r->id, "fuzz", 5);
    return r->body.len <= BODY_MAX;
}

static void check(const struct exchange *x)
{
    static struct json_token tokens[ROOM_MAX];
    const struct response *r = &x->response;
    struct json doc;
    /* A double does not fail: whatever goes wrong is the client's doing. */
    EXPECT(r->status >= 200 && r->status < 500);
    for (uint32_t i = 0; i < r->header_count; i++)
        EXPECT(printable(r->headers[i].value) && r->headers[i].name.len > 0);
    if (r->body.len > 0)
        EXPECT(cardea_ok(json_read(r->body, tokens, ROOM_MAX, &doc, NULL)));
    EXPECT(x->changes.count <= CHANGES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t guess_key[16] = {1};
    static char room[TEXT_MAX];
    static struct exchange x;
    if (settings.app_count == 0)
        make_site();
    struct guess *guess = guess_new(1024, guess_key);
    EXPECT(guess != NULL);
    struct site site = {
        .settings = &settings,
        .keys = fuzz_keyring(),
        .guess = guess,
        .store = &store,
        .entropy = fuzz_entropy(),
        .wall_ms = wall_ms,
        .boot_ms = boot_ms,
    };
    exchange_init(&x, &site, NULL);
    if (parse(expand(data, size, room), &x.request)) {
        exchange_run(&x);
        check(&x);
    }
    exchange_clear(&x);
    guess_free(guess);
    return 0;
}
