#include "store/redis/pool.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum {
    OPERATION_MS = 2000, /* of one operation at most, whatever its deadline: a server that hangs is away */
    ASK_AGAIN_MS = 200,
};

void pool_init(struct pool *p, const struct redis_options *o)
{
    pthread_condattr_t attributes;
    *p = (struct pool){.options = *o};
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->freed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void pool_clear(struct pool *p)
{
    while (p->idle_count > 0)
        link_close(p->idle[--p->idle_count].link);
    pthread_cond_destroy(&p->freed);
    pthread_mutex_destroy(&p->lock);
}

/* --- making one ready --- */

static struct cardea_status ask(struct link *l, const struct words *w, int64_t deadline_ms, redisReply **out)
{
    struct cardea_status s = link_say(l, w);
    return cardea_ok(s) ? link_hear(l, deadline_ms, out) : s;
}

/* A command whose answer is of no interest unless it is an error. */
static struct cardea_status expect(struct link *l, const struct words *w, int64_t deadline_ms, char *why, size_t cap)
{
    redisReply *r = NULL;
    struct cardea_status s = ask(l, w, deadline_ms, &r);
    if (!cardea_ok(s))
        return s;
    if (r->type == REDIS_REPLY_ERROR) {
        (void)snprintf(why, cap, "%s", r->str);
        s = CARDEA_FAIL(E_USAGE);
    }
    freeReplyObject(r);
    return s;
}

static struct cardea_status authenticate(const char *user, const char *password, struct link *l, int64_t deadline_ms,
                                         char *why, size_t cap)
{
    if (password[0] == '\0')
        return CARDEA_SUCCESS;
    struct words w = {0};
    word_text(&w, "AUTH");
    if (user[0] != '\0')
        word_text(&w, user);
    word_text(&w, password);
    return expect(l, &w, deadline_ms, why, cap);
}

static struct cardea_status choose(const struct redis_options *o, struct link *l, int64_t deadline_ms, char *why,
                                   size_t cap)
{
    char number[16];
    struct words w = {0};
    (void)snprintf(number, sizeof number, "%u", o->database);
    word_text(&w, "SELECT");
    word_text(&w, number);
    return o->database == 0 ? CARDEA_SUCCESS : expect(l, &w, deadline_ms, why, cap);
}

/* Only a primary may be written to; and what Sentinel said a moment ago may be out of date. */
static struct cardea_status check_role(struct link *l, int64_t deadline_ms, char *why, size_t cap)
{
    struct words w = {0};
    redisReply *r = NULL;
    word_text(&w, "ROLE");
    struct cardea_status s = ask(l, &w, deadline_ms, &r);
    if (!cardea_ok(s))
        return s;
    bool primary = r->type == REDIS_REPLY_ARRAY && r->elements > 0 && r->element[0]->type == REDIS_REPLY_STRING &&
                   strcmp(r->element[0]->str, "master") == 0;
    if (!primary) {
        (void)snprintf(why, cap, "%s",
                       r->type == REDIS_REPLY_ERROR ? r->str : "it is a replica: name the primary, or the Sentinels");
        s = CARDEA_FAIL(E_USAGE);
    }
    freeReplyObject(r);
    return s;
}

static struct cardea_status load_scripts(struct pool *p, struct link *l, int64_t deadline_ms, char *why, size_t cap)
{
    char sha[SCRIPT_COUNT][41];
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        struct words w = {0};
        redisReply *r = NULL;
        word_text(&w, "SCRIPT");
        word_text(&w, "LOAD");
        word_text(&w, script_texts[i]);
        struct cardea_status s = ask(l, &w, deadline_ms, &r);
        if (!cardea_ok(s))
            return s;
        bool ok = r->type == REDIS_REPLY_STRING && r->len == sizeof sha[i] - 1;
        if (ok)
            memcpy(sha[i], r->str, sizeof sha[i]);
        else
            (void)snprintf(why, cap, "%s", r->type == REDIS_REPLY_ERROR ? r->str : "it takes no scripts");
        freeReplyObject(r);
        if (!ok)
            return CARDEA_FAIL(E_USAGE);
    }
    pthread_mutex_lock(&p->lock);
    if (!p->sha_known)
        memcpy(p->sha, sha, sizeof sha);
    p->sha_known = true;
    pthread_mutex_unlock(&p->lock);
    return CARDEA_SUCCESS;
}

static struct cardea_status make_ready(struct pool *p, struct link *l, int64_t deadline_ms, char *why, size_t cap)
{
    struct cardea_status s = authenticate(p->options.user, p->options.password, l, deadline_ms, why, cap);
    if (cardea_ok(s))
        s = choose(&p->options, l, deadline_ms, why, cap);
    if (cardea_ok(s))
        s = check_role(l, deadline_ms, why, cap);
    return cardea_ok(s) ? load_scripts(p, l, deadline_ms, why, cap) : s;
}

/* --- where the primary is --- */

static bool take_host(const redisReply *r, struct redis_host *out)
{
    return r->type == REDIS_REPLY_ARRAY && r->elements == 2 && r->element[0]->type == REDIS_REPLY_STRING &&
           r->element[1]->type == REDIS_REPLY_STRING &&
           view_copy(view_of(r->element[0]->str, r->element[0]->len), out->name, sizeof out->name) &&
           view_copy(view_of(r->element[1]->str, r->element[1]->len), out->port, sizeof out->port);
}

static struct cardea_status ask_sentinel(const struct redis_options *o, const struct redis_host *sentinel,
                                         int64_t deadline_ms, struct redis_host *out, char *why, size_t cap)
{
    struct link *l = NULL;
    redisReply *r = NULL;
    struct words w = {0};
    const char *reason = "";
    struct cardea_status s = link_open(o, sentinel, deadline_ms, &l, &reason);
    if (!cardea_ok(s)) {
        (void)snprintf(why, cap, "Sentinel at %s:%s: %s", sentinel->name, sentinel->port, reason);
        return s;
    }
    (void)snprintf(why, cap, "Sentinel at %s:%s stopped answering", sentinel->name, sentinel->port);
    s = authenticate(o->sentinel_user, o->sentinel_password, l, deadline_ms, why, cap);
    word_text(&w, "SENTINEL");
    word_text(&w, "get-master-addr-by-name");
    word_text(&w, o->master);
    if (cardea_ok(s))
        s = ask(l, &w, deadline_ms, &r);
    if (cardea_ok(s) && !take_host(r, out)) {
        (void)snprintf(why, cap, "Sentinel at %s:%s knows no primary called %s%s%s", sentinel->name, sentinel->port,
                       o->master, r->type == REDIS_REPLY_ERROR ? ": " : "", r->type == REDIS_REPLY_ERROR ? r->str : "");
        s = CARDEA_FAIL(E_UNAVAILABLE);
    }
    if (r != NULL)
        freeReplyObject(r);
    link_close(l);
    return s;
}

/* What a Sentinel said: connections to another primary are of an era that is over. */
static uint64_t note_primary(struct pool *p, uint32_t sentinel, const struct redis_host *primary)
{
    pthread_mutex_lock(&p->lock);
    p->sentinel = sentinel;
    p->asked_at_ms = p->options.boot_ms();
    if (strcmp(p->primary.name, primary->name) != 0 || strcmp(p->primary.port, primary->port) != 0)
        p->era++;
    p->primary = *primary;
    uint64_t era = p->era;
    pthread_mutex_unlock(&p->lock);
    return era;
}

/* Ask the Sentinels, one after the other, a part of the time each; first the one that answered last, so that one that
 * hangs is waited for once. */
static bool find_primary(struct pool *p, int64_t deadline_ms, struct redis_host *out, uint64_t *ret_era, char *why,
                         size_t cap)
{
    struct redis_options plain = p->options;
    const uint32_t count = plain.host_count;
    plain.unix_path[0] = '\0';
    pthread_mutex_lock(&p->lock);
    uint32_t first = p->sentinel;
    pthread_mutex_unlock(&p->lock);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = (first + i) % count;
        int64_t now = plain.boot_ms(), share = now + (deadline_ms - now) / (int64_t)(count - i + 1);
        if (cardea_ok(ask_sentinel(&plain, &plain.hosts[which], share, out, why, cap))) {
            *ret_era = note_primary(p, which, out);
            return true;
        }
    }
    return false;
}

/* Now and then, while connections last. Sentinels that do not answer change nothing: the primary may be well. */
static void ask_again(struct pool *p)
{
    struct redis_host primary;
    uint64_t era;
    char why[160];
    pthread_mutex_lock(&p->lock);
    int64_t now = p->options.boot_ms();
    bool due = p->options.master[0] != '\0' && now - p->asked_at_ms >= REDIS_ASK_MS;
    if (due)
        p->asked_at_ms = now; /* the others go on meanwhile */
    pthread_mutex_unlock(&p->lock);
    if (due)
        (void)find_primary(p, now + ASK_AGAIN_MS, &primary, &era, why, sizeof why);
}

struct cardea_status pool_connect(struct pool *p, int64_t deadline_ms, struct link **out, uint64_t *ret_era, char *why,
                                  size_t why_cap)
{
    struct redis_host host = p->options.hosts[0];
    const char *reason = "";
    struct link *l = NULL;
    uint64_t era = 0;
    if (p->options.master[0] != '\0' && !find_primary(p, deadline_ms, &host, &era, why, why_cap))
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = link_open(&p->options, &host, deadline_ms, &l, &reason);
    if (!cardea_ok(s)) {
        (void)snprintf(why, why_cap, "%s", reason);
        return s;
    }
    (void)snprintf(why, why_cap, "it stopped answering");
    s = make_ready(p, l, deadline_ms, why, why_cap);
    if (!cardea_ok(s)) {
        link_close(l);
        return s;
    }
    *out = l;
    *ret_era = era;
    return s;
}

/* --- lending --- */

/* A connection that is idle, or the right to open one (*out NULL). false: none came free in time. */
static bool borrow(struct pool *p, int64_t deadline_ms, struct link **out, uint64_t *ret_era)
{
    bool ok = false;
    pthread_mutex_lock(&p->lock);
    while (!ok) {
        *out = NULL;
        if (p->idle_count > 0) {
            *out = p->idle[--p->idle_count].link;
            *ret_era = p->idle[p->idle_count].era;
            if (*ret_era != p->era) {
                link_close(*out);
                *out = NULL;
            }
            ok = true;
        } else if (p->open_count < REDIS_CONNECTIONS) {
            p->open_count++;
            ok = true;
        } else {
            int64_t left = deadline_ms - p->options.boot_ms();
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += left / 1000;
            until.tv_nsec += left % 1000 * 1000000;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            if (left <= 0 || pthread_cond_timedwait(&p->freed, &p->lock, &until) == ETIMEDOUT)
                break;
        }
    }
    pthread_mutex_unlock(&p->lock);
    return ok;
}

static void give_back(struct pool *p, struct link *l, uint64_t era)
{
    pthread_mutex_lock(&p->lock);
    if (l != NULL) {
        p->idle[p->idle_count].link = l;
        p->idle[p->idle_count++].era = era;
    } else {
        p->open_count--;
    }
    pthread_cond_signal(&p->freed);
    pthread_mutex_unlock(&p->lock);
}

/* May the server be asked? While it is away one of us tries, now and then, and the others hear at once that it is. */
static bool admitted(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool may = !p->away || (!p->trying && p->options.boot_ms() >= p->away_until_ms);
    p->trying = p->trying || (may && p->away);
    pthread_mutex_unlock(&p->lock);
    return may;
}

static void stop_trying(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->trying = false;
    pthread_mutex_unlock(&p->lock);
}

static void note_server(struct pool *p, bool there)
{
    pthread_mutex_lock(&p->lock);
    p->away = !there;
    p->trying = false;
    p->away_until_ms = p->options.boot_ms() + REDIS_AWAY_MS;
    pthread_mutex_unlock(&p->lock);
}

/* Of what came over the connection nothing more can be told. */
static bool broken(struct cardea_status s)
{
    return s.code == CARDEA_E_UNAVAILABLE || s.code == CARDEA_E_CORRUPT || s.code == CARDEA_E_IO;
}

/* On a connection that was idle, if it is sound, else on a fresh one. */
static struct cardea_status run_on(struct pool *p, int64_t deadline_ms, pool_work *work, void *context, struct link **l,
                                   uint64_t *era)
{
    char why[160];
    struct cardea_status s = CARDEA_FAIL(E_UNAVAILABLE);
    if (*l != NULL && link_alive(*l))
        s = work(p, *l, deadline_ms, context);
    if (*l != NULL && s.code != CARDEA_E_UNAVAILABLE && s.code != CARDEA_E_CORRUPT)
        return s;
    link_close(*l);
    *l = NULL;
    if (!cardea_ok(pool_connect(p, deadline_ms, l, era, why, sizeof why)))
        return CARDEA_FAIL(E_UNAVAILABLE);
    return work(p, *l, deadline_ms, context);
}

struct cardea_status pool_run(struct pool *p, int64_t deadline_ms, pool_work *work, void *context)
{
    int64_t soon = p->options.boot_ms() + OPERATION_MS;
    if (deadline_ms > soon)
        deadline_ms = soon;
    struct link *l = NULL;
    uint64_t era = 0;
    if (!admitted(p))
        return CARDEA_FAIL(E_UNAVAILABLE);
    ask_again(p); /* before a connection is taken: it may be one to let go of */
    if (!borrow(p, deadline_ms, &l, &era)) {
        stop_trying(p);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    struct cardea_status s = run_on(p, deadline_ms, work, context, &l, &era);
    /* A server that answers nonsense about one key, or that is full, is there all the same for what else it can do. */
    note_server(p, s.code != CARDEA_E_UNAVAILABLE);
    if (broken(s)) {
        link_close(l);
        l = NULL;
    }
    give_back(p, l, era);
    return s.code == CARDEA_E_IO ? CARDEA_FAIL(E_UNAVAILABLE) : s;
}
