/* Keys that rotate, those that sign access tokens and those that seal sessions: list, rotate, drop. */
#include "core/access_token.h"
#include "core/flow.h"
#include "http/admin.h"

enum { KEY_ANSWER_MAX = 512 };

struct keys_state {
    enum key_use use; /* UNSET: not said */
    bool compromised;
    struct view kid;          /* empty: none given */
    enum token_format format; /* UNSET: none given */
    int64_t effective_at_ms;
    uint64_t heard_n; /* the journal's row that all others have applied */
    struct key_record *keys;
    uint32_t count;
};

static struct cardea_status keys_begin(struct exchange *x)
{
    struct keys_state *st = exchange_state(x, sizeof *st);
    if (st != NULL)
        st->keys = arena_new(&x->arena, KEYRING_MAX * sizeof *st->keys);
    return st == NULL || st->keys == NULL ? CARDEA_FAIL(E_TOO_LARGE) : CARDEA_SUCCESS;
}

static struct cardea_status list_work(struct exchange *x)
{
    struct keys_state *st = x->state;
    struct store_tx *tx;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (!cardea_ok(s))
        return s;
    s = x->site->store->ops->key_list(tx, st->keys, KEYRING_MAX, &st->count);
    exchange_read_end(x, tx);
    return s;
}

static const char *state_name(enum key_state state)
{
    return state == KEY_NEXT ? "next" : state == KEY_ACTIVE ? "active" : "retiring";
}

static bool rotates(enum key_use use)
{
    return use == KEY_USE_ACCESS || use == KEY_USE_SEALED;
}

static void answer_key(struct json_writer *w, const struct key_record *k)
{
    char kid[ACCESS_KID_MAX];
    struct buf b = buf_fixed(kid, sizeof kid);
    buf_record_kid(&b, k);
    json_open_object(w);
    json_member_text(w, "kid", buf_view(&b));
    json_member_text(w, "use", k->use == KEY_USE_SEALED ? VIEW("sealed") : VIEW("access"));
    json_member_text(w, "alg", view_text(k->algorithm));
    json_member_text(w, "state", view_text(state_name(k->state)));
    json_member_time(w, "created_at", k->created_at_ms);
    json_member_time(w, "activates_at", k->state == KEY_NEXT ? k->activate_at_ms : 0);
    json_member_time(w, "drops_at", k->state == KEY_RETIRING ? k->drop_at_ms : 0);
    json_close_object(w);
}

/* Of those that seal the name alone, which each of their texts shows; the other symmetric ones not even that. */
static void answer_keys(struct json_writer *w, const struct keys_state *st)
{
    static const enum key_use uses[] = {KEY_USE_ACCESS, KEY_USE_SEALED};
    for (size_t use = 0; use < sizeof uses / sizeof uses[0]; use++)
        for (uint32_t i = 0; i < st->count; i++)
            if (st->keys[i].use == uses[use])
                answer_key(w, &st->keys[i]);
}

static void list_finish(struct exchange *x)
{
    const struct keys_state *st = x->state;
    struct json_writer w = list_open(x, st->count, KEY_ANSWER_MAX);
    answer_keys(&w, st);
    list_close(x, &w, NULL);
}

static bool is_kid(struct view text)
{
    struct key_id id;
    struct paserk_id paserk;
    return cardea_ok(key_id_parse(text, &id)) || cardea_ok(paserk_id_parse(text, &paserk));
}

static struct cardea_status read_kid(struct exchange *x, const struct body_value *value, struct keys_state *st)
{
    if (!value->present)
        return CARDEA_SUCCESS;
    st->kid = value->text;
    if (!st->compromised)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "kid", VIEW("only together with compromised"));
    if (!is_kid(st->kid))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "kid", VIEW("not the kid of a key of ours"));
    return CARDEA_SUCCESS;
}

static struct cardea_status read_use(struct exchange *x, const struct body_value *value, struct keys_state *st)
{
    if (!value->present)
        return CARDEA_SUCCESS;
    st->use = view_is(value->text, "access")   ? KEY_USE_ACCESS
              : view_is(value->text, "sealed") ? KEY_USE_SEALED
                                               : KEY_USE_UNSET;
    if (st->use == KEY_USE_UNSET)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "use", VIEW("access or sealed"));
    return CARDEA_SUCCESS;
}

static struct cardea_status read_format(struct exchange *x, const struct body_value *value, struct keys_state *st)
{
    if (!value->present)
        return CARDEA_SUCCESS;
    st->format = token_format_parse(value->text);
    if (st->format == TOKEN_FORMAT_UNSET)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "alg", VIEW("there is no such format of tokens"));
    if (st->kid.len > 0)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "alg", VIEW("a kid says which key it is"));
    if (st->use == KEY_USE_SEALED)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "alg", VIEW("only for keys of access tokens"));
    return CARDEA_SUCCESS;
}

static struct cardea_status rotate_begin(struct exchange *x)
{
    enum { COMPROMISED, KID, USE, ALG, FIELDS };
    static const struct body_field fields[FIELDS] = {[COMPROMISED] = {"compromised", BODY_BOOL, 0, 0, 0},
                                                     [KID] = {"kid", BODY_TEXT, 0, 1, 64},
                                                     [USE] = {"use", BODY_TEXT, 0, 1, 16},
                                                     [ALG] = {"alg", BODY_TEXT, 0, 1, 16}};
    struct body_value values[FIELDS];
    struct cardea_status s = keys_begin(x);
    if (cardea_ok(s))
        s = body_read(x, fields, FIELDS, values);
    if (!cardea_ok(s))
        return s;
    struct keys_state *st = x->state;
    st->compromised = values[COMPROMISED].flag;
    s = read_use(x, &values[USE], st);
    if (cardea_ok(s))
        s = read_kid(x, &values[KID], st);
    return cardea_ok(s) ? read_format(x, &values[ALG], st) : s;
}

static struct view record_kid(struct exchange *x, const struct key_record *k)
{
    char *text = arena_new(&x->arena, ACCESS_KID_MAX);
    struct buf b = buf_fixed(text, text == NULL ? 0 : ACCESS_KID_MAX);
    buf_record_kid(&b, k);
    return buf_view(&b);
}

static enum key_use use_or_access(const struct keys_state *st)
{
    return st->use == KEY_USE_UNSET ? KEY_USE_ACCESS : st->use;
}

/* Is this the key that is meant: the one of that kid, or the active one of the use and format? */
static bool is_target(struct exchange *x, const struct keys_state *st, const struct key_record *k)
{
    if (st->kid.len > 0)
        return rotates(k->use) && (st->use == KEY_USE_UNSET || st->use == k->use) &&
               view_equal(record_kid(x, k), st->kid);
    return k->use == use_or_access(st) && k->state == KEY_ACTIVE &&
           (st->format == TOKEN_FORMAT_UNSET || key_record_format(k) == st->format);
}

static struct cardea_status find_target(struct exchange *x, struct keys_state *st, struct store_tx *tx,
                                        const struct key_record **out)
{
    const struct key_record *found = NULL;
    struct cardea_status s = x->site->store->ops->key_list(tx, st->keys, KEYRING_MAX, &st->count);
    if (!cardea_ok(s))
        return s;
    for (uint32_t i = 0; i < st->count; i++) {
        if (!is_target(x, st, &st->keys[i]))
            continue;
        if (found != NULL)
            return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "alg",
                                  VIEW("keys of several formats sign: name one, or a kid"));
        found = &st->keys[i];
    }
    if (found == NULL)
        return exchange_fault(x, CARDEA_FAIL(E_NOT_FOUND), st->format == TOKEN_FORMAT_UNSET ? "kid" : "alg",
                              VIEW("there is no such key"));
    *out = found;
    return s;
}

static struct key_work work_of(const struct exchange *x, const struct flow *f)
{
    return (struct key_work){
        .tx = f->tx,
        .ops = f->ops,
        .master = x->site->master,
        .entropy = f->entropy,
        .now_ms = f->now_ms,
        .actor = f->actor,
        .request_id = f->request_id,
        .client = f->client,
    };
}

static struct cardea_status drop(struct exchange *x, struct keys_state *st, const struct flow *f)
{
    const struct key_record *target = st->keys; /* whichever find_target says */
    const struct key_work w = work_of(x, f);
    struct cardea_status s = find_target(x, st, f->tx, &target);
    if (cardea_ok(s))
        s = target == NULL ? CARDEA_FAIL(E_INTERNAL) : keyring_drop(&w, &target->id);
    if (!cardea_ok(s))
        return s;
    st->effective_at_ms = f->now_ms;
    struct revocation r = {
        .kind = REVOCATION_KEY,
        .until_ms = f->now_ms + LIFETIME_MAX_S * 1000 + REVOCATION_SLACK_MS,
    };
    memcpy(r.id, target->id.bytes, sizeof target->id.bytes);
    return flow_event(f, AUDIT_key_dropped, NULL, NULL, admin_detail(x, "kid", record_kid(x, target)), &r);
}

/* How far everybody else is. Who has died lately still counts: then a tick sees to the rest (daemon/background.h). */
static struct cardea_status rotate_work(struct exchange *x)
{
    struct keys_state *st = x->state;
    struct store_tx *tx;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (!cardea_ok(s))
        return s;
    s = registry_least(x->site->store->ops, tx, x->site->own_verifier, &st->heard_n);
    exchange_read_end(x, tx);
    return s;
}

static struct cardea_status rotate_sealed(struct exchange *x, struct keys_state *st, const struct flow *f)
{
    const struct key_work w = work_of(x, f);
    const struct keyring_times times = keyring_times_of(f->settings, st->heard_n);
    struct cardea_status s = keyring_rotate_sealed(&w, &times);
    if (!cardea_ok(s))
        return s;
    st->effective_at_ms = f->now_ms;
    return flow_event(f, AUDIT_key_rotated, NULL, NULL, VIEW("{\"use\":\"sealed\"}"), NULL);
}

static struct cardea_status rotate(struct exchange *x, struct keys_state *st, const struct flow *f)
{
    if (use_or_access(st) == KEY_USE_SEALED)
        return rotate_sealed(x, st, f);
    const struct key_work w = work_of(x, f);
    const struct keyring_times times = keyring_times_of(f->settings, st->heard_n);
    struct cardea_status s = keyring_rotate(&w, st->format, &times, &st->effective_at_ms);
    if (s.code == CARDEA_E_NOT_FOUND)
        return exchange_fault(x, s, "alg", VIEW("no key of that format signs"));
    if (!cardea_ok(s))
        return s;
    struct view detail = st->format == TOKEN_FORMAT_UNSET
                             ? VIEW_EMPTY
                             : admin_detail(x, "alg", view_text(token_format_name(st->format)));
    return flow_event(f, AUDIT_key_rotated, NULL, NULL, detail, NULL);
}

static struct cardea_status rotate_commit(struct exchange *x, struct store_tx *tx)
{
    struct keys_state *st = x->state;
    struct flow f = exchange_flow(x, tx);
    struct cardea_status s = st->compromised ? drop(x, st, &f) : rotate(x, st, &f);
    if (cardea_ok(s))
        s = f.ops->key_list(tx, st->keys, KEYRING_MAX, &st->count);
    return cardea_ok(s) ? change_add(&x->changes, (struct change){.kind = CHANGE_KEYS}) : s;
}

static void rotate_finish(struct exchange *x)
{
    const struct keys_state *st = x->state;
    struct json_writer w = answer_open(x, st->count * (size_t)KEY_ANSWER_MAX + ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_member_time(&w, "effective_at", st->effective_at_ms);
    json_name(&w, "items");
    json_open_array(&w);
    answer_keys(&w, st);
    json_close_array(&w);
    json_close_object(&w);
    answer_json(x, 200, &w);
}

static const struct endpoint endpoints[] = {
    {
        ADMIN_CALL(METHOD_GET, "/v1/admin/signing-keys", 0),
        .lane = LANE_READ,
        .begin = keys_begin,
        .work = list_work,
        .finish = list_finish,
    },
    {
        ADMIN_CALL(METHOD_POST, "/v1/admin/signing-keys/rotate", ENDPOINT_NARROWS),
        .lane = LANE_READ,
        .commits = LANE_URGENT,
        .body_max = ENDPOINT_BODY_SMALL,
        .begin = rotate_begin,
        .work = rotate_work,
        .commit = rotate_commit,
        .finish = rotate_finish,
    },
};
const struct endpoint_set admin_key_endpoints = ENDPOINT_SET(endpoints);
