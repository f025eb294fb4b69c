/* What the tests of the verification table share: a table in fresh memory, and records whose content can be checked.
 *
 * Every number n names a session, a user, a key …; every version of it has a content that follows from (n, version), so
 * that whoever finds a record can tell whether it is whole.
 */
#ifndef TESTS_TABLE_HELP_H
#define TESTS_TABLE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/table.h"

#define NOW INT64_C(1800000000000) /* ms */
#define DAY INT64_C(86400000)

struct world {
    struct table_geometry geometry;
    void *block, *seen;
    size_t size, seen_size;
    struct table_writer *w;
    struct table *t;
};

/* Memory between two forbidden zones. */
enum { GUARD = 1 << 16 };
static inline void *map_lazily(size_t size)
{
    char *p = mmap(NULL, size + 2 * GUARD, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + GUARD, size, PROT_READ | PROT_WRITE), 0);
    return p + GUARD;
}
static inline void unmap(void *p, size_t size)
{
    munmap((char *)p - GUARD, size + 2 * GUARD);
}

static inline struct world world_open(uint32_t sessions_max, uint32_t others_max_mib, const struct table_host *host)
{
    struct world x = {.geometry = {sessions_max, others_max_mib}};
    x.size = table_size(&x.geometry);
    x.seen_size = table_seen_size(&x.geometry);
    assert_true(x.size != 0 && x.seen_size != 0);
    x.block = map_lazily(x.size);
    x.seen = map_lazily(x.seen_size);
    struct cardea_status s =
        table_create(x.block, x.seen, &x.geometry, (const uint8_t *)"a seed of 16 byt", host, &x.w);
    assert_true(cardea_ok(s));
    x.t = table_of(x.w);
    return x;
}

static inline void world_close(struct world *x)
{
    table_writer_free(x->w);
    unmap(x->block, x->size);
    unmap(x->seen, x->seen_size);
}

static inline bool give_back_shared(void *context, void *start, size_t size)
{
    (void)context;
    return madvise(start, size, MADV_REMOVE) == 0;
}

/* A sequence of bytes that follows from three numbers (splitmix64). */
static inline void bytes_from(uint64_t what, uint64_t n, uint64_t version, void *out, size_t len)
{
    uint64_t state = what * UINT64_C(0x9e3779b97f4a7c15) ^ n * UINT64_C(0xbf58476d1ce4e5b9) ^ version << 40;
    for (size_t i = 0; i < len; i++) {
        uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        ((uint8_t *)out)[i] = (uint8_t)(z >> 56);
    }
}

static inline struct session_id sid_of(uint64_t n)
{
    struct session_id id;
    bytes_from(1, n, 0, id.bytes, sizeof id.bytes);
    return id;
}
static inline struct user_id user_of(uint64_t n)
{
    struct user_id id;
    bytes_from(2, n, 0, id.bytes, sizeof id.bytes);
    return id;
}
static inline struct api_key_id api_key_of(uint64_t n)
{
    struct api_key_id id;
    bytes_from(3, n, 0, id.bytes, sizeof id.bytes);
    return id;
}
static inline struct token_id jti_of(uint64_t n)
{
    struct token_id id;
    bytes_from(4, n, 0, id.bytes, sizeof id.bytes);
    return id;
}
static inline struct key_id kid_of(uint64_t n)
{
    struct key_id id;
    bytes_from(5, n, 0, id.bytes, sizeof id.bytes);
    return id;
}

/* Session n belongs to user n / 4 and its creation time carries the version. */
static inline struct session_record session_at(uint64_t n, uint64_t version)
{
    struct session_record r = {.sid = sid_of(n),
                               .user = user_of(n / 4),
                               .epoch = (int64_t)(n % 3 + 1),
                               .kind = SESSION_COOKIE,
                               .remember = n % 2,
                               .created_at_ms = (int64_t)version,
                               .authenticated_at_ms = (int64_t)(version * 3),
                               .last_seen_at_ms = NOW,
                               .expires_at_ms = NOW + 7 * DAY,
                               .idle_ms = DAY + (int64_t)n};
    bytes_from(6, n, version, r.secret_digest, sizeof r.secret_digest);
    return r;
}

/* Is it session n, whole, in some version? That version, or -1. */
static inline int64_t session_whole(uint64_t n, const struct table_session *s)
{
    struct session_record r = session_at(n, (uint64_t)s->created_at_ms);
    bool whole = ID_SAME(r.sid, s->sid) && ID_SAME(r.user, s->user) && r.epoch == s->epoch && s->kind == r.kind &&
                 s->remember == r.remember && s->authenticated_at_ms == r.authenticated_at_ms &&
                 s->expires_at_ms == r.expires_at_ms && s->idle_ms == r.idle_ms &&
                 memcmp(s->secret_digest, r.secret_digest, 32) == 0;
    return whole ? s->created_at_ms : -1;
}

/* User n at an epoch: its texts follow, with lengths that change from epoch to epoch. */
static inline struct user_record user_at(uint64_t n, uint64_t epoch)
{
    struct user_record u = {.id = user_of(n), .epoch = (int64_t)epoch, .status = USER_ACTIVE};
    int pad = (int)((n + epoch) % 7 * 17);
    snprintf(u.username, sizeof u.username, "user%llu", (unsigned long long)n);
    u.email_verified = true;
    snprintf(u.email, sizeof u.email, "u%llu.e%llu.%0*d@example.com", (unsigned long long)n, (unsigned long long)epoch,
             pad, 0);
    snprintf(u.name, sizeof u.name, "Name %0*d", pad / 2, 7);
    snprintf(u.roles, sizeof u.roles, "r%llu,staff", (unsigned long long)epoch);
    return u;
}

static inline bool view_is_text(struct view v, const char *text)
{
    return view_equal(v, view_text(text));
}

/* Is it user n, whole, at some epoch? (Its texts hold nothing that percent-encoding changes.) */
static inline int64_t user_whole(uint64_t n, const struct table_user *u)
{
    struct user_record r = user_at(n, (uint64_t)u->epoch);
    bool whole = ID_SAME(r.id, u->id) && u->status == r.status && view_is_text(table_user_username(u), r.username) &&
                 view_is_text(table_user_email(u), r.email) && view_is_text(table_user_name(u), r.name) &&
                 view_is_text(table_user_roles(u), r.roles);
    return whole ? u->epoch : -1;
}

static inline struct cardea_status put_session(struct world *x, const struct session_record *r)
{
    return table_apply(x->w, &(struct change){.kind = CHANGE_SESSION_PUT, .session = r}, 7, NOW);
}
static inline struct cardea_status put_user(struct world *x, const struct user_record *r)
{
    return table_apply(x->w, &(struct change){.kind = CHANGE_USER_PUT, .user = r}, 0, NOW);
}
static inline struct cardea_status put_api_key(struct world *x, const struct api_key_record *r)
{
    return table_apply(x->w, &(struct change){.kind = CHANGE_API_KEY_PUT, .api_key = r}, 0, NOW);
}
static inline struct cardea_status fill_session(struct world *x, const struct session_record *r)
{
    return table_fill(x->w, &(struct change){.kind = CHANGE_SESSION_PUT, .session = r}, 7, NOW);
}
static inline struct cardea_status fill_user(struct world *x, const struct user_record *r)
{
    return table_fill(x->w, &(struct change){.kind = CHANGE_USER_PUT, .user = r}, 0, NOW);
}
static inline struct cardea_status end_id(struct world *x, enum change_kind kind, const void *id, int64_t until_ms)
{
    struct change c = {.kind = kind};
    c.revocation.until_ms = until_ms;
    memcpy(c.revocation.id, id, 16);
    return table_apply(x->w, &c, 0, NOW);
}
static inline struct cardea_status end_session(struct world *x, uint64_t n)
{
    struct session_id sid = sid_of(n);
    return end_id(x, CHANGE_SESSION_END, sid.bytes, NOW + 7 * DAY);
}

#define OK(call) assert_true(cardea_ok(call))
#define FAILS(code_, call) assert_int_equal((call).code, CARDEA_##code_)

static inline enum table_answer find_session(struct world *x, uint64_t n, struct table_session *out)
{
    return table_find_session(x->t, sid_of(n), out);
}

static inline struct api_key_record api_key_at(uint64_t n, const char *scopes)
{
    struct api_key_record k = {.id = api_key_of(n), .user = user_of(n), .expires_at_ms = NOW + 30 * DAY};
    bytes_from(7, n, 0, k.digest, sizeof k.digest);
    snprintf(k.scopes, sizeof k.scopes, "%s", scopes);
    return k;
}

#endif
