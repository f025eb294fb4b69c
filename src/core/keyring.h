/* The keyring: every key in force, opened, as one immutable snapshot that threads share by reference count; and the
 * life of keys in the store.
 *
 * Decides: which keys exist, what each may be used for, when an access key signs, verifies and goes. Refuses to decide:
 * who may rotate, and what the journal says about it; those are the caller's, in the same transaction.
 *
 * Different keys for different purposes (promise 7): each use has its own, drawn at random; none is derived from
 * another's. Built from the store's key records by unsealing with the master key. A change of keys builds a new ring;
 * old ones live as long as an exchange holds them.
 *
 *                 published            promoted                    last token expired
 *   keyring_rotate ──► NEXT ──────────────► ACTIVE ──────────► RETIRING ──────────────► gone
 *                      verifies             signs, verifies    verifies until drop_at
 *
 * NEXT is in the JWKS for publish_ms before it signs, so that whoever caches the set knows it in time. RETIRING stays
 * until the last token it signed has expired. Exactly one access key is ACTIVE; one NEXT is always being prepared. A
 * dropped (compromised) key skips all that: it is gone with the commit.
 *
 * At rest: `sealed` opens only under the master key and for this row's own context "use|kid". NEXT and ACTIVE hold the
 * private key. At retirement the private half is erased from the store, and `sealed` holds the sealed *public* point
 * instead: so a row without a seal of ours never verifies a token, and whoever can write to the store but has not the
 * master key can not plant a key. A kid is the key's RFC 7638 thumbprint, checked at load.
 *
 * Symmetric keys have a kid and a state too. One ACTIVE of each use is made, and the newest ACTIVE is used; records of
 * other states are skipped, so several per use (rotation with overlap) need no change of format: refresh tokens already
 * carry the first bytes of their key's id. Keys of sealed sessions do rotate: exactly one is ACTIVE and seals, those
 * before it are RETIRING and open until their drop_at_ms. Nobody outside needs to hear of a new one, so there is no
 * NEXT; a retired one keeps its secret, under the seal of its state.
 *
 * Security limits: whoever writes to the store can put an old row of ours back (a retired key's, for instance), and
 * who has store and master key has everything. Keys in memory: MAC keys in guarded pages, tag keys and OpenSSL's
 * private keys on the heap.
 *
 * Threading: a ring is immutable but for its count. keyring_create, rotate, drop, tick run inside the caller's write
 * transaction.
 */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include "core/sealed.h"
#include "crypto/mac.h"
#include "crypto/seal.h"
#include "crypto/signature.h"
#include "store/store.h"

enum { KEYRING_MAX = 64, KEYRING_TAG = 18 }; /* keys of all uses together */

struct access_key {
    struct key_id id;
    enum key_state state;
    enum signature_algorithm algorithm;
    int64_t created_at_ms, activate_at_ms, drop_at_ms; /* 0: not set */
    uint8_t point[SIGNATURE_POINT];
    struct verify_key *verify;
    struct signing_key *sign; /* NULL for RETIRING */
};

struct keyring {
    uint64_t generation; /* grows with every snapshot: caches compare it */
    struct tag_key session_tag, api_key_tag;
    struct mac_key *refresh, *csrf, *device;
    uint8_t refresh_key_id[4];
    struct sealed_keys sealed; /* the last one seals; none before keyring_complete */
    uint32_t access_count;
    struct access_key access[KEYRING_MAX];
    const struct access_key *active; /* signs; NULL: none */
    int _Atomic refs;
};

/* Make the first keys of an installation: one of each symmetric use, an active and a next access key. Puts them into
 * the store. fails: E_CONFLICT (there are keys already). */
struct cardea_status keyring_create(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                    const struct entropy *e, int64_t now_ms) CARDEA_CHECKED;
/* Make what an installation lacks that was made before a use existed. *ret_changed: something was put into the store.
 */
struct cardea_status keyring_complete(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                      const struct entropy *e, int64_t now_ms, bool *ret_changed) CARDEA_CHECKED;
/* Open all keys in the store; the caller unrefs.
 * fails: E_NOT_FOUND (no keys yet); E_CORRUPT (another master key, a record that no keyring wrote, two active access
 * keys, two active sealing keys, a use without a key other than sealing); E_BUSY without memory. */
struct cardea_status keyring_load(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  uint64_t generation, struct keyring **out) CARDEA_CHECKED;
struct keyring *keyring_ref(struct keyring *k);
void keyring_unref(struct keyring *k); /* the last one wipes and frees; NULL is safe */
/* By exact id; NULL: unknown. */
const struct access_key *keyring_find(const struct keyring *k, const struct key_id *id);
/* May a signature of this key count now? Ask each time, also where the signature was checked before: a retiring key's
 * time runs out without a new snapshot. */
bool access_key_verifies(const struct access_key *k, int64_t now_ms);

struct keyring_times {
    int64_t publish_ms; /* JWKS max-age: a next key signs no earlier than this after it was made */
    int64_t retire_ms;  /* longest access token + leeway: a retiring key stays this long */
};
/* Graceful rotation: promotes NEXT now if it was published long enough, else schedules it; *ret_at_ms says when it
 * signs. After a promotion a new NEXT is made. The caller appends the audit event and adds CHANGE_KEYS.
 * fails: E_LIMIT (KEYRING_MAX: too many rotations within retire_ms). */
struct cardea_status keyring_rotate(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                    const struct entropy *e, const struct keyring_times *times, int64_t now_ms,
                                    int64_t *ret_at_ms) CARDEA_CHECKED;
/* A new key seals sessions from now on; the one before it opens for another retire_ms. The caller appends the audit
 * event and adds CHANGE_KEYS.
 * fails: E_LIMIT (SEALED_KEYS_MAX or KEYRING_MAX: too many rotations within retire_ms). */
struct cardea_status keyring_rotate_sealed(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                           const struct entropy *e, int64_t retire_ms, int64_t now_ms) CARDEA_CHECKED;
/* Drop an access key or a sealing key at once (compromised). The active access key is replaced by NEXT immediately,
 * published long enough or not; the active sealing key by a new one. fails: E_NOT_FOUND (no such key of that id). */
struct cardea_status keyring_drop(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  const struct entropy *e, const struct key_id *id, int64_t now_ms) CARDEA_CHECKED;
/* What time does: scheduled promotions, retirements past their end, a missing NEXT or sealing key. *ret_changed:
 * reload. */
struct cardea_status keyring_tick(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  const struct entropy *e, const struct keyring_times *times, int64_t now_ms,
                                  bool *ret_changed) CARDEA_CHECKED;
/* The public set (RFC 7517 §5): next, active and retiring. Public members alone exist here: it is made from points. */
void keyring_jwks(const struct keyring *k, struct buf *out);
/* An entity tag of that set, with its quotes (RFC 9110 §8.8.3): KEYRING_TAG characters, equal while the keys are. */
void keyring_jwks_tag(const struct keyring *k, struct buf *out);

#endif
