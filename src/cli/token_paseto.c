#include "cli/token_paseto.h"

#include "base/secret.h"
#include "core/token_paseto.h"

#include <stdlib.h>
#include <time.h>

struct work {
    struct paseto_space paseto;
    struct token_space space;
    struct verified_token token;
    uint8_t footer[PASETO_FOOTER_MAX];
};

static struct cardea_status check(const struct context *c, const struct key_file *f, const struct token_rules *r,
                                  struct view text, struct work *w)
{
    struct view implicit = view_text(context_option(c, "implicit")), key = input_text(&f->text);
    int64_t now_ms = (int64_t)time(NULL) * 1000;
    struct paseto_public_key public = {0};
    struct paseto_secret_key secret = {0};
    struct paseto_local_key local = {0};
    struct cardea_status s = CARDEA_FAIL(E_INVALID_TOKEN);

    if (cardea_ok(paserk_local_parse(key, &local)))
        s = token_check_local(&local, r, text, implicit, now_ms, &w->paseto, &w->space, &w->token);
    else if (cardea_ok(paserk_public_parse(key, &public)))
        s = token_check_public(&public, r, text, implicit, now_ms, &w->paseto, &w->space, &w->token);
    else if (cardea_ok(paserk_secret_parse(key, &secret)))
        s = token_check_public(&secret.public, r, text, implicit, now_ms, &w->paseto, &w->space, &w->token);
    paseto_local_key_clear(&local);
    paseto_secret_key_clear(&secret);
    return s;
}

/* Of a token that is verified, its footer is: signature or tag covers it. */
static struct cardea_status check_footer(const struct context *c, struct view text, struct work *w, struct view *out)
{
    const char *wanted = context_option(c, "footer");
    struct cardea_status s = paseto_footer_peek(text, w->footer, out);

    return cardea_ok(s) && wanted != NULL && !view_is(*out, wanted) ? CARDEA_FAIL(E_INVALID_TOKEN) : s;
}

enum exit_code token_paseto_verify(const struct context *c, const struct key_file *f, const struct token_rules *r,
                                   struct view text)
{
    struct work *w = calloc(1, sizeof(*w));
    struct view footer = VIEW_EMPTY;

    if (w == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    struct verdict v = {.algorithm = key_file_is(f, "k4.local.") ? "v4.local" : "v4.public"};
    v.status = check(c, f, r, text, w);
    /* Another footer is wrong, whatever the time. */
    if (cardea_ok(v.status) || v.status.code == CARDEA_E_EXPIRED) {
        struct cardea_status s = check_footer(c, text, w, &footer);
        v.status = cardea_ok(s) ? v.status : s;
    }
    if (cardea_ok(v.status)) {
        v.claims = token_payload(&w->token);
        v.footer = footer.len > 0 ? &footer : NULL;
    }
    enum exit_code code = verdict_show(c, &v);
    secret_wipe(w, sizeof(*w));
    free(w);
    return code;
}
