/* PASERK k4: the keys of PASETO v4 as text, and the ids by which tokens name them.
 *
 * Decides: what a key of PASETO is and how it is written. Each purpose has a type of its own, so that a key can serve
 * no other: a local key encrypts, a secret key signs, a public key verifies, and neither compiles in another's place.
 *
 *   k4.local.<32 bytes>   k4.public.<32 bytes>   k4.secret.<64 bytes: seed and public half>
 *   k4.lid.<33 bytes>     k4.pid.<33 bytes>      k4.sid.<33 bytes>
 *
 * in canonical unpadded base64url. An id is BLAKE2b, 33 bytes, of its own prefix and the key's text: it tells the
 * purpose too, and says nothing about the key. Refused: every other version (k1, k2, k3) and type, wrapped and
 * password-protected keys (local-wrap, secret-pw, seal, …), other lengths, padding, other alphabets, bytes after.
 * Stricter than PASERK: a public key must be a point that Ed25519 accepts (crypto/ed25519.h), and the halves of a
 * secret key must belong together; PASERK itself writes and reads any 32 or 64 bytes.
 *
 * Security: secret and local keys live in guarded memory. Limits: their texts are as secret as they are, and decoding
 * them (once, when they are loaded) is not constant-time; the caller wipes its copies. An id may be published.
 *
 * Threading: immutable after making; any number of threads.
 *
 *     struct paseto_public_key k;
 *     struct cardea_status s = paserk_public_parse(VIEW("k4.public.…"), &k);
 */
#ifndef CORE_PASERK_H
#define CORE_PASERK_H

#include "base/buf.h"
#include "crypto/ed25519.h"
#include "crypto/xchacha.h"

enum paserk_kind { PASERK_UNSET = 0, PASERK_LID, PASERK_PID, PASERK_SID };

enum {
    PASERK_DIGEST = 33,
    PASERK_ID_TEXT = 7 + 44,
    PASERK_LOCAL_TEXT = 9 + 43,
    PASERK_PUBLIC_TEXT = 10 + 43,
    PASERK_SECRET_TEXT = 10 + 86,
};

struct paserk_id {
    enum paserk_kind kind;
    uint8_t digest[PASERK_DIGEST];
};

struct paseto_public_key {
    struct paserk_id id; /* pid */
    struct ed25519_public point;
};

struct paseto_secret_key {
    struct paserk_id id;             /* sid */
    struct paseto_public_key public; /* its other half: tokens name this one's id */
    struct ed25519_secret *bytes;    /* guarded */
};

struct paseto_local_key {
    struct paserk_id id;     /* lid */
    struct split_key *bytes; /* guarded */
};

void buf_paserk_id(struct buf *b, const struct paserk_id *id);
/* fails: E_INVALID_FIELD: no k4.lid, k4.pid or k4.sid. */
struct cardea_status paserk_id_parse(struct view text, struct paserk_id *out) CARDEA_CHECKED;
/* Ids are public: compared as such. UNSET is nobody's. */
bool paserk_id_same(const struct paserk_id *a, const struct paserk_id *b);

/* Make a key of its bytes; the caller wipes its own copy. init/clear: clear is safe on a zeroed one, and twice.
 * fails: E_INVALID_FIELD (no point that is accepted); E_BUSY without memory. */
struct cardea_status paseto_public_key_init(struct paseto_public_key *k, struct view bytes) CARDEA_CHECKED;
struct cardea_status paseto_secret_key_init(struct paseto_secret_key *k,
                                            const uint8_t seed[ED25519_SEED]) CARDEA_CHECKED;
struct cardea_status paseto_local_key_init(struct paseto_local_key *k, const uint8_t bytes[32]) CARDEA_CHECKED;
void paseto_secret_key_clear(struct paseto_secret_key *k);
void paseto_local_key_clear(struct paseto_local_key *k);

/* From text; *out is cleared by the caller where it is a secret or a local key.
 * fails: E_INVALID_FIELD: not exactly this type and version, or not canonical; E_BUSY without memory. */
struct cardea_status paserk_public_parse(struct view text, struct paseto_public_key *out) CARDEA_CHECKED;
struct cardea_status paserk_secret_parse(struct view text, struct paseto_secret_key *out) CARDEA_CHECKED;
struct cardea_status paserk_local_parse(struct view text, struct paseto_local_key *out) CARDEA_CHECKED;
/* To text. Those of secret and local keys go into the caller's fixed storage, which the caller wipes. */
void buf_paserk_public(struct buf *b, const struct paseto_public_key *k);
void buf_paserk_secret(struct buf *b, const struct paseto_secret_key *k);
void buf_paserk_local(struct buf *b, const struct paseto_local_key *k);

/* The id of a public key's bytes, whatever they are. */
struct paserk_id paserk_pid(const uint8_t bytes[32]);

#endif
