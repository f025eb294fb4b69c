/* Text forms of bytes: base64url, hexadecimal, percent-encoding, UTF-8.
 *
 * Base64url (RFC 4648 §5) without padding, one text per value: a decoder that meets padding, white space, another
 * alphabet or non-zero trailing bits refuses. Neither is decoding constant-time, nor encoding but where it says so;
 * what is decoded is either public or compared by digest.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"
#include "cardea/status.h"

#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* Encode: writes exactly BASE64URL_LEN(len) characters, no NUL. */
void base64url_encode(const void *bytes, size_t len, char *out);
void buf_base64url(struct buf *b, const void *bytes, size_t len);
/* The same for the bytes of a key: no table, so neither time nor cache tells of them. Some ten times slower. */
void buf_base64url_secret(struct buf *b, const void *bytes, size_t len);
/* Decode into at most cap bytes, apart from the text; *ret_len set on success, out is scratch on failure. fails:
 * E_BAD_REQUEST for any text that an encoder would not write, or whose bytes are more than cap. */
struct cardea_status base64url_decode(struct view text, void *out, size_t cap, size_t *ret_len) CARDEA_CHECKED;
/* Decode a text that must yield exactly len bytes. */
struct cardea_status base64url_decode_exact(struct view text, void *out, size_t len) CARDEA_CHECKED;

void buf_hex(struct buf *b, const void *bytes, size_t len); /* lower case */
/* Accepts both cases; out is untouched on failure. */
struct cardea_status hex_decode_exact(struct view text, void *out, size_t len) CARDEA_CHECKED;

/* Percent-encode everything outside printable ASCII, and '%' and ',' too, for the identity headers of /verify. A space
 * at either end is encoded as well, because HTTP would trim it. */
void buf_percent_header(struct buf *b, struct view v);
/* Decode one name or value of a query string or form, appended to out: '+' is a space. fails: E_BAD_REQUEST for a bad
 * escape or a NUL, escaped or not; E_TOO_LARGE when out is full. The result need not be UTF-8. */
struct cardea_status percent_decode(struct view v, struct buf *out) CARDEA_CHECKED;

bool utf8_valid(struct view v); /* RFC 3629: no surrogates, nothing overlong, nothing past U+10FFFF */

/* Decimal without sign, leading zeros or overflow. */
struct cardea_status parse_u64(struct view v, uint64_t *out) CARDEA_CHECKED;

#endif
