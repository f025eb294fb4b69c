#include "crypto/pem.h"

#include "base/secret.h"
#include "crypto/pkey.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* One block, decoded; the label decides how it is read, never the bytes. */
struct block {
    const char *label;
    const unsigned char *der;
    long len;
};

/* Each reads the whole of the DER, or answers NULL. */
static EVP_PKEY *read_pkcs8(const struct block *b)
{
    const unsigned char *p = b->der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, b->len);
    EVP_PKEY *pkey = info != NULL && p == b->der + b->len ? EVP_PKCS82PKEY(info) : NULL;

    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

static EVP_PKEY *whole(EVP_PKEY *pkey, const unsigned char *end, const struct block *b)
{
    if (pkey != NULL && end == b->der + b->len)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static EVP_PKEY *read_spki(const struct block *b)
{
    const unsigned char *p = b->der;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, b->len);

    return whole(pkey, p, b);
}

static EVP_PKEY *read_rsa_private(const struct block *b)
{
    const unsigned char *p = b->der;
    EVP_PKEY *pkey = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, b->len);

    return whole(pkey, p, b);
}

static EVP_PKEY *read_ec_private(const struct block *b)
{
    const unsigned char *p = b->der;
    EVP_PKEY *pkey = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, b->len);

    return whole(pkey, p, b);
}

static EVP_PKEY *read_rsa_public(const struct block *b)
{
    const unsigned char *p = b->der;
    EVP_PKEY *pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, b->len);

    return whole(pkey, p, b);
}

static EVP_PKEY *read_certificate(const struct block *b)
{
    const unsigned char *p = b->der;
    X509 *certificate = d2i_X509(NULL, &p, b->len);
    EVP_PKEY *pkey = certificate != NULL && p == b->der + b->len ? X509_get_pubkey(certificate) : NULL;

    X509_free(certificate);
    return pkey;
}

static const struct {
    const char *label;
    EVP_PKEY *(*read)(const struct block *b);
    bool secret;
} readers[] = {
    {PEM_STRING_PKCS8INF, read_pkcs8, true},          {PEM_STRING_PUBLIC, read_spki, false},
    {PEM_STRING_RSA, read_rsa_private, true},         {PEM_STRING_RSA_PUBLIC, read_rsa_public, false},
    {PEM_STRING_ECPRIVATEKEY, read_ec_private, true}, {PEM_STRING_X509, read_certificate, false},
};

static bool read_block(const struct block *b, struct raw_key *out)
{
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (strcmp(b->label, readers[i].label) != 0)
            continue;
        EVP_PKEY *pkey = readers[i].read(b);
        bool good = pkey != NULL && pkey_to_raw(pkey, readers[i].secret, out);
        EVP_PKEY_free(pkey);
        return good;
    }
    return false;
}

/* The next block that is not skipped. False: there is none, or it can not be decoded; *ret_end tells which. */
static bool next_block(BIO *in, char **label, unsigned char **der, long *len, bool *ret_end)
{
    char *header = NULL;

    for (;;) {
        *label = NULL;
        *der = NULL;
        header = NULL;
        if (PEM_read_bio(in, label, &header, der, len) != 1) {
            *ret_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
            return false;
        }
        bool plain = header[0] == '\0'; /* "Proc-Type: 4,ENCRYPTED" stands here */
        OPENSSL_free(header);
        if (!plain) {
            *ret_end = false;
            OPENSSL_free(*label);
            OPENSSL_clear_free(*der, (size_t)*len);
            return false;
        }
        if (strcmp(*label, PEM_STRING_ECPARAMETERS) != 0)
            return true;
        OPENSSL_free(*label);
        OPENSSL_free(*der);
    }
}

static bool read_all(BIO *in, struct raw_key *out)
{
    struct block b = {.len = 0};
    char *label;
    unsigned char *der;
    bool end = false, good = false;

    if (!next_block(in, &label, &der, &b.len, &end))
        return false;
    b.label = label;
    b.der = der;
    good = read_block(&b, out);
    OPENSSL_free(label);
    OPENSSL_clear_free(der, (size_t)b.len);
    if (next_block(in, &label, &der, &b.len, &end)) {
        OPENSSL_free(label);
        OPENSSL_clear_free(der, (size_t)b.len);
        return false;
    }
    return good && end;
}

struct cardea_status pem_read(struct view text, struct raw_key *out)
{
    struct raw_key k;

    if (text.len > PEM_TEXT_MAX)
        return CARDEA_FAIL(E_TOO_LARGE);
    if (text.len == 0)
        return CARDEA_FAIL(E_INVALID_FIELD);
    BIO *in = BIO_new_mem_buf(text.ptr, (int)text.len);
    if (in == NULL)
        return pkey_fail(CARDEA_E_BUSY);
    ERR_clear_error();
    bool good = read_all(in, &k);
    BIO_free(in);
    if (good)
        *out = k;
    raw_key_clear(&k);
    return good ? pkey_fail(CARDEA_OK) : pkey_fail(CARDEA_E_INVALID_FIELD);
}

struct cardea_status pkcs8_read(struct view der, struct raw_key *out)
{
    struct block b = {PEM_STRING_PKCS8INF, (const unsigned char *)der.ptr, (long)der.len};
    struct raw_key k;

    if (der.len > PKCS8_MAX)
        return CARDEA_FAIL(E_TOO_LARGE);
    bool good = der.len > 0 && read_block(&b, &k);
    if (good)
        *out = k;
    raw_key_clear(&k);
    return pkey_fail(good ? CARDEA_OK : CARDEA_E_INVALID_FIELD);
}

/* Ed25519 and X25519 are no keys of OpenSSL's for pkey_from_raw: made here, their point looked at by who uses them. */
static EVP_PKEY *montgomery_or_edwards(const struct raw_key *k, bool secret)
{
    int id = k->curve == RAW_CURVE_ED25519 ? EVP_PKEY_ED25519 : EVP_PKEY_X25519;
    struct view bytes = raw_key_part(k, secret ? RAW_KEY_D : RAW_KEY_X);

    if (secret)
        return EVP_PKEY_new_raw_private_key(id, NULL, (const uint8_t *)bytes.ptr, bytes.len);
    return EVP_PKEY_new_raw_public_key(id, NULL, (const uint8_t *)bytes.ptr, bytes.len);
}

struct cardea_status pem_write(const struct raw_key *k, bool secret, struct buf *out)
{
    bool own = k->type == RAW_KEY_OKP && k->curve != RAW_CURVE_ED448;
    EVP_PKEY *pkey = own ? montgomery_or_edwards(k, secret) : pkey_from_raw(k, secret);
    BIO *text = BIO_new(secret ? BIO_s_secmem() : BIO_s_mem());
    struct cardea_status s = CARDEA_FAIL(E_INVALID_FIELD);
    char *bytes = NULL;

    if (pkey != NULL && text != NULL &&
        (secret ? PEM_write_bio_PKCS8PrivateKey(text, pkey, NULL, NULL, 0, NULL, NULL)
                : PEM_write_bio_PUBKEY(text, pkey)) == 1) {
        long len = BIO_get_mem_data(text, &bytes);
        buf_put(out, view_of(bytes, (size_t)len));
        if (secret)
            secret_wipe(bytes, (size_t)len);
        s = buf_ok(out) ? CARDEA_SUCCESS : CARDEA_FAIL(E_TOO_LARGE);
    }
    BIO_free(text);
    EVP_PKEY_free(pkey);
    return pkey_fail(s.code);
}
