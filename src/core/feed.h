/* The feed's words: a table and its changes as lines of JSON, and back.
 *
 * A line is one object, whose member "is" says what it tells of:
 *
 *   {"is":"begin","feed":ID,"snapshot":true,"after":0,"head":7}    what comes is a whole copy, or the changes behind
 *                                                                  `after`; it brings whoever reads it to `head`
 *   {"is":"session","id":…,"user":…,"epoch":1,"kind":"cookie","remember":true,"app":0,"digest":…,"created_ms":…,
 *    "authenticated_ms":…,"expires_ms":…,"idle_ms":…,"seen_ms":…}
 *   {"is":"user","id":…,"epoch":1,"status":"active","username":…,"email":…,"name":…,"roles":…}
 *   {"is":"api_key","id":…,"user":…,"digest":…,"expires_ms":…,"scopes":…}
 *   {"is":"ended","what":"session","id":…,"until_ms":…}            session, user, api_key or token
 *   {"is":"forget","what":"session","id":…}                        not in the table, and not ended: nobody knows here
 *   {"is":"app","index":0,"name":"web","enabled":true,"live":false}
 *   {"is":"keys","count":1}                                        the whole set follows, a line each:
 *   {"is":"key","kid":…,"format":"ES256","state":"active","public":…}
 *   {"is":"end","head":7,"lease_ms":1500,"held_ms":20,"incomplete":false}
 *
 * A user's texts are as in identity headers: percent-encoded, roles between commas. Ids of users are UUIDs, everything
 * else of bytes is base64url; "ended" and "forget" name a user by base64url too. Times are Unix milliseconds.
 *
 * `end`: whoever has applied all from `begin` to here has everything up to head, and may answer from it for the rest of
 * a lease: until (when it began to ask) + held_ms + lease_ms, less what clocks may drift while it was held. The service
 * had the request for held_ms when it wrote this, and knew itself good for another lease_ms.
 *
 * Decides: the form. Every member is always there; a line with another member, or a value out of bounds, is refused.
 * Refuses to decide: how lines travel, and what a reader does with them (core/replica.h).
 *
 * Limits: a line has at most FEED_LINE_MAX bytes, without its end. Threading: pure.
 */
#ifndef CORE_FEED_H
#define CORE_FEED_H

#include "core/feed_log.h"
#include "core/table.h"

enum {
    FEED_LINE_MAX = 8192,
    FEED_LEASE_MAX_MS = 60000, /* as the configuration's `lease` */
    FEED_HELD_MAX_MS = 3600000,
    FEED_POSITION_TEXT = 22 + 1 + 20, /* ID.NUMBER */
};

enum feed_is {
    FEED_IS_UNSET = 0,
    FEED_IS_BEGIN,
    FEED_IS_ITEM,   /* item: a session, user, API key or end */
    FEED_IS_FORGET, /* forget */
    FEED_IS_APP,    /* app */
    FEED_IS_KEYS,   /* keys: as many lines of keys follow */
    FEED_IS_KEY,    /* key */
    FEED_IS_END,
};

struct feed_line {
    enum feed_is is;
    union {
        struct {
            uint8_t feed[16];
            bool snapshot;
            uint64_t after, head;
        } begin;
        struct table_item item;
        struct {
            enum change_kind put;
            uint8_t id[16];
        } forget;
        struct {
            uint16_t index;
            struct table_app app;
        } app;
        uint32_t keys;
        struct table_key key;
        struct {
            uint64_t head;
            int64_t lease_ms, held_ms;
            bool incomplete;
        } end;
    };
};

/* A line without its end, in room of FEED_LINE_MAX. fails: E_TOO_LARGE: no room. */
struct cardea_status feed_write(const struct feed_line *line, struct buf *out) CARDEA_CHECKED;
/* fails: E_CORRUPT: anything but a line that feed_write could have written. *out may be scratch then. */
struct cardea_status feed_read(struct view text, struct feed_line *out) CARDEA_CHECKED;

/* What an entry of the log means now. *ret_line: there is something to say (FEED_KEYS, FEED_APPS and marks say nothing
 * here). fails: E_BUSY: the table could not tell: nothing may be left out, so the reader has to come again. */
struct cardea_status feed_look(const struct table *t, const struct feed_entry *e, struct feed_line *out,
                               bool *ret_line) CARDEA_CHECKED;

/* "ID.NUMBER" */
void buf_feed_position(struct buf *b, const uint8_t feed[16], uint64_t position);
/* fails: E_INVALID_FIELD */
struct cardea_status feed_position_parse(struct view text, uint8_t feed[16], uint64_t *out) CARDEA_CHECKED;

#endif
