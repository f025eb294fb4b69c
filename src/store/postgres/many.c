#include "base/text.h"
#include "store/postgres/internal.h"

#include <stdlib.h>

/* Many rows in one statement: a column is an array, so that a thousand sessions cost one round trip. */
static const char insert_sql[] =
    "INSERT INTO session (sid, user_id, epoch, kind, remember, created_at_ms, authenticated_at_ms, last_seen_at_ms,"
    " expires_at_ms, idle_ms, secret_digest, generation, refresh_digest, previous_digest, refresh_nonce, rotated_at_ms,"
    " app, ip, user_agent, sweep_at_ms)"
    " SELECT c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, convert_from(c17, 'UTF8'), c18, "
    "c19,"
    " c20 FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " AS s(c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20)"
    " ON CONFLICT (sid) DO NOTHING";

/* One column at a time; scratch for all of them. */
struct columns {
    const struct session_record *records;
    uint32_t count;
    struct view *views;
    int64_t *ints;
};

typedef int64_t take_int_fn(const struct session_record *r);
typedef struct view take_view_fn(const struct session_record *r);

static void bind_int_column(struct query *q, const struct columns *c, take_int_fn *take)
{
    for (uint32_t i = 0; i < c->count; i++)
        c->ints[i] = take(&c->records[i]);
    bind_ints(q, c->ints, c->count);
}

static void bind_view_column(struct query *q, const struct columns *c, take_view_fn *take)
{
    for (uint32_t i = 0; i < c->count; i++)
        c->views[i] = take(&c->records[i]);
    bind_blobs(q, c->views, c->count);
}

#define INT(name, expression)                                                                                          \
    static int64_t take_##name(const struct session_record *r)                                                         \
    {                                                                                                                  \
        return expression;                                                                                             \
    }
#define VIEWED(name, pointer, len)                                                                                     \
    static struct view take_##name(const struct session_record *r)                                                     \
    {                                                                                                                  \
        return view_of(pointer, len);                                                                                  \
    }
VIEWED(sid, r->sid.bytes, sizeof r->sid.bytes)
VIEWED(user, r->user.bytes, sizeof r->user.bytes)
INT(epoch, r->epoch)
INT(kind, r->kind)
INT(remember, r->remember)
INT(created, r->created_at_ms)
INT(authenticated, r->authenticated_at_ms)
INT(seen, r->last_seen_at_ms)
INT(expires, r->expires_at_ms)
INT(idle, r->idle_ms)
VIEWED(secret, r->secret_digest, r->kind == SESSION_COOKIE ? sizeof r->secret_digest : 0)
INT(generation, (int64_t)r->generation)
VIEWED(refresh, r->refresh_digest, r->generation > 0 ? sizeof r->refresh_digest : 0)
VIEWED(previous, r->previous_digest, r->generation > 0 ? sizeof r->previous_digest : 0)
VIEWED(nonce, r->refresh_nonce, r->generation > 0 ? sizeof r->refresh_nonce : 0)
INT(rotated, r->rotated_at_ms)
VIEWED(app, r->app, strnlen(r->app, sizeof r->app))
VIEWED(ip, r->ip.bytes, r->ip.version == 4 ? 4U : r->ip.version == 6 ? 16U : 0U)
VIEWED(agent, r->user_agent, strnlen(r->user_agent, sizeof r->user_agent))
INT(sweep, session_over_ms(r->last_seen_at_ms, r->idle_ms, r->expires_at_ms))
#undef INT
#undef VIEWED

static struct cardea_status insert(struct store_tx *tx, const struct columns *c)
{
    uint32_t made = 0;
    struct query q = query_start_write(tx, QUERY_SESSION_CREATE_MANY, insert_sql);
    bind_view_column(&q, c, take_sid);
    bind_view_column(&q, c, take_user);
    bind_int_column(&q, c, take_epoch);
    bind_int_column(&q, c, take_kind);
    bind_int_column(&q, c, take_remember);
    bind_int_column(&q, c, take_created);
    bind_int_column(&q, c, take_authenticated);
    bind_int_column(&q, c, take_seen);
    bind_int_column(&q, c, take_expires);
    bind_int_column(&q, c, take_idle);
    bind_view_column(&q, c, take_secret);
    bind_int_column(&q, c, take_generation);
    bind_view_column(&q, c, take_refresh);
    bind_view_column(&q, c, take_previous);
    bind_view_column(&q, c, take_nonce);
    bind_int_column(&q, c, take_rotated);
    bind_view_column(&q, c, take_app);
    bind_view_column(&q, c, take_ip);
    bind_view_column(&q, c, take_agent);
    bind_int_column(&q, c, take_sweep);
    struct cardea_status s = query_run(&q, &made);
    return cardea_ok(s) && made != c->count ? CARDEA_FAIL(E_CONFLICT) : s;
}

struct cardea_status postgres_session_create_many(struct store_tx *tx, const struct session_record *records,
                                                  uint32_t count)
{
    if (tx->sql.mode != STORE_WRITE)
        return CARDEA_FAIL(E_INTERNAL);
    for (uint32_t i = 0; i < count; i++)
        if (!session_storable(&records[i]) || !utf8_valid(take_app(&records[i])))
            return CARDEA_FAIL(E_INTERNAL);
    if (count == 0)
        return CARDEA_SUCCESS;
    struct columns c = {records, count, calloc(count, sizeof *c.views), calloc(count, sizeof *c.ints)};
    struct cardea_status s = c.views == NULL || c.ints == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : insert(tx, &c);
    free(c.views);
    free(c.ints);
    return s;
}
