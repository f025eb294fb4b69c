#include "core/replica.h"

#include "base/text.h"

#include <stdlib.h>

struct replica {
    struct table_writer *writer;
    uint8_t name[16];
    uint8_t feed[16]; /* whose */
    uint64_t head;    /* up to here */
    bool known;       /* we have a copy at all */
    int64_t asked_ms; /* boot clock */
    bool failed;      /* the rest of this answer is passed over */

    /* The passage under way. */
    bool amid, skip, snapshot;
    uint64_t to;
    uint32_t keys_due, keys_count; /* lines of keys that must follow */
    struct table_key keys[TABLE_KEYS_LIMIT];

    size_t line_len;
    char line[sizeof "data: " - 1 + FEED_LINE_MAX];
};

struct cardea_status replica_new(struct table_writer *writer, const struct entropy *e, struct replica **out)
{
    struct replica *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CARDEA_FAIL(E_BUSY);
    r->writer = writer;
    entropy_fill(e, r->name, sizeof r->name);
    r->failed = true; /* nothing was asked */
    *out = r;
    return CARDEA_SUCCESS;
}

void replica_free(struct replica *r)
{
    free(r);
}

void replica_ask(struct replica *r, int64_t boot_ms, struct buf *target)
{
    r->asked_ms = boot_ms;
    r->failed = r->amid = false;
    r->line_len = 0;
    buf_text(target, "/v1/feed?verifier=");
    buf_base64url(target, r->name, sizeof r->name);
    if (r->known) {
        buf_text(target, "&after=");
        buf_feed_position(target, r->feed, r->head);
    }
}

uint64_t replica_position(const struct replica *r)
{
    return r->known ? r->head : 0;
}

bool replica_amid(const struct replica *r)
{
    return r->amid;
}

/* Nothing that we have is to be believed. */
static struct cardea_status fail(struct replica *r, enum cardea_code code)
{
    table_clear(r->writer);
    r->known = r->amid = false;
    r->failed = true;
    return cardea_status(code);
}

/* --- what a line does --- */

static struct cardea_status begin(struct replica *r, const struct feed_line *line)
{
    bool same = r->known && memcmp(r->feed, line->begin.feed, sizeof r->feed) == 0;
    if (r->amid)
        return fail(r, CARDEA_E_CORRUPT);
    if (!line->begin.snapshot && (!same || line->begin.after > r->head))
        return fail(r, CARDEA_E_CONFLICT);
    r->amid = true;
    r->snapshot = line->begin.snapshot;
    r->to = line->begin.head;
    r->skip = !r->snapshot && r->to < r->head;
    r->keys_due = r->keys_count = 0;
    if (r->snapshot) {
        table_clear(r->writer);
        table_forget_apps(r->writer);
        r->known = false;
        memcpy(r->feed, line->begin.feed, sizeof r->feed);
    }
    return CARDEA_SUCCESS;
}

/* What is older than what we know (E_CONFLICT) changes nothing. No room would leave out a record: a put that did not
 * fit is a miss, which asks the service; so only what the table can not say at all is a failure. */
static struct cardea_status applied(struct cardea_status s)
{
    return s.code == CARDEA_E_CONFLICT || s.code == CARDEA_E_LIMIT ? CARDEA_SUCCESS : s;
}

static struct cardea_status put_session(struct replica *r, const struct table_session *from, int64_t now_ms)
{
    struct session_record to = {
        .sid = from->sid,
        .user = from->user,
        .epoch = from->epoch,
        .kind = from->kind,
        .remember = from->remember,
        .created_at_ms = from->created_at_ms,
        .authenticated_at_ms = from->authenticated_at_ms,
        .last_seen_at_ms = from->last_seen_at_ms,
        .expires_at_ms = from->expires_at_ms,
        .idle_ms = from->idle_ms,
    };
    memcpy(to.secret_digest, from->secret_digest, sizeof to.secret_digest);
    return table_apply(r->writer, &(struct change){.kind = CHANGE_SESSION_PUT, .session = &to}, from->app, now_ms);
}

static struct cardea_status put_api_key(struct replica *r, const struct table_api_key *from, int64_t now_ms)
{
    struct api_key_record to = {.id = from->id, .user = from->user, .expires_at_ms = from->expires_at_ms};
    memcpy(to.digest, from->digest, sizeof to.digest);
    memcpy(to.scopes, from->scopes, from->scopes_len);
    return table_apply(r->writer, &(struct change){.kind = CHANGE_API_KEY_PUT, .api_key = &to}, 0, now_ms);
}

static struct cardea_status put_ended(struct replica *r, const struct table_item *item, int64_t now_ms)
{
    struct change c = {.kind = item->ended.kind, .revocation.until_ms = item->ended.until_ms};
    memcpy(c.revocation.id, item->ended.id, sizeof item->ended.id);
    return table_apply(r->writer, &c, 0, now_ms);
}

static struct cardea_status put_item(struct replica *r, const struct table_item *item, int64_t now_ms)
{
    switch (item->kind) {
    case TABLE_ITEM_SESSION:
        return applied(put_session(r, &item->session, now_ms));
    case TABLE_ITEM_USER:
        return applied(table_put_user(r->writer, &item->user));
    case TABLE_ITEM_API_KEY:
        return applied(put_api_key(r, &item->api_key, now_ms));
    case TABLE_ITEM_ENDED:
        return applied(put_ended(r, item, now_ms));
    case TABLE_ITEM_UNSET:
        break;
    }
    return CARDEA_FAIL(E_CORRUPT);
}

/* All of a set of keys has come: it is the set. */
static struct cardea_status put_keys(struct replica *r)
{
    struct cardea_status s = table_set_keys(r->writer, r->keys, r->keys_count);
    return s;
}

static struct cardea_status add_key(struct replica *r, const struct table_key *key)
{
    if (r->keys_count == r->keys_due)
        return CARDEA_FAIL(E_CORRUPT);
    r->keys[r->keys_count++] = *key;
    return r->keys_count == r->keys_due ? put_keys(r) : CARDEA_SUCCESS;
}

static void end(struct replica *r, const struct feed_line *line)
{
    int64_t held = line->end.held_ms;
    r->amid = false;
    if (r->skip)
        return;
    r->head = r->to;
    r->known = true;
    table_source_incomplete(r->writer, line->end.incomplete);
    /* Both numbers are bounded: no overflow for any clock. */
    table_set_valid_until(r->writer, r->asked_ms + held - held / REPLICA_DRIFT_PARTS - 1 + line->end.lease_ms);
}

static struct cardea_status apply(struct replica *r, const struct feed_line *line, int64_t now_ms)
{
    if (r->skip)
        return CARDEA_SUCCESS;
    switch (line->is) {
    case FEED_IS_ITEM:
        return put_item(r, &line->item, now_ms);
    case FEED_IS_FORGET:
        table_forget(r->writer, line->forget.put, line->forget.id);
        return CARDEA_SUCCESS;
    case FEED_IS_APP:
        return table_set_app(r->writer, line->app.index, &line->app.app);
    case FEED_IS_KEYS:
        r->keys_due = line->keys;
        r->keys_count = 0;
        return r->keys_due == 0 ? put_keys(r) : CARDEA_SUCCESS;
    case FEED_IS_KEY:
        return add_key(r, &line->key);
    default:
        return CARDEA_FAIL(E_CORRUPT);
    }
}

static struct cardea_status take_line(struct replica *r, struct view text, int64_t now_ms)
{
    struct feed_line line;
    if (!cardea_ok(feed_read(text, &line)))
        return fail(r, CARDEA_E_CORRUPT);
    if (line.is == FEED_IS_BEGIN)
        return begin(r, &line);
    if (!r->amid || (r->keys_count < r->keys_due && line.is != FEED_IS_KEY && !r->skip))
        return fail(r, CARDEA_E_CORRUPT);
    if (line.is == FEED_IS_END) {
        if (line.end.head != r->to)
            return fail(r, CARDEA_E_CORRUPT);
        end(r, &line);
        (void)table_sweep(r->writer, now_ms, REPLICA_SWEEP_CELLS);
        return CARDEA_SUCCESS;
    }
    struct cardea_status s = apply(r, &line, now_ms);
    return cardea_ok(s) ? s : fail(r, s.code);
}

/* --- bytes --- */

/* A line of an event stream has its name in front; empty ones, comments and other fields say nothing. */
static bool event_line(struct view *text)
{
    if (text->len > 0 && text->ptr[text->len - 1] == '\r')
        text->len--;
    if (text->len == 0 || text->ptr[0] == ':')
        return false;
    if (view_starts(*text, VIEW("data:"))) {
        *text = view_skip(*text, text->len > 5 && text->ptr[5] == ' ' ? 6 : 5);
        return text->len > 0;
    }
    return !view_starts(*text, VIEW("id:")) && !view_starts(*text, VIEW("event:")) &&
           !view_starts(*text, VIEW("retry:"));
}

struct cardea_status replica_take(struct replica *r, struct view bytes, int64_t now_ms)
{
    while (bytes.len > 0 && !r->failed) {
        const char *end_of_line = memchr(bytes.ptr, '\n', bytes.len);
        size_t len = end_of_line == NULL ? bytes.len : (size_t)(end_of_line - bytes.ptr);
        if (len > sizeof r->line - r->line_len)
            return fail(r, CARDEA_E_CORRUPT);
        memcpy(r->line + r->line_len, bytes.ptr, len);
        r->line_len += len;
        if (end_of_line == NULL)
            return CARDEA_SUCCESS;
        bytes = view_skip(bytes, len + 1);
        struct view text = view_of(r->line, r->line_len);
        r->line_len = 0;
        struct cardea_status s = event_line(&text) ? take_line(r, text, now_ms) : CARDEA_SUCCESS;
        if (!cardea_ok(s))
            return s;
    }
    return CARDEA_SUCCESS;
}
