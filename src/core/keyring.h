/* The keyring: every key in force, opened, as one immutable snapshot that threads share by reference count; and the
 * life of keys in the store.
 *
 * Decides: which keys exist, what each may be used for, when an access key signs, verifies and goes. Refuses to decide:
 * who may rotate, and which formats of access tokens are asked for.
 *
 * Each change of a key appends a row to the journal in its own transaction, of a type that begins with "key_": it is by
 * these rows that other nodes hear of keys. Who asked for a rotation or a drop is for the caller to add.
 *
 * Different keys for different purposes (promise 7): each use has its own, drawn at random; none is derived from
 * another's. Built from the store's key records by unsealing with the master key. A change of keys builds a new ring;
 * old ones live as long as an exchange holds them.
 *
 *                 published            promoted                    last token expired
 *   keyring_rotate ──► NEXT ──────────────► ACTIVE ──────────► RETIRING ──────────────► gone
 *                      verifies             signs, verifies    verifies until drop_at
 *
 * Each format of access tokens (core/token_format.h) has a life of its own: of a format that is asked for, exactly one
 * key is ACTIVE and one NEXT. NEXT is published for publish_ms before it signs, so that whoever caches the set knows it
 * in time; and until every other verifier has applied the journal's row that published it, or has no lease any more.
 * Who can not know of a key must not meet what it signed. RETIRING stays until the last token it signed has expired. A
 * dropped (compromised) key skips all that: it is gone with the commit. A format that is asked for and has no key gets
 * one, which signs at once; one that is asked for no longer stops signing: its ACTIVE key retires, its NEXT, which
 * never signed, is gone.
 *
 * RSA keys take up to seconds to draw, and changes happen inside a write transaction: so they are drawn beforehand,
 * into a key_stock (keyring_stock), and a tick takes from it what it needs. What is slow to draw and not in stock is
 * left out, and the tick says that it is lacking.
 *
 * At rest: core/key_record.h. `sealed` opens only under the master key and for this row's own use, format, state and
 * kid. At retirement the private half of a public-key format is erased from the store: so a row without a seal of ours
 * never verifies a token, and whoever can write to the store but has not the master key can not plant a key.
 *
 * Symmetric keys have a kid and a state too. One ACTIVE of each use is made, and the newest ACTIVE is used; records of
 * other states are skipped, so several per use (rotation with overlap) need no change of format: refresh tokens already
 * carry the first bytes of their key's id. Keys of sealed sessions do rotate: exactly one is ACTIVE and seals, those
 * before it are RETIRING and open until their drop_at_ms. A new one is ACTIVE at once where there is no other verifier;
 * else it is NEXT, which opens, until they know it. A retired one keeps its secret, under the seal of its state.
 *
 * Security limits: whoever writes to the store can put an old row of ours back (a retired key's, for instance), and
 * who has store and master key has everything. Keys in memory: MAC keys in guarded pages, tag keys and OpenSSL's
 * private keys on the heap.
 *
 * Threading: a ring is immutable but for its count. keyring_create, rotate, drop, tick run inside the caller's write
 * transaction; keyring_stock outside of it, on any thread.
 */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include "core/access_key.h"
#include "core/sealed.h"
#include "crypto/mac.h"
#include "crypto/seal.h"
#include "store/store.h"

enum { KEYRING_MAX = 64, KEYRING_TAG = 18 }; /* keys of all uses together */

struct keyring {
    uint64_t generation; /* grows with every snapshot: caches compare it */
    bool public_only;    /* of a verifier outside the service: no symmetric key, so tags say nothing (core/outside.h) */
    struct tag_key session_tag, api_key_tag;
    struct mac_key *refresh, *csrf, *device;
    uint8_t refresh_key_id[4];
    struct sealed_keys sealed; /* the last one seals; none before keyring_complete */
    uint32_t access_count;
    struct access_key access[KEYRING_MAX];
    const struct access_key *active[TOKEN_FORMATS]; /* signs; NULL: none of that format */
    int _Atomic refs;
};

/* Open all keys in the store; the caller unrefs.
 * fails: E_NOT_FOUND (no keys yet); E_CORRUPT (another master key, a record that no keyring wrote, two active access
 * keys of a format, two active sealing keys, a use without a key other than sealing); E_BUSY without memory. */
struct cardea_status keyring_load(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  uint64_t generation, struct keyring **out) CARDEA_CHECKED;
struct keyring *keyring_ref(struct keyring *k);
void keyring_unref(struct keyring *k); /* the last one wipes and frees; NULL is safe */
/* By exact id; NULL: unknown. */
const struct access_key *keyring_find(const struct keyring *k, const struct key_id *id);
/* The same for the id that a PASETO names. */
const struct access_key *keyring_find_paserk(const struct keyring *k, const struct paserk_id *id);
/* The formats that can sign. */
token_formats keyring_signing(const struct keyring *k);

/* --- changes --- */

/* Keys drawn beforehand, sealed; a value of some size: on the heap. */
enum { KEY_STOCK_MAX = 16 };
struct key_stock {
    uint32_t count;
    struct key_record keys[KEY_STOCK_MAX];
};
/* Draw one more. fails: E_LIMIT (KEY_STOCK_MAX); as access_key_draw. */
struct cardea_status keyring_stock(struct key_stock *stock, enum token_format f, const struct master_key *m,
                                   const struct entropy *e) CARDEA_CHECKED;

struct settings;

struct keyring_times {
    int64_t publish_ms; /* max-age of the published keys: a next key signs no earlier than this after it was made */
    int64_t retire_ms;  /* longest access token, leeway and slack: a retiring access key stays this long */
    int64_t sealed_retire_ms; /* how long one that sealed sessions opens them */
    uint64_t heard_n; /* every other verifier has applied the journal up to here (core/receipt.h), and so knows the keys
                         that it published; UINT64_MAX: there is no other */
};
/* What the settings say; heard_n as above. */
struct keyring_times keyring_times_of(const struct settings *s, uint64_t heard_n);

/* What a change of keys works with; all borrowed. */
struct key_work {
    struct store_tx *tx;
    const struct store_ops *ops;
    const struct master_key *master;
    const struct entropy *entropy;
    int64_t now_ms;
    struct view actor, request_id; /* for the journal; empty actor: "system" */
    struct address client;
    struct key_stock *stock; /* what is used leaves it, whether the transaction commits or not; NULL: none */
};

/* Make the first keys of an installation: one of each symmetric use, an active and a next access key of each format.
 * Puts them into the store; what is slow to draw and not in stock is for a tick to make.
 * fails: E_CONFLICT (there are keys already). */
struct cardea_status keyring_create(const struct key_work *w, token_formats formats) CARDEA_CHECKED;
/* Make what an installation lacks that was made before a use existed. *ret_changed: something was put into the store.
 */
struct cardea_status keyring_complete(const struct key_work *w, bool *ret_changed) CARDEA_CHECKED;
/* Graceful rotation, of one format or (UNSET) of all that sign: promotes NEXT now if it was published long enough and
 * everybody has heard of it, else schedules it; *ret_at_ms says when the last of them signs, at the earliest. After a
 * promotion a new NEXT is made. The caller appends
 * the audit event and adds CHANGE_KEYS.
 * fails: E_NOT_FOUND (no key of that format signs); E_LIMIT (KEYRING_MAX: too many rotations within retire_ms); E_BUSY
 * (a NEXT is still being drawn). */
struct cardea_status keyring_rotate(const struct key_work *w, enum token_format f, const struct keyring_times *times,
                                    int64_t *ret_at_ms) CARDEA_CHECKED;
/* A new key seals sessions: from now on where there is no other verifier, else once they have heard of it (a tick sees
 * to it); one that waits for that already is not made a second time. The one before it opens for another
 * sealed_retire_ms. The caller appends the audit event and adds CHANGE_KEYS.
 * fails: E_LIMIT (SEALED_KEYS_MAX or KEYRING_MAX: too many rotations within sealed_retire_ms). */
struct cardea_status keyring_rotate_sealed(const struct key_work *w, const struct keyring_times *times) CARDEA_CHECKED;
/* Drop an access key or a sealing key at once (compromised). The active access key is replaced by NEXT immediately,
 * published long enough or not (where there is none that is quick to draw, a tick makes one; until then the format does
 * not sign); the active sealing key by a new one. fails: E_NOT_FOUND (no such key of that id). */
struct cardea_status keyring_drop(const struct key_work *w, const struct key_id *id) CARDEA_CHECKED;
/* What time does: scheduled promotions, retirements past their end, a missing NEXT or sealing key; and what a change of
 * settings does: keys of formats that are asked for now, and of those that are no longer (these stay while there are
 * other verifiers: another node's settings may ask for them).
 * out:   *ret_changed: reload. *ret_lacking: formats that need a key in stock */
struct cardea_status keyring_tick(const struct key_work *w, token_formats formats, const struct keyring_times *times,
                                  bool *ret_changed, token_formats *ret_lacking) CARDEA_CHECKED;

/* The stored value (store.h, value_get) that holds the number of the last row that published a key. Absent: none did.
 */
#define KEYS_PUBLISHED "keys_published_n"

/* The kid of an access key's record, as tokens name it; nothing where the record is damaged. */
void buf_record_kid(struct buf *b, const struct key_record *r);
/* The format of an access key's record; UNSET: none. */
enum token_format key_record_format(const struct key_record *r);

/* --- publication --- */

/* What is published: next, active and retiring keys of public-key formats. Public members alone exist here. */
enum key_document {
    KEY_DOCUMENT_UNSET = 0,
    KEY_DOCUMENT_JWKS,   /* of JWS formats, RFC 7517 §5 */
    KEY_DOCUMENT_PASETO, /* {"keys":[{"kid":"k4.pid.…","key":"k4.public.…"}]} */
};
void buf_key_document(struct buf *b, const struct keyring *k, enum key_document document);
/* An entity tag of it, with its quotes (RFC 9110 §8.8.3): KEYRING_TAG characters, equal while the keys are. */
void buf_key_document_tag(struct buf *b, const struct keyring *k, enum key_document document);

#endif
