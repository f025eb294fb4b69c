#include "store/copy.h"

#include <stdlib.h>

enum {
    EVENT_STEP = 64,
    USER_STEP = 64,
    OPERATION_MS = 30000, /* of one operation of a sessions engine */
    CHECK_SLACK_MS = SWEEP_IDLE_SLACK_MS,
};

static void tell(const struct copy *c, enum copy_stage stage, uint64_t done, uint64_t total)
{
    if (c->progress != NULL)
        c->progress(c->context, stage, done, total);
}

static struct cardea_status room(size_t count, size_t size, void *out)
{
    void *p = calloc(count, size);
    memcpy(out, &p, sizeof p);
    return p == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_SUCCESS;
}

/* --- users, with their API keys --- */

static bool same_api_key(const struct api_key_record *a, const struct api_key_record *b)
{
    return memcmp(&a->user, &b->user, sizeof a->user) == 0 && memcmp(a->digest, b->digest, sizeof a->digest) == 0 &&
           a->created_at_ms == b->created_at_ms && a->expires_at_ms == b->expires_at_ms &&
           strcmp(a->name, b->name) == 0 && strcmp(a->scopes, b->scopes) == 0;
}

/* One, and was it understood? */
static struct cardea_status copy_api_key(const struct copy_place *to, const struct api_key_record *k)
{
    struct api_key_record there;
    struct cardea_status s = to->ops->api_key_put(to->tx, k);
    if (cardea_ok(s))
        s = to->ops->api_key_get(to->tx, k->id, &there);
    return cardea_ok(s) && !same_api_key(k, &there) ? CARDEA_FAIL(E_CONFLICT) : s;
}

/* Asked for by user, each page is one look into an index. */
static struct cardea_status copy_api_keys(const struct copy_place *from, const struct copy_place *to,
                                          const struct user_id *user, struct api_key_record *keys, uint64_t *done)
{
    struct page page = {.limit = PAGE_MAX};
    struct cardea_status s;
    do {
        uint32_t count = 0;
        struct cursor next = {{0}};
        s = from->ops->api_key_list(from->tx, user, &page, keys, &count, &next);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
            s = copy_api_key(to, &keys[i]);
        page.after = next;
        *done += count;
    } while (cardea_ok(s) && page.after.text[0] != '\0');
    return s;
}

static struct cardea_status copy_users(const struct copy *c, const struct copy_place *from, const struct copy_place *to,
                                       struct user_record *users, struct api_key_record *keys,
                                       struct copy_counts *counts)
{
    const struct user_filter all = {0};
    struct page page = {.limit = USER_STEP};
    struct cardea_status s;
    do {
        uint32_t count = 0;
        struct cursor next = {{0}};
        s = from->ops->user_list(from->tx, &all, &page, users, &count, &next);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
            s = to->ops->user_put(to->tx, &users[i]);
            if (cardea_ok(s))
                s = copy_api_keys(from, to, &users[i].id, keys, &counts->api_keys);
        }
        page.after = next;
        counts->users += count;
        tell(c, COPY_USERS, counts->users, 0);
    } while (cardea_ok(s) && page.after.text[0] != '\0');
    return s;
}

static bool same_user(const struct user_record *a, const struct user_record *b)
{
    return memcmp(&a->id, &b->id, sizeof a->id) == 0 && a->epoch == b->epoch && a->status == b->status &&
           a->email_verified == b->email_verified && a->created_at_ms == b->created_at_ms &&
           a->updated_at_ms == b->updated_at_ms && a->last_login_at_ms == b->last_login_at_ms &&
           strcmp(a->username, b->username) == 0 && strcmp(a->email, b->email) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->roles, b->roles) == 0 && strcmp(a->password_hash, b->password_hash) == 0 &&
           strcmp(a->metadata, b->metadata) == 0;
}

/* Both list in the order of the ids. */
static struct cardea_status check_users(const struct copy_place *from, const struct copy_place *to,
                                        struct user_record *users)
{
    const struct user_filter all = {0};
    struct page page = {.limit = USER_STEP}, copied = page;
    struct cardea_status s;
    do {
        uint32_t count = 0, there = 0;
        struct cursor next = {{0}}, next_there = {{0}};
        s = from->ops->user_list(from->tx, &all, &page, users, &count, &next);
        if (cardea_ok(s))
            s = to->ops->user_list(to->tx, &all, &copied, users + USER_STEP, &there, &next_there);
        bool same = count == there;
        for (uint32_t i = 0; cardea_ok(s) && same && i < count; i++)
            same = same_user(&users[i], &users[USER_STEP + i]);
        if (cardea_ok(s) && (!same || (next.text[0] == '\0') != (next_there.text[0] == '\0')))
            s = CARDEA_FAIL(E_CONFLICT);
        page.after = next;
        copied.after = next_there;
    } while (cardea_ok(s) && page.after.text[0] != '\0');
    return s;
}

static struct cardea_status move_users(const struct copy *c, const struct copy_place *from, const struct copy_place *to,
                                       struct copy_counts *counts)
{
    struct user_record *users = NULL;
    struct api_key_record *keys = NULL;
    struct cardea_status s = room((size_t)2 * USER_STEP, sizeof *users, &users);
    if (cardea_ok(s))
        s = room(PAGE_MAX, sizeof *keys, &keys);
    if (cardea_ok(s))
        s = copy_users(c, from, to, users, keys, counts);
    if (cardea_ok(s))
        s = check_users(from, to, users);
    free(keys);
    free(users);
    return s;
}

/* --- keys, values --- */

static struct cardea_status move_keys(const struct copy_place *from, const struct copy_place *to,
                                      struct copy_counts *counts)
{
    struct key_record *keys = NULL;
    uint32_t count = 0, there = 0;
    struct cardea_status s = room(COPY_KEYS_MAX, sizeof *keys, &keys);
    if (cardea_ok(s))
        s = from->ops->key_list(from->tx, keys, COPY_KEYS_MAX, &count);
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
        s = to->ops->key_put(to->tx, &keys[i]);
    if (cardea_ok(s))
        s = to->ops->key_list(to->tx, keys, COPY_KEYS_MAX, &there);
    free(keys);
    if (cardea_ok(s) && there != count)
        s = CARDEA_FAIL(E_CONFLICT);
    counts->keys += count;
    return s;
}

static struct cardea_status move_values(const struct copy_place *from, const struct copy_place *to,
                                        struct copy_counts *counts)
{
    struct named_value values[COPY_VALUES_MAX];
    uint32_t count = 0, there = 0;
    struct cardea_status s = from->ops->value_list(from->tx, values, COPY_VALUES_MAX, &count);
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
        s = to->ops->value_put(to->tx, values[i].name, values[i].value);
    if (cardea_ok(s))
        s = to->ops->value_list(to->tx, values, COPY_VALUES_MAX, &there);
    if (cardea_ok(s) && there < count)
        s = CARDEA_FAIL(E_CONFLICT);
    counts->values += count;
    return s;
}

/* --- the journal --- */

/* The rows whose revocation is in force at the source, ascending, a few at a time. */
struct in_force {
    const struct copy_place *from;
    struct event *rows;
    uint32_t count, at;
    uint64_t after;
    bool end;
};

static struct cardea_status in_force_upto(struct in_force *f, uint64_t n, bool *ret_is)
{
    struct cardea_status s = CARDEA_SUCCESS;
    while (cardea_ok(s) && !f->end && (f->at == f->count || f->rows[f->at].n < n)) {
        if (f->at < f->count) {
            f->at++;
            continue;
        }
        s = f->from->ops->revocation_list(f->from->tx, f->after, INT64_MIN, f->rows, EVENT_STEP, &f->count);
        f->at = 0;
        f->end = cardea_ok(s) && f->count == 0;
        if (cardea_ok(s) && f->count > 0)
            f->after = f->rows[f->count - 1].n;
    }
    *ret_is = !f->end && cardea_ok(s) && f->rows[f->at].n == n;
    return s;
}

struct cardea_status copy_head(const struct copy_place *p, struct journal_head *out)
{
    struct event e;
    uint32_t count = 0;
    struct cardea_status s = p->ops->event_list(p->tx, 0, true, &e, 1, &count);
    if (!cardea_ok(s))
        return s;
    *out = (struct journal_head){0};
    if (count > 0) {
        out->n = e.n;
        memcpy(out->hash, e.hash, sizeof out->hash);
    }
    return s;
}

static struct cardea_status copy_rows(const struct copy *c, const struct copy_place *from, const struct copy_place *to,
                                      struct event *rows, uint64_t total, struct journal_head *head)
{
    struct in_force f = {.from = from, .rows = rows + EVENT_STEP};
    struct cardea_status s;
    uint32_t count = 0;
    do {
        s = from->ops->event_list(from->tx, head->n, false, rows, EVENT_STEP, &count);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
            bool in_force = false;
            s = journal_check(head, &rows[i], c->digest);
            if (cardea_ok(s))
                s = in_force_upto(&f, rows[i].n, &in_force);
            if (cardea_ok(s))
                s = to->ops->event_put(to->tx, &rows[i], in_force);
        }
        tell(c, COPY_JOURNAL, head->n, total);
    } while (cardea_ok(s) && count == EVENT_STEP);
    return s;
}

static struct cardea_status move_journal(const struct copy *c, const struct copy_place *from,
                                         const struct copy_place *to, struct copy_counts *counts)
{
    struct event *rows = NULL;
    struct journal_head head = {0}, last, there;
    struct cardea_status s = room((size_t)2 * EVENT_STEP, sizeof *rows, &rows);
    if (cardea_ok(s))
        s = copy_head(from, &last);
    if (cardea_ok(s))
        s = copy_rows(c, from, to, rows, last.n, &head);
    if (cardea_ok(s))
        s = copy_head(to, &there);
    free(rows);
    if (cardea_ok(s) && (memcmp(&there, &head, sizeof head) != 0 || memcmp(&last, &head, sizeof head) != 0))
        s = CARDEA_FAIL(E_CONFLICT);
    counts->events += head.n;
    return s;
}

struct cardea_status copy_accounts(const struct copy *c, const struct copy_place *from, const struct copy_place *to,
                                   struct copy_counts *counts)
{
    struct cardea_status s = move_users(c, from, to, counts);
    if (cardea_ok(s))
        s = move_keys(from, to, counts);
    if (cardea_ok(s))
        s = move_values(from, to, counts);
    return cardea_ok(s) ? move_journal(c, from, to, counts) : s;
}

struct cardea_status copy_accounts_empty(const struct copy_place *p, bool *ret_empty)
{
    const struct user_filter all = {0};
    const struct page one = {.limit = 1};
    struct user_record user;
    struct key_record key;
    struct journal_head head;
    struct cursor next;
    uint32_t users = 0, keys = 0;
    struct cardea_status s = p->ops->user_list(p->tx, &all, &one, &user, &users, &next);
    if (cardea_ok(s))
        s = p->ops->key_list(p->tx, &key, 1, &keys);
    if (s.code == CARDEA_E_LIMIT) { /* more than one */
        keys = 2;
        s = CARDEA_SUCCESS;
    }
    if (cardea_ok(s))
        s = copy_head(p, &head);
    if (cardea_ok(s))
        *ret_empty = users == 0 && keys == 0 && head.n == 0;
    return s;
}

/* --- sessions --- */

static struct cardea_status scan(const struct copy *c, const struct copy_sessions_place *p, struct session_id after,
                                 struct session_record *out, uint32_t cap, uint32_t *ret_count)
{
    if (p->store.tx != NULL)
        return p->store.ops->session_scan(p->store.tx, after, out, cap, ret_count);
    return p->sessions->ops->scan(p->sessions, c->boot_ms() + OPERATION_MS, after, out, cap, ret_count);
}

static struct cardea_status create_many(const struct copy *c, const struct copy_sessions_place *p,
                                        const struct session_record *records, uint32_t count)
{
    if (p->store.tx != NULL)
        return p->store.ops->session_create_many(p->store.tx, records, count);
    return sessions_create_many(p->sessions, c->boot_ms() + OPERATION_MS, records, count);
}

struct cardea_status copy_sessions_empty(const struct copy *c, const struct copy_sessions_place *p, bool *ret_empty)
{
    struct session_record one;
    uint32_t count = 0;
    struct cardea_status s = scan(c, p, (struct session_id){{0}}, &one, 1, &count);
    if (cardea_ok(s))
        *ret_empty = count == 0;
    return s;
}

/* The sids are random and come in order: so the last one says how far the scan has come. */
static uint64_t estimate(uint64_t done, struct session_id last)
{
    uint32_t part = (uint32_t)last.bytes[0] << 16 | (uint32_t)last.bytes[1] << 8 | last.bytes[2];
    return done * (1U << 24) / (part + 1);
}

static bool is_over(const struct session_record *r, int64_t now_ms)
{
    return session_over_ms(r->last_seen_at_ms, r->idle_ms, r->expires_at_ms) <= now_ms;
}

struct cardea_status copy_sessions(const struct copy *c, const struct copy_sessions_place *from,
                                   const struct copy_sessions_place *to, struct copy_counts *counts)
{
    struct session_record *records = NULL;
    struct session_id after = {{0}};
    struct cardea_status s = room(COPY_BATCH, sizeof *records, &records);
    uint32_t count = COPY_BATCH;
    while (cardea_ok(s) && count == COPY_BATCH) {
        uint32_t kept = 0;
        s = scan(c, from, after, records, COPY_BATCH, &count);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
            after = records[i].sid;
            if (!is_over(&records[i], c->now_ms))
                records[kept++] = records[i];
        }
        if (cardea_ok(s) && kept > 0)
            s = create_many(c, to, records, kept);
        if (cardea_ok(s)) {
            counts->sessions += kept;
            counts->over += count - kept;
            tell(c, COPY_SESSIONS, counts->sessions + counts->over,
                 count < COPY_BATCH ? counts->sessions + counts->over
                                    : estimate(counts->sessions + counts->over, after));
        }
    }
    free(records);
    return s;
}

static bool same_session(const struct session_record *a, const struct session_record *b)
{
    return memcmp(&a->sid, &b->sid, sizeof a->sid) == 0 && memcmp(&a->user, &b->user, sizeof a->user) == 0 &&
           a->epoch == b->epoch && a->kind == b->kind && a->remember == b->remember &&
           a->created_at_ms == b->created_at_ms && a->authenticated_at_ms == b->authenticated_at_ms &&
           a->last_seen_at_ms == b->last_seen_at_ms && a->expires_at_ms == b->expires_at_ms &&
           a->idle_ms == b->idle_ms && a->generation == b->generation && a->rotated_at_ms == b->rotated_at_ms &&
           memcmp(a->secret_digest, b->secret_digest, sizeof a->secret_digest) == 0 &&
           memcmp(a->refresh_digest, b->refresh_digest, sizeof a->refresh_digest) == 0 &&
           memcmp(a->previous_digest, b->previous_digest, sizeof a->previous_digest) == 0 &&
           memcmp(a->refresh_nonce, b->refresh_nonce, sizeof a->refresh_nonce) == 0 && strcmp(a->app, b->app) == 0 &&
           a->ip.version == b->ip.version && memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes) == 0 &&
           strcmp(a->user_agent, b->user_agent) == 0;
}

/* A scan, one session at a time. */
struct walk {
    const struct copy *copy;
    const struct copy_sessions_place *place;
    struct session_record *records;
    uint32_t count, at;
    bool end;
};

/* The next session; NULL: there are no more. */
static struct cardea_status walk_next(struct walk *w, const struct session_record **out)
{
    struct cardea_status s = CARDEA_SUCCESS;
    if (w->at == w->count && !w->end) {
        struct session_id after = {{0}};
        if (w->count > 0)
            after = w->records[w->count - 1].sid;
        s = scan(w->copy, w->place, after, w->records, COPY_BATCH, &w->count);
        w->at = 0;
        w->end = !cardea_ok(s) || w->count < COPY_BATCH;
        if (!cardea_ok(s))
            w->count = 0;
    }
    *out = w->at < w->count ? &w->records[w->at++] : NULL;
    return s;
}

static struct cardea_status compare(struct walk *from, struct walk *to)
{
    const struct session_record *original = NULL, *copied = NULL;
    const struct copy *c = from->copy;
    uint64_t done = 0;
    /* What ends while it is looked at has gone rightly: the target counts with a clock that has moved on. */
    int64_t ending_ms = c->now_ms + CHECK_SLACK_MS;
    struct cardea_status s = walk_next(to, &copied);
    while (cardea_ok(s) && cardea_ok(s = walk_next(from, &original)) && original != NULL) {
        if (copied != NULL && same_session(original, copied))
            s = walk_next(to, &copied);
        else if (!is_over(original, ending_ms))
            return CARDEA_FAIL(E_CONFLICT);
        if (++done % COPY_BATCH == 0)
            tell(c, COPY_CHECK, done, estimate(done, original->sid));
    }
    if (cardea_ok(s))
        tell(c, COPY_CHECK, done, done);
    return cardea_ok(s) && copied != NULL ? CARDEA_FAIL(E_CONFLICT) : s;
}

struct cardea_status copy_sessions_check(const struct copy *c, const struct copy_sessions_place *from,
                                         const struct copy_sessions_place *to)
{
    struct walk walks[2] = {{.copy = c, .place = from}, {.copy = c, .place = to}};
    struct session_record *records = NULL;
    struct cardea_status s = room((size_t)2 * COPY_BATCH, sizeof *records, &records);
    walks[0].records = records;
    if (cardea_ok(s)) {
        walks[1].records = records + COPY_BATCH;
        s = compare(&walks[0], &walks[1]);
    }
    free(records);
    return s;
}
