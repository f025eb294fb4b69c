/* Outcomes: the one type in which every fallible function of Cardea answers.
 *
 * Decides: which outcomes exist, their class, their log text and how each looks over HTTP (RFC 9457).
 * Refuses to decide: what a caller does about one.
 *
 * Representation: a struct around one enum, so that it can be mistaken neither for an int nor for a bool. The value 0
 * is *unset* and counts as a failure: a status that was never assigned can not let anybody in.
 *
 * One table (CARDEA_STATUS_TABLE) makes the enum, the texts and the HTTP mapping; add an outcome there and nowhere
 * else.
 *
 *     struct cardea_status s = cardea_verify(verifier, token, now_s, claims);
 *     if (!cardea_ok(s))
 *         return s;
 */
#ifndef CARDEA_STATUS_H
#define CARDEA_STATUS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CARDEA_CHECKED __attribute__((warn_unused_result))
#else
#define CARDEA_CHECKED
#endif

enum cardea_class {
    CARDEA_CLASS_UNSET = 0,
    CARDEA_CLASS_SUCCESS,
    CARDEA_CLASS_USAGE,     /* the request is wrong in itself; repeating it will not help */
    CARDEA_CLASS_DENIED,    /* understood, and refused */
    CARDEA_CLASS_EXPIRED,   /* was good once */
    CARDEA_CLASS_NOT_FOUND, /* no such thing, or not yours to see */
    CARDEA_CLASS_CONFLICT,  /* the state of the world disagrees */
    CARDEA_CLASS_LIMIT,     /* a named limit was reached */
    CARDEA_CLASS_RETRY,     /* not now; repeating it later may help */
    CARDEA_CLASS_IO,        /* a store, a file or a socket failed */
    CARDEA_CLASS_INTERNAL,  /* an invariant of our own does not hold */
};

/* X(name, class, http status, problem code, title) */
#define CARDEA_STATUS_TABLE(X)                                                                                         \
    X(E_UNSET, CARDEA_CLASS_INTERNAL, 500, "internal", "Internal error")                                               \
    X(OK, CARDEA_CLASS_SUCCESS, 200, "ok", "OK")                                                                       \
    X(E_BAD_REQUEST, CARDEA_CLASS_USAGE, 400, "bad_request", "The request is malformed")                               \
    X(E_BAD_JSON, CARDEA_CLASS_USAGE, 400, "bad_json", "The body is not valid JSON")                                   \
    X(E_UNKNOWN_FIELD, CARDEA_CLASS_USAGE, 400, "unknown_field", "The body has a field that this call does not know")  \
    X(E_MISSING_FIELD, CARDEA_CLASS_USAGE, 400, "missing_field", "A required field is missing")                        \
    X(E_INVALID_FIELD, CARDEA_CLASS_USAGE, 400, "invalid_field", "A field has a value that is not accepted")           \
    X(E_WEAK_PASSWORD, CARDEA_CLASS_USAGE, 400, "weak_password", "The password is too easy to guess")                  \
    X(E_TOO_LARGE, CARDEA_CLASS_USAGE, 413, "too_large", "The body is too large")                                      \
    X(E_MEDIA_TYPE, CARDEA_CLASS_USAGE, 415, "unsupported_media_type", "The content type is not application/json")     \
    X(E_METHOD, CARDEA_CLASS_USAGE, 405, "method_not_allowed", "This path does not answer that method")                \
    X(E_HEADER_SIZE, CARDEA_CLASS_USAGE, 431, "header_too_large", "The request head is too large")                     \
    X(E_UNAUTHENTICATED, CARDEA_CLASS_DENIED, 401, "unauthenticated", "A credential is required")                      \
    X(E_INVALID_SESSION, CARDEA_CLASS_DENIED, 401, "invalid_session", "The session is not valid")                      \
    X(E_INVALID_TOKEN, CARDEA_CLASS_DENIED, 401, "invalid_token", "The token is not valid")                            \
    X(E_INVALID_KEY, CARDEA_CLASS_DENIED, 401, "invalid_key", "The API key is not valid")                              \
    X(E_INVALID_CREDENTIALS, CARDEA_CLASS_DENIED, 401, "invalid_credentials", "The user name or password is wrong")    \
    X(E_MANY_CREDENTIALS, CARDEA_CLASS_DENIED, 400, "several_credentials", "The request carries several credentials")  \
    X(E_FORBIDDEN, CARDEA_CLASS_DENIED, 403, "forbidden", "This credential may not do that")                           \
    X(E_CSRF, CARDEA_CLASS_DENIED, 403, "csrf_failed", "The CSRF token is missing or wrong")                           \
    X(E_ORIGIN, CARDEA_CLASS_DENIED, 403, "origin_refused", "Requests from this origin are refused")                   \
    X(E_APP_NOT_FOR_LOGIN, CARDEA_CLASS_DENIED, 403, "app_not_for_login", "This app has no login")                     \
    X(E_LOGIN_TOO_OLD, CARDEA_CLASS_DENIED, 403, "reauthentication_required", "The login is too old for this")         \
    X(E_DISABLED, CARDEA_CLASS_DENIED, 403, "disabled", "This function is switched off")                               \
    X(E_EXPIRED, CARDEA_CLASS_EXPIRED, 401, "expired", "The credential has expired")                                   \
    X(E_NOT_FOUND, CARDEA_CLASS_NOT_FOUND, 404, "not_found", "There is nothing here")                                  \
    X(E_USERNAME_TAKEN, CARDEA_CLASS_CONFLICT, 409, "username_taken", "The user name is taken")                        \
    X(E_CONFLICT, CARDEA_CLASS_CONFLICT, 409, "conflict", "The state has changed in the meantime")                     \
    X(E_LIMIT, CARDEA_CLASS_LIMIT, 409, "limit_reached", "A limit is reached")                                         \
    X(E_RATE_LIMITED, CARDEA_CLASS_LIMIT, 429, "rate_limited", "Too many attempts")                                    \
    X(E_BUSY, CARDEA_CLASS_RETRY, 503, "busy", "The service is busy")                                                  \
    X(E_UNAVAILABLE, CARDEA_CLASS_RETRY, 503, "unavailable", "The service can not answer now")                         \
    X(E_IO, CARDEA_CLASS_IO, 503, "unavailable", "A store or file failed")                                             \
    X(E_CORRUPT, CARDEA_CLASS_IO, 503, "unavailable", "Stored data is damaged")                                        \
    X(E_USAGE, CARDEA_CLASS_USAGE, 400, "usage", "Wrong usage")                                                        \
    X(E_INTERNAL, CARDEA_CLASS_INTERNAL, 500, "internal", "Internal error")

enum cardea_code {
#define CARDEA_STATUS_ENUM(name, class_, http, code, title) CARDEA_##name,
    CARDEA_STATUS_TABLE(CARDEA_STATUS_ENUM)
#undef CARDEA_STATUS_ENUM
        CARDEA_CODE_COUNT
};

struct cardea_status {
    enum cardea_code code;
};

static inline struct cardea_status cardea_status(enum cardea_code code)
{
    struct cardea_status s;
    s.code = code;
    return s;
}

static inline bool cardea_ok(struct cardea_status s)
{
    return s.code == CARDEA_OK;
}

/* Short forms for the commonest two returns. */
#define CARDEA_SUCCESS cardea_status(CARDEA_OK)
#define CARDEA_FAIL(name) cardea_status(CARDEA_##name)

/* Describe a status; every code has an answer, an unknown one that of E_INTERNAL. The text lives forever. */
enum cardea_class cardea_status_class(struct cardea_status s);
int cardea_status_http(struct cardea_status s);
const char *cardea_status_problem(struct cardea_status s); /* "invalid_token" */
const char *cardea_status_title(struct cardea_status s);   /* "The token is not valid" */
const char *cardea_status_name(struct cardea_status s);    /* "E_INVALID_TOKEN", for logs */

#ifdef __cplusplus
}
#endif
#endif
