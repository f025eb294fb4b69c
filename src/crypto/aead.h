/* Authenticated encryption as RFC 7518 §5 has it: AES-GCM and AES-CBC with HMAC.
 *
 * Decides: the six content encryptions of JWE, each with exactly one length of key, iv and tag. GCM takes 96 bits of
 * iv and 128 of tag and nothing else: shorter ones are what forgeries are made of. Refuses to decide: which of them a
 * message may use (its key says so), and where an iv comes from.
 *
 * AxxxCBC-HSyyy: the first half of the key authenticates, the second encrypts; the MAC covers aad, iv, ciphertext and
 * the length of aad, and is cut to half. It is checked first, in constant time, and the ciphertext is only then
 * decrypted: whoever has not the key learns nothing about padding.
 *
 * Security: an iv must never repeat under one key (GCM loses everything then). Random 96-bit ones are good for 2^32
 * messages a key. What did not authenticate is wiped from the output. Time depends on lengths alone. Limits: neither
 * commits to its key: a ciphertext can be made that opens under two keys, so a key is chosen by its id, never by
 * trying.
 *
 * Threading: a key may be used by any number of threads. Opening and sealing with a kept key allocate nothing while no
 * more than a few threads (CIPHER_CONTEXTS) use it at once; the _once forms allocate a context.
 *
 *     struct aead_key *k;
 *     struct cardea_status s = aead_key_new(AEAD_A256GCM, view_of(bytes, 32), &k);
 *     if (cardea_ok(s))
 *         s = aead_seal(k, &(struct aead_message){.iv = iv, .aad = header, .text = plain}, sealed, tag);
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/view.h"
#include "cardea/status.h"

enum aead {
    AEAD_UNSET = 0,
    AEAD_A128GCM,
    AEAD_A192GCM,
    AEAD_A256GCM,
    AEAD_A128CBC_HS256,
    AEAD_A192CBC_HS384,
    AEAD_A256CBC_HS512,
    AEAD_COUNT
};
enum { AEAD_KEY_MAX = 64, AEAD_IV_MAX = 16, AEAD_TAG_MAX = 32, AEAD_PAD_MAX = 16, AEAD_TEXT_MAX = 1 << 24 };

/* "A256GCM"; "" for UNSET. */
const char *aead_name(enum aead a);
/* Exact, case and all; UNSET otherwise. */
enum aead aead_parse(struct view name);
/* In bytes; 0 for UNSET. */
size_t aead_key_len(enum aead a);
size_t aead_iv_len(enum aead a);
size_t aead_tag_len(enum aead a);
/* Of the ciphertext, without its tag: GCM as long as the plain text, CBC up to the next whole block after it. */
size_t aead_sealed_len(enum aead a, size_t plain_len);

struct aead_message {
    struct view iv, aad;
    struct view text; /* plain when sealing, ciphertext when opening */
    struct view tag;  /* when opening */
};

struct aead_key;

/* Keep a key ready; the caller wipes its own copy. fails: E_USAGE: no such algorithm, wrong length; E_BUSY: no memory.
 */
struct cardea_status aead_key_new(enum aead a, struct view key, struct aead_key **out) CARDEA_CHECKED;
void aead_key_free(struct aead_key *k); /* wipes; NULL is safe */
enum aead aead_key_algorithm(const struct aead_key *k);

/* Seal m->text. out has aead_sealed_len bytes, tag aead_tag_len. out may be where the text is (GCM only).
 * fails: E_USAGE: an iv of another length, more than AEAD_TEXT_MAX; E_BUSY; E_INTERNAL. */
struct cardea_status aead_seal(const struct aead_key *k, const struct aead_message *m, uint8_t *out,
                               uint8_t *tag) CARDEA_CHECKED;
/* Open m->text into out, which has as many bytes and may be where the ciphertext is.
 * out:   *ret_len of plain text; on failure *ret_len is untouched and out holds zeros, or what it held
 * fails: E_INVALID_TOKEN, whatever is wrong; E_BUSY. */
struct cardea_status aead_open(const struct aead_key *k, const struct aead_message *m, uint8_t *out,
                               size_t *ret_len) CARDEA_CHECKED;
/* The same with a key for one message. fails: E_USAGE too, for a key of another length. */
struct cardea_status aead_seal_once(enum aead a, struct view key, const struct aead_message *m, uint8_t *out,
                                    uint8_t *tag) CARDEA_CHECKED;
struct cardea_status aead_open_once(enum aead a, struct view key, const struct aead_message *m, uint8_t *out,
                                    size_t *ret_len) CARDEA_CHECKED;

#endif
