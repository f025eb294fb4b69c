#include "store/redis/check.h"

#include <stdio.h>

/* A server that throws records away when memory runs out would log people out at random. One of a Redis Cluster takes
 * no script that names keys of several slots, and answers with the addresses of others. */
static struct cardea_status check_kind(struct link *l, int64_t deadline_ms, char *why, size_t cap)
{
    struct words w = {0};
    redisReply *r = NULL;
    word_text(&w, "INFO");
    word_text(&w, "memory");
    word_text(&w, "cluster");
    struct cardea_status s = link_say(l, &w);
    if (cardea_ok(s))
        s = link_hear(l, deadline_ms, &r);
    if (!cardea_ok(s))
        return s;
    const char *policy = r->type == REDIS_REPLY_STRING ? strstr(r->str, "maxmemory_policy:") : NULL;
    bool keeps = policy != NULL && strncmp(policy, "maxmemory_policy:noeviction", 27) == 0;
    bool cluster = policy != NULL && strstr(r->str, "cluster_enabled:1") != NULL;
    if (policy == NULL)
        (void)snprintf(why, cap, "it does not tell its memory policy: %s",
                       r->type == REDIS_REPLY_ERROR ? r->str : "INFO has none");
    else if (cluster)
        (void)snprintf(
            why, cap,
            "it belongs to a Redis Cluster, over whose slots a user's sessions can not be kept together: name "
            "a plain server, or Sentinels");
    else if (!keeps)
        (void)snprintf(why, cap, "it may evict sessions: set maxmemory-policy to noeviction");
    freeReplyObject(r);
    return keeps && !cluster ? CARDEA_SUCCESS : CARDEA_FAIL(E_USAGE);
}

/* --- what the user may do --- */

enum { KEY = REDIS_PREFIX_MAX + 32, TRIALS = 14 };

struct trial {
    char session[KEY], user[KEY], all[KEY], created[KEY], users[KEY], counter[KEY], code[KEY];
};

static void texts(struct words *w, const char *const *all)
{
    for (; *all != NULL; all++)
        word_text(w, *all);
}

/* The sid of nobody's record: as long as a true one, so that the sweep knows it for what it is. */
static const char nobody[] = "check of a user.";

static void script(const struct pool *p, struct words *w, enum script s, const char *keys, const char *const *rest)
{
    script_call(p, w, s, keys);
    texts(w, rest);
}

/* Each command that the engine sends, and by the scripts each that they call: answers do not matter, refusals do. */
static struct cardea_status try_all(const struct pool *p, struct link *l, const struct trial *t)
{
    struct words w[TRIALS] = {{0}};
    script(p, &w[0], SCRIPT_CREATE, "4",
           (const char *const[]){t->session, t->user, t->all, t->created, "", "1", "", "0", "0", "1000", "0", nobody,
                                 "", "0", "0", NULL});
    texts(&w[1], (const char *const[]){"HMGET", t->session, "k", "g", "f", "s", NULL});
    script(p, &w[2], SCRIPT_ROTATE, "1", (const char *const[]){t->session, "1", "2", "", "1", "0", NULL});
    script(p, &w[3], SCRIPT_TOUCH, "1", (const char *const[]){t->session, "2", "0", NULL});
    texts(&w[4], (const char *const[]){"ZRANGEBYSCORE", t->user, "1", "0", NULL});
    texts(&w[5], (const char *const[]){"ZREVRANGEBYSCORE", t->created, "0", "1", "LIMIT", "0", "1", NULL});
    texts(&w[6], (const char *const[]){"ZRANGEBYLEX", t->all, "+", "-", "LIMIT", "0", "1", NULL});
    texts(&w[7], (const char *const[]){"EXISTS", t->session, NULL});
    script(p, &w[8], SCRIPT_REMOVE, "3", (const char *const[]){t->session, t->all, t->created, nobody, t->users, NULL});
    script(p, &w[9], SCRIPT_COUNT_STEPS, "2",
           (const char *const[]){t->counter, t->counter, "1", "1000", "9", "-1", "1000", "9", NULL});
    texts(&w[10], (const char *const[]){"SET", t->code, "", "NX", "PX", "1000", NULL});
    texts(&w[11], (const char *const[]){"GET", t->code, NULL});
    texts(&w[12], (const char *const[]){"GETDEL", t->code, NULL});
    texts(&w[13], (const char *const[]){"DEL", t->counter, NULL});
    struct cardea_status s = CARDEA_SUCCESS;
    for (size_t i = 0; cardea_ok(s) && i < TRIALS; i++)
        s = link_say(l, &w[i]);
    return s;
}

static struct cardea_status check_user(const struct pool *p, struct link *l, const char *prefix, int64_t deadline_ms,
                                       char *why, size_t cap)
{
    struct trial t;
    (void)snprintf(t.session, sizeof t.session, "%s:s:%s", prefix, nobody);
    (void)snprintf(t.user, sizeof t.user, "%s:u:", prefix);
    (void)snprintf(t.users, sizeof t.users, "%s:u:", prefix);
    (void)snprintf(t.all, sizeof t.all, "%s:sids", prefix);
    (void)snprintf(t.created, sizeof t.created, "%s:created", prefix);
    (void)snprintf(t.counter, sizeof t.counter, "%s:c:%s", prefix, nobody);
    (void)snprintf(t.code, sizeof t.code, "%s:k:%s", prefix, nobody);
    struct cardea_status s = try_all(p, l, &t);
    bool refused = false;
    for (size_t i = 0; cardea_ok(s) && i < TRIALS; i++) {
        redisReply *r = NULL;
        s = link_hear(l, deadline_ms, &r);
        if (!cardea_ok(s))
            break;
        if (r->type == REDIS_REPLY_ERROR && !refused)
            (void)snprintf(why, cap, "%s", r->str);
        refused = refused || r->type == REDIS_REPLY_ERROR;
        freeReplyObject(r);
    }
    return cardea_ok(s) && refused ? CARDEA_FAIL(E_USAGE) : s;
}

struct cardea_status check_server(struct pool *p, struct link *l, const char *prefix, int64_t deadline_ms, char *why,
                                  size_t cap)
{
    struct cardea_status s = check_kind(l, deadline_ms, why, cap);
    return cardea_ok(s) ? check_user(p, l, prefix, deadline_ms, why, cap) : s;
}
