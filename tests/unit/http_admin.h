/* What the tests of the admin API share: the operator asks; whose path; the newest event. */
#ifndef UNIT_HTTP_ADMIN_H
#define UNIT_HTTP_ADMIN_H

#include "http_driver.h"

#include <stdio.h>

static struct reply r;
static const struct client operator_client = {.entrance = ENTRANCE_SOCKET};

/* The operator asks. */
static inline void ask(enum method method, const char *target, const char *body)
{
    struct client c = operator_client;
    drive(&c, &r, method, target, body);
}

static inline const char *target_of(const char *username, const char *rest)
{
    static char text[160];
    char id[USER_ID_TEXT + 1] = "";
    struct buf b = buf_fixed(id, USER_ID_TEXT);
    buf_user_id(&b, driver_user(username).id);
    (void)snprintf(text, sizeof text, "/v1/admin/users/%s%s", id, rest);
    return text;
}

static inline void newest(const char *type, const char *username, struct event *out)
{
    assert_true(driver_events(type, out) > 0);
    if (username != NULL)
        assert_true(ID_SAME(out->subject, driver_user(username).id));
}

#endif
