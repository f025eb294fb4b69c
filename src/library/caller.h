/* Who a check found: filled by checker.c, read by caller.c. Copies of its own: it outlives checker and table. */
#ifndef LIBRARY_CALLER_H
#define LIBRARY_CALLER_H

#include "cardea/checker.h"
#include "core/outside.h"

struct cardea_caller {
    struct identity who; /* kind UNSET: nobody */
    char user[USER_ID_TEXT + 1], session[ID16_TEXT + 1], app[APP_NAME_MAX + 1], scopes[SCOPES_MAX_BYTES + 1];
    char texts[TABLE_USER_TEXT_MAX + 4]; /* username, email, name, roles, as people write them, a NUL behind each */
    const char *username, *email, *name, *roles;
};

void caller_reset(struct cardea_caller *c);
/* After a check that succeeded: make the texts of c->who. */
void caller_fill(struct cardea_caller *c);

#endif
