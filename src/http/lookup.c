#include "http/lookup.h"

#include "http/endpoint.h"

/* Is memory good, or may the store decide without it? */
static bool decidable(const struct exchange *x, int64_t boot_ms)
{
    const struct site *site = x->site;
    return site->table == NULL || table_valid(site->table, boot_ms) ||
           (site->store_decides != NULL && site->store_decides(site->context));
}

struct cardea_status lookup_allowed(const struct exchange *x, struct cardea_status why)
{
    const struct site *site = x->site;
    int64_t now = site->boot_ms();
    if (why.code != CARDEA_E_NOT_FOUND && why.code != CARDEA_E_UNAVAILABLE)
        return why;
    bool closed = site->gate != NULL && atomic_load_explicit(&site->gate->closed_until_ms, memory_order_relaxed) > now;
    return !closed && decidable(x, now) ? CARDEA_SUCCESS : CARDEA_FAIL(E_UNAVAILABLE);
}

/* An open gate lets all pass. After a failure it is shut for a while; then whoever comes first tries, and the others
 * are turned away until it has found out. */
static bool gate_pass(struct lookup_gate *gate, int64_t now)
{
    int64_t until = gate == NULL ? 0 : atomic_load(&gate->closed_until_ms);
    if (until == 0)
        return true;
    return until <= now &&
           atomic_compare_exchange_strong(&gate->closed_until_ms, &until, now + LOOKUP_DEADLINE_MS + LOOKUP_PAUSE_MS);
}

static void gate_tell(struct lookup_gate *gate, bool answers, int64_t now)
{
    if (gate == NULL)
        return;
    if (!answers)
        atomic_store(&gate->closed_until_ms, now + LOOKUP_PAUSE_MS);
    else if (atomic_load_explicit(&gate->closed_until_ms, memory_order_relaxed) != 0)
        atomic_store(&gate->closed_until_ms, 0);
}

struct cardea_status lookup_begin(struct exchange *x, struct lookup *out)
{
    const struct site *site = x->site;
    *out = (struct lookup){.verifier = exchange_verifier(x)};
    /* It may have waited for its turn, and the lease has run out meanwhile. */
    if (!decidable(x, out->verifier.boot_ms) || !gate_pass(site->gate, out->verifier.boot_ms))
        return CARDEA_FAIL(E_UNAVAILABLE);
    if (site->fill != NULL) {
        out->sink = (struct verify_sink){site->fill, site->context, site->fill_mark(site->context)};
        out->verifier.sink = &out->sink;
    }
    struct cardea_status s =
        site->store->ops->begin(site->store, STORE_READ, out->verifier.boot_ms + LOOKUP_DEADLINE_MS, &out->tx);
    if (!cardea_ok(s))
        gate_tell(site->gate, false, site->boot_ms());
    return s;
}

void lookup_end(struct exchange *x, struct lookup *l, struct cardea_status s)
{
    if (l->tx == NULL)
        return;
    exchange_read_end(x, l->tx);
    gate_tell(x->site->gate, s.code != CARDEA_E_UNAVAILABLE && s.code != CARDEA_E_IO, x->site->boot_ms());
}
