/* What the two halves of core/feed.h share: the words that stand for enums. Nobody else includes it. */
#ifndef CORE_FEED_WORDS_H
#define CORE_FEED_WORDS_H

#include "core/change.h"
#include "core/token_format.h"

/* What every reader of JSON can hold: 2^53 - 1, some 285,000 years. */
#define FEED_TIME_MAX INT64_C(9007199254740991)

static const char *const feed_session_kinds[] = {
    [SESSION_KIND_UNSET] = "", [SESSION_COOKIE] = "cookie", [SESSION_TOKEN] = "token", [SESSION_SEALED] = "sealed"};
static const char *const feed_key_states[] = {
    [KEY_STATE_UNSET] = "", [KEY_NEXT] = "next", [KEY_ACTIVE] = "active", [KEY_RETIRING] = "retiring"};

static inline const char *feed_what_ended(enum change_kind kind)
{
    return kind == CHANGE_SESSION_END   ? "session"
           : kind == CHANGE_USER_END    ? "user"
           : kind == CHANGE_API_KEY_END ? "api_key"
           : kind == CHANGE_TOKEN_END   ? "token"
                                        : "";
}

static inline const char *feed_what_put(enum change_kind kind)
{
    return kind == CHANGE_SESSION_PUT   ? "session"
           : kind == CHANGE_USER_PUT    ? "user"
           : kind == CHANGE_API_KEY_PUT ? "api_key"
                                        : "";
}

#endif
