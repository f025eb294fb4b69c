/* What `token verify` asks of a token beside its key: --issuer, --audience, --require, --leeway, --type, --alg.
 *
 * One reading for JWT (core/token_verifier.h) and PASETO (cli/token_paseto.h). What is not said is not allowed: whoever
 * wants to accept any issuer or audience says so.
 */
#ifndef CLI_TOKEN_RULES_H
#define CLI_TOKEN_RULES_H

#include "cli/command.h"
#include "core/token_verifier.h"

struct rule_set {
    struct view issuers[OPTIONS_MAX], audiences[OPTIONS_MAX], required[OPTIONS_MAX];
    struct token_rules rules; /* views into the lists */
};

/* fails (explained): EXIT_USAGE. */
enum exit_code rules_read(const struct context *c, struct rule_set *out) CARDEA_CHECKED;

/* What came out: on success the claims, else a sentence on stderr; with --json an object on stdout either way.
 * in: claims: exact JSON; footer NULL: none; kid, type: may be empty. */
struct verdict {
    struct cardea_status status;
    const char *reason; /* NULL: what the status says */
    const char *algorithm;
    struct view kid, type, claims;
    const struct view *footer;
};
enum exit_code verdict_show(const struct context *c, const struct verdict *v);

#endif
