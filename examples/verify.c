/* verify JWKS-FILE ISSUER AUDIENCE TOKEN
 *
 * Verify an access token (RFC 9068) under the keys of its issuer and say whose it is. Exit status 0: it holds; 1: it
 * does not; 2: wrong usage.
 *
 *     cc verify.c $(pkg-config --cflags --libs libcardea) -o verify
 */
#include "file.h"

#include <cardea/cardea.h>
#include <time.h>

int main(int argc, char **argv)
{
    static char text[CARDEA_KEY_SET_TEXT_MAX];
    struct cardea_bytes jwks = argc == 5 ? file_read(argv[1], text, sizeof text) : cardea_text(NULL);
    if (jwks.ptr == NULL) {
        fprintf(stderr, "usage: verify JWKS-FILE ISSUER AUDIENCE TOKEN\n");
        return 2;
    }
    const char *issuer = argv[2], *audience = argv[3], *token = argv[4];

    struct cardea_keys *keys = NULL;
    struct cardea_verifier *verifier = NULL;
    struct cardea_claims *claims = NULL;
    bool ready = cardea_ok(cardea_keys_read(jwks, NULL, &keys)) && cardea_ok(cardea_verifier_new(&verifier)) &&
                 cardea_ok(cardea_verifier_add_keys(verifier, keys)) &&
                 cardea_ok(cardea_verifier_issuer(verifier, issuer)) &&
                 cardea_ok(cardea_verifier_audience(verifier, audience)) &&
                 cardea_ok(cardea_verifier_require(verifier, "sub")) && cardea_ok(cardea_claims_new(&claims));
    bool good = ready && cardea_ok(cardea_verify(verifier, cardea_text(token), time(NULL), claims));

    if (good)
        printf("%s\n", cardea_claims_subject(claims));
    cardea_claims_free(claims);
    cardea_verifier_free(verifier);
    cardea_keys_free(keys);
    return good ? 0 : 1;
}
