/* The YAML reader: events of libyaml against the table of keys.
 *
 * Refuses what a configuration has no use for and a reader could misjudge: anchors and aliases, tags, several
 * documents, keys given twice (also when written once nested and once dotted), nesting past DEPTH_MAX. A value keeps
 * its place in the file (struct config_origin), so that what is refused later can be shown there.
 */
#include "daemon/config_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 8, NAME_CAP = 128 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    struct config *config;
    struct config_error *error;
};

/* Keys of one group already seen. */
struct seen {
    bool keys[CONFIG_KEYS_MAX];
};

static struct cardea_status fail_at(struct reader *r, yaml_mark_t mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct cardea_status fail_at(struct reader *r, yaml_mark_t mark, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->error->text, sizeof(r->error->text), format, args);
    va_end(args);
    config_printable(r->error->text);
    r->error->line = (unsigned)mark.line + 1;
    r->error->column = (unsigned)mark.column + 1;
    return CARDEA_FAIL(E_USAGE);
}

static struct cardea_status next(struct reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = false;
    if (yaml_parser_parse(&r->parser, &r->event) == 0)
        return fail_at(r, r->parser.problem_mark, "this is not YAML: %s",
                       r->parser.problem == NULL ? "damaged" : r->parser.problem);
    r->has_event = true;
    const yaml_event_t *e = &r->event;
    if (e->type == YAML_ALIAS_EVENT)
        return fail_at(r, e->start_mark, "aliases have no place in this file");
    const unsigned char *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        if (memchr(e->data.scalar.value, 0, e->data.scalar.length) != NULL)
            return fail_at(r, e->start_mark, "this value has a NUL character");
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    }
    if (anchor != NULL || tag != NULL)
        return fail_at(r, e->start_mark, "anchors and tags have no place in this file");
    return CARDEA_SUCCESS;
}

static struct config_origin origin_of(yaml_mark_t mark)
{
    return (struct config_origin){CONFIG_FILE, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static struct view scalar(const struct reader *r)
{
    return view_of(r->event.data.scalar.value, r->event.data.scalar.length);
}

static bool scalar_plain(const struct reader *r)
{
    return r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool scalar_null(const struct reader *r)
{
    struct view v = scalar(r);
    return scalar_plain(r) && (v.len == 0 || view_is(v, "~") || view_is(v, "null"));
}

static bool wants_plain(enum config_type t)
{
    return t == CONFIG_BOOL || t == CONFIG_COUNT;
}

static struct cardea_status set_scalar(struct reader *r, const char *name, const struct config_key *k, void *base)
{
    char reason[CONFIG_REASON_MAX] = "";
    yaml_mark_t mark = r->event.start_mark;
    if (scalar_null(r))
        return fail_at(r, mark, "%s has no value", name);
    if (wants_plain(k->type) && !scalar_plain(r))
        return fail_at(r, mark, "%s must be a %s without quotes", name,
                       k->type == CONFIG_BOOL ? "true or false" : "number");
    struct cardea_status s = config_value_set(k, base, scalar(r), reason);
    return cardea_ok(s) ? s : fail_at(r, mark, "%s %s", name, reason);
}

/* The value of a key: a scalar, or a list where the key is one. */
static struct cardea_status read_value(struct reader *r, const char *name, const struct config_key *k, void *base)
{
    struct cardea_status s;
    yaml_mark_t mark = r->event.start_mark;
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return fail_at(r, mark, "%s takes %s, not a group of keys", name,
                       config_key_is_list(k) ? "a list" : "one value");
    if (!config_key_is_list(k)) {
        if (r->event.type == YAML_SEQUENCE_START_EVENT)
            return fail_at(r, mark, "%s takes one value, not a list", name);
        return set_scalar(r, name, k, base);
    }
    config_list_clear(k, base);
    if (r->event.type == YAML_SCALAR_EVENT)
        return fail_at(r, mark, "%s takes a list, such as [a, b]", name);
    while (cardea_ok(s = next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        if (r->event.type != YAML_SCALAR_EVENT)
            return fail_at(r, r->event.start_mark, "%s takes a list of plain values", name);
        s = set_scalar(r, name, k, base);
        if (!cardea_ok(s))
            return s;
    }
    return s;
}

/* A mapping's next name. *ret_end: there is none. */
static struct cardea_status read_name(struct reader *r, char out[NAME_CAP], bool *ret_end)
{
    struct cardea_status s = next(r);
    if (!cardea_ok(s))
        return s;
    *ret_end = r->event.type == YAML_MAPPING_END_EVENT;
    if (*ret_end)
        return s;
    if (r->event.type != YAML_SCALAR_EVENT)
        return fail_at(r, r->event.start_mark, "a key must be a plain name");
    struct view name = scalar(r);
    if (name.len == 0 || !view_copy(name, out, NAME_CAP))
        return fail_at(r, r->event.start_mark, "a key must be a name of 1 to %d characters", NAME_CAP - 1);
    return s;
}

static struct cardea_status fail_unknown(struct reader *r, yaml_mark_t mark, const char *path, const char *nearest,
                                         const char *prefix)
{
    if (nearest == NULL)
        return fail_at(r, mark, "%s is not a known key", path);
    return fail_at(r, mark, "%s is not a known key; did you mean %s%s?", path, prefix, nearest);
}

/* An app's profile: what its other keys change is decided when all of them have been read. */
static struct cardea_status read_profile(struct reader *r, const char *path, struct app *out)
{
    yaml_mark_t mark = r->event.start_mark;
    if (r->event.type != YAML_SCALAR_EVENT || scalar_null(r))
        return fail_at(r, mark, "%s takes the name of a profile", path);
    struct view word = scalar(r);
    const struct profile_info *p = profile_find(word);
    if (p == NULL)
        return fail_at(r, mark, "%s: \"%.*s\" is no profile; see cardea profile list", path,
                       (int)(word.len > 40 ? 40 : word.len), word.ptr);
    if (!p->available)
        return fail_at(r, mark, "%s: the profile %s is not in this version", path, p->name);
    out->profile = p->profile;
    return CARDEA_SUCCESS;
}

/* The keys inside one app or policy, in any order. */
static struct cardea_status read_members(struct reader *r, const char *path, const struct config_key *keys,
                                         size_t count, void *base)
{
    struct seen seen = {0};
    bool profile_seen = false;
    char name[NAME_CAP], full[2 * NAME_CAP + 32], prefix[NAME_CAP + 32];
    snprintf(prefix, sizeof(prefix), "%s.", path);
    for (;;) {
        bool end;
        struct cardea_status s = read_name(r, name, &end);
        if (!cardea_ok(s) || end)
            return s;
        yaml_mark_t mark = r->event.start_mark;
        snprintf(full, sizeof(full), "%s%s", prefix, name);
        bool profile = keys == app_keys && strcmp(name, "profile") == 0;
        const struct config_key *k = profile ? NULL : config_key_find(keys, count, view_text(name));
        if (!profile && k == NULL)
            return fail_unknown(r, mark, full, config_key_nearest(keys, count, view_text(name)), prefix);
        bool *twice = profile ? &profile_seen : &seen.keys[k - keys];
        if (*twice)
            return fail_at(r, mark, "%s is given twice", full);
        *twice = true;
        s = next(r);
        if (cardea_ok(s))
            s = profile ? read_profile(r, full, base) : read_value(r, full, k, base);
        if (!cardea_ok(s))
            return s;
    }
}

static const struct profile_info *profile_of(const struct app *a)
{
    for (size_t i = 0; i < profile_info_count; i++)
        if (profile_infos[i].profile == a->profile)
            return &profile_infos[i];
    return NULL;
}

/* What the file does not say of an app, its profile does. Zero is no value that the file could give. */
static void complete_app(struct app *a, const char *name)
{
    struct app whole;
    app_from_profile(&whole, view_text(name), profile_of(a));
    whole.credential = a->credential;
    if (a->credential == APP_CREDENTIAL_TOKEN)
        app_take_tokens(&whole);
    whole.idle_ms = a->idle_ms != 0 ? a->idle_ms : whole.idle_ms;
    whole.absolute_ms = a->absolute_ms != 0 ? a->absolute_ms : whole.absolute_ms;
    whole.access_ms = a->access_ms != 0 ? a->access_ms : whole.access_ms;
    whole.same_site = a->same_site != SAME_SITE_UNSET ? a->same_site : whole.same_site;
    whole.roles_in_token = a->roles_in_token;
    whole.token_format = a->token_format;
    whole.origin_count = a->origin_count;
    memcpy(whole.audience, a->audience, sizeof(whole.audience));
    memcpy(whole.origins, a->origins, sizeof(whole.origins));
    *a = whole;
}

static bool profile_has_tokens(const struct profile_info *p)
{
    return p->carrier == CARRIER_TOKEN_COOKIES || p->carrier == CARRIER_BODY;
}

static struct cardea_status check_app(struct reader *r, yaml_mark_t mark, const char *path, const struct app *a)
{
    const struct profile_info *p = profile_of(a);
    if (p != NULL && p->profile != PROFILE_STRICT && a->credential != APP_CREDENTIAL_UNSET)
        return fail_at(r, mark, "%s: credential is a choice of the profile strict alone", path);
    if (p != NULL && p->access_ms == 0 && a->credential != APP_CREDENTIAL_TOKEN && a->access_ms != 0)
        return fail_at(r, mark, "%s: access has no meaning for the profile %s, which hands out no access token", path,
                       p->name);
    if (p != NULL && !profile_has_tokens(p) && a->credential != APP_CREDENTIAL_TOKEN &&
        a->token_format != TOKEN_FORMAT_UNSET)
        return fail_at(r, mark, "%s: token_format has no meaning for the profile %s, which hands out no access token",
                       path, p->name);
    if (p != NULL && p->profile == PROFILE_SEALED && a->idle_ms != 0 && a->idle_ms < a->access_ms)
        return fail_at(r, mark, "%s: idle must not be shorter than access, for which a sealed text goes unseen", path);
    if (a->idle_ms > a->absolute_ms && a->absolute_ms != 0)
        return fail_at(r, mark, "%s: idle must not be longer than absolute", path);
    if (a->access_ms > a->absolute_ms && a->absolute_ms != 0)
        return fail_at(r, mark, "%s: access must not be longer than absolute", path);
    return CARDEA_SUCCESS;
}

/* apps: {shop: web, console: {profile: strict, idle: 10m}} */
static struct cardea_status read_app(struct reader *r, const char *name)
{
    struct settings *settings = &r->config->settings;
    char path[NAME_CAP + 32];
    snprintf(path, sizeof(path), "apps.%s", name);
    yaml_mark_t mark = r->event.start_mark;
    if (settings_app(settings, view_text(name), NULL) != NULL)
        return fail_at(r, mark, "%s is given twice", path);
    if (settings->app_count == APPS_MAX)
        return fail_at(r, mark, "there are more than %d apps", APPS_MAX);
    struct app *a = &settings->apps[settings->app_count];
    memset(a, 0, sizeof(*a));
    struct cardea_status s = next(r);
    if (!cardea_ok(s))
        return s;
    if (r->event.type == YAML_MAPPING_START_EVENT)
        s = read_members(r, path, app_keys, app_key_count, a);
    else
        s = read_profile(r, path, a);
    if (!cardea_ok(s))
        return s;
    if (a->profile == PROFILE_UNSET)
        return fail_at(r, mark, "%s has no profile; say which, such as profile: web", path);
    complete_app(a, name);
    s = check_app(r, mark, path, a);
    if (cardea_ok(s))
        r->config->app_origins[settings->app_count++] = origin_of(mark);
    return s;
}

static struct cardea_status read_policy(struct reader *r, const char *name)
{
    struct settings *settings = &r->config->settings;
    char path[NAME_CAP + 32];
    snprintf(path, sizeof(path), "policies.%s", name);
    yaml_mark_t mark = r->event.start_mark;
    if (settings_policy(settings, view_text(name)) != NULL)
        return fail_at(r, mark, "%s is given twice", path);
    if (settings->policy_count == POLICIES_MAX)
        return fail_at(r, mark, "there are more than %d policies", POLICIES_MAX);
    struct policy *p = &settings->policies[settings->policy_count];
    memset(p, 0, sizeof(*p));
    memcpy(p->name, name, strlen(name));
    struct cardea_status s = next(r);
    if (!cardea_ok(s))
        return s;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(r, r->event.start_mark, "%s takes a group of keys, such as {roles: [admin]}", path);
    s = read_members(r, path, policy_keys, policy_key_count, p);
    if (cardea_ok(s))
        r->config->policy_origins[settings->policy_count++] = origin_of(mark);
    return s;
}

/* issuers: {corp: {issuer: https://…, audience: […], jwks: https://…}} */
static struct cardea_status read_issuer(struct reader *r, const char *name)
{
    struct settings *settings = &r->config->settings;
    char path[NAME_CAP + 32];
    snprintf(path, sizeof(path), "issuers.%s", name);
    yaml_mark_t mark = r->event.start_mark;
    if (settings_issuer(settings, view_text(name)) != NULL)
        return fail_at(r, mark, "%s is given twice", path);
    if (strcmp(name, ISSUER_SELF) == 0)
        return fail_at(r, mark, "%s: \"%s\" means this installation", path, name);
    if (settings->issuer_count == ISSUERS_MAX)
        return fail_at(r, mark, "there are more than %d issuers", ISSUERS_MAX);
    struct issuer *i = &settings->issuers[settings->issuer_count];
    issuer_defaults(i, view_text(name));
    struct cardea_status s = next(r);
    if (!cardea_ok(s))
        return s;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(r, r->event.start_mark, "%s takes a group of keys, such as {issuer: https://…}", path);
    s = read_members(r, path, issuer_keys, issuer_key_count, i);
    if (cardea_ok(s))
        r->config->issuer_origins[settings->issuer_count++] = origin_of(mark);
    return s;
}

static const struct config_key name_key = {"", CONFIG_NAME, 0, APP_NAME_MAX + 1, .help = ""};

/* The groups whose names the operator chooses: apps, policies and issuers. */
static struct cardea_status read_named(struct reader *r, const char *group,
                                       struct cardea_status (*read_one)(struct reader *r, const char *name))
{
    char name[NAME_CAP], checked[APP_NAME_MAX + 1], reason[CONFIG_REASON_MAX] = "";
    struct cardea_status s = next(r);
    if (!cardea_ok(s))
        return s;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(r, r->event.start_mark, "%s takes a group of names", group);
    for (;;) {
        bool end;
        s = read_name(r, name, &end);
        if (!cardea_ok(s) || end)
            return s;
        s = config_value_set(&name_key, checked, view_text(name), reason);
        if (!cardea_ok(s))
            return fail_at(r, r->event.start_mark, "%s: %s", group, reason);
        s = read_one(r, name);
        if (!cardea_ok(s))
            return s;
    }
}

/* Is path a group, the beginning of some key's name? */
static bool is_group(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < config_key_count; i++)
        if (strncmp(config_keys[i].name, path, n) == 0 && config_keys[i].name[n] == '.')
            return true;
    return false;
}

static const struct {
    const char *name;
    struct cardea_status (*read)(struct reader *r, const char *name);
} named_groups[] = {{"apps", read_app}, {"policies", read_policy}, {"issuers", read_issuer}};
enum { NAMED_GROUPS = sizeof(named_groups) / sizeof(named_groups[0]) };

struct groups {
    bool given[NAMED_GROUPS];
};

static struct cardea_status read_group(struct reader *r, const char *path, unsigned depth, struct seen *seen,
                                       struct groups *groups);

static struct cardea_status read_key(struct reader *r, const char *path, const struct config_key *k, yaml_mark_t mark,
                                     struct seen *seen)
{
    size_t index = (size_t)(k - config_keys);
    if (seen->keys[index])
        return fail_at(r, mark, "%s is given twice", path);
    seen->keys[index] = true;
    r->config->origins[index] = origin_of(r->event.start_mark);
    return read_value(r, path, k, r->config);
}

static struct cardea_status read_entry(struct reader *r, const char *path, unsigned depth, struct seen *seen,
                                       struct groups *groups)
{
    yaml_mark_t mark = r->event.start_mark;
    for (size_t i = 0; i < NAMED_GROUPS; i++) {
        if (strcmp(path, named_groups[i].name) != 0)
            continue;
        if (groups->given[i])
            return fail_at(r, mark, "%s is given twice", path);
        groups->given[i] = true;
        return read_named(r, path, named_groups[i].read);
    }
    /* `listen` is an address and a group: in the group the address has a name of its own. */
    const struct config_key *k = config_key_find(
        config_keys, config_key_count, strcmp(path, "listen.address") == 0 ? VIEW("listen") : view_text(path));
    bool group = is_group(path);
    if (k == NULL && !group)
        return fail_unknown(r, mark, path, config_key_nearest(config_keys, config_key_count, view_text(path)), "");
    struct cardea_status s = next(r);
    if (!cardea_ok(s))
        return s;
    if (group && r->event.type == YAML_MAPPING_START_EVENT)
        return read_group(r, path, depth + 1, seen, groups);
    if (k == NULL)
        return fail_at(r, r->event.start_mark, "%s is a group of keys", path);
    return read_key(r, path, k, mark, seen);
}

static struct cardea_status read_group(struct reader *r, const char *path, unsigned depth, struct seen *seen,
                                       struct groups *groups)
{
    if (depth > DEPTH_MAX)
        return fail_at(r, r->event.start_mark, "this is nested too deeply");
    char name[NAME_CAP], full[2 * NAME_CAP];
    for (;;) {
        bool end;
        struct cardea_status s = read_name(r, name, &end);
        if (!cardea_ok(s) || end)
            return s;
        if (snprintf(full, sizeof(full), "%s%s%s", path, *path == 0 ? "" : ".", name) >= NAME_CAP)
            return fail_at(r, r->event.start_mark, "%.40s… is not a known key", full);
        s = read_entry(r, full, depth, seen, groups);
        if (!cardea_ok(s))
            return s;
    }
}

static struct cardea_status read_stream(struct reader *r)
{
    struct seen seen = {0};
    struct groups groups = {0};
    struct cardea_status s = next(r); /* stream start */
    if (cardea_ok(s))
        s = next(r);
    if (!cardea_ok(s) || r->event.type == YAML_STREAM_END_EVENT)
        return s;
    s = next(r); /* past document start */
    if (!cardea_ok(s))
        return s;
    if (r->event.type == YAML_MAPPING_START_EVENT)
        s = read_group(r, "", 0, &seen, &groups);
    else if (r->event.type != YAML_SCALAR_EVENT || !scalar_null(r))
        return fail_at(r, r->event.start_mark, "the file must be a group of keys, such as listen: 127.0.0.1:8420");
    if (cardea_ok(s))
        s = next(r); /* document end */
    if (cardea_ok(s))
        s = next(r);
    if (cardea_ok(s) && r->event.type != YAML_STREAM_END_EVENT)
        return fail_at(r, r->event.start_mark, "the file must hold one document");
    return s;
}

struct cardea_status config_read_yaml(struct config *c, struct view text, struct config_error *error)
{
    struct reader r = {.config = c, .error = error};
    if (yaml_parser_initialize(&r.parser) == 0)
        return fail_at(&r, (yaml_mark_t){0}, "out of memory");
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.len == 0 ? "" : text.ptr), text.len);
    struct cardea_status s = read_stream(&r);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return s;
}
