/* Bytes that the library reads: where they are, and how many. The way every input of variable length travels.
 *
 * Decides: nothing but the shape. Such a struct owns nothing; the bytes need not end in NUL and may hold any value.
 * They are read during the call and not kept, unless the function says otherwise. Where bytes are optional,
 * cardea_bytes(NULL, 0) stands for none. A pointer of NULL with a length is refused (CARDEA_E_USAGE).
 *
 * Texts that name something (an issuer, an algorithm, a claim) are C strings instead: they come from the program.
 *
 * Outputs of variable length: char *out, size_t cap, size_t *ret_len. cap counts room for a NUL that is always written
 * behind the text and never counted in *ret_len. Where it does not fit, CARDEA_E_TOO_LARGE, and out is untouched.
 * An output overlaps no input.
 *
 *     struct cardea_bytes token = cardea_text("eyJhbGciOi…");
 */
#ifndef CARDEA_BYTES_H
#define CARDEA_BYTES_H

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cardea_bytes {
    const void *ptr;
    size_t len;
};

static inline struct cardea_bytes cardea_bytes(const void *ptr, size_t len)
{
    struct cardea_bytes b;
    b.ptr = ptr;
    b.len = len;
    return b;
}

/* A C string without its NUL; NULL is none. */
static inline struct cardea_bytes cardea_text(const char *text)
{
    return cardea_bytes(text, text == NULL ? 0 : strlen(text));
}

#ifdef __cplusplus
}
#endif
#endif
