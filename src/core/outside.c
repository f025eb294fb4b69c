#include "core/outside.h"

#include "base/secret.h"
#include "core/jws.h"
#include "core/paseto_token.h"

#include <stdatomic.h>
#include <stdlib.h>

_Static_assert((int)TABLE_APPS_LIMIT == (int)APPS_MAX && (int)OUTSIDE_AUDIENCES_MAX <= (int)POLICIES_MAX,
               "apps keep their places, audiences are kept where policies are");

struct outside {
    struct settings *settings; /* apps: the table's; policies: one for each audience */
    struct keyring *keys;      /* public_only; generation: the table's, and one more */
    struct verify_cache *cache;
    const struct table *table;
    uint64_t apps_generation; /* of the table, as far as it was read */
    bool apps_read;
};

/* --- making --- */

struct cardea_status outside_new(const struct entropy *e, struct outside **out)
{
    uint8_t key[16];
    struct outside *o = calloc(1, sizeof *o);
    if (o == NULL)
        return CARDEA_FAIL(E_BUSY);
    entropy_fill(e, key, sizeof key);
    o->settings = calloc(1, sizeof *o->settings);
    o->cache = verify_cache_new(OUTSIDE_CACHE_ENTRIES, key);
    secret_wipe(key, sizeof key);
    if (o->settings == NULL || o->cache == NULL) {
        outside_free(o);
        return CARDEA_FAIL(E_BUSY);
    }
    o->settings->generation = 1;
    *out = o;
    return CARDEA_SUCCESS;
}

void outside_free(struct outside *o)
{
    if (o == NULL)
        return;
    keyring_unref(o->keys);
    verify_cache_free(o->cache);
    free(o->settings);
    free(o);
}

struct cardea_status outside_issuer(struct outside *o, struct view issuer)
{
    if (issuer.len == 0 || !view_copy(issuer, o->settings->public_url, sizeof o->settings->public_url))
        return CARDEA_FAIL(E_USAGE);
    o->settings->generation++;
    return CARDEA_SUCCESS;
}

struct cardea_status outside_audience(struct outside *o, struct view audience)
{
    struct settings *s = o->settings;
    if (audience.len == 0 || audience.len > URL_MAX)
        return CARDEA_FAIL(E_USAGE);
    if (s->policy_count == OUTSIDE_AUDIENCES_MAX)
        return CARDEA_FAIL(E_LIMIT);
    struct policy *p = &s->policies[s->policy_count];
    if (!view_copy(audience, p->audience, sizeof p->audience))
        return CARDEA_FAIL(E_USAGE);
    s->policy_count++;
    /* Every app's tokens are for the named audiences and no others: its own, which the table does not say, is one of
     * them or refused. */
    for (uint32_t i = 0; i < APPS_MAX; i++)
        (void)view_copy(view_text(s->policies[0].audience), s->apps[i].audience, sizeof s->apps[i].audience);
    s->generation++;
    return CARDEA_SUCCESS;
}

void outside_table(struct outside *o, const struct table *t)
{
    o->table = t;
    o->apps_read = false;
    keyring_unref(o->keys);
    o->keys = NULL;
}

/* --- keeping up --- */

static void read_apps(struct outside *o)
{
    struct settings *s = o->settings;
    uint64_t generation = table_apps_generation(o->table); /* before the apps: what changes meanwhile is read again */
    if (o->apps_read && generation == o->apps_generation)
        return;
    s->app_count = 0;
    for (uint32_t i = 0; i < APPS_MAX; i++) {
        struct table_app from;
        struct app *to = &s->apps[i];
        to->profile = PROFILE_UNSET;
        if (!table_find_app(o->table, (uint16_t)i, &from))
            continue;
        memcpy(to->name, from.name, sizeof to->name);
        to->live = from.live;
        to->profile = from.enabled ? PROFILE_WEB : PROFILE_UNSET; /* which one matters to the service alone */
        s->app_count = i + 1;
    }
    o->apps_generation = generation;
    o->apps_read = true;
    s->generation++;
}

static struct cardea_status read_key(struct outside *o, const struct key_id *kid, struct keyring *ring)
{
    struct table_key from;
    if (table_find_key(o->table, *kid, &from) != TABLE_HIT) /* dropped meanwhile */
        return CARDEA_SUCCESS;
    struct access_key *to = &ring->access[ring->access_count];
    struct cardea_status s =
        access_key_init_public(to, (enum token_format)from.algorithm, view_of(from.public_bytes, from.public_len), kid);
    if (s.code == CARDEA_E_BUSY)
        return s;
    if (!cardea_ok(s)) /* a format of a newer service: its tokens are for that one to judge */
        return CARDEA_SUCCESS;
    /* When a retiring key's time is over the service takes it out of the table. */
    to->state = KEY_ACTIVE;
    ring->access_count++;
    return CARDEA_SUCCESS;
}

static struct cardea_status read_keys(struct outside *o)
{
    uint64_t generation = table_keys_generation(o->table); /* before the keys, as for the apps */
    if (o->keys != NULL && o->keys->generation == generation + 1)
        return CARDEA_SUCCESS;
    struct key_id kids[KEYRING_MAX];
    struct keyring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    atomic_init(&ring->refs, 1);
    ring->public_only = true;
    ring->generation = generation + 1;
    uint32_t count = table_list_keys(o->table, kids, KEYRING_MAX);
    struct cardea_status s = CARDEA_SUCCESS;
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
        s = read_key(o, &kids[i], ring);
    if (!cardea_ok(s)) {
        keyring_unref(ring);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    keyring_unref(o->keys);
    o->keys = ring;
    o->settings->generation++; /* another table may count its keys from the same number */
    return s;
}

/* --- checks --- */

/* Refused, and yet perhaps good: it names a key that is not in the table. */
static bool token_for_service(const struct outside *o, struct view text)
{
    struct jws jws;
    struct key_id id;
    struct paserk_id paserk;
    if (text.len > ACCESS_TOKEN_TEXT_MAX)
        return false;
    if (paseto_purpose(text) != PASETO_UNSET)
        return paseto_token_key(text, &paserk) && keyring_find_paserk(o->keys, &paserk) == NULL;
    return cardea_ok(jws_read(text, &jws)) && cardea_ok(key_id_parse(jws.header.kid, &id)) &&
           keyring_find(o->keys, &id) == NULL;
}

static enum verify_answer unknown(struct cardea_status *ret_why, struct cardea_status why)
{
    *ret_why = why;
    return VERIFY_UNKNOWN;
}

static enum verify_answer check_token(struct outside *o, const struct verifier *v, struct view text,
                                      struct identity *out, struct cardea_status *ret_why)
{
    if (o->settings->public_url[0] == '\0' || o->settings->policy_count == 0)
        return unknown(ret_why, CARDEA_FAIL(E_USAGE));
    enum verify_answer answer = verify_token(v, text, out, ret_why);
    if (answer == VERIFY_NO && ret_why->code == CARDEA_E_INVALID_TOKEN && token_for_service(o, text))
        return unknown(ret_why, CARDEA_FAIL(E_NOT_FOUND));
    return answer;
}

enum verify_answer outside_check(struct outside *o, enum credential_kind kind, struct view text, int64_t now_ms,
                                 int64_t boot_ms, struct identity *out, struct cardea_status *ret_why)
{
    if (o->table == NULL || !table_valid(o->table, boot_ms))
        return unknown(ret_why, CARDEA_FAIL(E_UNAVAILABLE));
    read_apps(o);
    struct cardea_status s = read_keys(o);
    if (!cardea_ok(s))
        return unknown(ret_why, s);
    const struct verifier v = {o->settings, o->keys, o->table, o->cache, now_ms, boot_ms};
    switch (kind) {
    case KIND_SESSION:
        if (text.len != SESSION_COOKIE_TEXT && view_starts(text, VIEW("eyJ"))) /* a sealed session's cookie */
            return unknown(ret_why, CARDEA_FAIL(E_NOT_FOUND));
        return verify_session(&v, text, out, ret_why);
    case KIND_TOKEN:
        return check_token(o, &v, text, out, ret_why);
    case KIND_KEY:
        return verify_key(&v, text, out, ret_why);
    default: /* a sealed text opens for the service alone */
        return unknown(ret_why, CARDEA_FAIL(E_NOT_FOUND));
    }
}
