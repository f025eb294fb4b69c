/* HKDF with SHA-256 (RFC 5869): keys from secrets that are random but not the right length or not for this use.
 *
 * Decides: nothing but the derivation. Refuses to decide: whether the secret is one: HKDF makes a key of any text, and
 * of a guessable one a guessable key (passwords go through crypto/argon2.h).
 *
 * Security: what is derived under another salt or info is independent. The caller wipes out. Time depends on lengths
 * alone. Threading: pure; any thread. It allocates contexts of OpenSSL's: once a key, not once a message.
 */
#ifndef CRYPTO_HKDF_H
#define CRYPTO_HKDF_H

#include "base/view.h"
#include "cardea/status.h"

enum { HKDF_LEN_MAX = 255 * 32, HKDF_INFO_MAX = 1024 };

/* Extract and expand to len bytes. salt, info may be empty.
 * fails: E_USAGE: an empty secret, no or too many bytes, a longer info; E_BUSY without memory. */
struct cardea_status hkdf_sha256(struct view secret, struct view salt, struct view info, uint8_t *out,
                                 size_t len) CARDEA_CHECKED;

#endif
