#include "http/form.h"

#include "base/text.h"
#include "http/endpoint.h"

struct parameter {
    struct view name, value;
};

static struct cardea_status fault(struct form_fault *out, enum cardea_code code, const char *field, const char *why)
{
    *out = (struct form_fault){field, why};
    return cardea_status(code);
}

/* Readers differ on everything else, and nothing that is sent here needs it. */
static bool plain(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.ptr[i] <= ' ' || v.ptr[i] > '~')
            return false;
    return true;
}

static struct cardea_status decode(struct arena *arena, struct view raw, struct view *out)
{
    char *room = arena_new(arena, raw.len + 1);
    if (room == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct buf b = buf_fixed(room, raw.len + 1);
    if (!cardea_ok(percent_decode(raw, &b)) || !utf8_valid(buf_view(&b)))
        return CARDEA_FAIL(E_BAD_REQUEST);
    buf_terminate(&b);
    *out = view_of(room, b.len);
    return CARDEA_SUCCESS;
}

static struct cardea_status read_parameter(struct view pair, struct arena *arena, struct parameter *out,
                                           struct form_fault *why)
{
    struct view name, value;
    if (!view_cut(pair, '=', &name, &value) || name.len == 0)
        return fault(why, CARDEA_E_BAD_REQUEST, NULL, "each parameter must be a name, '=' and a value");
    if (name.len > 3 * FORM_NAME_MAX)
        return fault(why, CARDEA_E_BAD_REQUEST, NULL, "the name of a parameter is too long");
    struct cardea_status s = decode(arena, name, &out->name);
    if (cardea_ok(s))
        s = decode(arena, value, &out->value);
    if (s.code == CARDEA_E_BAD_REQUEST)
        return fault(why, CARDEA_E_BAD_REQUEST, NULL, "a parameter does not decode");
    if (cardea_ok(s) && out->name.len > FORM_NAME_MAX)
        return fault(why, CARDEA_E_BAD_REQUEST, NULL, "the name of a parameter is too long");
    return s;
}

static struct cardea_status read_all(struct view body, struct arena *arena, struct parameter *found, size_t *ret_count,
                                     struct form_fault *why)
{
    struct view pair, rest = body;
    bool more = body.len > 0;
    size_t count = 0;
    while (more) {
        if (count == FORM_PARAMETERS_MAX)
            return fault(why, CARDEA_E_BAD_REQUEST, NULL, "too many parameters");
        more = view_cut(rest, '&', &pair, &rest);
        struct cardea_status s = read_parameter(pair, arena, &found[count], why);
        if (!cardea_ok(s))
            return s;
        for (size_t i = 0; i < count; i++)
            if (view_equal(found[i].name, found[count].name))
                return fault(why, CARDEA_E_BAD_REQUEST, NULL, "a parameter is there more than once");
        count++;
    }
    *ret_count = count;
    return CARDEA_SUCCESS;
}

struct cardea_status form_parse(struct view body, struct arena *arena, const struct form_field *fields, size_t count,
                                struct view *values, struct form_fault *ret_fault)
{
    struct parameter found[FORM_PARAMETERS_MAX];
    size_t there = 0;
    *ret_fault = (struct form_fault){0};
    for (size_t i = 0; i < count; i++)
        values[i] = VIEW_EMPTY;
    if (!plain(body))
        return fault(ret_fault, CARDEA_E_BAD_REQUEST, NULL, "the form holds a byte that must be percent-encoded");
    struct cardea_status s = read_all(body, arena, found, &there, ret_fault);
    if (!cardea_ok(s))
        return s;
    for (size_t f = 0; f < count; f++) {
        struct view value = VIEW_EMPTY;
        for (size_t i = 0; i < there; i++)
            if (view_is(found[i].name, fields[f].name))
                value = found[i].value;
        if (value.len == 0 && fields[f].required)
            return fault(ret_fault, CARDEA_E_MISSING_FIELD, fields[f].name, "a required parameter is missing");
        if (value.len > fields[f].max)
            return fault(ret_fault, CARDEA_E_INVALID_FIELD, fields[f].name, "the parameter is too long");
        if (value.len > 0)
            values[f] = value;
    }
    return CARDEA_SUCCESS;
}

struct cardea_status form_read(struct exchange *x, const struct form_field *fields, size_t count, struct view *values)
{
    struct form_fault why;
    struct cardea_status s = form_parse(x->request.body, &x->arena, fields, count, values, &why);
    return why.why == NULL ? s : exchange_fault(x, s, why.field, view_text(why.why));
}
