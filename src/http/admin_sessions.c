/* Sessions and tokens of others: list, end, revoke. */
#include "core/flow.h"
#include "http/admin.h"

struct list_state {
    struct user_id id;
    struct page page;
};

static struct cardea_status list_begin(struct exchange *x)
{
    static const char *const names[] = {"limit", "cursor"};
    struct view values[2];
    struct list_state *st = exchange_state(x, sizeof *st);
    if (st == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = admin_param_user(x, &st->id);
    if (cardea_ok(s))
        s = query_read(x, names, 2, values);
    return cardea_ok(s) ? query_page(x, values[0], values[1], &st->page) : s;
}

static struct cardea_status list_work(struct exchange *x)
{
    const struct list_state *st = x->state;
    struct user_record *user = arena_new(&x->arena, sizeof *user);
    struct store_tx *tx = NULL;
    struct cardea_status s = user == NULL ? CARDEA_FAIL(E_TOO_LARGE) : exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = x->site->store->ops->user_get(tx, st->id, user);
    if (cardea_ok(s))
        s = list_sessions(x, tx, st->id, user->epoch, &st->page);
    exchange_read_end(x, tx);
    return s;
}

static struct cardea_status end_commit(struct exchange *x, struct store_tx *tx)
{
    const struct session_id *sid = x->state;
    struct flow f = exchange_flow(x, tx);
    struct session_record r;
    struct cardea_status s = flow_session_to_end(&f, *sid, &r);
    if (s.code == CARDEA_E_NOT_FOUND)
        s = flow_session_lost(&f, *sid, &r);
    return cardea_ok(s) ? flow_session_end(&f, &r, AUDIT_session_revoked, VIEW_EMPTY) : s;
}

static struct cardea_status token_begin(struct exchange *x)
{
    static const struct body_field fields[] = {{"jti", BODY_TEXT, BODY_REQUIRED, 1, 64}};
    struct body_value value;
    struct token_id *jti = exchange_state(x, sizeof *jti);
    struct cardea_status s = jti == NULL ? CARDEA_FAIL(E_TOO_LARGE) : body_read(x, fields, 1, &value);
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
        .until_ms = x->now_ms + LIFETIME_MAX_S * 1000 + REVOCATION_SLACK_MS,
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
        ADMIN_CALL(METHOD_GET, "/v1/admin/users/{id}/sessions", ENDPOINT_QUERIES),
        .lane = LANE_READ,
        .begin = list_begin,
        .work = list_work,
    },
    {
        ADMIN_CALL(METHOD_DELETE, "/v1/admin/sessions/{sid}", ENDPOINT_NARROWS),
        .commits = LANE_URGENT,
        .begin = exchange_begin_session_id,
        .commit = end_commit,
    },
    {
        ADMIN_CALL(METHOD_POST, "/v1/admin/tokens/revoke", ENDPOINT_NARROWS),
        .commits = LANE_URGENT,
        .body_max = ENDPOINT_BODY_SMALL,
        .begin = token_begin,
        .commit = token_commit,
    },
};
const struct endpoint_set admin_session_endpoints = ENDPOINT_SET(endpoints);
