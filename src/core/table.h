/* The verification table: contract sketch. (The module's author turns this into the essay that DESIGN section 7 asks
 * for.)
 *
 * One block of memory, given by the caller, that any process may map read-only; one writer, any number of readers that
 * never wait.
 */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "core/change.h"

struct table;        /* the block itself: position-independent, no pointers inside */
struct table_writer; /* the one writer's private state (free lists), outside the block */

struct table_geometry {
    uint32_t sessions_max;         /* e.g. 8,000,000: address space, not memory */
    uint32_t others_bytes_max_mib; /* users, API keys, revocations, public keys */
};

struct table_session {
    struct session_id sid;
    struct user_id user;
    int64_t epoch, created_at_ms, authenticated_at_ms, expires_at_ms, idle_ms,
        last_seen_at_ms; /* last seen: the newer of record and coarse map */
    uint16_t app;        /* index into settings' apps, as given at put */
    uint8_t kind;        /* enum session_kind */
    bool remember;
    uint8_t secret_digest[32];
    uint32_t slot, generation; /* for table_session_seen */
};

struct table_user {
    struct user_id id;
    int64_t epoch;
    uint8_t status; /* enum user_status */
    /* Texts as /verify's headers want them: percent-encoded, roles comma-joined. */
    uint16_t username_len, email_len, name_len, roles_len;
    char text[USERNAME_MAX * 3 + EMAIL_MAX * 3 + NAME_MAX_BYTES * 3 + ROLES_MAX_BYTES + 4];
};

struct table_api_key {
    struct api_key_id id;
    struct user_id user;
    uint8_t digest[32];
    int64_t expires_at_ms;
    uint16_t scopes_len;
    char scopes[SCOPES_MAX_BYTES];
};

enum table_answer {
    TABLE_UNSET = 0,
    TABLE_HIT,
    TABLE_MISS,    /* not here: the store knows (a reader that met a writer too often also answers this) */
    TABLE_REVOKED, /* known to be dead: no store needs asking */
};

/* Bytes of address space that a block of this geometry takes. */
size_t table_size(const struct table_geometry *g);
/* Make an empty table in a zeroed block of table_size bytes, aligned to a page. seed: 16 random bytes for the index
 * hash. */
struct cardea_status table_create(void *block, size_t size, const struct table_geometry *g, const uint8_t seed[16],
                                  struct table_writer **out) CARDEA_CHECKED;
void table_writer_free(struct table_writer *w);
struct table *table_of(struct table_writer *w);
/* Check a mapped block before trusting it (magic, version, geometry, bounds). fails: E_CORRUPT. */
struct cardea_status table_attach(const void *block, size_t size, const struct table **out) CARDEA_CHECKED;

/* Writer (one thread). Apply one committed change; app is the app's index for CHANGE_SESSION_PUT.
 * fails: E_LIMIT: full. A narrowing change never fails for want of room: it takes effect by removal. */
struct cardea_status table_apply(struct table_writer *w, const struct change *c, uint16_t app,
                                 int64_t now_ms) CARDEA_CHECKED;
/* Forget revocations and sessions that have expired: looks at up to `steps` slots, remembers where it was; returns how
 * many it freed. */
uint32_t table_sweep(struct table_writer *w, int64_t now_ms, uint32_t steps);
void table_close(struct table_writer *w);                            /* marks it dead for every reader */
void table_set_valid_until(struct table_writer *w, int64_t boot_ms); /* the lease; INT64_MAX on a single node */

/* Readers (any thread, any process). Never block; bounded retries. */
bool table_valid(const struct table *t, int64_t boot_ms); /* open and leased: ask after the request has been read */
enum table_answer table_find_session(const struct table *t, struct session_id sid, struct table_session *out);
enum table_answer table_find_user(const struct table *t, struct user_id id, struct table_user *out);
enum table_answer table_find_api_key(const struct table *t, struct api_key_id id, struct table_api_key *out);
bool table_token_revoked(const struct table *t, struct token_id jti);
/* Note that a session was seen (coarse, 1 s steps; clamped to now, never decreasing). The map is a separate part of the
 * block. */
void table_session_seen(struct table *t, const struct table_session *s, int64_t now_ms);
/* For flushing to the store: sessions seen since the last call, up to cap; returns the count. Writer's thread. */
uint32_t table_seen_since(struct table_writer *w, struct session_id *sids, int64_t *seen_ms, uint32_t cap);

struct table_stats {
    uint64_t sessions, users, api_keys, revocations, bytes_touched;
};
struct table_stats table_stats(const struct table *t);

#endif
