/* Cursors of listings that run newest first: (time, id) as text. For engines; nobody else looks inside one.
 *
 * Representation: the time in decimal, '-', the id in base64url. Nothing in it is secret.
 */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include "store/store.h"

struct cursor_place {
    int64_t at_ms;
    uint8_t id[16];
};

struct cursor cursor_make(int64_t at_ms, const uint8_t id[16]);
/* fails: E_INVALID_FIELD: not a text that cursor_make writes. */
struct cardea_status cursor_parse(const struct cursor *c, struct cursor_place *out) CARDEA_CHECKED;

#endif
