#include "store/postgres/internal.h"

#include "base/address.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void store_close(struct store *s)
{
    struct postgres *store = (struct postgres *)s;
    if (store == NULL)
        return;
    while (store->idle != NULL) {
        struct store_tx *tx = store->idle;
        store->idle = tx->next_free;
        connection_close(tx);
    }
    connection_close(store->listener);
    if (store->wake_fd >= 0)
        (void)close(store->wake_fd);
    pthread_cond_destroy(&store->freed);
    pthread_mutex_destroy(&store->lock);
    free(store->conninfo);
    free(store);
}

static const struct store_ops postgres_ops = {
    .name = "postgres",
    .close = store_close,
    .begin = postgres_begin,
    .mark = postgres_mark,
    .keep = postgres_keep,
    .undo = postgres_undo,
    .commit = postgres_commit,
    .abort = postgres_abort,
    .expect = postgres_expect,
    .user_get = postgres_user_get,
    .user_find = sql_user_find,
    .user_find_email = sql_user_find_email,
    .user_put = sql_user_put,
    .user_delete = sql_user_delete,
    .user_list = sql_user_list,
    .api_key_get = sql_api_key_get,
    .api_key_put = sql_api_key_put,
    .api_key_delete = sql_api_key_delete,
    .api_key_list = sql_api_key_list,
    .key_put = sql_key_put,
    .key_delete = sql_key_delete,
    .key_list = sql_key_list,
    .event_append = sql_event_append,
    .event_list = sql_event_list,
    .revocation_list = sql_revocation_list,
    .revocation_find = postgres_revocation_find,
    .value_get = sql_value_get,
    .value_put = sql_value_put,
    .value_raise = sql_value_raise,
    .verifier_put = sql_verifier_put,
    .verifier_delete = sql_verifier_delete,
    .verifier_list = sql_verifier_list,
    .push = postgres_push,
    .push_wait = postgres_push_wait,
    .push_wake = postgres_push_wake,
    .event_put = sql_event_put,
    .value_list = sql_value_list,
    .account_erase = sql_account_erase,
    .session_get = postgres_session_get,
    .session_create = sql_session_create,
    .session_create_many = postgres_session_create_many,
    .session_erase = sql_session_erase,
    .session_rotate = postgres_session_rotate,
    .session_delete = sql_session_delete,
    .session_delete_below = sql_session_delete_below,
    .session_touch = postgres_session_touch,
    .session_list = sql_session_list,
    .session_scan = sql_session_scan,
    .count = sql_count,
    .code_put = sql_code_put,
    .code_take = sql_code_take,
    .sweep = sql_sweep,
};

/* --- the URL --- */

static bool schema_good(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((v.ptr[i] < 'a' || v.ptr[i] > 'z') && v.ptr[i] != '_' && (i == 0 || v.ptr[i] < '0' || v.ptr[i] > '9'))
            return false;
    return v.len > 0 && v.len < sizeof((struct postgres *)0)->schema;
}

/* Take our own option out of the URL; libpq refuses what it does not know. */
static bool take_schema(struct view url, struct buf *rest, char schema[64])
{
    struct view before, options;
    bool first = true;
    if (!view_cut(url, '?', &before, &options))
        options = VIEW_EMPTY;
    buf_put(rest, before);
    while (options.len > 0) {
        struct view option;
        (void)view_cut(options, '&', &option, &options);
        if (view_starts(option, VIEW("schema="))) {
            option = view_skip(option, strlen("schema="));
            if (!schema_good(option) || !view_copy(option, schema, 64))
                return false;
            continue;
        }
        buf_char(rest, first ? '?' : '&');
        buf_put(rest, option);
        first = false;
    }
    return buf_terminate(rest);
}

static const char *option(const PQconninfoOption *o, const char *name)
{
    for (; o->keyword != NULL; o++)
        if (strcmp(o->keyword, name) == 0)
            return o->val;
    return NULL;
}

static bool is_local(const char *host)
{
    struct address a;
    if (host == NULL || host[0] == '\0' || host[0] == '/' || strcmp(host, "localhost") == 0)
        return true;
    return cardea_ok(address_parse(view_text(host), &a)) && address_is_loopback(&a);
}

static struct cardea_status read_url(const char *url, struct postgres *store, char *message, size_t cap)
{
    char *why = NULL;
    struct buf rest = buf_heap(2048);
    (void)snprintf(store->schema, sizeof store->schema, "cardea");
    if (!take_schema(view_text(url), &rest, store->schema)) {
        buf_clear(&rest);
        (void)snprintf(message, cap, "schema: lower-case letters, digits and _, at most 63");
        return CARDEA_FAIL(E_USAGE);
    }
    PQconninfoOption *parsed = PQconninfoParse(rest.ptr, &why);
    if (parsed == NULL) {
        /* libpq repeats what it could not read, and that may hold a password. */
        (void)snprintf(message, cap, "this is no URL of a PostgreSQL database");
        PQfreemem(why);
        buf_clear(&rest);
        return CARDEA_FAIL(E_USAGE);
    }
    bool secret = option(parsed, "password") != NULL;
    bool plain = option(parsed, "sslmode") == NULL && !is_local(option(parsed, "host"));
    bool patient = option(parsed, "tcp_user_timeout") == NULL && option(parsed, "keepalives_idle") == NULL;
    PQconninfoFree(parsed);
    bool first = memchr(rest.ptr, '?', rest.len) == NULL;
    if (plain) {
        buf_text(&rest, first ? "?sslmode=verify-full" : "&sslmode=verify-full");
        first = false;
    }
    buf_text(&rest, first ? "?application_name=cardea" : "&application_name=cardea");
    if (patient) /* a listener that waits behind a cut line must learn of it */
        buf_text(&rest, "&keepalives_idle=5&keepalives_interval=2&keepalives_count=3&tcp_user_timeout=10000");
    store->conninfo = buf_terminate(&rest) ? strdup(rest.ptr) : NULL;
    buf_clear(&rest);
    if (secret) {
        (void)snprintf(message, cap, "a password does not belong into a URL: use passfile=PATH");
        return CARDEA_FAIL(E_USAGE);
    }
    return store->conninfo == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_SUCCESS;
}

static struct postgres *store_new(int64_t (*boot_ms)(void), store_digest_fn *digest)
{
    struct postgres *store = calloc(1, sizeof *store);
    if (store == NULL)
        return NULL;
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&store->freed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&store->lock, NULL);
    store->base.ops = &postgres_ops;
    store->boot_ms = boot_ms;
    store->digest = digest;
    store->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return store;
}

struct cardea_status store_postgres_open(const char *url, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                         struct store **out, char *message, size_t message_cap)
{
    char why[200] = "out of memory";
    struct store_tx *tx = NULL;
    struct postgres *store = store_new(boot_ms, digest);
    struct cardea_status s =
        store == NULL || store->wake_fd < 0 ? CARDEA_FAIL(E_UNAVAILABLE) : read_url(url, store, why, sizeof why);
    int64_t deadline_ms = boot_ms() + OPEN_MS;
    if (cardea_ok(s))
        s = connection_open(store, -1, deadline_ms, &tx, why, sizeof why);
    if (cardea_ok(s))
        s = schema_migrate(tx, deadline_ms, why, sizeof why);
    if (!cardea_ok(s)) {
        (void)snprintf(message, message_cap, "PostgreSQL: %s", why);
        connection_close(tx);
        store_close(store == NULL ? NULL : &store->base);
        return s;
    }
    store->idle = tx;
    *out = &store->base;
    return s;
}

struct cardea_status store_postgres_check(const char *url, char *message, size_t message_cap)
{
    struct postgres parsed = {.conninfo = NULL};
    struct cardea_status s = read_url(url, &parsed, message, message_cap);
    free(parsed.conninfo);
    return s;
}
