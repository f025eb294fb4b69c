#include "http_driver.h"
#include "scratch_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/random.h"

struct driver driver;

static void *block, *seen;
static const struct table_geometry geometry = {.sessions_max = 4096, .others_max_mib = 16};
static struct keyring *ring;
static struct master_key *master;

static int64_t wall_ms(void)
{
    return driver.now_ms;
}

static int64_t boot_ms(void)
{
    return driver.now_ms + driver.boot_ahead_ms;
}

static void reload_keys(void)
{
    struct keyring *next;
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(keyring_load(tx, scratch.real->ops, master, ring->generation + 1, &next));
    scratch.real->ops->abort(tx);
    keyring_unref(ring);
    driver.site.keys = ring = next;
}

static void apply(const struct change_list *changes)
{
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct change *c = &changes->items[i];
        uint16_t app = 0;
        if (c->kind == CHANGE_KEYS) {
            reload_keys();
            continue;
        }
        if (c->kind == CHANGE_SESSION_PUT)
            assert_non_null(settings_app(&driver.settings, view_text(c->session->app), &app));
        assert_ok(table_apply(driver.writer, c, app, driver.now_ms));
    }
}

static void open_keys(void)
{
    static const uint8_t bytes[32] = {7};
    master = master_key_new(bytes);
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    const struct store_ops *ops = scratch.real->ops;
    const struct key_work w = {
        .tx = tx, .ops = ops, .master = master, .entropy = entropy_system(), .now_ms = driver.now_ms};
    assert_ok(keyring_create(&w, token_format_bit(TOKEN_ES256)));
    assert_ok(ops->commit(tx));
    tx = scratch_begin(STORE_READ);
    assert_ok(keyring_load(tx, ops, master, 1, &ring));
    ops->abort(tx);
}

static void open_table(void)
{
    static const uint8_t seed[16] = {9};
    block =
        mmap(NULL, table_size(&geometry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    seen = mmap(NULL, table_seen_size(&geometry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    assert_ok(table_create(block, seen, &geometry, seed, NULL, &driver.writer));
    table_set_valid_until(driver.writer, INT64_MAX);
}

static void close_table(void)
{
    table_writer_free(driver.writer);
    (void)munmap(block, table_size(&geometry));
    (void)munmap(seen, table_seen_size(&geometry));
}

int driver_open(void **state)
{
    static const uint8_t guess_key[16] = {3};
    (void)state;
    assert_ok(crypto_start());
    memset(&driver, 0, sizeof driver);
    driver.now_ms = 1800000000000;
    driver.boot_ahead_ms = 0;
    settings_defaults(&driver.settings);
    driver.settings.argon2 = (struct argon2_cost){.memory_kib = 64, .passes = 1};
    scratch_open(boot_ms);
    open_keys();
    open_table();
    driver.site = (struct site){
        .settings = &driver.settings,
        .keys = ring,
        .master = master,
        .table = table_of(driver.writer),
        .guess = guess_new(1024, guess_key),
        .store = &scratch.store,
        .entropy = entropy_system(),
        .wall_ms = wall_ms,
        .boot_ms = boot_ms,
    };
    (void)driver_add_user("alice", "", "alice@example.org", true);
    (void)driver_add_user("root", "admin", "", false);
    return 0;
}

int driver_close(void **state)
{
    (void)state;
    guess_free(driver.site.guess);
    close_table();
    keyring_unref(ring);
    master_key_free(master);
    scratch_close();
    return 0;
}

static struct flow flow_of(struct store_tx *tx, struct arena *arena, struct change_list *changes)
{
    return (struct flow){
        .settings = &driver.settings,
        .keys = ring,
        .ops = scratch.real->ops,
        .tx = tx,
        .entropy = entropy_system(),
        .arena = arena,
        .changes = changes,
        .now_ms = driver.now_ms,
        .actor = VIEW("system"),
    };
}

struct user_record driver_add_user(const char *username, const char *roles, const char *email, bool email_verified)
{
    char hash[ARGON2_PHC_MAX];
    struct user_record u;
    struct arena arena;
    struct change_list changes = {0};
    arena_init(&arena, EXCHANGE_ARENA_MAX);
    assert_ok(argon2_hash(VIEW(ALICE_PASSWORD), driver.settings.argon2, hash, sizeof hash));
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    struct flow f = flow_of(tx, &arena, &changes);
    struct account_request want = {
        .username = username, .email = email, .roles = roles, .email_verified = email_verified, .password_hash = hash};
    assert_ok(account_create(&f, &want, &u));
    assert_ok(f.ops->commit(tx));
    apply(&changes);
    arena_clear(&arena);
    return u;
}

void driver_put_user(const struct user_record *u)
{
    struct arena arena;
    struct change_list changes = {0};
    arena_init(&arena, EXCHANGE_ARENA_MAX);
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    struct flow f = flow_of(tx, &arena, &changes);
    assert_ok(flow_user_put(&f, u));
    assert_ok(f.ops->commit(tx));
    apply(&changes);
    arena_clear(&arena);
}

struct user_record driver_user(const char *username)
{
    struct user_record u;
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->user_find(tx, view_text(username), &u));
    scratch.real->ops->abort(tx);
    return u;
}

void driver_forget_sessions(void)
{
    static const char *const names[] = {"alice", "root"};
    close_table();
    open_table();
    driver.site.table = table_of(driver.writer);
    for (size_t i = 0; i < 2; i++) {
        struct user_record u = driver_user(names[i]);
        apply(&(struct change_list){.count = 1, .items = {{.kind = CHANGE_USER_PUT, .user = &u}}});
    }
}

uint32_t driver_events(const char *type, struct event *ret_newest)
{
    enum { EVENTS_SEEN = 500 };
    struct event *rows = calloc(EVENTS_SEEN, sizeof *rows);
    uint32_t count, found = 0;
    assert_non_null(rows);
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->event_list(tx, 0, true, rows, EVENTS_SEEN, &count));
    scratch.real->ops->abort(tx);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(rows[i].type, type) == 0 && found++ == 0 && ret_newest != NULL)
            *ret_newest = rows[i];
    free(rows);
    return found;
}

/* --- requests --- */

static void add_header(struct exchange *x, const char *name, const char *value)
{
    assert_true(x->request.header_count < HEADERS_MAX);
    x->request.headers[x->request.header_count++] = (struct header){view_text(name), view_text(value)};
}

static const char *keep(struct exchange *x, const char *text)
{
    struct view v = arena_copy(&x->arena, view_text(text));
    assert_non_null(v.ptr);
    return v.ptr;
}

static void add_cookies(struct exchange *x, const struct client *c)
{
    char line[COOKIE_COUNT * (JAR_VALUE_MAX + 64)] = "";
    for (int i = COOKIE_UNSET + 1; i < COOKIE_COUNT; i++)
        if (c->jar[i][0] != '\0') {
            struct view name = cookie_text(&driver.settings, (enum cookie_name)i);
            size_t len = strlen(line);
            (void)snprintf(line + len, sizeof line - len, "%s%.*s=%s", len > 0 ? "; " : "", (int)name.len, name.ptr,
                           c->jar[i]);
        }
    if (line[0] != '\0')
        add_header(x, "Cookie", keep(x, line));
}

static void add_headers(struct exchange *x, const struct client *c, const char *body)
{
    char bearer[JAR_VALUE_MAX + 16];
    add_header(x, "Host", "127.0.0.1:8420");
    add_header(x, "User-Agent", "driver/1");
    add_cookies(x, c);
    if (c->bearer[0] != '\0') {
        (void)snprintf(bearer, sizeof bearer, "Bearer %s", c->bearer);
        add_header(x, "Authorization", keep(x, bearer));
    }
    if (c->csrf[0] != '\0')
        add_header(x, "X-CSRF-Token", keep(x, c->csrf));
    if (c->origin != NULL)
        add_header(x, "Origin", c->origin);
    if (c->fetch_site != NULL)
        add_header(x, "Sec-Fetch-Site", c->fetch_site);
    if (body != NULL && c->content_type == NULL)
        add_header(x, "Content-Type", "application/json");
    else if (c->content_type != NULL && c->content_type[0] != '\0')
        add_header(x, "Content-Type", c->content_type);
    for (size_t i = 0; i + 1 < EXTRA_HEADERS_MAX && c->extra[i] != NULL; i += 2)
        add_header(x, c->extra[i], c->extra[i + 1]);
}

static void build(struct client *c, struct exchange *x, enum method method, const char *target, const char *body)
{
    struct request *r = &x->request;
    r->method = method;
    r->entrance = c->entrance == ENTRANCE_UNSET ? ENTRANCE_MAIN : c->entrance;
    r->target = view_text(keep(x, target));
    (void)view_cut(r->target, '?', &r->path, &r->query);
    r->body = body == NULL ? VIEW_EMPTY : view_text(keep(x, body));
    r->secure = true;
    (void)snprintf(r->id, sizeof r->id, "%s", "request-1");
    assert_ok(address_parse(view_text(c->address != NULL ? c->address : "192.0.2.1"), &r->client));
    add_headers(x, c, body);
}

void drive_begin(struct client *c, struct driving *d, enum method method, const char *target, const char *body)
{
    d->x = calloc(1, sizeof *d->x);
    assert_non_null(d->x);
    exchange_init(d->x, &driver.site, NULL);
    build(c, d->x, method, target, body);
    d->stage = exchange_head(d->x, body == NULL ? 0 : (int64_t)strlen(body));
    if (d->stage == STAGE_UNSET)
        d->stage = exchange_begin(d->x);
    d->worked = d->stage == STAGE_WORK;
    while (d->stage == STAGE_WORK) {
        assert_true(d->x->lane == LANE_HASH || d->x->lane == LANE_READ);
        d->stage = exchange_work(d->x);
    }
}

/* As the committer does it: one marked change in a transaction, then the table, then the answer. */
static void commit(struct exchange *x)
{
    const struct store_ops *ops = scratch.real->ops;
    assert_true(x->lane == LANE_WRITE || x->lane == LANE_URGENT);
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    assert_ok(ops->mark(tx));
    struct cardea_status s = exchange_commit(x, tx);
    if (!cardea_ok(s)) {
        assert_ok(ops->undo(tx));
        ops->abort(tx);
        exchange_refuse(x, s);
        return;
    }
    assert_ok(ops->keep(tx));
    assert_ok(ops->commit(tx));
    apply(&x->changes);
    exchange_finish(x);
}

/* "name=value; …" into the jar, as a browser would. */
static void take_cookie(struct client *c, const char *line)
{
    struct view v = view_text(line), pair, rest, name, value;
    (void)view_cut(v, ';', &pair, &rest);
    assert_true(view_cut(pair, '=', &name, &value));
    for (int i = COOKIE_UNSET + 1; i < COOKIE_COUNT; i++)
        if (view_equal(name, cookie_text(&driver.settings, (enum cookie_name)i))) {
            bool cleared = strstr(line, "Max-Age=0;") != NULL;
            (void)snprintf(c->jar[i], sizeof c->jar[i], "%.*s", cleared ? 0 : (int)value.len,
                           value.ptr == NULL ? "" : value.ptr);
            return;
        }
    fail_msg("a cookie that is not ours: %s", line);
}

static void take(struct reply *r, const struct response *from)
{
    r->status = from->status;
    r->head_count = from->header_count;
    for (uint32_t i = 0; i < from->header_count; i++) {
        const struct header *h = &from->headers[i];
        assert_true(h->name.len < sizeof r->heads[i][0] && h->value.len < sizeof r->heads[i][1]);
        (void)snprintf(r->heads[i][0], sizeof r->heads[i][0], "%.*s", (int)h->name.len, h->name.ptr);
        (void)snprintf(r->heads[i][1], sizeof r->heads[i][1], "%.*s", (int)h->value.len,
                       h->value.len > 0 ? h->value.ptr : "");
    }
    assert_true(from->body.len < sizeof r->body);
    r->body_len = from->body.len;
    if (from->body.len > 0)
        memcpy(r->body, from->body.ptr, from->body.len);
    r->body[r->body_len] = '\0';
    r->json = (struct json){0};
    if (r->body_len > 0)
        assert_ok(json_read(view_of(r->body, r->body_len), r->tokens, REPLY_TOKENS_MAX, &r->json, NULL));
}

/* A header or body with a live credential must not be cached; so with us every answer of /v1 says so. */
static void check_common(const struct reply *r)
{
    const char *caching = reply_header(r, "Cache-Control", 0);
    assert_true(r->status >= 200 && r->status < 600);
    if (reply_header(r, "Set-Cookie", 0) != NULL || reply_token(r, "csrf_token") != 0 ||
        reply_token(r, "access_token") != 0 || reply_token(r, "key") != 0)
        assert_string_equal(caching, "no-store");
}

static void learn(struct client *c, const struct reply *r)
{
    if (c->forget)
        return;
    for (unsigned i = 0; reply_header(r, "Set-Cookie", i) != NULL; i++)
        take_cookie(c, reply_header(r, "Set-Cookie", i));
    struct view csrf = reply_text(r, "csrf_token");
    if (csrf.len > 0)
        (void)snprintf(c->csrf, sizeof c->csrf, "%.*s", (int)csrf.len, csrf.ptr);
    struct view bearer = reply_text(r, "access_token");
    if (bearer.len > 0)
        (void)snprintf(c->bearer, sizeof c->bearer, "%.*s", (int)bearer.len, bearer.ptr);
}

void drive_end(struct client *c, struct driving *d, struct reply *r)
{
    if (d->stage == STAGE_COMMIT)
        commit(d->x);
    else
        assert_int_equal(d->stage, STAGE_DONE);
    take(r, &d->x->response);
    exchange_clear(d->x);
    free(d->x);
    check_common(r);
    learn(c, r);
}

void drive(struct client *c, struct reply *r, enum method method, const char *target, const char *body)
{
    struct driving d;
    drive_begin(c, &d, method, target, body);
    drive_end(c, &d, r);
}

void log_in(struct client *c, struct reply *r, const char *username, const char *app)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"username\":\"%s\",\"password\":\"" ALICE_PASSWORD "\",\"app\":\"%s\"}",
                   username, app);
    drive(c, r, METHOD_POST, "/v1/login", body);
    assert_status(r, 200);
}

/* --- answers --- */

const char *reply_header(const struct reply *r, const char *name, unsigned n)
{
    for (uint32_t i = 0; i < r->head_count; i++)
        if (strcmp(r->heads[i][0], name) == 0 && n-- == 0)
            return r->heads[i][1];
    return NULL;
}

uint32_t reply_token(const struct reply *r, const char *path)
{
    struct view rest = view_text(path), name;
    uint32_t token = 0;
    bool more = true;
    if (r->json.count == 0)
        return 0;
    while (more) {
        more = view_cut(rest, '.', &name, &rest);
        if (json_type(&r->json, token) == JSON_ARRAY) {
            unsigned long index = strtoul(name.ptr, NULL, 10);
            uint32_t child = json_first(&r->json, token);
            for (; child != 0 && index > 0; index--)
                child = json_after(&r->json, token, child);
            token = child;
        } else {
            token = json_get(&r->json, token, name);
        }
        if (token == 0)
            return 0;
    }
    return token;
}

struct view reply_text(const struct reply *r, const char *path)
{
    struct view out = VIEW_EMPTY;
    uint32_t token = reply_token(r, path);
    if (token == 0 || !cardea_ok(json_plain(&r->json, token, &out)))
        return VIEW_EMPTY;
    return out;
}

int64_t reply_int(const struct reply *r, const char *path)
{
    int64_t out = -1;
    uint32_t token = reply_token(r, path);
    if (token == 0 || !cardea_ok(json_int(&r->json, token, &out)))
        return -1;
    return out;
}

void check_status(const struct reply *r, int wanted, const char *file, int line)
{
    if (r->status == wanted)
        return;
    print_error("answered %d %s, wanted %d\n", r->status, r->body, wanted);
    _fail(file, line);
}

void check_problem(const struct reply *r, int status, const char *code, const char *file, int line)
{
    check_status(r, status, file, line);
    const char *type = reply_header(r, "Content-Type", 0), *caching = reply_header(r, "Cache-Control", 0);
    bool good = type != NULL && strcmp(type, "application/problem+json") == 0 && caching != NULL &&
                strcmp(caching, "no-store") == 0 && view_is(reply_text(r, "code"), code) &&
                reply_int(r, "status") == status && view_is(reply_text(r, "request_id"), "request-1") &&
                reply_text(r, "title").len > 0 && reply_text(r, "detail").len > 0 &&
                view_is(reply_text(r, "type"), "about:blank");
    if (status == 401)
        good = good && reply_header(r, "WWW-Authenticate", 0) != NULL;
    if (status == 429 || status == 503)
        good = good && reply_header(r, "Retry-After", 0) != NULL;
    if (good)
        return;
    print_error("not the problem %s: %s\n", code, r->body);
    _fail(file, line);
}
