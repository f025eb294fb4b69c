/* POST and GET /v1/api-keys, DELETE /v1/api-keys/{id}: a user's own keys. */
#include "core/password.h"
#include "http/answer.h"
#include "http/endpoint.h"
#include "http/key_new.h"
#include "http/lists.h"

static struct cardea_status create_begin(struct exchange *x)
{
    struct key_new *k;
    return key_new_read(x, &x->who->user.id, identity_has_role(x->who, "admin"), &k);
}

static struct cardea_status list_work(struct exchange *x)
{
    struct store_tx *tx = NULL;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = list_api_keys(x, tx, &x->who->user.id, x->state);
    exchange_read_end(x, tx);
    return s;
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
     .kinds = LOGIN_KINDS,
     .commits = LANE_WRITE,
     .body_max = ENDPOINT_BODY_SMALL,
     .begin = create_begin,
     .commit = key_new_commit,
     .finish = key_new_finish},
    {.methods = METHOD_GET,
     .path = "/v1/api-keys",
     .kinds = LOGIN_KINDS,
     .flags = ENDPOINT_QUERIES,
     .lane = LANE_READ,
     .begin = list_page,
     .work = list_work},
    {.methods = METHOD_DELETE,
     .path = "/v1/api-keys/{id}",
     .kinds = LOGIN_KINDS,
     .flags = ENDPOINT_NARROWS,
     .commits = LANE_URGENT,
     .begin = exchange_begin_api_key_id,
     .commit = revoke_commit},
};
const struct endpoint_set api_key_endpoints = ENDPOINT_SET(endpoints);
