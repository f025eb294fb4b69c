/* A session record as bytes, for engines that keep opaque values (Redis, Memcached).
 *
 * Format 1, integers big-endian, texts as their length in two bytes and then their bytes:
 *
 *     1 | sid 16 | user 16 | epoch 8 | kind 1 | remember 1 | created, authenticated, last seen, expires, idle 8 each
 *       | secret digest 32 | generation 8 | refresh digest 32 | previous digest 32 | nonce 16 | rotated 8
 *       | address version 1, bytes 16 | app | user agent
 *
 * Reading takes exactly what writing makes, and refuses everything else: an engine may be shared with others, or hold
 * what an older program wrote.
 */
#ifndef STORE_SESSION_BYTES_H
#define STORE_SESSION_BYTES_H

#include "store/sessions.h"

enum { SESSION_BYTES_MAX = 600 };

/* Returns how many bytes were written. */
size_t session_pack(const struct session_record *r, uint8_t out[SESSION_BYTES_MAX]);
/* fails: E_CORRUPT */
struct cardea_status session_unpack(struct view bytes, struct session_record *out) CARDEA_CHECKED;

/* The part that a rotation replaces, by itself: refresh digest, previous digest, nonce, rotated. */
enum { REFRESH_BYTES = 32 + 32 + 16 + 8 };
void refresh_pack(const struct session_record *r, uint8_t out[REFRESH_BYTES]);
bool refresh_unpack(struct view bytes, struct session_record *out); /* false: not such bytes */

#endif
