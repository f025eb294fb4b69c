/* The verifier and the signer of libcardea. */
#include "library_help.h"

static struct cardea_claims *claims;

static int set_up(void **state)
{
    (void)state;
    return cardea_ok(cardea_claims_new(&claims)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cardea_claims_free(claims);
    return 0;
}

/* Sign any JSON claims with any typ. */
static struct cardea_bytes forge(const struct cardea_key *k, const char *type, const char *const members[][2])
{
    static char text[ROOM];
    struct cardea_statement *s = NULL;
    size_t len;

    assert_ok(cardea_statement_new(&s));
    for (size_t i = 0; members[i][0] != NULL; i++)
        assert_ok(cardea_statement_json(s, members[i][0], cardea_text(members[i][1])));
    assert_ok(cardea_sign(k, type, s, text, sizeof text, &len));
    cardea_statement_free(s);
    return cardea_bytes(text, len);
}

static void empty(void)
{
    const char *text = NULL;
    int64_t n;
    bool b;
    size_t count;

    assert_null(cardea_claims_issuer(claims));
    assert_null(cardea_claims_subject(claims));
    assert_null(cardea_claims_audience(claims));
    assert_null(cardea_claims_id(claims));
    assert_null(cardea_claims_type(claims));
    assert_null(cardea_claims_key_id(claims));
    assert_null(cardea_claims_algorithm(claims));
    assert_int_equal(cardea_claims_expires_at(claims), 0);
    assert_int_equal(cardea_claims_issued_at(claims), 0);
    assert_int_equal(cardea_claims_not_before(claims), 0);
    assert_code(cardea_claims_text(claims, "sub", &text), E_USAGE);
    assert_code(cardea_claims_int(claims, "exp", &n), E_USAGE);
    assert_code(cardea_claims_bool(claims, "x", &b), E_USAGE);
    assert_code(cardea_claims_list(claims, "aud", &text, 1, &count), E_USAGE);
    assert_false(cardea_claims_has(claims, "sub", "alice"));
    assert_null(cardea_claims_json(claims).ptr);
    assert_null(text);
}

static void every_algorithm(void **state)
{
    (void)state;
    empty();
    for (size_t i = 0; i < ALGORITHMS; i++) {
        struct cardea_key *k = new_key(algorithms[i], NULL), *other = new_key(algorithms[i], NULL);
        struct cardea_verifier *v = new_verifier();
        struct cardea_bytes token = new_token(k);

        assert_ok(cardea_verifier_add_key(v, k));
        assert_ok(cardea_verify(v, token, now_s, claims));
        assert_string_equal(cardea_claims_issuer(claims), ISSUER);
        assert_string_equal(cardea_claims_subject(claims), "alice");
        assert_string_equal(cardea_claims_audience(claims), AUDIENCE);
        assert_string_equal(cardea_claims_type(claims), "at+jwt");
        assert_string_equal(cardea_claims_key_id(claims), cardea_key_id(k));
        assert_string_equal(cardea_claims_algorithm(claims), cardea_key_algorithm(k));
        assert_int_equal(strlen(cardea_claims_id(claims)), 22);
        assert_int_equal(cardea_claims_expires_at(claims), now_s + 60);
        assert_int_equal(cardea_claims_issued_at(claims), now_s);
        /* Every character of the signature counts, and so does every one before it. */
        char *text = malloc(token.len);
        for (size_t at = 0; at < token.len; at += 7) {
            memcpy(text, token.ptr, token.len);
            text[at] = text[at] == 'A' ? 'B' : 'A';
            assert_code(cardea_verify(v, cardea_bytes(text, token.len), now_s, claims), E_INVALID_TOKEN);
            empty();
        }
        for (size_t len = 0; len < token.len; len += 11) /* and its length */
            assert_code(cardea_verify(v, cardea_bytes(token.ptr, len), now_s, claims), E_INVALID_TOKEN);
        free(text);
        assert_code(cardea_verify(v, token, now_s + 60 + CARDEA_LEEWAY_DEFAULT_S, claims), E_EXPIRED);
        empty();
        assert_code(cardea_verify(v, token, now_s - CARDEA_LEEWAY_DEFAULT_S - 1, claims), E_INVALID_TOKEN);
        cardea_verifier_free(v);
        v = new_verifier();
        assert_ok(cardea_verifier_add_key(v, other));
        assert_code(cardea_verify(v, token, now_s, claims), E_INVALID_TOKEN);
        cardea_verifier_free(v);
        cardea_key_free(k);
        cardea_key_free(other);
    }
}

static void a_verifier_keeps_its_keys(void **state)
{
    struct cardea_key *k = new_key("ES256", NULL);
    struct cardea_verifier *v = new_verifier();
    struct cardea_bytes token = new_token(k);

    (void)state;
    assert_ok(cardea_verifier_add_key(v, k));
    cardea_key_free(k);
    assert_ok(cardea_verify(v, token, now_s, claims));
    cardea_verifier_free(v);
}

static void which_key(void **state)
{
    static char jwks[8192];
    static const uint8_t secret[32] = {1};
    struct cardea_key *a = new_key("ES256", "a"), *b = new_key("ES256", "b"), *c = new_key("EdDSA", "c"),
                      *shared = NULL, *pem = NULL;
    const struct cardea_key *both[] = {a, c};
    struct cardea_keys *set = NULL;
    struct cardea_verifier *v = new_verifier();
    size_t len;

    (void)state;
    assert_ok(cardea_keys_write(both, 2, jwks, sizeof jwks, &len));
    assert_ok(cardea_keys_read(cardea_bytes(jwks, len), NULL, &set));
    assert_ok(cardea_verifier_add_keys(v, set));
    assert_code(cardea_verifier_add_keys(v, set), E_CONFLICT);
    cardea_keys_free(set);
    assert_code(cardea_verifier_add_key(v, a), E_CONFLICT); /* an id that is there already */
    assert_ok(cardea_verify(v, new_token(a), now_s, claims));
    assert_ok(cardea_verify(v, new_token(c), now_s, claims));
    assert_code(cardea_verify(v, new_token(b), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_add_key(v, b));
    assert_ok(cardea_verify(v, new_token(b), now_s, claims));
    assert_string_equal(cardea_claims_key_id(claims), "b");
    /* A secret without an id can not stand beside others, neither after them nor before. */
    assert_ok(cardea_key_from_secret(cardea_bytes(secret, 32), "HS256", NULL, &shared));
    assert_code(cardea_verifier_add_key(v, shared), E_CONFLICT);
    cardea_verifier_free(v);
    v = new_verifier();
    assert_ok(cardea_verifier_add_key(v, shared));
    assert_code(cardea_verifier_add_key(v, a), E_CONFLICT);
    assert_ok(cardea_verify(v, new_token(shared), now_s, claims));
    assert_string_equal(cardea_claims_key_id(claims), "");
    /* The only key, without an id of its own, serves tokens that name it in any way. */
    cardea_key_free(shared);
    assert_ok(cardea_key_from_secret(cardea_bytes(secret, 32), "HS256", "theirs", &shared));
    assert_ok(cardea_verify(v, new_token(shared), now_s, claims));
    cardea_verifier_free(v);
    assert_ok(cardea_key_write_pem(a, jwks, sizeof jwks, &len));
    assert_ok(cardea_key_read_pem(cardea_bytes(jwks, len), NULL, NULL, &pem));
    v = new_verifier();
    assert_ok(cardea_verifier_add_key(v, pem));
    assert_ok(cardea_verify(v, new_token(a), now_s, claims));
    assert_ok(cardea_verifier_add_key(v, b)); /* with two, a kid must fit */
    assert_code(cardea_verify(v, new_token(a), now_s, claims), E_INVALID_TOKEN);
    cardea_verifier_free(v);
    /* One that has its own id serves tokens of that id. */
    v = new_verifier();
    assert_ok(cardea_verifier_add_key(v, b));
    assert_code(cardea_verify(v, new_token(a), now_s, claims), E_INVALID_TOKEN);
    cardea_verifier_free(v);
    cardea_key_free(a);
    cardea_key_free(b);
    cardea_key_free(c);
    cardea_key_free(shared);
    cardea_key_free(pem);
}

static void too_many_keys(void **state)
{
    struct cardea_verifier *v = new_verifier();
    struct cardea_key *k = NULL;
    uint8_t secret[32] = {0};
    char id[16];

    (void)state;
    for (int i = 0; i <= CARDEA_KEY_SET_MAX; i++) {
        snprintf(id, sizeof id, "key %d", i);
        assert_ok(cardea_key_from_secret(cardea_bytes(secret, sizeof secret), "HS256", id, &k));
        struct cardea_status s = cardea_verifier_add_key(v, k);
        assert_int_equal(s.code, i < CARDEA_KEY_SET_MAX ? CARDEA_OK : CARDEA_E_LIMIT);
        cardea_key_free(k);
    }
    cardea_verifier_free(v);
}

static void policy(void **state)
{
    struct cardea_key *k = new_key("ES256", "k");
    struct cardea_verifier *v = NULL;
    static const char *const plain[][2] = {{"exp", "1800000060"}, {NULL, NULL}};
    static const char *const cognito[][2] = {
        {"iss", "\"" ISSUER "\""}, {"client_id", "\"mine\""}, {"exp", "1800000060"}, {NULL, NULL}};
    static const char *const bound[][2] = {{"iss", "\"" ISSUER "\""},
                                           {"aud", "\"" AUDIENCE "\""},
                                           {"exp", "1800000060"},
                                           {"cnf", "{\"jkt\":\"x\"}"},
                                           {NULL, NULL}};

    (void)state;
    /* Nothing said, nothing accepted. */
    assert_ok(cardea_verifier_new(&v));
    assert_code(cardea_verify(v, new_token(k), now_s, claims), E_USAGE);
    assert_ok(cardea_verifier_add_key(v, k));
    assert_code(cardea_verify(v, new_token(k), now_s, claims), E_USAGE);
    assert_ok(cardea_verifier_any_issuer(v));
    assert_code(cardea_verifier_issuer(v, ISSUER), E_USAGE); /* which of the two? */
    assert_code(cardea_verify(v, new_token(k), now_s, claims), E_USAGE);
    assert_ok(cardea_verifier_any_audience(v));
    assert_code(cardea_verifier_audience(v, AUDIENCE), E_USAGE);
    assert_ok(cardea_verify(v, new_token(k), now_s, claims));
    /* Types. */
    assert_code(cardea_verify(v, forge(k, NULL, plain), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_type(v, ""));
    assert_ok(cardea_verify(v, forge(k, NULL, plain), now_s, claims));
    assert_null(cardea_claims_type(claims));
    assert_null(cardea_claims_subject(claims));
    assert_code(cardea_verify(v, new_token(k), now_s, claims), E_INVALID_TOKEN); /* at+jwt was the default only */
    assert_code(cardea_verify(v, forge(k, "JWT", plain), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_type(v, "jwt"));
    assert_ok(cardea_verify(v, forge(k, "JWT", plain), now_s, claims));
    assert_ok(cardea_verifier_type(v, "logout+jwt"));
    assert_ok(cardea_verify(v, forge(k, "application/logout+jwt", plain), now_s, claims));
    assert_code(cardea_verifier_type(v, "other+jwt"), E_LIMIT);
    /* What must be there, and for how long. */
    assert_ok(cardea_verifier_require(v, "sub"));
    assert_code(cardea_verify(v, forge(k, "JWT", plain), now_s, claims), E_INVALID_TOKEN);
    cardea_verifier_free(v);
    v = new_verifier();
    assert_code(cardea_verifier_any_issuer(v), E_USAGE);
    assert_code(cardea_verifier_any_audience(v), E_USAGE);
    assert_ok(cardea_verifier_add_key(v, k));
    assert_ok(cardea_verifier_leeway(v, 0));
    assert_code(cardea_verify(v, new_token(k), now_s + 60, claims), E_EXPIRED);
    assert_ok(cardea_verifier_lifetime(v, 60));
    assert_ok(cardea_verify(v, new_token(k), now_s, claims));
    assert_ok(cardea_verifier_age(v, 10));
    assert_ok(cardea_verify(v, new_token(k), now_s + 10, claims));
    assert_code(cardea_verify(v, new_token(k), now_s + 11, claims), E_EXPIRED);
    assert_ok(cardea_verifier_lifetime(v, 59));
    assert_code(cardea_verify(v, new_token(k), now_s, claims), E_INVALID_TOKEN);
    cardea_verifier_free(v);
    /* Algorithms. */
    v = new_verifier();
    assert_ok(cardea_verifier_add_key(v, k));
    assert_ok(cardea_verifier_algorithm(v, "RS256"));
    assert_code(cardea_verify(v, new_token(k), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_algorithm(v, "ES256"));
    assert_ok(cardea_verify(v, new_token(k), now_s, claims));
    assert_code(cardea_verifier_algorithm(v, "none"), E_USAGE);
    /* Bound tokens. */
    assert_ok(cardea_verifier_type(v, "JWT"));
    assert_code(cardea_verify(v, forge(k, "JWT", bound), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_bound(v));
    assert_ok(cardea_verify(v, forge(k, "JWT", bound), now_s, claims));
    cardea_verifier_free(v);
    /* Another claim holds the audience. */
    assert_ok(cardea_verifier_new(&v));
    assert_ok(cardea_verifier_add_key(v, k));
    assert_ok(cardea_verifier_issuer(v, "https://first.example.com"));
    assert_ok(cardea_verifier_issuer(v, ISSUER));
    assert_ok(cardea_verifier_audience(v, "mine"));
    assert_ok(cardea_verifier_type(v, ""));
    assert_code(cardea_verify(v, forge(k, NULL, cognito), now_s, claims), E_INVALID_TOKEN);
    assert_ok(cardea_verifier_audience_claim(v, "client_id"));
    assert_ok(cardea_verify(v, forge(k, NULL, cognito), now_s, claims));
    assert_string_equal(cardea_claims_audience(claims), "mine");
    cardea_verifier_free(v);
    cardea_key_free(k);
}

static void eddsa_names_both_curves(void **state)
{
    static const char *const curves[] = {"Ed25519", "Ed448"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct cardea_key *k = new_key(curves[i], NULL);
        struct cardea_verifier *v = new_verifier();
        assert_ok(cardea_verifier_add_key(v, k));
        assert_ok(cardea_verifier_algorithm(v, "EdDSA"));
        assert_ok(cardea_verify(v, new_token(k), now_s, claims));
        cardea_verifier_free(v);
        cardea_key_free(k);
    }
}

static void claims_of_all_types(void **state)
{
    struct cardea_key *k = new_key("EdDSA", NULL);
    struct cardea_verifier *v = new_verifier();
    struct cardea_statement *s = NULL;
    static const char *const roles[] = {"admin", "us\"er"};
    static char token[ROOM];
    const char *text = NULL, *list[2];
    int64_t n;
    bool b;
    size_t len, count;

    (void)state;
    assert_ok(cardea_verifier_add_key(v, k));
    assert_ok(cardea_statement_new(&s));
    assert_ok(cardea_statement_access_token(s, ISSUER, "alice", AUDIENCE, "web", now_s, 60));
    assert_ok(cardea_statement_text(s, "name", "Zo\xc3\xab \"Z\"\n"));
    assert_ok(cardea_statement_int(s, "least", INT64_MIN));
    assert_ok(cardea_statement_bool(s, "yes", true));
    assert_ok(cardea_statement_list(s, "roles", roles, 2));
    assert_ok(cardea_statement_list(s, "none", NULL, 0));
    assert_ok(cardea_statement_json(s, "in", cardea_text("{\"a\":[{\"b\":\"c\"}]}")));
    assert_ok(cardea_statement_text(s, "scope", "read write"));
    assert_ok(cardea_sign(k, "at+jwt", s, token, sizeof token, &len));
    assert_int_equal(strlen(token), len);
    assert_ok(cardea_verify(v, cardea_bytes(token, len), now_s, claims));
    assert_ok(cardea_claims_text(claims, "name", &text));
    assert_string_equal(text, "Zo\xc3\xab \"Z\"\n");
    assert_ok(cardea_claims_int(claims, "least", &n));
    assert_true(n == INT64_MIN);
    assert_ok(cardea_claims_bool(claims, "yes", &b));
    assert_true(b);
    assert_ok(cardea_claims_list(claims, "roles", list, 2, &count));
    assert_int_equal(count, 2);
    assert_string_equal(list[1], "us\"er");
    assert_code(cardea_claims_list(claims, "roles", list, 1, &count), E_TOO_LARGE);
    assert_ok(cardea_claims_list(claims, "none", NULL, 0, &count));
    assert_int_equal(count, 0);
    assert_ok(cardea_claims_text(claims, "/in/a/0/b", &text));
    assert_string_equal(text, "c");
    assert_true(cardea_claims_has(claims, "scope", "write"));
    assert_true(cardea_claims_has(claims, "roles", "admin"));
    assert_false(cardea_claims_has(claims, "roles", "root"));
    assert_code(cardea_claims_text(claims, "typ", &text), E_NOT_FOUND);
    assert_code(cardea_claims_text(claims, "exp", &text), E_INVALID_FIELD);
    /* NULL everywhere. */
    assert_code(cardea_claims_text(claims, NULL, &text), E_USAGE);
    assert_code(cardea_claims_text(claims, "name", NULL), E_USAGE);
    assert_code(cardea_claims_text(NULL, "name", &text), E_USAGE);
    assert_code(cardea_claims_int(claims, "exp", NULL), E_USAGE);
    assert_code(cardea_claims_int(claims, NULL, &n), E_USAGE);
    assert_code(cardea_claims_bool(claims, "yes", NULL), E_USAGE);
    assert_code(cardea_claims_bool(claims, NULL, &b), E_USAGE);
    assert_code(cardea_claims_list(claims, "roles", NULL, 2, &count), E_USAGE);
    assert_code(cardea_claims_list(claims, "roles", list, 2, NULL), E_USAGE);
    assert_false(cardea_claims_has(claims, NULL, "x"));
    assert_false(cardea_claims_has(claims, "roles", NULL));
    struct cardea_bytes json = cardea_claims_json(claims);
    assert_true(json.len > 2 && ((const char *)json.ptr)[0] == '{');
    cardea_statement_free(s);
    cardea_verifier_free(v);
    cardea_key_free(k);
}

static void statements_that_are_refused(void **state)
{
    struct cardea_key *k = new_key("HS256", NULL), *public = NULL;
    struct cardea_statement *s = NULL;
    static char text[ROOM], large[CARDEA_STATEMENT_MAX + 1];
    size_t len = 7;

    (void)state;
    assert_ok(cardea_statement_new(&s));
    assert_code(cardea_sign(k, NULL, s, text, sizeof text, &len), E_USAGE); /* no exp */
#define REFUSED(call, why)                                                                                             \
    assert_code(call, why);                                                                                            \
    assert_code(cardea_statement_int(s, "exp", now_s), why); /* stays */                                               \
    assert_code(cardea_sign(k, NULL, s, text, sizeof text, &len), why);                                                \
    cardea_statement_reset(s)
    REFUSED(cardea_statement_text(s, "", "x"), E_INVALID_FIELD);
    REFUSED(cardea_statement_text(s, "\xff", "x"), E_INVALID_FIELD);
    REFUSED(cardea_statement_text(s, "x", "\xc0\x80"), E_INVALID_FIELD);
    REFUSED(cardea_statement_text(s, "x", NULL), E_USAGE);
    REFUSED(cardea_statement_text(s, NULL, "x"), E_USAGE);
    REFUSED(cardea_statement_int(s, NULL, 1), E_USAGE);
    REFUSED(cardea_statement_bool(s, NULL, true), E_USAGE);
    REFUSED(cardea_statement_list(s, "x", NULL, 1), E_USAGE);
    static const char *const hole[] = {"a", NULL};
    REFUSED(cardea_statement_list(s, "x", hole, 2), E_USAGE);
    static const char *const bad[] = {"a", "\xff"};
    REFUSED(cardea_statement_list(s, "x", bad, 2), E_INVALID_FIELD);
    REFUSED(cardea_statement_json(s, "x", cardea_text("")), E_INVALID_FIELD);
    REFUSED(cardea_statement_json(s, "x", cardea_text("1,\"admin\":true")), E_INVALID_FIELD);
    REFUSED(cardea_statement_json(s, "x", cardea_text("1}")), E_INVALID_FIELD);
    REFUSED(cardea_statement_json(s, "x", cardea_text("{\"a\":1,\"a\":2}")), E_INVALID_FIELD);
    REFUSED(cardea_statement_json(s, "x", cardea_bytes(NULL, 1)), E_USAGE);
    assert_ok(cardea_statement_int(s, "x", 1));
    REFUSED(cardea_statement_int(s, "x", 1), E_CONFLICT);
    assert_ok(cardea_statement_text(s, "s\"ub", "x"));
    REFUSED(cardea_statement_text(s, "s\"ub", "y"), E_CONFLICT);
    memset(large, 'x', sizeof large - 1);
    REFUSED(cardea_statement_text(s, "x", large), E_TOO_LARGE);
    REFUSED(cardea_statement_access_token(s, "", "a", "b", "c", now_s, 60), E_USAGE);
    REFUSED(cardea_statement_access_token(s, "i", NULL, "b", "c", now_s, 60), E_USAGE);
    REFUSED(cardea_statement_access_token(s, "i", "a", "b", "c", now_s, 0), E_USAGE);
    REFUSED(cardea_statement_access_token(s, "i", "a", "b", "c", now_s, CARDEA_LIFETIME_MAX_S + 1), E_USAGE);
    REFUSED(cardea_statement_access_token(s, "i", "a", "b", "c", -1, 60), E_USAGE);
    REFUSED(cardea_statement_access_token(s, "i", "a", "b", "c", INT64_MAX, 60), E_USAGE);
    assert_ok(cardea_statement_text(s, "sub", "a"));
    REFUSED(cardea_statement_access_token(s, "i", "a", "b", "c", now_s, 60), E_CONFLICT);
#undef REFUSED
    /* An access token must have all that RFC 9068 asks for, and no more than an hour. */
    assert_ok(cardea_statement_int(s, "exp", now_s + 60));
    assert_code(cardea_sign(k, "at+jwt", s, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(k, "application/AT+JWT", s, text, sizeof text, &len), E_USAGE);
    assert_int_equal(len, 7);
    assert_ok(cardea_sign(k, "JWT", s, text, sizeof text, &len));
    size_t exact = len + 1;
    assert_ok(cardea_sign(k, "JWT", s, text, exact, &len));
    assert_code(cardea_sign(k, "JWT", s, text, exact - 1, &len), E_TOO_LARGE);
    assert_code(cardea_sign(k, "", s, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(k, "a\"b", s, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(k, "a b", s, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(k, large, s, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(NULL, "JWT", s, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(k, "JWT", NULL, text, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(k, "JWT", s, NULL, sizeof text, &len), E_USAGE);
    assert_code(cardea_sign(k, "JWT", s, text, sizeof text, NULL), E_USAGE);
    cardea_statement_reset(s);
    for (const char *const *name = (const char *const[]){"iss", "sub", "aud", "client_id", "jti", NULL}; *name; name++)
        assert_ok(cardea_statement_text(s, *name, "x"));
    assert_ok(cardea_statement_int(s, "iat", now_s));
    assert_ok(cardea_statement_int(s, "exp", now_s + CARDEA_LIFETIME_MAX_S + 1));
    assert_code(cardea_sign(k, "at+jwt", s, text, sizeof text, &len), E_USAGE);
    /* A public key signs nothing. */
    struct cardea_key *pair = new_key("ES256", NULL);
    assert_ok(cardea_key_write_jwk(pair, text, sizeof text, &len));
    assert_ok(cardea_key_read_jwk(cardea_bytes(text, len), NULL, &public));
    assert_code(cardea_sign(public, "JWT", s, text, sizeof text, &len), E_USAGE);
    cardea_key_free(public);
    cardea_key_free(pair);
    cardea_key_free(k);
    cardea_statement_free(s);
    cardea_statement_free(NULL);
    cardea_statement_reset(NULL);
    assert_code(cardea_statement_new(NULL), E_USAGE);
    assert_code(cardea_statement_text(NULL, "a", "b"), E_USAGE);
    assert_code(cardea_statement_access_token(NULL, "i", "a", "b", "c", now_s, 60), E_USAGE);
}

static void peeking(void **state)
{
    struct cardea_key *k = new_key("ES256", "k");
    char id[CARDEA_KEY_ID_MAX + 1];
    size_t len = 7;

    (void)state;
    struct cardea_bytes token = new_token(k);
    assert_ok(cardea_token_peek_key_id(token, id, sizeof id, &len));
    assert_string_equal(id, "k");
    assert_int_equal(len, 1);
    assert_code(cardea_token_peek_key_id(token, id, 1, &len), E_TOO_LARGE);
    assert_code(cardea_token_peek_key_id(token, NULL, 1, &len), E_USAGE);
    assert_code(cardea_token_peek_key_id(cardea_bytes(NULL, 1), id, sizeof id, &len), E_USAGE);
    assert_code(cardea_token_peek_key_id(cardea_text("x"), id, sizeof id, &len), E_INVALID_TOKEN);
    cardea_key_free(k);
}

static void misuse(void **state)
{
    struct cardea_key *k = new_key("ES256", NULL);
    struct cardea_verifier *v = new_verifier();
    struct cardea_keys *none = NULL;
    static char long_text[CARDEA_VERIFIER_TEXT_MAX + 2], large[CARDEA_TOKEN_MAX + 2];

    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    memset(large, 'A', sizeof large);
    assert_ok(cardea_verifier_add_key(v, k));
    struct cardea_bytes token = new_token(k);
    assert_ok(cardea_verify(v, token, now_s, claims));
    assert_code(cardea_verify(NULL, token, now_s, claims), E_USAGE);
    empty();
    assert_code(cardea_verify(v, token, now_s, NULL), E_USAGE);
    assert_code(cardea_verify(v, cardea_bytes(NULL, 1), now_s, claims), E_USAGE);
    assert_code(cardea_verify(v, token, -1, claims), E_USAGE);
    assert_code(cardea_verify(v, token, INT64_MAX, claims), E_USAGE);
    assert_code(cardea_verify(v, token, INT64_MIN, claims), E_USAGE);
    assert_code(cardea_verify(v, cardea_text(NULL), now_s, claims), E_INVALID_TOKEN);
    assert_code(cardea_verify(v, cardea_bytes(large, sizeof large), now_s, claims), E_INVALID_TOKEN);
    large[10] = large[20] = '.';
    assert_code(cardea_verify(v, cardea_bytes(large, CARDEA_TOKEN_MAX), now_s, claims), E_INVALID_TOKEN);
    assert_code(cardea_verifier_new(NULL), E_USAGE);
    assert_code(cardea_claims_new(NULL), E_USAGE);
    assert_code(cardea_verifier_add_key(v, NULL), E_USAGE);
    assert_code(cardea_verifier_add_key(NULL, k), E_USAGE);
    assert_code(cardea_verifier_add_keys(v, none), E_USAGE);
    assert_code(cardea_verifier_issuer(v, NULL), E_USAGE);
    assert_code(cardea_verifier_issuer(v, ""), E_USAGE);
    assert_code(cardea_verifier_issuer(v, long_text), E_USAGE);
    assert_code(cardea_verifier_issuer(NULL, "x"), E_USAGE);
    assert_code(cardea_verifier_audience(v, ""), E_USAGE);
    assert_code(cardea_verifier_audience(NULL, "x"), E_USAGE);
    assert_code(cardea_verifier_audience_claim(v, ""), E_USAGE);
    assert_code(cardea_verifier_audience_claim(v, long_text), E_USAGE);
    assert_code(cardea_verifier_audience_claim(NULL, "x"), E_USAGE);
    assert_code(cardea_verifier_any_issuer(NULL), E_USAGE);
    assert_code(cardea_verifier_any_audience(NULL), E_USAGE);
    assert_code(cardea_verifier_type(v, NULL), E_USAGE);
    assert_code(cardea_verifier_type(v, long_text), E_USAGE);
    assert_code(cardea_verifier_type(NULL, "x"), E_USAGE);
    assert_code(cardea_verifier_algorithm(v, NULL), E_USAGE);
    assert_code(cardea_verifier_algorithm(NULL, "ES256"), E_USAGE);
    assert_code(cardea_verifier_require(v, NULL), E_USAGE);
    assert_code(cardea_verifier_require(NULL, "sub"), E_USAGE);
    assert_code(cardea_verifier_leeway(v, -1), E_USAGE);
    assert_code(cardea_verifier_leeway(v, CARDEA_LEEWAY_MAX_S + 1), E_USAGE);
    assert_code(cardea_verifier_leeway(NULL, 1), E_USAGE);
    assert_code(cardea_verifier_lifetime(v, 0), E_USAGE);
    assert_code(cardea_verifier_lifetime(v, INT64_MAX), E_USAGE);
    assert_code(cardea_verifier_lifetime(NULL, 1), E_USAGE);
    assert_code(cardea_verifier_age(v, 0), E_USAGE);
    assert_code(cardea_verifier_age(NULL, 1), E_USAGE);
    assert_code(cardea_verifier_bound(NULL), E_USAGE);
    for (int i = 1; i < CARDEA_VERIFIER_LIST_MAX; i++)
        assert_ok(cardea_verifier_issuer(v, "another"));
    assert_code(cardea_verifier_issuer(v, "another"), E_LIMIT);
    /* None of it has spoilt the verifier. */
    assert_ok(cardea_verify(v, token, now_s, claims));
    cardea_verifier_free(v);
    cardea_verifier_free(NULL);
    cardea_claims_free(NULL);
    cardea_key_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm),
        cmocka_unit_test(a_verifier_keeps_its_keys),
        cmocka_unit_test(which_key),
        cmocka_unit_test(too_many_keys),
        cmocka_unit_test(policy),
        cmocka_unit_test(eddsa_names_both_curves),
        cmocka_unit_test(claims_of_all_types),
        cmocka_unit_test(statements_that_are_refused),
        cmocka_unit_test(peeking),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
