/* API keys of anybody: list, make for a user, revoke. */
#include "http/admin.h"
#include "http/key_new.h"

struct list_state {
    struct page page;
    bool by_user;
    struct user_id user;
    struct api_key_record *keys;
    uint32_t count;
    struct cursor next;
};

static struct cardea_status list_begin(struct exchange *x)
{
    static const char *const names[] = {"limit", "cursor", "user"};
    struct view v[3];
    void *room;
    struct cardea_status s = exchange_new(x, sizeof(struct list_state), &room);
    if (!cardea_ok(s))
        return s;
    struct list_state *st = x->state = room;
    s = query_read(x, names, 3, v);
    if (cardea_ok(s))
        s = query_page(x, v[0], v[1], &st->page);
    if (!cardea_ok(s))
        return s;
    st->by_user = v[2].ptr != NULL;
    if (st->by_user && !cardea_ok(user_id_parse(v[2], &st->user)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "user", VIEW("must be the id of a user"));
    s = exchange_new(x, st->page.limit * sizeof *st->keys, &room);
    if (cardea_ok(s))
        st->keys = room;
    return s;
}

static struct cardea_status list_work(struct exchange *x)
{
    struct list_state *st = x->state;
    struct store_tx *tx;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (!cardea_ok(s))
        return s;
    s = x->site->store->ops->api_key_list(tx, st->by_user ? &st->user : NULL, &st->page, st->keys, &st->count,
                                          &st->next);
    exchange_read_end(x, tx);
    return s.code == CARDEA_E_INVALID_FIELD ? exchange_fault(x, s, "cursor", VIEW("not a cursor of this list")) : s;
}

static void list_finish(struct exchange *x)
{
    const struct list_state *st = x->state;
    struct json_writer w = answer_open(x, st->count * (size_t)ANSWER_API_KEY_MAX + ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_name(&w, "items");
    json_open_array(&w);
    for (uint32_t i = 0; i < st->count; i++)
        if (st->keys[i].expires_at_ms == 0 || st->keys[i].expires_at_ms > x->now_ms)
            answer_api_key(&w, &st->keys[i], true, VIEW_EMPTY);
    json_close_array(&w);
    answer_cursor(&w, view_text(st->next.text), st->next.text[0] != '\0');
    json_close_object(&w);
    answer_json(x, 200, &w);
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
    void *user;
    struct cardea_status s = exchange_new(x, sizeof(struct user_record), &user);
    if (cardea_ok(s))
        s = x->site->store->ops->user_get(tx, k->want.user, user);
    return cardea_ok(s) ? key_new_commit(x, tx) : s;
}

static struct cardea_status revoke_begin(struct exchange *x)
{
    void *id;
    struct cardea_status s = exchange_new(x, sizeof(struct api_key_id), &id);
    if (!cardea_ok(s))
        return s;
    x->state = id;
    return cardea_ok(api_key_id_parse(exchange_param(x, 0), id)) ? s : CARDEA_FAIL(E_NOT_FOUND);
}

static struct cardea_status revoke_commit(struct exchange *x, struct store_tx *tx)
{
    const struct api_key_id *id = x->state;
    struct flow f = exchange_flow(x, tx);
    return api_key_revoke(&f, NULL, *id);
}

static const struct endpoint endpoints[] = {
    {
        .methods = METHOD_GET,
        .path = "/v1/admin/api-keys",
        .doors = DOOR_ADMIN,
        .kinds = ADMIN_KINDS,
        .flags = ENDPOINT_ADMIN | ENDPOINT_QUERIES,
        .lane = LANE_READ,
        .begin = list_begin,
        .work = list_work,
        .finish = list_finish,
    },
    {
        .methods = METHOD_POST,
        .path = "/v1/admin/users/{id}/api-keys",
        .doors = DOOR_ADMIN,
        .kinds = ADMIN_KINDS,
        .flags = ENDPOINT_ADMIN,
        .commits = LANE_WRITE,
        .body_max = ENDPOINT_BODY_SMALL,
        .begin = create_begin,
        .commit = create_commit,
        .finish = key_new_finish,
    },
    {
        .methods = METHOD_DELETE,
        .path = "/v1/admin/api-keys/{id}",
        .doors = DOOR_ADMIN,
        .kinds = ADMIN_KINDS,
        .flags = ENDPOINT_ADMIN,
        .commits = LANE_URGENT,
        .begin = revoke_begin,
        .commit = revoke_commit,
    },
};
const struct endpoint_set admin_api_key_endpoints = ENDPOINT_SET(endpoints);
