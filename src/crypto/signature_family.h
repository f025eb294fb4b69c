/* What the files signature*.c share, private to crypto/: the table of algorithms, the two kinds of key, and the
 * families' own operations, which signature.c chooses by the key alone.
 */
#ifndef CRYPTO_SIGNATURE_FAMILY_H
#define CRYPTO_SIGNATURE_FAMILY_H

#include "crypto/ed25519.h"
#include "crypto/hmac.h"
#include "crypto/pkey.h"
#include "crypto/signature.h"

enum signature_family {
    FAMILY_UNSET = 0,
    FAMILY_HMAC,
    FAMILY_RSA_PKCS1,
    FAMILY_RSA_PSS,
    FAMILY_ECDSA,
    FAMILY_ED25519,
    FAMILY_ED448,
};

struct signature_info {
    char name[8];
    enum signature_family family;
    enum raw_key_type type;
    enum raw_key_curve curve; /* ECDSA and EdDSA */
    size_t hash_len;          /* 32, 48, 64: SHA-2 of that length; EdDSA has its own */
};

/* NULL for UNSET and what no enum names. */
const struct signature_info *signature_info(enum signature_algorithm a);
/* SHA-2 by its length; what OpenSSL calls it. */
void signature_digest(size_t hash_len, struct view message, uint8_t out[64]);
const EVP_MD *signature_md(size_t hash_len);

/* One OpenSSL key with contexts of one operation kept ready (signature_operation.c). A context serves one thread at a
 * time: take moves one out of its slot, give puts it back. */
struct operation;
/* Takes over pkey, also on failure and NULL. set_up: EVP_PKEY_sign_init or _verify_init. NULL without memory. */
struct operation *operation_new(EVP_PKEY *pkey, const struct signature_info *info, int (*set_up)(EVP_PKEY_CTX *));
void operation_free(struct operation *o);
EVP_PKEY_CTX *operation_take(struct operation *o); /* NULL without memory */
void operation_give(struct operation *o, EVP_PKEY_CTX *context);
EVP_PKEY *operation_pkey(const struct operation *o);

struct signing_key {
    enum signature_algorithm algorithm;
    const struct signature_info *info;
    size_t signature_len;
    struct operation *operation; /* ECDSA, RSA, Ed448 */
    struct ed25519_secret *ed25519;
    struct hmac_key *hmac;
};

struct verify_key {
    enum signature_algorithm algorithm;
    const struct signature_info *info;
    size_t signature_len;
    struct operation *operation;
    struct ed25519_public ed25519;
    struct hmac_key *hmac;
};

/* message is hashed here; out has room for signature_len bytes. */
struct cardea_status ecdsa_sign(const struct signing_key *k, struct view message, uint8_t *out) CARDEA_CHECKED;
struct cardea_status rsa_sign(const struct signing_key *k, struct view message, uint8_t *out) CARDEA_CHECKED;
struct cardea_status ed448_sign(const struct signing_key *k, struct view message, uint8_t *out) CARDEA_CHECKED;
/* signature has signature_len bytes. */
struct cardea_status ecdsa_check(const struct verify_key *k, struct view message, const uint8_t *sig) CARDEA_CHECKED;
struct cardea_status rsa_check(const struct verify_key *k, struct view message, const uint8_t *sig) CARDEA_CHECKED;
struct cardea_status ed448_check(const struct verify_key *k, struct view message, const uint8_t *sig) CARDEA_CHECKED;

#endif
