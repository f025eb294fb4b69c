#include "http/body.h"

#include "base/json.h"
#include "http/endpoint.h"

enum { FIELD_NAME_SHOWN_MAX = 64, DETAIL_MAX = 160 };

static struct cardea_status wrong(struct exchange *x, const struct body_field *f, const char *what)
{
    return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), f->name, view_text(what));
}

static struct cardea_status wrong_length(struct exchange *x, const struct body_field *f, const char *unit)
{
    char *room = arena_new(&x->arena, DETAIL_MAX);
    struct buf b = buf_fixed(room, room == NULL ? 0 : DETAIL_MAX);
    buf_text(&b, "must be ");
    buf_int(&b, f->min);
    buf_text(&b, " to ");
    buf_int(&b, f->max);
    if (unit[0] != '\0') {
        buf_char(&b, ' ');
        buf_text(&b, unit);
    }
    return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), f->name, buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY);
}

/* C0, DEL and C1: nothing that a name, an address or a text in a log needs. The reader has checked the UTF-8. */
static bool has_control(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < v.len && (unsigned char)v.ptr[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static struct cardea_status read_text(struct exchange *x, const struct json *doc, uint32_t token,
                                      const struct body_field *f, struct view *out)
{
    if (json_type(doc, token) != JSON_STRING)
        return wrong(x, f, f->type == BODY_TEXTS ? "must be a list of strings" : "must be a string");
    size_t cap = json_source(doc, token).len + 1; /* unescaping never makes longer */
    char *room = arena_new(&x->arena, cap);
    if (room == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct buf b = buf_fixed(room, cap);
    struct cardea_status s = json_text(doc, token, &b);
    if (!cardea_ok(s))
        return s;
    buf_terminate(&b);
    if ((int64_t)b.len < f->min || (int64_t)b.len > f->max)
        return wrong_length(x, f, "bytes");
    if (f->type != BODY_SECRET && has_control(buf_view(&b)))
        return wrong(x, f, "must hold no control characters");
    *out = view_of(room, b.len);
    return CARDEA_SUCCESS;
}

static struct cardea_status read_texts(struct exchange *x, const struct json *doc, uint32_t token,
                                       const struct body_field *f, struct body_value *out)
{
    if (json_type(doc, token) != JSON_ARRAY)
        return wrong(x, f, "must be a list of strings");
    uint32_t count = doc->tokens[token].count;
    if (count > BODY_LIST_MAX)
        return wrong(x, f, "has too many elements");
    out->texts = arena_new(&x->arena, (count + 1) * sizeof *out->texts);
    if (out->texts == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    for (uint32_t child = json_first(doc, token); child != 0; child = json_after(doc, token, child)) {
        struct cardea_status s = read_text(x, doc, child, f, &out->texts[out->count]);
        if (!cardea_ok(s))
            return s;
        out->count++;
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status read_value(struct exchange *x, const struct json *doc, uint32_t token,
                                       const struct body_field *f, struct body_value *out)
{
    out->present = true;
    if (json_type(doc, token) == JSON_NULL) {
        out->null = true;
        return (f->flags & BODY_NULLABLE) != 0 ? CARDEA_SUCCESS : wrong(x, f, "must not be null");
    }
    switch (f->type) {
    case BODY_TEXT:
    case BODY_SECRET:
        return read_text(x, doc, token, f, &out->text);
    case BODY_TEXTS:
        return read_texts(x, doc, token, f, out);
    case BODY_INT:
        if (!cardea_ok(json_int(doc, token, &out->number)))
            return wrong(x, f, "must be an integer");
        return out->number < f->min || out->number > f->max ? wrong_length(x, f, "") : CARDEA_SUCCESS;
    case BODY_BOOL:
        return cardea_ok(json_bool(doc, token, &out->flag)) ? CARDEA_SUCCESS : wrong(x, f, "must be true or false");
    case BODY_OBJECT:
        if (json_type(doc, token) != JSON_OBJECT)
            return wrong(x, f, "must be an object");
        out->text = json_source(doc, token);
        return (int64_t)out->text.len > f->max ? wrong_length(x, f, "bytes") : CARDEA_SUCCESS;
    case BODY_UNSET:
        break;
    }
    return CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status bad_json(struct exchange *x, struct cardea_status why, const struct json_error *error)
{
    if (why.code != CARDEA_E_BAD_JSON)
        return why;
    char *room = arena_new(&x->arena, DETAIL_MAX);
    struct buf b = buf_fixed(room, room == NULL ? 0 : DETAIL_MAX);
    buf_text(&b, error->reason);
    buf_text(&b, " at line ");
    buf_uint(&b, error->line);
    buf_text(&b, ", column ");
    buf_uint(&b, error->column);
    buf_text(&b, " (byte ");
    buf_uint(&b, error->offset);
    buf_text(&b, ")");
    return exchange_fault(x, why, NULL, buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY);
}

/* The name came from the client: it is shown cut, and the problem's writer escapes it. */
static struct cardea_status unknown_field(struct exchange *x, const struct json *doc, uint32_t name)
{
    struct view raw = view_of(doc->text.ptr + doc->tokens[name].start, doc->tokens[name].len);
    if (raw.len > FIELD_NAME_SHOWN_MAX)
        raw.len = FIELD_NAME_SHOWN_MAX;
    return exchange_fault(x, CARDEA_FAIL(E_UNKNOWN_FIELD), arena_copy(&x->arena, raw).ptr, VIEW_EMPTY);
}

static struct cardea_status read_members(struct exchange *x, const struct json *doc, const struct body_field *fields,
                                         size_t count, struct body_value *values)
{
    for (uint32_t name = json_first(doc, 0); name != 0; name = json_after(doc, 0, name)) {
        struct view text;
        size_t i = count;
        if (cardea_ok(json_plain(doc, name, &text)))
            for (i = 0; i < count && !view_is(text, fields[i].name); i++)
                ;
        if (i == count)
            return unknown_field(x, doc, name);
        struct cardea_status s = read_value(x, doc, name + 1, &fields[i], &values[i]);
        if (!cardea_ok(s))
            return s;
    }
    return CARDEA_SUCCESS;
}

struct cardea_status body_read(struct exchange *x, const struct body_field *fields, size_t count,
                               struct body_value *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (struct body_value){0};
    if (x->request.body.len > 0) {
        /* Every token but the first takes two bytes at least. */
        size_t cap = x->request.body.len / 2 + 2;
        if (cap > BODY_TOKENS_MAX)
            cap = BODY_TOKENS_MAX;
        struct json_token *tokens = arena_new(&x->arena, cap * sizeof *tokens);
        if (tokens == NULL)
            return CARDEA_FAIL(E_TOO_LARGE);
        struct json doc;
        struct json_error error = {0};
        struct cardea_status s = json_read(x->request.body, tokens, cap, &doc, &error);
        if (!cardea_ok(s))
            return bad_json(x, s, &error);
        if (json_type(&doc, 0) != JSON_OBJECT)
            return exchange_fault(x, CARDEA_FAIL(E_BAD_JSON), NULL,
                                  VIEW("the body must be an object, at line 1, column 1 (byte 0)"));
        s = read_members(x, &doc, fields, count, values);
        if (!cardea_ok(s))
            return s;
    }
    for (size_t i = 0; i < count; i++)
        if ((fields[i].flags & BODY_REQUIRED) != 0 && !values[i].present)
            return exchange_fault(x, CARDEA_FAIL(E_MISSING_FIELD), fields[i].name, VIEW_EMPTY);
    return CARDEA_SUCCESS;
}
