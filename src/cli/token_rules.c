#include "cli/token_rules.h"

#include "base/timetext.h"
#include "cli/render.h"

#include <string.h>

#define USAGE(...) (complain(__VA_ARGS__), EXIT_USAGE)

static size_t take_list(const struct context *c, const char *name, struct view *out)
{
    const char *value;
    unsigned n = 0;
    while ((value = context_option_at(c, name, n)) != NULL)
        out[n++] = view_text(value);
    return n;
}

static enum exit_code take_algorithms(const struct context *c, uint32_t *out)
{
    const char *name;
    *out = context_has(c, "alg") ? 0 : TOKEN_ALGORITHMS_ALL;
    for (unsigned i = 0; (name = context_option_at(c, "alg", i)) != NULL; i++) {
        enum signature_algorithm a = signature_algorithm_parse(view_text(name));
        if (a == SIGNATURE_UNSET)
            return USAGE("%s is no signature algorithm that Cardea has", name);
        *out |= TOKEN_ALGORITHM(a);
        if (a == SIGNATURE_ED25519) /* one name for both */
            *out |= TOKEN_ALGORITHM(SIGNATURE_ED448);
    }
    return EXIT_OK;
}

static void take_types(const struct context *c, struct token_rules *r)
{
    const char *type = context_option(c, "type");
    if (type == NULL)
        r->types = TOKEN_TYPE_ACCESS;
    else if (strcmp(type, "any") == 0)
        r->types = TOKEN_TYPE_ANY;
    else if (strcmp(type, "none") == 0)
        r->types = TOKEN_TYPE_NONE;
    else
        r->type = view_text(type);
}

enum exit_code rules_read(const struct context *c, struct rule_set *out)
{
    struct token_rules *r = &out->rules;
    const char *leeway = context_option(c, "leeway");
    int64_t leeway_ms = 0;

    memset(out, 0, sizeof(*out));
    r->issuers = out->issuers;
    r->issuer_count = take_list(c, "issuer", out->issuers);
    r->audiences = out->audiences;
    r->audience_count = take_list(c, "audience", out->audiences);
    r->required = out->required;
    r->required_count = take_list(c, "require", out->required);
    r->any_issuer = context_has(c, "any-issuer");
    r->any_audience = context_has(c, "any-audience");
    if (r->any_issuer == (r->issuer_count > 0))
        return USAGE("say whose tokens count: --issuer, or --any-issuer");
    if (r->any_audience == (r->audience_count > 0))
        return USAGE("say for whom a token must be: --audience, or --any-audience");
    if (leeway != NULL && (!cardea_ok(duration_parse(view_text(leeway), &leeway_ms)) ||
                           leeway_ms > TOKEN_LEEWAY_MAX_S * 1000 || leeway_ms % 1000 != 0))
        return USAGE("--leeway %s: whole seconds, at most %d", leeway, TOKEN_LEEWAY_MAX_S);
    r->leeway_s = leeway_ms / 1000;
    take_types(c, r);
    return take_algorithms(c, &r->algorithms);
}

static void put_json(const struct verdict *v, bool good, struct buf *out)
{
    struct buf body = buf_heap(OUTPUT_MAX);
    struct json_writer w = json_writer(&body);

    json_open_object(&w);
    json_member_bool(&w, "verified", good);
    if (good) {
        json_member_text(&w, "algorithm", view_text(v->algorithm));
        if (v->kid.len > 0)
            json_member_text(&w, "kid", v->kid);
        if (v->type.len > 0)
            json_member_text(&w, "type", v->type);
        json_name(&w, "claims");
        json_put_raw(&w, v->claims);
        if (v->footer != NULL)
            json_member_text(&w, "footer", *v->footer);
    } else {
        json_member_text(&w, "code", view_text(cardea_status_problem(v->status)));
        if (v->reason != NULL)
            json_member_text(&w, "reason", view_text(v->reason));
    }
    json_close_object(&w);
    render_json(out, buf_view(&body));
    buf_clear(&body);
}

enum exit_code verdict_show(const struct context *c, const struct verdict *v)
{
    bool good = cardea_ok(v->status);
    struct buf out = buf_heap(OUTPUT_MAX);

    if (c->json)
        put_json(v, good, &out);
    else if (good)
        render_json(&out, v->claims);
    if (v->status.code == CARDEA_E_EXPIRED)
        complain("the token is genuine, but its time is over");
    else if (!good && v->reason != NULL)
        complain("the token is not valid: %s", v->reason);
    else if (!good)
        complain("%s",
                 v->status.code == CARDEA_E_INVALID_TOKEN ? "the token is not valid" : cardea_status_title(v->status));
    if (!render_flush(&out))
        return EXIT_FAILED;
    if (good)
        return EXIT_OK;
    return v->status.code == CARDEA_E_EXPIRED         ? EXIT_EXPIRED
           : v->status.code == CARDEA_E_INVALID_TOKEN ? EXIT_NOT_VALID
                                                      : EXIT_FAILED;
}
