/* Bodies: a JSON object becomes fields, or a refusal that names the field.
 *
 * Decides: that a body is one JSON object with no other fields than the call's own (so nothing is ever assigned by
 * mass), each of its type and within its length. Refuses to decide: what a value means. Limits: BODY_TOKENS_MAX JSON
 * tokens, BODY_LIST_MAX elements in a list, the endpoint's body_max bytes.
 *
 *     static const struct body_field fields[] = {
 *         {"username", BODY_TEXT, BODY_REQUIRED, 0, 256}, {"remember", BODY_BOOL, 0, 0, 0}};
 *     struct body_value values[2];
 *     struct cardea_status s = body_read(x, fields, 2, values);
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/exchange.h"

enum { BODY_TOKENS_MAX = 2048, BODY_LIST_MAX = 32, BODY_FIELDS_MAX = 16 };

enum body_type {
    BODY_UNSET = 0,
    BODY_TEXT,   /* UTF-8 without control characters */
    BODY_SECRET, /* any UTF-8: passwords, tokens; the flow refuses what it must */
    BODY_INT,    /* exact integer; min and max are its range */
    BODY_BOOL,
    BODY_OBJECT, /* a JSON object kept as its source text; max: bytes of it */
    BODY_TEXTS,  /* a list of texts of at most max bytes each, at most BODY_LIST_MAX */
};

enum { BODY_REQUIRED = 1, BODY_NULLABLE = 2 };

struct body_field {
    const char *name;
    enum body_type type;
    unsigned flags;
    int64_t min, max; /* bytes, or the range of an integer */
};

struct body_value {
    struct view text;   /* in the arena (wiped), ends in NUL as well; BODY_OBJECT: source text */
    struct view *texts; /* BODY_TEXTS */
    int64_t number;
    uint32_t count; /* of texts */
    bool present;   /* also when null */
    bool null;
    bool flag;
};

/* Read x's body. An empty body is an empty object. values: `count` of them, in the order of fields.
 * fails: E_BAD_JSON with line and column; E_UNKNOWN_FIELD, E_MISSING_FIELD, E_INVALID_FIELD with x's fault naming the
 * field. */
struct cardea_status body_read(struct exchange *x, const struct body_field *fields, size_t count,
                               struct body_value *values) CARDEA_CHECKED;

#endif
