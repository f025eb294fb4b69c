/* cardea user … */
#include "base/secret.h"
#include "cli/call.h"
#include "cli/password_input.h"
#include "cli/render.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_ROOM = 32 * 1024, ROLES_HELD_MAX = 64, ROLE_TEXT_MAX = 128 };

static const struct column user_columns[] = {
    {"NAME", "username"}, {"ID", "id"},       {"STATUS", "status"},
    {"ROLES", "roles"},   {"EMAIL", "email"}, {"LAST LOGIN", "last_login_at"},
};
static const struct column user_rows[] = {
    {"name", "username"},
    {"id", "id"},
    {"status", "status"},
    {"roles", "roles"},
    {"e-mail", "email"},
    {"e-mail verified", "email_verified"},
    {"shown as", "name"},
    {"metadata", "metadata"},
    {"created", "created_at"},
    {"changed", "updated_at"},
    {"last login", "last_login_at"},
};

/* Show {user}. */
static enum exit_code show_user(const struct context *c, struct answer *a)
{
    struct buf out = buf_heap(OUTPUT_MAX);
    struct document d;
    if (c->json) {
        render_json(&out, buf_view(&a->body));
    } else if (cardea_ok(document_open(&d, buf_view(&a->body)))) {
        render_object(&out, user_rows, sizeof(user_rows) / sizeof(user_rows[0]), &d,
                      json_get(&d.json, 0, VIEW("user")));
        document_close(&d);
    }
    answer_clear(a);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

/* A body in room that is wiped: it may hold a password. */
struct body {
    char storage[BODY_ROOM];
    struct buf buf;
    struct json_writer w;
};
static struct body *body_new(void)
{
    struct body *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        complain("out of memory");
        return NULL;
    }
    b->buf = buf_fixed(b->storage, sizeof(b->storage));
    b->w = json_writer(&b->buf);
    json_open_object(&b->w);
    return b;
}
static void body_free(struct body *b)
{
    secret_wipe(b, sizeof(*b));
    free(b);
}

/* Send the body, and show the user that comes back. */
static enum exit_code send_body(struct context *c, struct call *call, struct body *b)
{
    struct answer a;
    json_close_object(&b->w);
    call->body = buf_view(&b->buf);
    if (!buf_ok(&b->buf)) {
        complain("that is too much for one request");
        return EXIT_USAGE;
    }
    enum exit_code code = call_expect(c, call, &a);
    return code == EXIT_OK ? show_user(c, &a) : code;
}

static enum exit_code put_password(const struct context *c, struct body *b)
{
    struct password_input password;
    enum exit_code code = password_input(c, &password);
    if (code == EXIT_OK)
        json_member_text(&b->w, "password", view_of(password.text, password.len));
    secret_wipe(&password, sizeof(password));
    return code;
}

static void put_roles(struct body *b, const char *const *roles, size_t count)
{
    json_name(&b->w, "roles");
    json_open_array(&b->w);
    for (size_t i = 0; i < count; i++)
        json_put_text(&b->w, view_text(roles[i]));
    json_close_array(&b->w);
}

static bool put_metadata(struct body *b, const char *text)
{
    struct document d;
    if (!cardea_ok(document_open(&d, view_text(text)))) {
        complain("--metadata is not JSON");
        return false;
    }
    json_name(&b->w, "metadata");
    json_put_raw(&b->w, view_text(text));
    document_close(&d);
    return true;
}

static enum exit_code fill_new_user(const struct context *c, struct body *b)
{
    const char *roles[OPTIONS_MAX], *role;
    unsigned count = 0;
    json_member_text(&b->w, "username", view_text(c->words[0]));
    if (context_has(c, "no-password") && context_has(c, "password-file")) {
        complain("--no-password and --password-file exclude each other");
        return EXIT_USAGE;
    }
    while ((role = context_option_at(c, "role", count)) != NULL)
        roles[count++] = role;
    if (count > 0)
        put_roles(b, roles, count);
    if (context_has(c, "email"))
        json_member_text(&b->w, "email", view_text(context_option(c, "email")));
    if (context_has(c, "name"))
        json_member_text(&b->w, "name", view_text(context_option(c, "name")));
    if (context_has(c, "metadata") && !put_metadata(b, context_option(c, "metadata")))
        return EXIT_USAGE;
    return context_has(c, "no-password") ? EXIT_OK : put_password(c, b);
}

enum exit_code run_user_add(struct context *c)
{
    struct call call = call_to(METHOD_POST, "/v1/admin/users");
    struct body *b = body_new();
    if (b == NULL)
        return EXIT_FAILED;
    enum exit_code code = fill_new_user(c, b);
    if (code == EXIT_OK)
        code = send_body(c, &call, b);
    body_free(b);
    return code;
}

enum exit_code run_user_list(struct context *c)
{
    struct call call = call_to(METHOD_GET, "/v1/admin/users");
    struct pages pages;
    uint64_t limit = 0;
    const char *text = context_option(c, "limit");
    if (text != NULL && ((limit = strtoull(text, NULL, 10)) == 0 || limit > 1000000)) {
        complain("--limit must be a number from 1 to 1000000");
        return EXIT_USAGE;
    }
    call_query(&call, "q", context_option(c, "query"));
    call_query(&call, "role", context_option(c, "role"));
    call_query(&call, "status", context_option(c, "status"));
    enum exit_code code = call_pages(c, &call, limit, &pages);
    return code == EXIT_OK ? pages_show(c, &pages, user_columns, sizeof(user_columns) / sizeof(user_columns[0])) : code;
}

/* GET the user that the first word names. */
static enum exit_code fetch(struct context *c, struct call *call, struct answer *out)
{
    enum exit_code code = call_to_user(c, METHOD_GET, "", call);
    return code == EXIT_OK ? call_expect(c, call, out) : code;
}

enum exit_code run_user_show(struct context *c)
{
    struct call call;
    struct answer a;
    enum exit_code code = fetch(c, &call, &a);
    return code == EXIT_OK ? show_user(c, &a) : code;
}

enum exit_code run_user_passwd(struct context *c)
{
    struct call call;
    enum exit_code code = call_to_user(c, METHOD_PATCH, "", &call);
    struct body *b = code == EXIT_OK ? body_new() : NULL;
    if (b == NULL)
        return code == EXIT_OK ? EXIT_FAILED : code;
    code = put_password(c, b);
    if (code == EXIT_OK)
        code = send_body(c, &call, b);
    body_free(b);
    return code;
}

struct role_list {
    char held[ROLES_HELD_MAX][ROLE_TEXT_MAX];
    const char *roles[ROLES_HELD_MAX + OPTIONS_MAX];
    size_t count;
};

static void role_add(struct role_list *l, const char *role)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->roles[i], role) == 0)
            return;
    if (l->count < sizeof(l->roles) / sizeof(l->roles[0]))
        l->roles[l->count++] = role;
}

static void role_remove(struct role_list *l, const char *role)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->roles[i], role) == 0)
            l->roles[i--] = l->roles[--l->count];
}

/* The roles there are, from {user}. */
static void roles_of(const struct answer *a, struct role_list *l)
{
    struct document d;
    if (!cardea_ok(document_open(&d, buf_view(&a->body))))
        return;
    uint32_t roles = json_get(&d.json, json_get(&d.json, 0, VIEW("user")), VIEW("roles"));
    for (uint32_t i = json_first(&d.json, roles); i != 0 && l->count < ROLES_HELD_MAX;
         i = json_after(&d.json, roles, i)) {
        struct buf b = buf_fixed(l->held[l->count], ROLE_TEXT_MAX - 1);
        if (cardea_ok(json_text(&d.json, i, &b))) {
            l->roles[l->count] = l->held[l->count];
            l->count++;
        }
    }
    document_close(&d);
}

static enum exit_code set_roles(struct context *c, struct call *call, const struct role_list *l)
{
    struct body *b = body_new();
    if (b == NULL)
        return EXIT_FAILED;
    put_roles(b, l->roles, l->count);
    call->method = METHOD_PATCH;
    enum exit_code code = send_body(c, call, b);
    body_free(b);
    return code;
}

enum exit_code run_user_roles(struct context *c)
{
    struct call call;
    struct answer a;
    bool edit = context_has(c, "add") || context_has(c, "remove");
    if ((c->word_count > 1) + edit + context_has(c, "none") > 1) {
        complain("give roles, or --add and --remove, or --none");
        return EXIT_USAGE;
    }
    enum exit_code code = fetch(c, &call, &a);
    if (code != EXIT_OK)
        return code;
    if (c->word_count == 1 && !edit && !context_has(c, "none"))
        return show_user(c, &a);
    struct role_list *l = calloc(1, sizeof(*l));
    if (l != NULL) {
        if (edit)
            roles_of(&a, l);
        for (unsigned i = 1; i < c->word_count; i++)
            role_add(l, c->words[i]);
        for (unsigned i = 0; context_option_at(c, "add", i) != NULL; i++)
            role_add(l, context_option_at(c, "add", i));
        for (unsigned i = 0; context_option_at(c, "remove", i) != NULL; i++)
            role_remove(l, context_option_at(c, "remove", i));
        code = set_roles(c, &call, l);
    }
    answer_clear(&a);
    free(l);
    return l == NULL ? EXIT_FAILED : code;
}

static enum exit_code set_status(struct context *c, const char *status)
{
    struct call call;
    enum exit_code code = call_to_user(c, METHOD_PATCH, "", &call);
    struct body *b = code == EXIT_OK ? body_new() : NULL;
    if (b == NULL)
        return code == EXIT_OK ? EXIT_FAILED : code;
    json_member_text(&b->w, "status", view_text(status));
    code = send_body(c, &call, b);
    body_free(b);
    return code;
}

enum exit_code run_user_suspend(struct context *c)
{
    return set_status(c, "suspended");
}

enum exit_code run_user_resume(struct context *c)
{
    return set_status(c, "active");
}

static enum exit_code do_to_user(struct context *c, enum method method, const char *below)
{
    struct call call;
    enum exit_code code = call_to_user(c, method, below, &call);
    return code == EXIT_OK ? call_do(c, &call) : code;
}

enum exit_code run_user_logout(struct context *c)
{
    return do_to_user(c, METHOD_POST, "/logout");
}

enum exit_code run_user_delete(struct context *c)
{
    return do_to_user(c, METHOD_DELETE, "");
}
