#include "core/account.h"

/* Texts are canonical and within their limits by now; one that is not is a fault of ours. */
static bool put(char *out, size_t cap, const char *text)
{
    return view_copy(view_text(text), out, cap);
}

struct cardea_status account_create(const struct flow *f, const struct account_request *want, struct user_record *out)
{
    struct user_record u = {
        .id = user_id_new(f->entropy, f->now_ms),
        .epoch = 1,
        .status = USER_ACTIVE,
        .email_verified = want->email_verified,
        .created_at_ms = f->now_ms,
        .updated_at_ms = f->now_ms,
    };
    const char *metadata = want->metadata == NULL || want->metadata[0] == '\0' ? "{}" : want->metadata;
    if (!put(u.username, sizeof u.username, want->username) || !put(u.email, sizeof u.email, want->email) ||
        !put(u.name, sizeof u.name, want->name) || !put(u.roles, sizeof u.roles, want->roles) ||
        !put(u.metadata, sizeof u.metadata, metadata) ||
        !put(u.password_hash, sizeof u.password_hash, want->password_hash))
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = flow_user_put(f, &u);
    if (cardea_ok(s))
        s = flow_event(f, AUDIT_user_created, &u.id, NULL, VIEW_EMPTY, NULL);
    if (cardea_ok(s))
        *out = u;
    return s;
}

struct cardea_status account_update(const struct flow *f, struct user_id id, const struct account_change *change,
                                    struct user_record *out)
{
    struct user_record u;
    struct cardea_status s = f->ops->user_get(f->tx, id, &u);
    if (!cardea_ok(s))
        return s;
    if (change->email != NULL && strcmp(change->email, u.email) != 0) {
        u.email_verified = false;
        if (!put(u.email, sizeof u.email, change->email))
            return CARDEA_FAIL(E_INTERNAL);
    }
    if ((change->name != NULL && !put(u.name, sizeof u.name, change->name)) ||
        (change->metadata != NULL && !put(u.metadata, sizeof u.metadata, change->metadata)))
        return CARDEA_FAIL(E_INTERNAL);
    u.updated_at_ms = f->now_ms;
    s = flow_user_put(f, &u);
    if (cardea_ok(s))
        s = flow_event(f, AUDIT_user_updated, &u.id, NULL, VIEW_EMPTY, NULL);
    if (cardea_ok(s))
        *out = u;
    return s;
}
