/* The keyring in every format of access tokens: each has its own life; no key opens, signs or checks as another's. And
 * records of before there was another format than ES256. */
#include "key_double.h"

#include "base/json.h"
#include "base/text.h"
#include "core/access_token.h"
#include "core/jwk.h"
#include "core/key_record.h"
#include "core/table.h"

#include <stdlib.h>

enum { RETIRE_MS = 3630 * 1000 };
static const struct keyring_times times = {0, RETIRE_MS, RETIRE_MS, UINT64_MAX};
static const int64_t now_s = 1800000000, now_ms = INT64_C(1800000000) * 1000;
static struct master_key *master;
static struct key_double store;

static int set_up(void **state)
{
    (void)state;
    master = key_double_master();
    store = (struct key_double){.count = 0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    master_key_free(master);
    return 0;
}

/* With a stock of all the RSA keys that a test needs. */
static struct key_work at(int64_t ms)
{
    static struct key_stock stock;
    struct key_work w = key_double_work(&store, master, entropy_system(), ms);

    w.stock = &stock;
    return w;
}

static void fill_stock(const struct key_work *w, enum token_format f, unsigned keys)
{
    for (unsigned i = 0; token_format_slow(f) && i < keys; i++)
        assert_ok(keyring_stock(w->stock, f, master, entropy_system()));
}

static void create(token_formats formats)
{
    const struct key_work w = at(now_ms - 1000);

    assert_ok(keyring_create(&w, formats));
}

static struct cardea_status load(struct keyring **out)
{
    return keyring_load(key_double_tx(&store), key_double_ops(), master, 1, out);
}

static struct keyring *loaded(void)
{
    struct keyring *k = NULL;

    assert_ok(load(&k));
    return k;
}

static struct access_expectation expectation(void)
{
    static struct view audience = {"api", 3};

    return (struct access_expectation){VIEW("https://id.example.com"), &audience, 1};
}

static struct view sign(const struct keyring *k, enum token_format f, char text[ACCESS_TOKEN_TEXT_MAX])
{
    struct access_claims c = {.epoch = 1, .iat_s = now_s, .exp_s = now_s + 900, .client_id = "app", .audience = "api"};
    struct buf b = buf_fixed(text, ACCESS_TOKEN_TEXT_MAX);

    assert_ok(access_token_sign(k, f, entropy_system(), expectation().issuer, &c, &b));
    return buf_view(&b);
}

static struct cardea_status verify_at(const struct keyring *k, struct view text, int64_t ms)
{
    const struct access_expectation want = expectation();
    struct access_token out;

    return access_token_verify(k, text, &want, ms, &out);
}

static struct key_record *record(enum token_format f, enum key_state state)
{
    for (uint32_t i = 0; i < store.count; i++)
        if (store.records[i].state == state && key_record_format(&store.records[i]) == f)
            return &store.records[i];
    return NULL;
}

/* Slow ones are one algorithm after another on one kind of key: two stand for all where many keys are made. */
static bool too_slow(enum token_format f)
{
    return token_format_slow(f) && f != TOKEN_RS256;
}

static void names_are_exact(void **state)
{
    static const char *const others[] = {"",    "none", "es256",     "ES256 ",    "Ed25519",  "ES256K", "v3.public",
                                         "HS1", "v4",   "V4.PUBLIC", "v4.local ", "RSA-OAEP", "dir",    "A256GCM"};

    (void)state;
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++) {
        assert_true(token_format_name(f)[0] != '\0');
        assert_int_equal(token_format_parse(view_text(token_format_name(f))), f);
        assert_true(strlen(token_format_name(f)) < sizeof((struct key_record *)0)->algorithm);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(token_format_parse(view_text(others[i])), TOKEN_FORMAT_UNSET);
    assert_string_equal(token_format_name(TOKEN_FORMAT_UNSET), "");
    assert_string_equal(token_format_name(TOKEN_FORMATS), "");
    assert_int_equal(token_format_algorithm(TOKEN_V4_PUBLIC), SIGNATURE_UNSET);
    assert_int_equal(token_format_algorithm(TOKEN_ED448), SIGNATURE_ED448);
}

/* From the first token to the end of the key that made it, through the store each time. */
static void live(enum token_format f)
{
    char text[2][ACCESS_TOKEN_TEXT_MAX];
    int64_t at_ms = 0;
    const struct key_work w = at(now_ms);

    store = (struct key_double){.count = 0};
    fill_stock(&w, f, 4);
    create(token_format_bit(f));
    struct keyring *k = loaded();
    struct key_id first = k->active[f]->id;
    struct view old = sign(k, f, text[0]);
    assert_ok(verify_at(k, old, now_ms));
    assert_int_equal(k->access_count, 2);
    assert_int_equal(keyring_signing(k), token_format_bit(f));
    keyring_unref(k);

    assert_ok(keyring_rotate(&w, f, &times, &at_ms));
    assert_int_equal(at_ms, now_ms);
    k = loaded();
    assert_false(ID_SAME(k->active[f]->id, first));
    assert_ok(verify_at(k, old, now_ms));
    struct view fresh = sign(k, f, text[1]);
    assert_ok(verify_at(k, fresh, now_ms));
    const struct access_key *retired = keyring_find(k, &first);
    assert_int_equal(retired->state, KEY_RETIRING);
    assert_false(retired->signs);
    assert_null(retired->sign);
    assert_null(retired->secret.bytes);
    assert_code(verify_at(k, old, now_ms + RETIRE_MS), E_INVALID_TOKEN);
    struct key_id second = k->active[f]->id;
    keyring_unref(k);

    assert_ok(keyring_drop(&w, &second));
    k = loaded();
    assert_code(verify_at(k, fresh, now_ms), E_INVALID_TOKEN);
    assert_ok(verify_at(k, old, now_ms));
    assert_ok(verify_at(k, sign(k, f, text[1]), now_ms));
    keyring_unref(k);
    assert_ok(keyring_drop(&w, &first));
    k = loaded();
    assert_code(verify_at(k, old, now_ms), E_INVALID_TOKEN);
    keyring_unref(k);
}

static void every_format_lives(void **state)
{
    (void)state;
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++)
        if (!too_slow(f))
            live(f);
}

/* One ring, every format: each token is checked by its own key alone, and none when the ids are exchanged. */
static void no_key_checks_anothers_token(void **state)
{
    static struct keyring ring;
    char text[ACCESS_TOKEN_TEXT_MAX];

    (void)state;
    memset(&ring, 0, sizeof ring);
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++) {
        struct access_key *k = &ring.access[ring.access_count++];
        struct raw_key raw;
        struct key_id id;
        assert_ok(token_format_slow(f) ? signature_key_draw(token_format_algorithm(f), RSA_BITS_MIN, &raw)
                                       : access_key_draw(f, &raw));
        assert_ok(access_key_id(f, &raw, entropy_system(), &id));
        assert_ok(access_key_init(k, f, &raw, &id, true));
        raw_key_clear(&raw);
        k->state = KEY_ACTIVE;
        ring.active[f] = k;
    }
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++) {
        struct view token = sign(&ring, f, text);
        struct access_key *own = &ring.access[f - 1];
        struct key_id id = own->id;
        uint8_t header_len = own->header_len;
        assert_ok(verify_at(&ring, token, now_ms));
        own->id = (struct key_id){{0}};
        own->header_len = 0;       /* nor by the text of its header */
        if (own->verify == NULL) { /* PASETO's keys are found by their own id */
            own->public_key.id.kind = PASERK_UNSET;
            own->local.id.kind = PASERK_UNSET;
        }
        for (uint32_t i = 0; i < ring.access_count; i++) {
            struct access_key *other = &ring.access[i];
            struct key_id kept = other->id;
            if (other == own)
                continue;
            other->id = id; /* the token's kid now names this one */
            assert_code(verify_at(&ring, token, now_ms), E_INVALID_TOKEN);
            other->id = kept;
        }
        own->id = id;
        own->header_len = header_len;
        own->public_key.id.kind = f == TOKEN_V4_PUBLIC ? PASERK_PID : PASERK_UNSET;
        own->local.id.kind = f == TOKEN_V4_LOCAL ? PASERK_LID : PASERK_UNSET;
        assert_ok(verify_at(&ring, token, now_ms));
    }
    for (uint32_t i = 0; i < ring.access_count; i++)
        access_key_clear(&ring.access[i]);
}

/* D08: a token of one purpose with the other's header, and with the other's id in its footer. */
static void paseto_purposes_stay_apart(void **state)
{
    char text[ACCESS_TOKEN_TEXT_MAX], other[ACCESS_TOKEN_TEXT_MAX + 8];

    (void)state;
    create(token_format_bit(TOKEN_V4_PUBLIC) | token_format_bit(TOKEN_V4_LOCAL));
    struct keyring *k = loaded();
    struct view token = sign(k, TOKEN_V4_LOCAL, text);
    struct buf b = buf_fixed(other, sizeof other);
    buf_text(&b, "v4.public");
    buf_put(&b, view_skip(token, strlen("v4.local")));
    assert_code(verify_at(k, buf_view(&b), now_ms), E_INVALID_TOKEN);
    token = sign(k, TOKEN_V4_PUBLIC, text);
    buf_reset(&b);
    buf_text(&b, "v4.local");
    buf_put(&b, view_skip(token, strlen("v4.public")));
    assert_code(verify_at(k, buf_view(&b), now_ms), E_INVALID_TOKEN);
    /* The body of one, the footer of the other. */
    char second[ACCESS_TOKEN_TEXT_MAX];
    struct view local = sign(k, TOKEN_V4_LOCAL, second);
    const char *dot = memrchr(token.ptr, '.', token.len), *tail = memrchr(local.ptr, '.', local.len);
    buf_reset(&b);
    buf_put(&b, view_of(token.ptr, (size_t)(dot - token.ptr)));
    buf_put(&b, view_of(tail, local.len - (size_t)(tail - local.ptr)));
    assert_code(verify_at(k, buf_view(&b), now_ms), E_INVALID_TOKEN);
    keyring_unref(k);
}

/* --- at rest --- */

static void a_record_opens_as_what_it_is_alone(void **state)
{
    (void)state;
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++) {
        struct access_key k;
        struct key_record good, r;
        if (too_slow(f))
            continue;
        assert_ok(access_record_draw(f, master, entropy_system(), &good));
        assert_ok(access_record_open(&good, master, &k));
        access_key_clear(&k);
        for (enum token_format g = TOKEN_FORMAT_UNSET; g < TOKEN_FORMATS; g++) { /* said to be of another format */
            r = good;
            memset(r.algorithm, 0, sizeof r.algorithm);
            memcpy(r.algorithm, token_format_name(g), strlen(token_format_name(g)));
            if (g != f)
                assert_code(access_record_open(&r, master, &k), E_CORRUPT);
        }
        r = good;
        r.state = KEY_RETIRING;
        assert_code(access_record_open(&r, master, &k), E_CORRUPT);
        r = good;
        assert_ok(access_record_retire(&r, master, entropy_system()));
        assert_ok(access_record_open(&r, master, &k));
        assert_false(k.signs);
        access_key_clear(&k);
        r.state = KEY_ACTIVE; /* a retired one put back */
        assert_code(access_record_open(&r, master, &k), E_CORRUPT);
        r = good;
        r.id.bytes[31] ^= 1;
        assert_code(access_record_open(&r, master, &k), E_CORRUPT);
        r = good;
        r.sealed[r.sealed_len - 1] ^= 1;
        assert_code(access_record_open(&r, master, &k), E_CORRUPT);
        r = good;
        r.public_jwk[0] = '\0';
        if (!signature_is_mac(token_format_algorithm(f))) /* HS* shows nothing */
            assert_code(access_record_open(&r, master, &k), E_CORRUPT);
    }
}

/* What a retired key leaves in its record: of a symmetric one everything, sealed; of the others no private half. */
static void retirement_keeps_what_verification_needs(void **state)
{
    (void)state;
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++) {
        uint8_t plain[KEY_SEALED_MAX];
        struct key_record r;
        size_t len = 0;
        if (too_slow(f))
            continue;
        assert_ok(access_record_draw(f, master, entropy_system(), &r));
        assert_ok(access_record_retire(&r, master, entropy_system()));
        assert_ok(key_record_open(&r, master, plain, sizeof plain, &len));
        bool whole = memmem(plain, len, "\"k\":", 4) != NULL || memmem(plain, len, "\"d\":", 4) != NULL;
        assert_int_equal(whole, token_format_symmetric(f));
        for (size_t i = r.sealed_len; i < sizeof r.sealed; i++)
            assert_int_equal(r.sealed[i], 0);
        if (token_format_symmetric(f)) { /* nothing of it stands in the open */
            assert_null(strstr(r.public_jwk, "\"k\":"));
            assert_null(strstr(r.public_jwk, "local."));
        }
    }
}

/* RFC 7515 A.3's key, as the first version wrote it: PKCS#8 sealed while in force, the bare point once retired. */
static const char old_pkcs8[] =
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104208e9b109e719098bf980487df1f5d"
    "77e9cb29606ebed2263b5f57c213df84f4b2a144034200047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf"
    "6e3c7bd15445c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";
static const char old_jwk[] =
    "{\"alg\":\"ES256\",\"crv\":\"P-256\",\"kid\":\"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U\",\"kty\":\"EC\","
    "\"use\":\"sig\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

/* Sealed here as then: with "access|kid" or "access!kid" for context. */
static struct key_record old_record(enum key_state state, struct view plain)
{
    struct key_record r = {.use = KEY_USE_ACCESS, .state = state, .algorithm = "ES256", .created_at_ms = 1};
    char context[64];
    struct buf b = buf_fixed(context, sizeof context);
    size_t len = 0;

    memcpy(r.public_jwk, old_jwk, sizeof old_jwk);
    assert_ok(key_id_parse(VIEW("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"), &r.id));
    buf_text(&b, state == KEY_RETIRING ? "access!" : "access|");
    buf_key_id(&b, r.id);
    assert_ok(seal_close(master, plain, buf_view(&b), entropy_system(), r.sealed, sizeof r.sealed, &len));
    r.sealed_len = (uint16_t)len;
    return r;
}

static void records_of_the_first_version_open(void **state)
{
    enum { LEN = (sizeof old_pkcs8 - 1) / 2, POINT = 65 };
    char text[ACCESS_TOKEN_TEXT_MAX];
    uint8_t der[LEN];
    int64_t at_ms = 0;
    const struct key_work w = at(now_ms);

    (void)state;
    assert_ok(hex_decode_exact(view_text(old_pkcs8), der, LEN));
    create(token_format_bit(TOKEN_ES256));
    *record(TOKEN_ES256, KEY_ACTIVE) = old_record(KEY_ACTIVE, view_of(der, LEN));
    struct keyring *k = loaded();
    struct view token = sign(k, TOKEN_ES256, text);
    assert_ok(verify_at(k, token, now_ms));
    keyring_unref(k);
    /* It retires as one of today does, and is the same as one that retired then. */
    assert_ok(keyring_rotate(&w, TOKEN_ES256, &times, &at_ms));
    k = loaded();
    assert_ok(verify_at(k, token, now_ms));
    keyring_unref(k);
    struct key_record *retired = record(TOKEN_ES256, KEY_RETIRING);
    int64_t drop_at_ms = retired->drop_at_ms;
    *retired = old_record(KEY_RETIRING, view_of(der + LEN - POINT, POINT));
    retired->drop_at_ms = drop_at_ms;
    k = loaded();
    assert_ok(verify_at(k, token, now_ms));
    keyring_unref(k);
    /* One of them under another algorithm's name is no key. */
    memcpy(retired->algorithm, "ES384", 6);
    assert_code(load(&k), E_CORRUPT);
}

/* --- what is asked for --- */

static bool tick(token_formats formats, struct key_stock *stock, int64_t ms, token_formats *ret_lacking)
{
    struct key_work w = at(ms);
    bool changed = false;

    w.stock = stock;
    assert_ok(keyring_tick(&w, formats, &times, &changed, ret_lacking));
    return changed;
}

static void formats_come_and_go_with_the_settings(void **state)
{
    const token_formats es = token_format_bit(TOKEN_ES256), ed = token_format_bit(TOKEN_ED25519),
                        hs = token_format_bit(TOKEN_HS384), local = token_format_bit(TOKEN_V4_LOCAL);
    char text[2][ACCESS_TOKEN_TEXT_MAX];
    token_formats lacking = 0;

    (void)state;
    create(es);
    assert_true(tick(es | ed | hs | local, NULL, now_ms, &lacking));
    assert_int_equal(lacking, 0);
    assert_false(tick(es | ed | hs | local, NULL, now_ms, &lacking));
    struct keyring *k = loaded();
    assert_int_equal(keyring_signing(k), es | ed | hs | local);
    struct view by_hs = sign(k, TOKEN_HS384, text[0]), by_local = sign(k, TOKEN_V4_LOCAL, text[1]);
    keyring_unref(k);
    /* No longer asked for: no next, the active one retires, and its tokens are good until they end. */
    assert_true(tick(ed, NULL, now_ms, &lacking));
    assert_false(tick(ed, NULL, now_ms, &lacking));
    k = loaded();
    assert_int_equal(keyring_signing(k), ed);
    assert_int_equal(k->access_count, 2 + 3);
    assert_null(record(TOKEN_HS384, KEY_NEXT));
    assert_ok(verify_at(k, by_hs, now_ms));
    assert_ok(verify_at(k, by_local, now_ms));
    assert_code(verify_at(k, by_local, now_ms + RETIRE_MS), E_INVALID_TOKEN);
    keyring_unref(k);
    /* Asked for again: a new key beside the retired one. */
    assert_true(tick(ed | hs, NULL, now_ms, &lacking));
    k = loaded();
    assert_ok(verify_at(k, by_hs, now_ms));
    assert_ok(verify_at(k, sign(k, TOKEN_HS384, text[1]), now_ms));
    keyring_unref(k);
    assert_true(tick(ed | hs, NULL, now_ms + RETIRE_MS, &lacking));
    assert_null(record(TOKEN_HS384, KEY_RETIRING));
}

/* RSA keys come from the stock, one a tick if need be; the ring works meanwhile. */
static void slow_keys_come_from_the_stock(void **state)
{
    const token_formats es = token_format_bit(TOKEN_ES256), rs = token_format_bit(TOKEN_RS256);
    struct key_stock *stock = calloc(1, sizeof *stock);
    const struct key_work w = key_double_work(&store, master, entropy_system(), now_ms);
    char text[ACCESS_TOKEN_TEXT_MAX];
    token_formats lacking = 0;
    int64_t at_ms = 0;

    (void)state;
    assert_non_null(stock);
    create(es);
    assert_false(tick(es | rs, stock, now_ms, &lacking));
    assert_int_equal(lacking, rs);
    assert_code(keyring_rotate(&w, TOKEN_RS256, &times, &at_ms), E_NOT_FOUND);
    assert_ok(keyring_stock(stock, TOKEN_RS256, master, entropy_system()));
    assert_true(tick(es | rs, stock, now_ms, &lacking));
    assert_int_equal(stock->count, 0);
    assert_int_equal(lacking, rs); /* the next one */
    struct keyring *k = loaded();
    assert_ok(verify_at(k, sign(k, TOKEN_RS256, text), now_ms));
    struct key_id id = k->active[TOKEN_RS256]->id;
    keyring_unref(k);
    assert_code(keyring_rotate(&w, TOKEN_RS256, &times, &at_ms), E_BUSY);
    assert_ok(keyring_stock(stock, TOKEN_RS256, master, entropy_system()));
    assert_true(tick(es | rs, stock, now_ms, &lacking));
    assert_int_equal(lacking, 0);
    /* Compromised: the next one signs at once, and its successor is drawn aside. */
    assert_ok(keyring_drop(&w, &id));
    k = loaded();
    assert_non_null(k->active[TOKEN_RS256]);
    assert_false(tick(es | rs, stock, now_ms, &lacking));
    assert_int_equal(lacking, rs);
    id = k->active[TOKEN_RS256]->id;
    keyring_unref(k);
    assert_ok(keyring_drop(&w, &id)); /* the last one, too */
    k = loaded();
    assert_null(k->active[TOKEN_RS256]);
    keyring_unref(k);
    while (cardea_ok(keyring_stock(stock, TOKEN_ES256, master, entropy_system())))
        ;
    assert_int_equal(stock->count, KEY_STOCK_MAX);
    free(stock);
}

static void rotation_is_of_one_format_or_of_all(void **state)
{
    const token_formats formats =
        token_format_bit(TOKEN_ES256) | token_format_bit(TOKEN_ED448) | token_format_bit(TOKEN_V4_PUBLIC);
    const struct key_work w = at(now_ms);
    int64_t at_ms = 0;

    (void)state;
    create(formats);
    assert_ok(keyring_rotate(&w, TOKEN_ED448, &times, &at_ms));
    assert_non_null(record(TOKEN_ED448, KEY_RETIRING));
    assert_null(record(TOKEN_ES256, KEY_RETIRING));
    assert_ok(keyring_rotate(&w, TOKEN_FORMAT_UNSET, &times, &at_ms));
    assert_non_null(record(TOKEN_ES256, KEY_RETIRING));
    assert_non_null(record(TOKEN_V4_PUBLIC, KEY_RETIRING));
    assert_code(keyring_rotate(&w, TOKEN_HS256, &times, &at_ms), E_NOT_FOUND);
}

/* --- publication --- */

static void only_public_keys_are_published(void **state)
{
    struct buf b = buf_heap(1 << 16);
    struct json_token tokens[256];
    struct json doc;
    unsigned keys = 0;

    (void)state;
    create(token_format_bit(TOKEN_ES512) | token_format_bit(TOKEN_ED448) | token_format_bit(TOKEN_HS512) |
           token_format_bit(TOKEN_V4_PUBLIC) | token_format_bit(TOKEN_V4_LOCAL));
    struct keyring *k = loaded();
    buf_key_document(&b, k, KEY_DOCUMENT_JWKS);
    assert_ok(json_read(buf_view(&b), tokens, 256, &doc, NULL));
    uint32_t list = json_get(&doc, 0, VIEW("keys"));
    for (uint32_t c = json_first(&doc, list); c != 0; c = json_after(&doc, list, c), keys++) {
        struct view kid;
        struct key_id id;
        struct jwk jwk;
        assert_ok(jwk_read(json_source(&doc, c), &jwk));
        assert_false(raw_key_is_secret(&jwk.raw));
        assert_ok(json_plain(&doc, json_get(&doc, c, VIEW("kid")), &kid));
        assert_ok(key_id_parse(kid, &id));
        assert_false(token_format_symmetric(keyring_find(k, &id)->format));
        assert_true(view_is(view_text(jwk.alg), jwk.raw.type == RAW_KEY_EC ? "ES512" : "EdDSA"));
    }
    assert_int_equal(keys, 4);
    buf_reset(&b);
    buf_key_document(&b, k, KEY_DOCUMENT_PASETO);
    assert_ok(json_read(buf_view(&b), tokens, 256, &doc, NULL));
    list = json_get(&doc, 0, VIEW("keys"));
    keys = 0;
    for (uint32_t c = json_first(&doc, list); c != 0; c = json_after(&doc, list, c), keys++) {
        struct view kid, text;
        struct paserk_id id;
        struct paseto_public_key public;
        assert_ok(json_plain(&doc, json_get(&doc, c, VIEW("kid")), &kid));
        assert_ok(json_plain(&doc, json_get(&doc, c, VIEW("key")), &text));
        assert_ok(paserk_id_parse(kid, &id));
        assert_ok(paserk_public_parse(text, &public));
        assert_true(paserk_id_same(&id, &public.id));
        assert_int_equal(keyring_find_paserk(k, &id)->format, TOKEN_V4_PUBLIC);
    }
    assert_int_equal(keys, 2);
    for (uint32_t i = 0; i < k->access_count; i++) /* what the verification table is given */
        assert_int_equal(k->access[i].public_len == 0, token_format_symmetric(k->access[i].format));
    buf_clear(&b);
    keyring_unref(k);
}

/* The longest public key fits its places: the record, the table, the published set. */
static void the_longest_key_fits(void **state)
{
    uint8_t packed[RAW_KEY_PUBLIC_MAX];
    struct jwk jwk = {.use = JWK_USE_SIG, .alg = "RS512"};
    char text[KEY_SEALED_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    (void)state;
    assert_ok(raw_key_generate(RAW_KEY_RSA, RAW_CURVE_UNSET, RSA_BITS_MAX, &jwk.raw));
    memset(jwk.kid, 'k', KEY_ID_TEXT);
    assert_true(raw_key_pack(&jwk.raw, packed) <= TABLE_PUBLIC_MAX);
    jwk_write(&jwk, false, &b);
    assert_true(buf_ok(&b) && b.len < KEY_PUBLIC_MAX);
    buf_reset(&b);
    jwk_write(&jwk, true, &b);
    assert_true(buf_ok(&b) && b.len + SEAL_OVERHEAD <= KEY_SEALED_MAX);
    jwk_clear(&jwk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        cmocka_unit_test(names_are_exact),
        WITH_STORE(every_format_lives),
        cmocka_unit_test(no_key_checks_anothers_token),
        WITH_STORE(paseto_purposes_stay_apart),
        WITH_STORE(a_record_opens_as_what_it_is_alone),
        WITH_STORE(retirement_keeps_what_verification_needs),
        WITH_STORE(records_of_the_first_version_open),
        WITH_STORE(formats_come_and_go_with_the_settings),
        WITH_STORE(slow_keys_come_from_the_stock),
        WITH_STORE(rotation_is_of_one_format_or_of_all),
        WITH_STORE(only_public_keys_are_published),
        cmocka_unit_test(the_longest_key_fits),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
