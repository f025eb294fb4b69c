/* The journal: read it, newest first; check its chain.
 *
 * The store lists events by number alone, so a filter is applied here: at most SCAN_MAX rows are looked at for one
 * page, which may then be short, and even empty, with a cursor to go on from.
 */
#include "base/text.h"
#include "core/audit.h"
#include "http/admin.h"

enum {
    SCAN_STEP = 200,
    SCAN_MAX = 5000,
    VERIFY_ROWS = 5000, /* in one request */
    EVENT_ANSWER_MAX = 2 * EVENT_DETAIL_MAX + 1024,
    HEAD_TEXT_MAX = 20 + 1 + 64, /* "N:HEX" */
};

struct list_state {
    struct page page;
    uint64_t before; /* 0: from the end */
    struct view type;
    bool by_user;
    struct user_id user;
    struct event *events, *step;
    uint32_t count;
    uint64_t next; /* 0: there is no more */
};

static struct cardea_status list_begin(struct exchange *x)
{
    static const char *const names[] = {"limit", "cursor", "type", "user"};
    struct view values[4];
    struct list_state *st = exchange_state(x, sizeof *st);
    if (st == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = query_read(x, names, 4, values);
    if (cardea_ok(s))
        s = query_page(x, values[0], values[1], &st->page);
    if (!cardea_ok(s))
        return s;
    if (st->page.after.text[0] != '\0' && !cardea_ok(parse_u64(view_text(st->page.after.text), &st->before)))
        return list_fault(x, CARDEA_FAIL(E_INVALID_FIELD));
    st->type = values[2];
    s = admin_query_user(x, values[3], &st->by_user, &st->user);
    st->events = arena_new(&x->arena, st->page.limit * sizeof *st->events);
    st->step = arena_new(&x->arena, SCAN_STEP * sizeof *st->step);
    return cardea_ok(s) && (st->events == NULL || st->step == NULL) ? CARDEA_FAIL(E_TOO_LARGE) : s;
}

static bool wanted(const struct list_state *st, const struct event *e)
{
    return (st->type.ptr == NULL || view_is(st->type, e->type)) && (!st->by_user || ID_SAME(st->user, e->subject));
}

/* Look at one step of rows. *ret_end: nothing lies behind. */
static struct cardea_status scan(struct list_state *st, struct store_tx *tx, const struct store_ops *ops, bool *ret_end)
{
    uint32_t count;
    struct cardea_status s = ops->event_list(tx, st->before, true, st->step, SCAN_STEP, &count);
    if (!cardea_ok(s))
        return s;
    *ret_end = count < SCAN_STEP;
    for (uint32_t i = 0; i < count && st->count < st->page.limit; i++) {
        st->before = st->step[i].n;
        if (wanted(st, &st->step[i]))
            st->events[st->count++] = st->step[i];
        *ret_end = *ret_end && i + 1 == count;
    }
    return s;
}

static struct cardea_status list_work(struct exchange *x)
{
    struct list_state *st = x->state;
    struct store_tx *tx;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (!cardea_ok(s))
        return s;
    bool end = false;
    for (uint32_t seen = 0; cardea_ok(s) && !end && st->count < st->page.limit && seen < SCAN_MAX; seen += SCAN_STEP)
        s = scan(st, tx, x->site->store->ops, &end);
    exchange_read_end(x, tx);
    st->next = end || st->before <= 1 ? 0 : st->before;
    return s;
}

/* NULL: nothing. */
static const char *narrows(const struct event *e)
{
    switch (e->revocation.kind) {
    case REVOCATION_TOKEN:
        return "token";
    case REVOCATION_SESSION:
        return "session";
    case REVOCATION_USER:
        return "user";
    case REVOCATION_API_KEY:
        return "api_key";
    case REVOCATION_KEY:
        return "key";
    case REVOCATION_NONE:
    case REVOCATION_UNSET:
        break;
    }
    return NULL;
}

static void answer_event(struct json_writer *w, const struct event *e)
{
    static const struct user_id nobody;
    static const struct session_id none;
    char user[USER_ID_TEXT], sid[ID16_TEXT], ip[ADDRESS_TEXT_MAX], hash[64];
    struct buf u = buf_fixed(user, sizeof user), d = buf_fixed(sid, sizeof sid), i = buf_fixed(ip, sizeof ip),
               h = buf_fixed(hash, sizeof hash);
    json_open_object(w);
    json_member_int(w, "n", (int64_t)e->n);
    json_member_time(w, "at", e->at_ms);
    json_member_text(w, "type", view_text(e->type));
    json_member_text(w, "actor", view_text(e->actor));
    if (!ID_SAME(e->subject, nobody)) {
        buf_user_id(&u, e->subject);
        json_member_text(w, "user", buf_view(&u));
    }
    if (!ID_SAME(e->sid, none)) {
        buf_session_id(&d, e->sid);
        json_member_text(w, "sid", buf_view(&d));
    }
    if (e->ip.version != 0) {
        buf_address(&i, &e->ip);
        json_member_text(w, "ip_address", buf_view(&i));
    }
    if (e->request_id[0] != '\0')
        json_member_text(w, "request_id", view_text(e->request_id));
    json_name(w, "detail");
    json_put_raw(w, view_text(e->detail));
    if (narrows(e) != NULL)
        json_member_text(w, "narrows", view_text(narrows(e)));
    buf_hex(&h, e->hash, sizeof e->hash);
    json_member_text(w, "hash", buf_view(&h));
    json_close_object(w);
}

static void list_finish(struct exchange *x)
{
    struct list_state *st = x->state;
    struct cursor next = {0};
    struct buf text = buf_fixed(next.text, sizeof next.text - 1);
    if (st->next != 0)
        buf_uint(&text, st->next);
    struct json_writer w = list_open(x, st->count, EVENT_ANSWER_MAX);
    for (uint32_t i = 0; i < st->count; i++)
        answer_event(&w, &st->events[i]);
    list_close(x, &w, &next);
}

struct verify_state {
    struct audit_head head;
    bool end, broken;
};

static struct cardea_status verify_begin(struct exchange *x)
{
    static const char *const names[] = {"after"};
    struct view value, n, hash;
    struct verify_state *st = exchange_state(x, sizeof *st);
    if (st == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = query_read(x, names, 1, &value);
    if (!cardea_ok(s) || value.ptr == NULL)
        return s;
    if (!view_cut(value, ':', &n, &hash) || !cardea_ok(parse_u64(n, &st->head.n)) ||
        !cardea_ok(hex_decode_exact(hash, st->head.hash, sizeof st->head.hash)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "after", VIEW("must be N:HASH of a row of the journal"));
    return s;
}

static struct cardea_status verify_work(struct exchange *x)
{
    struct verify_state *st = x->state;
    struct store_tx *tx;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (!cardea_ok(s))
        return s;
    s = audit_verify(x->site->store->ops, tx, VERIFY_ROWS, &st->head, &st->end);
    exchange_read_end(x, tx);
    st->broken = s.code == CARDEA_E_CORRUPT;
    return st->broken ? CARDEA_SUCCESS : s;
}

/* {ok, complete, head}: head is the last good row; what broke is the row behind it. */
static void verify_finish(struct exchange *x)
{
    const struct verify_state *st = x->state;
    char text[HEAD_TEXT_MAX];
    struct buf head = buf_fixed(text, sizeof text);
    buf_uint(&head, st->head.n);
    buf_char(&head, ':');
    buf_hex(&head, st->head.hash, sizeof st->head.hash);
    struct json_writer w = answer_open(x, ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_member_bool(&w, "ok", !st->broken);
    json_member_bool(&w, "complete", st->end && !st->broken);
    json_member_text(&w, "head", buf_view(&head));
    json_close_object(&w);
    answer_json(x, 200, &w);
}

static const struct endpoint endpoints[] = {
    {
        ADMIN_CALL(METHOD_GET, "/v1/admin/audit", ENDPOINT_QUERIES),
        .lane = LANE_READ,
        .begin = list_begin,
        .work = list_work,
        .finish = list_finish,
    },
    {
        ADMIN_CALL(METHOD_GET, "/v1/admin/audit/verify", ENDPOINT_QUERIES),
        .lane = LANE_READ,
        .begin = verify_begin,
        .work = verify_work,
        .finish = verify_finish,
    },
};
const struct endpoint_set admin_audit_endpoints = ENDPOINT_SET(endpoints);
