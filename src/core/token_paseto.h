/* The generic verifier's other form: a PASETO v4 token of JSON claims, under the same rules and with the same result
 * (token_verifier.h).
 *
 * Decides: whether a token holds under a key and rules. Refuses to decide: which key; the footer's kid serves to find
 * one (token_footer_key), and nothing else.
 *
 * Of the rules, what concerns the header of a JWS (algorithms, types) has no meaning here: the version and the purpose
 * are the key's own. exp, iat and nbf are RFC 3339, as PASETO registers them; fractions are cut. The rest is alike:
 * iss, aud, cnf, required claims, sub and jti, times last. Limits: PASETO knows no typ, so a key that signs tokens of
 * two meanings makes them interchangeable: give each meaning a key.
 *
 * Threading: as token_verifier.h. No allocation.
 */
#ifndef CORE_TOKEN_PASETO_H
#define CORE_TOKEN_PASETO_H

#include "core/paseto.h"
#include "core/token_verifier.h"

/* The id in the footer of a token that nobody has verified: {"kid":"k4.pid.…"}, other members allowed.
 * fails: E_NOT_FOUND: no footer, or none that names a key. */
struct cardea_status token_footer_key(struct view text, struct paserk_id *out) CARDEA_CHECKED;

/* Verify; decrypt. out: views into *space; its algorithm is UNSET, its kid and type empty. work holds nothing
 * afterwards that anybody needs. fails: E_USAGE; E_INVALID_TOKEN; E_EXPIRED; *out is untouched then, and of what was
 * encrypted nothing is left. */
struct cardea_status token_check_public(const struct paseto_public_key *key, const struct token_rules *rules,
                                        struct view text, struct view implicit, int64_t now_ms,
                                        struct paseto_space *work, struct token_space *space,
                                        struct verified_token *out) CARDEA_CHECKED;
struct cardea_status token_check_local(const struct paseto_local_key *key, const struct token_rules *rules,
                                       struct view text, struct view implicit, int64_t now_ms,
                                       struct paseto_space *work, struct token_space *space,
                                       struct verified_token *out) CARDEA_CHECKED;

#endif
