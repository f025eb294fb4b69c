/* The formats of access tokens: every JWS algorithm, PASETO v4.public and v4.local.
 *
 * Decides: which formats exist and what each is called in the configuration, in the store and in answers. Refuses to
 * decide: which application has which (core/settings.h), and what a token of a format looks like (core/access_token.h).
 *
 * The JWS formats are the algorithms of crypto/signature.h and have their numbers. Their names are those of a token's
 * header, but for Ed448: "EdDSA" is Ed25519 here, as almost everywhere, and "Ed448" says EdDSA in its tokens.
 *
 * A symmetric format (HS*, v4.local) is one whose key makes tokens as well as it checks them: such a key never leaves
 * the service, so nobody but the service can verify.
 */
#ifndef CORE_TOKEN_FORMAT_H
#define CORE_TOKEN_FORMAT_H

#include "crypto/signature.h"

enum token_format {
    TOKEN_FORMAT_UNSET = 0,
    TOKEN_ES256 = SIGNATURE_ES256,
    TOKEN_ES384 = SIGNATURE_ES384,
    TOKEN_ES512 = SIGNATURE_ES512,
    TOKEN_RS256 = SIGNATURE_RS256,
    TOKEN_RS384 = SIGNATURE_RS384,
    TOKEN_RS512 = SIGNATURE_RS512,
    TOKEN_PS256 = SIGNATURE_PS256,
    TOKEN_PS384 = SIGNATURE_PS384,
    TOKEN_PS512 = SIGNATURE_PS512,
    TOKEN_HS256 = SIGNATURE_HS256,
    TOKEN_HS384 = SIGNATURE_HS384,
    TOKEN_HS512 = SIGNATURE_HS512,
    TOKEN_ED25519 = SIGNATURE_ED25519,
    TOKEN_ED448 = SIGNATURE_ED448,
    TOKEN_V4_PUBLIC = SIGNATURE_COUNT,
    TOKEN_V4_LOCAL,
    TOKEN_FORMATS,
};

/* A set of formats: bit f. */
typedef uint32_t token_formats;
_Static_assert(TOKEN_FORMATS <= 32, "a set of formats is one word");

static inline token_formats token_format_bit(enum token_format f)
{
    return (token_formats)1 << f;
}

/* "ES256", "EdDSA", "Ed448", "v4.public"; "" for UNSET and what no enum names. */
const char *token_format_name(enum token_format f);
/* Exact, case and all; UNSET otherwise. */
enum token_format token_format_parse(struct view name);
/* The algorithm of a JWS format; UNSET for PASETO. */
enum signature_algorithm token_format_algorithm(enum token_format f);
bool token_format_symmetric(enum token_format f);
/* Does drawing a key take tenths of a second and more? */
bool token_format_slow(enum token_format f);

#endif
