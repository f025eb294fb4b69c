/* POST and GET /v1/api-keys, DELETE /v1/api-keys/{id}: a user's own keys. */
#include "base/secret.h"
#include "core/api_key.h"
#include "core/password.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/endpoint.h"
#include "http/query.h"

#define KEY_LIFETIME_MAX_S (10 * INT64_C(366) * 86400)
enum { KEY_LIFETIME_MIN_S = 60 };

struct key_new {
    struct api_key_request want;
    char scopes[SCOPES_MAX_BYTES + 1];
    struct api_key_record record;
    struct api_key key;
};

static struct cardea_status create_scopes(struct exchange *x, const struct body_value *v, struct key_new *k)
{
    bool reserved = false;
    struct cardea_status s = scopes_canonical(v->texts, v->count, k->scopes, &reserved);
    if (!cardea_ok(s))
        return exchange_fault(
            x, s, "scopes",
            VIEW("a scope is 1 to 64 printable ASCII characters without spaces, quotes and backslashes"));
    if (reserved && !identity_has_role(x->who, "admin"))
        return exchange_fault(x, CARDEA_FAIL(E_FORBIDDEN), "scopes",
                              VIEW("introspect, revoke and cardea:… are for administrators to give"));
    return CARDEA_SUCCESS;
}

static struct cardea_status create_begin(struct exchange *x)
{
    enum { NAME, SCOPES, EXPIRES_IN, COUNT };
    static const struct body_field fields[COUNT] = {
        [NAME] = {"name", BODY_TEXT, BODY_REQUIRED, 1, NAME_MAX_BYTES},
        [SCOPES] = {"scopes", BODY_TEXTS, 0, 1, SCOPE_MAX},
        [EXPIRES_IN] = {"expires_in", BODY_INT, 0, KEY_LIFETIME_MIN_S, KEY_LIFETIME_MAX_S},
    };
    struct body_value v[COUNT];
    void *room;
    struct cardea_status s = body_read(x, fields, COUNT, v);
    if (cardea_ok(s))
        s = exchange_new(x, sizeof(struct key_new), &room);
    if (!cardea_ok(s))
        return s;
    struct key_new *k = x->state = room;
    k->want = (struct api_key_request){
        .user = x->who->user.id,
        .name = v[NAME].text,
        .scopes = k->scopes,
        .lifetime_ms = v[EXPIRES_IN].number * 1000,
    };
    return create_scopes(x, &v[SCOPES], k);
}

static struct cardea_status create_commit(struct exchange *x, struct store_tx *tx)
{
    struct key_new *k = x->state;
    struct flow f = exchange_flow(x, tx);
    struct cardea_status s = api_key_create(&f, &k->want, &k->record, &k->key);
    if (s.code == CARDEA_E_LIMIT)
        return exchange_fault(x, s, NULL, VIEW("This user has as many API keys as one may have"));
    return s;
}

static void create_finish(struct exchange *x)
{
    struct key_new *k = x->state;
    char text[API_KEY_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    api_key_format(x->site->keys, &k->key, &b);
    struct json_writer w = answer_open(x, ANSWER_API_KEY_MAX + ANSWER_EXTRA_MAX);
    answer_api_key(&w, &k->record, buf_view(&b));
    answer_json(x, 201, &w);
    secret_wipe(text, sizeof text);
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
            answer_api_key(&w, &rows[i], VIEW_EMPTY);
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
     .commit = create_commit,
     .finish = create_finish},
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
