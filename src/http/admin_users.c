/* Users: list, show, create. */
#include "core/account.h"
#include "http/admin.h"

struct list_state {
    struct view values[6];
    struct page page;
    struct user_filter filter;
    char username[USERNAME_MAX + 1];
    struct user_record *users;
    uint32_t count;
    struct cursor next;
};

static const char *const list_names[] = {"limit", "cursor", "q", "role", "status", "username"};

/* Names and addresses are kept in lower case. */
static struct view lower(struct exchange *x, struct view v)
{
    char *room = arena_new(&x->arena, v.len + 1);
    if (room == NULL)
        return VIEW_EMPTY;
    for (size_t i = 0; i < v.len; i++)
        room[i] = v.ptr[i] >= 'A' && v.ptr[i] <= 'Z' ? (char)(v.ptr[i] - 'A' + 'a') : v.ptr[i];
    return view_of(room, v.len);
}

static struct cardea_status list_begin(struct exchange *x)
{
    struct list_state *st = exchange_state(x, sizeof *st);
    if (st == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = query_read(x, list_names, sizeof list_names / sizeof list_names[0], st->values);
    if (cardea_ok(s))
        s = query_page(x, st->values[0], st->values[1], &st->page);
    if (!cardea_ok(s))
        return s;
    st->filter = (struct user_filter){.q = lower(x, st->values[2]), .role = st->values[3]};
    struct view status = st->values[4];
    if (view_is(status, "active"))
        st->filter.status = USER_ACTIVE;
    else if (view_is(status, "suspended"))
        st->filter.status = USER_SUSPENDED;
    else if (status.ptr != NULL)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "status", VIEW("must be active or suspended"));
    /* An exact name that none can have: the empty list, as for any name that nobody has. */
    if (st->values[5].ptr != NULL && !cardea_ok(username_canonical(st->values[5], st->username)))
        st->username[0] = '\0';
    st->users = arena_new(&x->arena, st->page.limit * sizeof *st->users);
    return st->users == NULL ? CARDEA_FAIL(E_TOO_LARGE) : CARDEA_SUCCESS;
}

static struct cardea_status find_one(struct list_state *st, struct store_tx *tx, const struct store_ops *ops)
{
    if (st->username[0] == '\0')
        return CARDEA_SUCCESS;
    struct cardea_status s = ops->user_find(tx, view_text(st->username), st->users);
    st->count = cardea_ok(s) ? 1 : 0;
    return s.code == CARDEA_E_NOT_FOUND ? CARDEA_SUCCESS : s;
}

static struct cardea_status list_work(struct exchange *x)
{
    struct list_state *st = x->state;
    struct store_tx *tx;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (!cardea_ok(s))
        return s;
    const struct store_ops *ops = x->site->store->ops;
    s = st->values[5].ptr != NULL ? find_one(st, tx, ops)
                                  : ops->user_list(tx, &st->filter, &st->page, st->users, &st->count, &st->next);
    exchange_read_end(x, tx);
    return list_fault(x, s);
}

static void list_finish(struct exchange *x)
{
    struct list_state *st = x->state;
    struct json_writer w = list_open(x, st->count, ANSWER_USER_MAX);
    for (uint32_t i = 0; i < st->count; i++)
        answer_user(&w, &st->users[i]);
    list_close(x, &w, &st->next);
}

struct show_state {
    struct user_id id;
    struct user_record user;
};

static struct cardea_status show_begin(struct exchange *x)
{
    struct show_state *st = exchange_state(x, sizeof *st);
    return st == NULL ? CARDEA_FAIL(E_TOO_LARGE) : admin_param_user(x, &st->id);
}

static struct cardea_status show_work(struct exchange *x)
{
    struct show_state *st = x->state;
    return admin_read_user(x, st->id, &st->user);
}

static void show_finish(struct exchange *x)
{
    const struct show_state *st = x->state;
    admin_answer_user(x, 200, &st->user);
}

struct create_state {
    struct user_fields fields;
    struct user_record user;
};

static struct cardea_status create_begin(struct exchange *x)
{
    struct create_state *st = exchange_state(x, sizeof *st);
    if (st == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = user_fields_read(x, true, &st->fields);
    x->skip_work = !st->fields.password.present;
    return s;
}

static struct cardea_status create_work(struct exchange *x)
{
    struct create_state *st = x->state;
    return user_fields_hash(x, &st->fields, view_text(st->fields.canonical_username),
                            view_text(st->fields.canonical_email));
}

static struct cardea_status create_commit(struct exchange *x, struct store_tx *tx)
{
    struct create_state *st = x->state;
    struct flow f = exchange_flow(x, tx);
    const struct user_fields *in = &st->fields;
    const struct account_request want = {
        .username = in->canonical_username,
        .email = in->canonical_email,
        .email_verified = in->canonical_email[0] != '\0', /* an administrator vouches for it */
        .name = in->name.present ? in->name.text.ptr : NULL,
        .roles = in->canonical_roles,
        .metadata = arena_copy(&x->arena, in->metadata.text).ptr,
        .password_hash = in->password_hash,
    };
    struct cardea_status s = account_create(&f, &want, &st->user);
    if (!cardea_ok(s))
        return user_put_fault(x, s);
    if (st->user.roles[0] == '\0')
        return s;
    return flow_event(&f, AUDIT_roles_changed, &st->user.id, NULL, admin_roles_detail(x, "", st->user.roles), NULL);
}

static void create_finish(struct exchange *x)
{
    const struct create_state *st = x->state;
    admin_answer_user(x, 201, &st->user);
}

static const struct endpoint endpoints[] = {
    {
        ADMIN_CALL(METHOD_GET, "/v1/admin/users", ENDPOINT_QUERIES),
        .lane = LANE_READ,
        .begin = list_begin,
        .work = list_work,
        .finish = list_finish,
    },
    {
        ADMIN_CALL(METHOD_POST, "/v1/admin/users", 0),
        .lane = LANE_HASH,
        .commits = LANE_WRITE,
        .body_max = ENDPOINT_BODY_LARGE,
        .begin = create_begin,
        .work = create_work,
        .commit = create_commit,
        .finish = create_finish,
    },
    {
        ADMIN_CALL(METHOD_GET, "/v1/admin/users/{id}", 0),
        .lane = LANE_READ,
        .begin = show_begin,
        .work = show_work,
        .finish = show_finish,
    },
};
const struct endpoint_set admin_user_endpoints = ENDPOINT_SET(endpoints);
