/* cardea token inspect: what a text says of itself, and that nobody has vouched for it. */
#include "base/id.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/timetext.h"
#include "cli/file_io.h"
#include "cli/render.h"
#include "core/credential.h"
#include "core/jwe.h"
#include "core/jws.h"
#include "core/paseto.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <time.h>

enum { INSPECT_MAX = 131072, PART_TOKENS = 8192, PARTS_MAX = 5 };

/* What is found out: members of the answer in the order of finding, and remarks. */
struct report {
    struct json_writer body, notes;
    bool known;
};

static void note(struct report *r, const char *text)
{
    json_put_text(&r->notes, view_text(text));
}

static void note_part(struct report *r, const char *part, const char *text)
{
    char storage[256];
    struct buf b = buf_fixed(storage, sizeof(storage));
    buf_text(&b, part);
    buf_char(&b, ' ');
    buf_text(&b, text);
    json_put_text(&r->notes, buf_view(&b));
}

/* --- parts --- */

/* JSON that was read strictly, without the white space between its values. */
static void put_compact(struct json_writer *w, struct view text)
{
    struct buf out = buf_heap(OUTPUT_MAX);
    bool inside = false, escape = false;

    for (size_t i = 0; i < text.len; i++) {
        char ch = text.ptr[i];
        if (inside || (ch != ' ' && ch != '\t' && ch != '\r' && ch != '\n'))
            buf_char(&out, ch);
        if (ch == '"' && !escape)
            inside = !inside;
        escape = inside && ch == '\\' && !escape;
    }
    json_put_raw(w, buf_view(&out));
    buf_clear(&out);
}

/* Times as people read them, beside the numbers; a claim may be anything. */
static void put_times(struct report *r, const struct json *doc)
{
    static const char *const names[] = {"iat", "nbf", "exp", "auth_time"};
    int64_t now_s = (int64_t)time(NULL), at;
    bool any = false;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!cardea_ok(json_int(doc, json_get(doc, 0, view_text(names[i])), &at)) || at < 0 || at > 253402300799)
            continue;
        if (!any) {
            json_name(&r->body, "times");
            json_open_object(&r->body);
        }
        any = true;
        json_member_time(&r->body, names[i], at * 1000);
        if (i == 2 && at <= now_s)
            note(r, "exp lies in the past by this computer's clock");
        if (i == 1 && at > now_s)
            note(r, "nbf lies in the future by this computer's clock");
    }
    if (any)
        json_close_object(&r->body);
    if (json_get(doc, 0, VIEW("exp")) == 0)
        note(r, "there is no exp: it names no end");
}

/* The header of a JWS or JWE: what a verifier must not follow. */
static void look_at_header(struct report *r, const struct json *doc)
{
    static const char *const dangerous[] = {"jku", "jwk", "x5u", "x5c", "crit", "zip", "b64"};
    struct view alg = VIEW_EMPTY;

    for (size_t i = 0; i < sizeof(dangerous) / sizeof(dangerous[0]); i++)
        if (json_get(doc, 0, view_text(dangerous[i])) != 0)
            note_part(r, dangerous[i], "stands in the header: a verifier must not follow it");
    if (cardea_ok(json_plain(doc, json_get(doc, 0, VIEW("alg")), &alg)) && view_equal_ascii_case(alg, VIEW("none")))
        note(r, "alg is none: nobody signed it, and every verifier must refuse it");
}

enum part { PART_HEADER, PART_CLAIMS, PART_FOOTER };

/* Bytes as a member: as JSON where they are an object, else as text, else as base64url. */
static void put_bytes(struct report *r, const char *name, enum part part, struct view bytes)
{
    struct json_token *tokens = calloc(PART_TOKENS, sizeof(*tokens));
    struct json_error error = {.reason = "too large"};
    struct json doc;
    char other[64];
    struct buf b = buf_fixed(other, sizeof(other));

    if (tokens != NULL && cardea_ok(json_read(bytes, tokens, PART_TOKENS, &doc, &error)) &&
        json_type(&doc, 0) == JSON_OBJECT) {
        json_name(&r->body, name);
        put_compact(&r->body, bytes);
        if (part == PART_HEADER)
            look_at_header(r, &doc);
        if (part == PART_CLAIMS)
            put_times(r, &doc);
    } else {
        buf_text(&b, name);
        buf_text(&b, utf8_valid(bytes) ? "_text" : "_base64url");
        buf_terminate(&b);
        if (part != PART_FOOTER)
            note_part(r, name, "is no JSON object that Cardea reads");
        json_name(&r->body, other);
        struct buf text = buf_heap(OUTPUT_MAX);
        buf_base64url(&text, bytes.ptr, bytes.len);
        json_put_text(&r->body, utf8_valid(bytes) ? bytes : buf_view(&text));
        buf_clear(&text);
    }
    free(tokens);
}

static void put_part(struct report *r, const char *name, enum part part, struct view text)
{
    size_t len;
    char *bytes = malloc(text.len + 1);

    if (bytes != NULL && cardea_ok(base64url_decode(text, bytes, text.len + 1, &len)))
        put_bytes(r, name, part, view_of(bytes, len));
    else
        note_part(r, name, "is no canonical base64url");
    free(bytes);
}

static size_t split(struct view text, struct view parts[PARTS_MAX + 1])
{
    size_t count = 0;
    bool more = true;
    while (more && count <= PARTS_MAX)
        more = view_cut(text, '.', &parts[count++], &text);
    return count;
}

static void kind(struct report *r, const char *name, const char *text)
{
    json_member_text(&r->body, "kind", view_text(name));
    json_member_text(&r->body, "description", view_text(text));
    r->known = true;
}

/* --- shapes --- */

static void inspect_jws(struct report *r, const struct view *parts)
{
    kind(r, "jws", "signed token (JWT, JWS in compact form)");
    put_part(r, "header", PART_HEADER, parts[0]);
    put_part(r, "claims", PART_CLAIMS, parts[1]);
    if (parts[2].len == 0)
        note(r, "the signature is empty: nobody signed it, and every verifier must refuse it");
}

static void inspect_jwe(struct report *r, const struct view *parts)
{
    kind(r, "jwe", "encrypted token (JWE in compact form); what is inside shows cardea token open");
    put_part(r, "header", PART_HEADER, parts[0]);
    json_member_int(&r->body, "ciphertext_bytes", (int64_t)(parts[3].len * 3 / 4));
}

/* v1.public … v4.local: version and purpose are the first six characters at least. */
static bool is_paseto(const struct view *parts, size_t count)
{
    return (count == 3 || count == 4) && parts[0].len == 2 && parts[0].ptr[0] == 'v' && parts[0].ptr[1] >= '1' &&
           parts[0].ptr[1] <= '4' && (view_is(parts[1], "public") || view_is(parts[1], "local"));
}

static void inspect_paseto(struct report *r, const struct view *parts, size_t count)
{
    static const size_t signatures[] = {0, 256, 64, 96, 64};
    size_t signature = signatures[parts[0].ptr[1] - '0'], len;
    bool public = view_is(parts[1], "public");
    char *bytes = malloc(parts[2].len + 1);

    kind(r, "paseto", public ? "signed token (PASETO)" : "encrypted token (PASETO)");
    json_member_text(&r->body, "version", parts[0]);
    json_member_text(&r->body, "purpose", parts[1]);
    if (parts[0].ptr[1] != '4')
        note(r, "Cardea knows version 4 alone, and refuses this one");
    if (bytes == NULL || !cardea_ok(base64url_decode(parts[2], bytes, parts[2].len + 1, &len)))
        note(r, "the body is no canonical base64url");
    else if (public && len < signature)
        note(r, "the body is shorter than a signature");
    else if (public)
        put_bytes(r, "claims", PART_CLAIMS, view_of(bytes, len - signature));
    else
        json_member_int(&r->body, "ciphertext_bytes", (int64_t)len);
    free(bytes);
    if (count == 4)
        put_part(r, "footer", PART_FOOTER, parts[3]);
}

static bool inspect_api_key(struct report *r, struct view text)
{
    uint8_t digest[32];
    char sum[BASE64URL_LEN(32)];

    if (text.len != API_KEY_TEXT || !view_starts(text, VIEW(API_KEY_PREFIX)))
        return false;
    kind(r, "api_key", "API key of Cardea; a secret that whoever has it can use");
    json_member_text(&r->body, "id", view_of(text.ptr + 4, ID16_TEXT));
    digest_sha256(text.ptr, API_KEY_TEXT - 6, digest);
    base64url_encode(digest, sizeof(digest), sum);
    if (memcmp(sum, text.ptr + API_KEY_TEXT - 6, 6) != 0)
        note(r, "the checksum does not fit: mistyped, or only like an API key");
    return true;
}

static bool inspect_refresh(struct report *r, struct view text)
{
    uint8_t bytes[76];
    char sid[ID16_TEXT];
    uint64_t generation = 0;

    if (text.len != REFRESH_TOKEN_TEXT || !view_starts(text, VIEW("crt_")) ||
        !cardea_ok(base64url_decode_exact(view_skip(text, 4), bytes, sizeof(bytes))))
        return false;
    kind(r, "refresh_token", "refresh token of Cardea; a secret that whoever has it can use");
    base64url_encode(bytes + 4, 16, sid);
    json_member_text(&r->body, "sid", view_of(sid, sizeof(sid)));
    for (size_t i = 20; i < 28; i++)
        generation = generation << 8 | bytes[i];
    json_member_int(&r->body, "generation", (int64_t)(generation & INT64_MAX));
    secret_wipe(bytes, sizeof(bytes));
    return true;
}

static bool inspect_cookie(struct report *r, struct view text)
{
    uint8_t bytes[56];
    char sid[ID16_TEXT];

    if (text.len != SESSION_COOKIE_TEXT || !cardea_ok(base64url_decode_exact(text, bytes, sizeof(bytes))))
        return false;
    kind(r, "session_cookie", "has the form of a session cookie of Cardea; a secret that whoever has it can use");
    base64url_encode(bytes, 16, sid);
    json_member_text(&r->body, "sid", view_of(sid, sizeof(sid)));
    secret_wipe(bytes, sizeof(bytes));
    return true;
}

static bool inspect_paserk(struct report *r, struct view text)
{
    static const struct {
        const char *prefix, *what;
        bool secret;
    } kinds[] = {
        {"k4.local.", "symmetric key of PASETO (PASERK)", true},
        {"k4.secret.", "secret key of PASETO (PASERK)", true},
        {"k4.public.", "public key of PASETO (PASERK)", false},
        {"k4.lid.", "id of a symmetric key of PASETO (PASERK)", false},
        {"k4.pid.", "id of a public key of PASETO (PASERK)", false},
        {"k4.sid.", "id of a secret key of PASETO (PASERK)", false},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (view_starts(text, view_text(kinds[i].prefix))) {
            kind(r, "paserk", kinds[i].what);
            note(r, kinds[i].secret ? "this is no token but a secret key: where it was seen by others, replace it"
                                    : "this is no token");
            return true;
        }
    return false;
}

static void inspect(struct report *r, struct view text)
{
    struct view parts[PARTS_MAX + 1];
    size_t count;

    if (view_starts(text, VIEW("Bearer ")))
        text = view_trim(view_skip(text, 7));
    count = split(text, parts);
    if (is_paseto(parts, count))
        inspect_paseto(r, parts, count);
    else if (inspect_paserk(r, text) || inspect_api_key(r, text) || inspect_refresh(r, text) || inspect_cookie(r, text))
        return;
    else if (count == 3)
        inspect_jws(r, parts);
    else if (count == 5)
        inspect_jwe(r, parts);
}

/* --- showing --- */

static void put_members(const struct document *d, uint32_t object, const char *indent, struct buf *out)
{
    for (uint32_t c = json_first(&d->json, object); c != 0; c = json_after(&d->json, object, c)) {
        struct buf name = buf_heap(INSPECT_MAX);
        uint32_t value = c + 1;
        if (!cardea_ok(json_text(&d->json, c, &name)))
            buf_text(&name, "?");
        buf_text(out, indent);
        render_text(out, buf_view(&name));
        buf_text(out, ": ");
        buf_clear(&name);
        struct buf text = buf_heap(OUTPUT_MAX);
        if (cardea_ok(json_text(&d->json, value, &text)))
            render_text(out, buf_view(&text));
        else
            render_text(out, json_source(&d->json, value));
        buf_clear(&text);
        buf_char(out, '\n');
    }
}

static void put_human(const struct document *d, struct buf *out)
{
    buf_text(out,
             "NOT VERIFIED. Nobody has vouched for what follows: anybody can write it. See cardea token verify.\n");
    for (uint32_t c = json_first(&d->json, 0); c != 0; c = json_after(&d->json, 0, c)) {
        struct view name = json_source(&d->json, c);
        enum json_type type = json_type(&d->json, c + 1);
        name = view_of(name.ptr + 1, name.len - 2); /* ours: without escapes */
        if (view_is(name, "verified") || view_is(name, "kind"))
            continue;
        buf_put(out, name);
        buf_char(out, ':');
        if (type == JSON_OBJECT) {
            buf_char(out, '\n');
            put_members(d, c + 1, "  ", out);
            continue;
        }
        for (uint32_t n = type == JSON_ARRAY ? json_first(&d->json, c + 1) : c + 1; n != 0;
             n = type == JSON_ARRAY ? json_after(&d->json, c + 1, n) : 0) {
            struct buf text = buf_heap(OUTPUT_MAX);
            buf_text(out, type == JSON_ARRAY ? "\n  " : " ");
            if (cardea_ok(json_text(&d->json, n, &text)))
                render_text(out, buf_view(&text));
            else
                render_text(out, json_source(&d->json, n));
            buf_clear(&text);
        }
        buf_char(out, '\n');
    }
}

enum exit_code run_token_inspect(struct context *c)
{
    struct input storage = {0};
    struct view text;
    enum exit_code code = input_word(c, 0, INSPECT_MAX, &storage, &text);
    if (code != EXIT_OK)
        return code;
    struct buf body = buf_heap(OUTPUT_MAX), notes = buf_heap(OUTPUT_MAX), out = buf_heap(OUTPUT_MAX);
    struct report r = {json_writer(&body), json_writer(&notes), false};
    struct document d;

    json_open_object(&r.body);
    json_member_bool(&r.body, "verified", false);
    json_open_array(&r.notes);
    inspect(&r, text);
    if (!r.known) {
        json_member_text(&r.body, "kind", VIEW("unknown"));
        json_member_text(&r.body, "description", VIEW("no token, cookie or key of a form that Cardea knows"));
    }
    json_close_array(&r.notes);
    if (notes.len > 2) {
        json_name(&r.body, "notes");
        json_put_raw(&r.body, buf_view(&notes));
    }
    json_close_object(&r.body);
    input_clear(&storage);
    if (c->json)
        render_json(&out, buf_view(&body));
    else if (cardea_ok(document_open(&d, buf_view(&body)))) {
        put_human(&d, &out);
        document_close(&d);
    }
    buf_clear(&body);
    buf_clear(&notes);
    if (!render_flush(&out))
        return EXIT_FAILED;
    return r.known ? EXIT_OK : EXIT_NOT_VALID;
}
