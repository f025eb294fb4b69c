/* The verification table: who is let in, answered from memory.
 *
 * Every request that Cardea checks ends here. A cookie, an access token or an API key has been taken apart and found
 * well-formed; now somebody has to know whether that session, that user, that key is alive *at this moment*. The
 * stores know, and are too far away. So the part of them that a check needs is kept in one block of memory, which one
 * thread writes and everybody reads: the service's event loops today, any process of this host that maps the block
 * tomorrow. A reader takes no lock, waits for nobody, and holds nobody up; it can be stopped, killed or lied to by its
 * own mapping without anyone else noticing.
 *
 * Decides:  what is known about a public id: alive (and then the record), dead, not here, or "can not be told".
 * Refuses:  secrets, clocks, policy. It compares no digest, judges no expiry and no epoch: it hands over what it holds
 *           and `verify` judges. It performs no I/O; whoever owns the memory maps it, names it and unmaps it.
 *
 *
 * 1. The picture
 *
 *   the block (mapped read-only by readers)                                        the seen map (readers write)
 *   +--------+-----------------------+------------------------+------------------+   +--------+----------------+
 *   | header | session cells         | other cells            | index parts      |   | header | one word for   |
 *   | a page | 128 bytes each, dense | n x 64 bytes each      | 2 of each size   |   | a page | a session cell |
 *   +--------+-----------------------+------------------------+------------------+   +--------+----------------+
 *      |  root                                                        ^
 *      +--------------------------------------------------------------+  "this part is the index"
 *
 *   index part:  8-byte entries, open addressing, linear probing, at most 3/4 full
 *
 *        63                        36 35      32 31                            0
 *       +----------------------------+----------+-------------------------------+
 *       | tag: 28 bits of the hash   | kind     | number of the cell            |
 *       +----------------------------+----------+-------------------------------+
 *                                         |                   |
 *               session, user, key, ... <-+                   v
 *   cell:  a row of 8-byte words       +----------+------+---------+------------------------------+
 *                                      | sequence | head | id (16) | what there is to know        |
 *                                      +----------+------+---------+------------------------------+
 *
 * Everything is found by (kind, 16-byte public id): hash the id, look at one cache line of the index, follow one
 * number, look at two cache lines of the cell. A session is exactly 128 bytes, its share of the index 11 to 21, its
 * place in the seen map 8: about 150 bytes in all. The regions are address space, not memory: a page costs something
 * from the moment it is first written, and cells are handed out from the bottom, so memory follows the number of
 * sessions. There is not one pointer in the block: it means the same at any address.
 *
 * All cells but sessions are made of 64-byte units: an ended session, token, key or user is one unit (the *revocation
 * set*), a user or an API key with short texts two. A cell given back goes to the list of its size and is never split
 * or joined. Hence a cell's first word is a sequence number for ever, which the next section leans on.
 *
 *
 * 2. How a change is made, and why nobody ever sees half of one
 *
 * A cell that can be found is never written. (But for two lone words that mean something by themselves; table_layout.h
 * names them.) To change a record the writer
 *
 *       1. takes a free cell, whose sequence is odd,         |                 index entry
 *       2. writes all its words,                             |                 +---------+
 *       3. makes its sequence even: the cell is whole,       |         .------ | session | ------.
 *       4. swings the index entry to it: ONE 8-byte store,   |         v  (4)  +---------+       v
 *       5. makes the old cell's sequence odd: it is free.    |     old cell                   new cell
 *                                                            |     seq 6 -> 7 (5)         (1-3) seq 3 -> 4
 *
 * Kill the writer between any two of these stores: before 4 the old record stands, after it the new one, and both are
 * whole. What is lost is a cell, and the table dies with its writer anyway. (Between 4 and 5 a user's old cell can
 * still be reached along a session's hint, see table_find_user. The change has not been answered yet, so either record
 * will do.) A new record is the same without an old cell; an end swings the entry to a small revocation cell, so there
 * is no instant at which an ended session is merely absent.
 *
 * The reader does this: load the entry; load the sequence (odd: try again); load the words; compare the id; load the
 * sequence again (changed: try again). Each word is stored with *release* and loaded with *acquire*, and that is the
 * whole trick, no fence anywhere:
 *
 *   - It can not see too little. An even sequence was stored after the words of its cell. Whoever loads it sees them.
 *   - It can not see too much. If any word it loaded was written for the cell's *next* use, then that store came after
 *     the one which made the sequence odd; having seen the one, the reader's last load sees the other.
 *   - It can not be fooled by coincidence: sequences have 63 bits and never go back.
 *
 * On x86 these are plain moves; on ARM ldar and stlr. ThreadSanitizer understands all of it, since there is nothing in
 * it that C11 does not define.
 *
 * A reader that finds another id in the cell can not yet conclude "same tag, different key: probe on". The cell may
 * have been reused since the entry was read. So it loads the entry and the sequence once more; if neither has moved,
 * then at that instant the entry belonged to a stranger, and the reader moves on.
 *
 *
 * 3. "Not here" is an answer too
 *
 * For a session, absence is harmless: ask the store. For a revocation it is everything: a token whose id is not found
 * among the dead is alive. So TABLE_MISS is a statement: *at some instant during this call, the id was not in the
 * table*. It holds because
 *
 *   - within a part an entry never moves: it is swung in place, or it becomes a tombstone that probing passes over. An
 *     entry becomes empty only where the chain ends anyway. So whatever is in the table during the whole of a call is
 *     met by it.
 *   - the index grows by being built anew, complete, in a part that nobody looks at; then one store to the root word
 *     makes it the index. A reader that has found nothing looks at the root again: if it has moved (it counts, so it
 *     never returns to an old value) the search starts over. The abandoned part may be emptied, given back to the
 *     kernel or used again meanwhile: nothing found in it is believed without the cell, and nothing missed in it
 *     without the root.
 *
 * Where the table can not make that statement it says TABLE_UNKNOWN, and the slow path must decide:
 *
 *   - a reader met changes of this very cell TABLE_RETRIES times in a row;
 *   - a revocation could not be kept because the units are used up. The table then is *incomplete* until the last lost
 *     revocation would have expired: hits stay right, absences turn into "unknown". So narrowing never fails for want
 *     of room; a full table becomes slow, not wrong.
 *
 *
 * 4. What holds, for whom
 *
 *   - When table_apply returns, no look-up that starts later sees the old state, in any process. (A look-up that
 *     overlaps the call may see either; each record it sees is whole.)
 *   - What has ended stays ended: until its `until_ms` no put and no fill brings the same id back.
 *   - A user's epoch never goes back while the table holds the user.
 *   - A fill (a record read from the store on a miss) replaces nothing that is here, so it does no harm if a change of
 *     the same id overtook it. Unless that change left nothing behind (it found no room, or its record was swept or
 *     forgotten): against this the writer asks for recent changes as well (daemon/recent.h). (A revocation that found
 *     no room stops all fills.)
 *   - A reader can be given any bytes: lengths, numbers and sizes in the block are checked against the geometry that
 *     table_attach copied into the reader's own memory. A damaged block yields UNKNOWN or wrong answers, never a read
 *     outside of it.
 *   - Who can read the block learns ids, names, e-mail addresses, roles, and SHA-256 digests of 256-bit secrets: enough
 *     to know who is logged in, not to log in. No symmetric or private key ever enters it. Who can write the block
 *     decides who is let in: map it read-only.
 *   - Who can write the seen map can make sessions look recently used, or unused, and nothing else. It is a block by
 *     itself so that it can have its own permissions.
 *   - Look-ups branch on ids and tags, which are public, and on nothing secret.
 *
 * A session whose user has ended or moved to a higher epoch may stay here as a HIT until swept: the user's record
 * decides, so always look at it too. Likewise for an API key.
 *
 *
 * 5. Limits
 *
 *   TABLE_SESSIONS_LIMIT sessions and TABLE_OTHERS_LIMIT_MIB of everything else at most; a geometry chooses less.
 *   Without room a put answers E_LIMIT, and an older record of that id is gone rather than stale. Memory once touched
 *   by cells is reused but not returned; abandoned index parts are, through `give_back`. Doubling the index holds up
 *   the writer (not the readers) for some 30 ns an entry, mostly the kernel handing out fresh pages: 50 ms on the way
 *   past 1,500,000 entries, once. Last-seen times end in 2106. Needs lock-free 8-byte atomics; without them the build
 *   fails.
 *
 *
 * 6. Use
 *
 *     struct table_session s;
 *     struct table_user u;
 *     table_prefetch_session(t, sid);                  // the index line travels while we hash
 *     digest_sha256(secret, 32, digest);
 *     enum table_answer a = table_find_session(t, sid, &s);
 *     if (a != TABLE_HIT)
 *         return a == TABLE_REVOKED ? REFUSE : ASK_THE_STORE;      // MISS or UNKNOWN
 *     if (s.kind != SESSION_COOKIE || !secret_equal(digest, s.secret_digest, 32) || now_ms >= s.expires_at_ms)
 *         return REFUSE;
 *     a = table_find_user(t, s.user, s.user_hint, &u);
 *     if (a != TABLE_HIT)
 *         return a == TABLE_REVOKED ? REFUSE : ASK_THE_STORE;
 *     if (u.epoch != s.epoch || u.status != USER_ACTIVE)
 *         return REFUSE;
 *     table_session_seen(t, &s, now_ms);
 *     return LET_IN;
 *
 * Threading: a `struct table` is immutable once made; any number of threads may use it. The writer's functions belong
 * to one thread at a time.
 */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "core/change.h"

enum {
    TABLE_SESSIONS_LIMIT = 1 << 26,
    TABLE_OTHERS_LIMIT_MIB = 4096,
    TABLE_KEYS_LIMIT = 64, /* public keys at once */
    TABLE_APPS_LIMIT = 64,
    TABLE_PUBLIC_MAX = 600,
    TABLE_RETRIES = 32,
    /* Texts are percent-encoded: three bytes for one at worst. */
    TABLE_USER_TEXT_MAX = 3 * (USERNAME_MAX + EMAIL_MAX + NAME_MAX_BYTES + ROLES_MAX_BYTES),
};

struct table;        /* a reader's view of a block: addresses and geometry, immutable, private to the process */
struct table_writer; /* the one writer's private state */

struct table_geometry {
    uint32_t sessions_max;   /* 1 … TABLE_SESSIONS_LIMIT; address space, not memory */
    uint32_t others_max_mib; /* 1 … TABLE_OTHERS_LIMIT_MIB: users, API keys, revocations, public keys */
};

struct table_session {
    struct session_id sid;
    struct user_id user;
    int64_t epoch, created_at_ms, authenticated_at_ms, expires_at_ms, idle_ms;
    int64_t last_seen_at_ms; /* the later of record and seen map; a coarse hint that may lie ahead of the clock */
    enum session_kind kind;  /* the digest of a SESSION_TOKEN is zeros and proves nothing */
    bool remember;
    uint16_t app;              /* index into settings' apps, as given when it was put */
    uint8_t secret_digest[32]; /* compare with secret_equal */
    uint32_t user_hint;        /* for table_find_user */
    uint32_t cell, generation; /* for table_session_seen */
};

/* Texts as /verify's headers want them: percent-encoded (base/text.h), roles joined by commas. They
 * stand in `text` one behind the other, in the order of the lengths; see table_user_username and so on. */
struct table_user {
    struct user_id id;
    int64_t epoch;
    enum user_status status;
    uint16_t username_len, email_len, name_len, roles_len;
    char text[TABLE_USER_TEXT_MAX];
};

struct table_api_key {
    struct api_key_id id;
    struct user_id user;
    uint8_t digest[32]; /* compare with secret_equal */
    int64_t expires_at_ms;
    uint32_t user_hint;
    uint16_t scopes_len;
    char scopes[SCOPES_MAX_BYTES];
};

/* A public signing key; algorithm and state are the caller's enums (core/token_format.h, store.h). */
struct table_key {
    struct key_id kid;
    uint64_t generation; /* of this key: moves when it is put anew with other bytes; kept through changes of state */
    uint8_t algorithm, state;
    uint16_t public_len;
    uint8_t public_bytes[TABLE_PUBLIC_MAX]; /* as raw_key_pack (crypto/raw_key.h) writes them */
};

/* What a reader without settings knows of an application. */
struct table_app {
    char name[APP_NAME_MAX + 1];
    bool enabled;
    bool live; /* its tokens are checked against their live record */
};

/* A user's record as the table holds it. An e-mail address that is only claimed is left out.
 * out:   its text is scratch on failure
 * fails: E_INTERNAL: texts beyond their limits */
struct cardea_status table_user_from_record(const struct user_record *r, struct table_user *out) CARDEA_CHECKED;

enum table_answer {
    TABLE_UNSET = 0,
    TABLE_HIT,     /* here and not ended; *out is set */
    TABLE_MISS,    /* certainly not in the table at some instant of the call */
    TABLE_REVOKED, /* ended: no store needs asking */
    TABLE_UNKNOWN, /* can not be told from here: the slow path must decide */
};

/* Memory. */

/* Bytes of address space for the block and for the seen map; 0 for a geometry beyond its limits. Far more than will be
 * touched: reserve it lazily (anonymous or shared mapping, MAP_NORESERVE). */
size_t table_size(const struct table_geometry *g);
size_t table_seen_size(const struct table_geometry *g);

/* Called by the writer with a page-aligned part of the block that nobody needs any more. Return true if from now on it
 * reads as zeros (madvise with MADV_DONTNEED for private memory, MADV_REMOVE for shared). */
struct table_host {
    bool (*give_back)(void *context, void *start, size_t size); /* NULL: keep everything */
    void *context;
};

/* Make an empty table, not yet valid, in two zeroed page-aligned blocks of table_size and table_seen_size bytes.
 * in:    seed: random, keys the index hash. host: borrowed for the writer's life; NULL: none
 * owns:  the blocks stay the caller's and must outlive the writer; free *out with table_writer_free
 * fails: E_USAGE (geometry, alignment); E_UNAVAILABLE without memory
 */
struct cardea_status table_create(void *block, void *seen, const struct table_geometry *g, const uint8_t seed[16],
                                  const struct table_host *host, struct table_writer **out) CARDEA_CHECKED;
void table_writer_free(struct table_writer *w); /* leaves the blocks as they are; NULL is safe */
struct table *table_of(struct table_writer *w); /* for readers in this process; lives as long as w */

/* Read a mapped block. Nothing in it is trusted before magic, version, byte order, geometry and checksum agree.
 * in:    seen may be NULL: then table_session_seen does nothing and last_seen_at_ms is the record's
 * owns:  free *out with table_detach, before unmapping
 * fails: E_CORRUPT; E_UNAVAILABLE without memory
 */
struct cardea_status table_attach(const void *block, size_t size, void *seen, size_t seen_size,
                                  struct table **out) CARDEA_CHECKED;
void table_detach(struct table *t); /* NULL is safe */

/* The writer: one thread. */

/* Apply one committed change. app: index of the app, for CHANGE_SESSION_PUT.
 * fails: E_LIMIT: no room; nothing older of that id is left. E_CONFLICT: the table knows better (the id has ended, or
 *        its epoch is higher): nothing changed, nothing is wrong. E_USAGE: CHANGE_KEYS (see table_set_keys), UNSET.
 *        A narrowing change (END, or a PUT over an older record) always takes effect.
 * cost:  no allocation; some hundred ns, or a growing index (section 5)
 */
struct cardea_status table_apply(struct table_writer *w, const struct change *c, uint16_t app,
                                 int64_t now_ms) CARDEA_CHECKED;
/* Insert a record read from a store on a miss; PUT kinds only. Put the user before its session: the session then knows
 * where the user is. fails: as table_apply; E_CONFLICT also when the id is here already; E_LIMIT also while incomplete.
 */
struct cardea_status table_fill(struct table_writer *w, const struct change *c, uint16_t app,
                                int64_t now_ms) CARDEA_CHECKED;
/* As CHANGE_USER_PUT, for a user in the table's own words. */
struct cardea_status table_put_user(struct table_writer *w, const struct table_user *u) CARDEA_CHECKED;
/* Take a record out without saying that it has ended: asked for, it is a miss from now on. put: the change kind that
 * would put it (CHANGE_SESSION_PUT, CHANGE_USER_PUT, CHANGE_API_KEY_PUT). What has ended stays ended. */
void table_forget(struct table_writer *w, enum change_kind put, const uint8_t id[16]);
/* Forget everything but keys and apps: the memory is not of its source any more. The table is not valid until somebody
 * says until when. Who looks something up meanwhile must ask table_cleared before and after (core/verify.h does). */
void table_clear(struct table_writer *w);
/* What fills this table has lost revocations itself: absence proves nothing, whatever happened here. */
void table_source_incomplete(struct table_writer *w, bool incomplete);
/* Say what the app at an index is. Its name does not change until table_forget_apps. Touches words of its own alone:
 * any one thread. fails: E_LIMIT (no such index), E_CONFLICT (another name is there). */
struct cardea_status table_set_app(struct table_writer *w, uint16_t index, const struct table_app *app) CARDEA_CHECKED;
/* No index has an app any more, nor a name: for a table whose source is another one from now on. After table_clear. */
void table_forget_apps(struct table_writer *w);
/* Make the set of public keys exactly this one (generation members are ignored). Keys that stay are not disturbed.
 * fails: E_LIMIT: too many, too long or no room; the set then holds what could be kept, and nothing that was dropped.
 */
struct cardea_status table_set_keys(struct table_writer *w, const struct table_key *keys, size_t count) CARDEA_CHECKED;
/* Forget what no longer matters: expired sessions and keys, sessions below their user's epoch, revocations past their
 * time. Looks at up to `steps` cells, remembers where it was; returns how many it freed. */
uint32_t table_sweep(struct table_writer *w, int64_t now_ms, uint32_t steps);
/* The lease: readers refuse from boot_ms on. INT64_MAX on a single node. */
void table_set_valid_until(struct table_writer *w, int64_t boot_ms);
/* Mark it dead for every reader, for ever. */
void table_close(struct table_writer *w);
/* Sessions seen by readers since they were last reported here, up to cap; times not later than now_ms. Returns the
 * count; less than cap means: that was all. */
uint32_t table_take_seen(struct table_writer *w, int64_t now_ms, struct session_id *sids, int64_t *seen_ms,
                         uint32_t cap);

/* Readers: any thread, any process. Never block, never allocate. */

/* Open and leased? Ask after the request has been read, with a clock read after that. */
bool table_valid(const struct table *t, int64_t boot_ms);
/* Until when: what table_set_valid_until was told last; INT64_MIN when closed. */
int64_t table_valid_until(const struct table *t);
bool table_closed(const struct table *t); /* a successor exists or the service has stopped: map the block anew */

/* Start loading what table_find_session will look at first. */
void table_prefetch_session(const struct table *t, struct session_id sid);
enum table_answer table_find_session(const struct table *t, struct session_id sid, struct table_session *out);
/* hint: user_hint of a session or API key of this user, or 0. It saves the index look-up when it is right and costs
 * little when it is not. */
enum table_answer table_find_user(const struct table *t, struct user_id id, uint32_t hint, struct table_user *out);
enum table_answer table_find_api_key(const struct table *t, struct api_key_id id, struct table_api_key *out);
enum table_answer table_find_key(const struct table *t, struct key_id kid, struct table_key *out);
/* REVOKED, MISS (not revoked) or UNKNOWN; never HIT. */
enum table_answer table_find_token(const struct table *t, struct token_id jti);
/* Moves whenever the set of public keys changes in any way. For caches. */
uint64_t table_keys_generation(const struct table *t);

/* Moves whenever the table is emptied (table_clear): what was not found may have been there a moment before. */
uint64_t table_cleared(const struct table *t);
/* Which keys there are, up to cap: to be read with table_find_key, which misses one that was dropped meanwhile. */
uint32_t table_list_keys(const struct table *t, struct key_id *out, uint32_t cap);
/* false: no app was ever said to have this index. */
bool table_find_app(const struct table *t, uint16_t index, struct table_app *out);
/* Moves whenever one of the apps changes. */
uint64_t table_apps_generation(const struct table *t);
/* An id that has ended, and until when that must be remembered. false: it has not, or nobody can tell. kind: of the
 * change that ended it. */
bool table_find_ended(const struct table *t, enum change_kind kind, const uint8_t id[16], int64_t *ret_until_ms);

/* One record after another, users and whatever else before sessions, public keys left out. A record that stays where it
 * is throughout is met once; one that is changed meanwhile may be met before, after, both, or not at all: who walks
 * notes the changes from before he began. Start with zeros. */
struct table_walk {
    bool begun;
    uint32_t other, others_high, session, sessions_high;
};
enum table_item_kind {
    TABLE_ITEM_UNSET = 0,
    TABLE_ITEM_SESSION,
    TABLE_ITEM_USER,
    TABLE_ITEM_API_KEY,
    TABLE_ITEM_ENDED
};
struct table_item {
    enum table_item_kind kind;
    union {
        struct table_session session;
        struct table_user user;
        struct table_api_key api_key;
        struct {
            enum change_kind kind; /* CHANGE_…_END */
            uint8_t id[16];
            int64_t until_ms;
        } ended;
    };
};
/* Looks at up to `steps` cells. *ret_found: *out is set. false: that was all. */
bool table_walk(const struct table *t, struct table_walk *walk, uint32_t steps, struct table_item *out,
                bool *ret_found);

/* Note that a session was seen: whole seconds, never decreasing, at most one store a second and session. */
void table_session_seen(const struct table *t, const struct table_session *s, int64_t now_ms);

static inline struct view table_user_username(const struct table_user *u)
{
    return view_of(u->text, u->username_len);
}
static inline struct view table_user_email(const struct table_user *u)
{
    return view_of(u->text + u->username_len, u->email_len);
}
static inline struct view table_user_name(const struct table_user *u)
{
    return view_of(u->text + u->username_len + u->email_len, u->name_len);
}
static inline struct view table_user_roles(const struct table_user *u)
{
    return view_of(u->text + u->username_len + u->email_len + u->name_len, u->roles_len);
}

struct table_stats {
    uint64_t sessions, users, api_keys, revocations, keys;
    uint64_t index_entries, index_capacity;
    uint64_t bytes_touched; /* cells, index and seen map; an upper bound on memory */
    bool incomplete;        /* section 3 */
};
struct table_stats table_stats(const struct table *t);

#endif
