/* One GET over https, for the public keys of other issuers: the service's only way out.
 *
 * Decides: what may be fetched and how: https alone, TLS 1.2 or newer, the server's certificate and name verified
 * against the system's authorities or a file's; no redirect is followed, no proxy of the environment used, no .netrc,
 * cookies, other protocol or content coding; bounded time (to connect, and in all) and size, of the head too.
 * Refuses to decide: when to fetch and what the bytes are worth (daemon/key_source.h).
 *
 * libcurl is loaded when it is first needed: a process without an issuer by URL does not carry it and the libraries
 * behind it (a few megabytes). Where the program was built without its headers, https_available says so and the
 * configuration refuses URLs.
 *
 * Limits: the operator's environment still counts where OpenSSL looks at it (SSL_CERT_FILE). Names are resolved by the
 * system. Threading: https_open once, before any other thread calls; https_get from any thread, blocks.
 */
#ifndef DAEMON_HTTPS_GET_H
#define DAEMON_HTTPS_GET_H

#include "base/buf.h"
#include "cardea/status.h"

enum { HTTPS_TAG_MAX = 255, HTTPS_WHY_MAX = 256 };

struct https_request {
    const char *url;     /* https://… */
    const char *ca_file; /* "": the system's */
    const char *tag;     /* for If-None-Match; "": none */
    size_t body_max;
    int64_t connect_ms, total_ms;
    bool (*stopped)(void *context); /* asked about once a second; true ends it */
    void *context;
};

struct https_answer {
    int status;                  /* 200 or 304 */
    struct buf body;             /* on the heap; the caller clears it */
    int64_t max_age_s;           /* what is left of it; -1: not told */
    char tag[HTTPS_TAG_MAX + 1]; /* ETag; "": none */
};

/* Was the program built for it? */
bool https_available(void);
/* Load it. fails: E_UNAVAILABLE, with one sentence. */
struct cardea_status https_open(char why[HTTPS_WHY_MAX]) CARDEA_CHECKED;
/* fails: E_IO, with one sentence: no connection, a bad certificate, too slow, too large, any status but 200 and (with a
 * tag) 304. The caller clears out->body also then. */
struct cardea_status https_get(const struct https_request *r, struct https_answer *out,
                               char why[HTTPS_WHY_MAX]) CARDEA_CHECKED;

#endif
