/* What do the credential texts cost beside the primitives in them? Parse with everything that proves the credential
 * (tag, digest and comparison, MAC), one thread, no look-up: the table has a benchmark of its own. */
#include "bench_keys.h"
#include "measure.h"

#include "core/credential.h"
#include "crypto/digest.h"

#include <openssl/evp.h>

enum { COUNT = 20000, TEXTS = 256 }; /* several texts, so that no branch learns one by heart */

static struct keyring keys;
static char cookies[TEXTS][SESSION_COOKIE_TEXT], refreshes[TEXTS][REFRESH_TOKEN_TEXT], api_keys[TEXTS][API_KEY_TEXT],
    csrfs[TEXTS][CSRF_TOKEN_TEXT];
static struct session_id sids[TEXTS];
static uint8_t digests[TEXTS][32], message[124];
static EVP_MD_CTX *md_context;
static EVP_MD *md;
static EVP_MAC_CTX *mac_context;

static void check(bool good)
{
    if (!good)
        exit(1);
}

static void session_cookie(size_t i)
{
    struct session_cookie c;

    bench_must(session_cookie_parse(&keys, view_of(cookies[i % TEXTS], SESSION_COOKIE_TEXT), &c));
    check(secret_matches(&c.secret, digests[i % TEXTS]));
}

static void api_key(size_t i)
{
    struct api_key k;

    bench_must(api_key_parse(&keys, view_of(api_keys[i % TEXTS], API_KEY_TEXT), &k));
    check(secret_matches(&k.secret, digests[i % TEXTS]));
}

static void refresh_token(size_t i)
{
    struct refresh_token t;

    bench_must(refresh_token_parse(&keys, view_of(refreshes[i % TEXTS], REFRESH_TOKEN_TEXT), &t));
}

static void csrf_token(size_t i)
{
    bench_must(csrf_token_check(&keys, sids[i % TEXTS], view_of(csrfs[i % TEXTS], CSRF_TOKEN_TEXT)));
}

static void sha256_ours(size_t i)
{
    uint8_t out[32];

    digest_sha256(digests[i % TEXTS], 32, out);
}

static void sha256_openssl(size_t i)
{
    uint8_t out[32];

    check(EVP_DigestInit_ex2(md_context, NULL, NULL) == 1 &&
          EVP_DigestUpdate(md_context, digests[i % TEXTS], 32) == 1 && EVP_DigestFinal_ex(md_context, out, NULL) == 1);
}

static void hmac_ours(size_t i)
{
    uint8_t out[32];

    message[0] = (uint8_t)i;
    mac_sha256(keys.refresh, (struct view[]){view_of(message, sizeof message)}, 1, out);
}

static void hmac_openssl(size_t i)
{
    uint8_t out[32];
    size_t len;

    message[0] = (uint8_t)i;
    check(EVP_MAC_init(mac_context, NULL, 0, NULL) == 1 && EVP_MAC_update(mac_context, message, sizeof message) == 1 &&
          EVP_MAC_final(mac_context, out, &len, sizeof out) == 1);
}

static void make_texts(void)
{
    for (size_t i = 0; i < TEXTS; i++) {
        struct session_cookie c;
        struct refresh_token t = {.generation = i + 1};
        struct api_key k;
        struct buf refresh = buf_fixed(refreshes[i], REFRESH_TOKEN_TEXT), key = buf_fixed(api_keys[i], API_KEY_TEXT);

        entropy_fill(entropy_system(), &c, sizeof c);
        entropy_fill(entropy_system(), &k, sizeof k);
        sids[i] = t.sid = c.sid;
        t.secret = k.secret = c.secret;
        secret_digest(&c.secret, digests[i]);
        session_cookie_format(&keys, &c, cookies[i]);
        refresh_token_format(&keys, &t, &refresh);
        api_key_format(&keys, &k, &key);
        csrf_token_format(&keys, c.sid, entropy_system(), csrfs[i]);
    }
}

static void make_bare(void)
{
    char name[] = "SHA256";
    uint8_t key[32] = {1};
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    md = EVP_MD_fetch(NULL, "SHA256", NULL);
    md_context = EVP_MD_CTX_new();
    mac_context = EVP_MAC_CTX_new(mac);
    check(EVP_DigestInit_ex2(md_context, md, NULL) == 1 && EVP_MAC_init(mac_context, key, sizeof key, params) == 1);
    EVP_MAC_free(mac); /* the context holds it */
}

int main(int argc, char **argv)
{
    measure_arguments(argc, argv);
    bench_keyring(&keys);
    make_bare();
    make_texts();
    measure_side_by_side("SHA-256 of 32 bytes", sha256_ours, "EVP, context kept", sha256_openssl, COUNT, 1.0);
    measure_side_by_side("HMAC-SHA256 of 124 bytes", hmac_ours, "EVP_MAC, context kept", hmac_openssl, COUNT, 1.0);
    measure_side_by_side("session cookie: parse, digest, compare", session_cookie, "SHA-256 of 32 bytes", sha256_ours,
                         COUNT, 0);
    measure_side_by_side("API key: parse, digest, compare", api_key, "SHA-256 of 32 bytes", sha256_ours, COUNT, 0);
    measure_side_by_side("refresh token: parse with its MAC", refresh_token, "HMAC-SHA256 of 124 bytes", hmac_ours,
                         COUNT, 0);
    measure_side_by_side("CSRF token: check", csrf_token, "HMAC-SHA256 of 124 bytes", hmac_ours, COUNT, 0);
    EVP_MAC_CTX_free(mac_context);
    EVP_MD_CTX_free(md_context);
    EVP_MD_free(md);
    return 0;
}
