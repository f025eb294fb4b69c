/* The primitives that touch secrets: comparing, MACs, derivation, encryption, signing. Each secret is marked as
 * uninitialised first; memcheck then reports every branch and every address that depends on it. At the end a comparison
 * that leaks on purpose must be reported, or nothing here meant anything. */
#include "base/secret.h"
#include "core/paseto.h"
#include "crypto/aead.h"
#include "crypto/agreement.h"
#include "crypto/mac.h"
#include "crypto/random.h"

#include "ct.h"

static void comparing(void)
{
    for (size_t len = 0; len < 70; len += 7) {
        uint8_t a[70] = {0}, b[70] = {0};
        unsigned long before = VALGRIND_COUNT_ERRORS;
        hide(a, sizeof a);
        bool same = secret_equal(a, b, len);
        show(&same, sizeof same);
        expect_errors("secret_equal", before, false);
        ct_failed += !same;
    }
}

static void macs(void)
{
    uint8_t key[32] = {1}, out[32], tag8[8];
    unsigned long before = VALGRIND_COUNT_ERRORS;
    struct tag_key t = {{2}};

    hide(key, sizeof key);
    struct mac_key *k = mac_key_new(key);
    mac_sha256(k, &VIEW("message"), 1, out);
    mac_key_free(k);
    expect_errors("mac_sha256", before, false);
    hide(&t, sizeof t);
    tag_siphash(&t, "message", 7, tag8);
    expect_errors("tag_siphash", before, false);
    blake2b_mac(key, &VIEW("message"), 1, out);
    expect_errors("blake2b_mac", before, false);
}

static void encryption(void)
{
    uint8_t key[32] = {1}, nonce[24] = {0}, derived[56], message[100] = {0};
    unsigned long before = VALGRIND_COUNT_ERRORS;

    hide(key, sizeof key);
    hide(message, sizeof message);
    struct split_key *k = split_key_new(key);
    split_key_derive(k, VIEW("label"), VIEW("nonce"), derived, sizeof derived);
    split_key_free(k);
    expect_errors("split_key_derive", before, false);
    xchacha20_xor(derived, nonce, message, sizeof message);
    expect_errors("xchacha20_xor", before, false);
}

/* Keys and plain text of JWE's content encryptions; of derived keys, the secret that they come from. */
static void sealing(void)
{
    uint8_t key[AEAD_KEY_MAX] = {1}, iv[AEAD_IV_MAX] = {0}, plain[100] = {0}, sealed[128], tag[AEAD_TAG_MAX];
    struct aead_key *k = NULL;

    hide(key, sizeof key);
    hide(plain, sizeof plain);
    for (enum aead a = AEAD_A128GCM; a < AEAD_COUNT; a++) {
        struct aead_message m = {view_of(iv, aead_iv_len(a)), VIEW("header"), view_of(plain, sizeof plain), VIEW_EMPTY};
        unsigned long before = VALGRIND_COUNT_ERRORS;
        ct_failed += !cardea_ok(aead_key_new(a, view_of(key, aead_key_len(a)), &k));
        ct_failed += !cardea_ok(aead_seal(k, &m, sealed, tag));
        aead_key_free(k);
        expect_errors(aead_name(a), before, false);
    }
    unsigned long before = VALGRIND_COUNT_ERRORS;
    concat_kdf(view_of(key, 32), VIEW("A256GCM"), VIEW("Alice"), VIEW("Bob"), sealed, 64);
    expect_errors("concat_kdf", before, false);
}

static void signing(void)
{
    uint8_t seed[32] = {1}, signature[64];
    unsigned long before = VALGRIND_COUNT_ERRORS;

    hide(seed, sizeof seed);
    struct ed25519_secret *k = ed25519_secret_new(seed);
    ed25519_sign(k, VIEW("message"), signature);
    ed25519_secret_free(k);
    expect_errors("ed25519_sign", before, false);
}

static void a_leak_is_noticed(void)
{
    uint8_t secret[32] = {0};
    volatile int found = 0;
    unsigned long before = VALGRIND_COUNT_ERRORS;

    hide(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        if (((volatile uint8_t *)secret)[i] != 0)
            found = 1;
    (void)found;
    expect_errors("a comparison that leaks on purpose", before, true);
}

int main(void)
{
    if (RUNNING_ON_VALGRIND == 0) {
        puts("skipped: not under valgrind");
        return 77;
    }
    if (!cardea_ok(crypto_start()))
        return 1;
    comparing();
    macs();
    encryption();
    sealing();
    signing();
    a_leak_is_noticed();
    return ct_failed == 0 ? 0 : 1;
}
