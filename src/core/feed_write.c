/* The feed's lines, written. Contract in core/feed.h. */
#include "base/json.h"
#include "base/text.h"
#include "core/feed.h"
#include "core/feed_words.h"

static void member_bytes(struct json_writer *w, const char *name, const void *bytes, size_t len)
{
    char text[BASE64URL_LEN(TABLE_PUBLIC_MAX)];
    base64url_encode(bytes, len, text);
    json_member_text(w, name, view_of(text, BASE64URL_LEN(len)));
}

static void member_user(struct json_writer *w, const char *name, struct user_id id)
{
    char text[USER_ID_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    buf_user_id(&b, id);
    json_member_text(w, name, buf_view(&b));
}

static void write_session(struct json_writer *w, const struct table_session *s)
{
    json_member_text(w, "is", VIEW("session"));
    member_bytes(w, "id", s->sid.bytes, sizeof s->sid.bytes);
    member_user(w, "user", s->user);
    json_member_int(w, "epoch", s->epoch);
    json_member_text(w, "kind", view_text(feed_session_kinds[s->kind <= SESSION_SEALED ? s->kind : 0]));
    json_member_bool(w, "remember", s->remember);
    json_member_int(w, "app", s->app);
    member_bytes(w, "digest", s->secret_digest, sizeof s->secret_digest);
    json_member_int(w, "created_ms", s->created_at_ms);
    json_member_int(w, "authenticated_ms", s->authenticated_at_ms);
    json_member_int(w, "expires_ms", s->expires_at_ms);
    json_member_int(w, "idle_ms", s->idle_ms);
    json_member_int(w, "seen_ms", s->last_seen_at_ms);
}

static void write_user(struct json_writer *w, const struct table_user *u)
{
    json_member_text(w, "is", VIEW("user"));
    member_user(w, "id", u->id);
    json_member_int(w, "epoch", u->epoch);
    json_member_text(w, "status", u->status == USER_ACTIVE ? VIEW("active") : VIEW("suspended"));
    json_member_text(w, "username", table_user_username(u));
    json_member_text(w, "email", table_user_email(u));
    json_member_text(w, "name", table_user_name(u));
    json_member_text(w, "roles", table_user_roles(u));
}

static void write_api_key(struct json_writer *w, const struct table_api_key *k)
{
    json_member_text(w, "is", VIEW("api_key"));
    member_bytes(w, "id", k->id.bytes, sizeof k->id.bytes);
    member_user(w, "user", k->user);
    member_bytes(w, "digest", k->digest, sizeof k->digest);
    json_member_int(w, "expires_ms", k->expires_at_ms < FEED_TIME_MAX ? k->expires_at_ms : FEED_TIME_MAX);
    json_member_text(w, "scopes", view_of(k->scopes, k->scopes_len));
}

static void write_item(struct json_writer *w, const struct table_item *item)
{
    switch (item->kind) {
    case TABLE_ITEM_SESSION:
        write_session(w, &item->session);
        break;
    case TABLE_ITEM_USER:
        write_user(w, &item->user);
        break;
    case TABLE_ITEM_API_KEY:
        write_api_key(w, &item->api_key);
        break;
    case TABLE_ITEM_ENDED:
        json_member_text(w, "is", VIEW("ended"));
        json_member_text(w, "what", view_text(feed_what_ended(item->ended.kind)));
        member_bytes(w, "id", item->ended.id, sizeof item->ended.id);
        json_member_int(w, "until_ms", item->ended.until_ms < FEED_TIME_MAX ? item->ended.until_ms : FEED_TIME_MAX);
        break;
    case TABLE_ITEM_UNSET:
        break;
    }
}

static void write_key(struct json_writer *w, const struct table_key *k)
{
    json_member_text(w, "is", VIEW("key"));
    member_bytes(w, "kid", k->kid.bytes, sizeof k->kid.bytes);
    json_member_text(w, "format", view_text(token_format_name((enum token_format)k->algorithm)));
    json_member_text(w, "state", view_text(feed_key_states[k->state <= KEY_RETIRING ? k->state : 0]));
    member_bytes(w, "public", k->public_bytes, k->public_len);
}

static void write_line(struct json_writer *w, const struct feed_line *line)
{
    switch (line->is) {
    case FEED_IS_BEGIN:
        json_member_text(w, "is", VIEW("begin"));
        member_bytes(w, "feed", line->begin.feed, sizeof line->begin.feed);
        json_member_bool(w, "snapshot", line->begin.snapshot);
        json_member_int(w, "after", (int64_t)line->begin.after);
        json_member_int(w, "head", (int64_t)line->begin.head);
        break;
    case FEED_IS_ITEM:
        write_item(w, &line->item);
        break;
    case FEED_IS_FORGET:
        json_member_text(w, "is", VIEW("forget"));
        json_member_text(w, "what", view_text(feed_what_put(line->forget.put)));
        member_bytes(w, "id", line->forget.id, sizeof line->forget.id);
        break;
    case FEED_IS_APP:
        json_member_text(w, "is", VIEW("app"));
        json_member_int(w, "index", line->app.index);
        json_member_text(w, "name", view_text(line->app.app.name));
        json_member_bool(w, "enabled", line->app.app.enabled);
        json_member_bool(w, "live", line->app.app.live);
        break;
    case FEED_IS_KEYS:
        json_member_text(w, "is", VIEW("keys"));
        json_member_int(w, "count", line->keys);
        break;
    case FEED_IS_KEY:
        write_key(w, &line->key);
        break;
    case FEED_IS_END:
        json_member_text(w, "is", VIEW("end"));
        json_member_int(w, "head", (int64_t)line->end.head);
        json_member_int(w, "lease_ms", line->end.lease_ms);
        json_member_int(w, "held_ms", line->end.held_ms);
        json_member_bool(w, "incomplete", line->end.incomplete);
        break;
    case FEED_IS_UNSET:
        break;
    }
}

struct cardea_status feed_write(const struct feed_line *line, struct buf *out)
{
    struct json_writer w = json_writer(out);
    json_open_object(&w);
    write_line(&w, line);
    json_close_object(&w);
    return buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
}

/* --- entries of the log --- */

static struct cardea_status found(enum table_answer answer, const struct table *t, enum change_kind end,
                                  enum change_kind put, const uint8_t id[16], enum table_item_kind kind,
                                  struct feed_line *out)
{
    switch (answer) {
    case TABLE_HIT:
        out->is = FEED_IS_ITEM;
        out->item.kind = kind;
        return CARDEA_SUCCESS;
    case TABLE_REVOKED:
        out->is = FEED_IS_ITEM;
        out->item.kind = TABLE_ITEM_ENDED;
        out->item.ended.kind = end;
        memcpy(out->item.ended.id, id, sizeof out->item.ended.id);
        /* Forgotten between the two looks: its time was over. */
        if (!table_find_ended(t, end, id, &out->item.ended.until_ms))
            return CARDEA_FAIL(E_BUSY);
        return CARDEA_SUCCESS;
    case TABLE_MISS:
        break;
    default:
        /* Where absence proves nothing, the reader is told that too (incomplete). */
        if (!table_stats(t).incomplete)
            return CARDEA_FAIL(E_BUSY);
    }
    out->is = FEED_IS_FORGET;
    out->forget.put = put;
    memcpy(out->forget.id, id, sizeof out->forget.id);
    return CARDEA_SUCCESS;
}

static struct cardea_status look_token(const struct table *t, const uint8_t id[16], struct feed_line *out,
                                       bool *ret_line)
{
    struct token_id jti;
    memcpy(jti.bytes, id, sizeof jti.bytes);
    switch (table_find_token(t, jti)) {
    case TABLE_REVOKED:
        *ret_line = true;
        return found(TABLE_REVOKED, t, CHANGE_TOKEN_END, CHANGE_UNSET, id, TABLE_ITEM_ENDED, out);
    case TABLE_MISS: /* its time is over */
        *ret_line = false;
        return CARDEA_SUCCESS;
    default:
        *ret_line = false;
        return table_stats(t).incomplete ? CARDEA_SUCCESS : CARDEA_FAIL(E_BUSY);
    }
}

static struct cardea_status look(const struct table *t, const struct feed_entry *e, struct feed_line *out,
                                 bool *ret_line)
{
    struct session_id sid;
    struct user_id user;
    struct api_key_id key;
    *ret_line = true;
    switch (e->kind) {
    case FEED_SESSION:
        memcpy(sid.bytes, e->id, sizeof sid.bytes);
        return found(table_find_session(t, sid, &out->item.session), t, CHANGE_SESSION_END, CHANGE_SESSION_PUT, e->id,
                     TABLE_ITEM_SESSION, out);
    case FEED_USER:
        memcpy(user.bytes, e->id, sizeof user.bytes);
        return found(table_find_user(t, user, 0, &out->item.user), t, CHANGE_USER_END, CHANGE_USER_PUT, e->id,
                     TABLE_ITEM_USER, out);
    case FEED_API_KEY:
        memcpy(key.bytes, e->id, sizeof key.bytes);
        return found(table_find_api_key(t, key, &out->item.api_key), t, CHANGE_API_KEY_END, CHANGE_API_KEY_PUT, e->id,
                     TABLE_ITEM_API_KEY, out);
    case FEED_TOKEN:
        return look_token(t, e->id, out, ret_line);
    default:
        *ret_line = false;
        return CARDEA_SUCCESS;
    }
}

struct cardea_status feed_look(const struct table *t, const struct feed_entry *e, struct feed_line *out, bool *ret_line)
{
    struct cardea_status s = CARDEA_FAIL(E_BUSY);
    for (int i = 0; i < TABLE_RETRIES && s.code == CARDEA_E_BUSY; i++)
        s = look(t, e, out, ret_line);
    return s;
}

/* --- positions --- */

void buf_feed_position(struct buf *b, const uint8_t feed[16], uint64_t position)
{
    buf_base64url(b, feed, 16);
    buf_char(b, '.');
    buf_uint(b, position);
}
