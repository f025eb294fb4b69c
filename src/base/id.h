/* Public identifiers, a distinct type each: they can not be swapped by mistake. None is a secret; all are random enough
 * not to collide.
 *
 * Text forms: user_id as UUID (RFC 9562, version 7); the others base64url, 22 characters for 16 bytes and 43 for a
 * key's thumbprint. Reading a user_id takes any version and both cases (users may be imported with their own ids);
 * the others have exactly one text.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/buf.h"
#include "base/entropy.h"
#include "cardea/status.h"

struct user_id {
    uint8_t bytes[16];
};
struct session_id {
    uint8_t bytes[16];
};
struct token_id { /* jti */
    uint8_t bytes[16];
};
struct api_key_id {
    uint8_t bytes[16];
};
struct key_id { /* kid: RFC 7638 SHA-256 thumbprint; symmetric keys: random */
    uint8_t bytes[32];
};

enum { ID16_TEXT = 22, KEY_ID_TEXT = 43, USER_ID_TEXT = 36 };

#define ID_SAME(a, b) (memcmp((a).bytes, (b).bytes, sizeof(a).bytes) == 0)

struct user_id user_id_new(const struct entropy *e, int64_t now_ms); /* UUIDv7: time-ordered */
void buf_user_id(struct buf *b, struct user_id id);
struct cardea_status user_id_parse(struct view v, struct user_id *out) CARDEA_CHECKED;
void buf_session_id(struct buf *b, struct session_id id);
struct cardea_status session_id_parse(struct view v, struct session_id *out) CARDEA_CHECKED;
void buf_token_id(struct buf *b, struct token_id id);
struct cardea_status token_id_parse(struct view v, struct token_id *out) CARDEA_CHECKED;
void buf_api_key_id(struct buf *b, struct api_key_id id);
struct cardea_status api_key_id_parse(struct view v, struct api_key_id *out) CARDEA_CHECKED;
void buf_key_id(struct buf *b, struct key_id id);
struct cardea_status key_id_parse(struct view v, struct key_id *out) CARDEA_CHECKED;

#endif
