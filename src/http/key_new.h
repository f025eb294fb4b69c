/* A new API key: what users may ask for themselves, and administrators for others, in the same words. */
#ifndef HTTP_KEY_NEW_H
#define HTTP_KEY_NEW_H

#include "core/api_key.h"
#include "http/exchange.h"

struct key_new {
    struct api_key_request want;
    char scopes[SCOPES_MAX_BYTES + 1];
    struct api_key_record record;
    struct api_key key;
};

/* Read the body {name, scopes?, expires_in?} into x->state. reserved: may the scopes be given that open Cardea's own
 * endpoints? fails: as body_read; E_FORBIDDEN for a reserved scope. */
struct cardea_status key_new_read(struct exchange *x, const struct user_id *user, bool reserved,
                                  struct key_new **out) CARDEA_CHECKED;
/* The commit and finish stages on that state: 201 with the key, shown once. */
struct cardea_status key_new_commit(struct exchange *x, struct store_tx *tx) CARDEA_CHECKED;
void key_new_finish(struct exchange *x);

#endif
