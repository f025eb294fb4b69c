#include "store/mixture.h"

#include "store/expected.h"

#include <stdlib.h>

struct mixture {
    struct store base;
    struct store_ops ops; /* without those that the accounts lack */
    struct store *accounts;
    struct sessions *sessions;
};

/* Sids that a transaction has created, or will delete. */
struct sid_list {
    struct session_id *items;
    uint32_t count, room, at_mark;
};

struct store_tx {
    struct mixture *mixture;
    struct store_tx *accounts;
    int64_t deadline_ms;
    bool writes;
    struct sid_list created, ending;
    struct expected expected;
    bool conflict; /* a rotation that waited found another generation */
};

static const struct store_ops *accounts_ops(const struct store_tx *tx)
{
    return tx->mixture->accounts->ops;
}

static struct cardea_status list_add(struct sid_list *l, struct session_id sid)
{
    if (l->count == l->room) {
        uint32_t room = l->room == 0 ? 16 : l->room * 2;
        struct session_id *items = realloc(l->items, room * sizeof *items);
        if (items == NULL)
            return CARDEA_FAIL(E_UNAVAILABLE);
        l->items = items;
        l->room = room;
    }
    l->items[l->count++] = sid;
    return CARDEA_SUCCESS;
}

static bool list_has(const struct sid_list *l, struct session_id sid)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (memcmp(&l->items[i], &sid, sizeof sid) == 0)
            return true;
    return false;
}

/* Best effort: what stays is an orphan that nobody holds, or a record that a revocation stands against. */
static void remove_from(struct store_tx *tx, const struct sid_list *l, uint32_t first)
{
    if (l->count > first)
        (void)tx->mixture->sessions->ops->remove(tx->mixture->sessions, tx->deadline_ms, l->items + first,
                                                 l->count - first);
}

static void release(struct store_tx *tx)
{
    free(tx->created.items);
    free(tx->ending.items);
    expected_clear(&tx->expected);
    free(tx);
}

/* --- transactions --- */

static void mixture_close(struct store *s)
{
    struct mixture *m = (struct mixture *)s;
    if (m == NULL)
        return;
    m->sessions->ops->close(m->sessions);
    m->accounts->ops->close(m->accounts);
    free(m);
}

static struct cardea_status mixture_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                          struct store_tx **out)
{
    struct mixture *m = (struct mixture *)s;
    struct store_tx *tx = calloc(1, sizeof *tx);
    if (tx == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *tx = (struct store_tx){.mixture = m, .deadline_ms = deadline_ms, .writes = mode == STORE_WRITE};
    struct cardea_status status = m->accounts->ops->begin(m->accounts, mode, deadline_ms, &tx->accounts);
    if (!cardea_ok(status)) {
        release(tx);
        return status;
    }
    *out = tx;
    return CARDEA_SUCCESS;
}

static struct cardea_status mixture_mark(struct store_tx *tx)
{
    struct cardea_status s = accounts_ops(tx)->mark(tx->accounts);
    if (cardea_ok(s)) {
        tx->created.at_mark = tx->created.count;
        tx->ending.at_mark = tx->ending.count;
        expected_mark(&tx->expected);
    }
    return s;
}

static struct cardea_status mixture_keep(struct store_tx *tx)
{
    return accounts_ops(tx)->keep(tx->accounts);
}

static struct cardea_status mixture_undo(struct store_tx *tx)
{
    struct cardea_status s = accounts_ops(tx)->undo(tx->accounts);
    if (s.code == CARDEA_E_INTERNAL) /* no change was open */
        return s;
    expected_undo(&tx->expected);
    remove_from(tx, &tx->created, tx->created.at_mark);
    tx->created.count = tx->created.at_mark;
    tx->ending.count = tx->ending.at_mark;
    return s;
}

static void mixture_abort(struct store_tx *tx)
{
    if (tx == NULL)
        return;
    accounts_ops(tx)->abort(tx->accounts);
    remove_from(tx, &tx->created, 0);
    release(tx);
}

/* What waits, in one exchange, while the accounts' locks are still held. E_CONFLICT: somebody else was first. Of an
 * engine that failed nobody can tell what it wrote; all that it may have written can be repeated, so nothing has
 * happened. */
static struct cardea_status write_waiting(struct store_tx *tx)
{
    struct sessions *e = tx->mixture->sessions;
    for (int in_mark = 0; in_mark < 2 && tx->expected.waiting > 0; in_mark++) {
        uint32_t count = 0;
        struct session_rotation *rotations = malloc(tx->expected.waiting * sizeof *rotations);
        if (rotations == NULL)
            return CARDEA_FAIL(E_IO);
        expected_take(&tx->expected, in_mark == 1, rotations, &count);
        struct cardea_status s =
            count == 0 ? CARDEA_SUCCESS : e->ops->rotate_many(e, tx->deadline_ms, rotations, count);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
            tx->conflict = tx->conflict || !cardea_ok(rotations[i].answer);
        free(rotations);
        if (!cardea_ok(s))
            tx->conflict = true;
    }
    return tx->conflict ? CARDEA_FAIL(E_CONFLICT) : CARDEA_SUCCESS;
}

static struct cardea_status mixture_commit(struct store_tx *tx)
{
    struct cardea_status s = write_waiting(tx);
    if (!cardea_ok(s)) {
        mixture_abort(tx);
        return s;
    }
    s = accounts_ops(tx)->commit(tx->accounts);
    if (cardea_ok(s))
        remove_from(tx, &tx->ending, 0);
    else
        remove_from(tx, &tx->created, 0); /* also when nobody can tell: it was handed to nobody */
    release(tx);
    return s;
}

/* --- sessions --- */

/* Does the durable store say that it has ended, or this transaction? OK: no. */
static struct cardea_status stands(struct store_tx *tx, struct session_id sid)
{
    if (list_has(&tx->ending, sid))
        return CARDEA_FAIL(E_NOT_FOUND);
    uint8_t id[32] = {0};
    memcpy(id, sid.bytes, sizeof sid.bytes);
    struct cardea_status s = accounts_ops(tx)->revocation_find(tx->accounts, REVOCATION_SESSION, id);
    if (s.code == CARDEA_E_NOT_FOUND)
        return CARDEA_SUCCESS;
    return cardea_ok(s) ? CARDEA_FAIL(E_NOT_FOUND) : s;
}

/* Fetch the records, then let the accounts prepare for their users: first the record, then the accounts, as in get. Of
 * a session whose record did not come nobody knows the user to lock, so the accounts do not look for its end yet: it
 * could end before the user is locked. */
static struct cardea_status mixture_expect(struct store_tx *tx, const struct expectation *what)
{
    struct sessions *e = tx->mixture->sessions;
    struct expected *x = &tx->expected;
    if (x->items != NULL)
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = expected_init(x, what->sids, what->sid_count);
    if (!cardea_ok(s))
        return s;
    struct session_id *sids = calloc(x->count + 1, sizeof *sids);
    struct user_id *users = calloc(x->count + 1, sizeof *users);
    struct session_record *records = calloc(x->count + 1, sizeof *records);
    struct cardea_status *answers = calloc(x->count + 1, sizeof *answers);
    struct expectation of_accounts = {.sids = sids, .users = users, .accounts = true};
    s = CARDEA_FAIL(E_UNAVAILABLE);
    if (sids != NULL && users != NULL && records != NULL && answers != NULL) {
        for (uint32_t i = 0; i < x->count; i++)
            sids[i] = x->items[i].sid;
        s = e->ops->get_many(e, tx->deadline_ms, sids, x->count, records, answers);
    }
    for (uint32_t i = 0; cardea_ok(s) && i < x->count; i++) {
        x->items[i].there = cardea_ok(answers[i]);
        x->items[i].known = x->items[i].there || answers[i].code == CARDEA_E_NOT_FOUND;
        if (!x->items[i].there)
            continue;
        x->items[i].record = records[i];
        sids[of_accounts.sid_count++] = x->items[i].sid;
        users[of_accounts.user_count++] = records[i].user;
    }
    if (cardea_ok(s) && accounts_ops(tx)->expect != NULL)
        s = accounts_ops(tx)->expect(tx->accounts, &of_accounts);
    free(sids);
    free(users);
    free(records);
    free(answers);
    return s;
}

static struct cardea_status mixture_session_get(struct store_tx *tx, struct session_id sid, struct session_record *out)
{
    struct sessions *e = tx->mixture->sessions;
    const struct expected_session *x = expected_find(&tx->expected, sid);
    struct session_record r;
    /* First the record, then the accounts: what ends in between is seen. */
    struct cardea_status s = x != NULL && x->known ? expected_get(x, &r) : e->ops->get(e, tx->deadline_ms, sid, &r);
    if (cardea_ok(s))
        s = stands(tx, sid);
    if (cardea_ok(s))
        *out = r;
    return s;
}

static struct cardea_status mixture_session_create(struct store_tx *tx, const struct session_record *r)
{
    if (!tx->writes)
        return CARDEA_FAIL(E_INTERNAL);
    struct sessions *e = tx->mixture->sessions;
    struct cardea_status s = list_add(&tx->created, r->sid);
    if (!cardea_ok(s))
        return s;
    s = e->ops->create(e, tx->deadline_ms, r);
    if (s.code == CARDEA_E_CONFLICT || s.code == CARDEA_E_INTERNAL)
        tx->created.count--; /* it was not ours */
    return s;
}

static struct cardea_status mixture_session_create_many(struct store_tx *tx, const struct session_record *records,
                                                        uint32_t count)
{
    if (!tx->writes)
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = CARDEA_SUCCESS;
    struct sessions *e = tx->mixture->sessions;
    /* What is there already stays when this is undone, so it must not be among what undoing removes. */
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
        struct session_record there;
        s = e->ops->get(e, tx->deadline_ms, records[i].sid, &there);
        s = cardea_ok(s) ? CARDEA_FAIL(E_CONFLICT) : s.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : s;
    }
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
        s = list_add(&tx->created, records[i].sid);
    return cardea_ok(s) ? sessions_create_many(e, tx->deadline_ms, records, count) : s;
}

/* At once, as with the sweep: nothing of it comes back. */
static struct cardea_status mixture_session_erase(struct store_tx *tx)
{
    return tx->writes ? sessions_erase(tx->mixture->sessions, tx->deadline_ms) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status mixture_session_rotate(struct store_tx *tx, const struct session_record *r,
                                                   uint64_t expected_generation)
{
    if (!tx->writes)
        return CARDEA_FAIL(E_INTERNAL);
    struct sessions *e = tx->mixture->sessions;
    struct cardea_status s = stands(tx, r->sid);
    if (!cardea_ok(s))
        return s;
    struct expected_session *x = expected_find(&tx->expected, r->sid);
    if (x == NULL || !x->known)
        return e->ops->rotate(e, tx->deadline_ms, r, expected_generation);
    if (!x->waiting)
        return expected_rotate(&tx->expected, x, r, expected_generation);
    /* A second rotation of one session, which no client can ask for: out with the first. */
    s = write_waiting(tx);
    x->known = false;
    return cardea_ok(s) ? e->ops->rotate(e, tx->deadline_ms, r, expected_generation) : CARDEA_FAIL(E_UNAVAILABLE);
}

static struct cardea_status mixture_session_delete(struct store_tx *tx, struct session_id sid)
{
    if (!tx->writes)
        return CARDEA_FAIL(E_INTERNAL);
    struct sessions *e = tx->mixture->sessions;
    struct session_record r;
    if (list_has(&tx->ending, sid))
        return CARDEA_FAIL(E_NOT_FOUND);
    /* Whether the record is there can not be asked of an engine that is away: what is to end, ends all the same. */
    struct cardea_status s = e->ops->get(e, tx->deadline_ms, sid, &r);
    return cardea_ok(s) || s.code == CARDEA_E_UNAVAILABLE ? list_add(&tx->ending, sid) : s;
}

static struct cardea_status mixture_session_delete_below(struct store_tx *tx, struct user_id user, int64_t epoch,
                                                         uint32_t limit, uint32_t *ret_count)
{
    enum { STEP = 64 };
    if (!tx->writes)
        return CARDEA_FAIL(E_INTERNAL);
    struct sessions *e = tx->mixture->sessions;
    struct session_id after = {{0}}, found[STEP];
    uint32_t done = 0, count = STEP;
    while (done < limit && count == STEP) {
        struct cardea_status s = e->ops->find_below(e, tx->deadline_ms, user, epoch, after, found, STEP, &count);
        if (s.code == CARDEA_E_UNAVAILABLE)
            break; /* they are dead by their epoch, or with their user; their records expire or are swept */
        for (uint32_t i = 0; cardea_ok(s) && i < count && done < limit; i++) {
            after = found[i];
            if (list_has(&tx->ending, found[i]))
                continue;
            s = list_add(&tx->ending, found[i]);
            done++;
        }
        if (!cardea_ok(s))
            return s;
    }
    *ret_count = done;
    return CARDEA_SUCCESS;
}

static struct cardea_status mixture_session_touch(struct store_tx *tx, const struct session_id *sids,
                                                  const int64_t *seen_ms, uint32_t count)
{
    if (!tx->writes)
        return CARDEA_FAIL(E_INTERNAL);
    struct sessions *e = tx->mixture->sessions;
    return count == 0 ? CARDEA_SUCCESS : e->ops->touch(e, tx->deadline_ms, sids, seen_ms, count);
}

static struct cardea_status mixture_session_list(struct store_tx *tx, const struct user_id *user, int64_t epoch,
                                                 const struct page *page, struct session_record *out,
                                                 uint32_t *ret_count, struct cursor *ret_next)
{
    struct sessions *e = tx->mixture->sessions;
    uint32_t count = 0, kept = 0;
    struct cursor next;
    (void)write_waiting(tx); /* commit will tell */
    struct cardea_status s = e->ops->list(e, tx->deadline_ms, user, epoch, page, out, &count, &next);
    for (uint32_t i = 0; cardea_ok(s) && i < count; i++) {
        struct cardea_status standing = stands(tx, out[i].sid);
        if (cardea_ok(standing))
            out[kept++] = out[i];
        else if (standing.code != CARDEA_E_NOT_FOUND)
            s = standing;
    }
    if (!cardea_ok(s))
        return s;
    *ret_count = kept;
    *ret_next = next;
    return CARDEA_SUCCESS;
}

static struct cardea_status mixture_session_scan(struct store_tx *tx, struct session_id after,
                                                 struct session_record *out, uint32_t cap, uint32_t *ret_count)
{
    struct sessions *e = tx->mixture->sessions;
    (void)write_waiting(tx);
    return e->ops->scan(e, tx->deadline_ms, after, out, cap, ret_count);
}

static struct cardea_status mixture_sweep(struct store_tx *tx, int64_t now_ms, uint32_t limit, uint32_t *ret_count)
{
    struct sessions *e = tx->mixture->sessions;
    uint32_t accounts = 0, sessions = 0;
    struct cardea_status s = accounts_ops(tx)->sweep(tx->accounts, now_ms, limit, &accounts);
    if (cardea_ok(s) && accounts < limit)
        s = e->ops->sweep(e, tx->deadline_ms, now_ms, limit - accounts, &sessions);
    if (cardea_ok(s))
        *ret_count = accounts + sessions;
    return s;
}

static struct cardea_status mixture_count(struct store_tx *tx, int64_t now_ms, const struct counter_step *steps,
                                          uint32_t count, int64_t *ret_values)
{
    struct sessions *e = tx->mixture->sessions;
    return tx->writes ? e->ops->count(e, tx->deadline_ms, now_ms, steps, count, ret_values) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status mixture_code_put(struct store_tx *tx, int64_t now_ms, struct code_id id,
                                             const struct code_value *value, int64_t ttl_ms)
{
    struct sessions *e = tx->mixture->sessions;
    return tx->writes ? e->ops->code_put(e, tx->deadline_ms, now_ms, id, value, ttl_ms) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status mixture_code_take(struct store_tx *tx, int64_t now_ms, struct code_id id,
                                              struct code_value *out)
{
    struct sessions *e = tx->mixture->sessions;
    return tx->writes ? e->ops->code_take(e, tx->deadline_ms, now_ms, id, out) : CARDEA_FAIL(E_INTERNAL);
}

/* --- accounts: the engine's own, but for what a user's end takes along --- */

static struct cardea_status mixture_user_delete(struct store_tx *tx, struct user_id id)
{
    enum { STEP = 128 };
    struct cardea_status s = accounts_ops(tx)->user_delete(tx->accounts, id);
    uint32_t count = STEP;
    while (cardea_ok(s) && count == STEP)
        s = mixture_session_delete_below(tx, id, INT64_MAX, STEP, &count);
    return s;
}

#define PASS(name, parameters, ...)                                                                                    \
    static struct cardea_status mixture_##name parameters {                                                            \
        return accounts_ops(tx)->name(tx->accounts, __VA_ARGS__);                                                      \
    }
PASS(user_get, (struct store_tx * tx, struct user_id id, struct user_record *out), id, out)
PASS(user_find, (struct store_tx * tx, struct view username, struct user_record *out), username, out)
PASS(user_find_email, (struct store_tx * tx, struct view email, struct user_record *out), email, out)
PASS(user_put, (struct store_tx * tx, const struct user_record *u), u)
PASS(user_list,
     (struct store_tx * tx, const struct user_filter *filter, const struct page *page, struct user_record *out,
      uint32_t *ret_count, struct cursor *ret_next),
     filter, page, out, ret_count, ret_next)
PASS(api_key_get, (struct store_tx * tx, struct api_key_id id, struct api_key_record *out), id, out)
PASS(api_key_put, (struct store_tx * tx, const struct api_key_record *k), k)
PASS(api_key_delete, (struct store_tx * tx, struct api_key_id id), id)
PASS(api_key_list,
     (struct store_tx * tx, const struct user_id *user, const struct page *page, struct api_key_record *out,
      uint32_t *ret_count, struct cursor *ret_next),
     user, page, out, ret_count, ret_next)
PASS(key_put, (struct store_tx * tx, const struct key_record *k), k)
PASS(key_delete, (struct store_tx * tx, struct key_id id), id)
PASS(key_list, (struct store_tx * tx, struct key_record *out, uint32_t cap, uint32_t *ret_count), out, cap, ret_count)
PASS(event_append, (struct store_tx * tx, struct event *e), e)
PASS(event_list,
     (struct store_tx * tx, uint64_t after, bool newest_first, struct event *out, uint32_t cap, uint32_t *ret_count),
     after, newest_first, out, cap, ret_count)
PASS(revocation_list,
     (struct store_tx * tx, uint64_t after, int64_t now_ms, struct event *out, uint32_t cap, uint32_t *ret_count),
     after, now_ms, out, cap, ret_count)
PASS(revocation_find, (struct store_tx * tx, enum revocation_kind kind, const uint8_t id[32]), kind, id)
PASS(value_get, (struct store_tx * tx, const char *name, int64_t *out), name, out)
PASS(value_put, (struct store_tx * tx, const char *name, int64_t value), name, value)
PASS(value_raise, (struct store_tx * tx, const char *name, int64_t value), name, value)
PASS(verifier_put, (struct store_tx * tx, const struct verifier_record *v), v)
PASS(verifier_delete, (struct store_tx * tx, const uint8_t id[16]), id)
PASS(verifier_list, (struct store_tx * tx, struct verifier_record *out, uint32_t cap, uint32_t *ret_count), out, cap,
     ret_count)
PASS(push, (struct store_tx * tx, enum store_push what), what)
PASS(event_put, (struct store_tx * tx, const struct event *e, bool in_force), e, in_force)
PASS(value_list, (struct store_tx * tx, struct named_value *out, uint32_t cap, uint32_t *ret_count), out, cap,
     ret_count)
#undef PASS

static struct cardea_status mixture_push_wait(struct store *s, int64_t deadline_ms, unsigned *ret_what)
{
    struct store *accounts = ((struct mixture *)s)->accounts;
    return accounts->ops->push_wait(accounts, deadline_ms, ret_what);
}

static void mixture_push_wake(struct store *s)
{
    struct store *accounts = ((struct mixture *)s)->accounts;
    accounts->ops->push_wake(accounts);
}

static struct cardea_status mixture_account_erase(struct store_tx *tx)
{
    return accounts_ops(tx)->account_erase(tx->accounts);
}

static const struct store_ops mixture_ops = {
    .name = "mixture",
    .sessions_apart = true,
    .close = mixture_close,
    .begin = mixture_begin,
    .mark = mixture_mark,
    .keep = mixture_keep,
    .undo = mixture_undo,
    .commit = mixture_commit,
    .abort = mixture_abort,
    .expect = mixture_expect,
    .user_get = mixture_user_get,
    .user_find = mixture_user_find,
    .user_find_email = mixture_user_find_email,
    .user_put = mixture_user_put,
    .user_delete = mixture_user_delete,
    .user_list = mixture_user_list,
    .api_key_get = mixture_api_key_get,
    .api_key_put = mixture_api_key_put,
    .api_key_delete = mixture_api_key_delete,
    .api_key_list = mixture_api_key_list,
    .key_put = mixture_key_put,
    .key_delete = mixture_key_delete,
    .key_list = mixture_key_list,
    .event_append = mixture_event_append,
    .event_list = mixture_event_list,
    .revocation_list = mixture_revocation_list,
    .revocation_find = mixture_revocation_find,
    .value_get = mixture_value_get,
    .value_put = mixture_value_put,
    .value_raise = mixture_value_raise,
    .verifier_put = mixture_verifier_put,
    .verifier_delete = mixture_verifier_delete,
    .verifier_list = mixture_verifier_list,
    .push = mixture_push,
    .push_wait = mixture_push_wait,
    .push_wake = mixture_push_wake,
    .event_put = mixture_event_put,
    .value_list = mixture_value_list,
    .account_erase = mixture_account_erase,
    .session_get = mixture_session_get,
    .session_create = mixture_session_create,
    .session_create_many = mixture_session_create_many,
    .session_erase = mixture_session_erase,
    .session_rotate = mixture_session_rotate,
    .session_delete = mixture_session_delete,
    .session_delete_below = mixture_session_delete_below,
    .session_touch = mixture_session_touch,
    .session_list = mixture_session_list,
    .session_scan = mixture_session_scan,
    .sweep = mixture_sweep,
    .count = mixture_count,
    .code_put = mixture_code_put,
    .code_take = mixture_code_take,
};

struct cardea_status store_mixture_new(struct store *accounts, struct sessions *sessions, struct store **out)
{
    struct mixture *m = malloc(sizeof *m);
    if (m == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *m = (struct mixture){.base = {&m->ops}, .ops = mixture_ops, .accounts = accounts, .sessions = sessions};
    if (sessions->ops->get_many == NULL)
        m->ops.expect = NULL;
    if (accounts->ops->push == NULL) {
        m->ops.push = NULL;
        m->ops.push_wait = NULL;
        m->ops.push_wake = NULL;
    }
    *out = &m->base;
    return CARDEA_SUCCESS;
}
