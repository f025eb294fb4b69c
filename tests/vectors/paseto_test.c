/* PASETO's published vectors: every one of v4 comes out as its file says, both ways; every token of v1, v2 and v3 is
 * refused under every key of v4; PASERK k4 keys and ids, and no key of another version. */
#include "vector_file.h"

#include "core/paseto.h"
#include "crypto/random.h"

enum { V4_LEAST = 17, OTHERS_LEAST = 46, PASERK_LEAST = 27, OTHER_PASERK_LEAST = 92 };

static struct paseto_space space;

static struct view member_view(const struct vector_file *f, uint32_t object, const char *name, uint8_t *out, size_t cap,
                               bool *ret_there)
{
    struct view hex = vector_text(f, object, name);

    *ret_there = json_type(&f->doc, json_get(&f->doc, object, view_text(name))) == JSON_STRING && hex.len % 2 == 0 &&
                 hex.len / 2 <= cap && cardea_ok(hex_decode_exact(hex, out, hex.len / 2));
    return view_of(out, *ret_there ? hex.len / 2 : 0);
}

static bool member_hex(const struct vector_file *f, uint32_t object, const char *name, uint8_t *out, size_t len)
{
    bool there;

    return member_view(f, object, name, out, len, &there).len == len && there;
}

/* --- tokens --- */

struct given { /* an entropy that gives the vector's nonce */
    uint8_t nonce[32];
};

static void give(void *context, void *out, size_t len)
{
    const struct given *g = context;

    VECTOR_CHECK(len == sizeof g->nonce, "nonce");
    memcpy(out, g->nonce, len);
}

static void check_opened(struct cardea_status s, const struct paseto_opened *o, bool fails, struct view payload,
                         struct view footer, struct view name)
{
    VECTOR_CHECK(cardea_ok(s) == !fails, "%.*s", (int)name.len, name.ptr);
    VECTOR_CHECK(cardea_ok(s) || s.code == CARDEA_E_INVALID_TOKEN, "%.*s", (int)name.len, name.ptr);
    if (cardea_ok(s) && !fails)
        VECTOR_CHECK(view_equal(o->message, payload) && view_equal(o->footer, footer), "%.*s", (int)name.len, name.ptr);
}

static void check_local(const struct vector_file *f, uint32_t t, const uint8_t bytes[32], bool fails)
{
    struct view token = vector_text(f, t, "token"), payload = vector_text(f, t, "payload"),
                footer = vector_text(f, t, "footer"), name = vector_text(f, t, "name");
    struct paseto_expectation want = {vector_text(f, t, "implicit-assertion"), &footer};
    struct paseto_opened opened = {0};
    struct paseto_local_key k;
    struct given g;
    char text[PASETO_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    VECTOR_CHECK(cardea_ok(paseto_local_key_init(&k, bytes)), "%.*s", (int)name.len, name.ptr);
    struct cardea_status s = paseto_local_decrypt(&k, token, &want, &space, &opened);
    check_opened(s, &opened, fails, payload, footer, name);
    if (!fails) {
        VECTOR_CHECK(member_hex(f, t, "nonce", g.nonce, 32), "%.*s", (int)name.len, name.ptr);
        VECTOR_CHECK(
            cardea_ok(paseto_local_encrypt(&k, payload, footer, want.implicit, &(struct entropy){give, &g}, &b)) &&
                view_equal(buf_view(&b), token),
            "%.*s", (int)name.len, name.ptr);
    }
    paseto_local_key_clear(&k);
}

static void check_public(const struct vector_file *f, uint32_t t, bool fails)
{
    struct view token = vector_text(f, t, "token"), payload = vector_text(f, t, "payload"),
                footer = vector_text(f, t, "footer"), name = vector_text(f, t, "name");
    struct paseto_expectation want = {vector_text(f, t, "implicit-assertion"), &footer};
    struct paseto_opened opened = {0};
    struct paseto_public_key k;
    struct paseto_secret_key secret;
    uint8_t public[32], seed[32];
    char text[PASETO_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);

    VECTOR_CHECK(member_hex(f, t, "public-key", public, 32) && member_hex(f, t, "secret-key-seed", seed, 32) &&
                     cardea_ok(paseto_public_key_init(&k, view_of(public, 32))),
                 "%.*s", (int)name.len, name.ptr);
    struct cardea_status s = paseto_public_verify(&k, token, &want, &space, &opened);
    check_opened(s, &opened, fails, payload, footer, name);
    VECTOR_CHECK(cardea_ok(paseto_secret_key_init(&secret, seed)), "%.*s", (int)name.len, name.ptr);
    VECTOR_CHECK(memcmp(secret.public.point.bytes, public, 32) == 0, "%.*s", (int)name.len, name.ptr);
    if (!fails)
        VECTOR_CHECK(cardea_ok(paseto_public_sign(&secret, payload, footer, want.implicit, &b)) &&
                         view_equal(buf_view(&b), token),
                     "%.*s", (int)name.len, name.ptr);
    paseto_secret_key_clear(&secret);
}

static int check_v4(void)
{
    struct vector_file f = vector_file_open("paseto/v4.json");
    uint32_t tests = json_get(&f.doc, 0, VIEW("tests"));
    int count = 0;

    for (uint32_t t = json_first(&f.doc, tests); t != 0; t = json_after(&f.doc, tests, t), count++) {
        bool fails = json_type(&f.doc, json_get(&f.doc, t, VIEW("expect-fail"))) == JSON_TRUE;
        uint8_t key[32];
        if (member_hex(&f, t, "key", key, 32))
            check_local(&f, t, key, fails);
        else
            check_public(&f, t, fails);
    }
    vector_file_close(&f);
    return count;
}

/* Under its own key where that has 32 bytes, for either purpose. */
static int check_other_version(const char *file)
{
    struct vector_file f = vector_file_open(file);
    uint32_t tests = json_get(&f.doc, 0, VIEW("tests"));
    int count = 0;

    for (uint32_t t = json_first(&f.doc, tests); t != 0; t = json_after(&f.doc, tests, t), count++) {
        struct view token = vector_text(&f, t, "token"), name = vector_text(&f, t, "name");
        struct paseto_expectation want = {vector_text(&f, t, "implicit-assertion"), NULL};
        uint8_t bytes[32] = {7}, footer[PASETO_FOOTER_MAX];
        struct paseto_opened opened;
        struct paseto_secret_key pair;
        struct paseto_local_key local;
        struct paseto_public_key public;
        struct view any;
        bool own = member_hex(&f, t, "key", bytes, 32) || member_hex(&f, t, "secret-key-seed", bytes, 32);
        (void)own;
        VECTOR_CHECK(token.len > 0, "%.*s", (int)name.len, name.ptr);
        if (!cardea_ok(paseto_secret_key_init(&pair, bytes)) || !cardea_ok(paseto_local_key_init(&local, bytes)))
            exit(1);
        public = pair.public;
        if (member_hex(&f, t, "public-key", bytes, 32) &&
            !cardea_ok(paseto_public_key_init(&public, view_of(bytes, 32))))
        public = pair.public;
        /* v4's own failures stand among them (a v4 token in a file of v2, say): still refused, by key. */
        VECTOR_CHECK(paseto_public_verify(&public, token, &want, &space, &opened).code == CARDEA_E_INVALID_TOKEN,
                     "%.*s", (int)name.len, name.ptr);
        VECTOR_CHECK(paseto_local_decrypt(&local, token, &want, &space, &opened).code == CARDEA_E_INVALID_TOKEN, "%.*s",
                     (int)name.len, name.ptr);
        if (!view_starts(token, VIEW("v4."))) {
            VECTOR_CHECK(paseto_purpose(token) == PASETO_UNSET, "%.*s", (int)name.len, name.ptr);
            VECTOR_CHECK(!cardea_ok(paseto_footer_peek(token, footer, &any)), "%.*s", (int)name.len, name.ptr);
        }
        paseto_secret_key_clear(&pair);
        paseto_local_key_clear(&local);
    }
    vector_file_close(&f);
    return count;
}

/* --- keys --- */

/* Bytes to text, and text to bytes: for the three kinds of id and the three kinds of key. Answers false where the bytes
 * or the text are no such key. */
static bool paserk_of(const char *type, struct view bytes, struct buf *out)
{
    struct paseto_secret_key secret;
    struct paseto_local_key local;
    bool sid = strcmp(type, "sid") == 0, lid = strcmp(type, "lid") == 0;

    if (strcmp(type, "public") == 0 || strcmp(type, "pid") == 0) {
        struct paseto_public_key public;
        if (bytes.len != 32)
            return false;
        memcpy(public.point.bytes, bytes.ptr, 32); /* PASERK writes any 32 bytes; ours are no points, some of them */
        public.id = paserk_pid(public.point.bytes);
        if (type[1] == 'i')
            buf_paserk_id(out, &public.id);
        else
            buf_paserk_public(out, &public);
    } else if (sid || strcmp(type, "secret") == 0) {
        if (bytes.len != 64 || !cardea_ok(paseto_secret_key_init(&secret, (const uint8_t *)bytes.ptr)))
            return false;
        bool whole = memcmp(secret.public.point.bytes, bytes.ptr + 32, 32) == 0;
        if (whole && sid)
            buf_paserk_id(out, &secret.id);
        else if (whole)
            buf_paserk_secret(out, &secret);
        paseto_secret_key_clear(&secret);
        return whole;
    } else {
        if (bytes.len != 32 || !cardea_ok(paseto_local_key_init(&local, (const uint8_t *)bytes.ptr)))
            return false;
        if (lid)
            buf_paserk_id(out, &local.id);
        else
            buf_paserk_local(out, &local);
        paseto_local_key_clear(&local);
    }
    return true;
}

static bool text_is_key(struct view text, bool *ret_point_refused)
{
    struct paseto_public_key public;
    struct paseto_secret_key secret;
    struct paseto_local_key local;
    struct paserk_id id;
    uint8_t bytes[32];
    struct view prefix = VIEW("k4.public.");

    *ret_point_refused = view_starts(text, prefix) &&
                         cardea_ok(base64url_decode_exact(view_skip(text, prefix.len), bytes, 32)) &&
                         !cardea_ok(paserk_public_parse(text, &public));
    if (cardea_ok(paserk_secret_parse(text, &secret))) {
        paseto_secret_key_clear(&secret);
        return true;
    }
    if (cardea_ok(paserk_local_parse(text, &local))) {
        paseto_local_key_clear(&local);
        return true;
    }
    return cardea_ok(paserk_public_parse(text, &public)) || cardea_ok(paserk_id_parse(text, &id));
}

static int check_paserk(const char *type)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof path, "paseto/PASERK/k4.%s.json", type);
    struct vector_file f = vector_file_open(path);
    uint32_t tests = json_get(&f.doc, 0, VIEW("tests"));
    for (uint32_t t = json_first(&f.doc, tests); t != 0; t = json_after(&f.doc, tests, t), count++) {
        bool fails = json_type(&f.doc, json_get(&f.doc, t, VIEW("expect-fail"))) == JSON_TRUE, there, off_curve;
        struct view name = vector_text(&f, t, "name"), wanted = vector_text(&f, t, "paserk");
        uint8_t bytes[128];
        char text[PASERK_SECRET_TEXT];
        struct buf b = buf_fixed(text, sizeof text);
        struct view key = member_view(&f, t, "key", bytes, sizeof bytes, &there);
        if (there)
            VECTOR_CHECK(paserk_of(type, key, &b) == !fails, "%.*s", (int)name.len, name.ptr);
        if (!fails)
            VECTOR_CHECK(there && buf_ok(&b) && view_equal(buf_view(&b), wanted), "%.*s", (int)name.len, name.ptr);
        bool is_key = text_is_key(wanted, &off_curve);
        VECTOR_CHECK(is_key == (!fails && !off_curve), "%.*s", (int)name.len, name.ptr);
    }
    vector_file_close(&f);
    return count;
}

/* No text of these files is a key or an id of ours, whether it should work there or not. */
static int check_foreign_paserk(const char *type)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof path, "paseto/PASERK/%s.json", type);
    struct vector_file f = vector_file_open(path);
    uint32_t tests = json_get(&f.doc, 0, VIEW("tests"));
    for (uint32_t t = json_first(&f.doc, tests); t != 0; t = json_after(&f.doc, tests, t)) {
        struct view name = vector_text(&f, t, "name"), text = vector_text(&f, t, "paserk");
        bool off_curve;
        /* Their own failures are keys of the neighbouring version: of k4 in the files of k3. */
        if (json_type(&f.doc, json_get(&f.doc, t, VIEW("expect-fail"))) == JSON_TRUE || text.len == 0)
            continue;
        VECTOR_CHECK(!text_is_key(text, &off_curve), "%.*s", (int)name.len, name.ptr);
        count++;
    }
    vector_file_close(&f);
    return count;
}

int main(void)
{
    static const char *const types[] = {"lid", "pid", "sid", "public", "local", "secret"};
    static const char *const wrapped[] = {"local-pw", "local-wrap.pie", "seal", "secret-pw", "secret-wrap.pie"};
    int v4, others, keys = 0, foreign = 0;

    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    v4 = check_v4();
    others = check_other_version("paseto/v1.json") + check_other_version("paseto/v2.json") +
             check_other_version("paseto/v3.json");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        keys += check_paserk(types[i]);
        for (int version = 1; version <= 3; version++) {
            char name[16];
            snprintf(name, sizeof name, "k%d.%s", version, types[i]);
            foreign += check_foreign_paserk(name);
        }
    }
    for (size_t i = 0; i < sizeof wrapped / sizeof *wrapped; i++)
        for (int version = 1; version <= 4; version++) {
            char name[32];
            snprintf(name, sizeof name, "k%d.%s", version, wrapped[i]);
            foreign += check_foreign_paserk(name);
        }
    printf("%d v4, %d of other versions, %d k4, %d foreign keys; %d checks, %d failed\n", v4, others, keys, foreign,
           vectors_checked, vectors_failed);
    return vectors_failed == 0 && v4 >= V4_LEAST && others >= OTHERS_LEAST && keys >= PASERK_LEAST &&
                   foreign >= OTHER_PASERK_LEAST
               ? 0
               : 1;
}
