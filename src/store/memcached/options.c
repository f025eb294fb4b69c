#include "store/memcached/memcached.h"

#include "base/text.h"

#include <stdio.h>
#include <sys/un.h>

struct parse {
    struct cache_options o;
    char *message;
    size_t cap;
};

static struct cardea_status refuse(struct parse *p, const char *why, struct view what)
{
    (void)snprintf(p->message, p->cap, "%s%.*s", why, (int)what.len, what.len > 0 ? what.ptr : "");
    return CARDEA_FAIL(E_USAGE);
}

static bool starts(struct view *v, const char *prefix)
{
    if (!view_starts(*v, view_text(prefix)))
        return false;
    *v = view_skip(*v, strlen(prefix));
    return true;
}

static bool good_host(struct view name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] <= ' ' || (unsigned char)name.ptr[i] >= 0x7f || name.ptr[i] == '/')
            return false;
    return name.len > 0;
}

/* HOST[:PORT], an IPv6 address in brackets. */
static struct cardea_status read_host(struct parse *p, struct view text)
{
    struct view name = text, port = VIEW_EMPTY;
    uint64_t n = 0;
    if (text.len > 0 && text.ptr[0] == '[') {
        if (!view_cut(view_skip(text, 1), ']', &name, &port) || (port.len > 0 && port.ptr[0] != ':'))
            return refuse(p, "this is no host: ", text);
        port = view_skip(port, 1);
    } else {
        (void)view_cut(text, ':', &name, &port);
    }
    if (port.len == 0)
        port = VIEW("11211");
    if (p->o.host_count == CACHE_SERVERS)
        return refuse(p, "too many servers, from this one on: ", text);
    struct cache_host *h = &p->o.hosts[p->o.host_count];
    if (!good_host(name) || !view_copy(name, h->name, sizeof h->name))
        return refuse(p, "this is no host: ", text);
    if (!cardea_ok(parse_u64(port, &n)) || n == 0 || n > 65535)
        return refuse(p, "this is no port: ", port);
    h->port = (uint16_t)n;
    for (uint32_t i = 0; i < p->o.host_count; i++)
        if (p->o.hosts[i].port == h->port && strcmp(p->o.hosts[i].name, h->name) == 0)
            return refuse(p, "this server is named twice: ", text);
    p->o.host_count++;
    return CARDEA_SUCCESS;
}

static struct cardea_status read_hosts(struct parse *p, struct view hosts)
{
    struct cardea_status s = hosts.len == 0 ? refuse(p, "no server is named", VIEW_EMPTY) : CARDEA_SUCCESS;
    bool more = true;
    while (cardea_ok(s) && more) {
        struct view host;
        more = view_cut(hosts, ',', &host, &hosts);
        s = read_host(p, host);
    }
    return s;
}

static struct cardea_status read_socket(struct parse *p, struct view path)
{
    struct sockaddr_un a;
    struct cache_host *h = &p->o.hosts[0];
    if (path.len == 0 || path.ptr[0] != '/' || view_has(path, '\0') || path.len >= sizeof a.sun_path ||
        !view_copy(path, h->name, sizeof h->name))
        return refuse(p, "this is no absolute path of a socket: ", path);
    p->o.host_count = 1;
    return CARDEA_SUCCESS;
}

/* Keys are text to Memcached, and end at a space. */
static bool good_prefix(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("-_.:", c) != NULL)))
            return false;
    }
    return v.len > 0;
}

static struct cardea_status read_options(struct parse *p, struct view options)
{
    while (options.len > 0) {
        struct view option, name, value;
        (void)view_cut(options, '&', &option, &options);
        if (!view_cut(option, '=', &name, &value))
            return refuse(p, "this is no NAME=VALUE: ", option);
        if (!view_is(name, "prefix"))
            return refuse(p, "there is no such option (Memcached's client has no TLS and no passwords): ", name);
        if (!good_prefix(value) || !view_copy(value, p->o.prefix, sizeof p->o.prefix))
            return refuse(p, "a prefix is 1 to 32 letters, digits or -_.: but this is: ", value);
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status read_url(struct parse *p, struct view url)
{
    struct view rest = url, options = VIEW_EMPTY;
    if (view_has(url, '@'))
        return refuse(p,
                      "a password does not belong into a URL, and Memcached's client could only send it in the clear",
                      VIEW_EMPTY);
    (void)view_cut(url, '?', &rest, &options);
    struct cardea_status s;
    if (starts(&rest, "memcached+unix://"))
        s = read_socket(p, rest);
    else if (starts(&rest, "memcached://"))
        s = read_hosts(p, rest);
    else
        s = refuse(p, "this is none of memcached://, memcached+unix://", VIEW_EMPTY);
    return cardea_ok(s) ? read_options(p, options) : s;
}

struct cardea_status cache_options_read(struct view url, struct cache_options *out, char *message, size_t message_cap)
{
    struct parse p = {.message = message, .cap = message_cap};
    struct cardea_status s = read_url(&p, url);
    if (cardea_ok(s))
        *out = p.o;
    return s;
}
