#include "cli/token_claims.h"

#include "base/id.h"
#include "base/json.h"
#include "base/timetext.h"
#include "cli/file_io.h"
#include "crypto/random.h"

#include <string.h>
#include <time.h>

enum { CLAIM_TOKENS = 2048, EXPIRES_DEFAULT_MS = 15 * 60 * 1000 };

#define USAGE(...) (complain(__VA_ARGS__), EXIT_USAGE)

static enum exit_code json_wrong(const char *where, struct cardea_status s, const struct json_error *error)
{
    if (s.code == CARDEA_E_TOO_LARGE)
        return USAGE("%s: too many values", where);
    return USAGE("%s:%zu:%zu: %s", where, error->line, error->column, error->reason);
}

/* Members of an object that a file holds, as they stand. */
static enum exit_code copy_members(const char *where, struct view text, struct json_writer *w)
{
    struct json_token tokens[CLAIM_TOKENS];
    struct json_error error;
    struct json doc;
    struct cardea_status s = json_read(text, tokens, CLAIM_TOKENS, &doc, &error);

    if (!cardea_ok(s))
        return json_wrong(where, s, &error);
    if (json_type(&doc, 0) != JSON_OBJECT)
        return USAGE("%s: claims are a JSON object", where);
    for (uint32_t c = json_first(&doc, 0); c != 0; c = json_after(&doc, 0, c)) {
        if (w->comma)
            buf_char(w->out, ',');
        buf_put(w->out, json_source(&doc, c));
        buf_char(w->out, ':');
        buf_put(w->out, json_source(&doc, c + 1));
        w->comma = true;
    }
    return EXIT_OK;
}

static enum exit_code from_file(const struct context *c, struct json_writer *w)
{
    const char *file = context_option(c, "claims");
    struct input in = {0};

    if (file == NULL)
        return EXIT_OK;
    enum exit_code code = input_read(file, CLAIMS_TEXT_MAX, &in);
    if (code == EXIT_OK)
        code = copy_members(strcmp(file, "-") == 0 ? "standard input" : file, view_of(in.ptr, in.len), w);
    input_clear(&in);
    return code;
}

/* NAME=TEXT, or NAME:=JSON. */
static enum exit_code put_claim(const char *given, struct json_writer *w)
{
    char name[256];
    const char *equals = strchr(given, '=');
    bool raw = equals != NULL && equals > given && equals[-1] == ':';
    size_t len = equals == NULL ? 0 : (size_t)(equals - given) - (raw ? 1 : 0);

    if (len == 0 || len >= sizeof(name))
        return USAGE("--claim %s: NAME=TEXT, or NAME:=JSON", given);
    memcpy(name, given, len);
    name[len] = 0;
    if (!raw) {
        json_member_text(w, name, view_text(equals + 1));
        return EXIT_OK;
    }
    struct json_token tokens[CLAIM_TOKENS];
    struct json_error error;
    struct json doc;
    struct cardea_status s = json_read(view_text(equals + 1), tokens, CLAIM_TOKENS, &doc, &error);
    if (!cardea_ok(s))
        return json_wrong(name, s, &error);
    json_name(w, name);
    json_put_raw(w, view_text(equals + 1));
    return EXIT_OK;
}

static void put_time(struct json_writer *w, const char *name, int64_t ms, enum claims_form form)
{
    if (form == CLAIMS_PASETO)
        json_member_time(w, name, ms);
    else
        json_member_int(w, name, ms / 1000);
}

/* What every token has; which of it was given, `partial` (an object but for its end) tells. */
static enum exit_code put_rest(const struct context *c, enum claims_form form, struct json_writer *w)
{
    struct json_token tokens[CLAIM_TOKENS];
    struct json doc;
    struct json_error error;
    const char *expires = context_option(c, "expires-in");
    int64_t now_ms = (int64_t)time(NULL) * 1000, lifetime_ms = EXPIRES_DEFAULT_MS;

    buf_char(w->out, '}');
    struct cardea_status s = json_read(buf_view(w->out), tokens, CLAIM_TOKENS, &doc, &error);
    if (!buf_ok(w->out) || s.code == CARDEA_E_TOO_LARGE)
        return USAGE("too many claims");
    if (!cardea_ok(s))
        return USAGE("claims: %s", error.reason);
    bool exp = json_get(&doc, 0, VIEW("exp")) != 0, iat = json_get(&doc, 0, VIEW("iat")) != 0,
         jti = json_get(&doc, 0, VIEW("jti")) != 0;
    w->out->len--;
    if (exp && expires != NULL)
        return USAGE("the claims have an exp already: leave --expires-in out");
    if (expires != NULL && !cardea_ok(duration_parse(view_text(expires), &lifetime_ms)))
        return USAGE("--expires-in %s: a duration such as 15m", expires);
    if (!iat)
        put_time(w, "iat", now_ms, form);
    if (!exp)
        put_time(w, "exp", now_ms + lifetime_ms, form);
    if (!jti) {
        struct token_id id;
        char text[ID16_TEXT];
        struct buf b = buf_fixed(text, sizeof(text));
        entropy_fill(entropy_system(), id.bytes, sizeof(id.bytes));
        buf_token_id(&b, id);
        json_member_text(w, "jti", buf_view(&b));
    }
    return EXIT_OK;
}

bool claims_given(const struct context *c)
{
    return context_has(c, "claims") || context_has(c, "claim") || context_has(c, "expires-in");
}

enum exit_code claims_build(const struct context *c, enum claims_form form, struct buf *out)
{
    struct json_writer w = json_writer(out);
    const char *claim;

    json_open_object(&w);
    enum exit_code code = from_file(c, &w);
    for (unsigned i = 0; code == EXIT_OK && (claim = context_option_at(c, "claim", i)) != NULL; i++)
        code = put_claim(claim, &w);
    if (code == EXIT_OK)
        code = put_rest(c, form, &w);
    json_close_object(&w);
    if (code == EXIT_OK && !buf_ok(out))
        code = USAGE("the claims are too large");
    return code;
}
