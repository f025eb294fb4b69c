/* What token_verifier.c does with the payload of a token that was verified, whatever its form: for token_paseto.c, too.
 * Private to core/token_*.c. */
#ifndef CORE_TOKEN_JUDGE_H
#define CORE_TOKEN_JUDGE_H

#include "core/token_verifier.h"

/* How exp, iat and nbf are written: NumericDate (RFC 7519), or RFC 3339 (PASETO). */
enum token_times { TOKEN_TIMES_UNSET = 0, TOKEN_TIMES_NUMERIC, TOKEN_TIMES_RFC3339 };

/* Do the rules say all that they must, but for the header of a JWS? */
bool token_rules_complete(const struct token_rules *r);
/* Judge the len bytes in space->plain. Fills what comes from the payload; *t is worth nothing on failure.
 * fails: E_INVALID_TOKEN; E_EXPIRED. */
struct cardea_status token_judge(const struct token_rules *rules, enum token_times times, int64_t now_ms,
                                 struct token_space *space, size_t len, struct verified_token *t) CARDEA_CHECKED;
struct view token_text_at(const char *texts, const struct json *doc, uint32_t string);

#endif
