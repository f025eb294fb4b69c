#include "store/module.h"
#include "store/mixture.h"
#include "store/postgres/postgres.h"

/* Sessions alone: no journal is written here, so nothing is hashed. */
static void no_digest(const void *bytes, size_t len, uint8_t out[32])
{
    (void)bytes;
    (void)len;
    memset(out, 0, 32);
}

static struct cardea_status open_accounts(struct view url, int64_t (*boot_ms)(void), store_digest_fn *digest,
                                          struct store **out, char *message, size_t message_cap)
{
    char text[1024];
    if (!view_copy(url, text, sizeof text))
        return CARDEA_FAIL(E_USAGE);
    return store_postgres_open(text, boot_ms, digest, out, message, message_cap);
}

static struct cardea_status open_sessions(struct view url, int64_t (*boot_ms)(void), int64_t (*wall_ms)(void),
                                          struct sessions **out, char *message, size_t message_cap)
{
    struct store *store = NULL;
    (void)wall_ms;
    struct cardea_status s = open_accounts(url, boot_ms, no_digest, &store, message, message_cap);
    if (!cardea_ok(s))
        return s;
    s = store_as_sessions(store, out);
    if (!cardea_ok(s))
        store->ops->close(store);
    return s;
}

static struct cardea_status check_url(struct view url, char *message, size_t message_cap)
{
    char text[1024];
    if (view_copy(url, text, sizeof text))
        return store_postgres_check(text, message, message_cap);
    return CARDEA_FAIL(E_USAGE);
}

__attribute__((visibility("default"))) extern const struct sessions_module cardea_sessions_module;
const struct sessions_module cardea_sessions_module = {SESSIONS_MODULE_VERSION, open_sessions, check_url};
__attribute__((visibility("default"))) extern const struct accounts_module cardea_accounts_module;
const struct accounts_module cardea_accounts_module = {ACCOUNTS_MODULE_VERSION, open_accounts, check_url};
