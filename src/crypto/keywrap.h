/* AES key wrap (RFC 3394): one key encrypted under another, with no iv.
 *
 * Decides: the default initial value and nothing else; keys of 16 to KEYWRAP_MAX bytes, in eighths. The wrapping key
 * has 16, 24 or 32 bytes. Refuses to decide: what the wrapped key is for.
 *
 * Security: deterministic, so it is for random keys only: equal keys wrap to equal texts. An unwrapped key that does
 * not check is wiped. Threading: a key may be used by any number of threads; kept contexts, no allocation in ordinary
 * use.
 *
 *     struct wrap_key *k;
 *     struct cardea_status s = wrap_key_new(view_of(kek, 16), &k);
 *     if (cardea_ok(s))
 *         s = wrap_key_wrap(k, view_of(cek, 32), wrapped);
 */
#ifndef CRYPTO_KEYWRAP_H
#define CRYPTO_KEYWRAP_H

#include "base/view.h"
#include "cardea/status.h"

enum { KEYWRAP_OVERHEAD = 8, KEYWRAP_MIN = 16, KEYWRAP_MAX = 64 };

struct wrap_key;

/* Keep ready; the caller wipes its own copy. fails: E_USAGE: a length that is none; E_BUSY. */
struct cardea_status wrap_key_new(struct view kek, struct wrap_key **out) CARDEA_CHECKED;
void wrap_key_free(struct wrap_key *k); /* wipes; NULL is safe */
/* out has plain.len + KEYWRAP_OVERHEAD bytes. fails: E_USAGE: a length that can not be wrapped; E_BUSY; E_INTERNAL. */
struct cardea_status wrap_key_wrap(const struct wrap_key *k, struct view plain, uint8_t *out) CARDEA_CHECKED;
/* out has wrapped.len - KEYWRAP_OVERHEAD bytes, which is how many it yields; zeros or untouched on failure.
 * fails: E_INVALID_TOKEN: not wrapped by this key; E_BUSY. */
struct cardea_status wrap_key_unwrap(const struct wrap_key *k, struct view wrapped, uint8_t *out) CARDEA_CHECKED;
/* The same with a wrapping key for one use. */
struct cardea_status keywrap_once(struct view kek, struct view plain, uint8_t *out) CARDEA_CHECKED;
struct cardea_status keyunwrap_once(struct view kek, struct view wrapped, uint8_t *out) CARDEA_CHECKED;

#endif
