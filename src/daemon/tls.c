#include "daemon/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAIN_MAX = 16 };

const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-AES-128-CBC:-AES-256-CBC:"
                              "-AES-128-CCM:-AES-256-CCM:%SERVER_PRECEDENCE";

struct identity {
    struct identity *older;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
};

static struct identity *_Atomic shown;

static void identity_free(struct identity *i)
{
    for (unsigned n = 0; n < i->count; n++)
        gnutls_pcert_deinit(&i->chain[n]);
    if (i->key != NULL)
        gnutls_privkey_deinit(i->key);
    free(i);
}

static int load_chain(struct identity *i, const gnutls_datum_t *pem)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    int r = gnutls_x509_crt_list_import2(&list, &count, pem, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
    if (r < 0)
        return r;
    if (count > CHAIN_MAX)
        r = GNUTLS_E_CERTIFICATE_LIST_UNSORTED;
    for (unsigned n = 0; n < count; n++) {
        if (r >= 0)
            r = gnutls_pcert_import_x509(&i->chain[n], list[n], 0);
        if (r >= 0)
            i->count = n + 1;
        gnutls_x509_crt_deinit(list[n]);
    }
    gnutls_free(list);
    return r;
}

static int load_key(struct identity *i, const gnutls_datum_t *pem)
{
    int r = gnutls_privkey_init(&i->key);
    return r < 0 ? r : gnutls_privkey_import_x509_raw(i->key, pem, GNUTLS_X509_FMT_PEM, NULL, 0);
}

/* A key of another certificate would fail every handshake: find out now. */
static int check_pair(const struct identity *i)
{
    unsigned char ours[64], theirs[64];
    size_t our_len = sizeof ours, their_len = sizeof theirs;
    gnutls_pubkey_t public = NULL;
    int r = gnutls_pubkey_init(&public);
    if (r >= 0)
        r = gnutls_pubkey_import_privkey(public, i->key, 0, 0);
    if (r >= 0)
        r = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, ours, &our_len);
    if (r >= 0)
        r = gnutls_pubkey_get_key_id(i->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, theirs, &their_len);
    if (public != NULL)
        gnutls_pubkey_deinit(public);
    if (r < 0)
        return r;
    bool same = our_len == their_len;
    for (size_t n = 0; same && n < our_len; n++)
        same = ours[n] == theirs[n];
    return same ? 0 : GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
}

static int load_file(struct identity *i, const char *path, int (*load)(struct identity *, const gnutls_datum_t *))
{
    gnutls_datum_t pem = {NULL, 0};
    int r = gnutls_load_file(path, &pem);
    if (r < 0)
        return r;
    r = load(i, &pem);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return r;
}

struct cardea_status tls_identity_load(const char *cert_path, const char *key_path, char *message, size_t message_cap)
{
    struct identity *i = calloc(1, sizeof *i);
    if (i == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    const char *path = cert_path;
    int r = load_file(i, cert_path, load_chain);
    if (r >= 0) {
        path = key_path;
        r = load_file(i, key_path, load_key);
    }
    if (r >= 0)
        r = check_pair(i);
    if (r < 0) {
        snprintf(message, message_cap, "%s can not be used: %s", path, gnutls_strerror(r));
        identity_free(i);
        return CARDEA_FAIL(E_IO);
    }
    i->older = atomic_load_explicit(&shown, memory_order_relaxed);
    atomic_store_explicit(&shown, i, memory_order_release);
    return CARDEA_SUCCESS;
}

void tls_identity_clear(void)
{
    struct identity *i = atomic_exchange_explicit(&shown, NULL, memory_order_acquire);
    while (i != NULL) {
        struct identity *older = i->older;
        identity_free(i);
        i = older;
    }
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *req_ca_dn, int nreqs,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
                    unsigned *count, gnutls_privkey_t *key)
{
    (void)session;
    (void)req_ca_dn;
    (void)nreqs;
    (void)algorithms;
    (void)algorithm_count;
    struct identity *i = atomic_load_explicit(&shown, memory_order_acquire);
    if (i == NULL)
        return -1;
    *chain = i->chain;
    *count = i->count;
    *key = i->key;
    return 0;
}

void *tls_identity_callback(void)
{
    gnutls_certificate_retrieve_function2 *f = retrieve;
    return (void *)(uintptr_t)f;
}
