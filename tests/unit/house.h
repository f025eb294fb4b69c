/* A house: settings, keys, a table and people with credentials, all in memory. What the tests and the bench of
 * verification share. Anything that fails here aborts: it is not what is tested.
 */
#ifndef TESTS_HOUSE_H
#define TESTS_HOUSE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/grant.h"
#include "core/verify.h"
#include "crypto/random.h"

#define HOUSE_NOW INT64_C(1800000000000)
enum { HOUSE_BOOT_MS = 5000, HOUSE_DAY_MS = 86400 * 1000 };

struct house {
    struct settings *settings;
    struct keyring *keys;
    struct table_geometry geometry;
    void *block, *seen;
    struct table_writer *writer;
    struct table *table;
    struct verify_cache *cache;
    int64_t now_ms, boot_ms;
};

static inline void house_must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "house: %s\n", what);
    abort();
}
#define HOUSE_MUST(condition) house_must((condition), #condition)

static inline void house_bytes(void *out, size_t len)
{
    entropy_fill(entropy_system(), out, len);
}

static inline struct mac_key *house_mac_key(void)
{
    uint8_t key[32];
    house_bytes(key, sizeof key);
    return mac_key_new(key);
}

static inline void house_add_access_key(struct keyring *k, enum token_format f, enum key_state state)
{
    struct access_key *a = &k->access[k->access_count++];
    struct raw_key raw;
    struct key_id id;
    HOUSE_MUST(cardea_ok(access_key_draw(f, &raw)) && cardea_ok(access_key_id(f, &raw, entropy_system(), &id)));
    HOUSE_MUST(cardea_ok(access_key_init(a, f, &raw, &id, true)));
    raw_key_clear(&raw);
    a->state = state;
    if (state == KEY_ACTIVE)
        k->active[f] = a;
}

static inline struct keyring *house_keyring(void)
{
    struct keyring *k = calloc(1, sizeof *k);
    HOUSE_MUST(k != NULL);
    k->generation = 1;
    k->refs = 1;
    house_bytes(&k->session_tag, sizeof k->session_tag);
    house_bytes(&k->api_key_tag, sizeof k->api_key_tag);
    k->refresh = house_mac_key();
    k->csrf = house_mac_key();
    k->device = house_mac_key();
    struct key_id sealing;
    uint8_t key[SEALED_KEY_BYTES];
    house_bytes(&sealing, sizeof sealing);
    house_bytes(key, sizeof key);
    HOUSE_MUST(cardea_ok(sealed_keys_add(&k->sealed, &sealing, key, 0)));
    house_add_access_key(k, TOKEN_ES256, KEY_ACTIVE);
    house_add_access_key(k, TOKEN_ES256, KEY_NEXT);
    return k;
}

static inline void *house_map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    HOUSE_MUST(p != MAP_FAILED);
    return p;
}

static inline void house_open(struct house *h, uint32_t sessions_max)
{
    static const uint8_t seed[16] = "a seed of house";
    uint8_t key[16];
    HOUSE_MUST(cardea_ok(crypto_start()));
    *h = (struct house){.now_ms = HOUSE_NOW, .boot_ms = HOUSE_BOOT_MS, .geometry = {sessions_max, 64}};
    h->settings = calloc(1, sizeof *h->settings);
    HOUSE_MUST(h->settings != NULL);
    settings_defaults(h->settings);
    h->keys = house_keyring();
    h->block = house_map(table_size(&h->geometry));
    h->seen = house_map(table_seen_size(&h->geometry));
    HOUSE_MUST(cardea_ok(table_create(h->block, h->seen, &h->geometry, seed, NULL, &h->writer)));
    h->table = table_of(h->writer);
    table_set_valid_until(h->writer, INT64_MAX);
    house_bytes(key, sizeof key);
    h->cache = verify_cache_new(1024, key);
    HOUSE_MUST(h->cache != NULL);
}

static inline void house_close(struct house *h)
{
    verify_cache_free(h->cache);
    table_writer_free(h->writer);
    munmap(h->block, table_size(&h->geometry));
    munmap(h->seen, table_seen_size(&h->geometry));
    keyring_unref(h->keys);
    free(h->settings);
}

static inline struct verifier house_verifier(const struct house *h)
{
    return (struct verifier){h->settings, h->keys, h->table, h->cache, h->now_ms, h->boot_ms};
}

static inline void house_put_user(struct house *h, const struct user_record *u)
{
    HOUSE_MUST(cardea_ok(table_apply(h->writer, &(struct change){.kind = CHANGE_USER_PUT, .user = u}, 0, h->now_ms)));
}

/* A user as the table has it from now on. */
static inline struct user_record house_user(struct house *h, const char *name, const char *roles)
{
    struct user_record u = {.epoch = 3, .status = USER_ACTIVE, .id = user_id_new(entropy_system(), h->now_ms)};
    snprintf(u.username, sizeof u.username, "%s", name);
    snprintf(u.email, sizeof u.email, "%s@example.com", name);
    u.email_verified = true;
    snprintf(u.name, sizeof u.name, "The %s", name);
    snprintf(u.roles, sizeof u.roles, "%s", roles);
    house_put_user(h, &u);
    return u;
}

static inline void house_put_session(struct house *h, const struct session_record *s)
{
    uint16_t app;
    HOUSE_MUST(settings_app(h->settings, view_text(s->app), &app) != NULL);
    HOUSE_MUST(
        cardea_ok(table_apply(h->writer, &(struct change){.kind = CHANGE_SESSION_PUT, .session = s}, app, h->now_ms)));
}

/* A login an hour ago, seen a minute ago. text: SESSION_COOKIE_TEXT characters, or NULL for a token's session. */
static inline struct session_record house_session(struct house *h, const struct user_record *u, const char *app,
                                                  char *text)
{
    struct session_cookie c;
    struct session_record s = {.user = u->id, .epoch = u->epoch, .kind = text == NULL ? SESSION_TOKEN : SESSION_COOKIE};
    house_bytes(&c, sizeof c);
    s.sid = c.sid;
    s.created_at_ms = s.authenticated_at_ms = h->now_ms - 3600 * 1000;
    s.last_seen_at_ms = h->now_ms - 60 * 1000;
    s.expires_at_ms = h->now_ms + 7 * (int64_t)HOUSE_DAY_MS;
    s.idle_ms = 8 * 3600 * 1000;
    snprintf(s.app, sizeof s.app, "%s", app);
    if (text != NULL) {
        secret_digest(&c.secret, s.secret_digest);
        session_cookie_format(h->keys, &c, text);
    }
    house_put_session(h, &s);
    return s;
}

/* A sealed session, its text made just now. text: SEALED_TEXT_MAX characters. */
static inline struct session_record house_sealed(struct house *h, const struct user_record *u, const char *app,
                                                 char *text, struct view *ret_text)
{
    struct session_record s = {.user = u->id, .epoch = u->epoch, .kind = SESSION_SEALED};
    struct buf b = buf_fixed(text, SEALED_TEXT_MAX);
    int64_t expires_in_s;
    house_bytes(&s.sid, sizeof s.sid);
    s.created_at_ms = s.authenticated_at_ms = h->now_ms - 3600 * 1000;
    s.last_seen_at_ms = h->now_ms - 60 * 1000;
    s.expires_at_ms = h->now_ms + 11 * 3600 * 1000;
    s.idle_ms = 2 * 3600 * 1000;
    snprintf(s.app, sizeof s.app, "%s", app);
    house_put_session(h, &s);
    HOUSE_MUST(cardea_ok(grant_sealed(h->keys, entropy_system(), settings_app(h->settings, view_text(app), NULL), &s,
                                      h->now_ms, &b, &expires_in_s)));
    *ret_text = buf_view(&b);
    return s;
}

static inline struct access_claims house_claims(const struct house *h, const struct session_record *s)
{
    struct access_claims c = {.sub = s->user, .sid = s->sid, .epoch = s->epoch};
    const struct app *app = settings_app(h->settings, view_text(s->app), NULL);
    HOUSE_MUST(app != NULL);
    struct view audience = settings_audience(h->settings, app);
    house_bytes(&c.jti, sizeof c.jti);
    c.iat_s = h->now_ms / 1000 - 10;
    c.exp_s = c.iat_s + 900;
    snprintf(c.client_id, sizeof c.client_id, "%s", s->app);
    snprintf(c.audience, sizeof c.audience, "%.*s", (int)audience.len, audience.ptr);
    return c;
}

/* text: ACCESS_TOKEN_TEXT_MAX characters; answers what was written. */
static inline struct view house_sign_as(const struct house *h, enum token_format f, const struct access_claims *c,
                                        char *text)
{
    struct buf b = buf_fixed(text, ACCESS_TOKEN_TEXT_MAX);
    struct view issuer = view_text(h->settings->public_url);
    HOUSE_MUST(cardea_ok(access_token_sign(h->keys, f, entropy_system(), issuer, c, &b)));
    return buf_view(&b);
}
static inline struct view house_sign(const struct house *h, const struct access_claims *c, char *text)
{
    return house_sign_as(h, TOKEN_ES256, c, text);
}

/* text: API_KEY_TEXT_MAX characters. */
static inline struct api_key_record house_key(struct house *h, const struct user_record *u, const char *scopes,
                                              char *text, struct view *ret_text)
{
    struct api_key k;
    struct api_key_record r = {.user = u->id, .created_at_ms = h->now_ms};
    struct buf b = buf_fixed(text, API_KEY_TEXT_MAX);
    house_bytes(&k, sizeof k);
    r.id = k.id;
    r.expires_at_ms = h->now_ms + 30 * (int64_t)HOUSE_DAY_MS;
    snprintf(r.scopes, sizeof r.scopes, "%s", scopes);
    secret_digest(&k.secret, r.digest);
    api_key_format(h->keys, &k, &b);
    HOUSE_MUST(buf_ok(&b));
    *ret_text = buf_view(&b);
    HOUSE_MUST(
        cardea_ok(table_apply(h->writer, &(struct change){.kind = CHANGE_API_KEY_PUT, .api_key = &r}, 0, h->now_ms)));
    return r;
}

static inline void house_end(struct house *h, enum change_kind kind, const void *id)
{
    struct change c = {.kind = kind};
    c.revocation.until_ms = h->now_ms + 8 * (int64_t)HOUSE_DAY_MS;
    memcpy(c.revocation.id, id, 16);
    HOUSE_MUST(cardea_ok(table_apply(h->writer, &c, 0, h->now_ms)));
}

#endif
