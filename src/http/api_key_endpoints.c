/* POST and GET /v1/api-keys, DELETE /v1/api-keys/{id}: a user's own keys. */
#include "core/password.h"
#include "http/answer.h"
#include "http/endpoint.h"
#include "http/key_new.h"
#include "http/query.h"

static struct cardea_status create_begin(struct exchange *x)
{
    struct key_new *k;
    return key_new_read(x, &x->who->user.id, identity_has_role(x->who, "admin"), &k);
}

static struct cardea_status list_begin(struct exchange *x)
{
    static const char *const names[] = {"limit", "cursor"};
    struct view v[2];
    void *page;
    struct cardea_status s = query_read(x, names, 2, v);
    if (cardea_ok(s))
        s = exchange_new(x, sizeof(struct page), &page);
    if (!cardea_ok(s))
        return s;
    x->state = page;
    return query_page(x, v[0], v[1], page);
}

static void put_list(struct exchange *x, const struct api_key_record *rows, uint32_t count, const struct cursor *next)
{
    struct json_writer w = answer_open(x, count * (size_t)ANSWER_API_KEY_MAX + ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_name(&w, "items");
    json_open_array(&w);
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].expires_at_ms == 0 || rows[i].expires_at_ms > x->now_ms)
            answer_api_key(&w, &rows[i], false, VIEW_EMPTY);
    json_close_array(&w);
    answer_cursor(&w, view_text(next->text), next->text[0] != '\0');
    json_close_object(&w);
    answer_json(x, 200, &w);
}

static struct cardea_status list_work(struct exchange *x)
{
    const struct page *page = x->state;
    struct store_tx *tx = NULL;
    struct cursor next;
    uint32_t count;
    void *rows;
    struct cardea_status s = exchange_new(x, page->limit * sizeof(struct api_key_record), &rows);
    if (cardea_ok(s))
        s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = x->site->store->ops->api_key_list(tx, &x->who->user.id, page, rows, &count, &next);
    exchange_read_end(x, tx);
    if (s.code == CARDEA_E_INVALID_FIELD)
        return exchange_fault(x, s, "cursor", VIEW("not a cursor of this list"));
    if (cardea_ok(s))
        put_list(x, rows, count, &next);
    return s;
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
    return api_key_revoke(&f, &x->who->user.id, *id);
}

static const struct endpoint endpoints[] = {
    {.methods = METHOD_POST,
     .path = "/v1/api-keys",
     .kinds = KIND_SESSION | KIND_TOKEN,
     .commits = LANE_WRITE,
     .body_max = ENDPOINT_BODY_SMALL,
     .begin = create_begin,
     .commit = key_new_commit,
     .finish = key_new_finish},
    {.methods = METHOD_GET,
     .path = "/v1/api-keys",
     .kinds = KIND_SESSION | KIND_TOKEN,
     .flags = ENDPOINT_QUERIES,
     .lane = LANE_READ,
     .begin = list_begin,
     .work = list_work},
    {.methods = METHOD_DELETE,
     .path = "/v1/api-keys/{id}",
     .kinds = KIND_SESSION | KIND_TOKEN,
     .commits = LANE_URGENT,
     .begin = revoke_begin,
     .commit = revoke_commit},
};
const struct endpoint_set api_key_endpoints = ENDPOINT_SET(endpoints);
