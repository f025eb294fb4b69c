#include "cli/token_paseto.h"

#include "base/secret.h"
#include "base/timetext.h"
#include "core/paseto.h"

#include <stdlib.h>
#include <time.h>

enum { MESSAGE_TOKENS = 1024 };

#define REFUSED CARDEA_FAIL(E_INVALID_TOKEN)

struct work {
    struct paseto_space space;
    struct json_token tokens[MESSAGE_TOKENS];
    struct json doc;
};

static bool listed(const struct json *doc, uint32_t at, const struct view *list, size_t count)
{
    struct view text;
    if (!cardea_ok(json_plain(doc, at, &text)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (list[i].len > 0 && view_equal(list[i], text))
            return true;
    return false;
}

/* Where a claim may be missing, *out is 0 then. */
static bool read_time(const struct json *doc, const char *name, int64_t *ret_ms)
{
    uint32_t at = json_get(doc, 0, view_text(name));
    struct view text;

    *ret_ms = 0;
    return at == 0 || (cardea_ok(json_plain(doc, at, &text)) && cardea_ok(rfc3339_parse(text, ret_ms)));
}

static bool claims_right(const struct json *doc, const struct token_rules *r)
{
    for (size_t i = 0; i < r->required_count; i++) {
        uint32_t at = json_get(doc, 0, r->required[i]);
        if (at == 0 || json_type(doc, at) == JSON_NULL)
            return false;
    }
    return (r->any_issuer || listed(doc, json_get(doc, 0, VIEW("iss")), r->issuers, r->issuer_count)) &&
           (r->any_audience || listed(doc, json_get(doc, 0, VIEW("aud")), r->audiences, r->audience_count)) &&
           json_get(doc, 0, VIEW("cnf")) == 0;
}

/* In milliseconds: others write times with a fraction, and a token made just now is not from the future. */
static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct cardea_status judge(struct work *w, struct view message, const struct token_rules *r)
{
    int64_t now_ms = clock_ms(), leeway_ms = r->leeway_s * 1000, exp, iat, nbf;

    if (!cardea_ok(json_read(message, w->tokens, MESSAGE_TOKENS, &w->doc, NULL)) ||
        json_type(&w->doc, 0) != JSON_OBJECT || !claims_right(&w->doc, r) || !read_time(&w->doc, "exp", &exp) ||
        !read_time(&w->doc, "iat", &iat) || !read_time(&w->doc, "nbf", &nbf) ||
        json_get(&w->doc, 0, VIEW("exp")) == 0 || iat >= exp || iat > now_ms + leeway_ms || nbf > now_ms + leeway_ms)
        return REFUSED;
    return now_ms >= exp + leeway_ms ? CARDEA_FAIL(E_EXPIRED) : CARDEA_SUCCESS;
}

static struct cardea_status unlock(const struct context *c, const struct key_file *f, struct view text, struct work *w,
                                   struct paseto_opened *out)
{
    const char *footer = context_option(c, "footer"), *implicit = context_option(c, "implicit");
    struct view wanted = view_text(footer);
    struct paseto_expectation want = {.implicit = view_text(implicit), .footer = footer == NULL ? NULL : &wanted};
    struct paseto_public_key public = {0};
    struct paseto_secret_key secret = {0};
    struct paseto_local_key local = {0};
    struct cardea_status s = REFUSED;

    if (cardea_ok(paserk_local_parse(input_text(&f->text), &local)))
        s = paseto_local_decrypt(&local, text, &want, &w->space, out);
    else if (cardea_ok(paserk_public_parse(input_text(&f->text), &public)))
        s = paseto_public_verify(&public, text, &want, &w->space, out);
    else if (cardea_ok(paserk_secret_parse(input_text(&f->text), &secret)))
        s = paseto_public_verify(&secret.public, text, &want, &w->space, out);
    paseto_local_key_clear(&local);
    paseto_secret_key_clear(&secret);
    return s;
}

enum exit_code token_paseto_verify(const struct context *c, const struct key_file *f, const struct token_rules *r,
                                   struct view text)
{
    struct work *w = calloc(1, sizeof(*w));
    struct paseto_opened opened;

    if (w == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    struct verdict v = {.algorithm = key_file_is(f, "k4.local.") ? "v4.local" : "v4.public"};
    v.status = unlock(c, f, text, w, &opened);
    if (cardea_ok(v.status))
        v.status = judge(w, opened.message, r);
    if (cardea_ok(v.status)) {
        v.claims = opened.message;
        v.footer = opened.footer.len > 0 ? &opened.footer : NULL;
    }
    enum exit_code code = verdict_show(c, &v);
    secret_wipe(w, sizeof(*w));
    free(w);
    return code;
}
