#include "http/lists.h"

#include "core/grant.h"
#include "http/endpoint.h"
#include "http/query.h"

struct cardea_status list_page(struct exchange *x)
{
    static const char *const names[] = {"limit", "cursor"};
    struct view v[2];
    struct page *page = exchange_state(x, sizeof *page);
    if (page == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = query_read(x, names, 2, v);
    return cardea_ok(s) ? query_page(x, v[0], v[1], page) : s;
}

struct cardea_status list_fault(struct exchange *x, struct cardea_status s)
{
    return s.code == CARDEA_E_INVALID_FIELD ? exchange_fault(x, s, "cursor", VIEW("not a cursor of this list")) : s;
}

struct json_writer list_open(struct exchange *x, uint32_t count, size_t item_max)
{
    struct json_writer w = answer_open(x, count * item_max + ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_name(&w, "items");
    json_open_array(&w);
    return w;
}

void list_close(struct exchange *x, struct json_writer *w, const struct cursor *next)
{
    json_close_array(w);
    json_name(w, "next_cursor");
    if (next != NULL && next->text[0] != '\0')
        json_put_text(w, view_text(next->text));
    else
        json_put_null(w);
    json_close_object(w);
    answer_json(x, 200, w);
}

struct cardea_status list_sessions(struct exchange *x, struct store_tx *tx, struct user_id user, int64_t epoch,
                                   const struct page *page)
{
    struct session_record *rows = arena_new(&x->arena, page->limit * sizeof *rows);
    struct cursor next = {0};
    uint32_t count;
    if (rows == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = x->site->store->ops->session_list(tx, &user, epoch, page, rows, &count, &next);
    if (!cardea_ok(s))
        return list_fault(x, s);
    struct json_writer w = list_open(x, count, ANSWER_SESSION_MAX);
    for (uint32_t i = 0; i < count; i++) {
        session_freshen(x->site->table, &rows[i]);
        if (!session_expired(&rows[i], x->now_ms))
            answer_session(&w, &rows[i], x->who == NULL ? NULL : &x->who->sid);
    }
    list_close(x, &w, &next);
    return s;
}

struct cardea_status list_api_keys(struct exchange *x, struct store_tx *tx, const struct user_id *user,
                                   const struct page *page)
{
    struct api_key_record *rows = arena_new(&x->arena, page->limit * sizeof *rows);
    struct cursor next = {0};
    uint32_t count;
    if (rows == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct cardea_status s = x->site->store->ops->api_key_list(tx, user, page, rows, &count, &next);
    if (!cardea_ok(s))
        return list_fault(x, s);
    bool administrator = (x->endpoint->flags & ENDPOINT_ADMIN) != 0;
    struct json_writer w = list_open(x, count, ANSWER_API_KEY_MAX);
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].expires_at_ms == 0 || rows[i].expires_at_ms > x->now_ms)
            answer_api_key(&w, &rows[i], administrator, VIEW_EMPTY);
    list_close(x, &w, &next);
    return s;
}
