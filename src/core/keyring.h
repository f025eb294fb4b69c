/* The keyring: every key in force, opened, as one immutable snapshot that threads share by reference count.
 *
 * Different keys for different purposes (promise 7): each use has its own key; none is derived from another's.
 * Built from the store's key records by unsealing with the master key. A change of keys builds a new ring; old ones
 * live as long as an exchange holds them.
 */
#ifndef CORE_KEYRING_H
#define CORE_KEYRING_H

#include "crypto/mac.h"
#include "crypto/seal.h"
#include "crypto/signature.h"
#include "store/store.h"

enum { KEYRING_MAX = 64 };

struct access_key {
    struct key_id id;
    enum key_state state;
    enum signature_algorithm algorithm;
    int64_t created_at_ms, drop_at_ms;
    uint8_t point[SIGNATURE_POINT];
    struct verify_key *verify;
    struct signing_key *sign; /* NULL for RETIRING */
};

struct keyring {
    uint64_t generation; /* grows with every snapshot: caches compare it */
    struct tag_key session_tag, api_key_tag;
    struct mac_key *refresh, *csrf, *device;
    uint8_t refresh_key_id[4];
    uint32_t access_count;
    struct access_key access[KEYRING_MAX];
    const struct access_key *active;
    int _Atomic refs;
};

/* Make the first keys of an installation: one of each symmetric use, an active and a next access key. Puts them into
 * the store. */
struct cardea_status keyring_create(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                    const struct entropy *e, int64_t now_ms) CARDEA_CHECKED;
/* Open all keys in the store. fails: E_NOT_FOUND (no keys yet); E_CORRUPT (another master key). */
struct cardea_status keyring_load(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  uint64_t generation, struct keyring **out) CARDEA_CHECKED;
struct keyring *keyring_ref(struct keyring *k);
void keyring_unref(struct keyring *k);
const struct access_key *keyring_find(const struct keyring *k, const struct key_id *id); /* NULL: unknown */

struct keyring_times {
    int64_t publish_ms; /* JWKS max-age: a next key signs no earlier than this after it was made */
    int64_t retire_ms;  /* longest access token + leeway: a retiring key stays this long */
};
/* Graceful rotation: promotes NEXT now if it was published long enough, else schedules it; *ret_at_ms says when it
 * signs. Makes a new NEXT. Appends the audit event itself? No: the caller does. Adds CHANGE_KEYS. */
struct cardea_status keyring_rotate(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                    const struct entropy *e, const struct keyring_times *times, int64_t now_ms,
                                    int64_t *ret_at_ms) CARDEA_CHECKED;
/* Drop an access key at once (compromised). The active one is replaced by NEXT immediately. fails: E_NOT_FOUND. */
struct cardea_status keyring_drop(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  const struct entropy *e, const struct key_id *id, int64_t now_ms) CARDEA_CHECKED;
/* What time does: scheduled promotions, retirements past their end. *ret_changed: reload. */
struct cardea_status keyring_tick(struct store_tx *tx, const struct store_ops *ops, const struct master_key *m,
                                  const struct entropy *e, const struct keyring_times *times, int64_t now_ms,
                                  bool *ret_changed) CARDEA_CHECKED;
/* The public set (RFC 7517 §5): next, active and retiring. */
void keyring_jwks(const struct keyring *k, struct buf *out);

#endif
