/* Commands that need no installation: profile, config, version. */
#include "base/timetext.h"
#include "cli/command.h"
#include "cli/render.h"
#include "core/settings.h"
#include "daemon/key_source.h"

static void put_duration(struct json_writer *w, const char *name, int64_t ms)
{
    char text[32];
    struct buf b = buf_fixed(text, sizeof(text));
    json_name(w, name);
    if (ms == 0) {
        json_put_null(w);
        return;
    }
    buf_duration(&b, ms);
    json_put_text(w, buf_view(&b));
}

static void put_profile(struct json_writer *w, const struct profile_info *p)
{
    json_open_object(w);
    json_member_text(w, "name", view_text(p->name));
    json_member_text(w, "purpose", view_text(p->purpose));
    json_member_text(w, "credential", view_text(p->credential));
    json_member_text(w, "tradeoff", view_text(p->tradeoff));
    put_duration(w, "access", p->access_ms);
    put_duration(w, "idle", p->idle_ms);
    put_duration(w, "absolute", p->absolute_ms);
    json_name(w, "same_site");
    if (p->same_site == SAME_SITE_UNSET)
        json_put_null(w);
    else
        json_put_text(w, p->same_site == SAME_SITE_STRICT ? VIEW("strict") : VIEW("lax"));
    json_member_bool(w, "available", p->available);
    json_close_object(w);
}

enum exit_code run_profile_list(struct context *c)
{
    static const struct column columns[] = {
        {"PROFILE", "name"},      {"ACCESS", "access"},         {"IDLE", "idle"},
        {"ABSOLUTE", "absolute"}, {"CREDENTIAL", "credential"}, {"FOR", "purpose"},
    };
    struct buf json = buf_heap(OUTPUT_MAX), out = buf_heap(OUTPUT_MAX);
    struct json_writer w = json_writer(&json);
    json_open_array(&w);
    for (size_t i = 0; i < profile_info_count; i++)
        put_profile(&w, &profile_infos[i]);
    json_close_array(&w);
    struct view items = buf_view(&json);
    if (c->json) {
        buf_text(&out, "{\"items\":");
        buf_put(&out, items);
        buf_text(&out, ",\"next_cursor\":null}\n");
    } else {
        render_table(&out, columns, sizeof(columns) / sizeof(columns[0]), &items, 1);
    }
    buf_clear(&json);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_profile_show(struct context *c)
{
    static const struct column rows[] = {
        {"profile", "name"}, {"for", "purpose"},       {"credential", "credential"}, {"access token", "access"},
        {"idle", "idle"},    {"absolute", "absolute"}, {"SameSite", "same_site"},    {"trade-off", "tradeoff"},
    };
    const struct profile_info *p = profile_find(view_text(c->words[0]));
    if (p == NULL) {
        complain("there is no profile %s; see cardea profile list", c->words[0]);
        return EXIT_NOT_FOUND;
    }
    struct buf json = buf_heap(OUTPUT_MAX), out = buf_heap(OUTPUT_MAX);
    struct json_writer w = json_writer(&json);
    struct document d;
    put_profile(&w, p);
    if (c->json) {
        render_json(&out, buf_view(&json));
    } else if (cardea_ok(document_open(&d, buf_view(&json)))) {
        render_object(&out, rows, sizeof(rows) / sizeof(rows[0]), &d, 0);
        document_close(&d);
    }
    buf_clear(&json);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

/* A file of another issuer's keys that the service would not start with. */
static enum exit_code check_key_files(const struct settings *s)
{
    char why[KEY_WHY_MAX];
    for (uint32_t i = 0; i < s->issuer_count; i++)
        if (!cardea_ok(key_source_check(&s->issuers[i], why))) {
            complain("%s", why);
            return EXIT_USAGE;
        }
    return EXIT_OK;
}

enum exit_code run_config_check(struct context *c)
{
    enum exit_code code = context_config(c);
    if (code == EXIT_OK)
        code = check_key_files(&c->config->settings);
    if (code != EXIT_OK)
        return code;
    context_warnings(c);
    struct buf out = buf_heap(4096);
    if (c->json) {
        struct json_writer w = json_writer(&out);
        json_open_object(&w);
        json_member_bool(&w, "ok", true);
        json_name(&w, "warnings");
        json_open_array(&w);
        for (uint32_t i = 0; i < c->config->warning_count; i++)
            json_put_text(&w, view_text(c->config->warnings[i]));
        json_close_array(&w);
        json_close_object(&w);
        buf_char(&out, '\n');
    } else {
        buf_text(&out, "The configuration is good.\n");
    }
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_config_show(struct context *c)
{
    enum exit_code code = context_config(c);
    if (code != EXIT_OK)
        return code;
    context_warnings(c);
    struct buf out = buf_heap(OUTPUT_MAX);
    config_show(c->config, c->json, &out);
    if (c->json)
        buf_char(&out, '\n');
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_config_manual(struct context *c)
{
    (void)c;
    struct buf out = buf_heap(OUTPUT_MAX);
    config_manual(&out);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_version(struct context *c)
{
    struct buf out = buf_heap(4096);
    buf_text(&out, c->json ? "{\"version\":\"" CARDEA_VERSION "\"}\n" : "cardea " CARDEA_VERSION "\n");
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}
