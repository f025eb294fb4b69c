/* PASETO v4 for `token verify`: keys as PASERK, claims by the same rules as a JWT's (core/token_paseto.h); the footer
 * and the implicit assertion must be what --footer and --implicit name.
 */
#ifndef CLI_TOKEN_PASETO_H
#define CLI_TOKEN_PASETO_H

#include "cli/key_file.h"
#include "cli/token_rules.h"

/* in: f is of KEY_FORM_PASERK. Answers with the exit code of the verdict, shown. */
enum exit_code token_paseto_verify(const struct context *c, const struct key_file *f, const struct token_rules *r,
                                   struct view text);

#endif
