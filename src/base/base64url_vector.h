/* The middle of a long base64url text, sixteen characters at a time; private to base64url.c.
 *
 * Decides nothing of its own: the same alphabet, the same refusals, faster where the processor can (x86-64 with SSSE3,
 * asked at run time). Elsewhere no block is taken and the caller's own loop does all. Threading: pure.
 */
#ifndef BASE_BASE64URL_VECTOR_H
#define BASE_BASE64URL_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* Decode as many whole blocks of 16 characters as there are in len, 12 bytes each.
 * out:   the number of characters taken, 0 where the processor can not; *ret_good false: one of them is outside the
 *        alphabet, and what was written is scratch */
size_t base64url_decode_blocks(const unsigned char *in, size_t len, unsigned char *out, bool *ret_good);

#endif
