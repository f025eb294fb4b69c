/* Changes: what a committed transaction means for the verification table.
 *
 * A flow (login, logout, role change …) adds changes while it writes to the store; the committer applies them to the
 * table after the commit and before the answer. Adding past CHANGES_MAX fails, and with it the flow: nothing is
 * committed that the table would miss. The list also names the journal rows that narrow access: where the outcome of
 * the commit is not known, they are written again (core/doubt.h).
 */
#ifndef CORE_CHANGE_H
#define CORE_CHANGE_H

#include "store/store.h"

enum { CHANGES_MAX = 8 };

enum change_kind {
    CHANGE_UNSET = 0,
    CHANGE_SESSION_PUT, /* session: new, or its refresh state moved (last seen) */
    CHANGE_SESSION_END, /* revocation.id = sid, until */
    CHANGE_USER_PUT,    /* user: any change of epoch, status, roles, names */
    CHANGE_USER_END,    /* revocation.id = user id */
    CHANGE_TOKEN_END,   /* revocation.id = jti, until */
    CHANGE_API_KEY_PUT, /* api_key */
    CHANGE_API_KEY_END, /* revocation.id = key id, until */
    CHANGE_KEYS,        /* keys were added, promoted or dropped: reload the keyring */
};

struct change {
    enum change_kind kind;
    union {
        const struct session_record *session;
        const struct user_record *user;
        const struct api_key_record *api_key;
        struct revocation revocation;
    };
};

/* The id of the record that a change puts or ends; NULL: it is about none (a single token, the keyring). */
static inline const uint8_t *change_id(const struct change *c)
{
    switch (c->kind) {
    case CHANGE_SESSION_PUT:
        return c->session->sid.bytes;
    case CHANGE_USER_PUT:
        return c->user->id.bytes;
    case CHANGE_API_KEY_PUT:
        return c->api_key->id.bytes;
    case CHANGE_SESSION_END:
    case CHANGE_USER_END:
    case CHANGE_API_KEY_END:
        return c->revocation.id;
    case CHANGE_TOKEN_END:
    case CHANGE_KEYS:
    case CHANGE_UNSET:
        break;
    }
    return NULL;
}

struct change_list {
    uint32_t count, event_count;
    uint64_t n;                              /* the last row that was appended to the journal beside them; 0: none */
    struct change items[CHANGES_MAX];        /* records are borrowed until the list is applied */
    const struct event *events[CHANGES_MAX]; /* borrowed likewise */
};

static inline void change_list_reset(struct change_list *list)
{
    list->count = list->event_count = 0;
    list->n = 0;
}

static inline struct cardea_status change_add_event(struct change_list *list, const struct event *e)
{
    if (list->event_count == CHANGES_MAX)
        return CARDEA_FAIL(E_LIMIT);
    list->events[list->event_count++] = e;
    return CARDEA_SUCCESS;
}

static inline struct cardea_status change_add(struct change_list *list, struct change c)
{
    if (list->count == CHANGES_MAX)
        return CARDEA_FAIL(E_LIMIT);
    list->items[list->count++] = c;
    return CARDEA_SUCCESS;
}

#endif
