#include "store/redis/redis.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

struct parse {
    struct redis_options o;
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

/* HOST[:PORT], an IPv6 address in brackets. */
static struct cardea_status read_host(struct parse *p, struct view text, const char *default_port)
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
        port = view_text(default_port);
    if (p->o.host_count == REDIS_SENTINELS)
        return refuse(p, "too many hosts: ", text);
    struct redis_host *h = &p->o.hosts[p->o.host_count];
    if (name.len == 0 || view_has(name, '\0') || !view_copy(name, h->name, sizeof h->name))
        return refuse(p, "this is no host: ", text);
    if (!cardea_ok(parse_u64(port, &n)) || n == 0 || n > 65535 || !view_copy(port, h->port, sizeof h->port))
        return refuse(p, "this is no port: ", port);
    p->o.host_count++;
    return CARDEA_SUCCESS;
}

static struct cardea_status read_database(struct parse *p, struct view text)
{
    uint64_t n = 0;
    if (text.len == 0)
        return CARDEA_SUCCESS;
    if (!cardea_ok(parse_u64(text, &n)) || n > 65535)
        return refuse(p, "this is no database number: ", text);
    p->o.database = (unsigned)n;
    return CARDEA_SUCCESS;
}

enum { PASSWORD_CAP = sizeof((struct redis_options *)0)->password };
_Static_assert(sizeof((struct redis_options *)0)->sentinel_password == PASSWORD_CAP, "one reader for both");

static struct cardea_status read_password(struct parse *p, struct view path, char out[PASSWORD_CAP])
{
    char name[256], text[PASSWORD_CAP + 1];
    struct stat st;
    if (!view_copy(path, name, sizeof name))
        return refuse(p, "this path is too long: ", path);
    FILE *f = fopen(name, "re");
    if (f == NULL) {
        (void)snprintf(p->message, p->cap, "%s: %s", name, strerror(errno));
        return CARDEA_FAIL(E_IO);
    }
    if (fstat(fileno(f), &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH)) != 0) {
        (void)fclose(f);
        return refuse(p, "others may read this password file (chmod 600): ", path);
    }
    size_t len = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (len == 0 || !view_copy(view_of(text, len), out, PASSWORD_CAP))
        return refuse(p, "there is no password of 1 to 255 bytes in: ", path);
    return CARDEA_SUCCESS;
}

static struct cardea_status read_option(struct parse *p, struct view option)
{
    struct view name, value;
    if (!view_cut(option, '=', &name, &value) || value.len == 0 || view_has(value, '\0'))
        return refuse(p, "this is no NAME=VALUE: ", option);
    if (view_is(name, "user"))
        return view_copy(value, p->o.user, sizeof p->o.user) ? CARDEA_SUCCESS : refuse(p, "too long: ", option);
    if (view_is(name, "prefix"))
        return view_copy(value, p->o.prefix, sizeof p->o.prefix) ? CARDEA_SUCCESS : refuse(p, "too long: ", option);
    if (view_is(name, "ca") && p->o.tls)
        return view_copy(value, p->o.ca_file, sizeof p->o.ca_file) ? CARDEA_SUCCESS : refuse(p, "too long: ", option);
    if (view_is(name, "db"))
        return read_database(p, value);
    if (view_is(name, "tls") && p->o.master[0] != '\0') {
        p->o.tls = view_is(value, "yes");
        return p->o.tls || view_is(value, "no") ? CARDEA_SUCCESS : refuse(p, "yes or no: ", option);
    }
    if (view_is(name, "password_file"))
        return read_password(p, value, p->o.password);
    if (view_is(name, "sentinel_user") && p->o.master[0] != '\0')
        return view_copy(value, p->o.sentinel_user, sizeof p->o.sentinel_user) ? CARDEA_SUCCESS
                                                                               : refuse(p, "too long: ", option);
    if (view_is(name, "sentinel_password_file") && p->o.master[0] != '\0')
        return read_password(p, value, p->o.sentinel_password);
    return refuse(p, "there is no such option: ", name);
}

static struct cardea_status read_options(struct parse *p, struct view options)
{
    struct cardea_status s = CARDEA_SUCCESS;
    while (cardea_ok(s) && options.len > 0) {
        struct view option;
        (void)view_cut(options, '&', &option, &options);
        s = read_option(p, option);
    }
    if (cardea_ok(s) && p->o.user[0] != '\0' && p->o.password[0] == '\0')
        return refuse(p, "a user needs a password_file", VIEW_EMPTY);
    if (cardea_ok(s) && p->o.sentinel_user[0] != '\0' && p->o.sentinel_password[0] == '\0')
        return refuse(p, "a sentinel_user needs a sentinel_password_file", VIEW_EMPTY);
    return s;
}

static struct cardea_status read_server(struct parse *p, struct view rest)
{
    struct view authority, path;
    (void)view_cut(rest, '/', &authority, &path);
    struct cardea_status s = read_host(p, authority, "6379");
    return cardea_ok(s) ? read_database(p, path) : s;
}

static struct cardea_status read_sentinels(struct parse *p, struct view rest)
{
    struct view hosts, path, master, database;
    if (!view_cut(rest, '/', &hosts, &path))
        return refuse(p, "the name of the primary is missing: redis-sentinel://HOST:PORT,HOST:PORT/NAME", VIEW_EMPTY);
    (void)view_cut(path, '/', &master, &database);
    if (master.len == 0 || view_has(master, '\0') || !view_copy(master, p->o.master, sizeof p->o.master))
        return refuse(p, "this is no name of a primary: ", master);
    struct cardea_status s = read_database(p, database);
    while (cardea_ok(s) && hosts.len > 0) {
        struct view host;
        (void)view_cut(hosts, ',', &host, &hosts);
        s = read_host(p, host, "26379");
    }
    if (cardea_ok(s) && p->o.host_count == 0)
        return refuse(p, "no Sentinel is named", VIEW_EMPTY);
    return s;
}

static struct cardea_status read_url(struct parse *p, struct view url)
{
    struct view rest = url, options = VIEW_EMPTY;
    if (view_has(url, '@'))
        return refuse(p, "a password does not belong into a URL: use ?user=NAME&password_file=PATH", VIEW_EMPTY);
    (void)view_cut(url, '?', &rest, &options);
    struct cardea_status s;
    if (starts(&rest, "redis+unix://")) {
        s = rest.len > 0 && rest.ptr[0] == '/' && !view_has(rest, '\0') &&
                    view_copy(rest, p->o.unix_path, sizeof p->o.unix_path)
                ? CARDEA_SUCCESS
                : refuse(p, "this is no absolute path of a socket: ", rest);
    } else if (starts(&rest, "redis-sentinel://")) {
        s = read_sentinels(p, rest);
    } else if (starts(&rest, "rediss://")) {
        p->o.tls = true;
        s = read_server(p, rest);
    } else if (starts(&rest, "redis://")) {
        s = read_server(p, rest);
    } else {
        s = refuse(p, "this is none of redis://, rediss://, redis-sentinel://, redis+unix://", VIEW_EMPTY);
    }
    return cardea_ok(s) ? read_options(p, options) : s;
}

struct cardea_status redis_options_read(struct view url, struct redis_options *out, char *message, size_t message_cap)
{
    struct parse p = {.message = message, .cap = message_cap};
    struct cardea_status s = read_url(&p, url);
    if (cardea_ok(s))
        *out = p.o;
    return s;
}
