/* PASETO v4 for `token verify`: keys as PASERK, claims by the same rules as a JWT's.
 *
 * What is checked, in this order: form, signature or tag, the footer and implicit assertion where --footer and
 * --implicit name them (core/paseto.h); the message, one JSON object, strictly read; iss and aud (one string each) by
 * the rules, required claims, no cnf; exp, always required, iat and nbf, in RFC 3339. Times come last, so that
 * E_EXPIRED means that nothing else was wrong.
 */
#ifndef CLI_TOKEN_PASETO_H
#define CLI_TOKEN_PASETO_H

#include "cli/key_file.h"
#include "cli/token_rules.h"

/* in: f is of KEY_FORM_PASERK. Answers with the exit code of the verdict, shown. */
enum exit_code token_paseto_verify(const struct context *c, const struct key_file *f, const struct token_rules *r,
                                   struct view text);

#endif
