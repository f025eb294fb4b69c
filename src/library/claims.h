/* What a verification leaves behind: filled by verifier.c, read by claims.c. */
#ifndef LIBRARY_CLAIMS_H
#define LIBRARY_CLAIMS_H

#include "cardea/verifier.h"
#include "core/token_paseto.h"

struct cardea_claims {
    bool verified;
    const char *algorithm;
    char key_id[CARDEA_KEY_ID_MAX + 1];
    char type[CARDEA_VERIFIER_TEXT_MAX + 1];
    struct verified_token token;
    struct token_space space;
    struct paseto_space work;
};

#endif
