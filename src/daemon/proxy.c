#include "daemon/proxy.h"

bool proxies_list(const struct proxies *p, const struct address *a)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (address_in(a, &p->ranges[i]))
            return true;
    return false;
}

/* "1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:80", "::1", as proxies write them. */
static bool hop_parse(struct view v, struct address *out)
{
    if (v.len > 1 && v.ptr[0] == '[') {
        const char *close = memchr(v.ptr, ']', v.len);
        if (close == NULL)
            return false;
        size_t len = (size_t)(close - v.ptr) - 1;
        if (close + 1 < v.ptr + v.len && close[1] != ':')
            return false;
        return cardea_ok(address_parse(view_of(v.ptr + 1, len), out));
    }
    const char *colon = v.len > 0 ? memchr(v.ptr, ':', v.len) : NULL;
    if (colon != NULL && memchr(colon + 1, ':', v.len - (size_t)(colon - v.ptr) - 1) == NULL)
        v.len = (size_t)(colon - v.ptr);
    return cardea_ok(address_parse(v, out));
}

/* Take the last entry off a comma list. */
static struct view last_entry(struct view *list)
{
    size_t at = list->len;
    while (at > 0 && list->ptr[at - 1] != ',')
        at--;
    struct view entry = view_trim(view_of(list->ptr + at, list->len - at));
    list->len = at > 0 ? at - 1 : 0;
    return entry;
}

/* Walk one header line from its right end. true: the client was found, or the walk must stop. */
static bool walk(const struct proxies *p, struct view list, struct address *client)
{
    while (list.len > 0) {
        struct address hop;
        if (!hop_parse(last_entry(&list), &hop))
            return true;
        *client = hop;
        if (!proxies_list(p, &hop))
            return true;
    }
    return false;
}

static struct address forwarded_for(const struct proxies *p, const struct peer *peer, const struct request *r)
{
    struct address client = peer->address;
    for (uint32_t i = r->header_count; i > 0; i--)
        if (view_equal_ascii_case(r->headers[i - 1].name, VIEW("X-Forwarded-For")) &&
            walk(p, r->headers[i - 1].value, &client))
            break;
    return client;
}

static bool forwarded_https(const struct request *r, bool otherwise)
{
    for (uint32_t i = r->header_count; i > 0; i--) {
        if (!view_equal_ascii_case(r->headers[i - 1].name, VIEW("X-Forwarded-Proto")))
            continue;
        struct view list = r->headers[i - 1].value;
        return view_equal_ascii_case(last_entry(&list), VIEW("https"));
    }
    return otherwise;
}

static bool is_here(const struct peer *peer)
{
    return peer->tls || peer->address.version == 0 || address_is_loopback(&peer->address);
}

bool peer_is_private(const struct peer *peer)
{
    return is_here(peer) || peer->trusted;
}

void proxy_resolve(const struct proxies *p, const struct peer *peer, struct request *r)
{
    bool here = is_here(peer);
    r->client = peer->address;
    r->proxied = peer->trusted;
    r->secure = here;
    if (!peer->trusted)
        return;
    r->client = forwarded_for(p, peer, r);
    r->secure = forwarded_https(r, here);
}
