/* protected_server JWKS-FILE ISSUER AUDIENCE [PORT]
 *
 * A libmicrohttpd server on 127.0.0.1 with one path that needs an access token: GET /hello with "Authorization: Bearer
 * TOKEN". It verifies in its own process; nobody is asked. Prints its port, and runs until it is stopped.
 *
 *     cc protected_server.c $(pkg-config --cflags --libs libcardea libmicrohttpd) -o protected_server
 */
#include "file.h"

#include <arpa/inet.h>
#include <cardea/cardea.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* The server has one thread; with a pool, each thread gets claims of its own. The verifier serves them all. */
struct protection {
    struct cardea_verifier *verifier;
    struct cardea_claims *claims;
};

/* The one bearer token of a request; NULL: none, or more than one way to read it. */
struct found_header {
    const char *value;
    int count;
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct found_header *found = context;

    (void)kind;
    if (strcasecmp(name, "Authorization") == 0) {
        found->value = value;
        found->count++;
    }
    return MHD_YES;
}

static const char *bearer_token(struct MHD_Connection *connection)
{
    struct found_header found = {NULL, 0};

    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &found);
    if (found.count != 1 || found.value == NULL || strncasecmp(found.value, "Bearer ", 7) != 0)
        return NULL;
    return found.value + 7;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    const struct protection *p = context;
    char text[512];

    (void)version, (void)upload, (void)upload_size, (void)state;
    if (strcmp(url, "/hello") != 0 || strcmp(method, "GET") != 0)
        return answer(connection, MHD_HTTP_NOT_FOUND, "nothing here\n");
    const char *token = bearer_token(connection);
    if (token == NULL)
        return answer(connection, MHD_HTTP_UNAUTHORIZED, "a token, please\n");
    struct cardea_status s = cardea_verify(p->verifier, cardea_text(token), time(NULL), p->claims);
    if (!cardea_ok(s)) /* 401, or 503 without memory: never a guess */
        return answer(connection, (unsigned)cardea_status_http(s), "not with this token\n");
    if (!cardea_claims_has(p->claims, "scope", "read"))
        return answer(connection, MHD_HTTP_FORBIDDEN, "not with this scope\n");
    snprintf(text, sizeof text, "hello %s\n", cardea_claims_subject(p->claims));
    return answer(connection, MHD_HTTP_OK, text);
}

static struct cardea_status set_up(struct cardea_bytes jwks, const char *issuer, const char *audience,
                                   struct protection *p)
{
    struct cardea_keys *keys = NULL;
    struct cardea_status s = cardea_keys_read(jwks, NULL, &keys);

    if (cardea_ok(s))
        s = cardea_verifier_new(&p->verifier);
    if (cardea_ok(s))
        s = cardea_verifier_add_keys(p->verifier, keys);
    if (cardea_ok(s))
        s = cardea_verifier_issuer(p->verifier, issuer);
    if (cardea_ok(s))
        s = cardea_verifier_audience(p->verifier, audience);
    if (cardea_ok(s))
        s = cardea_verifier_require(p->verifier, "sub");
    if (cardea_ok(s))
        s = cardea_claims_new(&p->claims);
    cardea_keys_free(keys); /* the verifier holds them */
    return s;
}

int main(int argc, char **argv)
{
    static char text[CARDEA_KEY_SET_TEXT_MAX];
    struct cardea_bytes jwks = argc == 4 || argc == 5 ? file_read(argv[1], text, sizeof text) : cardea_text(NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct protection p = {NULL, NULL};

    if (jwks.ptr == NULL) {
        fprintf(stderr, "usage: protected_server JWKS-FILE ISSUER AUDIENCE [PORT]\n");
        return 2;
    }
    struct cardea_status s = set_up(jwks, argv[2], argv[3], &p);
    if (!cardea_ok(s)) {
        fprintf(stderr, "protected_server: %s\n", cardea_status_title(s));
        return 1;
    }
    address.sin_port = htons((uint16_t)(argc == 5 ? atoi(argv[4]) : 0));
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, &p,
                                                 MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "protected_server: can not listen\n");
        return 1;
    }
    printf("%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    pause();
    MHD_stop_daemon(daemon);
    cardea_claims_free(p.claims);
    cardea_verifier_free(p.verifier);
    return 0;
}
