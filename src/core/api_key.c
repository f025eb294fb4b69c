#include "core/api_key.h"

enum { COUNT_PAGE = 50 };

static bool scope_valid(struct view s)
{
    if (s.len == 0 || s.len > SCOPE_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static bool scope_reserved(struct view s)
{
    return view_is(s, "introspect") || view_is(s, "revoke") || view_is(s, "feed") || view_starts(s, VIEW("cardea:"));
}

static bool has_scope(struct view list, struct view scope)
{
    struct view one;
    while (list.len > 0) {
        view_cut(list, ' ', &one, &list);
        if (view_equal(one, scope))
            return true;
    }
    return false;
}

struct cardea_status scopes_canonical(const struct view *scopes, size_t count, char out[SCOPES_MAX_BYTES + 1],
                                      bool *ret_reserved)
{
    char text[SCOPES_MAX_BYTES + 1];
    struct buf b = buf_fixed(text, sizeof text);
    bool reserved = false;
    if (count > SCOPES_MAX)
        return CARDEA_FAIL(E_INVALID_FIELD);
    for (size_t i = 0; i < count; i++) {
        if (!scope_valid(scopes[i]))
            return CARDEA_FAIL(E_INVALID_FIELD);
        if (has_scope(buf_view(&b), scopes[i]))
            continue;
        if (b.len > 0)
            buf_char(&b, ' ');
        buf_put(&b, scopes[i]);
        reserved = reserved || scope_reserved(scopes[i]);
    }
    if (!buf_terminate(&b))
        return CARDEA_FAIL(E_INVALID_FIELD);
    memcpy(out, text, b.len + 1);
    *ret_reserved = reserved;
    return CARDEA_SUCCESS;
}

/* Room for one more? Expired ones do not count. */
static struct cardea_status under_limit(const struct flow *f, struct user_id user)
{
    uint32_t alive = 0;
    struct page page = {.limit = COUNT_PAGE};
    struct api_key_record *rows = arena_new(f->arena, COUNT_PAGE * sizeof *rows);
    if (rows == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    do {
        uint32_t count;
        struct cardea_status s = f->ops->api_key_list(f->tx, &user, &page, rows, &count, &page.after);
        if (!cardea_ok(s))
            return s;
        for (uint32_t i = 0; i < count; i++)
            alive += rows[i].expires_at_ms == 0 || rows[i].expires_at_ms > f->now_ms;
        if (alive >= f->settings->api_keys_per_user_max)
            return CARDEA_FAIL(E_LIMIT);
    } while (page.after.text[0] != '\0');
    return CARDEA_SUCCESS;
}

struct cardea_status api_key_create(const struct flow *f, const struct api_key_request *want,
                                    struct api_key_record *ret_record, struct api_key *ret_key)
{
    struct api_key_record *r = arena_new(f->arena, sizeof *r);
    struct api_key key;
    if (r == NULL || !view_copy(want->name, r->name, sizeof r->name) ||
        !view_copy(view_text(want->scopes), r->scopes, sizeof r->scopes))
        return CARDEA_FAIL(E_INTERNAL);
    struct cardea_status s = under_limit(f, want->user);
    if (!cardea_ok(s))
        return s;
    entropy_fill(f->entropy, key.id.bytes, sizeof key.id.bytes);
    entropy_fill(f->entropy, key.secret.bytes, sizeof key.secret.bytes);
    r->id = key.id;
    r->user = want->user;
    r->created_at_ms = f->now_ms;
    r->expires_at_ms = f->now_ms + (want->lifetime_ms > 0 ? want->lifetime_ms : f->settings->api_key_default_ms);
    secret_digest(&key.secret, r->digest);
    s = f->ops->api_key_put(f->tx, r);
    if (cardea_ok(s))
        s = flow_event(f, AUDIT_api_key_created, &r->user, NULL, VIEW_EMPTY, NULL);
    if (cardea_ok(s))
        s = change_add(f->changes, (struct change){.kind = CHANGE_API_KEY_PUT, .api_key = r});
    if (!cardea_ok(s))
        return s;
    *ret_record = *r;
    *ret_key = key;
    return CARDEA_SUCCESS;
}

struct cardea_status api_key_revoke(const struct flow *f, const struct user_id *user, struct api_key_id id)
{
    struct api_key_record r;
    struct cardea_status s = f->ops->api_key_get(f->tx, id, &r);
    if (cardea_ok(s) && user != NULL && !ID_SAME(r.user, *user))
        s = CARDEA_FAIL(E_NOT_FOUND);
    if (cardea_ok(s))
        s = f->ops->api_key_delete(f->tx, id);
    if (!cardea_ok(s))
        return s;
    struct revocation revocation = {
        .kind = REVOCATION_API_KEY,
        .until_ms = (r.expires_at_ms > f->now_ms ? r.expires_at_ms : f->now_ms) + REVOCATION_SLACK_MS,
    };
    memcpy(revocation.id, id.bytes, sizeof id.bytes);
    s = flow_event(f, AUDIT_api_key_revoked, &r.user, NULL, VIEW_EMPTY, &revocation);
    if (!cardea_ok(s))
        return s;
    return change_add(f->changes, (struct change){.kind = CHANGE_API_KEY_END, .revocation = revocation});
}
