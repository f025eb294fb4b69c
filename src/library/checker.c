#include "cardea/checker.h"

#include "base/entropy.h"
#include "crypto/random.h"
#include "library/caller.h"
#include "library/library.h"
#include "library/local/local_table.h"
#include "library/replica.h"

#include <stdlib.h>

_Static_assert((int)CARDEA_CHECKER_AUDIENCES_MAX == (int)OUTSIDE_AUDIENCES_MAX &&
                   (int)CARDEA_CHECKER_TEXT_MAX == (int)URL_MAX,
               "the limits in cardea/checker.h");

struct cardea_checker {
    struct outside *outside;
    struct local_table local;
};

struct cardea_status cardea_checker_new(struct cardea_checker **ret)
{
    if (ret == NULL)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_checker *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CARDEA_FAIL(E_BUSY);
    local_table_init(&c->local);
    struct cardea_status s = outside_new(entropy_system(), &c->outside);
    if (!cardea_ok(s)) {
        cardea_checker_free(c);
        return s;
    }
    *ret = c;
    return CARDEA_SUCCESS;
}

void cardea_checker_free(struct cardea_checker *c)
{
    if (c == NULL)
        return;
    outside_free(c->outside);
    local_table_close(&c->local);
    free(c);
}

struct cardea_status cardea_checker_issuer(struct cardea_checker *c, const char *issuer)
{
    return c == NULL || issuer == NULL ? CARDEA_FAIL(E_USAGE) : outside_issuer(c->outside, view_text(issuer));
}

struct cardea_status cardea_checker_audience(struct cardea_checker *c, const char *audience)
{
    return c == NULL || audience == NULL ? CARDEA_FAIL(E_USAGE) : outside_audience(c->outside, view_text(audience));
}

struct cardea_status cardea_checker_connect(struct cardea_checker *c, const char *path)
{
    if (c == NULL || path == NULL)
        return CARDEA_FAIL(E_USAGE);
    outside_table(c->outside, NULL);
    struct cardea_status s = local_table_open(&c->local, path);
    if (cardea_ok(s))
        outside_table(c->outside, c->local.table);
    return s;
}

struct cardea_status cardea_checker_replica(struct cardea_checker *c, const struct cardea_replica *r)
{
    if (c == NULL || r == NULL)
        return CARDEA_FAIL(E_USAGE);
    outside_table(c->outside, r->memory.table);
    local_table_close(&c->local);
    return CARDEA_SUCCESS;
}

bool cardea_checker_lost(const struct cardea_checker *c)
{
    return c == NULL || c->local.table == NULL;
}

static struct cardea_status check(struct cardea_checker *c, enum credential_kind kind, struct cardea_bytes text,
                                  int64_t now_ms, int64_t boot_ms, struct cardea_caller *caller)
{
    struct cardea_status why;
    if (caller != NULL)
        caller_reset(caller);
    if (c == NULL || caller == NULL || !bytes_readable(text))
        return CARDEA_FAIL(E_USAGE);
    if (c->local.table != NULL && !local_table_alive(&c->local, boot_ms))
        outside_table(c->outside, NULL);
    if (outside_check(c->outside, kind, bytes_view(text), now_ms, boot_ms, &caller->who, &why) != VERIFY_YES) {
        caller_reset(caller);
        return why;
    }
    caller_fill(caller);
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_check_session(struct cardea_checker *c, struct cardea_bytes cookie, int64_t now_ms,
                                          int64_t boot_ms, struct cardea_caller *caller)
{
    return check(c, KIND_SESSION, cookie, now_ms, boot_ms, caller);
}

struct cardea_status cardea_check_token(struct cardea_checker *c, struct cardea_bytes token, int64_t now_ms,
                                        int64_t boot_ms, struct cardea_caller *caller)
{
    return check(c, KIND_TOKEN, token, now_ms, boot_ms, caller);
}

struct cardea_status cardea_check_key(struct cardea_checker *c, struct cardea_bytes key, int64_t now_ms,
                                      int64_t boot_ms, struct cardea_caller *caller)
{
    return check(c, KIND_KEY, key, now_ms, boot_ms, caller);
}
