/* The verification table's writer: what each committed change does. Order matters in every function here; the reasons
 * are in core/table.h, section 2.
 */
#include <stdlib.h>

#include "core/table_writer.h"

struct cardea_status table_create(void *block, void *seen, const struct table_geometry *g, const uint8_t seed[16],
                                  const struct table_host *host, struct table_writer **out)
{
    struct table_plan plan = table_plan(g);
    if (plan.size == 0 || block == NULL || seen == NULL || (uintptr_t)block % 4096 != 0 || (uintptr_t)seen % 4096 != 0)
        return CARDEA_FAIL(E_USAGE);
    struct table_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);

    unsigned char *base = block;
    struct table_header *h = block;
    struct seen_header *s = seen;
    uint64_t seeds[2];
    memcpy(seeds, seed, sizeof seeds);
    word_put(&h->format, TABLE_FORMAT);
    word_put(&h->sessions_max, g->sessions_max);
    word_put(&h->others_max_mib, g->others_max_mib);
    word_put(&h->seed[0], seeds[0]);
    word_put(&h->seed[1], seeds[1]);
    word_put(&h->checksum, table_checksum(h));
    /* Not valid until somebody says until when; and not the value that means closed. */
    word_put(&h->valid_until, (uint64_t)(INT64_MIN + 1));

    table_place(&w->table, h, (void *)((unsigned char *)seen + TABLE_ALIGN), &plan);
    w->header = h;
    w->sessions = (void *)(base + plan.sessions);
    w->others = (void *)(base + plan.others);
    w->index = (void *)(base + plan.index);
    w->host = host == NULL ? (struct table_host){0} : *host;
    w->others_high = w->sweep_other = 1; /* unit 0 means none */
    index_start(w);
    writer_touched(w);

    word_put(&s->identity, table_identity(h));
    word_put(&s->magic, TABLE_MAGIC);
    word_put(&h->magic, TABLE_MAGIC); /* last: now it can be attached */
    *out = w;
    return CARDEA_SUCCESS;
}

void table_writer_free(struct table_writer *w)
{
    free(w);
}

struct table *table_of(struct table_writer *w)
{
    return &w->table;
}

void table_set_valid_until(struct table_writer *w, int64_t boot_ms)
{
    if (!w->closed)
        word_put(&w->header->valid_until, (uint64_t)(boot_ms == INT64_MIN ? INT64_MIN + 1 : boot_ms));
}

void table_close(struct table_writer *w)
{
    w->closed = true;
    word_put(&w->header->valid_until, (uint64_t)INT64_MIN);
}

/* --- records --- */

struct table_name writer_name_of(const struct table_writer *w, uint32_t kind, const table_word *c)
{
    size_t words = kind == SPACE_KEY ? 4 : 2;
    uint64_t id[4] = {0};
    for (size_t i = 0; i < words; i++)
        id[i] = word_own(&c[CELL_ID + i]);
    return table_name(w->table.seed, (enum space)(kind & 7), id, words * 8);
}

void record_remove(struct table_writer *w, struct place at)
{
    index_remove(w, at.position);
    cell_free(w, at.kind, at.cell);
}

uint32_t user_cell(const struct table_writer *w, const uint64_t id[2], uint32_t hint)
{
    if (hint != 0) {
        const table_word *c = writer_cell(w, SPACE_USER, hint);
        if ((word_own(&c[CELL_SEQUENCE]) & 1) == 0 && head_kind(word_own(&c[CELL_HEAD])) == SPACE_USER &&
            word_own(&c[CELL_ID]) == id[0] && word_own(&c[CELL_ID + 1]) == id[1])
            return hint;
    }
    struct table_name name = table_name(w->table.seed, SPACE_USER, id, 16);
    struct place at = index_find(w, &name);
    return at.found && at.kind == SPACE_USER ? at.cell : 0;
}

/* Make the draft what its name means: a new cell, the entry, then the old cell. Without room the old record goes,
 * because it is no longer true. */
static struct cardea_status record_put(struct table_writer *w, const struct table_name *name, struct place at,
                                       struct draft *d)
{
    uint32_t cell;
    if (!cell_make(w, d, &cell)) {
        if (at.found)
            record_remove(w, at);
        return CARDEA_FAIL(E_LIMIT);
    }
    index_set(w, name, at, d->kind, cell);
    if (at.found) {
        if (d->kind == SPACE_SESSION) { /* what readers noted about the session stays with it */
            uint64_t seen = word_own(&w->table.seen[at.cell]);
            cell_seen(w, cell, (int64_t)seen_seconds(seen) * 1000, seen_dirty(seen));
        }
        cell_free(w, at.kind, at.cell);
    }
    return CARDEA_SUCCESS;
}

/* The same record is here already: only its hint may have gone stale. A lone word, changed in place. */
static void hint_refresh(struct table_writer *w, struct place at, uint32_t hint)
{
    table_word *c = writer_cell(w, at.kind, at.cell);
    uint64_t head = word_own(&c[CELL_HEAD]);
    if (head_extra(head) != hint)
        word_put(&c[CELL_HEAD], head_make(head_kind(head), head_units(head), head_words(head), hint));
}

/* --- drafts --- */

static void draft_id(struct draft *d, uint32_t kind, const void *id, size_t len)
{
    d->kind = kind;
    memcpy(&d->words[CELL_ID], id, len);
}

static void draft_session(const struct table_writer *w, const struct session_record *r, uint16_t app, struct draft *d)
{
    draft_id(d, SPACE_SESSION, r->sid.bytes, sizeof r->sid.bytes);
    memcpy(&d->words[SESSION_USER], r->user.bytes, sizeof r->user.bytes);
    memcpy(&d->words[SESSION_DIGEST], r->secret_digest, sizeof r->secret_digest);
    uint64_t idle = r->idle_ms < 0 ? 0 : r->idle_ms > 0xffffffffff ? 0xffffffffff : (uint64_t)r->idle_ms;
    d->words[SESSION_FLAGS] =
        idle | (uint64_t)app << 40 | ((uint64_t)r->kind & 0x7f) << 56 | (uint64_t)r->remember << 63;
    d->words[SESSION_EPOCH] = (uint64_t)r->epoch;
    d->words[SESSION_CREATED] = (uint64_t)r->created_at_ms;
    d->words[SESSION_AUTHENTICATED] = (uint64_t)r->authenticated_at_ms;
    d->words[SESSION_EXPIRES] = (uint64_t)r->expires_at_ms;
    d->words[SESSION_SEEN] = (uint64_t)r->last_seen_at_ms;
    d->words[CELL_HEAD] = head_make(0, 0, 0, user_cell(w, &d->words[SESSION_USER], 0));
    d->count = SESSION_WORDS;
}

static bool draft_user(const struct table_user *u, struct draft *d)
{
    size_t len = (size_t)u->username_len + u->email_len + u->name_len + u->roles_len;
    if (len > sizeof u->text)
        return false;
    draft_id(d, SPACE_USER, u->id.bytes, sizeof u->id.bytes);
    d->words[CELL_HEAD] = head_make(0, 0, 0, u->status);
    d->words[USER_EPOCH] = (uint64_t)u->epoch;
    d->words[USER_LENGTHS] = (uint64_t)u->username_len | (uint64_t)u->email_len << 16 | (uint64_t)u->name_len << 32 |
                             (uint64_t)u->roles_len << 48;
    memcpy(&d->words[USER_TEXT], u->text, len);
    d->count = USER_TEXT + (uint32_t)((len + 7) / 8);
    return true;
}

static void draft_api_key(const struct table_writer *w, const struct api_key_record *r, struct draft *d)
{
    size_t scopes_len = strnlen(r->scopes, SCOPES_MAX_BYTES);
    draft_id(d, SPACE_API_KEY, r->id.bytes, sizeof r->id.bytes);
    memcpy(&d->words[API_KEY_USER], r->user.bytes, sizeof r->user.bytes);
    memcpy(&d->words[API_KEY_DIGEST], r->digest, sizeof r->digest);
    memcpy(&d->words[API_KEY_SCOPES], r->scopes, scopes_len);
    d->words[API_KEY_EXPIRES] = (uint64_t)r->expires_at_ms;
    d->words[API_KEY_SCOPES_LEN] = scopes_len;
    d->words[CELL_HEAD] = head_make(0, 0, 0, user_cell(w, &d->words[API_KEY_USER], 0));
    d->count = API_KEY_SCOPES + (uint32_t)((scopes_len + 7) / 8);
}

/* --- puts --- */

static struct cardea_status put_session(struct table_writer *w, const struct session_record *r, uint16_t app, bool fill,
                                        int64_t now_ms)
{
    struct table_name name = table_name(w->table.seed, SPACE_SESSION, r->sid.bytes, sizeof r->sid.bytes);
    struct place at = index_find(w, &name);
    if (at.found && ((at.kind & KIND_ENDED) != 0 || fill))
        return CARDEA_FAIL(E_CONFLICT);
    if (r->expires_at_ms <= now_ms) { /* not worth a cell */
        if (at.found)
            record_remove(w, at);
        return CARDEA_SUCCESS;
    }
    struct draft d = {0};
    draft_session(w, r, app, &d);
    if (!at.found || !cell_equals(writer_cell(w, SPACE_SESSION, at.cell), &d))
        return record_put(w, &name, at, &d);
    /* A refresh moves nothing but the time it was last seen, and the store has that already. */
    cell_seen(w, at.cell, r->last_seen_at_ms, false);
    hint_refresh(w, at, head_extra(d.words[CELL_HEAD]));
    return CARDEA_SUCCESS;
}

static struct cardea_status put_table_user(struct table_writer *w, const struct table_user *u, bool fill)
{
    struct table_name name = table_name(w->table.seed, SPACE_USER, u->id.bytes, sizeof u->id.bytes);
    struct place at = index_find(w, &name);
    if (at.found) {
        const table_word *c = writer_cell(w, at.kind, at.cell);
        if ((at.kind & KIND_ENDED) != 0 || (int64_t)word_own(&c[USER_EPOCH]) > u->epoch ||
            (fill && (int64_t)word_own(&c[USER_EPOCH]) == u->epoch))
            return CARDEA_FAIL(E_CONFLICT);
    }
    struct draft d = {0};
    if (!draft_user(u, &d))
        return CARDEA_FAIL(E_INTERNAL);
    if (at.found && cell_equals(writer_cell(w, SPACE_USER, at.cell), &d))
        return CARDEA_SUCCESS; /* a login moves last_login_at, which is not here */
    return record_put(w, &name, at, &d);
}

static struct cardea_status put_user(struct table_writer *w, const struct user_record *r, bool fill)
{
    struct table_user u;
    struct cardea_status s = table_user_from_record(r, &u);
    return cardea_ok(s) ? put_table_user(w, &u, fill) : s;
}

struct cardea_status table_put_user(struct table_writer *w, const struct table_user *u)
{
    index_reserve(w);
    return put_table_user(w, u, false);
}

static struct cardea_status put_api_key(struct table_writer *w, const struct api_key_record *r, bool fill,
                                        int64_t now_ms)
{
    struct table_name name = table_name(w->table.seed, SPACE_API_KEY, r->id.bytes, sizeof r->id.bytes);
    struct place at = index_find(w, &name);
    if (at.found && ((at.kind & KIND_ENDED) != 0 || fill))
        return CARDEA_FAIL(E_CONFLICT);
    if (r->expires_at_ms <= now_ms) {
        if (at.found)
            record_remove(w, at);
        return CARDEA_SUCCESS;
    }
    struct draft d = {0};
    draft_api_key(w, r, &d);
    if (!at.found || !cell_equals(writer_cell(w, SPACE_API_KEY, at.cell), &d))
        return record_put(w, &name, at, &d);
    hint_refresh(w, at, head_extra(d.words[CELL_HEAD]));
    return CARDEA_SUCCESS;
}

/* --- ends --- */

/* How long an end must be remembered: as told, and never shorter than what it ends would have lived. */
static int64_t end_until(const struct table_writer *w, enum space space, struct place at, int64_t until_ms,
                         int64_t now_ms)
{
    int64_t lives = INT64_MIN;
    if (at.found && at.kind == SPACE_SESSION)
        lives = (int64_t)word_own(&writer_cell(w, at.kind, at.cell)[SESSION_EXPIRES]);
    else if (at.found && at.kind == SPACE_API_KEY)
        lives = (int64_t)word_own(&writer_cell(w, at.kind, at.cell)[API_KEY_EXPIRES]);
    else if (space == SPACE_USER && until_ms <= now_ms)
        lives = INT64_MAX; /* users have no end of their own; their ids never come back */
    return lives > until_ms ? lives : until_ms;
}

static void apply_end(struct table_writer *w, enum space space, const uint8_t *id, int64_t until_ms, int64_t now_ms)
{
    struct table_name name = table_name(w->table.seed, space, id, 16);
    struct place at = index_find(w, &name);
    if (at.found && (at.kind & KIND_ENDED) != 0) {
        table_word *until = &writer_cell(w, at.kind, at.cell)[ENDED_UNTIL];
        if ((int64_t)word_own(until) < until_ms)
            word_put(until, (uint64_t)until_ms); /* a lone word, which only the writer reads */
        return;
    }
    until_ms = end_until(w, space, at, until_ms, now_ms);
    if (until_ms <= now_ms) { /* it is dead of old age */
        if (at.found)
            record_remove(w, at);
        return;
    }

    struct draft d = {.count = ENDED_WORDS};
    draft_id(&d, space | KIND_ENDED, id, 16);
    d.words[ENDED_UNTIL] = (uint64_t)until_ms;
    uint32_t cell;
    if (cell_make(w, &d, &cell)) {
        index_set(w, &name, at, d.kind, cell);
        if (at.found)
            cell_free(w, at.kind, at.cell);
        return;
    }
    /* No room to remember it. From here on absence proves nothing; say so before the record is gone. */
    if (w->incomplete_until_ms < until_ms)
        w->incomplete_until_ms = until_ms;
    word_put(&w->header->incomplete, 1);
    if (at.found)
        record_remove(w, at);
}

static struct cardea_status put(struct table_writer *w, const struct change *c, uint16_t app, bool fill, int64_t now_ms)
{
    index_reserve(w);
    switch (c->kind) {
    case CHANGE_SESSION_PUT:
        return put_session(w, c->session, app, fill, now_ms);
    case CHANGE_USER_PUT:
        return put_user(w, c->user, fill);
    case CHANGE_API_KEY_PUT:
        return put_api_key(w, c->api_key, fill, now_ms);
    default:
        return CARDEA_FAIL(E_USAGE);
    }
}

struct cardea_status table_apply(struct table_writer *w, const struct change *c, uint16_t app, int64_t now_ms)
{
    enum space space = ended_space(c->kind);
    if (space == SPACE_UNSET)
        return put(w, c, app, false, now_ms);
    index_reserve(w);
    apply_end(w, space, c->revocation.id, c->revocation.until_ms, now_ms);
    return CARDEA_SUCCESS;
}

struct cardea_status table_fill(struct table_writer *w, const struct change *c, uint16_t app, int64_t now_ms)
{
    /* The id may be that of a revocation which could not be kept. */
    if (w->incomplete_until_ms != 0)
        return CARDEA_FAIL(E_LIMIT);
    return put(w, c, app, true, now_ms);
}

/* --- public keys --- */

static bool among(const struct table_key *keys, size_t count, const struct key_id *kid)
{
    for (size_t i = 0; i < count; i++)
        if (ID_SAME(keys[i].kid, *kid))
            return true;
    return false;
}

static void drop_key(struct table_writer *w, const struct key_id *kid)
{
    struct table_name name = table_name(w->table.seed, SPACE_KEY, kid->bytes, sizeof kid->bytes);
    struct place at = index_find(w, &name);
    if (at.found)
        record_remove(w, at);
}

/* The generation that a key keeps when its bytes stay; 0 when they do not. */
static uint64_t kept_generation(const struct table_writer *w, struct place at, const struct draft *d)
{
    if (!at.found)
        return 0;
    const table_word *c = writer_cell(w, SPACE_KEY, at.cell);
    uint32_t was = head_extra(word_own(&c[CELL_HEAD])), is = head_extra(d->words[CELL_HEAD]);
    if ((was & 0xffff00ff) != (is & 0xffff00ff)) /* algorithm and length; not the state */
        return 0;
    for (uint32_t i = KEY_BYTES; i < d->count; i++)
        if (word_own(&c[i]) != d->words[i])
            return 0;
    return word_own(&c[KEY_GENERATION]);
}

static struct cardea_status put_key(struct table_writer *w, const struct table_key *k, uint64_t generation)
{
    struct draft d = {0};
    draft_id(&d, SPACE_KEY, k->kid.bytes, sizeof k->kid.bytes);
    d.words[CELL_HEAD] = head_make(0, 0, 0, k->algorithm | (uint32_t)k->state << 8 | (uint32_t)k->public_len << 16);
    memcpy(&d.words[KEY_BYTES], k->public_bytes, k->public_len);
    d.count = KEY_BYTES + ((uint32_t)k->public_len + 7) / 8;

    index_reserve(w);
    struct table_name name = table_name(w->table.seed, SPACE_KEY, k->kid.bytes, sizeof k->kid.bytes);
    struct place at = index_find(w, &name);
    uint64_t kept = kept_generation(w, at, &d);
    d.words[KEY_GENERATION] = kept != 0 ? kept : generation;
    if (at.found && cell_equals(writer_cell(w, SPACE_KEY, at.cell), &d))
        return CARDEA_SUCCESS;
    return record_put(w, &name, at, &d);
}

struct cardea_status table_set_keys(struct table_writer *w, const struct table_key *keys, size_t count)
{
    struct cardea_status outcome = CARDEA_SUCCESS;
    uint64_t generation = word_own(&w->header->keys_generation) + 1;
    struct key_id kept[TABLE_KEYS_LIMIT];
    uint32_t kept_count = 0;

    for (uint32_t i = 0; i < w->keys_count; i++)
        if (!among(keys, count, &w->keys[i]))
            drop_key(w, &w->keys[i]);
    for (size_t i = 0; i < count; i++) {
        bool fits = keys[i].public_len <= TABLE_PUBLIC_MAX && kept_count < TABLE_KEYS_LIMIT;
        struct cardea_status s = fits ? put_key(w, &keys[i], generation) : CARDEA_FAIL(E_LIMIT);
        if (cardea_ok(s))
            kept[kept_count++] = keys[i].kid;
        else
            outcome = s;
        if (!fits) /* an older record of this kid is no longer true */
            drop_key(w, &keys[i].kid);
    }
    memcpy(w->keys, kept, kept_count * sizeof kept[0]);
    w->keys_count = kept_count;
    for (uint32_t i = 0; i < kept_count; i++) {
        uint64_t id[4];
        memcpy(id, kept[i].bytes, sizeof id);
        for (size_t j = 0; j < 4; j++)
            word_put(&w->header->kids[i][j], id[j]);
    }
    word_put(&w->header->key_count, kept_count);
    /* Last: who reads the new generation and then looks for a key must see the new set. */
    word_put(&w->header->keys_generation, generation);
    return outcome;
}
