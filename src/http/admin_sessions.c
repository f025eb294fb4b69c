/* Sessions and tokens of others: list, end, revoke. */
#include "core/flow.h"
#include "http/admin.h"

enum { ACCESS_TOKEN_LONGEST_MS = 60 * 60 * 1000 /* the configuration accepts no longer one */ };

struct list_state {
    struct user_id id;
    struct page page;
    struct session_record *sessions;
    uint32_t count;
    struct cursor next;
};

static struct cardea_status list_begin(struct exchange *x)
{
    static const char *const names[] = {"limit", "cursor"};
    struct view values[2];
    struct list_state *st;
    struct cardea_status s = exchange_new(x, sizeof *st, (void **)&st);
    if (!cardea_ok(s))
        return s;
    x->state = st;
    s = admin_param_user(x, &st->id);
    if (cardea_ok(s))
        s = query_read(x, names, 2, values);
    if (cardea_ok(s))
        s = query_page(x, values[0], values[1], &st->page);
    return cardea_ok(s) ? exchange_new(x, st->page.limit * sizeof *st->sessions, (void **)&st->sessions) : s;
}

static struct cardea_status list_work(struct exchange *x)
{
    struct list_state *st = x->state;
    const struct store_ops *ops = x->site->store->ops;
    struct user_record *user;
    struct store_tx *tx = NULL;
    struct cardea_status s = exchange_new(x, sizeof *user, (void **)&user);
    if (cardea_ok(s))
        s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = ops->user_get(tx, st->id, user);
    if (cardea_ok(s)) {
        s = ops->session_list(tx, &st->id, user->epoch, &st->page, st->sessions, &st->count, &st->next);
        if (s.code == CARDEA_E_INVALID_FIELD)
            s = exchange_fault(x, s, "cursor", VIEW("not a cursor of this list"));
    }
    exchange_read_end(x, tx);
    return s;
}

static bool ended(const struct session_record *r, int64_t now_ms)
{
    return r->expires_at_ms <= now_ms || (r->idle_ms != 0 && r->last_seen_at_ms + r->idle_ms <= now_ms);
}

static void list_finish(struct exchange *x)
{
    struct list_state *st = x->state;
    struct json_writer w = answer_open(x, st->count * (size_t)ANSWER_SESSION_MAX + ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_name(&w, "items");
    json_open_array(&w);
    for (uint32_t i = 0; i < st->count; i++)
        if (!ended(&st->sessions[i], x->now_ms))
            answer_session(&w, &st->sessions[i], x->who == NULL ? NULL : &x->who->sid);
    json_close_array(&w);
    answer_cursor(&w, view_text(st->next.text), st->next.text[0] != '\0');
    json_close_object(&w);
    answer_json(x, 200, &w);
}

static struct cardea_status end_begin(struct exchange *x)
{
    struct session_id *sid;
    struct cardea_status s = exchange_new(x, sizeof *sid, (void **)&sid);
    x->state = sid;
    if (!cardea_ok(s))
        return s;
    return cardea_ok(session_id_parse(exchange_param(x, 0), sid)) ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}

static struct cardea_status end_commit(struct exchange *x, struct store_tx *tx)
{
    const struct session_id *sid = x->state;
    struct flow f = exchange_flow(x, tx);
    struct session_record r;
    struct cardea_status s = f.ops->session_get(tx, *sid, &r);
    return cardea_ok(s) ? flow_session_end(&f, &r, AUDIT_session_revoked, VIEW_EMPTY) : s;
}

static struct cardea_status token_begin(struct exchange *x)
{
    static const struct body_field fields[] = {{"jti", BODY_TEXT, BODY_REQUIRED, 1, 64}};
    struct body_value value;
    struct token_id *jti;
    struct cardea_status s = exchange_new(x, sizeof *jti, (void **)&jti);
    x->state = jti;
    if (cardea_ok(s))
        s = body_read(x, fields, 1, &value);
    if (cardea_ok(s) && !cardea_ok(token_id_parse(value.text, jti)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "jti", VIEW("not the jti of a token of ours"));
    return s;
}

/* Whether a token of that jti exists is not known to anybody: tokens are not kept. */
static struct cardea_status token_commit(struct exchange *x, struct store_tx *tx)
{
    const struct token_id *jti = x->state;
    struct flow f = exchange_flow(x, tx);
    struct revocation r = {
        .kind = REVOCATION_TOKEN,
        .until_ms = x->now_ms + ACCESS_TOKEN_LONGEST_MS + REVOCATION_SLACK_MS,
    };
    memcpy(r.id, jti->bytes, sizeof jti->bytes);
    char text[ID16_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    buf_token_id(&b, *jti);
    struct cardea_status s = flow_event(&f, AUDIT_token_revoked, NULL, NULL, admin_detail(x, "jti", buf_view(&b)), &r);
    if (!cardea_ok(s))
        return s;
    return change_add(&x->changes, (struct change){.kind = CHANGE_TOKEN_END, .revocation = r});
}

static const struct endpoint endpoints[] = {
    {
        .methods = METHOD_GET,
        .path = "/v1/admin/users/{id}/sessions",
        .doors = DOOR_ADMIN,
        .kinds = ADMIN_KINDS,
        .flags = ENDPOINT_ADMIN | ENDPOINT_QUERIES,
        .lane = LANE_READ,
        .begin = list_begin,
        .work = list_work,
        .finish = list_finish,
    },
    {
        .methods = METHOD_DELETE,
        .path = "/v1/admin/sessions/{sid}",
        .doors = DOOR_ADMIN,
        .kinds = ADMIN_KINDS,
        .flags = ENDPOINT_ADMIN,
        .commits = LANE_URGENT,
        .begin = end_begin,
        .commit = end_commit,
    },
    {
        .methods = METHOD_POST,
        .path = "/v1/admin/tokens/revoke",
        .doors = DOOR_ADMIN,
        .kinds = ADMIN_KINDS,
        .flags = ENDPOINT_ADMIN,
        .commits = LANE_URGENT,
        .body_max = ENDPOINT_BODY_SMALL,
        .begin = token_begin,
        .commit = token_commit,
    },
};
const struct endpoint_set admin_session_endpoints = ENDPOINT_SET(endpoints);
