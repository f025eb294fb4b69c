/* PASETO v4: round trips to every limit; D08 and D09 of the list of attacks with their siblings; one text a token. */
#include "alloc_count.h"
#include "check.h"

#include "base/text.h"
#include "core/paseto.h"
#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

static struct paseto_secret_key pair, other_pair;
static struct paseto_local_key local, other_local;
static struct paseto_space space;
static const struct view message = {"{\"sub\":\"alice\"}", 15};
static const struct paseto_expectation plain;

static int set_up(void **state)
{
    const uint8_t a[32] = {1}, b[32] = {2};

    (void)state;
    return cardea_ok(paseto_secret_key_init(&pair, a)) && cardea_ok(paseto_secret_key_init(&other_pair, b)) &&
                   cardea_ok(paseto_local_key_init(&local, a)) && cardea_ok(paseto_local_key_init(&other_local, b))
               ? 0
               : 1;
}

static int tear_down(void **state)
{
    (void)state;
    paseto_secret_key_clear(&pair);
    paseto_secret_key_clear(&other_pair);
    paseto_local_key_clear(&local);
    paseto_local_key_clear(&other_local);
    return 0;
}

/* A token of ours in one of a few texts. */
static struct view made(enum paseto_purpose purpose, struct view m, struct view footer, struct view implicit)
{
    static char texts[8][PASETO_TEXT_MAX + 64];
    static unsigned next;
    struct buf b = buf_fixed(texts[next++ % 8], PASETO_TEXT_MAX);

    if (purpose == PASETO_PUBLIC)
        assert_ok(paseto_public_sign(&pair, m, footer, implicit, &b));
    else
        assert_ok(paseto_local_encrypt(&local, m, footer, implicit, entropy_system(), &b));
    assert_int_equal(paseto_purpose(buf_view(&b)), purpose);
    return buf_view(&b);
}

static struct cardea_status opened(enum paseto_purpose purpose, struct view text, const struct paseto_expectation *want,
                                   struct paseto_opened *out)
{
    if (purpose == PASETO_PUBLIC)
        return paseto_public_verify(&pair.public, text, want, &space, out);
    return paseto_local_decrypt(&local, text, want, &space, out);
}

/* Refused by both verifiers, and what they would have set is untouched. */
static void refused(struct view text)
{
    struct paseto_opened out = {VIEW("untouched"), VIEW("too")};

    assert_code(opened(PASETO_PUBLIC, text, &plain, &out), E_INVALID_TOKEN);
    assert_code(opened(PASETO_LOCAL, text, &plain, &out), E_INVALID_TOKEN);
    assert_text(out.message, "untouched");
    assert_text(out.footer, "too");
}

/* In memory of exactly its own size, so that a sanitizer sees a read past its end. */
static void refused_alone(struct view text)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);

    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    refused(view_of(copy, text.len));
    free(copy);
}

#define BOTH(p) for (enum paseto_purpose p = PASETO_PUBLIC; p <= PASETO_LOCAL; p++)

/* The published vectors 4-E-7 and 4-S-3 (paseto-standard/test-vectors), so that the format does not drift where the
 * whole set is not at hand. */
static void published_values(void **state)
{
    const char *const local_token =
        "v4.local.32VIErrEkmY4JVILovbmfPXKW9wT1OdQepjMTC_MOtjA4kiqw7_tcaOM5GNEcnTxl60WkwMsYXw6FSNb_UdJPXjpzm0"
        "KW9ojM5f4O2mRvE2IcweP-PRdoHjd5-RHCiExR1IK6t40KCCWLA7GYL9KFHzKlwY9_RnIfRrMQpueydLEAZGGcA.eyJraWQiOiJ6"
        "VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2NOeTlEZmdMMVc2MGhhTiJ9";
    const char *const public_token =
        "v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoiMjAyMi0wMS0wMVQwMDowMDowMCswMDowMC"
        "J9NPWciuD3d0o5eXJXG5pJy-DiVEoyPYWs1YSTwWHNJq6DZD3je5gf-0M4JR9ipdUSJbIovzmBECeaWmaqcaP0DQ.eyJraWQiOiJ"
        "6VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2NOeTlEZmdMMVc2MGhhTiJ9";
    struct view footer = VIEW("{\"kid\":\"zVhMiPBP9fRf2snEcT7gFTioeA9COcNy9DfgL1W60haN\"}");
    uint8_t key[32];
    struct paseto_local_key k;
    struct paseto_secret_key signer;
    struct paseto_opened out;
    char text[1024];
    struct buf b = buf_fixed(text, sizeof text);

    (void)state;
    assert_ok(hex_decode_exact(VIEW("707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"), key, 32));
    assert_ok(paseto_local_key_init(&k, key));
    struct paseto_expectation want = {VIEW("{\"test-vector\":\"4-E-7\"}"), &footer};
    assert_ok(paseto_local_decrypt(&k, view_text(local_token), &want, &space, &out));
    assert_text(out.message, "{\"data\":\"this is a secret message\",\"exp\":\"2022-01-01T00:00:00+00:00\"}");
    paseto_local_key_clear(&k);

    assert_ok(hex_decode_exact(VIEW("b4cbfb43df4ce210727d953e4a713307fa19bb7d9f85041438d9e11b942a3774"), key, 32));
    assert_ok(paseto_secret_key_init(&signer, key));
    want.implicit = VIEW("{\"test-vector\":\"4-S-3\"}");
    assert_ok(paseto_public_verify(&signer.public, view_text(public_token), &want, &space, &out));
    assert_text(out.message, "{\"data\":\"this is a signed message\",\"exp\":\"2022-01-01T00:00:00+00:00\"}");
    assert_ok(paseto_public_sign(&signer, out.message, footer, want.implicit, &b));
    assert_buf(&b, public_token);
    paseto_secret_key_clear(&signer);
}

static void round_trips(void **state)
{
    static char big[PASETO_BODY_MAX];
    struct paseto_opened out;
    struct view footer = VIEW("footer"), empty = VIEW_EMPTY;

    (void)state;
    entropy_fill(entropy_system(), big, sizeof big);
    BOTH(p)
    {
        struct paseto_expectation want = {VIEW("implicit"), &footer};
        for (size_t len = 0; len < 300; len += len < 70 ? 1 : 37) {
            assert_ok(opened(p, made(p, view_of(big, len), footer, want.implicit), &want, &out));
            assert_view(out.message, view_of(big, len));
            assert_view(out.footer, footer);
            assert_ok(opened(p, made(p, view_of(big, len), empty, empty), &plain, &out));
            assert_view(out.message, view_of(big, len));
            assert_int_equal(out.footer.len, 0);
        }
    }
    assert_false(view_equal(made(PASETO_LOCAL, message, empty, empty), made(PASETO_LOCAL, message, empty, empty)));
}

static void limits_to_the_byte(void **state)
{
    static char big[PASETO_TEXT_MAX];
    char text[PASETO_TEXT_MAX + 64];
    struct paseto_opened out;

    (void)state;
    entropy_fill(entropy_system(), big, sizeof big);
    BOTH(p)
    {
        size_t overhead = p == PASETO_PUBLIC ? 64 : 64, header = p == PASETO_PUBLIC ? 10 : 9;
        size_t longest = (PASETO_TEXT_MAX - header) * 3 / 4 - overhead;
        assert_ok(opened(p, made(p, view_of(big, longest), VIEW_EMPTY, VIEW_EMPTY), &plain, &out));
        assert_view(out.message, view_of(big, longest));
        struct paseto_expectation want = {.implicit = view_of(big, PASETO_IMPLICIT_MAX)};
        struct view footer = view_of(big, PASETO_FOOTER_MAX);
        longest = (PASETO_TEXT_MAX - header - 1 - BASE64URL_LEN(PASETO_FOOTER_MAX)) * 3 / 4 - overhead;
        assert_ok(opened(p, made(p, view_of(big, longest), footer, want.implicit), &want, &out));
        assert_view(out.message, view_of(big, longest));
        assert_view(out.footer, footer);
    }
    /* One more of anything. */
    for (int which = 0; which < 4; which++) {
        struct buf b = buf_fixed(text, sizeof text);
        struct view m = view_of(big, which == 0 ? (PASETO_TEXT_MAX - 9) * 3 / 4 - 63 : 1);
        struct view f = view_of(big, which == 1 ? PASETO_FOOTER_MAX + 1 : 0);
        struct view i = view_of(big, which == 2 ? PASETO_IMPLICIT_MAX + 1 : 0);
        if (which == 3)
            m = view_of(big, sizeof big);
        assert_code(paseto_public_sign(&pair, m, f, i, &b), E_TOO_LARGE);
        assert_code(paseto_local_encrypt(&local, m, f, i, entropy_system(), &b), E_TOO_LARGE);
        assert_int_equal(b.len, 0);
        assert_true(buf_ok(&b));
    }
    struct buf small = buf_fixed(text, 20);
    assert_code(paseto_public_sign(&pair, message, VIEW_EMPTY, VIEW_EMPTY, &small), E_TOO_LARGE);
    assert_int_equal(small.len, 0);
    struct paseto_expectation huge = {.implicit = view_of(big, PASETO_IMPLICIT_MAX + 1)};
    assert_code(opened(PASETO_PUBLIC, made(PASETO_PUBLIC, message, VIEW_EMPTY, VIEW_EMPTY), &huge, &out),
                E_INVALID_TOKEN);
    /* A text past the limit, and 1 MB of one. */
    char *long_text = malloc(1 << 20);
    assert_non_null(long_text);
    memset(long_text, 'A', 1 << 20);
    memcpy(long_text, "v4.public.", 10);
    refused(view_of(long_text, PASETO_TEXT_MAX));
    refused(view_of(long_text, PASETO_TEXT_MAX + 1));
    refused(view_of(long_text, 1 << 20));
    memset(long_text, '.', 1 << 20);
    memcpy(long_text, "v4.local.", 9);
    refused(view_of(long_text, 1 << 20));
    refused(view_of(long_text, 8000));
    free(long_text);
}

static void le64(struct buf *b, size_t n)
{
    for (int i = 0; i < 8; i++)
        buf_char(b, (char)(uint8_t)((uint64_t)n >> 8 * i));
}

/* A token of any size with a right signature, encoded here: so that a limit alone refuses it. */
static struct view signed_past_limits(size_t message_len, size_t footer_len, struct view implicit)
{
    static char pae[32768], body[32768], text[65536], filler[16384];
    struct buf e = buf_fixed(pae, sizeof pae), t = buf_fixed(text, sizeof text);
    struct view parts[] = {VIEW("v4.public."), view_of(filler, message_len), view_of(filler, footer_len), implicit};

    memset(filler, 'x', sizeof filler);
    le64(&e, 4);
    for (size_t i = 0; i < 4; i++) {
        le64(&e, parts[i].len);
        buf_put(&e, parts[i]);
    }
    assert_true(buf_ok(&e));
    memcpy(body, filler, message_len);
    ed25519_sign(pair.bytes, buf_view(&e), (uint8_t *)body + message_len);
    buf_put(&t, parts[0]);
    buf_base64url(&t, body, message_len + ED25519_SIGNATURE);
    if (footer_len > 0) {
        buf_char(&t, '.');
        buf_base64url(&t, filler, footer_len);
    }
    assert_true(buf_ok(&t));
    return buf_view(&t);
}

static void limits_refuse_what_is_genuine(void **state)
{
    static char long_implicit[PASETO_IMPLICIT_MAX + 1];
    struct paseto_opened out;
    struct paseto_expectation want = {.implicit = view_of(long_implicit, PASETO_IMPLICIT_MAX)};

    (void)state;
    assert_ok(opened(PASETO_PUBLIC, signed_past_limits(100, 100, want.implicit), &want, &out));
    want.implicit.len++;
    assert_code(opened(PASETO_PUBLIC, signed_past_limits(100, 100, want.implicit), &want, &out), E_INVALID_TOKEN);
    assert_ok(opened(PASETO_PUBLIC, signed_past_limits(100, PASETO_FOOTER_MAX, VIEW_EMPTY), &plain, &out));
    assert_code(opened(PASETO_PUBLIC, signed_past_limits(100, PASETO_FOOTER_MAX + 1, VIEW_EMPTY), &plain, &out),
                E_INVALID_TOKEN);
    assert_code(opened(PASETO_PUBLIC, signed_past_limits(6000, PASETO_FOOTER_MAX, VIEW_EMPTY), &plain, &out),
                E_INVALID_TOKEN); /* each within its limit, the text not */
    assert_code(opened(PASETO_PUBLIC, signed_past_limits(PASETO_BODY_MAX, 0, VIEW_EMPTY), &plain, &out),
                E_INVALID_TOKEN);
    assert_code(opened(PASETO_PUBLIC, signed_past_limits(12000, 0, VIEW_EMPTY), &plain, &out), E_INVALID_TOKEN);
}

/* D08: every other header before a right body; a token at the verifier of the other purpose. */
static void d08_other_versions_and_purposes(void **state)
{
    static const char *const headers[] = {"v1.public.",  "v2.public.",  "v3.public.",  "v5.public.",
                                          "v1.local.",   "v2.local.",   "v3.local.",   "v0.local.",
                                          "V4.public.",  "v4.Public.",  "v4.LOCAL.",   "v4.publi.",
                                          "v4.publicc.", "v4..",        "v4.",         "",
                                          ".",           "v4",          "v4.public",   "v4.local",
                                          "v4public.",   "v04.public.", " v4.public.", "v4 .public.",
                                          "v4.none.",    "v4c.public.", "v4.secret.",  "k4.public.",
                                          "k4.local.",   "v4,public.",  "\nv4.local."};
    char text[PASETO_TEXT_MAX];

    (void)state;
    BOTH(p)
    {
        struct view token = made(p, message, VIEW("f"), VIEW_EMPTY);
        struct view body = view_skip(token, p == PASETO_PUBLIC ? 10 : 9);
        struct paseto_opened out;
        assert_ok(opened(p, token, &plain, &out));
        enum paseto_purpose q = p == PASETO_PUBLIC ? PASETO_LOCAL : PASETO_PUBLIC;
        assert_code(opened(q, token, &plain, &out), E_INVALID_TOKEN);
        for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
            int len = snprintf(text, sizeof text, "%s%.*s", headers[i], (int)body.len, body.ptr);
            refused_alone(view_of(text, (size_t)len));
            assert_int_equal(paseto_purpose(view_of(text, (size_t)len)), PASETO_UNSET);
            refused_alone(view_text(headers[i]));
        }
        /* Relabelled: right bytes under the other purpose's header. */
        int len = snprintf(text, sizeof text, "%s%.*s", q == PASETO_PUBLIC ? "v4.public." : "v4.local.", (int)body.len,
                           body.ptr);
        refused_alone(view_of(text, (size_t)len));
    }
}

/* D08: JWTs, and everything else that is no PASETO, JSON serialisations included. */
static void d08_what_is_no_paseto(void **state)
{
    static const char *const others[] = {
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
        "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJzdWIiOiJhbGljZSJ9.AAAA",
        "{\"payload\":\"v4.public.\"}",
        "Bearer v4.public.AAAA",
        "v4.public.eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.AAAA",
        "v4%2epublic%2eAAAA",
        "v4.public.....",
        "v4.local....",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        refused_alone(view_text(others[i]));
}

/* D08: `v4.public` with a JWT's key. The key that signs JWTs may even be the same 32 bytes: what an EdDSA JWT signs is
 * no encoding of a PASETO, and the other way round. */
static void d08_signature_over_something_else(void **state)
{
    char text[512];
    uint8_t body[ED25519_SIGNATURE + 15];
    struct view inputs[] = {message, VIEW("v4.public.{\"sub\":\"alice\"}"), VIEW("v4.public.eyJzdWIiOiJhbGljZSJ9"),
                            VIEW("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9"), VIEW_EMPTY};

    (void)state;
    memcpy(body, message.ptr, message.len);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        struct buf b = buf_fixed(text, sizeof text);
        ed25519_sign(pair.bytes, inputs[i], body + message.len);
        buf_text(&b, "v4.public.");
        buf_base64url(&b, body, sizeof body);
        refused_alone(buf_view(&b));
    }
}

static void another_key(void **state)
{
    struct paseto_opened out;

    (void)state;
    assert_code(paseto_public_verify(&other_pair.public, made(PASETO_PUBLIC, message, VIEW_EMPTY, VIEW_EMPTY), &plain,
                                     &space, &out),
                E_INVALID_TOKEN);
    assert_code(
        paseto_local_decrypt(&other_local, made(PASETO_LOCAL, message, VIEW_EMPTY, VIEW_EMPTY), &plain, &space, &out),
        E_INVALID_TOKEN);
}

/* D09: assertion missing, other, longer, shifted into the footer. */
static void d09_implicit_assertion(void **state)
{
    struct view wrong[] = {VIEW_EMPTY, VIEW("tenant-8"), VIEW("tenant-7 "), VIEW("tenant-"), VIEW("\0tenant-7")};

    (void)state;
    BOTH(p)
    {
        struct paseto_opened out;
        struct view token = made(p, message, VIEW("f"), VIEW("tenant-7"));
        struct paseto_expectation want = {.implicit = VIEW("tenant-7")};
        assert_ok(opened(p, token, &want, &out));
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            want.implicit = wrong[i];
            assert_code(opened(p, token, &want, &out), E_INVALID_TOKEN);
        }
        want.implicit = VIEW("tenant-7");
        assert_code(opened(p, made(p, message, VIEW("tenant-7"), VIEW_EMPTY), &want, &out), E_INVALID_TOKEN);
        assert_code(opened(p, made(p, message, VIEW("f"), VIEW_EMPTY), &want, &out), E_INVALID_TOKEN);
    }
}

/* PAE: the same bytes cut elsewhere are another token. */
static void parts_do_not_slide(void **state)
{
    char text[PASETO_TEXT_MAX];

    (void)state;
    BOTH(p)
    {
        struct view token = made(p, VIEW("abcdef"), VIEW("ghi"), VIEW_EMPTY), head, footer, rest;
        assert_true(view_cut(view_skip(token, p == PASETO_PUBLIC ? 10 : 9), '.', &head, &footer));
        assert_false(view_cut(footer, '.', &rest, &rest));
        size_t body_len = token.len - footer.len - 1;
        refused_alone(view_of(token.ptr, body_len)); /* without its footer */
        int len = snprintf(text, sizeof text, "%.*s.Z2g", (int)body_len, token.ptr);
        refused_alone(view_of(text, (size_t)len)); /* with less of it */
        len = snprintf(text, sizeof text, "%.*s.Z2hpag", (int)body_len, token.ptr);
        refused_alone(view_of(text, (size_t)len)); /* with more */
        struct view bare = made(p, VIEW("abcdef"), VIEW_EMPTY, VIEW_EMPTY);
        len = snprintf(text, sizeof text, "%.*s.Z2hp", (int)bare.len, bare.ptr);
        refused_alone(view_of(text, (size_t)len)); /* with one that it never had */
    }
}

/* D09: a footer's kid is a name to compare with ours, never a path or a URL; a huge one is refused unread. */
static void d09_footers(void **state)
{
    static char big[PASETO_TEXT_MAX];
    struct view odd[] = {VIEW("{\"kid\":\"../../../../dev/null\"}"),
                         VIEW("{\"kid\":\"https://evil.example/k\"}"),
                         VIEW("{\"kid\":7}"),
                         VIEW("\0"),
                         VIEW("{\"wpk\":\"k4.local-wrap.pie.AAAA\"}"),
                         VIEW("[[[[[[[[[[[[[[[[")};
    struct view expected = VIEW("{\"kid\":\"k4.pid.x\"}");
    uint8_t storage[PASETO_FOOTER_MAX];
    char text[PASETO_TEXT_MAX];

    (void)state;
    BOTH(p)
    {
        struct paseto_expectation want = {.footer = &expected};
        struct paseto_opened out;
        struct view peeked = VIEW("untouched");
        assert_ok(opened(p, made(p, message, expected, VIEW_EMPTY), &want, &out));
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
            struct view token = made(p, message, odd[i], VIEW_EMPTY);
            assert_code(opened(p, token, &want, &out), E_INVALID_TOKEN);
            assert_ok(opened(p, token, &plain, &out)); /* authentic, and the caller's to judge */
            assert_view(out.footer, odd[i]);
            assert_ok(paseto_footer_peek(token, storage, &peeked));
            assert_view(peeked, odd[i]);
        }
        assert_code(opened(p, made(p, message, VIEW_EMPTY, VIEW_EMPTY), &want, &out), E_INVALID_TOKEN);
        struct view none = VIEW_EMPTY;
        want.footer = &none;
        assert_ok(opened(p, made(p, message, VIEW_EMPTY, VIEW_EMPTY), &want, &out));
        assert_code(opened(p, made(p, message, expected, VIEW_EMPTY), &want, &out), E_INVALID_TOKEN);

        struct view token = made(p, message, VIEW_EMPTY, VIEW_EMPTY);
        peeked = VIEW("untouched");
        memset(big, 'A', sizeof big);
        int len =
            snprintf(text, sizeof text, "%.*s.%.*s", (int)token.len, token.ptr, PASETO_FOOTER_MAX * 4 / 3 + 3, big);
        refused_alone(view_of(text, (size_t)len));
        assert_code(paseto_footer_peek(view_of(text, (size_t)len), storage, &peeked), E_INVALID_TOKEN);
        const char *const bad[] = {"", "A", "AB", "AA==", "A+", "AA.", "AA.AA", "AA ", ".AA"};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            len = snprintf(text, sizeof text, "%.*s.%s", (int)token.len, token.ptr, bad[i]);
            refused_alone(view_of(text, (size_t)len));
            assert_code(paseto_footer_peek(view_of(text, (size_t)len), storage, &peeked), E_INVALID_TOKEN);
        }
        assert_text(peeked, "untouched");
    }
    assert_code(paseto_footer_peek(VIEW("v3.local.AA.AA"), storage, &(struct view){0}), E_INVALID_TOKEN);
}

/* C06, C09, C10, C11 in this format: every bit, every length, every other spelling. */
static void c06_changed_bytes(void **state)
{
    (void)state;
    BOTH(p)
    {
        struct view token = made(p, message, VIEW("foot"), VIEW_EMPTY);
        char text[512];
        for (size_t i = 0; i < token.len; i++)
            for (int change = 1; change < 128; change <<= 1) {
                memcpy(text, token.ptr, token.len);
                text[i] = (char)(text[i] ^ change);
                refused(view_of(text, token.len));
            }
        for (size_t len = 0; len < token.len; len++)
            refused_alone(view_of(token.ptr, len));
        memcpy(text, token.ptr, token.len);
        for (int c = 0; c < 256; c++) {
            text[token.len] = (char)c;
            refused(view_of(text, token.len + 1));
        }
    }
}

static void c09_c10_c11_one_text_a_token(void **state)
{
    (void)state;
    BOTH(p)
    for (size_t len = 1; len < 4; len++) { /* all three tails of base64url */
        struct view token = made(p, view_of("abc", len), VIEW_EMPTY, VIEW_EMPTY);
        char text[512];
        for (int c = 0; c < 256; c++) { /* another last character: other bytes, or bits that belong to none */
            memcpy(text, token.ptr, token.len);
            if ((char)c == text[token.len - 1])
                continue;
            text[token.len - 1] = (char)c;
            refused(view_of(text, token.len));
        }
        for (size_t at = 10; at <= token.len; at++) /* something in between */
            for (const char *c = "=+/ \n\t\r.%!"; *c != '\0'; c++) {
                memcpy(text, token.ptr, at);
                text[at] = *c;
                memcpy(text + at + 1, token.ptr + at, token.len - at);
                refused(view_of(text, token.len + 1));
            }
    }
}

/* C04: a second text for one signature would be a second token. */
static void c04_scalar_past_the_order(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                      0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    struct view token = made(PASETO_PUBLIC, message, VIEW_EMPTY, VIEW_EMPTY);
    uint8_t body[79];
    char text[256];
    struct buf b = buf_fixed(text, sizeof text);
    unsigned carry = 0;

    (void)state;
    assert_ok(base64url_decode_exact(view_skip(token, 10), body, sizeof body));
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)body[47 + i] + order[i];
        body[47 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    buf_text(&b, "v4.public.");
    buf_base64url(&b, body, sizeof body);
    refused_alone(buf_view(&b));
}

/* Nothing was decrypted where the tag is wrong: the space holds no plain text. */
static void wrong_tags_decrypt_nothing(void **state)
{
    struct view secret = VIEW("attack at dawn, quietly"), token = made(PASETO_LOCAL, secret, VIEW_EMPTY, VIEW_EMPTY);
    char text[512];
    struct paseto_opened out;

    (void)state;
    memcpy(text, token.ptr, token.len);
    text[token.len - 10] = text[token.len - 10] == 'A' ? 'B' : 'A';
    memset(&space, 0, sizeof space);
    assert_code(opened(PASETO_LOCAL, view_of(text, token.len), &plain, &out), E_INVALID_TOKEN);
    assert_null(memmem(space.bytes, sizeof space.bytes, secret.ptr, secret.len));
    assert_ok(opened(PASETO_LOCAL, token, &plain, &out));
    assert_non_null(memmem(space.bytes, sizeof space.bytes, secret.ptr, secret.len));
}

static void verification_allocates_nothing(void **state)
{
    void *volatile something = malloc(1); /* volatile: or the compiler drops both calls */

    (void)state;
    free(something);
    assert_true(alloc_count > 0 || !ALLOC_COUNTED);
    BOTH(p)
    {
        struct view token = made(p, message, VIEW("f"), VIEW_EMPTY);
        struct paseto_opened out;
        size_t before = alloc_count;
        struct cardea_status s = opened(p, token, &plain, &out);
        size_t after = alloc_count;
        assert_ok(s);
        assert_int_equal(before, after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(limits_to_the_byte),
        cmocka_unit_test(limits_refuse_what_is_genuine),
        cmocka_unit_test(d08_other_versions_and_purposes),
        cmocka_unit_test(d08_what_is_no_paseto),
        cmocka_unit_test(d08_signature_over_something_else),
        cmocka_unit_test(another_key),
        cmocka_unit_test(d09_implicit_assertion),
        cmocka_unit_test(parts_do_not_slide),
        cmocka_unit_test(d09_footers),
        cmocka_unit_test(c06_changed_bytes),
        cmocka_unit_test(c09_c10_c11_one_text_a_token),
        cmocka_unit_test(c04_scalar_past_the_order),
        cmocka_unit_test(wrong_tags_decrypt_nothing),
        cmocka_unit_test(verification_allocates_nothing),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
