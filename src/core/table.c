/* The verification table's readers. The protocol is argued in core/table.h, sections 2 and 3. */
#include "core/table_layout.h"

/* What a reader made of one cell. */
enum peek {
    PEEK_TORN,     /* it was being changed, or is damaged: search again */
    PEEK_STRANGER, /* whole, but somebody else's */
    PEEK_FOUND,    /* ours; its words are copied */
};

/* The cell that an entry points to; NULL when no such cell can be. */
static const table_word *cell_at(const struct table *t, uint32_t kind, uint32_t cell)
{
    if (kind == SPACE_SESSION)
        return cell < t->sessions_max ? t->sessions + (size_t)cell * SESSION_WORDS : NULL;
    return cell != 0 && cell < t->units_max ? t->others + (size_t)cell * UNIT_WORDS : NULL;
}

/* How many words of a cell are in use, as far as head, region and the caller's room agree; 0 when they do not. */
static uint32_t words_used(const struct table *t, uint32_t kind, uint32_t cell, uint64_t head, uint32_t room)
{
    uint32_t words = head_words(head), units = head_units(head);
    bool sound = head_kind(head) == kind && words >= ENDED_WORDS && words <= room && words <= units * UNIT_WORDS &&
                 (kind == SPACE_SESSION ? words == SESSION_WORDS : units <= t->units_max - cell);
    return sound ? words : 0;
}

/* Copy the cell if it is whole and bears the name. words[0] becomes its sequence, whatever the answer. */
static enum peek cell_peek(const struct table *t, uint32_t kind, uint32_t cell, const struct table_name *name,
                           uint64_t *words, uint32_t room)
{
    const table_word *c = cell_at(t, kind, cell);
    if (c == NULL)
        return PEEK_TORN;
    if (kind == SPACE_SESSION) {
        word_prefetch(c + UNIT_WORDS);
        if (t->seen != NULL)
            word_prefetch(&t->seen[cell]);
    }

    words[CELL_SEQUENCE] = word_load(&c[CELL_SEQUENCE]);
    if ((words[CELL_SEQUENCE] & 1) != 0 || words[CELL_SEQUENCE] == 0)
        return PEEK_TORN;
    words[CELL_HEAD] = word_load(&c[CELL_HEAD]);
    uint32_t used = words_used(t, kind, cell, words[CELL_HEAD], room);
    /* A head that makes no sense is a cell in its next life, or a damaged one. */
    if (used == 0 || used < CELL_ID + name->id_words)
        return PEEK_TORN;
    for (uint32_t i = CELL_ID; i < CELL_ID + name->id_words; i++)
        words[i] = word_load(&c[i]);
    if (!name_is(name, words + CELL_ID))
        return PEEK_STRANGER;
    for (uint32_t i = CELL_ID + name->id_words; i < used; i++)
        words[i] = word_load(&c[i]);
    return word_load(&c[CELL_SEQUENCE]) == words[CELL_SEQUENCE] ? PEEK_FOUND : PEEK_TORN;
}

/* One walk along the index. TABLE_UNSET: it met the writer; walk again. */
static enum table_answer search(const struct table *t, const struct table_name *name, uint64_t *words, uint32_t room,
                                uint32_t *ret_cell)
{
    uint64_t root = word_load(&t->header->root);
    uint32_t level = root_level(root);
    if (level < LEVEL_MIN || level > t->level_max)
        return TABLE_UNKNOWN;
    const table_word *part = t->index + part_offset(level, root_side(root));
    uint32_t mask = ((uint32_t)1 << level) - 1, home = name->tag >> (TAG_BITS - level);

    for (uint32_t i = 0; i <= mask; i++) {
        const table_word *place = &part[(home + i) & mask];
        uint64_t entry = word_load(place);
        if (entry == 0)
            break;
        if (entry_tag(entry) != name->tag || entry_space(entry) != name->space)
            continue;
        uint32_t kind = entry_kind(entry), cell = entry_cell(entry);
        switch (cell_peek(t, kind, cell, name, words, room)) {
        case PEEK_FOUND:
            *ret_cell = cell;
            return (kind & KIND_ENDED) != 0 ? TABLE_REVOKED : TABLE_HIT;
        case PEEK_STRANGER:
            /* Has the cell been reused since we read the entry, or is it truly a stranger's? */
            if (word_load(place) != entry || word_load(&cell_at(t, kind, cell)[CELL_SEQUENCE]) != words[CELL_SEQUENCE])
                return TABLE_UNSET;
            break;
        case PEEK_TORN:
            return TABLE_UNSET;
        }
    }
    if (word_load(&t->header->root) != root)
        return TABLE_UNSET;
    return word_load(&t->header->incomplete) != 0 ? TABLE_UNKNOWN : TABLE_MISS;
}

static enum table_answer find(const struct table *t, const struct table_name *name, uint64_t *words, uint32_t room,
                              uint32_t *ret_cell)
{
    for (int i = 0; i < TABLE_RETRIES; i++) {
        enum table_answer a = search(t, name, words, room, ret_cell);
        if (a != TABLE_UNSET)
            return a;
    }
    return TABLE_UNKNOWN;
}

void table_prefetch_session(const struct table *t, struct session_id sid)
{
    struct table_name name = table_name(t->seed, SPACE_SESSION, sid.bytes, sizeof sid.bytes);
    uint64_t root = word_load(&t->header->root);
    uint32_t level = root_level(root);
    if (level >= LEVEL_MIN && level <= t->level_max)
        word_prefetch(&t->index[part_offset(level, root_side(root)) + (name.tag >> (TAG_BITS - level))]);
}

/* The seen map's time for this life of the cell; 0 when it has none. */
static int64_t seen_ms(const struct table *t, uint32_t cell, uint32_t generation)
{
    if (t->seen == NULL)
        return 0;
    uint64_t seen = atomic_load_explicit(&t->seen[cell], memory_order_relaxed);
    return seen_generation(seen) == generation ? (int64_t)seen_seconds(seen) * 1000 : 0;
}

static inline void session_from(const struct table *t, const uint64_t *words, uint32_t cell, struct table_session *out)
{
    uint64_t flags = words[SESSION_FLAGS];
    memcpy(out->sid.bytes, &words[CELL_ID], sizeof out->sid.bytes);
    memcpy(out->user.bytes, &words[SESSION_USER], sizeof out->user.bytes);
    out->epoch = (int64_t)words[SESSION_EPOCH];
    out->created_at_ms = (int64_t)words[SESSION_CREATED];
    out->authenticated_at_ms = (int64_t)words[SESSION_AUTHENTICATED];
    out->expires_at_ms = (int64_t)words[SESSION_EXPIRES];
    out->idle_ms = (int64_t)(flags & 0xffffffffff);
    out->app = flags >> 40 & 0xffff;
    out->kind = (enum session_kind)(flags >> 56 & 0x7f);
    out->remember = flags >> 63;
    memcpy(out->secret_digest, &words[SESSION_DIGEST], sizeof out->secret_digest);
    out->user_hint = head_extra(words[CELL_HEAD]);
    out->cell = cell;
    out->generation = generation_of(words[CELL_SEQUENCE]);
    int64_t record = (int64_t)words[SESSION_SEEN], seen = seen_ms(t, cell, out->generation);
    out->last_seen_at_ms = seen > record ? seen : record;
}

enum table_answer table_find_session(const struct table *t, struct session_id sid, struct table_session *out)
{
    struct table_name name = table_name(t->seed, SPACE_SESSION, sid.bytes, sizeof sid.bytes);
    uint64_t words[SESSION_WORDS];
    uint32_t cell;
    enum table_answer answer = find(t, &name, words, SESSION_WORDS, &cell);
    if (answer != TABLE_HIT)
        return answer;

    /* The caller will want the user next. */
    uint32_t hint = head_extra(words[CELL_HEAD]);
    if (hint != 0 && hint < t->units_max) {
        const table_word *user = t->others + (size_t)hint * UNIT_WORDS;
        word_prefetch(user);
        word_prefetch(user + UNIT_WORDS);
    }
    session_from(t, words, cell, out);
    return TABLE_HIT;
}

void table_session_seen(const struct table *t, const struct table_session *s, int64_t now_ms)
{
    if (t->seen == NULL || s->cell >= t->sessions_max)
        return;
    table_word *place = &t->seen[s->cell];
    uint32_t now_s = seconds_of(now_ms);
    uint64_t seen = atomic_load_explicit(place, memory_order_relaxed);
    /* Another generation: the cell has a new life, which is not ours to touch. */
    while (seen_generation(seen) == s->generation && seen_seconds(seen) < now_s)
        if (atomic_compare_exchange_weak_explicit(place, &seen, seen_make(s->generation, true, now_s),
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
}

static bool user_from(const uint64_t *words, struct user_id id, struct table_user *out)
{
    uint64_t lengths = words[USER_LENGTHS];
    uint32_t username_len = lengths & 0xffff, email_len = lengths >> 16 & 0xffff, name_len = lengths >> 32 & 0xffff,
             roles_len = (uint32_t)(lengths >> 48), total = username_len + email_len + name_len + roles_len;
    if (total > TABLE_USER_TEXT_MAX || total > (head_words(words[CELL_HEAD]) - USER_TEXT) * 8)
        return false;
    out->id = id;
    out->epoch = (int64_t)words[USER_EPOCH];
    out->status = (enum user_status)head_extra(words[CELL_HEAD]);
    out->username_len = (uint16_t)username_len;
    out->email_len = (uint16_t)email_len;
    out->name_len = (uint16_t)name_len;
    out->roles_len = (uint16_t)roles_len;
    memcpy(out->text, &words[USER_TEXT], total);
    return true;
}

enum table_answer table_find_user(const struct table *t, struct user_id id, uint32_t hint, struct table_user *out)
{
    struct table_name name = table_name(t->seed, SPACE_USER, id.bytes, sizeof id.bytes);
    uint64_t words[OTHER_WORDS_MAX];
    uint32_t cell;
    /* A whole user's cell with this id is this user's record: the one before is freed before table_apply returns. */
    if (hint == 0 || cell_peek(t, SPACE_USER, hint, &name, words, OTHER_WORDS_MAX) != PEEK_FOUND) {
        enum table_answer answer = find(t, &name, words, OTHER_WORDS_MAX, &cell);
        if (answer != TABLE_HIT)
            return answer;
    }
    return head_words(words[CELL_HEAD]) >= USER_TEXT && user_from(words, id, out) ? TABLE_HIT : TABLE_UNKNOWN;
}

static bool api_key_from(const uint64_t *words, struct table_api_key *out)
{
    uint32_t used = head_words(words[CELL_HEAD]);
    if (used < API_KEY_SCOPES || words[API_KEY_SCOPES_LEN] > (used - API_KEY_SCOPES) * 8 ||
        words[API_KEY_SCOPES_LEN] > sizeof out->scopes)
        return false;
    memcpy(out->id.bytes, &words[CELL_ID], sizeof out->id.bytes);
    memcpy(out->user.bytes, &words[API_KEY_USER], sizeof out->user.bytes);
    memcpy(out->digest, &words[API_KEY_DIGEST], sizeof out->digest);
    out->expires_at_ms = (int64_t)words[API_KEY_EXPIRES];
    out->user_hint = head_extra(words[CELL_HEAD]);
    out->scopes_len = (uint16_t)words[API_KEY_SCOPES_LEN];
    memcpy(out->scopes, &words[API_KEY_SCOPES], out->scopes_len);
    return true;
}

enum table_answer table_find_api_key(const struct table *t, struct api_key_id id, struct table_api_key *out)
{
    struct table_name name = table_name(t->seed, SPACE_API_KEY, id.bytes, sizeof id.bytes);
    uint64_t words[API_KEY_SCOPES + SCOPES_MAX_BYTES / 8];
    uint32_t cell;
    enum table_answer answer = find(t, &name, words, API_KEY_SCOPES + SCOPES_MAX_BYTES / 8, &cell);
    if (answer != TABLE_HIT)
        return answer;
    return api_key_from(words, out) ? TABLE_HIT : TABLE_UNKNOWN;
}

enum table_answer table_find_key(const struct table *t, struct key_id kid, struct table_key *out)
{
    struct table_name name = table_name(t->seed, SPACE_KEY, kid.bytes, sizeof kid.bytes);
    uint64_t words[KEY_BYTES + (TABLE_PUBLIC_MAX + 7) / 8];
    uint32_t cell;
    enum table_answer answer = find(t, &name, words, KEY_BYTES + (TABLE_PUBLIC_MAX + 7) / 8, &cell);
    if (answer != TABLE_HIT)
        return answer;

    uint32_t used = head_words(words[CELL_HEAD]), extra = head_extra(words[CELL_HEAD]), len = extra >> 16;
    if (used < KEY_BYTES || len > TABLE_PUBLIC_MAX || len > (used - KEY_BYTES) * 8)
        return TABLE_UNKNOWN;
    out->kid = kid;
    out->generation = words[KEY_GENERATION];
    out->algorithm = extra & 0xff;
    out->state = extra >> 8 & 0xff;
    out->public_len = (uint16_t)len;
    memcpy(out->public_bytes, &words[KEY_BYTES], len);
    return TABLE_HIT;
}

enum table_answer table_find_token(const struct table *t, struct token_id jti)
{
    struct table_name name = table_name(t->seed, SPACE_TOKEN, jti.bytes, sizeof jti.bytes);
    uint64_t words[UNIT_WORDS];
    uint32_t cell;
    enum table_answer answer = find(t, &name, words, UNIT_WORDS, &cell);
    /* A token that is alive is not kept: such an entry is damage. */
    return answer == TABLE_HIT ? TABLE_UNKNOWN : answer;
}

bool table_find_ended(const struct table *t, enum change_kind kind, const uint8_t id[16], int64_t *ret_until_ms)
{
    struct table_name name = table_name(t->seed, ended_space(kind), id, 16);
    uint64_t words[OTHER_WORDS_MAX];
    words[ENDED_UNTIL] = 0; /* every ended cell has it */
    uint32_t cell;
    if (name.space == SPACE_UNSET || find(t, &name, words, OTHER_WORDS_MAX, &cell) != TABLE_REVOKED)
        return false;
    *ret_until_ms = (int64_t)words[ENDED_UNTIL];
    return true;
}

/* --- the walk --- */

/* Copy a cell of any id if it is whole throughout. One that is being changed will be told of by its change. */
static bool cell_copy(const table_word *c, uint32_t units_left, uint64_t *words, uint32_t room, uint32_t *ret_units)
{
    words[CELL_SEQUENCE] = word_load(&c[CELL_SEQUENCE]);
    words[CELL_HEAD] = word_load(&c[CELL_HEAD]);
    uint32_t used = head_words(words[CELL_HEAD]);
    *ret_units = head_units(words[CELL_HEAD]);
    if ((words[CELL_SEQUENCE] & 1) != 0 || words[CELL_SEQUENCE] == 0 || used > room || *ret_units > units_left ||
        used > *ret_units * UNIT_WORDS || used < ENDED_WORDS)
        return false;
    for (uint32_t i = CELL_ID; i < used; i++)
        words[i] = word_load(&c[i]);
    return word_load(&c[CELL_SEQUENCE]) == words[CELL_SEQUENCE];
}

static bool item_from(const uint64_t *words, struct table_item *out)
{
    uint32_t kind = head_kind(words[CELL_HEAD]);
    struct user_id user;
    switch (kind) {
    case SPACE_USER:
        out->kind = TABLE_ITEM_USER;
        memcpy(user.bytes, &words[CELL_ID], sizeof user.bytes);
        return head_words(words[CELL_HEAD]) >= USER_TEXT && user_from(words, user, &out->user);
    case SPACE_API_KEY:
        out->kind = TABLE_ITEM_API_KEY;
        return api_key_from(words, &out->api_key);
    case SPACE_SESSION | KIND_ENDED:
    case SPACE_USER | KIND_ENDED:
    case SPACE_API_KEY | KIND_ENDED:
    case SPACE_TOKEN | KIND_ENDED:
        out->kind = TABLE_ITEM_ENDED;
        out->ended.kind = kind == (SPACE_SESSION | KIND_ENDED)   ? CHANGE_SESSION_END
                          : kind == (SPACE_USER | KIND_ENDED)    ? CHANGE_USER_END
                          : kind == (SPACE_API_KEY | KIND_ENDED) ? CHANGE_API_KEY_END
                                                                 : CHANGE_TOKEN_END;
        memcpy(out->ended.id, &words[CELL_ID], sizeof out->ended.id);
        out->ended.until_ms = (int64_t)words[ENDED_UNTIL];
        return true;
    default:
        return false;
    }
}

static bool walk_other(const struct table *t, struct table_walk *walk, struct table_item *out)
{
    uint64_t words[OTHER_WORDS_MAX];
    uint32_t units;
    const table_word *c = t->others + (size_t)walk->other * UNIT_WORDS;
    uint32_t left = walk->others_high - walk->other;
    bool whole = cell_copy(c, left, words, OTHER_WORDS_MAX, &units);
    bool fits = units != 0 && units <= left;
    walk->other = fits ? walk->other + units : walk->others_high; /* a size that no cell has: damage, walk no further */
    return fits && whole && item_from(words, out);
}

static bool walk_session(const struct table *t, struct table_walk *walk, struct table_item *out)
{
    uint64_t words[SESSION_WORDS];
    uint32_t units, cell = walk->session++;
    const table_word *c = t->sessions + (size_t)cell * SESSION_WORDS;
    if (!cell_copy(c, SESSION_WORDS / UNIT_WORDS, words, SESSION_WORDS, &units) ||
        head_words(words[CELL_HEAD]) != SESSION_WORDS)
        return false;
    out->kind = TABLE_ITEM_SESSION;
    session_from(t, words, cell, &out->session);
    return true;
}

bool table_walk(const struct table *t, struct table_walk *walk, uint32_t steps, struct table_item *out, bool *ret_found)
{
    if (!walk->begun) {
        uint64_t sessions = word_load(&t->header->sessions_high), others = word_load(&t->header->others_high);
        *walk = (struct table_walk){.begun = true, .other = 1};
        walk->sessions_high = sessions < t->sessions_max ? (uint32_t)sessions : t->sessions_max;
        walk->others_high = others < t->units_max ? (uint32_t)others : t->units_max;
    }
    *ret_found = false;
    for (; steps > 0 && !*ret_found; steps--) {
        if (walk->other < walk->others_high)
            *ret_found = walk_other(t, walk, out);
        else if (walk->session < walk->sessions_high)
            *ret_found = walk_session(t, walk, out);
        else
            return false;
    }
    return true;
}

bool table_valid(const struct table *t, int64_t boot_ms)
{
    return boot_ms < (int64_t)word_load(&t->header->valid_until);
}

int64_t table_valid_until(const struct table *t)
{
    return (int64_t)word_load(&t->header->valid_until);
}

bool table_closed(const struct table *t)
{
    return (int64_t)word_load(&t->header->valid_until) == INT64_MIN;
}

uint64_t table_keys_generation(const struct table *t)
{
    return word_load(&t->header->keys_generation);
}

struct table_stats table_stats(const struct table *t)
{
    const struct table_header *h = t->header;
    uint32_t level = root_level(word_load(&h->root));
    return (struct table_stats){
        .sessions = word_load(&h->sessions),
        .users = word_load(&h->users),
        .api_keys = word_load(&h->api_keys),
        .revocations = word_load(&h->revocations),
        .keys = word_load(&h->keys),
        .index_entries = word_load(&h->index_entries),
        .index_capacity = level <= t->level_max ? (uint64_t)1 << level : 0,
        .bytes_touched = word_load(&h->bytes_touched),
        .incomplete = word_load(&h->incomplete) != 0,
    };
}
