/* GET /healthz: the process answers. GET /readyz: it can tell who is calling, and keep what it is told. */
#include "http/answer.h"
#include "http/endpoint.h"

static struct cardea_status healthz(struct exchange *x)
{
    struct json_writer w = answer_open(x, 64);
    json_open_object(&w);
    json_member_text(&w, "status", VIEW("ok"));
    json_close_object(&w);
    answer_json(x, 200, &w);
    return CARDEA_SUCCESS;
}

static struct cardea_status readyz(struct exchange *x)
{
    const struct site *site = x->site;
    if (site->table != NULL && !table_valid(site->table, site->boot_ms()))
        return exchange_fault(x, CARDEA_FAIL(E_UNAVAILABLE), NULL, VIEW("The lease has run out"));
    if (site->store_ready != NULL && !site->store_ready(site->context))
        return exchange_fault(x, CARDEA_FAIL(E_UNAVAILABLE), NULL, VIEW("The store does not answer"));
    return healthz(x);
}

static const struct endpoint endpoints[] = {
    {.methods = METHOD_GET,
     .path = "/healthz",
     .doors = DOOR(ENTRANCE_MAIN) | DOOR(ENTRANCE_ADMIN),
     .flags = ENDPOINT_NO_CORS | ENDPOINT_ANY_QUERY,
     .begin = healthz},
    {.methods = METHOD_GET,
     .path = "/readyz",
     .doors = DOOR(ENTRANCE_MAIN) | DOOR(ENTRANCE_ADMIN),
     .flags = ENDPOINT_NO_CORS | ENDPOINT_ANY_QUERY,
     .begin = readyz},
};
const struct endpoint_set health_endpoints = ENDPOINT_SET(endpoints);
