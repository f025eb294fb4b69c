/* The verification table's lists, beside what is found by id: apps and keys by their places, all records one after the
 * other, and emptying. The protocol is argued in core/table.h, sections 2 and 3. */
#include "core/table_writer.h"

/* --- the writer --- */

struct cardea_status table_set_app(struct table_writer *w, uint16_t index, const struct table_app *app)
{
    uint64_t name[APP_WORDS - APP_NAME] = {0};
    static_assert(sizeof app->name <= sizeof name, "room for a name");
    if (index >= TABLE_APPS_LIMIT || app->name[0] == '\0')
        return CARDEA_FAIL(E_LIMIT);
    table_word *a = w->header->apps[index];
    bool first = word_own(&a[APP_NAME]) == 0;
    memcpy(name, app->name, strnlen(app->name, APP_NAME_MAX));
    for (size_t i = 0; i < APP_WORDS - APP_NAME; i++) {
        if (first)
            word_put(&a[APP_NAME + i], name[i]);
        else if (word_own(&a[APP_NAME + i]) != name[i])
            return CARDEA_FAIL(E_CONFLICT);
    }
    word_put(&a[APP_FLAGS], (app->enabled ? APP_ENABLED : 0) | (app->live ? APP_LIVE : 0));
    word_put(&w->header->apps_generation, word_own(&w->header->apps_generation) + 1);
    return CARDEA_SUCCESS;
}

void table_forget_apps(struct table_writer *w)
{
    for (size_t index = 0; index < TABLE_APPS_LIMIT; index++)
        for (size_t i = 0; i < APP_WORDS; i++)
            word_put(&w->header->apps[index][i], 0);
    word_put(&w->header->apps_generation, word_own(&w->header->apps_generation) + 1);
}

void table_forget(struct table_writer *w, enum change_kind put, const uint8_t id[16])
{
    enum space space = put == CHANGE_SESSION_PUT   ? SPACE_SESSION
                       : put == CHANGE_USER_PUT    ? SPACE_USER
                       : put == CHANGE_API_KEY_PUT ? SPACE_API_KEY
                                                   : SPACE_UNSET;
    struct table_name name = table_name(w->table.seed, space, id, 16);
    struct place at = space == SPACE_UNSET ? (struct place){0} : index_find(w, &name);
    if (at.found && (at.kind & KIND_ENDED) == 0)
        record_remove(w, at);
}

static void clear_cell(struct table_writer *w, uint32_t kind, const table_word *c)
{
    uint64_t sequence = word_own(&c[CELL_SEQUENCE]);
    if (sequence == 0 || (sequence & 1) != 0 || kind == SPACE_KEY)
        return;
    struct table_name name = writer_name_of(w, kind, c);
    struct place at = index_find(w, &name);
    if (at.found)
        record_remove(w, at);
}

void table_clear(struct table_writer *w)
{
    if (!w->closed)
        word_put(&w->header->valid_until, 0);
    /* Before the first record goes: who misses one sees that the count has moved. */
    word_put(&w->header->cleared, word_own(&w->header->cleared) + 1);
    for (uint32_t cell = 0; cell < w->sessions_high; cell++)
        clear_cell(w, SPACE_SESSION, writer_cell(w, SPACE_SESSION, cell));
    for (uint32_t cell = 1; cell < w->others_high;) {
        const table_word *c = writer_cell(w, SPACE_USER, cell);
        uint64_t head = word_own(&c[CELL_HEAD]);
        cell += head_units(head);
        clear_cell(w, head_kind(head), c);
    }
    w->incomplete_until_ms = 0;
    word_put(&w->header->incomplete, w->source_incomplete);
}

void table_source_incomplete(struct table_writer *w, bool incomplete)
{
    w->source_incomplete = incomplete;
    word_put(&w->header->incomplete, incomplete || w->incomplete_until_ms != 0);
}

/* --- readers --- */

uint64_t table_cleared(const struct table *t)
{
    return word_load(&t->header->cleared);
}

uint64_t table_apps_generation(const struct table *t)
{
    return word_load(&t->header->apps_generation);
}

bool table_find_app(const struct table *t, uint16_t index, struct table_app *out)
{
    if (index >= TABLE_APPS_LIMIT)
        return false;
    const table_word *a = t->header->apps[index];
    uint64_t flags = word_load(&a[APP_FLAGS]), name[APP_WORDS - APP_NAME];
    for (size_t i = 0; i < APP_WORDS - APP_NAME; i++)
        name[i] = word_load(&a[APP_NAME + i]);
    if (name[0] == 0)
        return false;
    *out = (struct table_app){.enabled = (flags & APP_ENABLED) != 0, .live = (flags & APP_LIVE) != 0};
    memcpy(out->name, name, APP_NAME_MAX);
    return true;
}

uint32_t table_list_keys(const struct table *t, struct key_id *out, uint32_t cap)
{
    uint64_t count = word_load(&t->header->key_count);
    uint32_t n = count < cap ? (uint32_t)count : cap;
    if (n > TABLE_KEYS_LIMIT)
        n = TABLE_KEYS_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t id[4];
        for (size_t j = 0; j < 4; j++)
            id[j] = word_load(&t->header->kids[i][j]);
        memcpy(out[i].bytes, id, sizeof id);
    }
    return n;
}
