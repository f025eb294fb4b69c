/* Our JSON reader against jansson's: aborts where the two disagree beyond the differences that are meant.
 *
 * Meant: we keep numbers as text, so we accept ones past jansson's range; jansson refuses a NUL in a name; we stop at
 * JSON_DEPTH_MAX and at the tokens given, jansson at a depth of 2048; jansson takes a NUL after the value for the end.
 * Everything else must be the same: accepted or refused, types, order-free members, strings byte for byte, exact
 * integers.
 */
#ifndef JSON_ORACLE_H
#define JSON_ORACLE_H

#include "base/json.h"

/* Answers whether our reader accepted the text. */
bool json_oracle_check(struct view text);

#endif
