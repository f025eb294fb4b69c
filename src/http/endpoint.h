/* Endpoints: what the service answers, as data.
 *
 * Decides: how one call is described: where it stands, who may call it and how, which checks stand before it, which
 * function runs at which stage. exchange.c reads nothing else, so that no endpoint can forget a check that a flag
 * names. Each file of endpoints exports one const set; endpoints.c lists the sets.
 *
 * The order of checks, for every endpoint: path and entrance (404), method (405), body size and type (413, 415), the
 * origin rule where ENDPOINT_SETS_COOKIE (403), credential (400 several, 401), the origin rule and the CSRF token where
 * a cookie authenticated an unsafe method (403), scope, role and age of the login (403), then begin.
 *
 * Stages (http/exchange.h): every one is optional. An endpoint that has neither work nor commit answers in begin; one
 * with work and no commit answers in work; one with commit answers in finish. A stage that fails ends the exchange with
 * a problem (exchange_fault names the field). Stages share x->state, made from x->arena by begin.
 *
 *     begin   parse query, path and body. No I/O. One that already sets response.status has answered: no other stage
 *             follows.
 *     work    hashing, store reads. May block. `lane` says on which pool (LANE_HASH or LANE_READ).
 *     commit  in the write transaction, after the credential was checked again. May run again from the start with a new
 *             transaction when a group was taken back: it must not depend on what an earlier run of itself left.
 *     finish  the answer. Always after commit and table. Can not fail; may answer with a problem. Where a receipt was
 *             asked for it is added to the answer afterwards.
 */
#ifndef HTTP_ENDPOINT_H
#define HTTP_ENDPOINT_H

#include "core/flow.h"
#include "http/exchange.h"

/* Doors, as bits. */
#define DOOR(entrance) (1u << (entrance))
#define DOOR_MAIN DOOR(ENTRANCE_MAIN)
/* /v1/admin: the main listener (unless settings say otherwise: exchange.c looks), the admin one, the operator's socket.
 */
#define DOOR_ADMIN (DOOR(ENTRANCE_MAIN) | DOOR(ENTRANCE_ADMIN) | DOOR(ENTRANCE_SOCKET))

#define METHOD_ANY 0xffu

/* What a login hands out: all that acts for a user in person. */
enum { LOGIN_KINDS = KIND_SESSION | KIND_TOKEN | KIND_SEALED };

/* The query: refused altogether unless ANY_QUERY or QUERIES is set, and ?wait=all where NARROWS is. */
enum endpoint_flag {
    ENDPOINT_SETS_COOKIE = 1,  /* origin rule before anything else, also without a credential */
    ENDPOINT_COOKIES = 2,      /* begin finds the credential (x->cookies, x->presented) and applies the rules itself */
    ENDPOINT_ADMIN = 4,        /* role admin and a login younger than settings' limit; the operator's socket passes; 404
                                  on the main listener unless settings->admin_on_main */
    ENDPOINT_NO_CORS = 8,      /* no CORS headers */
    ENDPOINT_OWN_CACHING = 16, /* sets Cache-Control itself; all others get no-store */
    ENDPOINT_ANY_QUERY = 32,   /* the query is not looked at */
    ENDPOINT_QUERIES = 64,     /* begin reads the query with query.h */
    ENDPOINT_OAUTH = 128,   /* a call of the OAuth family: the body is a form, errors have the form of RFC 6749 §5.2,
                               and an API key may also come by HTTP Basic */
    ENDPOINT_NARROWS = 512, /* ends or narrows access: ?wait=all waits until every verifier has heard of it, and the
                               answer carries a receipt (core/receipt.h); no other query is let in */
    ENDPOINT_BARE = 256,    /* nothing is added to a good answer (no X-Request-Id, no nosniff): /verify */
};

enum { ENDPOINT_PARAMS_MAX = 2, ENDPOINT_BODY_SMALL = 8 * 1024, ENDPOINT_BODY_LARGE = 16 * 1024 };

struct endpoint {
    unsigned methods;  /* enum method bits; METHOD_GET includes HEAD; METHOD_ANY: all, valid tokens unknown to us too */
    const char *path;  /* below base_path: "/v1/sessions/{sid}"; up to two {params}, each one whole segment */
    unsigned doors;    /* DOOR bits; 0 means DOOR_MAIN */
    unsigned kinds;    /* credentials accepted, enum credential_kind bits; 0: none is looked for */
    const char *scope; /* that an API key must carry; NULL: none */
    unsigned flags;    /* enum endpoint_flag */
    enum lane lane;    /* of work: LANE_HASH or LANE_READ */
    enum lane commits; /* of commit: LANE_WRITE or LANE_URGENT */
    uint32_t body_max; /* 0: the call takes no body (an empty JSON object is tolerated on POST) */
    struct cardea_status (*begin)(struct exchange *x);
    struct cardea_status (*work)(struct exchange *x);
    struct cardea_status (*commit)(struct exchange *x, struct store_tx *tx);
    void (*finish)(struct exchange *x);
};

struct endpoint_set {
    const struct endpoint *endpoints;
    size_t count;
};
#define ENDPOINT_SET(array)                                                                                            \
    {                                                                                                                  \
        (array), sizeof(array) / sizeof((array)[0])                                                                    \
    }

extern const struct endpoint_set account_endpoints, api_key_endpoints, feed_endpoints, health_endpoints,
    login_endpoints, session_endpoints, token_endpoints, verify_endpoints;
/* All sets, ended by NULL (endpoints.c): the place to add one. */
extern const struct endpoint_set *const endpoint_sets[];

/* What a raw path leads to. */
struct route {
    const struct endpoint *endpoint;         /* NULL: none for this method */
    bool cors;                               /* some endpoint on this path answers other origins */
    unsigned allowed;                        /* methods of all endpoints on this path; 0: no such path */
    struct view params[ENDPOINT_PARAMS_MAX]; /* raw segments, in order */
};

/* Match without decoding: a path that is not byte for byte one of ours does not exist. */
struct route endpoint_route(const struct settings *s, enum entrance entrance, enum method method, struct view path);

/* For stage functions: fail with the name of the field and a sentence, both static or in the arena; NULL and empty for
 * none. Returns `why`, so that it reads: return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "name", VIEW("…")). */
struct cardea_status exchange_fault(struct exchange *x, struct cardea_status why, const char *field,
                                    struct view detail) CARDEA_CHECKED;
/* The stages' common state: a zeroed object in the arena (wiped with it), x->state from now on. NULL when it can not be
 * had: then fail with E_TOO_LARGE. */
void *exchange_state(struct exchange *x, size_t size);
/* The n-th {param} of the path, raw. */
struct view exchange_param(const struct exchange *x, size_t n);
/* Begin stages: the path's only {param} becomes x->state, a struct session_id or api_key_id. fails: E_NOT_FOUND for a
 * text that can not be one: it is nobody's. */
struct cardea_status exchange_begin_session_id(struct exchange *x) CARDEA_CHECKED;
struct cardea_status exchange_begin_api_key_id(struct exchange *x) CARDEA_CHECKED;
/* Pass on what guess counters said (core/guess.h); with E_RATE_LIMITED the client hears how long to wait. */
struct cardea_status exchange_slow_down(struct exchange *x, struct cardea_status s, int64_t wait_ms) CARDEA_CHECKED;
/* What core's checks need; it reads the clock, so ask after the request was read. */
struct verifier exchange_verifier(const struct exchange *x);
/* Is X-CSRF-Token there, once, and of this session? fails: E_CSRF. */
struct cardea_status exchange_csrf(const struct exchange *x, struct session_id sid) CARDEA_CHECKED;
/* A read transaction with the exchange's deadline, and its end. */
struct cardea_status exchange_read_begin(struct exchange *x, struct store_tx **out) CARDEA_CHECKED;
void exchange_read_end(struct exchange *x, struct store_tx *tx); /* NULL is safe */
/* What core's flows need, for a stage that runs inside `tx`; the actor is who authenticated, or the operator. */
struct flow exchange_flow(struct exchange *x, struct store_tx *tx);

#endif
