#include "store/module.h"
#include "store/memcached/memcached.h"

static struct cardea_status open_url(struct view url, int64_t (*boot_ms)(void), int64_t (*wall_ms)(void),
                                     struct sessions **out, char *message, size_t message_cap)
{
    struct cache_options o;
    struct cardea_status s = cache_options_read(url, &o, message, message_cap);
    o.boot_ms = boot_ms;
    o.wall_ms = wall_ms;
    return cardea_ok(s) ? sessions_memcached_open(&o, out, message, message_cap) : s;
}

static struct cardea_status check_url(struct view url, char *message, size_t message_cap)
{
    struct cache_options o;
    return cache_options_read(url, &o, message, message_cap);
}

__attribute__((visibility("default"))) extern const struct sessions_module cardea_sessions_module;
const struct sessions_module cardea_sessions_module = {SESSIONS_MODULE_VERSION, open_url, check_url};
