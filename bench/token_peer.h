/* Other C libraries that verify tokens, as Debian packages them, each asked for the same: signature, algorithm, issuer,
 * audience, exp and nbf; the key parsed once where the library can keep it. One file a library, because two of them
 * call a type of theirs jwt_t, and none of our JSON here, because jansson has names that ours has.
 */
#ifndef BENCH_TOKEN_PEER_H
#define BENCH_TOKEN_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What a peer gets: valid until it is cleared. */
struct peer_input {
    const char *algorithm;
    const char *jwk, *pem; /* NUL-terminated; of a secret jwk alone */
    const unsigned char *secret;
    size_t secret_len;
    const char *token; /* NUL-terminated */
    size_t token_len;
    const char *issuer, *audience;
    int64_t now_s;
};

struct token_peer {
    const char *name;
    bool (*prepare)(const struct peer_input *in); /* false: it has not this algorithm */
    bool (*verify)(void);
    void (*clear)(void);
};

/* Does jansson take this text, duplicates refused? */
bool jansson_reads(const char *text, size_t len);

extern const struct token_peer peer_cjose, peer_libjwt, peer_rhonabwy;

#endif
