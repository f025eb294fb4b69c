/* What the JSON reader and its questions share: the value of a string whose form has been checked already. */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include "base/json.h"

/* Four hexadecimal digits, or -1. */
int32_t json_hex4(const unsigned char *p);
/* The character or escape at *p as UTF-8 in out; *p moves past it, the length is answered. Only for the inside of a
 * string that json_read has accepted. */
size_t json_unescape_next(const unsigned char **p, unsigned char out[4]);
/* Order two names by their unescaped bytes: negative, 0, positive. */
int json_names_compare(struct view text, const struct json_token *a, const struct json_token *b);

#endif
