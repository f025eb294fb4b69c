/* Cursors of listings: (time, id) as text, of the last record given. For engines; nobody else looks inside one.
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

struct cursor cursor_none(void); /* "there is no more" */
struct cursor cursor_make(int64_t at_ms, const uint8_t id[16]);
/* fails: E_INVALID_FIELD: not a text that cursor_make writes. */
struct cardea_status cursor_parse(const struct cursor *c, struct cursor_place *out) CARDEA_CHECKED;
/* Where a page of a listing that runs newest first begins: strictly below *out. The first one begins above everything.
 * fails: E_INVALID_FIELD; E_INTERNAL: a limit outside 1 … PAGE_MAX. */
struct cardea_status cursor_start(const struct page *page, struct cursor_place *out) CARDEA_CHECKED;

#endif
