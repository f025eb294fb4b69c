/* Forms: a body of application/x-www-form-urlencoded becomes values, or a refusal that names the parameter.
 *
 * Decides: what is a form. Two readers that split or decode one body differently can be played against each other, so
 * what readers disagree about is refused:
 *   - no parameter twice, whichever way its name is escaped (RFC 6749 §3.2), known here or not;
 *   - bytes outside printable ASCII, a '%' without two hexadecimal digits, %00, and what decodes to no UTF-8;
 *   - a parameter without '=' or without a name; an empty one between two '&', or at an end.
 * A parameter without a value is one that was not sent, and an unknown one is ignored, as RFC 6749 §3.2 asks; both must
 * be well-formed all the same. Refuses to decide: what a value means.
 *
 * Limits: FORM_PARAMETERS_MAX parameters, names of FORM_NAME_MAX bytes, each value its own length; all after decoding.
 *
 *     static const struct form_field fields[] = {{"token", true, 4096}, {"token_type_hint", false, 64}};
 *     struct view values[2];
 *     struct cardea_status s = form_read(x, fields, 2, values);
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "http/exchange.h"

enum { FORM_PARAMETERS_MAX = 16, FORM_NAME_MAX = 64 };

struct form_field {
    const char *name;
    bool required;
    uint32_t max; /* bytes of the value, decoded */
};

struct form_fault {
    const char *field; /* the field concerned, or NULL */
    const char *why;
};

/* Read a form. values: `count` of them, in the order of fields, in the arena (wiped), each followed by a NUL; NULL ptr
 * where there is none.
 * fails: E_BAD_REQUEST (no form), E_MISSING_FIELD, E_INVALID_FIELD (too long), with *ret_fault; E_TOO_LARGE without
 *        room in the arena. */
struct cardea_status form_parse(struct view body, struct arena *arena, const struct form_field *fields, size_t count,
                                struct view *values, struct form_fault *ret_fault) CARDEA_CHECKED;
/* The same for x's body, with x's fault set. */
struct cardea_status form_read(struct exchange *x, const struct form_field *fields, size_t count,
                               struct view *values) CARDEA_CHECKED;

#endif
