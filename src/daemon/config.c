#include "daemon/config.h"
#include "daemon/config_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* CARDEA_ variables that are no keys: the command line and the tests read them. */
static const char *const other_variables[] = {"CARDEA_CONFIG", "CARDEA_VECTORS", "CARDEA_BIN",
                                              "CARDEA_BENCH",  "CARDEA_BUILD",   "CARDEA_TEST_"};

static struct cardea_status fail_file(struct config_error *error, const char *why)
{
    snprintf(error->text, sizeof(error->text), "the configuration file can not be read: %s", why);
    return CARDEA_FAIL(E_USAGE);
}

/* The whole file, with a limit: it may be a device or grow while it is read. */
static struct cardea_status slurp(const char *path, struct buf *out, struct config_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_file(error, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return fail_file(error, "it is not a file");
    }
    for (;;) {
        char chunk[8192];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        int failed = errno;
        if (n > 0)
            buf_put(out, view_of(chunk, (size_t)n));
        if (n > 0 && buf_ok(out))
            continue;
        close(fd);
        if (n < 0)
            return fail_file(error, strerror(failed));
        return buf_ok(out) ? CARDEA_SUCCESS : fail_file(error, "it is larger than 1 MiB");
    }
}

struct cardea_status config_defaults(struct config *c)
{
    settings_defaults(&c->settings);
    /* Derived from listen unless given. */
    memset(c->settings.public_url, 0, sizeof(c->settings.public_url));
    for (size_t i = 0; i < config_key_count; i++) {
        char reason[CONFIG_REASON_MAX];
        const struct config_key *k = &config_keys[i];
        c->origins[i].source = CONFIG_DEFAULT;
        if (*k->default_text == 0)
            continue;
        struct cardea_status s = config_value_set(k, c, view_text(k->default_text), reason);
        if (!cardea_ok(s))
            return CARDEA_FAIL(E_INTERNAL);
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status load_file(struct config *c, const char *file, struct config_error *error)
{
    if (strlen(file) >= sizeof(c->file))
        return fail_file(error, "its name is too long");
    snprintf(c->file, sizeof(c->file), "%s", file);
    snprintf(error->file, sizeof(error->file), "%s", file);
    struct buf text = buf_heap(CONFIG_FILE_MAX);
    struct cardea_status s = slurp(file, &text, error);
    /* A file says which apps there are; the ones of a development state are gone. */
    c->settings.app_count = 0;
    c->settings.policy_count = 0;
    c->settings.issuer_count = 0;
    memset(c->settings.apps, 0, sizeof(c->settings.apps));
    memset(c->settings.policies, 0, sizeof(c->settings.policies));
    if (cardea_ok(s))
        s = config_read_yaml(c, buf_view(&text), error);
    buf_clear(&text);
    if (cardea_ok(s))
        error->file[0] = 0;
    return s;
}

static struct cardea_status set_from(struct config *c, const struct config_key *k, struct view value, const char *name,
                                     enum config_source source, struct config_error *error)
{
    char reason[CONFIG_REASON_MAX] = "";
    struct cardea_status s =
        config_key_is_list(k) ? config_list_set(k, c, value, reason) : config_value_set(k, c, value, reason);
    if (!cardea_ok(s)) {
        snprintf(error->text, sizeof(error->text), "%s %s", name, reason);
        config_printable(error->text);
        return s;
    }
    c->origins[k - config_keys] = (struct config_origin){source, 0, 0};
    return s;
}

static const struct config_key *key_of_variable(struct view name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        char text[128];
        struct buf b = buf_fixed(text, sizeof(text));
        config_key_variable(&config_keys[i], &b);
        if (view_equal(name, buf_view(&b)))
            return &config_keys[i];
    }
    return NULL;
}

static bool is_other_variable(struct view name)
{
    for (size_t i = 0; i < sizeof(other_variables) / sizeof(other_variables[0]); i++)
        if (view_starts(name, view_text(other_variables[i])))
            return true;
    return false;
}

/* The systemd credential takes the place of the default, not of what somebody wrote. */
static void use_credential(struct config *c, struct view folder)
{
    const struct config_key *k = config_key_find(config_keys, config_key_count, VIEW("master_key_file"));
    char path[CONFIG_PATH_MAX];
    if (k == NULL || c->origins[k - config_keys].source != CONFIG_DEFAULT || folder.len == 0 ||
        snprintf(path, sizeof(path), "%.*s/cardea-master-key", (int)folder.len, folder.ptr) >= (int)sizeof(path) ||
        access(path, F_OK) != 0)
        return;
    memcpy(c->master_key_file, path, sizeof(path));
    c->origins[k - config_keys].source = CONFIG_ENVIRONMENT;
}

static struct cardea_status load_environment(struct config *c, const char *const *environment,
                                             struct config_error *error)
{
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        struct view name, value;
        if (!view_starts(view_text(environment[i]), VIEW("CARDEA_")) ||
            !view_cut(view_text(environment[i]), '=', &name, &value))
            continue;
        const struct config_key *k = key_of_variable(name);
        if (k == NULL) {
            if (!is_other_variable(name))
                config_warn(c, "the environment variable %.*s is not a known key and has no effect",
                            (int)(name.len > 100 ? 100 : name.len), name.ptr);
            continue;
        }
        char text[128];
        snprintf(text, sizeof(text), "%.*s", (int)name.len, name.ptr);
        struct cardea_status s = set_from(c, k, value, text, CONFIG_ENVIRONMENT, error);
        if (!cardea_ok(s))
            return s;
    }
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        if (view_starts(view_text(environment[i]), VIEW("CREDENTIALS_DIRECTORY=")))
            use_credential(c, view_skip(view_text(environment[i]), strlen("CREDENTIALS_DIRECTORY=")));
    return CARDEA_SUCCESS;
}

static struct cardea_status load_options(struct config *c, const struct config_option *options, size_t count,
                                         struct config_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct config_key *k = config_key_find(config_keys, config_key_count, view_text(options[i].key));
        if (k == NULL) {
            snprintf(error->text, sizeof(error->text), "%s is not a known key", options[i].key);
            return CARDEA_FAIL(E_USAGE);
        }
        char name[64];
        snprintf(name, sizeof(name), "--%s", options[i].key);
        struct cardea_status s = set_from(c, k, view_text(options[i].value), name, CONFIG_OPTION, error);
        if (!cardea_ok(s))
            return s;
    }
    return CARDEA_SUCCESS;
}

struct cardea_status config_load(const char *file, const char *const *environment, const struct config_option *options,
                                 size_t option_count, struct config *out, struct config_error *error)
{
    memset(error, 0, sizeof(*error));
    struct config *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        snprintf(error->text, sizeof(error->text), "out of memory");
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    struct cardea_status s = config_defaults(c);
    if (!cardea_ok(s))
        snprintf(error->text, sizeof(error->text), "a default of the table of keys is not accepted");
    if (cardea_ok(s) && file != NULL)
        s = load_file(c, file, error);
    if (cardea_ok(s))
        s = load_environment(c, environment, error);
    if (cardea_ok(s))
        s = load_options(c, options, option_count, error);
    if (cardea_ok(s)) {
        memcpy(error->file, c->file, sizeof(error->file)); /* config_refuse drops it where the key is not from there */
        s = config_settle(c, error);
    }
    if (cardea_ok(s)) {
        memcpy(out, c, sizeof(*out));
        memset(error, 0, sizeof(*error));
    }
    free(c);
    return s;
}

void config_error_text(const struct config_error *e, struct buf *out)
{
    if (e->file[0] != 0) {
        buf_text(out, e->file);
        buf_char(out, ':');
        if (e->line != 0) {
            buf_uint(out, e->line);
            buf_char(out, ':');
            buf_uint(out, e->column);
            buf_char(out, ':');
        }
        buf_char(out, ' ');
    }
    buf_text(out, e->text);
}
