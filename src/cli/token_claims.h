/* Claims from the command line: --claims FILE or -, --claim NAME=TEXT or NAME:=JSON, --expires-in DURATION.
 *
 * What comes out is one JSON object, strictly read, no name twice, with exp (after --expires-in, 15 minutes where
 * nothing is said), iat and jti where they were not given: a token without an end is not made.
 */
#ifndef CLI_TOKEN_CLAIMS_H
#define CLI_TOKEN_CLAIMS_H

#include "cli/command.h"

enum { CLAIMS_TEXT_MAX = 12288 };

/* In which form times are written. */
enum claims_form { CLAIMS_UNSET = 0, CLAIMS_JWT, CLAIMS_PASETO };

/* Were any asked for? */
bool claims_given(const struct context *c);
/* Append the object to out. fails (explained): EXIT_USAGE; EXIT_FAILED. */
enum exit_code claims_build(const struct context *c, enum claims_form form, struct buf *out) CARDEA_CHECKED;

#endif
