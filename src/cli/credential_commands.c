/* cardea session, token, signing-key, apikey: what authenticates, and what signs. */
#include "base/timetext.h"
#include "cli/call.h"
#include "cli/render.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column session_columns[] = {
    {"SID", "sid"},
    {"APP", "app"},
    {"CREATED", "created_at"},
    {"LAST SEEN", "last_seen_at"},
    {"ENDS", "expires_at"},
    {"ADDRESS", "ip_address"},
    {"USER AGENT", "user_agent"},
};
static const struct column key_columns[] = {
    {"KID", "kid"},
    {"USE", "use"},
    {"ALG", "alg"},
    {"STATE", "state"},
    {"CREATED", "created_at"},
    {"SIGNS FROM", "activates_at"},
    {"GONE AT", "drops_at"},
};
static const struct column apikey_columns[] = {
    {"ID", "id"},         {"USER", "user"},          {"NAME", "name"},
    {"SCOPES", "scopes"}, {"CREATED", "created_at"}, {"ENDS", "expires_at"},
};
static const struct column apikey_rows[] = {
    {"key", "key"}, {"id", "id"}, {"name", "name"}, {"scopes", "scopes"}, {"ends", "expires_at"},
};

static enum exit_code list(struct context *c, const struct call *call, const struct column *columns, size_t count)
{
    struct pages pages;
    enum exit_code code = call_pages(c, call, 0, &pages);
    return code == EXIT_OK ? pages_show(c, &pages, columns, count) : code;
}

static enum exit_code remove_one(struct context *c, const char *path)
{
    struct call call = call_to(METHOD_DELETE, path);
    call_segment(&call, c->words[0]);
    return call_do(c, &call);
}

enum exit_code run_session_list(struct context *c)
{
    struct call call;
    enum exit_code code = call_to_user(c, METHOD_GET, "/sessions", &call);
    return code == EXIT_OK ? list(c, &call, session_columns, COUNT(session_columns)) : code;
}

enum exit_code run_session_revoke(struct context *c)
{
    return remove_one(c, "/v1/admin/sessions");
}

enum exit_code run_token_revoke(struct context *c)
{
    char storage[1024];
    struct buf b = buf_fixed(storage, sizeof(storage));
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_member_text(&w, "jti", view_text(c->words[0]));
    json_close_object(&w);
    if (!buf_ok(&b)) {
        complain("that is no jti");
        return EXIT_USAGE;
    }
    struct call call = call_to(METHOD_POST, "/v1/admin/tokens/revoke");
    call.body = buf_view(&b);
    return call_do(c, &call);
}

/* The keys in one answer, which is not paged. */
static enum exit_code show_keys(struct context *c, const struct call *call)
{
    struct answer a;
    enum exit_code code = call_expect(c, call, &a);
    if (code != EXIT_OK)
        return code;
    struct buf out = buf_heap(OUTPUT_MAX);
    struct document d;
    if (c->json) {
        render_json(&out, buf_view(&a.body));
    } else if (cardea_ok(document_open(&d, buf_view(&a.body)))) {
        struct view items = json_source(&d.json, json_get(&d.json, 0, VIEW("items")));
        struct buf at = buf_heap(256);
        render_table(&out, key_columns, COUNT(key_columns), &items, 1);
        document_text(&d, 0, "effective_at", &at);
        if (at.len > 0) {
            buf_text(&out, "\nIn effect from ");
            buf_put(&out, buf_view(&at));
            buf_char(&out, '\n');
        }
        buf_clear(&at);
        document_close(&d);
    }
    answer_clear(&a);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_signing_key_list(struct context *c)
{
    struct call call = call_to(METHOD_GET, "/v1/admin/signing-keys");
    return show_keys(c, &call);
}

/* compromised: drop a key, the one that the first word names or else the active one. */
static enum exit_code change_keys(struct context *c, bool compromised)
{
    char storage[1024];
    struct buf b = buf_fixed(storage, sizeof(storage));
    struct json_writer w = json_writer(&b);
    struct call call = call_to(METHOD_POST, "/v1/admin/signing-keys/rotate");
    json_open_object(&w);
    if (compromised)
        json_member_bool(&w, "compromised", true);
    if (c->word_count > 0)
        json_member_text(&w, "kid", view_text(c->words[0]));
    if (context_has(c, "use"))
        json_member_text(&w, "use", view_text(context_option(c, "use")));
    if (context_has(c, "alg"))
        json_member_text(&w, "alg", view_text(context_option(c, "alg")));
    json_close_object(&w);
    if (!buf_ok(&b)) {
        complain("that is no key");
        return EXIT_USAGE;
    }
    call.body = buf_view(&b);
    return show_keys(c, &call);
}

enum exit_code run_signing_key_rotate(struct context *c)
{
    return change_keys(c, false);
}

enum exit_code run_signing_key_revoke(struct context *c)
{
    return change_keys(c, true);
}

static enum exit_code fill_apikey(const struct context *c, struct json_writer *w)
{
    int64_t ms;
    json_open_object(w);
    json_member_text(w, "name", view_text(context_option(c, "name")));
    if (context_has(c, "scope")) {
        const char *scope;
        json_name(w, "scopes");
        json_open_array(w);
        for (unsigned i = 0; (scope = context_option_at(c, "scope", i)) != NULL; i++)
            json_put_text(w, view_text(scope));
        json_close_array(w);
    }
    if (context_has(c, "expires")) {
        if (!cardea_ok(duration_parse(view_text(context_option(c, "expires")), &ms)) || ms < 1000) {
            complain("--expires must be a duration such as 12h or 90d");
            return EXIT_USAGE;
        }
        json_member_int(w, "expires_in", ms / 1000);
    }
    json_close_object(w);
    if (buf_ok(w->out))
        return EXIT_OK;
    complain("that is too much for one request");
    return EXIT_USAGE;
}

enum exit_code run_apikey_create(struct context *c)
{
    char storage[8 * 1024];
    struct buf b = buf_fixed(storage, sizeof(storage));
    struct json_writer w = json_writer(&b);
    struct call call;
    struct answer a;
    if (!context_has(c, "name")) {
        complain("give the key a name with --name");
        return EXIT_USAGE;
    }
    enum exit_code code = fill_apikey(c, &w);
    if (code == EXIT_OK)
        code = call_to_user(c, METHOD_POST, "/api-keys", &call);
    if (code != EXIT_OK)
        return code;
    call.body = buf_view(&b);
    code = call_expect(c, &call, &a);
    if (code != EXIT_OK)
        return code;
    struct buf out = buf_heap(OUTPUT_MAX);
    struct document d;
    if (c->json) {
        render_json(&out, buf_view(&a.body));
    } else if (cardea_ok(document_open(&d, buf_view(&a.body)))) {
        render_object(&out, apikey_rows, COUNT(apikey_rows), &d, 0);
        buf_text(&out, "The key is not shown again.\n");
        document_close(&d);
    }
    answer_clear(&a);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_apikey_list(struct context *c)
{
    char id[37];
    struct call call = call_to(METHOD_GET, "/v1/admin/api-keys");
    if (c->word_count > 0) {
        enum exit_code code = call_find_user(c, c->words[0], id);
        if (code != EXIT_OK)
            return code;
        call_query(&call, "user", id);
    }
    return list(c, &call, apikey_columns, COUNT(apikey_columns));
}

enum exit_code run_apikey_revoke(struct context *c)
{
    return remove_one(c, "/v1/admin/api-keys");
}
