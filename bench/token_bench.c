/* What does verifying a token cost beside the bare primitive, and beside other libraries?
 *
 *     token_bench [--json] [--tokens FILE] [ALGORITHM…]
 *
 * Two of our own, both whole (form, header, key, algorithm, signature, claims, issuer, audience, times): "library" is
 * the generic verifier (core/token_verifier.h) with the token of DESIGN section 14; "service" an access token of the
 * installation's own, which is longer. Each is held against the floor over its own bytes: the primitive with the hash
 * of the signing input, everything kept ready. Peers verify the library's token. All take turns in one thread.
 *
 * --tokens: also write keys and tokens, as JSON, for bench/token_peers.mjs.
 * Built with COUNT_ALLOCATIONS it tells instead how often each asks for memory.
 */
#include "bench_keys.h"
#include "measure.h"

#include "base/text.h"
#include "token_case.h"
#include "token_peer.h"

#ifdef COUNT_ALLOCATIONS
#include "../tests/unit/alloc_count.h"
#endif

static const enum signature_algorithm algorithms[] = {SIGNATURE_HS256, SIGNATURE_RS256, SIGNATURE_PS256,
                                                      SIGNATURE_ES256, SIGNATURE_ED25519};
static const struct token_peer *const peers[] = {&peer_libjwt, &peer_cjose, &peer_rhonabwy};
enum { ALGORITHMS = 5, PEERS = 3 };

static struct token_case subject_case;
static struct token_floor own_floor, floor_of_library;
static struct token_space space;
static const struct token_peer *at_peer[PEERS];

static void run_library(size_t i)
{
    (void)i;
    token_case_verify(&subject_case, &space);
}

static void run_floor(size_t i)
{
    (void)i;
    token_floor_verify(&floor_of_library);
}

static void run_service(size_t i)
{
    (void)i;
    token_case_verify_own(&subject_case);
}

static void run_peer(const struct token_peer *p)
{
    if (p->verify())
        return;
    (void)fprintf(stderr, "token_bench: %s refuses a good %s token\n", p->name, subject_case.name);
    exit(1);
}

static void run_peer_0(size_t i)
{
    (void)i;
    run_peer(at_peer[0]);
}

static void run_peer_1(size_t i)
{
    (void)i;
    run_peer(at_peer[1]);
}

static void run_peer_2(size_t i)
{
    (void)i;
    run_peer(at_peer[2]);
}

static size_t prepare_peers(void)
{
    const struct peer_input in = {.algorithm = subject_case.name,
                                  .jwk = subject_case.jwk,
                                  .pem = subject_case.pem,
                                  .secret = subject_case.secret,
                                  .secret_len = sizeof subject_case.secret,
                                  .token = subject_case.text,
                                  .token_len = subject_case.token.len,
                                  .issuer = CASE_ISSUER,
                                  .audience = CASE_AUDIENCE,
                                  .now_s = subject_case.now_s};
    size_t count = 0;

    for (size_t i = 0; i < PEERS; i++)
        if (peers[i]->prepare(&in))
            at_peer[count++] = peers[i];
        else
            peers[i]->clear();
    return count;
}

static measured *const run_peers[PEERS] = {run_peer_0, run_peer_1, run_peer_2};

static const char *row(const char *what)
{
    static char name[128];

    (void)snprintf(name, sizeof name, "%s %s", subject_case.name, what);
    return name;
}

#ifdef COUNT_ALLOCATIONS

static size_t count_of(measured *f)
{
    f(0); /* what is asked for once */
    size_t before = alloc_count;
    f(1);
    return alloc_count - before;
}

/* What a primitive asks for inside OpenSSL is not ours. */
static void tell_ours(const char *who, measured *f, size_t bare)
{
    figure_print(&(struct figure){.name = row(who),
                                  .value = (double)count_of(f) - (double)bare,
                                  .unit = "allocations",
                                  .goal_is = GOAL_NONE_AT_ALL});
}

static void tell(void)
{
    size_t count = prepare_peers(), bare = count_of(run_floor);

    tell_ours("verify, library, more than the primitive", run_library, bare);
    tell_ours("verify, service, more than the primitive", run_service, bare);
    for (size_t i = 0; i < count; i++) {
        char who[64];
        (void)snprintf(who, sizeof who, "verify, %s", at_peer[i]->name);
        figure_print(
            &(struct figure){.name = row(who), .value = (double)count_of(run_peers[i]), .unit = "allocations"});
        at_peer[i]->clear();
    }
}

static void tell_readers(void)
{
}

#else

static void run_own_floor(size_t i)
{
    (void)i;
    token_floor_verify(&own_floor);
}

static void run_openssl_ed25519(size_t i)
{
    (void)i;
    token_floor_verify_openssl_ed25519(&floor_of_library);
}

static void run_sign(size_t i)
{
    subject_case.claims.epoch = 1 + (int64_t)i;
    token_case_sign_own(&subject_case);
}

static void run_sign_floor(size_t i)
{
    (void)i;
    token_floor_sign(&own_floor);
}

/* HS256: at most a fifth of the faster of libjwt and cjose; else, not slower than any. */
static void tell_peers(const struct subject *library, const struct subject *others, size_t count)
{
    const struct subject *best = NULL;

    for (size_t i = 0; i < count; i++) {
        figure_beside(row("verify, library"), library, &others[i], 1.00);
        if (strcmp(others[i].name, "rhonabwy") != 0 && (best == NULL || others[i].median < best->median))
            best = &others[i];
    }
    if (subject_case.algorithm == SIGNATURE_HS256 && best != NULL)
        figure_beside(row("verify, library, beside the faster of libjwt and cjose"), library, best, 0.20);
}

/* The floors apart from the peers, whose appetite for memory would leave cold caches to whoever comes next. */
static void tell_floors(double goal)
{
    struct subject subjects[] = {{.name = "library", .f = run_library},
                                 {.name = "bare primitive", .f = run_floor},
                                 {.name = "service", .f = run_service},
                                 {.name = "bare primitive", .f = run_own_floor},
                                 {.name = "OpenSSL's Ed25519", .f = run_openssl_ed25519}};
    bool ed25519 = subject_case.algorithm == SIGNATURE_ED25519;

    measure_interleaved(subjects, ed25519 ? 5 : 4);
    figure_beside(row("verify, library"), &subjects[0], &subjects[1], goal);
    figure_beside(row("verify, service"), &subjects[2], &subjects[3], goal);
    if (ed25519)
        figure_beside(row("verify, library"), &subjects[0], &subjects[4], goal);
}

static void tell(void)
{
    struct subject subjects[1 + PEERS] = {{.name = "library", .f = run_library}};
    size_t count = prepare_peers();

    tell_floors(subject_case.algorithm == SIGNATURE_HS256 ? 2.50 : 1.05);
    for (size_t i = 0; i < count; i++)
        subjects[1 + i] = (struct subject){.name = at_peer[i]->name, .f = run_peers[i]};
    measure_interleaved(subjects, 1 + count);
    tell_peers(&subjects[0], subjects + 1, count);
    for (size_t i = 0; i < count; i++)
        at_peer[i]->clear();
    if (subject_case.algorithm != SIGNATURE_ES256)
        return;
    struct subject signing[2] = {{.name = "service", .f = run_sign}, {.name = "bare primitive", .f = run_sign_floor}};
    measure_interleaved(signing, 2);
    figure_beside("ES256 sign, service", &signing[0], &signing[1], 1.10);
}

/* --- the readers under it --- */

static char payload[256];
static size_t payload_len;

static void read_json(size_t i)
{
    struct json_token tokens[64];
    struct json doc;

    (void)i;
    bench_must(json_read(view_of(payload, payload_len), tokens, 64, &doc, NULL));
}

static void read_jansson(size_t i)
{
    (void)i;
    if (!jansson_reads(payload, payload_len))
        exit(1);
}

static struct view payload_text;

static void decode_payload(size_t i)
{
    (void)i;
    bench_must(base64url_decode(payload_text, payload, sizeof payload, &payload_len));
    __asm__ volatile("" : : "r"(payload) : "memory");
}

static void tell_readers(void)
{
    struct subject both[3] = {{.name = "base64url", .f = decode_payload},
                              {.name = "JSON reader", .f = read_json},
                              {.name = "jansson", .f = read_jansson}};

    payload_text = view_skip(subject_case.token, 318 - 255);
    payload_text.len = 255;
    decode_payload(0);
    measure_interleaved(both, 3);
    figure_print(&(struct figure){.name = "claims, JSON reader, times as fast",
                                  .value = 1 / measure_ratio(&both[1], &both[2]),
                                  .unit = "times",
                                  .against = "jansson, ns",
                                  .rival = both[2].median,
                                  .ratio = measure_ratio(&both[1], &both[2]),
                                  .goal = 5,
                                  .goal_is = GOAL_AT_LEAST});
    figure_print(&(struct figure){.name = "claims, base64url decoded and checked",
                                  .value = 255 / both[0].median,
                                  .unit = "GB/s",
                                  .goal = 1,
                                  .goal_is = GOAL_AT_LEAST});
}

#endif

static void write_token(FILE *out, bool first)
{
    (void)fprintf(out, "%s{\"alg\":\"%s\",\"token\":\"%s\",\"jwk\":%s}", first ? "[" : ",\n", subject_case.name,
                  subject_case.text, subject_case.jwk);
}

static bool asked_for(enum signature_algorithm a, int argc, char **argv)
{
    bool named = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tokens") == 0)
            i++;
        else if (strcmp(argv[i], signature_algorithm_name(a)) == 0)
            return true;
        else
            named = named || argv[i][0] != '-';
    }
    return !named;
}

int main(int argc, char **argv)
{
    FILE *out = NULL;
    bool first = true;

    measure_arguments(argc, argv);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--tokens") == 0)
            out = fopen(argv[i + 1], "w");
    bench_must(crypto_start());
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (!asked_for(algorithms[i], argc, argv))
            continue;
        token_case_init(&subject_case, algorithms[i]);
        token_floor_init(&floor_of_library, &subject_case, subject_case.token);
        token_floor_init(&own_floor, &subject_case, subject_case.own);
        tell();
        if (out != NULL)
            write_token(out, first);
        first = false;
        if (algorithms[i] == SIGNATURE_HS256)
            tell_readers();
        token_floor_clear(&floor_of_library);
        token_floor_clear(&own_floor);
        token_case_clear(&subject_case);
    }
    return out == NULL || (fputs("]\n", out) >= 0 && fclose(out) == 0) ? 0 : 1;
}
