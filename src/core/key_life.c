/* The life of keys in the store: created, published, promoted, retired, dropped. Contract in core/keyring.h. */
#include "base/json.h"
#include "base/secret.h"
#include "core/audit.h"
#include "core/claims.h"
#include "core/flow.h"
#include "core/key_record.h"

#include <stdlib.h>

/* A change under way: what the caller gave, and the records as they are by now. */
struct change_of_keys {
    const struct key_work *in;
    struct key_record *records; /* KEYRING_MAX of them */
    uint32_t count;
    token_formats lacking; /* of which the stock had too few */
    uint64_t published;    /* the row that published the last key, before this change */
};

struct keyring_times keyring_times_of(const struct settings *s, uint64_t heard_n)
{
    int64_t sealed_ms = SEALED_LIFETIME_MAX_S * (int64_t)1000;

    /* The last page that was left open can have renewed its text until then. */
    for (uint32_t i = 0; i < s->app_count; i++) {
        int64_t reach = s->apps[i].carrier == CARRIER_SEALED_COOKIE ? app_sealed_reach_ms(&s->apps[i]) : 0;
        sealed_ms = reach > sealed_ms ? reach : sealed_ms;
    }
    /* The longest that any configuration allows, not what this one says: tokens from before a reload are still about.
     * Another node signs with the key before for as long as it has not heard of the next one: within the slack. */
    return (struct keyring_times){
        .publish_ms = s->jwks_max_age_ms,
        .retire_ms = (LIFETIME_MAX_S + LEEWAY_S) * (int64_t)1000 + REVOCATION_SLACK_MS,
        .sealed_retire_ms = sealed_ms + LEEWAY_S * (int64_t)1000 + REVOCATION_SLACK_MS,
        .heard_n = heard_n,
    };
}

static bool alone(const struct keyring_times *times)
{
    return times->heard_n == UINT64_MAX;
}

/* Does everybody know the keys that were published before this change? */
static bool known(const struct change_of_keys *w, const struct keyring_times *times)
{
    return w->published <= times->heard_n;
}

static struct cardea_status begin(struct change_of_keys *w)
{
    struct key_record *records = calloc(KEYRING_MAX, sizeof *records);
    int64_t published = 0;

    if (records == NULL)
        return CARDEA_FAIL(E_BUSY);
    struct cardea_status s = w->in->ops->key_list(w->in->tx, records, KEYRING_MAX, &w->count);
    if (cardea_ok(s))
        s = w->in->ops->value_get(w->in->tx, KEYS_PUBLISHED, &published);
    if (s.code == CARDEA_E_NOT_FOUND) /* by an earlier version, and long ago */
        s = CARDEA_SUCCESS;
    w->published = (uint64_t)published;
    if (!cardea_ok(s)) {
        free(records);
        return s;
    }
    w->records = records;
    return CARDEA_SUCCESS;
}

static void end(struct change_of_keys *w)
{
    free(w->records); /* public and sealed data only */
}

static struct key_record *find_use(const struct change_of_keys *w, enum key_use use, enum key_state state)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->records[i].use == use && w->records[i].state == state)
            return &w->records[i];
    return NULL;
}

static struct key_record *find_access(const struct change_of_keys *w, enum token_format f, enum key_state state)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->records[i].state == state && key_record_format(&w->records[i]) == f)
            return &w->records[i];
    return NULL;
}

/* The formats that have an active key, or a next one that waits to be. */
static token_formats formats_alive(const struct change_of_keys *w)
{
    token_formats alive = 0;

    for (uint32_t i = 0; i < w->count; i++)
        if (w->records[i].use == KEY_USE_ACCESS && w->records[i].state != KEY_RETIRING)
            alive |= token_format_bit(key_record_format(&w->records[i]));
    return alive;
}

/* --- the journal: nobody changes a key without saying so, for that is how other nodes hear of it --- */

static struct cardea_status append(const struct change_of_keys *w, const char *type, struct view detail,
                                   uint64_t *ret_n)
{
    struct event e = {.at_ms = w->in->now_ms, .revocation = {.kind = REVOCATION_NONE}};
    struct view actor = w->in->actor.len > 0 ? w->in->actor : VIEW("system");

    if (!view_copy(view_text(type), e.type, sizeof e.type) || !view_copy(actor, e.actor, sizeof e.actor) ||
        !view_copy(detail, e.detail, sizeof e.detail))
        return CARDEA_FAIL(E_INTERNAL);
    view_copy(w->in->request_id, e.request_id, sizeof e.request_id);
    e.ip = w->in->client;
    struct cardea_status s = w->in->ops->event_append(w->in->tx, &e);
    if (cardea_ok(s))
        *ret_n = e.n;
    return s;
}

static struct cardea_status note(const struct change_of_keys *w, const char *type, const struct key_record *r)
{
    uint64_t n = 0;
    char kid[ACCESS_KID_MAX], room[EVENT_DETAIL_MAX];
    struct buf name = buf_fixed(kid, sizeof kid), detail = buf_fixed(room, sizeof room);
    struct json_writer json = json_writer(&detail);
    const struct key_use_info *info = key_use_info(r->use);

    buf_record_kid(&name, r);
    json_open_object(&json);
    json_member_text(&json, "kid", buf_view(&name));
    json_member_text(&json, "use", view_text(info == NULL ? "" : info->name));
    json_member_text(&json, "alg", view_text(r->algorithm));
    json_close_object(&json);
    struct cardea_status s = append(w, type, buf_view(&detail), &n);
    /* Whoever has applied the journal up to here knows every key that is published. */
    bool publishes = strcmp(type, AUDIT_key_published) == 0;
    return cardea_ok(s) && publishes ? w->in->ops->value_put(w->in->tx, KEYS_PUBLISHED, (int64_t)n) : s;
}

/* Write a record, and the row that says what became of it. */
static struct cardea_status put(const struct change_of_keys *w, const struct key_record *r, const char *type)
{
    struct cardea_status s = w->in->ops->key_put(w->in->tx, r);

    return cardea_ok(s) ? note(w, type, r) : s;
}

/* Take a record out of store and list. */
static struct cardea_status delete_at(struct change_of_keys *w, uint32_t i)
{
    struct cardea_status s = w->in->ops->key_delete(w->in->tx, w->records[i].id);

    if (!cardea_ok(s))
        return s;
    memmove(&w->records[i], &w->records[i + 1], (w->count - i - 1) * sizeof *w->records);
    w->count--;
    return CARDEA_SUCCESS;
}

static struct cardea_status remove_at(struct change_of_keys *w, uint32_t i)
{
    struct cardea_status s = note(w, AUDIT_key_removed, &w->records[i]);

    return cardea_ok(s) ? delete_at(w, i) : s;
}

/* --- symmetric keys --- */

static struct cardea_status make_symmetric(struct change_of_keys *w, enum key_use use, enum key_state state)
{
    uint8_t key[SYMMETRIC_MAX];
    const struct key_use_info *info = key_use_info(use);

    if (w->count == KEYRING_MAX)
        return CARDEA_FAIL(E_LIMIT);
    struct key_record *r = &w->records[w->count];
    *r = (struct key_record){.use = use, .state = state, .created_at_ms = w->in->now_ms};
    struct buf algorithm = buf_fixed(r->algorithm, sizeof r->algorithm - 1);
    buf_text(&algorithm, info->algorithm);
    entropy_fill(w->in->entropy, r->id.bytes, sizeof r->id.bytes);
    entropy_fill(w->in->entropy, key, info->bytes);
    struct cardea_status s = key_record_seal(r, w->in->master, w->in->entropy, view_of(key, info->bytes));
    secret_wipe(key, sizeof key);
    if (cardea_ok(s))
        s = put(w, r, state == KEY_NEXT ? AUDIT_key_published : AUDIT_key_made);
    if (cardea_ok(s))
        w->count++;
    return s;
}

/* The same secret, under the seal of its new state. */
static struct cardea_status retire_sealed(struct change_of_keys *w, struct key_record *active, int64_t retire_ms)
{
    uint8_t key[SYMMETRIC_MAX];
    size_t len;
    struct cardea_status s = key_record_open(active, w->in->master, key, sizeof key, &len);

    if (!cardea_ok(s))
        return s;
    active->state = KEY_RETIRING;
    active->drop_at_ms = w->in->now_ms + retire_ms;
    s = key_record_seal(active, w->in->master, w->in->entropy, view_of(key, len));
    secret_wipe(key, sizeof key);
    return cardea_ok(s) ? put(w, active, AUDIT_key_retired) : s;
}

/* NEXT seals; who did before opens for a while. */
static struct cardea_status promote_sealed(struct change_of_keys *w, struct key_record *next, int64_t retire_ms)
{
    struct key_record *active = find_use(w, KEY_USE_SEALED, KEY_ACTIVE);
    struct cardea_status s = active == NULL ? CARDEA_SUCCESS : retire_sealed(w, active, retire_ms);

    if (!cardea_ok(s))
        return s;
    next->state = KEY_ACTIVE; /* NEXT and ACTIVE have one seal */
    return put(w, next, AUDIT_key_promoted);
}

static struct cardea_status rotate_sealed(struct change_of_keys *w, const struct keyring_times *times)
{
    struct key_record *active = find_use(w, KEY_USE_SEALED, KEY_ACTIVE);
    struct key_record *next = find_use(w, KEY_USE_SEALED, KEY_NEXT);
    uint32_t keys = 0;

    if (next != NULL) /* from when there were others, or still waiting for them */
        return known(w, times) ? promote_sealed(w, next, times->sealed_retire_ms) : CARDEA_SUCCESS;

    for (uint32_t i = 0; i < w->count; i++)
        keys += w->records[i].use == KEY_USE_SEALED;
    if (keys >= SEALED_KEYS_MAX)
        return CARDEA_FAIL(E_LIMIT);
    if (!alone(times))
        return make_symmetric(w, KEY_USE_SEALED, KEY_NEXT);
    struct cardea_status s = active == NULL ? CARDEA_SUCCESS : retire_sealed(w, active, times->sealed_retire_ms);
    return cardea_ok(s) ? make_symmetric(w, KEY_USE_SEALED, KEY_ACTIVE) : s;
}

struct cardea_status keyring_rotate_sealed(const struct key_work *in, const struct keyring_times *times)
{
    struct change_of_keys w = {.in = in};
    struct cardea_status s = begin(&w);

    if (!cardea_ok(s))
        return s;
    s = rotate_sealed(&w, times);
    end(&w);
    return s;
}

static struct cardea_status make_missing_sealed(struct change_of_keys *w, bool *changed)
{
    struct key_record *next = find_use(w, KEY_USE_SEALED, KEY_NEXT);

    if (find_use(w, KEY_USE_SEALED, KEY_ACTIVE) != NULL || (next == NULL && w->count == KEYRING_MAX))
        return CARDEA_SUCCESS;
    *changed = true;
    return next != NULL ? promote_sealed(w, next, 0) : make_symmetric(w, KEY_USE_SEALED, KEY_ACTIVE);
}

struct cardea_status keyring_complete(const struct key_work *in, bool *ret_changed)
{
    struct change_of_keys w = {.in = in};
    bool changed = false;
    struct cardea_status s = begin(&w);

    if (!cardea_ok(s))
        return s;
    s = make_missing_sealed(&w, &changed);
    end(&w);
    if (cardea_ok(s))
        *ret_changed = changed;
    return s;
}

/* --- access keys --- */

struct cardea_status keyring_stock(struct key_stock *stock, enum token_format f, const struct master_key *m,
                                   const struct entropy *e)
{
    if (stock->count == KEY_STOCK_MAX)
        return CARDEA_FAIL(E_LIMIT);
    struct cardea_status s = access_record_draw(f, m, e, &stock->keys[stock->count]);
    if (cardea_ok(s))
        stock->count++;
    return s;
}

static bool take_from_stock(struct key_stock *stock, enum token_format f, struct key_record *out)
{
    for (uint32_t i = 0; stock != NULL && i < stock->count; i++)
        if (key_record_format(&stock->keys[i]) == f) {
            *out = stock->keys[i];
            stock->keys[i] = stock->keys[--stock->count];
            return true;
        }
    return false;
}

/* One more key of a format. What is slow to draw and not in the stock is left out. */
static struct cardea_status make_access(struct change_of_keys *w, enum token_format f, enum key_state state)
{
    struct cardea_status s = CARDEA_SUCCESS;

    if (w->count == KEYRING_MAX)
        return CARDEA_FAIL(E_LIMIT);
    struct key_record *r = &w->records[w->count];
    if (!take_from_stock(w->in->stock, f, r)) {
        if (token_format_slow(f)) {
            w->lacking |= token_format_bit(f);
            return s;
        }
        s = access_record_draw(f, w->in->master, w->in->entropy, r);
    }
    r->state = state; /* NEXT and ACTIVE have one seal */
    r->created_at_ms = w->in->now_ms;
    if (cardea_ok(s))
        s = put(w, r, state == KEY_NEXT ? AUDIT_key_published : AUDIT_key_made);
    if (cardea_ok(s))
        w->count++;
    return s;
}

static struct cardea_status retire(struct change_of_keys *w, struct key_record *active, int64_t retire_ms)
{
    struct cardea_status s = access_record_retire(active, w->in->master, w->in->entropy);

    active->activate_at_ms = 0;
    active->drop_at_ms = w->in->now_ms + retire_ms;
    return cardea_ok(s) ? put(w, active, AUDIT_key_retired) : s;
}

/* NEXT becomes ACTIVE; who was ACTIVE retires. */
static struct cardea_status promote(struct change_of_keys *w, struct key_record *next, int64_t retire_ms)
{
    struct key_record *active = find_access(w, key_record_format(next), KEY_ACTIVE);
    struct cardea_status s = active == NULL ? CARDEA_SUCCESS : retire(w, active, retire_ms);

    if (!cardea_ok(s))
        return s;
    next->state = KEY_ACTIVE;
    next->activate_at_ms = 0;
    return put(w, next, AUDIT_key_promoted);
}

struct cardea_status keyring_create(const struct key_work *in, token_formats formats)
{
    struct change_of_keys w = {.in = in};
    struct cardea_status s = begin(&w);

    if (!cardea_ok(s))
        return s;
    if (w.count != 0)
        s = CARDEA_FAIL(E_CONFLICT);
    for (enum key_use use = KEY_USE_SESSION; cardea_ok(s) && use <= KEY_USE_SEALED; use++)
        s = make_symmetric(&w, use, KEY_ACTIVE);
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; cardea_ok(s) && f < TOKEN_FORMATS; f++) {
        if ((formats & token_format_bit(f)) == 0)
            continue;
        s = make_access(&w, f, KEY_ACTIVE);
        if (cardea_ok(s))
            s = make_access(&w, f, KEY_NEXT);
    }
    end(&w);
    return s;
}

/* --- rotation --- */

static struct cardea_status rotate_format(struct change_of_keys *w, enum token_format f,
                                          const struct keyring_times *times, int64_t *ret_at_ms)
{
    struct key_record *next = find_access(w, f, KEY_NEXT);
    struct cardea_status s = CARDEA_SUCCESS;
    bool heard = next == NULL ? alone(times) : known(w, times);

    if (next == NULL) { /* a lost NEXT: begin with a new one */
        s = make_access(w, f, KEY_NEXT);
        next = find_access(w, f, KEY_NEXT);
    }
    if (!cardea_ok(s) || next == NULL) /* being drawn: another time */
        return cardea_ok(s) ? CARDEA_FAIL(E_BUSY) : s;
    int64_t ready_ms = next->created_at_ms + times->publish_ms;
    if (w->in->now_ms < ready_ms || !heard) {
        next->activate_at_ms = ready_ms > w->in->now_ms ? ready_ms : w->in->now_ms;
        *ret_at_ms = next->activate_at_ms;
        return put(w, next, AUDIT_key_scheduled);
    }
    s = promote(w, next, times->retire_ms);
    if (cardea_ok(s))
        s = make_access(w, f, KEY_NEXT);
    *ret_at_ms = w->in->now_ms;
    return s;
}

static struct cardea_status rotate(struct change_of_keys *w, enum token_format wanted,
                                   const struct keyring_times *times, int64_t *ret_at_ms)
{
    int64_t last_ms = 0;
    bool any = false;
    struct cardea_status s = CARDEA_SUCCESS;

    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; cardea_ok(s) && f < TOKEN_FORMATS; f++) {
        int64_t at_ms = 0;
        if ((wanted != TOKEN_FORMAT_UNSET && wanted != f) || find_access(w, f, KEY_ACTIVE) == NULL)
            continue;
        s = rotate_format(w, f, times, &at_ms);
        last_ms = at_ms > last_ms ? at_ms : last_ms;
        any = true;
    }
    if (cardea_ok(s) && !any)
        s = CARDEA_FAIL(E_NOT_FOUND);
    if (cardea_ok(s))
        *ret_at_ms = last_ms;
    return s;
}

struct cardea_status keyring_rotate(const struct key_work *in, enum token_format f, const struct keyring_times *times,
                                    int64_t *ret_at_ms)
{
    struct change_of_keys w = {.in = in};
    struct cardea_status s = begin(&w);

    if (!cardea_ok(s))
        return s;
    s = rotate(&w, f, times, ret_at_ms);
    end(&w);
    return s;
}

/* --- dropping --- */

/* Keys that have a life. The others are drawn once. */
static bool lives(const struct key_record *r)
{
    return r->use == KEY_USE_ACCESS || r->use == KEY_USE_SEALED;
}

/* What a dropped key was must be there again. */
static struct cardea_status replace(struct change_of_keys *w, enum token_format f)
{
    struct cardea_status s = CARDEA_SUCCESS;
    struct key_record *next = find_access(w, f, KEY_NEXT);

    if (find_access(w, f, KEY_ACTIVE) == NULL)
        s = next == NULL ? make_access(w, f, KEY_ACTIVE) : promote(w, next, 0);
    if (cardea_ok(s) && find_access(w, f, KEY_NEXT) == NULL)
        s = make_access(w, f, KEY_NEXT);
    return s;
}

static struct cardea_status drop(struct change_of_keys *w, const struct key_id *id)
{
    uint32_t i = 0;
    bool made = false;

    while (i < w->count && !(lives(&w->records[i]) && ID_SAME(w->records[i].id, *id)))
        i++;
    if (i == w->count)
        return CARDEA_FAIL(E_NOT_FOUND);
    enum token_format f = key_record_format(&w->records[i]);
    bool in_force = w->records[i].use == KEY_USE_ACCESS && w->records[i].state != KEY_RETIRING;
    struct cardea_status s = delete_at(w, i);
    if (cardea_ok(s))
        s = make_missing_sealed(w, &made);
    return cardea_ok(s) && in_force ? replace(w, f) : s;
}

struct cardea_status keyring_drop(const struct key_work *in, const struct key_id *id)
{
    struct change_of_keys w = {.in = in};
    struct cardea_status s = begin(&w);

    if (!cardea_ok(s))
        return s;
    s = drop(&w, id);
    end(&w);
    return s;
}

/* --- time, and what is asked for --- */

static struct cardea_status delete_expired(struct change_of_keys *w, bool *changed)
{
    struct cardea_status s = CARDEA_SUCCESS;

    for (uint32_t i = w->count; cardea_ok(s) && i-- > 0;)
        if (lives(&w->records[i]) && w->records[i].state == KEY_RETIRING && w->records[i].drop_at_ms <= w->in->now_ms) {
            s = remove_at(w, i);
            *changed = true;
        }
    return s;
}

/* Of a format that nobody asks for any more. */
static struct cardea_status stop(struct change_of_keys *w, enum token_format f, int64_t retire_ms, bool *changed)
{
    struct key_record *next = find_access(w, f, KEY_NEXT), *active;
    struct cardea_status s = next == NULL ? CARDEA_SUCCESS : remove_at(w, (uint32_t)(next - w->records));

    *changed = true;
    active = find_access(w, f, KEY_ACTIVE);
    return cardea_ok(s) && active != NULL ? retire(w, active, retire_ms) : s;
}

static struct cardea_status keep_state(struct change_of_keys *w, enum token_format f, enum key_state state,
                                       bool *changed)
{
    uint32_t before = w->count;

    if (find_access(w, f, state) != NULL || before == KEYRING_MAX)
        return CARDEA_SUCCESS;
    struct cardea_status s = make_access(w, f, state);
    *changed = *changed || w->count != before;
    return s;
}

/* Of a format that is asked for. Where the ring is full a new key waits for a retirement. */
static struct cardea_status keep(struct change_of_keys *w, enum token_format f, const struct keyring_times *times,
                                 bool *changed)
{
    struct key_record *next = find_access(w, f, KEY_NEXT);
    struct cardea_status s = CARDEA_SUCCESS;
    bool signs = find_access(w, f, KEY_ACTIVE) != NULL;

    if (next != NULL && known(w, times) &&
        (!signs || (next->activate_at_ms != 0 && next->activate_at_ms <= w->in->now_ms))) {
        s = promote(w, next, times->retire_ms);
        *changed = true;
    }
    /* The first of a format signs at once only where nobody has to hear of it. */
    if (cardea_ok(s) && alone(times))
        s = keep_state(w, f, KEY_ACTIVE, changed);
    return cardea_ok(s) ? keep_state(w, f, KEY_NEXT, changed) : s;
}

static struct cardea_status tick(struct change_of_keys *w, token_formats formats, const struct keyring_times *times,
                                 bool *changed)
{
    struct cardea_status s = delete_expired(w, changed);

    if (cardea_ok(s))
        s = make_missing_sealed(w, changed);
    struct key_record *next = find_use(w, KEY_USE_SEALED, KEY_NEXT);
    if (cardea_ok(s) && next != NULL && known(w, times)) {
        s = promote_sealed(w, next, times->sealed_retire_ms);
        *changed = true;
    }
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; cardea_ok(s) && f < TOKEN_FORMATS; f++) {
        if ((formats & token_format_bit(f)) != 0)
            s = keep(w, f, times, changed);
        else if (alone(times) && (formats_alive(w) & token_format_bit(f)) != 0)
            s = stop(w, f, times->retire_ms, changed);
    }
    return s;
}

struct cardea_status keyring_tick(const struct key_work *in, token_formats formats, const struct keyring_times *times,
                                  bool *ret_changed, token_formats *ret_lacking)
{
    struct change_of_keys w = {.in = in};
    bool changed = false;
    struct cardea_status s = begin(&w);

    if (!cardea_ok(s))
        return s;
    s = tick(&w, formats, times, &changed);
    end(&w);
    if (cardea_ok(s)) {
        *ret_changed = changed;
        *ret_lacking = w.lacking;
    }
    return s;
}
