/* What the tests of libcardea share: keys of every algorithm, made by the library itself, and tokens. They see the
 * public headers alone, as a program does that links the library. */
#ifndef UNIT_LIBRARY_HELP_H
#define UNIT_LIBRARY_HELP_H

#include "check.h"

#include "cardea/cardea.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "https://id.example.com"
#define AUDIENCE "https://api.example.com"

enum { ROOM = CARDEA_TOKEN_MAX + 1 };

static const int64_t now_s = 1800000000;
static const char *const algorithms[] = {"HS256", "HS384", "HS512", "RS256", "PS256",
                                         "ES256", "ES384", "ES512", "EdDSA", "Ed448"};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

/* A new key, which the caller frees. */
static inline struct cardea_key *new_key(const char *algorithm, const char *id)
{
    static char text[4096];
    struct cardea_key *k = NULL;
    size_t len;

    assert_ok(cardea_key_generate(algorithm, id, text, sizeof text, &len));
    assert_ok(cardea_key_read_jwk(cardea_bytes(text, len), NULL, &k));
    return k;
}

/* An access token for alice, good for a minute from now_s. */
static inline struct cardea_bytes new_token(const struct cardea_key *k)
{
    static char text[ROOM];
    struct cardea_statement *s = NULL;
    size_t len;

    assert_ok(cardea_statement_new(&s));
    assert_ok(cardea_statement_access_token(s, ISSUER, "alice", AUDIENCE, "web", now_s, 60));
    assert_ok(cardea_sign(k, "at+jwt", s, text, sizeof text, &len));
    cardea_statement_free(s);
    return cardea_bytes(text, len);
}

/* A verifier of tokens as new_token makes them; the caller adds keys, and frees it. */
static inline struct cardea_verifier *new_verifier(void)
{
    struct cardea_verifier *v = NULL;

    assert_ok(cardea_verifier_new(&v));
    assert_ok(cardea_verifier_issuer(v, ISSUER));
    assert_ok(cardea_verifier_audience(v, AUDIENCE));
    return v;
}

#endif
