/* The configuration shown: as YAML that config_load reads again, as JSON, and the manual of all keys. */
#include "base/json.h"
#include "daemon/config_keys.h"

#include <string.h>

enum { VALUE_MAX = 4096 };

static void origin_text(const struct config *c, const struct config_key *k, struct buf *out)
{
    const struct config_origin *o = &c->origins[k - config_keys];
    switch (o->source) {
    case CONFIG_DERIVED:
        buf_text(out, "derived");
        break;
    case CONFIG_FILE:
        buf_text(out, c->file);
        buf_char(out, ':');
        buf_uint(out, o->line);
        buf_char(out, ':');
        buf_uint(out, o->column);
        break;
    case CONFIG_ENVIRONMENT:
        config_key_variable(k, out);
        break;
    case CONFIG_OPTION:
        buf_text(out, "command line");
        break;
    default:
        buf_text(out, "default");
    }
}

/* A value as YAML: quoted, but for what must not be. JSON's quoting is valid in YAML. */
static void yaml_value(const struct config_key *k, const void *base, struct buf *out)
{
    char storage[VALUE_MAX];
    struct buf value = buf_fixed(storage, sizeof(storage));
    config_value_text(k, base, &value);
    if (config_key_is_list(k)) {
        buf_char(out, '[');
        struct view rest = buf_view(&value), item;
        for (bool first = true; rest.len > 0; first = false) {
            view_cut(rest, ',', &item, &rest);
            buf_text(out, first ? "" : ", ");
            struct json_writer w = json_writer(out);
            json_put_text(&w, view_trim(item));
        }
        buf_char(out, ']');
    } else if (k->type == CONFIG_BOOL || k->type == CONFIG_COUNT) {
        buf_put(out, buf_view(&value));
    } else {
        struct json_writer w = json_writer(out);
        json_put_text(&w, buf_view(&value));
    }
}

static bool value_empty(const struct config_key *k, const void *base)
{
    char storage[VALUE_MAX];
    struct buf value = buf_fixed(storage, sizeof(storage));
    config_value_text(k, base, &value);
    return value.len == 0 && buf_ok(&value);
}

static const char *profile_name(enum profile p)
{
    for (size_t i = 0; i < profile_info_count; i++)
        if (profile_infos[i].profile == p)
            return profile_infos[i].name;
    return "";
}

static void yaml_members(const struct config_key *keys, size_t count, const void *base, bool first, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        /* An empty list in the place of a default that is none must be said. */
        if (value_empty(&keys[i], base) && !(config_key_is_list(&keys[i]) && *keys[i].default_text != 0))
            continue;
        buf_text(out, first ? "" : ", ");
        buf_text(out, keys[i].name);
        buf_text(out, ": ");
        yaml_value(&keys[i], base, out);
        first = false;
    }
}

static void show_yaml(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        bool empty = value_empty(k, c);
        /* Nothing is set where the value is empty; as a comment the key can still be found. */
        buf_text(out, empty ? "# " : "");
        buf_text(out, k->name);
        buf_text(out, ": ");
        if (!empty)
            yaml_value(k, c, out);
        buf_text(out, "  # ");
        origin_text(c, k, out);
        if (c->origins[i].source != CONFIG_DEFAULT && *k->default_text != 0) {
            buf_text(out, ", default ");
            buf_text(out, k->default_text);
        }
        buf_char(out, '\n');
    }
    buf_text(out, c->settings.app_count == 0 ? "apps: {}\n" : "apps:\n");
    for (uint32_t i = 0; i < c->settings.app_count; i++) {
        const struct app *a = &c->settings.apps[i];
        buf_text(out, "  ");
        buf_text(out, a->name);
        buf_text(out, ": {profile: ");
        buf_text(out, profile_name(a->profile));
        yaml_members(app_keys, app_key_count, a, false, out);
        buf_text(out, "}\n");
    }
    buf_text(out, c->settings.policy_count == 0 ? "policies: {}\n" : "policies:\n");
    for (uint32_t i = 0; i < c->settings.policy_count; i++) {
        buf_text(out, "  ");
        buf_text(out, c->settings.policies[i].name);
        buf_text(out, ": {");
        yaml_members(policy_keys, policy_key_count, &c->settings.policies[i], true, out);
        buf_text(out, "}\n");
    }
    buf_text(out, c->settings.issuer_count == 0 ? "issuers: {}\n" : "issuers:\n");
    for (uint32_t i = 0; i < c->settings.issuer_count; i++) {
        buf_text(out, "  ");
        buf_text(out, c->settings.issuers[i].name);
        buf_text(out, ": {");
        yaml_members(issuer_keys, issuer_key_count, &c->settings.issuers[i], true, out);
        buf_text(out, "}\n");
    }
}

static void json_value(struct json_writer *w, const struct config_key *k, const void *base)
{
    char storage[VALUE_MAX];
    struct buf value = buf_fixed(storage, sizeof(storage));
    config_value_text(k, base, &value);
    if (config_key_is_list(k)) {
        json_open_array(w);
        struct view rest = buf_view(&value), item;
        while (rest.len > 0) {
            view_cut(rest, ',', &item, &rest);
            json_put_text(w, view_trim(item));
        }
        json_close_array(w);
    } else if (value.len == 0) {
        json_put_null(w);
    } else if (k->type == CONFIG_BOOL || k->type == CONFIG_COUNT) {
        json_put_raw(w, buf_view(&value));
    } else {
        json_put_text(w, buf_view(&value));
    }
}

static void json_members(struct json_writer *w, const struct config_key *keys, size_t count, const void *base)
{
    for (size_t i = 0; i < count; i++) {
        json_name(w, keys[i].name);
        json_value(w, &keys[i], base);
    }
}

static void show_json(const struct config *c, struct buf *out)
{
    struct json_writer w = json_writer(out);
    json_open_object(&w);
    json_member_text(&w, "file", view_text(c->file));
    json_name(&w, "keys");
    json_open_array(&w);
    for (size_t i = 0; i < config_key_count; i++) {
        char storage[CONFIG_PATH_MAX + 32];
        struct buf from = buf_fixed(storage, sizeof(storage));
        json_open_object(&w);
        json_member_text(&w, "key", view_text(config_keys[i].name));
        json_name(&w, "value");
        json_value(&w, &config_keys[i], c);
        json_member_text(&w, "default", view_text(config_keys[i].default_text));
        origin_text(c, &config_keys[i], &from);
        json_member_text(&w, "from", buf_view(&from));
        json_close_object(&w);
    }
    json_close_array(&w);
    json_name(&w, "apps");
    json_open_object(&w);
    for (uint32_t i = 0; i < c->settings.app_count; i++) {
        json_name(&w, c->settings.apps[i].name);
        json_open_object(&w);
        json_member_text(&w, "profile", view_text(profile_name(c->settings.apps[i].profile)));
        json_members(&w, app_keys, app_key_count, &c->settings.apps[i]);
        json_close_object(&w);
    }
    json_close_object(&w);
    json_name(&w, "policies");
    json_open_object(&w);
    for (uint32_t i = 0; i < c->settings.policy_count; i++) {
        json_name(&w, c->settings.policies[i].name);
        json_open_object(&w);
        json_members(&w, policy_keys, policy_key_count, &c->settings.policies[i]);
        json_close_object(&w);
    }
    json_close_object(&w);
    json_name(&w, "issuers");
    json_open_object(&w);
    for (uint32_t i = 0; i < c->settings.issuer_count; i++) {
        json_name(&w, c->settings.issuers[i].name);
        json_open_object(&w);
        json_members(&w, issuer_keys, issuer_key_count, &c->settings.issuers[i]);
        json_close_object(&w);
    }
    json_close_object(&w);
    json_close_object(&w);
}

void config_show(const struct config *c, bool json, struct buf *out)
{
    if (json)
        show_json(c, out);
    else
        show_yaml(c, out);
}

static void manual_rows(const struct config_key *keys, size_t count, bool variables, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct config_key *k = &keys[i];
        buf_text(out, "| `");
        buf_text(out, k->name);
        buf_text(out, "` | ");
        if (variables) {
            buf_char(out, '`');
            config_key_variable(k, out);
            buf_text(out, "` | ");
        }
        if (*k->default_text != 0) {
            buf_char(out, '`');
            buf_text(out, k->default_text);
            buf_char(out, '`');
        }
        buf_text(out, " | ");
        buf_text(out, k->help);
        buf_text(out, " |\n");
    }
}

void config_manual(struct buf *out)
{
    buf_text(
        out,
        "# Configuration\n\n"
        "A YAML file (`cardea serve --config FILE`), environment variables over it, command-line options over both.\n"
        "Made by `cardea config manual` from the table of keys in `src/daemon/config_keys.c`; a test compares.\n\n"
        "Keys may be nested or dotted: `log: {format: json}` is `log.format: json`. Durations are `30s 15m 8h 14d`,\n"
        "sizes `64MiB`. In an environment variable a list is separated by commas. Unknown keys, keys given twice,\n"
        "wrong types and values out of range are refused with file, line and column; `cardea config check` only "
        "looks,\n"
        "`cardea config show` prints every value with where it came from. Secrets are given by file only.\n\n"
        "Without a file the service has one app a profile, named like it. With a file it has the apps that the file\n"
        "lists, and no others.\n\n"
        "| key | environment | default | meaning |\n|---|---|---|---|\n");
    manual_rows(config_keys, config_key_count, true, out);
    buf_text(out, "\n## apps\n\n"
                  "```yaml\napps:\n  shop: web\n  console: {profile: strict, idle: 10m}\n```\n\n"
                  "An app is a name and a profile (`cardea profile list` explains them), which gives the\n"
                  "defaults. Every value can be overridden:\n\n"
                  "| key | default | meaning |\n|---|---|---|\n");
    manual_rows(app_keys, app_key_count, false, out);
    buf_text(out, "\n## policies\n\n"
                  "```yaml\npolicies:\n  staff: {roles: [staff, admin], login_age_max: 8h}\n```\n\n"
                  "A policy is what `/verify/NAME` asks for.\n\n"
                  "| key | default | meaning |\n|---|---|---|\n");
    manual_rows(policy_keys, policy_key_count, false, out);
    buf_text(out, "\n## issuers\n\n"
                  "```yaml\nissuers:\n"
                  "  corp: {issuer: 'https://corp.eu.auth0.com/', audience: ['https://api.example.com'],\n"
                  "         jwks: 'https://corp.eu.auth0.com/.well-known/jwks.json'}\n"
                  "policies:\n  partners: {issuers: [corp], scopes: ['read:orders']}\n```\n\n"
                  "Somebody else whose access tokens a policy may accept; [issuers.md](issuers.md) has recipes and\n"
                  "says what is checked. A claim is named as it stands in the token (`groups`,\n"
                  "`https://example.com/roles`), or, inside another, by a JSON Pointer (`/realm_access/roles`).\n\n"
                  "| key | default | meaning |\n|---|---|---|\n");
    manual_rows(issuer_keys, issuer_key_count, false, out);
}
