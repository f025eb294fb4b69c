/* Exchanges: the life of one request, cut into stages so that no thread ever waits for another's work.
 *
 *     begin    on the event loop: route, filter, authenticate against the table. Inline endpoints (/verify, JWKS,
 *              health) end here.
 *     work     on a pool: hashing, reading the store. May block, bounded by deadlines.
 *     commit   on the committer, inside the write transaction: check the credential again, write, list the changes.
 *     finish   anywhere, after commit and table: build the answer.
 *
 * Where x->waits is set after a commit, somebody asked for ?wait=all: x->receipt is to be made before finish; its
 * position is x->changes.n.
 *
 * The same stages run one after the other in one thread for a command on a stopped installation (exchange_run): one
 * implementation of every operation, whoever asks.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "core/guess.h"
#include "core/receipt.h"
#include "core/verify.h"
#include "http/message.h"

struct issuer_ring;

/* Who asks for the feed, and from where on. */
struct feed_request {
    struct api_key_id key; /* that authenticated: when it ends, so does the stream */
    uint8_t verifier[16];  /* by which the asker knows itself; told by it, among those of its key */
    bool known;            /* feed and after are set */
    uint8_t feed[16];
    uint64_t after;
    bool events;         /* go on, as an event stream */
    int64_t received_ms; /* boot clock, after the request was read */
};
struct exchange;
struct lookup_gate;

/* What the service is made of, as http needs it: borrowed, alive for the exchange. */
struct site {
    const struct settings *settings;
    const struct keyring *keys;
    const struct issuer_ring *issuers; /* NULL: none */
    const struct master_key *master;
    struct table *table; /* NULL: a stopped installation */
    struct guess *guess;
    struct store *store;
    const struct entropy *entropy;
    int64_t (*wall_ms)(void); /* the larger of the clock and the high-water mark */
    int64_t (*boot_ms)(void);
    /* Has the store answered lately? For /readyz; NULL: not asked. */
    bool (*store_ready)(void *context);
    const uint8_t *own_verifier; /* 16 bytes: our own record in the registry (store/store.h); NULL: none */
    /* The feed of the table, for verifiers elsewhere (http/feed_endpoints.c). NULL: there is none. */
    struct cardea_status (*feed_open)(void *context, const struct feed_request *ask, struct stream **out);
    /* Other issuers' keys (NULL: nobody fetches any): might there be newer ones soon; and those in force at this
     * moment, which the caller unrefs. */
    bool (*keys_wanted)(void *context, uint64_t settings_generation, uint32_t issuer);
    struct issuer_ring *(*keys_now)(void *context);
    /* exchange_run alone: make x->receipt, however long it takes. NULL: as for a registry without verifiers. */
    void (*await)(void *context, struct exchange *x);
    /* For look-ups (http/lookup.h); NULL: none. */
    struct lookup_gate *gate;
    /* May the store say who is calling where the table is not valid? */
    bool (*store_decides)(void *context);
    /* Has it been out of reach for a lease? Then nothing is begun that would wait for it, but what narrows access. */
    bool (*store_lost)(void *context);
    /* What was read goes into the table: a mark, taken before; the records (struct verify_sink). Both or none. */
    uint64_t (*fill_mark)(void *context);
    void (*fill)(void *context, uint64_t mark, const struct user_record *user, const struct session_record *session,
                 const struct api_key_record *key);
    void *context;
};

enum { EXCHANGE_ARENA_MAX = 4 * 1024 * 1024, EXCHANGE_STORE_DEADLINE_MS = 5000 };

enum stage {
    STAGE_UNSET = 0,
    STAGE_WORK,   /* run exchange_work on the lane's pool */
    STAGE_COMMIT, /* run exchange_commit on the committer */
    STAGE_DONE,   /* response is ready */
};

enum lane {
    LANE_UNSET = 0,
    LANE_HASH,   /* Argon2: bounded by memory */
    LANE_READ,   /* store reads */
    LANE_WRITE,  /* commits */
    LANE_URGENT, /* commits that narrow access: logout, revocation; kept places */
    LANE_KEYS,   /* wait for the keys of x->issuer, then work on the pool for store reads */
};

struct endpoint;
struct app;

struct exchange {
    const struct site *site;
    struct request request;
    struct response response;
    struct arena arena;
    struct verify_cache *cache; /* of the event loop that it began on */
    int64_t now_ms;
    const struct endpoint *endpoint;
    enum lane lane;
    struct change_list changes; /* filled by commit, applied by the committer */
    struct identity *who;       /* set once authenticated; NULL for the operator's socket */
    void *state;                /* the endpoint's own, in the arena */
    bool wait_all;              /* set by exchange_begin: ?wait=all */
    bool waits;                 /* set by commit: finish comes after the receipt */
    struct receipt receipt;     /* where waits */
    bool skip_work;             /* set by begin: this request needs no work stage (nothing to hash) */
    bool wants_session;         /* set by begin: commit will ask for this session: */
    struct session_id wanted;
    uint32_t issuer;             /* set by begin: work waits for the keys of this issuer: 1 + its index; 0: none */
    struct view params[2];       /* raw {params} of the path */
    const struct app *app;       /* whose origins count for this exchange; NULL: not known */
    struct cookies *cookies;     /* ours among the request's; set by exchange_begin */
    struct presented *presented; /* the credential found; set by exchange_begin */
    enum { PHASE_UNSET = 0, PHASE_ROUTED, PHASE_IDENTIFY, PHASE_WORK, PHASE_COMMIT, PHASE_FINISH, PHASE_DONE } phase;
    const char *fault_field;  /* of a problem: which field, */
    struct view fault_detail; /* and a sentence about it */
    bool response_broken;     /* a header could not be added: the answer becomes E_INTERNAL */
    struct buf answer;        /* the body being written (answer.h) */
    /* For a client that should come back later: seconds for Retry-After with 429 and 503; 0 means the default. */
    uint32_t retry_after_s;
    char scratch[512]; /* header values of inline endpoints: no allocation for the common answer */
};

/* Initialise (request is filled in by the caller afterwards) and release. */
void exchange_init(struct exchange *x, const struct site *site, struct verify_cache *cache);
void exchange_clear(struct exchange *x); /* wipes and frees the arena */

/* Called when the head has been read, before any body: a refusal that needs no body (413, 415, 404, 405) or STAGE_UNSET
 * to go on reading. content_length: -1 when chunked. */
enum stage exchange_head(struct exchange *x, int64_t content_length);
/* Called with the whole request. Sets lane when it answers WORK or COMMIT. */
enum stage exchange_begin(struct exchange *x);
/* May answer STAGE_WORK once more, with another lane: the credential had to be looked up in the store before the
 * endpoint's own work. */
enum stage exchange_work(struct exchange *x);
/* Inside a marked change of `tx`. Fails: the committer undoes the mark and then calls exchange_refuse with the status.
 */
struct cardea_status exchange_commit(struct exchange *x, struct store_tx *tx) CARDEA_CHECKED;
/* After commit and table: the answer. */
void exchange_finish(struct exchange *x);
/* Answer with a problem instead: queue full (E_BUSY), commit failed (E_UNAVAILABLE), a refused commit. */
void exchange_refuse(struct exchange *x, struct cardea_status why);

/* All stages in this thread, on a stopped installation. */
void exchange_run(struct exchange *x);

#endif
