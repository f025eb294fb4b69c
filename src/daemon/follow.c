#include "daemon/follow.h"

#include "base/secret.h"
#include "crypto/digest.h"
#include "daemon/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* We stand in no journal of this store. No operation that is used here answers so. */
#define ASTRAY CARDEA_FAIL(E_CONFLICT)

static const char incarnation_value[] = "incarnation";

struct follow_rows {
    struct event events[FOLLOW_ROWS + 1]; /* and the one where we are */
    struct user_record users[FOLLOW_ROWS];
    struct change changes[FOLLOW_ROWS];
    uint32_t user_count, change_count;
    bool keys;
};

static const struct store_ops *ops(const struct follow *f)
{
    return f->store->ops;
}

static bool same_head(const struct journal_head *a, const struct journal_head *b)
{
    return a->n == b->n && memcmp(a->hash, b->hash, sizeof a->hash) == 0;
}

/* --- where the store is --- */

static struct cardea_status read_incarnation(struct follow *f, struct store_tx *tx, int64_t *out)
{
    int64_t value = 0;
    struct cardea_status s = ops(f)->value_get(tx, incarnation_value, &value);
    if (!cardea_ok(s) && s.code != CARDEA_E_NOT_FOUND)
        return s;
    *out = value;
    return CARDEA_SUCCESS;
}

static struct cardea_status read_head(struct follow *f, struct store_tx *tx, struct journal_head *ret_head,
                                      int64_t *ret_incarnation)
{
    struct event *last = &f->rows->events[0];
    uint32_t count = 0;
    int64_t incarnation;
    struct cardea_status s = read_incarnation(f, tx, &incarnation);
    if (cardea_ok(s))
        s = ops(f)->event_list(tx, 0, true, last, 1, &count);
    if (!cardea_ok(s))
        return s;
    *ret_head = (struct journal_head){0};
    if (count > 0) {
        ret_head->n = last->n;
        memcpy(ret_head->hash, last->hash, sizeof ret_head->hash);
    }
    *ret_incarnation = incarnation;
    return s;
}

/* A renewal over a connection that died without a word must leave time for one over another. */
static struct cardea_status begin(struct follow *f, enum store_mode mode, struct store_tx **out)
{
    int64_t within_ms = mode == STORE_WRITE ? f->self.lease_ms / 2 : f->self.lease_ms;
    return ops(f)->begin(f->store, mode, f->boot_ms() + within_ms, out);
}

/* Stand where the store is now. Whatever is read for memory after this is as new, or newer. */
static struct cardea_status place(struct follow *f)
{
    struct store_tx *tx = NULL;
    struct cardea_status s = begin(f, STORE_READ, &tx);
    if (!cardea_ok(s))
        return s;
    s = read_head(f, tx, &f->at, &f->incarnation);
    ops(f)->abort(tx);
    return s;
}

/* --- rows --- */

static void add(struct follow_rows *r, struct change c)
{
    r->changes[r->change_count++] = c;
}

/* The user as they are now. One that is read already in this transaction is the same. */
static struct cardea_status add_user(struct follow *f, struct store_tx *tx, const struct event *e)
{
    struct follow_rows *r = f->rows;
    struct user_id id = e->subject;
    if (e->revocation.kind == REVOCATION_USER)
        memcpy(id.bytes, e->revocation.id, sizeof id.bytes);
    for (uint32_t i = 0; i < r->user_count; i++)
        if (ID_SAME(r->users[i].id, id))
            return CARDEA_SUCCESS;
    struct user_record *u = &r->users[r->user_count];
    struct cardea_status s = ops(f)->user_get(tx, id, u);
    if (s.code == CARDEA_E_NOT_FOUND) {
        struct change end = {.kind = CHANGE_USER_END, .revocation = {.kind = REVOCATION_USER}};
        memcpy(end.revocation.id, id.bytes, sizeof id.bytes);
        add(r, end); /* until for ever: ids never come back, but with another incarnation */
        return CARDEA_SUCCESS;
    }
    if (!cardea_ok(s))
        return s;
    r->user_count++;
    add(r, (struct change){.kind = CHANGE_USER_PUT, .user = u});
    return s;
}

static struct cardea_status add_row(struct follow *f, struct store_tx *tx, const struct event *e)
{
    static const struct user_id nobody;
    static const enum change_kind ends[] = {
        [REVOCATION_TOKEN] = CHANGE_TOKEN_END,
        [REVOCATION_SESSION] = CHANGE_SESSION_END,
        [REVOCATION_API_KEY] = CHANGE_API_KEY_END,
        [REVOCATION_KEY] = CHANGE_UNSET,
    };
    enum revocation_kind kind = e->revocation.kind;
    if (kind == REVOCATION_KEY || strncmp(e->type, "key_", 4) == 0) {
        f->rows->keys = true;
        return CARDEA_SUCCESS;
    }
    if (kind < sizeof ends / sizeof ends[0] && ends[kind] != CHANGE_UNSET) {
        add(f->rows, (struct change){.kind = ends[kind], .revocation = e->revocation});
        return CARDEA_SUCCESS;
    }
    if (kind == REVOCATION_USER || (journal_concerns_others(e) && !ID_SAME(e->subject, nobody)))
        return add_user(f, tx, e);
    return CARDEA_SUCCESS;
}

/* The rows of one reading, the first `skip` of which are known. *next moves behind the last.
 * fails: ASTRAY: they do not continue what we have */
static struct cardea_status add_rows(struct follow *f, struct store_tx *tx, uint32_t skip, uint32_t count,
                                     struct journal_head *next)
{
    struct cardea_status s = CARDEA_SUCCESS;
    f->rows->user_count = f->rows->change_count = 0;
    f->rows->keys = false;
    for (uint32_t i = skip; cardea_ok(s) && i < count; i++) {
        if (!cardea_ok(journal_check(next, &f->rows->events[i], digest_sha256)))
            return ASTRAY;
        if (f->owed && next->n == f->target.n && !same_head(next, &f->target))
            return ASTRAY; /* that renewal was answered by another store */
        s = add_row(f, tx, &f->rows->events[i]);
    }
    return s;
}

/* Into memory, and then we stand there. */
static struct cardea_status apply_rows(struct follow *f, uint64_t mark, const struct journal_head *next)
{
    struct follow_rows *r = f->rows;
    if (r->keys) {
        struct cardea_status s = keeper_load_keys(f->keeper);
        if (!cardea_ok(s))
            return s;
    }
    if (r->change_count > 0)
        keeper_follow(f->keeper, mark, r->changes, r->change_count);
    atomic_fetch_add(&f->counts.rows, next->n - f->at.n);
    f->at = *next;
    atomic_store(&f->counts.applied, f->at.n);
    keeper_reached(f->keeper, f->at.n);
    return CARDEA_SUCCESS;
}

/* One reading. *ret_more: there may be further rows.
 * fails: ASTRAY; the store's */
static struct cardea_status follow_some(struct follow *f, struct store_tx *tx, uint64_t mark, bool *ret_more)
{
    struct event *rows = f->rows->events;
    uint32_t count = 0, known = f->at.n > 0 ? 1 : 0;
    struct cardea_status s = ops(f)->event_list(tx, f->at.n - known, false, rows, FOLLOW_ROWS + known, &count);
    if (!cardea_ok(s))
        return s;
    if (known == 1 &&
        (count == 0 || rows[0].n != f->at.n || memcmp(rows[0].hash, f->at.hash, sizeof rows[0].hash) != 0))
        return ASTRAY;
    struct journal_head next = f->at;
    s = add_rows(f, tx, known, count, &next);
    if (cardea_ok(s))
        s = apply_rows(f, mark, &next);
    for (uint32_t i = 0; i < f->rows->user_count; i++)
        secret_wipe(f->rows->users[i].password_hash, sizeof f->rows->users[i].password_hash);
    *ret_more = count == FOLLOW_ROWS + known;
    return s;
}

static struct cardea_status follow(struct follow *f)
{
    struct store_tx *tx = NULL;
    int64_t incarnation;
    uint64_t mark = keeper_mark(f->keeper), until = f->at.n + FOLLOW_ROWS_MAX;
    struct cardea_status s = begin(f, STORE_READ, &tx);
    if (!cardea_ok(s))
        return s;
    s = read_incarnation(f, tx, &incarnation);
    if (cardea_ok(s) && incarnation != f->incarnation)
        s = ASTRAY;
    for (bool more = true; cardea_ok(s) && more && f->at.n < until;)
        s = follow_some(f, tx, mark, &more);
    ops(f)->abort(tx);
    return s;
}

/* --- the lease --- */

static void set_lease(struct follow *f, int64_t until_ms)
{
    keeper_lease(f->keeper, until_ms);
    atomic_store(&f->counts.lease_until_ms, until_ms);
}

/* Our record is gone: may we come back? While another lives that we can not run beside, nothing is renewed, and nobody
 * is answered. */
static struct cardea_status come_back(struct follow *f, struct store_tx *tx, const struct verifier_record *next)
{
    char message[512] = "";
    bool joined = false;
    if (f->displaced == NULL)
        f->displaced = nodes_watch_new();
    if (f->displaced == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s = nodes_look(f->displaced, ops(f), tx, next, f->boot_ms, &joined, message, sizeof message);
    if (s.code == CARDEA_E_CONFLICT) {
        if (!f->displaced_told)
            log_write(LOG_ERROR, "this node was taken for dead, and may not come back beside another",
                      LOG_FIELDS(LOG_TEXT("why", view_text(message))));
        f->displaced_told = true;
        nodes_watch_free(f->displaced); /* from the start: the other may go */
        f->displaced = NULL;
        return CARDEA_FAIL(E_BUSY);
    }
    return cardea_ok(s) && !joined ? CARDEA_FAIL(E_BUSY) : s;
}

/* *ret_registered: our record stood there. Else somebody took us for dead, and those who ask for acknowledgements
 * (core/receipt.h) may have looked while it was away: this one only registers, and the next is the renewal. */
static struct cardea_status renew_in(struct follow *f, struct store_tx *tx, struct journal_head *ret_head,
                                     int64_t *ret_incarnation, bool *ret_registered)
{
    struct verifier_record next = f->self;
    next.n = f->placed ? f->at.n : 0;
    next.renewals++;
    struct cardea_status s = ops(f)->verifier_delete(tx, next.id);
    *ret_registered = cardea_ok(s);
    if (cardea_ok(s))
        s = ops(f)->verifier_put(tx, &next);
    else if (s.code == CARDEA_E_NOT_FOUND)
        s = come_back(f, tx, &next);
    if (cardea_ok(s))
        s = read_head(f, tx, ret_head, ret_incarnation);
    if (!cardea_ok(s)) {
        ops(f)->abort(tx);
        return s;
    }
    nodes_watch_free(f->displaced);
    f->displaced = NULL;
    f->displaced_told = false;
    f->self = next; /* also where nobody can tell: the number is not used twice */
    return ops(f)->commit(tx);
}

/* Ask for a renewal. What it says has still to be reached. fails: ASTRAY; the store's */
static struct cardea_status renew(struct follow *f)
{
    struct store_tx *tx = NULL;
    struct journal_head head;
    int64_t incarnation, asked_ms = f->boot_ms();
    bool registered = false;
    struct cardea_status s = begin(f, STORE_WRITE, &tx);
    if (cardea_ok(s))
        s = renew_in(f, tx, &head, &incarnation, &registered);
    if (!cardea_ok(s))
        return s;
    if (!registered) {
        f->owed = false;
        f->renew_at_ms = asked_ms;
        return s;
    }
    atomic_fetch_add(&f->counts.renewals, 1);
    atomic_store(&f->counts.head, head.n);
    f->owed = true;
    f->target = head;
    f->asked_ms = asked_ms;
    f->renew_at_ms = asked_ms + f->self.lease_ms / LEASE_RENEWALS;
    keeper_store_lease(f->keeper, asked_ms + f->self.lease_ms);
    bool ours = incarnation == f->incarnation && (head.n > f->at.n || same_head(&head, &f->at));
    return !f->placed || ours ? CARDEA_SUCCESS : ASTRAY;
}

/* Is everything applied that the renewal named? */
static void settle(struct follow *f)
{
    if (!f->owed || !f->placed || f->at.n < f->target.n)
        return;
    f->owed = false;
    keeper_reached(f->keeper, f->at.n); /* after a filling there were no rows to apply */
    set_lease(f, f->asked_ms + f->self.lease_ms);
}

/* --- another store --- */

/* Between two portions of a long reading: others should go on counting us among the living, and the store be asked
 * meanwhile. */
static void breathe(void *context)
{
    struct follow *f = context;
    if (f->boot_ms() >= f->renew_at_ms)
        (void)renew(f);
}

static struct cardea_status refill(struct follow *f)
{
    struct fill_counts counts;
    if (f->placed)
        log_write(LOG_WARN,
                  "the store is not the one that memory is of (a restore, or a fail-over that lost changes): "
                  "everything is read again",
                  LOG_FIELDS(LOG_INT("position", f->at.n)));
    f->placed = f->owed = false;
    f->renew_at_ms = f->boot_ms(); /* soon: our record still claims rows that are of the other store */
    set_lease(f, 0);
    keeper_empty(f->keeper); /* also after half a filling: it may have been of yet another store */
    struct cardea_status s = place(f);
    if (cardea_ok(s))
        s = keeper_load_keys(f->keeper);
    if (cardea_ok(s))
        s = keeper_refill(f->keeper, breathe, f, &counts);
    if (!cardea_ok(s))
        return s;
    f->placed = true;
    f->owed = false; /* what breathing was told may be of yet another one: the next renewal finds out */
    f->renew_at_ms = f->boot_ms();
    atomic_fetch_add(&f->counts.refills, 1);
    atomic_store(&f->counts.applied, f->at.n);
    log_write(
        LOG_INFO, "the store was read again",
        LOG_FIELDS(LOG_INT("position", f->at.n), LOG_INT("sessions", counts.sessions), LOG_INT("users", counts.users)));
    return s;
}

/* --- turns --- */

struct cardea_status follow_open(struct follow *f)
{
    f->rows = calloc(1, sizeof *f->rows);
    if (f->rows == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    f->retry_ms = FOLLOW_RETRY_MIN_MS;
    f->renew_at_ms = f->boot_ms();
    set_lease(f, 0);
    struct cardea_status s = place(f);
    f->placed = cardea_ok(s);
    atomic_store(&f->counts.applied, f->at.n);
    return s;
}

void follow_end(struct follow *f)
{
    if (f->rows == NULL)
        return;
    keeper_store_lease(f->keeper, 0);
    set_lease(f, 0);
}

void follow_clear(struct follow *f)
{
    nodes_watch_free(f->displaced);
    f->displaced = NULL;
    free(f->rows);
    f->rows = NULL;
}

static struct cardea_status turn(struct follow *f, unsigned pushed)
{
    struct cardea_status s = CARDEA_SUCCESS;
    bool due = f->boot_ms() >= f->renew_at_ms;
    /* What was pushed first: the renewal then says that it is applied, which somebody may be waiting for. */
    if (f->placed && (pushed != 0 || f->owed))
        s = follow(f);
    if (cardea_ok(s) && (due || (pushed & STORE_PUSH_RENEW) != 0))
        s = renew(f);
    if ((pushed & STORE_PUSH_RENEW) != 0)
        feed_hurry(f->keeper->feed);
    if (cardea_ok(s) && f->placed && f->owed && !same_head(&f->at, &f->target))
        s = follow(f);
    if (s.code == CARDEA_E_CONFLICT || (cardea_ok(s) && !f->placed))
        s = refill(f);
    if (cardea_ok(s))
        settle(f);
    return s;
}

/* Once when the lease has run out, and once when it is there again. */
static void tell(struct follow *f, struct cardea_status s)
{
    int64_t now = f->boot_ms(), until_ms = atomic_load(&f->counts.lease_until_ms);
    if (now < until_ms && f->told) {
        f->told = false;
        log_write(LOG_INFO, "the lease is renewed: memory is believed again", LOG_NOTHING);
    } else if (now >= until_ms && !cardea_ok(s) && !f->told) {
        f->told = true;
        log_write(LOG_ERROR, "the lease can not be renewed: memory is not believed until it is",
                  LOG_FIELDS(LOG_STATUS(s)));
    }
}

int64_t follow_step(struct follow *f, unsigned pushed)
{
    struct cardea_status s = turn(f, pushed);
    tell(f, s);
    if (cardea_ok(s) && !f->owed) {
        f->retry_ms = FOLLOW_RETRY_MIN_MS;
        return f->renew_at_ms;
    }
    int64_t every_ms = f->self.lease_ms / LEASE_RENEWALS, again_ms = f->boot_ms() + f->retry_ms;
    if (!cardea_ok(s))
        atomic_fetch_add(&f->counts.failures, 1);
    f->retry_ms = f->retry_ms * 2 > every_ms ? every_ms : f->retry_ms * 2;
    return again_ms;
}
