/* cardea audit: read the journal, or check its chain. */
#include "cli/call.h"
#include "cli/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct column columns[] = {
    {"N", "n"},       {"AT", "at"},   {"TYPE", "type"},          {"ACTOR", "actor"},
    {"USER", "user"}, {"SID", "sid"}, {"ADDRESS", "ip_address"}, {"DETAIL", "detail"},
};

struct verdict {
    bool ok, complete;
    char head[128];
};

static bool read_verdict(const struct answer *a, struct verdict *out)
{
    struct document d;
    if (!cardea_ok(document_open(&d, buf_view(&a->body))))
        return false;
    bool good = cardea_ok(json_bool(&d.json, json_get(&d.json, 0, VIEW("ok")), &out->ok)) &&
                cardea_ok(json_bool(&d.json, json_get(&d.json, 0, VIEW("complete")), &out->complete)) &&
                cardea_ok(document_string(&d, 0, "head", out->head, sizeof(out->head)));
    document_close(&d);
    return good;
}

static enum exit_code show_verdict(const struct context *c, const struct verdict *v)
{
    struct buf out = buf_heap(4096);
    unsigned long long good = strtoull(v->head, NULL, 10);
    if (c->json) {
        struct json_writer w = json_writer(&out);
        json_open_object(&w);
        json_member_bool(&w, "ok", v->ok);
        json_member_text(&w, "head", view_text(v->head));
        json_close_object(&w);
        buf_char(&out, '\n');
    } else if (v->ok) {
        buf_text(&out, "The chain holds. Keep its head elsewhere, to compare with later:\n");
        buf_text(&out, v->head);
        buf_char(&out, '\n');
    }
    if (!v->ok)
        complain("the chain is broken: row %llu does not follow from row %llu, or is missing", good + 1, good);
    return render_flush(&out) && v->ok ? EXIT_OK : EXIT_FAILED;
}

/* In steps, each one request, so that a long journal keeps nobody waiting. */
static enum exit_code verify(struct context *c)
{
    struct verdict v = {0};
    const char *head = context_option(c, "head");
    snprintf(v.head, sizeof(v.head), "%s", head == NULL ? "" : head);
    do {
        struct call call = call_to(METHOD_GET, "/v1/admin/audit/verify");
        struct answer a;
        char before[128];
        memcpy(before, v.head, sizeof(before));
        call_query(&call, "after", v.head[0] == 0 ? NULL : v.head);
        enum exit_code code = call_expect(c, &call, &a);
        if (code != EXIT_OK)
            return code;
        bool good = read_verdict(&a, &v) && (v.complete || !v.ok || strcmp(before, v.head) != 0);
        answer_clear(&a);
        if (!good) {
            complain("the answer is not what was expected");
            return EXIT_FAILED;
        }
    } while (v.ok && !v.complete);
    return show_verdict(c, &v);
}

enum exit_code run_audit(struct context *c)
{
    if (context_has(c, "verify"))
        return verify(c);
    struct call call = call_to(METHOD_GET, "/v1/admin/audit");
    struct pages pages;
    uint64_t limit = 50;
    const char *text = context_option(c, "limit"), *user = context_option(c, "user");
    if (text != NULL && ((limit = strtoull(text, NULL, 10)) == 0 || limit > 10000000)) {
        complain("--limit must be a number from 1 to 10000000");
        return EXIT_USAGE;
    }
    struct user_id gone;
    char id[37];
    if (user != NULL && cardea_ok(user_id_parse(view_text(user), &gone))) {
        call_query(&call, "user", user); /* it may be one that was deleted */
    } else if (user != NULL) {
        enum exit_code code = call_find_user(c, user, id);
        if (code != EXIT_OK)
            return code;
        call_query(&call, "user", id);
    }
    call_query(&call, "type", context_option(c, "type"));
    enum exit_code code = call_pages(c, &call, limit, &pages);
    return code == EXIT_OK ? pages_show(c, &pages, columns, sizeof(columns) / sizeof(columns[0])) : code;
}
