#include "core/jws.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"

enum { HEADER_TOKENS = 64, NAME_MAX = 255 };

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

/* Behind a header of so many characters: payload and signature. */
static bool split(struct view text, size_t header_len, struct jws *out)
{
    struct view rest, extra;

    if (text.len > JWS_TEXT_MAX || header_len == 0 ||
        !view_cut(view_skip(text, header_len + 1), '.', &out->payload_text, &out->signature_text) ||
        view_cut(out->signature_text, '.', &rest, &extra))
        return false;
    out->signed_part = view_of(text.ptr, header_len + 1 + out->payload_text.len);
    return out->signature_text.len > 0;
}

/* A string without escapes, not empty; or no such member: empty. */
static bool plain_member(const struct json *doc, struct view name, struct view *out, uint32_t *count)
{
    uint32_t member = json_get(doc, 0, name);

    *out = VIEW_EMPTY;
    if (member == 0)
        return true;
    ++*count;
    return cardea_ok(json_plain(doc, member, out)) && out->len > 0 && out->len <= NAME_MAX;
}

static bool read_header(const struct json *doc, struct jws_header *out)
{
    uint32_t known = 0;

    if (json_type(doc, 0) != JSON_OBJECT || !plain_member(doc, VIEW("alg"), &out->alg, &known) || out->alg.len == 0 ||
        !plain_member(doc, VIEW("kid"), &out->kid, &known) || !plain_member(doc, VIEW("typ"), &out->typ, &known))
        return false;
    out->others = doc->tokens[0].count != known;
    return !out->others || (json_get(doc, 0, VIEW("crit")) == 0 && json_get(doc, 0, VIEW("b64")) == 0);
}

/* A string of printable ASCII without escapes, from behind its first quote; *at ends behind the second. */
static bool scan_text(struct view text, size_t *at, struct view *out)
{
    size_t i = *at;

    while (i < text.len && text.ptr[i] != '"') {
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e || text.ptr[i] == '\\')
            return false;
        i++;
    }
    *out = view_of(text.ptr + *at, i - *at);
    *at = i + 1;
    return i < text.len && out->len > 0 && out->len <= NAME_MAX;
}

/* The header that nearly every token has, {"alg":"…","kid":"…","typ":"…"} or a part of it in this order and without
 * spaces, read without the JSON reader, which costs as much as a MAC. What it takes the reader would take, with the
 * same result; of all else it says nothing. */
static bool scan_header(struct view text, struct jws_header *out)
{
    static const char names[][8] = {"\"alg\":\"", "\"kid\":\"", "\"typ\":\""};
    struct view *const values[] = {&out->alg, &out->kid, &out->typ};
    size_t at = 0, name_len = sizeof names[0] - 1;

    *out = (struct jws_header){.others = false};
    for (size_t i = 0; i < 3; i++) {
        if (text.len - at <= 1 + name_len || memcmp(text.ptr + at + 1, names[i], name_len) != 0)
            continue;
        if (text.ptr[at] != (at == 0 ? '{' : ','))
            return false;
        at += 1 + name_len;
        if (!scan_text(text, &at, values[i]))
            return false;
    }
    return out->alg.len > 0 && text.len - at == 1 && text.ptr[at] == '}';
}

static bool parse_header(struct view text, struct jws_header *out)
{
    struct json_token tokens[HEADER_TOKENS];
    struct json doc;

    return cardea_ok(json_read(text, tokens, HEADER_TOKENS, &doc, NULL)) && read_header(&doc, out);
}

struct cardea_status jws_read(struct view text, struct jws *out)
{
    struct view header, rest;
    size_t len;

    if (!view_cut(text, '.', &header, &rest) || !split(text, header.len, out) ||
        !cardea_ok(base64url_decode(header, out->plain, sizeof out->plain, &len)))
        return REFUSED;
    header = view_of(out->plain, len);
    if (!scan_header(header, &out->header) && !parse_header(header, &out->header))
        return REFUSED;
    out->header.bytes = len;
    return CARDEA_SUCCESS;
}

struct cardea_status jws_cut(struct view text, struct view known, struct view alg, struct jws *out)
{
    if (known.len == 0 || !view_starts(text, known) || !split(text, known.len - 1, out))
        return REFUSED;
    out->header = (struct jws_header){.alg = alg};
    return CARDEA_SUCCESS;
}

struct cardea_status jws_verify(const struct jws *j, const struct verify_key *k, void *payload, size_t cap,
                                size_t *ret_len)
{
    uint8_t signature[SIGNATURE_MAX];
    size_t len;

    if (!view_is(j->header.alg, signature_algorithm_name(verify_key_algorithm(k))) ||
        !cardea_ok(base64url_decode(j->signature_text, signature, sizeof signature, &len)))
        return REFUSED;
    struct cardea_status s = verify_key_check(k, j->signed_part, view_of(signature, len));
    if (!cardea_ok(s))
        return s;
    if (BASE64URL_LEN(cap) < j->payload_text.len)
        return CARDEA_FAIL(E_TOO_LARGE);
    return cardea_ok(base64url_decode(j->payload_text, payload, cap, ret_len)) ? CARDEA_SUCCESS : REFUSED;
}

const struct jwk_key *jws_find_key(const struct jws *j, const struct jwk_set *keys)
{
    const struct jwk_key *found = NULL;

    if (j->header.kid.len > 0)
        return jwk_set_find(keys, j->header.kid);
    for (uint32_t i = 0; i < keys->count; i++) {
        if (!view_is(j->header.alg, signature_algorithm_name(keys->keys[i].algorithm)))
            continue;
        if (found != NULL)
            return NULL; /* two could be meant: to try both would be to let the token choose */
        found = &keys->keys[i];
    }
    return found;
}

/* --- signing --- */

static void put_header(struct buf *b, const struct signing_key *k, struct view kid, struct view typ)
{
    struct json_writer w = json_writer(b);

    json_open_object(&w);
    json_member_text(&w, "alg", view_text(signature_algorithm_name(signing_key_algorithm(k))));
    if (kid.len > 0)
        json_member_text(&w, "kid", kid);
    if (typ.len > 0)
        json_member_text(&w, "typ", typ);
    json_close_object(&w);
}

struct cardea_status jws_sign(const struct signing_key *k, struct view kid, struct view typ, struct view payload,
                              struct buf *out)
{
    char header[JWS_HEADER_MAX];
    struct buf plain = buf_fixed(header, sizeof header);
    uint8_t signature[SIGNATURE_MAX];
    size_t start = out->len, len;

    put_header(&plain, k, kid, typ);
    if (!buf_ok(&plain) ||
        BASE64URL_LEN(plain.len) + BASE64URL_LEN(payload.len) + BASE64URL_LEN(signing_key_length(k)) + 2 > JWS_TEXT_MAX)
        return CARDEA_FAIL(E_TOO_LARGE);
    buf_base64url(out, header, plain.len);
    buf_char(out, '.');
    buf_base64url(out, payload.ptr, payload.len);
    struct cardea_status s = !buf_ok(out)
                                 ? CARDEA_FAIL(E_TOO_LARGE)
                                 : signing_key_sign(k, view_of(out->ptr + start, out->len - start), signature, &len);
    if (cardea_ok(s)) {
        buf_char(out, '.');
        buf_base64url(out, signature, len);
        if (!buf_ok(out))
            s = CARDEA_FAIL(E_TOO_LARGE);
    }
    if (!cardea_ok(s))
        out->len = start;
    return s;
}
