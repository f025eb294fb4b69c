/* API keys of anybody: list, make for a user, revoke. */
#include "http/admin.h"
#include "http/key_new.h"

struct list_state {
    struct page page;
    bool by_user;
    struct user_id user;
};

static struct cardea_status list_begin(struct exchange *x)
{
    static const char *const names[] = {"limit", "cursor", "user"};
    struct view v[3];
    struct list_state *st = exchange_state(x, sizeof *st);
    if (st == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = query_read(x, names, 3, v);
    if (cardea_ok(s))
        s = query_page(x, v[0], v[1], &st->page);
    return cardea_ok(s) ? admin_query_user(x, v[2], &st->by_user, &st->user) : s;
}

static struct cardea_status list_work(struct exchange *x)
{
    const struct list_state *st = x->state;
    struct store_tx *tx = NULL;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = list_api_keys(x, tx, st->by_user ? &st->user : NULL, &st->page);
    exchange_read_end(x, tx);
    return s;
}

static struct cardea_status create_begin(struct exchange *x)
{
    struct user_id user;
    struct key_new *k;
    struct cardea_status s = admin_param_user(x, &user);
    return cardea_ok(s) ? key_new_read(x, &user, true, &k) : s;
}

static struct cardea_status create_commit(struct exchange *x, struct store_tx *tx)
{
    const struct key_new *k = x->state;
    struct user_record *user = arena_new(&x->arena, sizeof *user);
    if (user == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = x->site->store->ops->user_get(tx, k->want.user, user);
    return cardea_ok(s) ? key_new_commit(x, tx) : s;
}

static struct cardea_status revoke_commit(struct exchange *x, struct store_tx *tx)
{
    const struct api_key_id *id = x->state;
    struct flow f = exchange_flow(x, tx);
    return api_key_revoke(&f, NULL, *id);
}

static const struct endpoint endpoints[] = {
    {
        ADMIN_CALL(METHOD_GET, "/v1/admin/api-keys", ENDPOINT_QUERIES),
        .lane = LANE_READ,
        .begin = list_begin,
        .work = list_work,
    },
    {
        ADMIN_CALL(METHOD_POST, "/v1/admin/users/{id}/api-keys", 0),
        .commits = LANE_WRITE,
        .body_max = ENDPOINT_BODY_SMALL,
        .begin = create_begin,
        .commit = create_commit,
        .finish = key_new_finish,
    },
    {
        ADMIN_CALL(METHOD_DELETE, "/v1/admin/api-keys/{id}", ENDPOINT_NARROWS),
        .commits = LANE_URGENT,
        .begin = exchange_begin_api_key_id,
        .commit = revoke_commit,
    },
};
const struct endpoint_set admin_api_key_endpoints = ENDPOINT_SET(endpoints);
