/* GET /v1/feed: what verifiers elsewhere need to answer by themselves: a copy of the verification table, then its
 * changes, and a lease (core/feed.h has the lines).
 *
 *   ?verifier=NAME   22 characters of base64url, random, which the asker keeps: it is known by it
 *   &after=POSITION  what it has (the feed and head of the last passage it applied whole); left out, or no position of
 *                    this feed any more: a whole copy
 *
 * Without `Accept: text/event-stream` it is a long poll: one passage, as soon as there is something behind `after`, and
 * at the latest after a third of the lease; application/x-ndjson. With it, passages follow each other for some leases'
 * time, as an event stream.
 *
 * For API keys with the scope `feed` alone. Whoever has one sees what core/table.h says of a reader.
 */
#include "base/text.h"
#include "core/feed.h"
#include "http/answer.h"
#include "http/endpoint.h"
#include "http/query.h"

static bool wants_events(const struct request *r)
{
    struct view one, rest = request_header(r, VIEW("Accept")), type, parameters;
    bool more = rest.ptr != NULL;
    while (more) {
        more = view_cut(rest, ',', &one, &rest);
        view_cut(one, ';', &type, &parameters);
        if (view_equal_ascii_case(view_trim(type), VIEW("text/event-stream")))
            return true;
    }
    return false;
}

static struct cardea_status read_request(struct exchange *x, struct feed_request *out)
{
    static const char *const names[] = {"verifier", "after"};
    struct view values[2];
    struct cardea_status s = query_read(x, names, 2, values);
    if (!cardea_ok(s))
        return s;
    if (values[0].ptr == NULL)
        return exchange_fault(x, CARDEA_FAIL(E_MISSING_FIELD), "verifier", VIEW("a verifier says who it is"));
    if (!cardea_ok(base64url_decode_exact(values[0], out->verifier, sizeof out->verifier)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "verifier", VIEW("16 bytes as base64url"));
    if (values[1].ptr != NULL && !cardea_ok(feed_position_parse(values[1], out->feed, &out->after)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "after", VIEW("not a position of a feed"));
    out->known = values[1].ptr != NULL;
    return s;
}

static struct cardea_status feed_begin(struct exchange *x)
{
    const struct site *site = x->site;
    struct feed_request ask = {.key = x->who->key, .events = wants_events(&x->request), .received_ms = site->boot_ms()};
    struct cardea_status s = read_request(x, &ask);
    if (!cardea_ok(s))
        return s;
    if (site->feed_open == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    /* A head alone takes no place. */
    if (x->request.method != METHOD_HEAD)
        s = site->feed_open(site->context, &ask, &x->response.stream);
    if (!cardea_ok(s))
        return s;
    answer_header(x, "Content-Type", ask.events ? VIEW("text/event-stream") : VIEW("application/x-ndjson"));
    x->response.status = 200;
    return s;
}

static const struct endpoint endpoints[] = {
    {.methods = METHOD_GET,
     .path = "/v1/feed",
     .doors = DOOR(ENTRANCE_MAIN) | DOOR(ENTRANCE_ADMIN),
     .kinds = KIND_KEY,
     .scope = "feed",
     .flags = ENDPOINT_NO_CORS | ENDPOINT_QUERIES,
     .lane = LANE_READ,
     .begin = feed_begin},
};
const struct endpoint_set feed_endpoints = ENDPOINT_SET(endpoints);
