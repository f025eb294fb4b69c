/* What a verification leaves behind: filled by verifier.c, read by claims.c. */
#ifndef LIBRARY_CLAIMS_H
#define LIBRARY_CLAIMS_H

#include "cardea/verifier.h"
#include "core/token_verifier.h"

struct cardea_claims {
    bool verified;
    char type[CARDEA_VERIFIER_TEXT_MAX + 1];
    struct verified_token token;
    struct token_space space;
};

#endif
