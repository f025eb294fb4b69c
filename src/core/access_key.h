/* An access key: one key that makes or checks access tokens, of one format, ready to use.
 *
 * Decides: what a key of each format is made of, and by which id tokens name it. Refuses to decide: when it is used
 * (core/keyring.h) and how it is kept (core/key_record.h).
 *
 * A key has its format from the moment it is made; nothing that a token says changes it. The id is
 *   JWS, public    the RFC 7638 thumbprint;
 *   HS*            32 random bytes: a thumbprint would be a digest of the secret;
 *   v4.*           the first 32 bytes of the PASERK id, which tokens carry whole (k4.pid, k4.lid).
 *
 * Security limits: keys of OpenSSL lie on its heap; octets, Ed25519 and PASETO keys in guarded pages. Threading:
 * immutable after access_key_init; any number of threads.
 */
#ifndef CORE_ACCESS_KEY_H
#define CORE_ACCESS_KEY_H

#include "base/entropy.h"
#include "base/id.h"
#include "core/paserk.h"
#include "core/token_format.h"
#include "store/store.h"

enum {
    ACCESS_RSA_BITS = 3072,
    ACCESS_KID_MAX = PASERK_ID_TEXT, /* characters of a kid */
    ACCESS_HEADER_MAX = 120,         /* characters of a header's text */
};

struct access_key {
    struct key_id id;
    enum key_state state;
    enum token_format format;
    int64_t created_at_ms, activate_at_ms, drop_at_ms; /* 0: not set */
    /* JWS: verify, and sign unless it may not (RETIRING). PASETO: the key of its purpose, and secret unless it may not.
     * The others are NULL or zeros: a key can not be used as another format's. */
    struct verify_key *verify;
    struct signing_key *sign;
    struct paseto_public_key public_key;
    struct paseto_secret_key secret;
    struct paseto_local_key local;
    bool signs;
    /* JWS: the header of its tokens, {"alg":…,"kid":…,"typ":"at+jwt"}, as it stands in their texts: base64url, and the
     * dot behind it. 0 of PASETO. */
    uint8_t header_len;
    char header[ACCESS_HEADER_MAX];
    /* The public half (raw_key_pack); public_len is 0 for symmetric formats, whose keys nobody is shown. */
    enum raw_key_type type;
    enum raw_key_curve curve;
    uint16_t public_len;
    uint8_t public_bytes[RAW_KEY_PUBLIC_MAX];
};

/* Draw the parts of a new key; the caller clears them.
 * fails: E_USAGE (no such format); E_INTERNAL. cost: where token_format_slow, tenths of a second to seconds. */
struct cardea_status access_key_draw(enum token_format f, struct raw_key *out) CARDEA_CHECKED;
/* The id of a key of these parts; for HS* a new one. */
struct cardea_status access_key_id(enum token_format f, const struct raw_key *raw, const struct entropy *e,
                                   struct key_id *out) CARDEA_CHECKED;
/* Make ready a key that was drawn here, or comes back from under our seal. State and times are the caller's to set.
 * in:    id: for HS* its id; for the others NULL, or what the id must be
 *        signs: with the private half, which must be there
 * fails: E_INVALID_FIELD: parts of another format, halves or an id that do not belong together; E_USAGE: no such
 *        format; E_BUSY. *out is untouched then. */
struct cardea_status access_key_init(struct access_key *out, enum token_format f, const struct raw_key *raw,
                                     const struct key_id *id, bool signs) CARDEA_CHECKED;
/* The same from what is public of it, as the table has it (raw_key_pack): it verifies, and signs nothing.
 * fails: E_INVALID_FIELD: such bytes are no key of this format and id; a symmetric format; E_BUSY. */
struct cardea_status access_key_init_public(struct access_key *out, enum token_format f, struct view packed,
                                            const struct key_id *id) CARDEA_CHECKED;
void access_key_clear(struct access_key *k); /* wipes; safe on a zeroed one */

/* May a signature of this key count now? Ask each time, also where the signature was checked before: a retiring key's
 * time runs out without a new snapshot. */
bool access_key_verifies(const struct access_key *k, int64_t now_ms);
/* As tokens name it: 43 characters, or k4.pid.…, k4.lid.… */
void buf_access_kid(struct buf *b, const struct access_key *k);
/* The public JWK with alg, kid and use; nothing for a symmetric key. */
void buf_access_jwk(struct buf *b, const struct access_key *k);

#endif
