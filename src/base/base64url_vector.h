/* A long base64url text, sixteen characters at a time; private to base64url.c.
 *
 * Decides nothing of its own: the same alphabet, the same refusals, faster where the processor can (x86-64 with SSSE3,
 * asked at run time). Elsewhere the caller's own loop does it. Threading: pure.
 */
#ifndef BASE_BASE64URL_VECTOR_H
#define BASE_BASE64URL_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* Decode len characters, whole groups of four, to len / 4 * 3 bytes.
 * out:   false, and nothing is touched: too short, or not on this processor. *ret_good false: one of them is outside
 * the alphabet, and what was written is scratch */
bool base64url_decode_wide(const unsigned char *in, size_t len, unsigned char *out, bool *ret_good);

#endif
