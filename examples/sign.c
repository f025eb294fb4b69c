/* sign new ALGORITHM                                   print a new private key, as a JWK: keep it secret
 * sign public KEY-FILE                                 print its public half, as a JWKS for verifiers
 * sign token KEY-FILE ISSUER SUBJECT AUDIENCE SECONDS  print an access token (RFC 9068)
 *
 * Exit status 0: done; 1: not; 2: wrong usage.
 *
 *     cc sign.c $(pkg-config --cflags --libs libcardea) -o sign
 */
#include "file.h"

#include <cardea/cardea.h>
#include <stdlib.h>
#include <time.h>

static char out[CARDEA_TOKEN_MAX + 1];
static size_t len;

static struct cardea_status sign(const struct cardea_key *key, char **arguments)
{
    struct cardea_statement *statement = NULL;
    struct cardea_status s = cardea_statement_new(&statement);

    if (cardea_ok(s))
        s = cardea_statement_access_token(statement, arguments[0], arguments[1], arguments[2], "example", time(NULL),
                                          atoi(arguments[3]));
    if (cardea_ok(s))
        s = cardea_statement_text(statement, "scope", "read write");
    if (cardea_ok(s))
        s = cardea_sign(key, "at+jwt", statement, out, sizeof out, &len);
    cardea_statement_free(statement);
    return s;
}

static struct cardea_status with_key(struct cardea_bytes jwk, const char *what, char **arguments)
{
    struct cardea_key *key = NULL;
    struct cardea_status s = cardea_key_read_jwk(jwk, NULL, &key);

    if (cardea_ok(s) && strcmp(what, "token") == 0) {
        s = sign(key, arguments);
    } else if (cardea_ok(s)) {
        const struct cardea_key *keys[] = {key};
        s = cardea_keys_write(keys, 1, out, sizeof out, &len);
    }
    cardea_key_free(key);
    return s;
}

int main(int argc, char **argv)
{
    static char text[CARDEA_KEY_TEXT_MAX];
    const char *what = argc > 2 ? argv[1] : "";
    struct cardea_status s;

    if (argc == 3 && strcmp(what, "new") == 0) {
        s = cardea_key_generate(argv[2], NULL, out, sizeof out, &len);
    } else if ((argc == 3 && strcmp(what, "public") == 0) || (argc == 7 && strcmp(what, "token") == 0)) {
        s = with_key(file_read(argv[2], text, sizeof text), what, argv + 3);
    } else {
        fprintf(stderr,
                "usage: sign new ALGORITHM | public KEY-FILE | token KEY-FILE ISSUER SUBJECT AUDIENCE SECONDS\n");
        return 2;
    }
    if (cardea_ok(s))
        printf("%s\n", out);
    else
        fprintf(stderr, "sign: %s\n", cardea_status_title(s));
    return cardea_ok(s) ? 0 : 1;
}
