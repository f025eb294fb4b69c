/* The HMAC half of AxxxCBC-HSyyy (RFC 7518 §5.2), with key states kept ready; private to aead.c.
 *
 * The states after the two padded keys are plain memory for the reasons that crypto/sha2.h gives; they are as secret
 * as the key. Time depends on lengths alone.
 */
#ifndef CRYPTO_CBC_MAC_H
#define CRYPTO_CBC_MAC_H

#include "base/view.h"
#include "crypto/sha2.h"

union cbc_mac_state {
    sha256_state s256;
    sha512_state s512;
};

struct cbc_mac {
    size_t len; /* of the key and of the tag: 16, 24 or 32 */
    union cbc_mac_state inner, outer;
};

/* len names the hash: 16 SHA-256, 24 SHA-384, 32 SHA-512. */
void cbc_mac_init(struct cbc_mac *m, const uint8_t *key, size_t len);
/* The tag of m->len bytes over aad, iv, ciphertext and the length of aad in bits. */
void cbc_mac_tag(const struct cbc_mac *m, struct view aad, struct view iv, struct view ciphertext, uint8_t *tag);

#endif
