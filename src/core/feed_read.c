/* The feed's lines, read: everything that comes is a stranger's until it has been looked at. Contract in core/feed.h.
 */
#include "base/json.h"
#include "base/text.h"
#include "core/feed.h"
#include "core/feed_words.h"

enum { TOKENS = 40, MEMBERS_MAX = 13 };

#define CORRUPT CARDEA_FAIL(E_CORRUPT)
#define VIEW_OF(literal)                                                                                               \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }

/* One line's members, in order of the names asked for. */
struct members {
    struct json doc;
    uint32_t at[MEMBERS_MAX];
};

/* Exactly these, beside "is". */
static bool pick(struct members *m, const struct view *names, uint32_t count)
{
    json_pick(&m->doc, 0, names, count, m->at);
    for (uint32_t i = 0; i < count; i++)
        if (m->at[i] == 0)
            return false;
    return m->doc.tokens[0].count == count + 1;
}

static bool get_bytes(const struct members *m, uint32_t i, void *out, size_t len)
{
    struct view text;
    return cardea_ok(json_plain(&m->doc, m->at[i], &text)) && cardea_ok(base64url_decode_exact(text, out, len));
}

static bool get_user(const struct members *m, uint32_t i, struct user_id *out)
{
    struct view text;
    return cardea_ok(json_plain(&m->doc, m->at[i], &text)) && cardea_ok(user_id_parse(text, out));
}

static bool get_int(const struct members *m, uint32_t i, int64_t min, int64_t max, int64_t *out)
{
    return cardea_ok(json_int(&m->doc, m->at[i], out)) && *out >= min && *out <= max;
}

static bool get_time(const struct members *m, uint32_t i, int64_t *out)
{
    return get_int(m, i, 0, FEED_TIME_MAX, out);
}

static bool get_bool(const struct members *m, uint32_t i, bool *out)
{
    return cardea_ok(json_bool(&m->doc, m->at[i], out));
}

static bool get_word(const struct members *m, uint32_t i, const char *const *words, unsigned count, unsigned *out)
{
    struct view text;
    if (!cardea_ok(json_plain(&m->doc, m->at[i], &text)))
        return false;
    for (*out = 1; *out < count; (*out)++)
        if (view_is(text, words[*out]))
            return true;
    return false;
}

/* Append a text of the table's: printable ASCII, which is what percent-encoding leaves. */
static bool get_text(const struct members *m, uint32_t i, struct buf *out, size_t max, uint16_t *ret_len)
{
    size_t from = out->len;
    if (!cardea_ok(json_text(&m->doc, m->at[i], out)) || out->len - from > max)
        return false;
    for (size_t at = from; at < out->len; at++)
        if (out->ptr[at] < ' ' || out->ptr[at] > '~')
            return false;
    *ret_len = (uint16_t)(out->len - from);
    return true;
}

/* --- a line each --- */

static bool read_begin(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("feed"), VIEW_OF("snapshot"), VIEW_OF("after"), VIEW_OF("head")};
    int64_t after, head;
    if (!pick(m, names, 4) || !get_bytes(m, 0, out->begin.feed, sizeof out->begin.feed) ||
        !get_bool(m, 1, &out->begin.snapshot) || !get_time(m, 2, &after) || !get_time(m, 3, &head) || after > head)
        return false;
    out->begin.after = (uint64_t)after;
    out->begin.head = (uint64_t)head;
    return true;
}

static bool read_session(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("id"),         VIEW_OF("user"),       VIEW_OF("epoch"),
                                        VIEW_OF("kind"),       VIEW_OF("remember"),   VIEW_OF("app"),
                                        VIEW_OF("digest"),     VIEW_OF("created_ms"), VIEW_OF("authenticated_ms"),
                                        VIEW_OF("expires_ms"), VIEW_OF("idle_ms"),    VIEW_OF("seen_ms")};
    struct table_session *s = &out->item.session;
    unsigned kind;
    int64_t app;
    *s = (struct table_session){0};
    if (!pick(m, names, 12) || !get_bytes(m, 0, s->sid.bytes, sizeof s->sid.bytes) || !get_user(m, 1, &s->user) ||
        !get_int(m, 2, 1, FEED_TIME_MAX, &s->epoch) || !get_word(m, 3, feed_session_kinds, SESSION_SEALED + 1, &kind) ||
        !get_bool(m, 4, &s->remember) || !get_int(m, 5, 0, TABLE_APPS_LIMIT - 1, &app) ||
        !get_bytes(m, 6, s->secret_digest, sizeof s->secret_digest) || !get_time(m, 7, &s->created_at_ms) ||
        !get_time(m, 8, &s->authenticated_at_ms) || !get_time(m, 9, &s->expires_at_ms) ||
        !get_int(m, 10, 0, 0xffffffffff, &s->idle_ms) || !get_time(m, 11, &s->last_seen_at_ms))
        return false;
    s->kind = (enum session_kind)kind;
    s->app = (uint16_t)app;
    out->item.kind = TABLE_ITEM_SESSION;
    return true;
}

static bool read_user(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("id"),    VIEW_OF("epoch"), VIEW_OF("status"), VIEW_OF("username"),
                                        VIEW_OF("email"), VIEW_OF("name"),  VIEW_OF("roles")};
    static const char *const statuses[] = {"", "active", "suspended"};
    struct table_user *u = &out->item.user;
    struct buf text = buf_fixed(u->text, sizeof u->text);
    unsigned status;
    if (!pick(m, names, 7) || !get_user(m, 0, &u->id) || !get_int(m, 1, 1, FEED_TIME_MAX, &u->epoch) ||
        !get_word(m, 2, statuses, 3, &status) || !get_text(m, 3, &text, 3 * USERNAME_MAX, &u->username_len) ||
        !get_text(m, 4, &text, 3 * EMAIL_MAX, &u->email_len) ||
        !get_text(m, 5, &text, 3 * NAME_MAX_BYTES, &u->name_len) ||
        !get_text(m, 6, &text, 3 * ROLES_MAX_BYTES, &u->roles_len) || u->username_len == 0)
        return false;
    u->status = status == 1 ? USER_ACTIVE : USER_SUSPENDED;
    out->item.kind = TABLE_ITEM_USER;
    return true;
}

static bool read_api_key(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("id"), VIEW_OF("user"), VIEW_OF("digest"), VIEW_OF("expires_ms"),
                                        VIEW_OF("scopes")};
    struct table_api_key *k = &out->item.api_key;
    struct buf text = buf_fixed(k->scopes, sizeof k->scopes);
    k->user_hint = 0;
    if (!pick(m, names, 5) || !get_bytes(m, 0, k->id.bytes, sizeof k->id.bytes) || !get_user(m, 1, &k->user) ||
        !get_bytes(m, 2, k->digest, sizeof k->digest) || !get_time(m, 3, &k->expires_at_ms) ||
        !get_text(m, 4, &text, SCOPES_MAX_BYTES, &k->scopes_len))
        return false;
    out->item.kind = TABLE_ITEM_API_KEY;
    return true;
}

static const char *const whats[] = {"", "session", "user", "api_key", "token"};

static bool read_ended(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("what"), VIEW_OF("id"), VIEW_OF("until_ms")};
    static const enum change_kind kinds[] = {CHANGE_UNSET, CHANGE_SESSION_END, CHANGE_USER_END, CHANGE_API_KEY_END,
                                             CHANGE_TOKEN_END};
    unsigned what;
    if (!pick(m, names, 3) || !get_word(m, 0, whats, 5, &what) ||
        !get_bytes(m, 1, out->item.ended.id, sizeof out->item.ended.id) || !get_time(m, 2, &out->item.ended.until_ms))
        return false;
    out->item.kind = TABLE_ITEM_ENDED;
    out->item.ended.kind = kinds[what];
    return true;
}

static bool read_forget(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("what"), VIEW_OF("id")};
    static const enum change_kind kinds[] = {CHANGE_UNSET, CHANGE_SESSION_PUT, CHANGE_USER_PUT, CHANGE_API_KEY_PUT};
    unsigned what;
    if (!pick(m, names, 2) || !get_word(m, 0, whats, 4, &what) ||
        !get_bytes(m, 1, out->forget.id, sizeof out->forget.id))
        return false;
    out->forget.put = kinds[what];
    return true;
}

static bool read_app(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("index"), VIEW_OF("name"), VIEW_OF("enabled"), VIEW_OF("live")};
    struct buf name = buf_fixed(out->app.app.name, sizeof out->app.app.name - 1);
    int64_t index;
    uint16_t len;
    memset(out->app.app.name, 0, sizeof out->app.app.name);
    if (!pick(m, names, 4) || !get_int(m, 0, 0, TABLE_APPS_LIMIT - 1, &index) ||
        !get_text(m, 1, &name, APP_NAME_MAX, &len) || len == 0 || !get_bool(m, 2, &out->app.app.enabled) ||
        !get_bool(m, 3, &out->app.app.live))
        return false;
    out->app.index = (uint16_t)index;
    return true;
}

static bool read_keys(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("count")};
    int64_t count;
    if (!pick(m, names, 1) || !get_int(m, 0, 0, TABLE_KEYS_LIMIT, &count))
        return false;
    out->keys = (uint32_t)count;
    return true;
}

static bool read_key(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("kid"), VIEW_OF("format"), VIEW_OF("state"), VIEW_OF("public")};
    struct table_key *k = &out->key;
    struct view format, bytes;
    unsigned state;
    size_t len;
    *k = (struct table_key){0};
    if (!pick(m, names, 4) || !get_bytes(m, 0, k->kid.bytes, sizeof k->kid.bytes) ||
        !cardea_ok(json_plain(&m->doc, m->at[1], &format)) ||
        !get_word(m, 2, feed_key_states, KEY_RETIRING + 1, &state) ||
        !cardea_ok(json_plain(&m->doc, m->at[3], &bytes)) ||
        !cardea_ok(base64url_decode(bytes, k->public_bytes, sizeof k->public_bytes, &len)) || len == 0)
        return false;
    enum token_format f = token_format_parse(format);
    if (f == TOKEN_FORMAT_UNSET || token_format_symmetric(f))
        return false;
    k->algorithm = (uint8_t)f;
    k->state = (uint8_t)state;
    k->public_len = (uint16_t)len;
    return true;
}

static bool read_end(struct members *m, struct feed_line *out)
{
    static const struct view names[] = {VIEW_OF("head"), VIEW_OF("lease_ms"), VIEW_OF("held_ms"),
                                        VIEW_OF("incomplete")};
    int64_t head;
    if (!pick(m, names, 4) || !get_time(m, 0, &head) || !get_int(m, 1, 0, FEED_LEASE_MAX_MS, &out->end.lease_ms) ||
        !get_int(m, 2, 0, FEED_HELD_MAX_MS, &out->end.held_ms) || !get_bool(m, 3, &out->end.incomplete))
        return false;
    out->end.head = (uint64_t)head;
    return true;
}

static const struct {
    const char *is;
    enum feed_is kind;
    bool (*read)(struct members *m, struct feed_line *out);
} lines[] = {
    {"begin", FEED_IS_BEGIN, read_begin}, {"session", FEED_IS_ITEM, read_session},
    {"user", FEED_IS_ITEM, read_user},    {"api_key", FEED_IS_ITEM, read_api_key},
    {"ended", FEED_IS_ITEM, read_ended},  {"forget", FEED_IS_FORGET, read_forget},
    {"app", FEED_IS_APP, read_app},       {"keys", FEED_IS_KEYS, read_keys},
    {"key", FEED_IS_KEY, read_key},       {"end", FEED_IS_END, read_end},
};

struct cardea_status feed_read(struct view text, struct feed_line *out)
{
    struct json_token tokens[TOKENS];
    struct members m;
    struct view is;
    if (text.len > FEED_LINE_MAX || !cardea_ok(json_read(text, tokens, TOKENS, &m.doc, NULL)) ||
        json_type(&m.doc, 0) != JSON_OBJECT || !cardea_ok(json_plain(&m.doc, json_get(&m.doc, 0, VIEW("is")), &is)))
        return CORRUPT;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (view_is(is, lines[i].is)) {
            out->is = lines[i].kind;
            return lines[i].read(&m, out) ? CARDEA_SUCCESS : CORRUPT;
        }
    return CORRUPT;
}

struct cardea_status feed_position_parse(struct view text, uint8_t feed[16], uint64_t *out)
{
    struct view id, number;
    uint8_t bytes[16];
    if (text.len > FEED_POSITION_TEXT || !view_cut(text, '.', &id, &number) ||
        !cardea_ok(base64url_decode_exact(id, bytes, sizeof bytes)) || !cardea_ok(parse_u64(number, out)))
        return CARDEA_FAIL(E_INVALID_FIELD);
    memcpy(feed, bytes, sizeof bytes);
    return CARDEA_SUCCESS;
}
