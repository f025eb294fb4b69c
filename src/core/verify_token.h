/* The half of a token's check that needs no record: shared by the fast path and the slow one. */
#ifndef CORE_VERIFY_TOKEN_H
#define CORE_VERIFY_TOKEN_H

#include "core/verify_cache.h"

/* Signature, form, key, times, app and audience, now. fails: E_INVALID_TOKEN; E_EXPIRED where that is all. */
struct cardea_status token_prove(const struct verifier *v, struct view text, struct proven_token *out) CARDEA_CHECKED;
/* What a proven token says by itself; the user, the session's times are the caller's to fill in. */
void token_identity(const struct verifier *v, const struct proven_token *t, struct identity *out);

#endif
