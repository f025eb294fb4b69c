#include "cardea/csrf.h"

#include "core/csrf.h"
#include "crypto/random.h"
#include "library/library.h"

#include <stdlib.h>

_Static_assert((int)CARDEA_CSRF_SIZE == CSRF_TOKEN_TEXT + 1, "the length in cardea/csrf.h");

struct cardea_csrf {
    struct mac_key *key;
};

struct cardea_status cardea_csrf_new(struct cardea_bytes key, struct cardea_csrf **ret)
{
    if (ret == NULL || key.ptr == NULL || key.len != CARDEA_CSRF_KEY_BYTES)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = crypto_start_guest();
    if (!cardea_ok(s))
        return s;
    struct cardea_csrf *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CARDEA_FAIL(E_BUSY);
    c->key = mac_key_new(key.ptr);
    if (c->key == NULL) {
        free(c);
        return CARDEA_FAIL(E_BUSY);
    }
    *ret = c;
    return CARDEA_SUCCESS;
}

void cardea_csrf_free(struct cardea_csrf *c)
{
    if (c == NULL)
        return;
    mac_key_free(c->key);
    free(c);
}

static bool session_named(struct cardea_bytes session)
{
    return session.ptr != NULL && session.len > 0 && session.len <= CARDEA_CSRF_SESSION_MAX;
}

struct cardea_status cardea_csrf_make(const struct cardea_csrf *c, struct cardea_bytes session,
                                      char out[CARDEA_CSRF_SIZE])
{
    if (c == NULL || out == NULL || !session_named(session))
        return CARDEA_FAIL(E_USAGE);
    csrf_format(c->key, bytes_view(session), entropy_system(), out);
    out[CSRF_TOKEN_TEXT] = '\0';
    return CARDEA_SUCCESS;
}

struct cardea_status cardea_csrf_check(const struct cardea_csrf *c, struct cardea_bytes session,
                                       struct cardea_bytes token)
{
    if (c == NULL || !session_named(session) || !bytes_readable(token))
        return CARDEA_FAIL(E_USAGE);
    return csrf_check(c->key, bytes_view(session), bytes_view(token));
}
