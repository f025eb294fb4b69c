/* URLs in the configuration: one form, the one that browsers send in Origin, so that comparing bytes is enough. */
#include "base/text.h"
#include "daemon/config_keys.h"

#include <stdio.h>
#include <string.h>

static struct cardea_status refuse(char reason[CONFIG_REASON_MAX], const char *why)
{
    snprintf(reason, CONFIG_REASON_MAX, "%s", why);
    return CARDEA_FAIL(E_USAGE);
}

struct parts {
    bool https;
    struct view host; /* with brackets, where IPv6 */
    uint16_t port;    /* 0: the scheme's own */
    struct view path; /* without trailing slashes */
};

static bool host_good(struct view h)
{
    if (h.len > 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']') {
        struct address a;
        return cardea_ok(address_parse(view_of(h.ptr + 1, h.len - 2), &a));
    }
    for (size_t i = 0; i < h.len; i++) {
        char c = h.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!good || (c == '.' && (i == 0 || h.ptr[i - 1] == '.')))
            return false;
    }
    return h.len > 0 && h.ptr[h.len - 1] != '.';
}

static bool path_good(struct view p)
{
    for (size_t i = 0; i < p.len; i++) {
        unsigned char c = (unsigned char)p.ptr[i];
        if (c <= 0x20 || c >= 0x7F || strchr("?#\"\\<>%@", c) != NULL)
            return false;
    }
    return true;
}

/* Cut "host:port"; an IPv6 host keeps its brackets. */
static bool cut_authority(struct view authority, struct parts *out)
{
    size_t end;
    if (authority.len > 0 && authority.ptr[0] == '[') {
        const char *close = memchr(authority.ptr, ']', authority.len);
        end = close == NULL ? 0 : (size_t)(close - authority.ptr) + 1;
    } else {
        const char *colon = memchr(authority.ptr, ':', authority.len);
        end = colon == NULL ? authority.len : (size_t)(colon - authority.ptr);
    }
    out->host = view_of(authority.ptr, end);
    struct view port = view_skip(authority, end);
    if (port.len == 0)
        return host_good(out->host);
    uint64_t n;
    if (port.ptr[0] != ':' || !cardea_ok(parse_u64(view_skip(port, 1), &n)) || n > 65535)
        return false;
    out->port = (uint16_t)n == (out->https ? 443 : 80) ? 0 : (uint16_t)n;
    return host_good(out->host);
}

struct cardea_status config_url(struct view in, bool path, char *out, size_t cap, char reason[CONFIG_REASON_MAX])
{
    struct parts p = {0};
    struct view rest;
    if (view_starts(in, VIEW("https://"))) {
        p.https = true;
        rest = view_skip(in, 8);
    } else if (view_starts(in, VIEW("http://"))) {
        rest = view_skip(in, 7);
    } else {
        return refuse(reason, "must begin with https:// (or, for loopback, http://)");
    }
    const char *slash = rest.len == 0 ? NULL : memchr(rest.ptr, '/', rest.len);
    size_t end = slash == NULL ? rest.len : (size_t)(slash - rest.ptr);
    p.path = view_skip(rest, end);
    while (p.path.len > 0 && p.path.ptr[p.path.len - 1] == '/')
        p.path.len--;
    if (rest.len == 0 || !cut_authority(view_of(rest.ptr, end), &p))
        return refuse(reason, "must be SCHEME://HOST or SCHEME://HOST:PORT, without user or password");
    if (!path && p.path.len > 0)
        return refuse(reason, "must be an origin, SCHEME://HOST or SCHEME://HOST:PORT, without a path");
    if (!path_good(p.path))
        return refuse(reason, "has a query, a fragment or a character that must not stand in its path");
    char text[URL_MAX + 1] = "";
    struct buf b = buf_fixed(text, URL_MAX);
    buf_text(&b, p.https ? "https://" : "http://");
    for (size_t i = 0; i < p.host.len; i++) {
        char c = p.host.ptr[i];
        buf_char(&b, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    if (p.port != 0) {
        buf_char(&b, ':');
        buf_uint(&b, p.port);
    }
    buf_put(&b, p.path);
    if (!buf_ok(&b) || b.len >= cap)
        return refuse(reason, "is too long");
    memset(out, 0, cap);
    memcpy(out, text, b.len);
    return CARDEA_SUCCESS;
}

struct view config_url_origin(struct view url)
{
    size_t begin = view_starts(url, VIEW("https://")) ? 8 : 7, i = begin;
    while (i < url.len && url.ptr[i] != '/')
        i++;
    return view_of(url.ptr, i);
}

struct view config_url_host(struct view url)
{
    struct view authority = config_url_origin(url);
    authority = view_skip(authority, view_starts(url, VIEW("https://")) ? 8 : 7);
    if (authority.len > 0 && authority.ptr[0] == '[') {
        struct view host;
        view_cut(view_skip(authority, 1), ']', &host, &authority);
        return host;
    }
    struct view host, port;
    view_cut(authority, ':', &host, &port);
    return host;
}

bool config_host_is_loopback(struct view host)
{
    struct address a;
    return view_is(host, "localhost") ||
           (host.len > 10 && view_equal(view_skip(host, host.len - 10), VIEW(".localhost"))) ||
           (cardea_ok(address_parse(host, &a)) && address_is_loopback(&a));
}
