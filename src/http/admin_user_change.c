/* Users: change, delete, log out everywhere.
 *
 * One call may change several things. Plain fields and roles are written first; what ends credentials (a suspension, a
 * new password) then advances the epoch with the journal row that says why. A role change keeps the epoch: roles are
 * read live at every check.
 */
#include "core/flow.h"
#include "http/admin.h"

struct change_state {
    struct user_id id;
    struct user_fields fields;
    struct user_record user;
};

static bool is_self(const struct exchange *x, const struct user_id *id)
{
    return x->who != NULL && ID_SAME(x->who->user.id, *id);
}

/* What administrators may not do to themselves. */
static struct cardea_status check_self(struct exchange *x, const struct change_state *st)
{
    const struct user_fields *f = &st->fields;
    if (!is_self(x, &st->id))
        return CARDEA_SUCCESS;
    if (f->roles.present && !roles_have(view_text(f->canonical_roles), VIEW("admin")))
        return exchange_fault(x, CARDEA_FAIL(E_CONFLICT), "roles",
                              VIEW("an administrator can not give up the role: another one must take it away"));
    if (f->wanted_status == USER_SUSPENDED)
        return exchange_fault(x, CARDEA_FAIL(E_CONFLICT), "status",
                              VIEW("an administrator can not suspend themselves"));
    if (f->password.present)
        return exchange_fault(x, CARDEA_FAIL(E_CONFLICT), "password", VIEW("change your own password at /v1/password"));
    return CARDEA_SUCCESS;
}

static struct cardea_status change_begin(struct exchange *x)
{
    struct change_state *st = exchange_state(x, sizeof *st);
    if (st == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = admin_param_user(x, &st->id);
    if (cardea_ok(s))
        s = user_fields_read(x, false, &st->fields);
    /* A suspension must not wait behind password hashes. */
    x->skip_work = !st->fields.password.present;
    return cardea_ok(s) ? check_self(x, st) : s;
}

/* The password is judged beside the names that the user has. */
static struct cardea_status change_work(struct exchange *x)
{
    struct change_state *st = x->state;
    struct cardea_status s = admin_read_user(x, st->id, &st->user);
    if (!cardea_ok(s))
        return s;
    return user_fields_hash(x, &st->fields, view_text(st->user.username),
                            view_text(st->fields.email.present ? st->fields.canonical_email : st->user.email));
}

static struct view fields_detail(struct exchange *x, const struct user_fields *f)
{
    char *room = arena_new(&x->arena, 128);
    struct buf b = buf_fixed(room, room == NULL ? 0 : 127);
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_name(&w, "fields");
    json_open_array(&w);
    if (f->email.present)
        json_put_text(&w, VIEW("email"));
    if (f->name.present)
        json_put_text(&w, VIEW("name"));
    if (f->metadata.present)
        json_put_text(&w, VIEW("metadata"));
    json_close_array(&w);
    json_close_object(&w);
    return buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY;
}

/* Everything that leaves the credentials alive. before: the record as it was. */
static struct cardea_status write_plain(struct exchange *x, const struct flow *f, const struct change_state *st,
                                        const struct user_record *before)
{
    struct cardea_status s = flow_user_put(f, &st->user);
    if (!cardea_ok(s))
        return user_put_fault(x, s);
    const struct user_fields *in = &st->fields;
    if (strcmp(before->email, st->user.email) != 0 || strcmp(before->name, st->user.name) != 0 ||
        strcmp(before->metadata, st->user.metadata) != 0)
        s = flow_event(f, AUDIT_user_updated, &st->id, NULL, fields_detail(x, in), NULL);
    if (cardea_ok(s) && strcmp(before->roles, st->user.roles) != 0) {
        struct revocation r = flow_user_revocation(f, &st->user);
        s = flow_event(f, AUDIT_roles_changed, &st->id, NULL, admin_roles_detail(x, before->roles, st->user.roles), &r);
    }
    if (cardea_ok(s) && before->status == USER_SUSPENDED && st->user.status == USER_ACTIVE) {
        struct revocation r = flow_user_revocation(f, &st->user);
        s = flow_event(f, AUDIT_user_resumed, &st->id, NULL, VIEW_EMPTY, &r);
    }
    return s;
}

static bool same(const struct user_record *a, const struct user_record *b)
{
    return a->status == b->status && strcmp(a->email, b->email) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->roles, b->roles) == 0 && strcmp(a->metadata, b->metadata) == 0 &&
           strcmp(a->password_hash, b->password_hash) == 0;
}

static struct cardea_status change_commit(struct exchange *x, struct store_tx *tx)
{
    struct change_state *st = x->state;
    const struct user_fields *in = &st->fields;
    struct flow f = exchange_flow(x, tx);
    struct user_record *before = arena_new(&x->arena, sizeof *before);
    struct cardea_status s = before == NULL ? CARDEA_FAIL(E_TOO_LARGE) : f.ops->user_get(tx, st->id, before);
    if (!cardea_ok(s))
        return s;
    st->user = *before;
    user_fields_apply(in, &st->user);
    if (in->roles.present)
        memcpy(st->user.roles, in->canonical_roles, sizeof st->user.roles);
    if (in->status.present)
        st->user.status = in->wanted_status;
    if (in->password.present)
        memcpy(st->user.password_hash, in->password_hash, sizeof st->user.password_hash);
    if (same(before, &st->user))
        return CARDEA_SUCCESS; /* nothing to do, and nothing to journal */
    st->user.updated_at_ms = x->now_ms;
    s = write_plain(x, &f, st, before);
    if (cardea_ok(s) && before->status == USER_ACTIVE && st->user.status == USER_SUSPENDED)
        s = flow_epoch_advance(&f, &st->user, AUDIT_user_suspended, NULL, VIEW_EMPTY);
    if (cardea_ok(s) && in->password.present)
        s = flow_epoch_advance(&f, &st->user, AUDIT_password_set, NULL, VIEW_EMPTY);
    return s;
}

static void change_finish(struct exchange *x)
{
    const struct change_state *st = x->state;
    admin_answer_user(x, 200, &st->user);
}

static struct cardea_status target_begin(struct exchange *x)
{
    struct change_state *st = exchange_state(x, sizeof *st);
    return st == NULL ? CARDEA_FAIL(E_TOO_LARGE) : admin_param_user(x, &st->id);
}

static struct cardea_status delete_begin(struct exchange *x)
{
    struct cardea_status s = target_begin(x);
    if (cardea_ok(s) && is_self(x, &((struct change_state *)x->state)->id))
        return exchange_fault(x, CARDEA_FAIL(E_CONFLICT), NULL, VIEW("an administrator can not delete themselves"));
    return s;
}

static struct cardea_status delete_commit(struct exchange *x, struct store_tx *tx)
{
    struct change_state *st = x->state;
    struct flow f = exchange_flow(x, tx);
    struct cardea_status s = f.ops->user_get(tx, st->id, &st->user);
    if (cardea_ok(s))
        s = f.ops->user_delete(tx, st->id);
    if (!cardea_ok(s))
        return s;
    st->user.epoch++;
    struct revocation r = flow_user_revocation(&f, &st->user);
    s = flow_event(&f, AUDIT_user_deleted, &st->id, NULL, admin_detail(x, "username", view_text(st->user.username)),
                   &r);
    if (!cardea_ok(s))
        return s;
    return change_add(&x->changes, (struct change){.kind = CHANGE_USER_END, .revocation = r});
}

static struct cardea_status logout_commit(struct exchange *x, struct store_tx *tx)
{
    struct change_state *st = x->state;
    struct flow f = exchange_flow(x, tx);
    struct cardea_status s = f.ops->user_get(tx, st->id, &st->user);
    return cardea_ok(s) ? flow_epoch_advance(&f, &st->user, AUDIT_logout_all, NULL, VIEW_EMPTY) : s;
}

static const struct endpoint endpoints[] = {
    {
        ADMIN_CALL(METHOD_PATCH, "/v1/admin/users/{id}", ENDPOINT_NARROWS),
        .lane = LANE_HASH,
        .commits = LANE_URGENT,
        .body_max = ENDPOINT_BODY_LARGE,
        .begin = change_begin,
        .work = change_work,
        .commit = change_commit,
        .finish = change_finish,
    },
    {
        ADMIN_CALL(METHOD_DELETE, "/v1/admin/users/{id}", ENDPOINT_NARROWS),
        .commits = LANE_URGENT,
        .begin = delete_begin,
        .commit = delete_commit,
    },
    {
        ADMIN_CALL(METHOD_POST, "/v1/admin/users/{id}/logout", ENDPOINT_NARROWS),
        .commits = LANE_URGENT,
        .begin = target_begin,
        .commit = logout_commit,
    },
};
const struct endpoint_set admin_user_change_endpoints = ENDPOINT_SET(endpoints);
