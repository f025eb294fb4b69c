#include "cardea/status.h"

#include <stddef.h>

struct row {
    enum cardea_class class_;
    int http;
    const char *name, *problem, *title;
};

static const struct row rows[CARDEA_CODE_COUNT] = {
#define ROW(name, class_, http, problem, title) [CARDEA_##name] = {class_, http, #name, problem, title},
    CARDEA_STATUS_TABLE(ROW)
#undef ROW
};

static const struct row *row(struct cardea_status s)
{
    return (unsigned)s.code < CARDEA_CODE_COUNT ? &rows[s.code] : &rows[CARDEA_E_INTERNAL];
}

enum cardea_class cardea_status_class(struct cardea_status s)
{
    return row(s)->class_;
}

int cardea_status_http(struct cardea_status s)
{
    return row(s)->http;
}

const char *cardea_status_problem(struct cardea_status s)
{
    return row(s)->problem;
}

const char *cardea_status_title(struct cardea_status s)
{
    return row(s)->title;
}

const char *cardea_status_name(struct cardea_status s)
{
    return row(s)->name;
}
