#include "core/receipt.h"

/* --- what was seen --- */

void registry_view_init(struct registry_view *v, const uint8_t *own_id, bool own, int64_t own_lease_ms)
{
    *v = (struct registry_view){.own = own, .bound_ms = lease_bound_ms(own_lease_ms)};
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
        .first_read = v->reads,
    };
    memcpy(s.id, r->id, sizeof s.id);
    if (before != NULL) {
        s.first_read = before->first_read;
        if (before->renewals == r->renewals)
            s.since_ms = before->since_ms;
    }
    return s;
}

void registry_view_read(struct registry_view *v, const struct verifier_record *records, uint32_t count, int64_t at_ms)
{
    uint32_t had = 0, kept = 0;

    v->reads++;
    for (uint32_t i = 0; i < count && i < VERIFIERS_MAX; i++) {
        const struct verifier_record *r = &records[i];
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

/* --- judging --- */

/* Of those that the first reading showed: how many have acknowledged, and how many are awaited. The others are gone, or
 * have said nothing for too long. */
static void count_seen(const struct registry_view *v, const struct receipt_wait *w, int64_t now_ms, struct receipt *out)
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
    out->acknowledged += acknowledged;
    out->pending = pending;
    out->expired = w->total > acknowledged + pending ? w->total - acknowledged - pending : 0;
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
    json_close_array(w);
    json_member_int(w, "ms", r->ms);
    json_close_object(w);
}
