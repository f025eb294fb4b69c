/* verify: what a check costs in the process that makes it: a credential's text to who it is, and a whole exchange from
 * a parsed request to the response's headers. Credentials are taken at random; medians of several rounds.
 *
 *     verify_bench [--json] [WORD]     WORD: only figures with it in their name
 */
#include "measure.h"

#include "../tests/unit/house.h"
#include "base/text.h"
#include "http/endpoint.h"

enum {
    ROUNDS = 9,
    CHECKS = 20000,
    SLOW_CHECKS = 500,
    SESSIONS_MOST = 100000,
    TOKENS = 10000,
    KEYS = 10000,
    SEALED = 10000,
    SEALED_ROOM = 512,
    USERS = 1000,
    TOKEN_ROOM = 640
};

static const char *word = "";
static struct house h;
static struct user_record users[USERS];
static char (*cookies)[SESSION_COOKIE_TEXT + 16];
static char *tokens;       /* one behind the other */
static char *sealed_texts; /* likewise, each behind its cookie's name */
static struct view *token_views, *key_views, *sealed_views;
static char (*keys)[API_KEY_TEXT_MAX];
static uint32_t order[CHECKS]; /* which credential next */
static struct site site;
static struct exchange x;

/* The median cost of one call of `check`, over `count` of them a round with numbers below `distinct`. */
static double cost(void (*check)(uint32_t), uint32_t count, uint32_t distinct)
{
    double rounds[ROUNDS];
    for (uint32_t i = 0; i < count; i++)
        order[i] = (uint32_t)(((uint64_t)(unsigned)rand() * distinct) / ((uint64_t)RAND_MAX + 1));
    for (int r = -1; r < ROUNDS; r++) { /* the first warms up */
        double start = measure_cpu_ns();
        for (uint32_t i = 0; i < count; i++)
            check(order[i]);
        if (r >= 0)
            rounds[r] = (measure_cpu_ns() - start) / count;
    }
    return measure_median(rounds, ROUNDS);
}

/* --- a text, who it is --- */

static void expect_yes(enum credential_kind kind, struct view text, struct verify_cache *cache)
{
    struct verifier v = house_verifier(&h);
    struct identity who;
    struct cardea_status why;
    v.cache = cache;
    HOUSE_MUST(verify_credential(&v, kind, text, &who, &why) == VERIFY_YES);
}

static void check_session(uint32_t i)
{
    expect_yes(KIND_SESSION, view_of(cookies[i] + 14, SESSION_COOKIE_TEXT), NULL);
}
static void check_token(uint32_t i)
{
    expect_yes(KIND_TOKEN, token_views[i], h.cache);
}
static void check_new_token(uint32_t i)
{
    expect_yes(KIND_TOKEN, token_views[i], NULL);
}
static void check_sealed(uint32_t i)
{
    expect_yes(KIND_SEALED, view_skip(sealed_views[i], 14), NULL);
}
static void check_key(uint32_t i)
{
    expect_yes(KIND_KEY, key_views[i], NULL);
}
static void check_bare_signature(uint32_t i)
{
    struct view token = token_views[i];
    size_t dot = token.len;
    uint8_t signature[SIGNATURE_MAX];
    while (token.ptr[dot - 1] != '.')
        dot--;
    HOUSE_MUST(cardea_ok(base64url_decode_exact(view_of(token.ptr + dot, token.len - dot), signature, 64)));
    HOUSE_MUST(
        cardea_ok(verify_key_check(h.keys->access[0].verify, view_of(token.ptr, dot - 1), view_of(signature, 64))));
}

/* --- a whole exchange, as a proxy asks --- */

static int64_t wall_ms(void)
{
    return h.now_ms;
}
static int64_t boot_ms(void)
{
    return h.boot_ms;
}

static void header(const char *name, struct view value)
{
    x.request.headers[x.request.header_count++] = (struct header){view_text(name), value};
}

static void exchange(const char *name, struct view value)
{
    exchange_init(&x, &site, h.cache);
    x.request.method = METHOD_GET;
    x.request.entrance = ENTRANCE_MAIN;
    x.request.path = VIEW("/verify");
    x.request.proxied = true;
    header("Host", VIEW("www.example.com"));
    header("X-Forwarded-For", VIEW("192.0.2.1"));
    header("X-Forwarded-Proto", VIEW("https"));
    header("X-Request-Id", VIEW("5fc2a0d7b6e34d1fa6f1f0a6c1d2e3f4"));
    header("X-Original-Method", VIEW("GET"));
    header("X-Original-Upgrade", VIEW("-"));
    header("User-Agent", VIEW("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"));
    header("Accept", VIEW("text/html,application/xhtml+xml"));
    header("Accept-Language", VIEW("en"));
    header(name, value);
    HOUSE_MUST(exchange_begin(&x) == STAGE_DONE && x.response.status == 204);
    exchange_clear(&x);
}

static void exchange_session(uint32_t i)
{
    exchange("Cookie", view_of(cookies[i], 14 + SESSION_COOKIE_TEXT));
}
static void exchange_sealed(uint32_t i)
{
    exchange("Cookie", sealed_views[i]);
}
static char bearer[ACCESS_TOKEN_TEXT_MAX + 8] = "Bearer ";
static void exchange_token(uint32_t i)
{
    memcpy(bearer + 7, token_views[i].ptr, token_views[i].len);
    exchange("Authorization", view_of(bearer, 7 + token_views[i].len));
}
static void exchange_key(uint32_t i)
{
    exchange("X-API-Key", key_views[i]);
}
static void exchange_nobody(uint32_t i)
{
    (void)i;
    exchange_init(&x, &site, h.cache);
    x.request.method = METHOD_GET;
    x.request.entrance = ENTRANCE_MAIN;
    x.request.path = VIEW("/verify");
    HOUSE_MUST(exchange_begin(&x) == STAGE_DONE && x.response.status == 401);
    exchange_clear(&x);
}

static void furnish(void)
{
    static const uint8_t cache_key[16] = {1};
    char scratch[ACCESS_TOKEN_TEXT_MAX];
    house_open(&h, SESSIONS_MOST + TOKENS + SEALED + 1);
    verify_cache_free(h.cache);
    h.cache = verify_cache_new(4 * TOKENS, cache_key);
    cookies = calloc(SESSIONS_MOST, sizeof *cookies);
    tokens = calloc(TOKENS, TOKEN_ROOM);
    token_views = calloc(TOKENS, sizeof *token_views);
    sealed_texts = calloc(SEALED, SEALED_ROOM);
    sealed_views = calloc(SEALED, sizeof *sealed_views);
    keys = calloc(KEYS, sizeof *keys);
    key_views = calloc(KEYS, sizeof *key_views);
    HOUSE_MUST(h.cache != NULL && cookies != NULL && tokens != NULL && token_views != NULL && sealed_texts != NULL &&
               sealed_views != NULL && keys != NULL && key_views != NULL);
    for (int i = 0; i < USERS; i++) {
        char name[USERNAME_MAX];
        (void)snprintf(name, sizeof name, "user%d", i);
        users[i] = house_user(&h, name, "staff,editor");
    }
    for (int i = 0; i < SESSIONS_MOST; i++) {
        memcpy(cookies[i], "__Host-cardea=", 14);
        (void)house_session(&h, &users[i % USERS], "web", cookies[i] + 14);
    }
    for (int i = 0; i < TOKENS; i++) {
        struct session_record s = house_session(&h, &users[i % USERS], "service", NULL);
        struct access_claims c = house_claims(&h, &s);
        (void)snprintf(c.roles, sizeof c.roles, "staff,editor");
        struct view token = house_sign(&h, &c, scratch);
        HOUSE_MUST(token.len <= TOKEN_ROOM);
        token_views[i] = view_of(memcpy(tokens + (size_t)i * TOKEN_ROOM, token.ptr, token.len), token.len);
    }
    for (int i = 0; i < SEALED; i++) {
        char *room = sealed_texts + (size_t)i * SEALED_ROOM, text[SEALED_TEXT_MAX];
        struct view sealed;
        (void)house_sealed(&h, &users[i % USERS], "sealed", text, &sealed);
        HOUSE_MUST(14 + sealed.len <= SEALED_ROOM);
        memcpy(room, "__Host-cardea=", 14);
        memcpy(room + 14, sealed.ptr, sealed.len);
        sealed_views[i] = view_of(room, 14 + sealed.len);
    }
    for (int i = 0; i < KEYS; i++)
        (void)house_key(&h, &users[i % USERS], "read", keys[i], &key_views[i]);
    site = (struct site){.settings = h.settings,
                         .keys = h.keys,
                         .table = h.table,
                         .entropy = entropy_system(),
                         .wall_ms = wall_ms,
                         .boot_ms = boot_ms};
}

static void figure_of(const char *name, void (*check)(uint32_t), uint32_t distinct, double goal)
{
    if (strstr(name, word) != NULL)
        figure_print(
            &(struct figure){.name = name, .value = cost(check, CHECKS, distinct), .unit = "ns", .goal = goal});
}

static void first_seen(const char *name)
{
    if (strstr(name, word) == NULL)
        return;
    double bare = cost(check_bare_signature, SLOW_CHECKS, TOKENS);
    figure_print(&(struct figure){.name = name,
                                  .value = cost(check_new_token, SLOW_CHECKS, TOKENS),
                                  .unit = "ns",
                                  .against = "bare ES256",
                                  .rival = bare,
                                  .goal = 1.05,
                                  .goal_is = GOAL_RATIO_AT_MOST});
}

int main(int argc, char **argv)
{
    measure_arguments(argc, argv);
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") != 0)
            word = argv[i];
    furnish();
    figure_of("check a session, 10,000 distinct", check_session, 10000, 0);
    figure_of("check a session, 100,000 distinct", check_session, SESSIONS_MOST, 0);
    figure_of("check a cached token, the same one", check_token, 1, 450);
    figure_of("check a cached token, 10,000 distinct", check_token, TOKENS, 0);
    first_seen("check an ES256 token, first seen");
    figure_of("check a sealed session, 10,000 distinct", check_sealed, SEALED, 0);
    figure_of("check an API key, 10,000 distinct", check_key, KEYS, 0);
    figure_of("/verify in process, session, 10,000 distinct", exchange_session, 10000, 1000);
    figure_of("/verify in process, session, 100,000 distinct", exchange_session, SESSIONS_MOST, 0);
    figure_of("/verify in process, cached token, 10,000 distinct", exchange_token, TOKENS, 0);
    figure_of("/verify in process, sealed session, 10,000 distinct", exchange_sealed, SEALED, 0);
    figure_of("/verify in process, API key, 10,000 distinct", exchange_key, KEYS, 0);
    figure_of("/verify in process, nobody", exchange_nobody, 1, 0);
    house_close(&h);
    free(cookies);
    free(tokens);
    free(token_views);
    free(sealed_texts);
    free(sealed_views);
    free(keys);
    free(key_views);
    return 0;
}
