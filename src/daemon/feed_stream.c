#include "daemon/feed_stream.h"

enum { ENTRIES_AT_ONCE = 16, CELLS_AT_ONCE = 4096, SSE_OVERHEAD = 16 };

enum step { STEP_UNSET = 0, STEP_ON, STEP_WAIT, STEP_END, STEP_BROKEN };

/* --- lines --- */

static bool has_room(const struct feed_stream *s)
{
    return sizeof s->out - s->out_len >= FEED_LINE_MAX + SSE_OVERHEAD;
}

/* The line in s->line, with what its transport puts around it. */
static bool emit(struct feed_stream *s)
{
    struct buf b = buf_fixed(s->out + s->out_len, sizeof s->out - s->out_len);
    if (s->ask.events)
        buf_text(&b, "data: ");
    if (!cardea_ok(feed_write(&s->line, &b)))
        return false;
    buf_text(&b, s->ask.events ? "\n\n" : "\n");
    s->out_len += b.len;
    return buf_ok(&b);
}

static bool has_scope(const struct table_api_key *k)
{
    struct view one, rest = view_of(k->scopes, k->scopes_len);
    bool more = rest.len > 0;
    while (more) {
        more = view_cut(rest, ' ', &one, &rest);
        if (view_is(one, "feed"))
            return true;
    }
    return false;
}

/* Is the key that opened it still good? */
static bool allowed(struct feed_stream *s)
{
    const struct table *t = s->feed->host.table;
    struct table_api_key key;
    return table_find_api_key(t, s->ask.key, &key) == TABLE_HIT && s->feed->host.wall_ms() < key.expires_at_ms &&
           has_scope(&key) && table_find_user(t, key.user, key.user_hint, &s->line.item.user) == TABLE_HIT &&
           s->line.item.user.status == USER_ACTIVE;
}

/* --- a passage --- */

/* Is there something to tell? Else wait for it: asked and put among those who wait in one. */
static enum step rest(struct feed_stream *s, const struct stream_host *host)
{
    struct feed *f = s->feed;
    enum step step = STEP_ON;
    int64_t now = f->host.boot_ms();
    if (s->ask.events && now >= s->ends_ms)
        return STEP_END;
    pthread_mutex_lock(&f->lock);
    bool leased = feed_grant(f, s->remote, now) > 0;
    bool news = !s->known || feed_log_head(f->log) != s->position;
    s->last = s->hurries != f->hurries;
    if (f->stopping || (s->ask.events && s->last && !news)) {
        step = STEP_END;
    } else if (now < s->tick_ms && (!news || !leased)) {
        s->waiting = true;
        s->wake_at_ms = s->tick_ms;
        s->host = *host;
        host->suspend(host->context);
        step = STEP_WAIT;
    }
    pthread_mutex_unlock(&f->lock);
    return step;
}

static enum step begin(struct feed_stream *s)
{
    struct feed *f = s->feed;
    uint32_t count;
    /* In this order: see daemon/feed.h. */
    int64_t now = f->host.boot_ms();
    pthread_mutex_lock(&f->lock);
    s->lease_ms = feed_grant(f, s->remote, now);
    s->remote->heard_ms = now;
    pthread_mutex_unlock(&f->lock);
    s->cleared = table_cleared(f->host.table);
    if (!table_valid(f->host.table, now) || !allowed(s))
        return STEP_END;
    s->held_ms = now - s->ask.received_ms;
    s->head = feed_log_head(f->log);
    s->snapshot = !s->known || !feed_log_read(f->log, s->position, NULL, 0, &count);
    s->tell_apps = s->tell_keys = s->snapshot;
    s->read_to = s->position;
    s->walk = (struct table_walk){0};
    s->app_next = 0;
    s->keys_begun = false;
    s->tick_ms = now + feed_hold_ms(f, s->ask.events);
    s->line.is = FEED_IS_BEGIN;
    s->line.begin.snapshot = s->snapshot;
    s->line.begin.after = s->snapshot ? 0 : s->position;
    s->line.begin.head = s->head;
    feed_log_id(f->log, s->line.begin.feed);
    s->passage = s->snapshot ? PASSAGE_WALK : PASSAGE_ENTRIES;
    if (s->snapshot) {
        pthread_mutex_lock(&f->lock);
        f->snapshots++;
        pthread_mutex_unlock(&f->lock);
    }
    return emit(s) ? STEP_ON : STEP_BROKEN;
}

static enum step tell_entries(struct feed_stream *s)
{
    struct feed_entry entries[ENTRIES_AT_ONCE];
    uint32_t count = 0;
    bool line;
    while (has_room(s) && s->read_to < s->head) {
        uint32_t cap = s->head - s->read_to < ENTRIES_AT_ONCE ? (uint32_t)(s->head - s->read_to) : ENTRIES_AT_ONCE;
        if (!feed_log_read(s->feed->log, s->read_to, entries, cap, &count))
            return STEP_BROKEN;
        for (uint32_t i = 0; i < count && has_room(s); i++) {
            if (!cardea_ok(feed_look(s->feed->host.table, &entries[i], &s->line, &line)) || (line && !emit(s)))
                return STEP_BROKEN;
            s->tell_apps = s->tell_apps || entries[i].kind == FEED_APPS;
            s->tell_keys = s->tell_keys || entries[i].kind == FEED_KEYS;
            s->read_to++;
        }
    }
    if (s->read_to == s->head)
        s->passage = PASSAGE_APPS;
    return STEP_ON;
}

static enum step tell_all(struct feed_stream *s)
{
    bool more = true, found;
    while (more && has_room(s)) {
        more = table_walk(s->feed->host.table, &s->walk, CELLS_AT_ONCE, &s->line.item, &found);
        if (!found)
            continue;
        s->line.is = FEED_IS_ITEM;
        if (!emit(s))
            return STEP_BROKEN;
    }
    if (!more)
        s->passage = PASSAGE_APPS;
    return STEP_ON;
}

static enum step tell_apps(struct feed_stream *s)
{
    while (s->tell_apps && s->app_next < TABLE_APPS_LIMIT && has_room(s)) {
        s->line.is = FEED_IS_APP;
        s->line.app.index = s->app_next++;
        if (table_find_app(s->feed->host.table, s->line.app.index, &s->line.app.app) && !emit(s))
            return STEP_BROKEN;
    }
    if (!s->tell_apps || s->app_next == TABLE_APPS_LIMIT)
        s->passage = PASSAGE_KEYS;
    return STEP_ON;
}

static bool begin_keys(struct feed_stream *s)
{
    const struct table *t = s->feed->host.table;
    struct key_id all[TABLE_KEYS_LIMIT];
    uint32_t count = table_list_keys(t, all, TABLE_KEYS_LIMIT);
    s->key_count = s->key_next = 0;
    for (uint32_t i = 0; i < count; i++)
        if (table_find_key(t, all[i], &s->line.key) == TABLE_HIT)
            s->kids[s->key_count++] = all[i];
    s->keys_begun = true;
    s->line.is = FEED_IS_KEYS;
    s->line.keys = s->key_count;
    return emit(s);
}

static enum step tell_keys(struct feed_stream *s)
{
    if (s->tell_keys && has_room(s) && !s->keys_begun && !begin_keys(s))
        return STEP_BROKEN;
    while (s->tell_keys && s->keys_begun && s->key_next < s->key_count && has_room(s)) {
        s->line.is = FEED_IS_KEY;
        /* Dropped since it was counted: the set is another one, and the reader comes again for it. */
        if (table_find_key(s->feed->host.table, s->kids[s->key_next++], &s->line.key) != TABLE_HIT || !emit(s))
            return STEP_BROKEN;
    }
    if (!s->tell_keys || (s->keys_begun && s->key_next == s->key_count))
        s->passage = PASSAGE_FINISH;
    return STEP_ON;
}

static enum step finish(struct feed_stream *s)
{
    if (!has_room(s))
        return STEP_ON;
    /* Emptied meanwhile: what was not met, a revocation perhaps, may have been there when the lease began. */
    if (table_cleared(s->feed->host.table) != s->cleared)
        return STEP_BROKEN;
    s->line.is = FEED_IS_END;
    s->line.end.head = s->head;
    s->line.end.lease_ms = s->lease_ms;
    s->line.end.held_ms = s->held_ms < FEED_HELD_MAX_MS ? s->held_ms : FEED_HELD_MAX_MS;
    s->line.end.incomplete = table_stats(s->feed->host.table).incomplete;
    s->position = s->head;
    s->known = true;
    s->passage = s->ask.events && !s->last ? PASSAGE_REST : PASSAGE_OVER;
    return emit(s) ? STEP_ON : STEP_BROKEN;
}

static enum step advance(struct feed_stream *s, const struct stream_host *host)
{
    enum step step;
    switch (s->passage) {
    case PASSAGE_REST:
        step = rest(s, host);
        return step == STEP_ON ? begin(s) : step;
    case PASSAGE_ENTRIES:
        return tell_entries(s);
    case PASSAGE_WALK:
        return tell_all(s);
    case PASSAGE_APPS:
        return tell_apps(s);
    case PASSAGE_KEYS:
        return tell_keys(s);
    case PASSAGE_FINISH:
        return finish(s);
    case PASSAGE_OVER:
        break;
    }
    return STEP_END;
}

/* As much of a passage as there is room for. What was made before it broke is sent. */
static enum step fill(struct feed_stream *s, const struct stream_host *host)
{
    enum step step;
    do {
        step = advance(s, host);
    } while (step == STEP_ON && s->passage != PASSAGE_REST && s->passage != PASSAGE_OVER && has_room(s));
    if (step == STEP_BROKEN)
        s->broken = true;
    return s->out_len > 0 ? STEP_ON : step;
}

enum stream_said feed_stream_read(struct stream *base, const struct stream_host *host, char *out, size_t max,
                                  size_t *ret_len)
{
    struct feed_stream *s = (struct feed_stream *)(void *)base;
    while (s->out_at == s->out_len) {
        s->out_at = s->out_len = 0;
        if (s->broken)
            return STREAM_BROKEN;
        switch (fill(s, host)) {
        case STEP_ON:
            break;
        case STEP_WAIT:
            return STREAM_WAIT;
        case STEP_END:
            return STREAM_END;
        default:
            return STREAM_BROKEN;
        }
    }
    *ret_len = s->out_len - s->out_at < max ? s->out_len - s->out_at : max;
    memcpy(out, s->out + s->out_at, *ret_len);
    s->out_at += *ret_len;
    return STREAM_BYTES;
}
