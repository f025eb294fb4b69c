#include "core/doubt.h"

#include "base/secret.h"
#include "core/flow.h"
#include "core/password.h"

#include <stdlib.h>

struct doubt {
    struct doubt *next;
    struct event event;
    bool has_user;
    struct user_record user; /* as it was to be; an epoch of 0: it was to be deleted */
};

/* --- keeping --- */

/* What the change makes of the user that a row is about. */
static void find_user(const struct change_list *changes, struct doubt *out)
{
    const uint8_t *id = out->event.revocation.id;
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct change *c = &changes->items[i];
        if (c->kind == CHANGE_USER_PUT && memcmp(c->user->id.bytes, id, sizeof c->user->id.bytes) == 0) {
            out->user = *c->user;
            out->has_user = true;
        } else if (c->kind == CHANGE_USER_END && memcmp(c->revocation.id, id, sizeof out->user.id.bytes) == 0) {
            out->user = (struct user_record){0};
            memcpy(out->user.id.bytes, id, sizeof out->user.id.bytes);
            out->has_user = true;
        }
    }
}

static bool keep(struct doubts *d, const struct event *e, const struct change_list *changes)
{
    struct doubt *one = d->count == DOUBTS_MAX ? NULL : calloc(1, sizeof *one);
    if (one == NULL)
        return false;
    one->event = *e;
    if (e->revocation.kind == REVOCATION_USER)
        find_user(changes, one);
    if (d->last == NULL)
        d->first = one;
    else
        d->last->next = one;
    d->last = one;
    d->count++;
    return true;
}

bool doubts_add(struct doubts *d, const struct change_list *changes)
{
    bool all = true;
    for (uint32_t i = 0; i < changes->event_count; i++) {
        const struct event *e = changes->events[i];
        /* Verifiers must hear of a user who may come back; but it takes nothing, and is asked for again. */
        if (strcmp(e->type, AUDIT_user_resumed) != 0)
            all = keep(d, e, changes) && all;
    }
    return all;
}

void doubts_clear(struct doubts *d)
{
    while (d->first != NULL) {
        struct doubt *next = d->first->next;
        secret_wipe(d->first, sizeof *d->first);
        free(d->first);
        d->first = next;
    }
    *d = (struct doubts){0};
}

/* --- looking --- */

static bool same_event(const struct event *a, const struct event *b)
{
    return a->at_ms == b->at_ms && strcmp(a->type, b->type) == 0 && strcmp(a->actor, b->actor) == 0 &&
           strcmp(a->request_id, b->request_id) == 0 && strcmp(a->detail, b->detail) == 0 &&
           ID_SAME(a->subject, b->subject) && ID_SAME(a->sid, b->sid) && a->revocation.kind == b->revocation.kind &&
           memcmp(a->revocation.id, b->revocation.id, sizeof a->revocation.id) == 0 &&
           a->revocation.epoch == b->revocation.epoch && a->revocation.until_ms == b->revocation.until_ms;
}

/* Is the row in the journal? It would stand near its end: the look goes back no further than its time. */
static struct cardea_status written(const struct event *e, struct store_tx *tx, const struct store_ops *ops,
                                    struct event *rows, bool *ret_there)
{
    uint64_t before = 0;
    uint32_t count = 0;
    for (uint32_t seen = 0; seen < DOUBT_LOOK_BACK; seen += count) {
        struct cardea_status s = ops->event_list(tx, before, true, rows, DOUBT_ROWS, &count);
        if (!cardea_ok(s))
            return s;
        for (uint32_t i = 0; i < count; i++)
            if (same_event(&rows[i], e)) {
                *ret_there = true;
                return CARDEA_SUCCESS;
            }
        /* Rows of one group are written in the order of their arrival, a little out of the order of their times. */
        if (count < DOUBT_ROWS || rows[count - 1].at_ms < e->at_ms - REVOCATION_SLACK_MS)
            break;
        before = rows[count - 1].n;
    }
    *ret_there = false;
    return CARDEA_SUCCESS;
}

/* --- writing --- */

/* Those of the roles there are that were to be left. */
static void fewer_roles(const char *there, const char *wanted, char out[ROLES_MAX_BYTES + 1])
{
    char text[ROLES_MAX_BYTES + 1];
    struct buf b = buf_fixed(text, sizeof text);
    struct view role, rest = view_text(there);
    for (bool more = rest.len > 0; more;) {
        more = view_cut(rest, ',', &role, &rest);
        if (!roles_have(view_text(wanted), role))
            continue;
        if (b.len > 0)
            buf_char(&b, ',');
        buf_put(&b, role);
    }
    buf_terminate(&b);
    memcpy(out, text, b.len + 1);
}

static bool sets_password(const struct event *e)
{
    return strcmp(e->type, AUDIT_password_changed) == 0 || strcmp(e->type, AUDIT_password_set) == 0;
}

/* Take from the record what the row takes, and nothing back that another has taken. true: there was something. */
static bool narrow_user(const struct doubt *d, struct user_record *there)
{
    const struct user_record *wanted = &d->user;
    struct user_record before = *there;
    if (sets_password(&d->event) && (there->epoch < wanted->epoch || there->updated_at_ms <= wanted->updated_at_ms))
        memcpy(there->password_hash, wanted->password_hash, sizeof there->password_hash);
    if (there->epoch < wanted->epoch)
        there->epoch = wanted->epoch;
    if (wanted->status == USER_SUSPENDED)
        there->status = USER_SUSPENDED;
    fewer_roles(there->roles, wanted->roles, there->roles);
    bool narrowed = there->epoch != before.epoch || there->status != before.status ||
                    strcmp(there->roles, before.roles) != 0 || strcmp(there->password_hash, before.password_hash) != 0;
    if (there->updated_at_ms < wanted->updated_at_ms)
        there->updated_at_ms = wanted->updated_at_ms;
    secret_wipe(before.password_hash, sizeof before.password_hash);
    return narrowed;
}

/* *ret_idle: others have taken all of it already, and have rows that say so. */
static struct cardea_status end_user(const struct doubt *d, struct store_tx *tx, const struct store_ops *ops,
                                     bool *ret_idle)
{
    struct user_record there;
    if (!d->has_user)
        return CARDEA_SUCCESS;
    if (d->user.epoch == 0)
        return ops->user_delete(tx, d->user.id);
    struct cardea_status s = ops->user_get(tx, d->user.id, &there);
    if (!cardea_ok(s))
        return s;
    *ret_idle = !narrow_user(d, &there);
    if (!*ret_idle)
        s = ops->user_put(tx, &there);
    secret_wipe(there.password_hash, sizeof there.password_hash);
    return s;
}

static struct cardea_status effect(const struct doubt *d, const struct key_work *w, bool *ret_idle)
{
    const struct revocation *r = &d->event.revocation;
    struct session_id sid;
    struct api_key_id key;
    struct key_id kid;
    switch (r->kind) {
    case REVOCATION_SESSION:
        memcpy(sid.bytes, r->id, sizeof sid.bytes);
        return w->ops->session_delete(w->tx, sid);
    case REVOCATION_API_KEY:
        memcpy(key.bytes, r->id, sizeof key.bytes);
        return w->ops->api_key_delete(w->tx, key);
    case REVOCATION_KEY:
        memcpy(kid.bytes, r->id, sizeof kid.bytes);
        return keyring_drop(w, &kid);
    case REVOCATION_USER:
        return end_user(d, w->tx, w->ops, ret_idle);
    case REVOCATION_TOKEN: /* the row is all there is */
    case REVOCATION_NONE:
    case REVOCATION_UNSET:
        break;
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status write_one(const struct doubt *d, const struct key_work *w, struct event *row,
                                      bool *ret_idle)
{
    struct cardea_status s = effect(d, w, ret_idle);
    /* Gone by somebody else's hand meanwhile: what is revoked is still to be remembered. */
    if (!cardea_ok(s) && s.code != CARDEA_E_NOT_FOUND)
        return s;
    if (*ret_idle)
        return CARDEA_SUCCESS;
    *row = d->event;
    return w->ops->event_append(w->tx, row);
}

/* Will it go better another time? Else it would keep the rest from being settled for ever. */
static bool passing(struct cardea_status s)
{
    return s.code == CARDEA_E_UNAVAILABLE || s.code == CARDEA_E_IO || s.code == CARDEA_E_BUSY;
}

static struct cardea_status settle(const struct doubt *d, const struct key_work *w, struct event *rows,
                                   struct doubts_outcome *out)
{
    bool there = false, idle = false;
    struct cardea_status s = written(&d->event, w->tx, w->ops, rows, &there);
    if (!cardea_ok(s) || there)
        return s;
    s = w->ops->mark(w->tx);
    if (!cardea_ok(s))
        return s;
    struct cardea_status wrote = write_one(d, w, rows, &idle);
    s = cardea_ok(wrote) ? w->ops->keep(w->tx) : w->ops->undo(w->tx);
    if (!cardea_ok(s) || passing(wrote))
        return cardea_ok(s) ? wrote : s;
    out->written += cardea_ok(wrote) && !idle;
    out->failed += !cardea_ok(wrote);
    return CARDEA_SUCCESS;
}

struct cardea_status doubts_write(const struct doubts *d, const struct key_work *w, struct doubts_outcome *ret)
{
    struct doubts_outcome done = {0};
    struct event *rows = malloc(DOUBT_ROWS * sizeof *rows);
    struct cardea_status s = rows == NULL ? CARDEA_FAIL(E_BUSY) : CARDEA_SUCCESS;
    for (const struct doubt *one = d->first; one != NULL && cardea_ok(s); one = one->next)
        s = settle(one, w, rows, &done);
    free(rows);
    if (cardea_ok(s))
        *ret = done;
    return s;
}
