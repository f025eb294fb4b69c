/* The store contract: what Cardea keeps, and what an engine must promise about it.
 *
 * Two roles. **Accounts** (users, API keys, keys, the journal of events) is the durable one: what it commits is what
 * happened.
 * **Sessions** (session records with their refresh state) may live in another engine; a session is valid only at its
 * user's epoch and with no revocation against it, so an engine that loses a deletion resurrects nothing.
 *
 * Decides: the records, the operations, their atomicity. Refuses to decide: policy. An engine compares no passwords,
 * knows no profile and never looks at the clock: times are arguments.
 *
 * Transactions: every operation runs inside one. A WRITE transaction is taken by one thread at a time (the committer; a
 * second begin on the same handle waits), is serialisable, sees its own changes, and is all or nothing. `mark` opens
 * one change inside it, `keep` or `undo` ends that change, so that a failing change among many grouped ones takes back
 * only itself; changes do not nest. A READ transaction sees one committed state, that of its begin; any number run at
 * once, each on one thread. What is called out of turn (writing in a READ, a mark inside a mark, a keep or undo without
 * one, a commit with a change still open) is E_INTERNAL, and so is a record that reading would refuse (an enum that is
 * unset).
 *
 * Several handles, in one process or on several nodes, may be open on one store, if the engine lets more than one
 * process write. Then, beside what stands above:
 *   - a user, API key or session that a WRITE reads by its key is held: until that transaction ends nobody else, on any
 *     node, changes it or reads it so;
 *   - rows of the journal are numbered in the order in which their transactions commit: whoever sees row n sees all
 *     before it, and never another row n later;
 *   - of two WRITEs that both list the keys, or both list the registry, one waits for the other's end;
 *   - where two wait for each other, one of them is broken with E_UNAVAILABLE, and nothing of it is there;
 *   - what one of them has committed, every READ that begins afterwards sees, at any handle.
 *
 * Commit: when it answers CARDEA_OK the changes survive kill -9 and power loss. When it answers E_UNAVAILABLE the
 * outcome is unknown: the caller must assume the worst of both. After any other answer nothing of the transaction is
 * there. A transaction is gone after commit and abort, whatever they answer.
 *
 * A failure of the engine itself (E_IO, E_UNAVAILABLE, or E_CORRUPT from a damaged file) inside a WRITE transaction
 * breaks it: every later operation, keep, undo and commit answer that failure and nothing is written. A caller that
 * had grouped several changes may run each again in a transaction of its own. A single record that can not be read
 * (E_CORRUPT too) breaks nothing: undo as usual.
 *
 * Deadlines: begin takes a deadline (boot clock, ms); an operation that can not finish by then answers E_UNAVAILABLE.
 * Nothing blocks longer, also when a server hangs instead of failing. The boot clock, which the engine is given when it
 * is opened, is the only one that it looks at.
 *
 * Common failures of every operation: E_UNAVAILABLE (deadline, engine down), E_IO (disk full, read-only …), E_CORRUPT
 * (a stored record that no engine wrote). They are not repeated below. Outputs are untouched on failure; of an output
 * array, what lies past the count (or all, on failure) may have been used as scratch.
 *
 * Records have fixed size with named limits: no ownership to get wrong. Text members end in NUL and are compared byte
 * by byte (e-mail addresses without regard to the case of ASCII letters). Display names and user agents may be any
 * bytes; the others are UTF-8, and an engine may refuse what is not with E_INTERNAL. Ids are random, but for a user's,
 * whose order is that of creation.
 *
 * All operations are there but for those whose comments let them be NULL. How to write an engine: docs/stores.md,
 * "Adding an engine"; store/null/ is one to begin from, and the suite in tests/conformance/ is this contract as cases.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/address.h"
#include "base/id.h"
#include "base/view.h"
#include "cardea/status.h"

enum {
    USERNAME_MAX = 64,       /* bytes, canonical form */
    EMAIL_MAX = 254,         /* RFC 5321 §4.5.3.1.3 */
    NAME_MAX_BYTES = 128,    /* display name */
    ROLES_MAX_BYTES = 512,   /* comma-joined */
    ROLE_MAX = 64,           /* one role name */
    METADATA_MAX = 4096,     /* JSON object */
    PASSWORD_HASH_MAX = 192, /* PHC string */
    APP_NAME_MAX = 32,
    USER_AGENT_MAX = 256,
    SCOPES_MAX_BYTES = 512,  /* space-joined */
    KEY_PUBLIC_MAX = 2048,   /* JWK JSON of the public half */
    KEY_SEALED_MAX = 4096,   /* encrypted private or symmetric key */
    EVENT_DETAIL_MAX = 1024, /* JSON object */
    EVENT_TYPE_MAX = 32,
    REQUEST_ID_MAX = 64,
    PAGE_MAX = 200,
    SWEEP_IDLE_SLACK_MS = 600000, /* how late a session_touch may arrive */
    VERIFIER_NAME_MAX = 63,
    VERIFIER_SESSIONS_MAX = 127,
    VERIFIERS_MAX = 1024, /* who registers another one lists first, and refuses past this */
};

enum user_status { USER_STATUS_UNSET = 0, USER_ACTIVE, USER_SUSPENDED };

struct user_record {
    struct user_id id;
    int64_t epoch; /* from 1; whatever carries a lower one is dead */
    enum user_status status;
    bool email_verified;
    int64_t created_at_ms, updated_at_ms, last_login_at_ms; /* 0: never */
    char username[USERNAME_MAX + 1];                        /* canonical; unique */
    char email[EMAIL_MAX + 1];                              /* "" none; a verified one is unique, without case */
    char name[NAME_MAX_BYTES + 1];
    char roles[ROLES_MAX_BYTES + 1];           /* sorted, unique, comma-joined; "" none */
    char password_hash[PASSWORD_HASH_MAX + 1]; /* PHC string; "" no password login */
    char metadata[METADATA_MAX + 1];           /* JSON object, "{}" */
};

enum session_kind {
    SESSION_KIND_UNSET = 0,
    SESSION_COOKIE, /* the secret's digest authenticates a cookie */
    SESSION_TOKEN,  /* access and refresh token; no session cookie */
    SESSION_SEALED, /* an encrypted cookie, which proves itself; no secret and no refresh state */
};

struct session_record {
    struct session_id sid;
    struct user_id user;
    int64_t epoch; /* the user's, when it was made */
    enum session_kind kind;
    bool remember; /* false: cookies end with the browser */
    int64_t created_at_ms, authenticated_at_ms, last_seen_at_ms;
    int64_t expires_at_ms;     /* absolute; never moved */
    int64_t idle_ms;           /* ends when last seen longer ago than this; 0: no idle limit */
    uint8_t secret_digest[32]; /* SHA-256 of the cookie's secret; zeros but for SESSION_COOKIE */
    /* Refresh state (DESIGN section 6); generation 0: none. */
    uint64_t generation;
    uint8_t refresh_digest[32];  /* SHA-256 of the current secret */
    uint8_t previous_digest[32]; /* of the one before; zeros at generation 1 */
    uint8_t refresh_nonce[16];   /* the nonce that made the current from the previous */
    int64_t rotated_at_ms;
    char app[APP_NAME_MAX + 1];
    struct address ip;
    char user_agent[USER_AGENT_MAX + 1];
};

struct api_key_record {
    struct api_key_id id;
    struct user_id user;
    uint8_t digest[32];
    int64_t created_at_ms, expires_at_ms; /* expires 0: never */
    char name[NAME_MAX_BYTES + 1];
    char scopes[SCOPES_MAX_BYTES + 1];
};

enum key_state { KEY_STATE_UNSET = 0, KEY_NEXT, KEY_ACTIVE, KEY_RETIRING };

enum key_use {
    KEY_USE_UNSET = 0,
    KEY_USE_ACCESS,  /* signs access tokens */
    KEY_USE_SESSION, /* tags session cookies */
    KEY_USE_REFRESH, /* tags and derives refresh tokens */
    KEY_USE_CSRF,
    KEY_USE_API_KEY, /* tags API keys */
    KEY_USE_DEVICE,  /* signs the cookie of a device that logged in before */
    KEY_USE_SEALED,  /* encrypts sealed sessions */
};

struct key_record {
    struct key_id id;
    enum key_use use;
    enum key_state state;
    char algorithm[16]; /* "ES256", "HMAC-SHA256", … */
    int64_t created_at_ms;
    int64_t activate_at_ms; /* NEXT: promoted at this time when not 0 */
    int64_t drop_at_ms;     /* RETIRING: gone at this time */
    char public_jwk[KEY_PUBLIC_MAX + 1];
    uint16_t sealed_len;
    uint8_t sealed[KEY_SEALED_MAX];
};

/* What every verifier must hear of: the narrowing of access. Each has a position n in the feed. */
enum revocation_kind {
    REVOCATION_UNSET = 0,
    REVOCATION_NONE,    /* the event narrows nothing */
    REVOCATION_TOKEN,   /* (jti) */
    REVOCATION_SESSION, /* (sid) */
    REVOCATION_USER,    /* (sub, least epoch): also status and role changes */
    REVOCATION_API_KEY, /* (key id) */
    REVOCATION_KEY,     /* (kid): all tokens of a signing key */
};

struct revocation {
    enum revocation_kind kind;
    uint8_t id[32];   /* 16 bytes used, 32 for a kid */
    int64_t epoch;    /* REVOCATION_USER */
    int64_t until_ms; /* when the last credential concerned must have expired */
};

/* The journal: one row an event, the audit log and the feed in one, each row chained to the one before by hash. */
struct event {
    uint64_t n; /* set by event_append: 1, 2, 3 … without gaps */
    int64_t at_ms;
    char type[EVENT_TYPE_MAX + 1]; /* "login", "logout", "refresh_reuse" … (core/audit.h lists them) */
    char actor[48];                /* user id, "operator:UID", "system" */
    struct user_id subject;        /* zeros: none */
    struct session_id sid;         /* zeros: none */
    struct address ip;
    char request_id[REQUEST_ID_MAX + 1];
    char detail[EVENT_DETAIL_MAX + 1];   /* JSON object, "{}" */
    struct revocation revocation;        /* kind NONE where it narrows nothing */
    uint8_t previous_hash[32], hash[32]; /* set by event_append; store/journal.h says over what */
};

/* The registry: who answers from a memory that follows the journal, and how far each has come. A receipt waits for
 * them, and a node that starts finds the others here. A record says nothing of the time, since no two machines agree on
 * it: that its owner lives is seen by `renewals` moving. */
enum verifier_kind {
    VERIFIER_KIND_UNSET = 0,
    VERIFIER_NODE,   /* a service on these accounts */
    VERIFIER_REMOTE, /* fed over HTTP by a node, which keeps its record */
};

struct verifier_record {
    uint8_t id[16]; /* random, new at each start; never zeros */
    enum verifier_kind kind;
    char name[VERIFIER_NAME_MAX + 1]; /* for people: UTF-8 without control characters */
    uint64_t n;                       /* every row of the journal up to here is applied in its memory */
    uint64_t renewals;                /* moves with each renewal of its lease */
    int64_t lease_ms;                 /* its lease: how long after a renewal it may still answer from its memory */
    char sessions[VERIFIER_SESSIONS_MAX + 1]; /* NODE: which sessions it sees (daemon/nodes.h); "" for REMOTE */
};

/* What a push says, or'ed together. Others' words that are not understood mean ROWS. */
enum store_push {
    STORE_PUSH_ROWS = 1,  /* rows that others must act on (journal_concerns_others) may have been appended: look */
    STORE_PUSH_RENEW = 2, /* somebody waits for acknowledgements: renew at once */
    STORE_PUSH_WAKE = 4,  /* push_wake was called here */
};

/* Counters: how often something happened within a window, counted by all nodes together (failed logins). Who names one
 * makes the id from what it means, under a key, so that an engine holds no names. */
struct counter_id {
    uint8_t bytes[16];
};
enum {
    COUNTER_STEPS_MAX = 8,
    COUNTER_ADD_MAX = 1 << 20,
    COUNTER_WINDOW_MAX_MS = 1000 * 60 * 60 * 24,
};
struct counter_step {
    struct counter_id id;
    int32_t add;        /* negative: it falls, never below 0; 0: only look. Neither of these makes one */
    int64_t window_ms;  /* one that is made now is forgotten so long from now; 1 … COUNTER_WINDOW_MAX_MS */
    int64_t stop_above; /* where its value then is above this, the steps behind it are not taken; INT64_MAX: they are */
};

/* One-time codes: a value under an id, for a while, that is given out once. The id is random and public; where the code
 * is a secret, the value holds its digest. */
struct code_id {
    uint8_t bytes[16];
};
enum { CODE_VALUE_MAX = 2048, CODE_TTL_MAX_MS = 1000 * 60 * 60 * 24 };
struct code_value {
    uint16_t len;
    uint8_t bytes[CODE_VALUE_MAX];
};

/* A place in a listing: an opaque text of printable ASCII, safe in a URL, that only the engine that gave it reads. It
 * outlives the transaction and the record it was made from. "" is the first page; given back, "" says there are no
 * more. */
struct cursor {
    char text[64];
};

struct page {
    uint32_t limit; /* 1 … PAGE_MAX */
    struct cursor after;
};

struct user_filter {
    struct view q;           /* prefix of username or e-mail; empty: all */
    struct view role;        /* empty: any */
    enum user_status status; /* UNSET: any */
};

struct store;
struct store_tx;

/* What the changes to come will ask for. */
struct expectation {
    const struct session_id *sids;
    const struct user_id *users; /* beside those of the sessions */
    uint32_t sid_count, user_count;
    bool records;  /* the sessions' records */
    bool accounts; /* the users, and which of the sessions were revoked */
};

enum store_mode { STORE_MODE_UNSET = 0, STORE_READ, STORE_WRITE };

enum { VALUE_NAME_MAX = 64 };

struct named_value {
    char name[VALUE_NAME_MAX + 1];
    int64_t value;
};

/* SHA-256 for the journal's chain, lent by the caller so that an engine needs no crypto of its own. */
typedef void store_digest_fn(const void *bytes, size_t len, uint8_t out[32]);

struct store_ops {
    const char *name; /* "sqlite" */
    /* Sessions are another engine's, which may lose a record while a memory still answers by it. */
    bool sessions_apart;
    void (*close)(struct store *s); /* after every transaction has ended; NULL is safe */

    struct cardea_status (*begin)(struct store *s, enum store_mode mode, int64_t deadline_ms, struct store_tx **out);
    struct cardea_status (*mark)(struct store_tx *tx);   /* open a nested change */
    struct cardea_status (*keep)(struct store_tx *tx);   /* end it, keeping */
    struct cardea_status (*undo)(struct store_tx *tx);   /* end it, taking back everything since mark */
    struct cardea_status (*commit)(struct store_tx *tx); /* ends the transaction whatever it answers */
    /* Say, once a transaction and before its first mark, what the changes to come will ask for: an engine at the other
     * end of a socket then fetches all of it in a few exchanges, and writes rotations together, where each operation
     * would cost an exchange of its own. Every operation answers what it would have answered without, but for one
     * case: a rotation whose session was changed by another process in between may be found out only by commit, which
     * then answers E_CONFLICT. Nothing of the transaction is there then, except rotations in a sessions engine
     * (mixture.h); each change is to be run again in a transaction of its own, that expects nothing.
     * NULL: this engine is near enough. */
    struct cardea_status (*expect)(struct store_tx *tx, const struct expectation *what);
    void (*abort)(struct store_tx *tx); /* NULL is safe */

    /* Accounts. get: E_NOT_FOUND. */
    struct cardea_status (*user_get)(struct store_tx *tx, struct user_id id, struct user_record *out);
    struct cardea_status (*user_find)(struct store_tx *tx, struct view username,
                                      struct user_record *out); /* canonical name */
    /* By a verified address: one that was only claimed is anybody's, and finds nobody. */
    struct cardea_status (*user_find_email)(struct store_tx *tx, struct view email, struct user_record *out);
    /* Insert (no such id) or replace. fails: E_USERNAME_TAKEN; E_CONFLICT (verified e-mail in use). */
    struct cardea_status (*user_put)(struct store_tx *tx, const struct user_record *u);
    /* Removes the user with its sessions and API keys. fails: E_NOT_FOUND. */
    struct cardea_status (*user_delete)(struct store_tx *tx, struct user_id id);
    /* By creation (id order). The listings fill up to page->limit records; ret_next goes into the next page's `after`.
     * fails: E_INVALID_FIELD: page->after was never a cursor of this listing. */
    struct cardea_status (*user_list)(struct store_tx *tx, const struct user_filter *filter, const struct page *page,
                                      struct user_record *out, uint32_t *ret_count, struct cursor *ret_next);

    struct cardea_status (*api_key_get)(struct store_tx *tx, struct api_key_id id, struct api_key_record *out);
    /* Insert (no such id) or replace. */
    struct cardea_status (*api_key_put)(struct store_tx *tx, const struct api_key_record *k);
    struct cardea_status (*api_key_delete)(struct store_tx *tx, struct api_key_id id); /* E_NOT_FOUND */
    /* A user's (NULL: everybody's), newest first. Expired ones may appear. fails: E_INVALID_FIELD as above. */
    struct cardea_status (*api_key_list)(struct store_tx *tx, const struct user_id *user, const struct page *page,
                                         struct api_key_record *out, uint32_t *ret_count, struct cursor *ret_next);

    /* Insert (no such id) or replace. */
    struct cardea_status (*key_put)(struct store_tx *tx, const struct key_record *k);
    struct cardea_status (*key_delete)(struct store_tx *tx, struct key_id id); /* E_NOT_FOUND */
    /* All keys, oldest first. fails: E_LIMIT when more than cap. */
    struct cardea_status (*key_list)(struct store_tx *tx, struct key_record *out, uint32_t cap, uint32_t *ret_count);

    /* Append to the journal: sets n, previous_hash and hash. An undone or aborted append leaves no gap. */
    struct cardea_status (*event_append)(struct store_tx *tx, struct event *e);
    /* Rows with n > after, ascending; or, with newest_first, rows with n < after (0: from the end), descending. */
    struct cardea_status (*event_list)(struct store_tx *tx, uint64_t after, bool newest_first, struct event *out,
                                       uint32_t cap, uint32_t *ret_count);
    /* Revocations still in force at now_ms, ascending by n, for filling a verifier. */
    struct cardea_status (*revocation_list)(struct store_tx *tx, uint64_t after, int64_t now_ms, struct event *out,
                                            uint32_t cap, uint32_t *ret_count);

    /* Is there a revocation of this kind against this id, of those the sweep has left? OK: yes. E_NOT_FOUND. */
    struct cardea_status (*revocation_find)(struct store_tx *tx, enum revocation_kind kind, const uint8_t id[32]);

    /* Small named values (high-water mark of time, incarnation, schema). get: E_NOT_FOUND. */
    struct cardea_status (*value_get)(struct store_tx *tx, const char *name, int64_t *out);
    struct cardea_status (*value_put)(struct store_tx *tx, const char *name, int64_t value);
    /* Insert, or raise what stands there to `value` where it is less: it never falls, whoever else raises it. */
    struct cardea_status (*value_raise)(struct store_tx *tx, const char *name, int64_t value);

    /* The registry of verifiers. Takes no lock that an append to the journal takes: a renewal waits for nobody.
     * Insert (no such id) or replace. */
    struct cardea_status (*verifier_put)(struct store_tx *tx, const struct verifier_record *v);
    struct cardea_status (*verifier_delete)(struct store_tx *tx, const uint8_t id[16]); /* E_NOT_FOUND */
    /* All of them, in the order of their ids. A WRITE that lists waits for any other that has: what it then puts is
     * judged by all that stand there. fails: E_LIMIT when more than cap. */
    struct cardea_status (*verifier_list)(struct store_tx *tx, struct verifier_record *out, uint32_t cap,
                                          uint32_t *ret_count);

    /* Push: how a node hears soon of what another has committed. It only makes things fast: a push may be lost, may
     * come twice, and may come from this very node; who relies on it looks from time to time anyway. All three are NULL
     * where one process alone writes (SQLite).
     * push: in a WRITE; everybody who waits hears of it once this transaction is committed, and not before. A row that
     *   others must act on is pushed by event_append itself. */
    struct cardea_status (*push)(struct store_tx *tx, enum store_push what);
    /* Wait for pushes until the deadline; outside of transactions, one thread at a time.
     * The first call after the engine's connection was lost (or was never made) answers STORE_PUSH_ROWS as soon as it
     * listens again: who then looks misses nothing.
     * out:   *ret_what: what was heard, or'ed together; 0: nothing until the deadline
     * fails: E_UNAVAILABLE: the engine could not be reached until the deadline (it was tried again and again) */
    struct cardea_status (*push_wait)(struct store *s, int64_t deadline_ms, unsigned *ret_what);
    /* Make the push_wait that waits now, or the next one, answer STORE_PUSH_WAKE at once. Any thread, never waits. */
    void (*push_wake)(struct store *s);

    /* For moving an installation from one engine to another (store/copy.h); a service has no use for them.
     * event_put: append a row as another engine wrote it, its number and hashes with it; in_force: its revocation, if
     * it has one, counts still. fails: E_CORRUPT: it does not follow the last row, or was not hashed so.
     * value_list: all values, by name. fails: E_LIMIT when more than cap.
     * account_erase: users, API keys, keys, journal, values, verifiers, codes that lie here: all but the sessions. */
    struct cardea_status (*event_put)(struct store_tx *tx, const struct event *e, bool in_force);
    struct cardea_status (*value_list)(struct store_tx *tx, struct named_value *out, uint32_t cap, uint32_t *ret_count);
    struct cardea_status (*account_erase)(struct store_tx *tx);

    /* Sessions. */
    struct cardea_status (*session_get)(struct store_tx *tx, struct session_id sid, struct session_record *out);
    struct cardea_status (*session_create)(struct store_tx *tx, const struct session_record *r); /* E_CONFLICT */
    /* Many, in much less time than one by one, for moving them here (store/copy.h). fails: E_CONFLICT: a sid is taken;
     * how many of the others were made then is not said: undo. */
    struct cardea_status (*session_create_many)(struct store_tx *tx, const struct session_record *records,
                                                uint32_t count);
    /* Deletes every session. */
    struct cardea_status (*session_erase)(struct store_tx *tx);
    /* Compare-and-set on generation: replaces the refresh state and moves last_seen forward, nothing else of the
     * record. fails: E_CONFLICT (another generation is stored); E_NOT_FOUND. */
    struct cardea_status (*session_rotate)(struct store_tx *tx, const struct session_record *r,
                                           uint64_t expected_generation);
    struct cardea_status (*session_delete)(struct store_tx *tx, struct session_id sid); /* E_NOT_FOUND */
    /* Deletes up to `limit` sessions of a user whose epoch is below `epoch`; fewer than limit: none is left. */
    struct cardea_status (*session_delete_below)(struct store_tx *tx, struct user_id user, int64_t epoch,
                                                 uint32_t limit, uint32_t *ret_count);
    /* Moves last_seen forward, never back; unknown sids are skipped. */
    struct cardea_status (*session_touch)(struct store_tx *tx, const struct session_id *sids, const int64_t *seen_ms,
                                          uint32_t count);
    /* A user's sessions (NULL: everybody's) at or above `epoch`, newest first. Expired ones may appear.
     * fails: E_INVALID_FIELD as above. */
    struct cardea_status (*session_list)(struct store_tx *tx, const struct user_id *user, int64_t epoch,
                                         const struct page *page, struct session_record *out, uint32_t *ret_count,
                                         struct cursor *ret_next);
    /* Every session, in the order of the sids, for filling a verifier: after = last sid seen (zeros: start). Fewer than
     * cap: that was the end. A session that lives throughout is seen once, even over several transactions. */
    struct cardea_status (*session_scan)(struct store_tx *tx, struct session_id after, struct session_record *out,
                                         uint32_t cap, uint32_t *ret_count);

    /* Counters and codes, of the sessions' role: as sessions.h has them. What a transaction that is taken back has
     * counted, put or taken may stay so. */
    struct cardea_status (*count)(struct store_tx *tx, int64_t now_ms, const struct counter_step *steps, uint32_t count,
                                  int64_t *ret_values);
    struct cardea_status (*code_put)(struct store_tx *tx, int64_t now_ms, struct code_id id,
                                     const struct code_value *value, int64_t ttl_ms);
    struct cardea_status (*code_take)(struct store_tx *tx, int64_t now_ms, struct code_id id, struct code_value *out);

    /* One small step of cleaning: looks at up to `limit` rows that are due at now_ms and removes those that no one can
     * need: sessions past their end or SWEEP_IDLE_SLACK_MS past their idle end (last-seen times arrive late), expired
     * API keys, counters and codes, revocations past `until_ms` (their events stay in the journal). *ret_count: rows
     * looked at; 0: nothing is due. */
    struct cardea_status (*sweep)(struct store_tx *tx, int64_t now_ms, uint32_t limit, uint32_t *ret_count);
};

struct store {
    const struct store_ops *ops;
};

#endif
