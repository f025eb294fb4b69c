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
    for (uint32_t i = 0; i < changes->event_count; i++)
        all = keep(d, changes->events[i], changes) && all;
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

static void narrow_user(struct user_record *there, const struct user_record *wanted)
{
    bool untouched = there->updated_at_ms <= wanted->updated_at_ms;
    if (wanted->status == USER_SUSPENDED || untouched)
        there->status = wanted->status;
    if (untouched)
        memcpy(there->roles, wanted->roles, sizeof there->roles);
    else
        fewer_roles(there->roles, wanted->roles, there->roles);
    if (there->epoch < wanted->epoch) {
        there->epoch = wanted->epoch;
        memcpy(there->password_hash, wanted->password_hash, sizeof there->password_hash);
    }
    if (untouched)
        there->updated_at_ms = wanted->updated_at_ms;
}

static struct cardea_status end_user(const struct doubt *d, struct store_tx *tx, const struct store_ops *ops)
{
    struct user_record there;
    if (!d->has_user)
        return CARDEA_SUCCESS;
    if (d->user.epoch == 0)
        return ops->user_delete(tx, d->user.id);
    struct cardea_status s = ops->user_get(tx, d->user.id, &there);
    if (!cardea_ok(s))
        return s;
    narrow_user(&there, &d->user);
    s = ops->user_put(tx, &there);
    secret_wipe(there.password_hash, sizeof there.password_hash);
    return s;
}

static struct cardea_status effect(const struct doubt *d, struct store_tx *tx, const struct store_ops *ops,
                                   const struct master_key *master, const struct entropy *entropy, int64_t now_ms)
{
    const struct key_work w = {.tx = tx, .ops = ops, .master = master, .entropy = entropy, .now_ms = now_ms};
    const struct revocation *r = &d->event.revocation;
    struct session_id sid;
    struct api_key_id key;
    struct key_id kid;
    switch (r->kind) {
    case REVOCATION_SESSION:
        memcpy(sid.bytes, r->id, sizeof sid.bytes);
        return ops->session_delete(tx, sid);
    case REVOCATION_API_KEY:
        memcpy(key.bytes, r->id, sizeof key.bytes);
        return ops->api_key_delete(tx, key);
    case REVOCATION_KEY:
        memcpy(kid.bytes, r->id, sizeof kid.bytes);
        return keyring_drop(&w, &kid);
    case REVOCATION_USER:
        return end_user(d, tx, ops);
    case REVOCATION_TOKEN: /* the row is all there is */
    case REVOCATION_NONE:
    case REVOCATION_UNSET:
        break;
    }
    return CARDEA_SUCCESS;
}

struct cardea_status doubts_write(const struct doubts *d, struct store_tx *tx, const struct store_ops *ops,
                                  const struct master_key *master, const struct entropy *entropy, int64_t now_ms,
                                  uint32_t *ret_written)
{
    struct event *rows = malloc(DOUBT_ROWS * sizeof *rows);
    struct cardea_status s = rows == NULL ? CARDEA_FAIL(E_BUSY) : CARDEA_SUCCESS;
    uint32_t count = 0;
    for (const struct doubt *one = d->first; one != NULL && cardea_ok(s); one = one->next) {
        bool there = false;
        s = written(&one->event, tx, ops, rows, &there);
        if (!cardea_ok(s) || there)
            continue;
        s = effect(one, tx, ops, master, entropy, now_ms);
        /* Ended by somebody else meanwhile: what is revoked is still to be remembered. */
        if (s.code == CARDEA_E_NOT_FOUND)
            s = CARDEA_SUCCESS;
        if (cardea_ok(s)) {
            rows[0] = one->event;
            s = ops->event_append(tx, &rows[0]);
            count++;
        }
    }
    free(rows);
    if (cardea_ok(s))
        *ret_written = count;
    return s;
}
