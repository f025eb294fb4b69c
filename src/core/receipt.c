#include "core/receipt.h"

#include <stdlib.h>

/* --- what was seen --- */

void registry_view_init(struct registry_view *v, const uint8_t *own_id, bool own, int64_t own_lease_ms)
{
    v->reads = 0;
    v->count = v->record_count = 0;
    v->own = own;
    v->bound_ms = lease_bound_ms(own_lease_ms);
    memset(v->own_id, 0, sizeof v->own_id);
    if (own_id != NULL)
        memcpy(v->own_id, own_id, sizeof v->own_id);
}

static int compare(const uint8_t a[16], const uint8_t b[16])
{
    return memcmp(a, b, 16);
}

static struct verifier_seen see(const struct registry_view *v, const struct verifier_record *r,
                                const struct verifier_seen *before, int64_t at_ms)
{
    struct verifier_seen s = {
        .n = r->n,
        .renewals = r->renewals,
        .bound_ms = lease_bound_ms(r->lease_ms > 0 ? r->lease_ms : 0),
        .since_ms = at_ms,
        .first_read = r->kind == VERIFIER_REMOTE ? 0 : v->reads,
    };
    memcpy(s.id, r->id, sizeof s.id);
    if (before != NULL) {
        s.first_read = before->first_read;
        if (before->renewals == r->renewals)
            s.since_ms = before->since_ms;
    }
    return s;
}

struct cardea_status registry_view_list(struct registry_view *v, const struct store_ops *ops, struct store_tx *tx)
{
    v->record_count = 0;
    return ops->verifier_list == NULL ? CARDEA_SUCCESS
                                      : ops->verifier_list(tx, v->records, VERIFIERS_MAX, &v->record_count);
}

struct cardea_status registry_least(const struct store_ops *ops, struct store_tx *tx, const uint8_t *own_id,
                                    uint64_t *ret_n)
{
    struct registry_view *v = calloc(1, sizeof *v);

    if (v == NULL)
        return CARDEA_FAIL(E_BUSY);
    registry_view_init(v, own_id, true, 1);
    struct cardea_status s = registry_view_list(v, ops, tx);
    if (cardea_ok(s)) {
        registry_view_read(v, 0);
        *ret_n = registry_view_heard(v, 0);
    }
    free(v);
    return s;
}

void registry_view_read(struct registry_view *v, int64_t at_ms)
{
    uint32_t had = 0, kept = 0;

    v->reads++;
    for (uint32_t i = 0; i < v->record_count; i++) {
        const struct verifier_record *r = &v->records[i];
        if (compare(r->id, v->own_id) == 0)
            continue;
        while (had < v->count && compare(v->seen[had].id, r->id) < 0)
            had++;
        bool known = had < v->count && compare(v->seen[had].id, r->id) == 0;
        struct verifier_seen s = see(v, r, known ? &v->seen[had] : NULL, at_ms);
        if (s.bound_ms > v->bound_ms)
            v->bound_ms = s.bound_ms;
        v->scratch[kept++] = s;
    }
    memcpy(v->seen, v->scratch, kept * sizeof v->seen[0]);
    v->count = kept;
}

static bool lapsed(const struct verifier_seen *s, int64_t since_ms, int64_t now_ms)
{
    int64_t from_ms = s->since_ms > since_ms ? s->since_ms : since_ms;

    return now_ms - from_ms >= s->bound_ms;
}

uint64_t registry_view_heard(const struct registry_view *v, int64_t now_ms)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < v->count; i++)
        if (v->seen[i].n < least && !lapsed(&v->seen[i], 0, now_ms))
            least = v->seen[i].n;
    return least;
}

bool registry_view_dead(const struct registry_view *v, int64_t now_ms, int64_t silent_ms, struct verifier_record *out)
{
    for (uint32_t i = 0; i < v->count; i++) {
        const struct verifier_seen *s = &v->seen[i];
        if (now_ms - s->since_ms < silent_ms || !lapsed(s, 0, now_ms))
            continue;
        *out = (struct verifier_record){.n = s->n, .renewals = s->renewals};
        memcpy(out->id, s->id, sizeof out->id);
        return true;
    }
    return false;
}

/* --- judging --- */

/* Of those that the first reading showed: how many have acknowledged, and how many are awaited. The others are gone, or
 * have said nothing for too long. */
static void count_seen(const struct registry_view *v, struct receipt_wait *w, int64_t now_ms, struct receipt *out)
{
    uint32_t acknowledged = 0, pending = 0;

    for (uint32_t i = 0; i < v->count; i++) {
        const struct verifier_seen *s = &v->seen[i];
        if (s->first_read > w->first_read)
            continue;
        if (s->n >= w->position)
            acknowledged++;
        else if (!lapsed(s, w->committed_ms, now_ms))
            pending++;
    }
    if (w->total < acknowledged + pending)
        w->total = acknowledged + pending;
    out->acknowledged += acknowledged;
    out->pending = pending;
    out->expired = w->total - acknowledged - pending;
}

bool receipt_judge(const struct registry_view *v, struct receipt_wait *w, bool fresh, int64_t now_ms,
                   struct receipt *out)
{
    struct receipt r = {.position = w->position, .acknowledged = v->own, .ms = now_ms - w->committed_ms};

    if (fresh && w->first_read == 0) {
        w->first_read = v->reads;
        w->total = v->count;
    }
    r.registry_readable = w->first_read != 0;
    if (r.registry_readable)
        count_seen(v, w, now_ms, &r);
    r.complete = r.registry_readable && r.pending == 0;
    /* Nothing can be read, now or at all: the time counts for everybody. */
    if (!fresh && r.ms >= v->bound_ms) {
        r.expired += r.pending;
        r.pending = 0;
        r.complete = true;
    }
    *out = r;
    return r.complete;
}

void receipt_write(struct json_writer *w, const struct receipt *r)
{
    json_open_object(w);
    json_member_int(w, "position", (int64_t)r->position);
    json_member_bool(w, "complete", r->complete);
    json_member_int(w, "acknowledged", r->acknowledged);
    json_member_int(w, "expired", r->expired);
    json_member_int(w, "pending", r->pending);
    json_member_text(w, "registry", r->registry_readable ? VIEW("read") : VIEW("unreadable"));
    json_name(w, "unleased");
    json_open_array(w);
    json_put_text(w, VIEW("jwks"));
    if (r->stateless)
        json_put_text(w, VIEW("stateless"));
    json_close_array(w);
    json_member_int(w, "ms", r->ms);
    json_close_object(w);
}
