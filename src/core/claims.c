#include "core/claims.h"

/* 9999-12-31T23:59:59Z: what follows fits in milliseconds without overflow. */
#define TIME_MAX_S INT64_C(253402300799)

void buf_claim_text(struct buf *b, struct view v)
{
    struct json_writer w = json_writer(b);

    json_put_text(&w, v);
}

void buf_claim_roles(struct buf *b, struct view roles)
{
    struct view role, rest = roles;
    bool more = true;

    buf_char(b, '[');
    while (more) {
        more = view_cut(rest, ',', &role, &rest);
        buf_claim_text(b, role);
        if (more)
            buf_char(b, ',');
    }
    buf_char(b, ']');
}

bool claims_sane(const struct access_claims *c)
{
    return c->iat_s >= 0 && c->iat_s < c->exp_s && c->exp_s - c->iat_s <= LIFETIME_MAX_S && c->exp_s <= TIME_MAX_S &&
           c->nbf_s >= 0 && c->nbf_s <= TIME_MAX_S && c->epoch >= 1 && c->client_id[0] != '\0' &&
           c->audience[0] != '\0';
}

bool claim_text(const struct json *doc, struct view name, struct view *out)
{
    return cardea_ok(json_plain(doc, json_get(doc, 0, name), out));
}

bool claim_int(const struct json *doc, struct view name, int64_t *out)
{
    return cardea_ok(json_int(doc, json_get(doc, 0, name), out));
}

bool claim_copy(const struct json *doc, struct view name, char *out, size_t cap)
{
    struct view v;

    if (!claim_text(doc, name, &v) || v.len == 0)
        return false;
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == 0x7f)
            return false;
    return view_copy(v, out, cap);
}

static bool accept_audience(const struct access_expectation *want, struct view found, char out[AUDIENCE_MAX + 1])
{
    for (size_t i = 0; i < want->audience_count; i++)
        if (view_equal(want->audiences[i], found) && found.len > 0 && view_copy(found, out, AUDIENCE_MAX + 1))
            return true;
    return false;
}

bool claim_audience(const struct json *doc, const struct access_expectation *want, char out[AUDIENCE_MAX + 1])
{
    uint32_t aud = json_get(doc, 0, VIEW("aud"));
    struct view v;
    bool accepted = false;

    if (json_type(doc, aud) == JSON_STRING)
        return cardea_ok(json_plain(doc, aud, &v)) && accept_audience(want, v, out);
    if (json_type(doc, aud) != JSON_ARRAY)
        return false;
    for (uint32_t c = json_first(doc, aud); c != 0; c = json_after(doc, aud, c)) {
        if (!cardea_ok(json_plain(doc, c, &v)))
            return false;
        accepted = accepted || accept_audience(want, v, out);
    }
    return accepted;
}

/* A comma inside a name would make two. */
static bool role_name(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] <= 0x20 || v.ptr[i] == 0x7f || v.ptr[i] == ',')
            return false;
    return v.len > 0 && v.len <= ROLE_MAX;
}

bool claim_roles(const struct json *doc, char out[ROLES_MAX_BYTES + 1])
{
    uint32_t roles = json_get(doc, 0, VIEW("roles"));
    struct buf b = buf_fixed(out, ROLES_MAX_BYTES + 1);
    struct view v;

    out[0] = '\0';
    if (json_type(doc, roles) == JSON_ABSENT || roles == 0)
        return true;
    if (json_type(doc, roles) != JSON_ARRAY)
        return false;
    for (uint32_t c = json_first(doc, roles); c != 0; c = json_after(doc, roles, c)) {
        if (!cardea_ok(json_plain(doc, c, &v)) || !role_name(v))
            return false;
        if (b.len > 0)
            buf_char(&b, ',');
        buf_put(&b, v);
    }
    return buf_terminate(&b);
}

struct cardea_status claims_times(const struct access_claims *c, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;

    if (c->iat_s > now_s + LEEWAY_S || c->nbf_s > now_s + LEEWAY_S)
        return CARDEA_FAIL(E_INVALID_TOKEN);
    return now_s < c->exp_s ? CARDEA_SUCCESS : CARDEA_FAIL(E_EXPIRED);
}
