/* Answers: JSON bodies and the objects of the HTTP contract in them.
 *
 * Bodies are written into the exchange's arena, so that one with a credential in it is wiped with the request. What an
 * object shows is decided here alone: no password hash, digest, epoch or generation has a way out.
 *
 *     struct json_writer w = answer_open(x, 4096);
 *     json_open_object(&w);
 *     answer_user(&w, &user);
 *     json_close_object(&w);
 *     answer_json(x, 200, &w);
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "base/json.h"
#include "http/exchange.h"

/* Room that one object can need at most, for answer_open. */
enum {
    ANSWER_USER_MAX = 10 * 1024,
    ANSWER_SESSION_MAX = 4 * 1024,
    ANSWER_API_KEY_MAX = 4 * 1024,
    ANSWER_EXTRA_MAX = 8 * 1024, /* tokens, cursors, braces */
};

/* A writer on cap bytes of the arena; when they can not be had, answer_json will answer E_INTERNAL. */
struct json_writer answer_open(struct exchange *x, size_t cap);
/* Send what was written. */
void answer_json(struct exchange *x, uint16_t status, const struct json_writer *w);
void answer_empty(struct exchange *x, uint16_t status); /* 204 */
/* Add a header; value static or in the arena. A failure (no room, control character) becomes E_INTERNAL. */
void answer_header(struct exchange *x, const char *name, struct view value);

/* Values (the caller writes the member's name). current: the caller's own session, or NULL. */
void answer_user(struct json_writer *w, const struct user_record *u);
void answer_session(struct json_writer *w, const struct session_record *s, const struct session_id *current);
/* owner: show whose it is; secret: empty, not shown. */
void answer_api_key(struct json_writer *w, const struct api_key_record *k, bool owner, struct view secret);

#endif
