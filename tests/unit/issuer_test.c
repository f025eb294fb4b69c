/* Tokens of other issuers: who is let in under which configuration, what their claims become, and what a policy says.
 */
#include "check.h"

#include "base/text.h"
#include "core/issuer.h"
#include "core/verify_cache.h"
#include "crypto/random.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 16384, BOOT_MS = 5000 };

static const int64_t now_ms = INT64_C(1800000000) * 1000;

static struct settings *settings;
static struct issuer *acme, *other; /* settings' */
static struct policy policy;
static struct jwk_key first, second, foreign;
static struct issuer_keys *keys;
static struct issuer_ring *ring;
static struct token_space space;
static struct foreign_identity who;

static void make_key(const char *kid, struct jwk_key *out, struct jwk *ret_jwk)
{
    struct jwk k = {.use = JWK_USE_SIG};
    snprintf(k.kid, sizeof k.kid, "%s", kid);
    snprintf(k.alg, sizeof k.alg, "ES256");
    assert_ok(raw_key_generate(RAW_KEY_EC, RAW_CURVE_P256, 256, &k.raw));
    assert_ok(jwk_load(&k, SIGNATURE_UNSET, out));
    *ret_jwk = k;
}

static struct view set_of(const struct jwk *items, size_t count, bool secret)
{
    static char text[TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    buf_text(&b, "{\"keys\":[");
    for (size_t i = 0; i < count; i++) {
        buf_text(&b, i > 0 ? "," : "");
        jwk_write(&items[i], secret, &b);
    }
    buf_text(&b, "]}");
    assert_true(buf_ok(&b));
    return buf_view(&b);
}

static struct jwk jwks[2];

static int set_up_group(void **state)
{
    (void)state;
    struct jwk unused;
    assert_ok(crypto_start());
    make_key("k1", &first, &jwks[0]);
    make_key("k2", &second, &jwks[1]);
    make_key("k1", &foreign, &unused);
    jwk_clear(&unused);
    return 0;
}

static int tear_down_group(void **state)
{
    (void)state;
    jwk_key_clear(&first);
    jwk_key_clear(&second);
    jwk_key_clear(&foreign);
    jwk_clear(&jwks[0]);
    jwk_clear(&jwks[1]);
    return 0;
}

static void put(char *out, const char *text)
{
    strcpy(out, text);
}

static struct issuer *add_issuer(const char *name, const char *url)
{
    struct issuer *i = &settings->issuers[settings->issuer_count++];
    issuer_defaults(i, view_text(name));
    put(i->issuer, url);
    put(i->audiences[i->audience_count++], "https://api.example.com");
    i->algorithms[0] = SIGNATURE_ES256;
    return i;
}

static void join(void)
{
    uint32_t at;
    const char *name;
    settings->policy_count = 1;
    settings->policies[0] = policy;
    assert_ok(settings_join_issuers(settings, &at, &name));
    policy = settings->policies[0];
}

static int set_up(void **state)
{
    (void)state;
    settings = calloc(1, sizeof *settings);
    if (settings == NULL)
        return -1;
    settings_defaults(settings);
    acme = add_issuer("acme", "https://acme.example/");
    other = add_issuer("other", "https://other.example/");
    memset(&policy, 0, sizeof policy);
    put(policy.name, "p");
    put(policy.issuers[policy.issuer_count++], "acme");
    join();
    assert_ok(issuer_keys_read(acme, set_of(jwks, 1, false), 7, &keys));
    atomic_store(&keys->drop_at_ms, BOOT_MS + 1000);
    struct issuer_keys *all[ISSUERS_MAX] = {keys};
    ring = issuer_ring_new(settings->generation, all);
    return ring == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    issuer_keys_unref(keys);
    issuer_ring_unref(ring);
    free(settings);
    return 0;
}

static struct view forge(const struct jwk_key *k, const char *header, const char *payload)
{
    static char text[TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    uint8_t signature[SIGNATURE_MAX];
    size_t len;
    buf_base64url(&b, header, strlen(header));
    buf_char(&b, '.');
    buf_base64url(&b, payload, strlen(payload));
    assert_ok(signing_key_sign(k->sign, buf_view(&b), signature, &len));
    buf_char(&b, '.');
    buf_base64url(&b, signature, len);
    assert_true(buf_ok(&b));
    return buf_view(&b);
}

static struct cardea_status verify_text(struct view text, struct verify_cache *cache)
{
    size_t which;
    struct cardea_status s = foreign_issuer(settings, &policy, text, &space, &which);
    return cardea_ok(s) ? foreign_verify(settings, ring, which, cache, now_ms, BOOT_MS, text, &space, &who) : s;
}

#define HEADER "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}"
#define TIMES "\"exp\":1800000060,\"iat\":1799999940"
#define GOOD "\"iss\":\"https://acme.example/\",\"sub\":\"alice\",\"aud\":\"https://api.example.com\"," TIMES

static struct cardea_status verify(const char *payload)
{
    return verify_text(forge(&first, HEADER, payload), NULL);
}

static struct cardea_status verify_header(const char *header)
{
    return verify_text(forge(&first, header, "{" GOOD "}"), NULL);
}

static void a_good_token_names_its_subject(void **state)
{
    (void)state;
    assert_ok(
        verify("{" GOOD ",\"preferred_username\":\"al\",\"azp\":\"web\",\"scope\":\"a b\",\"auth_time\":1799999000}"));
    assert_ptr_equal(who.issuer, acme);
    assert_text(who.subject, "alice");
    assert_text(who.username, "al");
    assert_text(who.client, "web");
    assert_int_equal(who.scope_count, 2);
    assert_text(who.scopes[1], "b");
    assert_int_equal(who.role_count, 0);
    assert_int_equal(who.email.len, 0);
    assert_int_equal(who.authenticated_at_s, 1799999000);
}

static void the_issuer_must_be_one_of_the_policys(void **state)
{
    (void)state;
    assert_code(
        verify("{\"iss\":\"https://other.example/\",\"sub\":\"a\",\"aud\":\"https://api.example.com\"," TIMES "}"),
        E_INVALID_TOKEN);
    assert_code(
        verify("{\"iss\":\"https://acme.example\",\"sub\":\"a\",\"aud\":\"https://api.example.com\"," TIMES "}"),
        E_INVALID_TOKEN);
    assert_code(
        verify("{\"iss\":[\"https://acme.example/\"],\"sub\":\"a\",\"aud\":\"https://api.example.com\"," TIMES "}"),
        E_INVALID_TOKEN);
    assert_code(verify("{\"sub\":\"a\",\"aud\":\"https://api.example.com\"," TIMES "}"), E_INVALID_TOKEN);
    /* No policy without issuers lets one through. */
    policy.issuer_count = 0;
    join();
    assert_code(verify("{" GOOD "}"), E_INVALID_TOKEN);
}

/* Two issuers, the same kid: each is verified with its own keys alone. */
static void one_issuers_key_is_not_the_others(void **state)
{
    (void)state;
    put(policy.issuers[policy.issuer_count++], "other");
    join();
    assert_code(
        verify("{\"iss\":\"https://other.example/\",\"sub\":\"a\",\"aud\":\"https://api.example.com\"," TIMES "}"),
        E_UNAVAILABLE);
    assert_code(verify_text(forge(&foreign, HEADER, "{" GOOD "}"), NULL), E_INVALID_TOKEN);
    assert_ok(verify("{" GOOD "}"));
}

static void audiences(void **state)
{
    (void)state;
    assert_code(verify("{\"iss\":\"https://acme.example/\",\"sub\":\"a\",\"aud\":\"b\"," TIMES "}"), E_INVALID_TOKEN);
    assert_code(verify("{\"iss\":\"https://acme.example/\",\"sub\":\"a\"," TIMES "}"), E_INVALID_TOKEN);
    assert_ok(verify(
        "{\"iss\":\"https://acme.example/\",\"sub\":\"a\",\"aud\":[\"x\",\"https://api.example.com\"]," TIMES "}"));
    /* Cognito has none, and names the client instead. */
    put(acme->audience_claim, "client_id");
    put(acme->audiences[0], "client-1");
    assert_ok(verify("{\"iss\":\"https://acme.example/\",\"sub\":\"a\",\"client_id\":\"client-1\"," TIMES "}"));
    assert_code(verify("{\"iss\":\"https://acme.example/\",\"sub\":\"a\",\"client_id\":\"client-2\"," TIMES "}"),
                E_INVALID_TOKEN);
}

static void headers(void **state)
{
    (void)state;
    assert_code(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\"}"), E_INVALID_TOKEN);
    assert_code(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\"}"), E_INVALID_TOKEN);
    acme->types = TOKEN_TYPE_JWT | TOKEN_TYPE_NONE;
    assert_ok(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\"}"));
    assert_ok(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\"}"));
    assert_ok(verify_header("{\"alg\":\"ES256\"}"));
    assert_code(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}"), E_INVALID_TOKEN);
    assert_code(verify_header("{\"alg\":\"HS256\",\"kid\":\"k1\"}"), E_INVALID_TOKEN);
    assert_code(verify_header("{\"alg\":\"none\",\"kid\":\"k1\"}"), E_INVALID_TOKEN);
    assert_code(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[\"exp\"]}"), E_INVALID_TOKEN);
    /* A key or an address in the token is not looked at. */
    assert_ok(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\",\"jku\":\"https://evil.example/jwks\"}"));
    /* A key that is in the set, of an algorithm that the issuer may not use. */
    acme->algorithms[0] = SIGNATURE_RS256;
    assert_code(verify_header("{\"alg\":\"ES256\",\"kid\":\"k1\"}"), E_INVALID_TOKEN);
}

static void times(void **state)
{
    (void)state;
#define AT(exp, iat)                                                                                                   \
    "{\"iss\":\"https://acme.example/\",\"sub\":\"a\",\"aud\":\"https://api.example.com\",\"exp\":" exp                \
    ",\"iat\":" iat "}"
    assert_code(verify(AT("1799999969", "1799999000")), E_EXPIRED);
    assert_ok(verify(AT("1799999971", "1799999000"))); /* 30 s of leeway */
    assert_code(verify(AT("1800000100", "1800000031")), E_INVALID_TOKEN);
    assert_code(verify(AT("1800086401", "1800000000")), E_INVALID_TOKEN); /* longer than a day */
    acme->lifetime_max_ms = 172800 * INT64_C(1000);
    acme->leeway_ms = 0;
    assert_ok(verify(AT("1800086401", "1800000000")));
    assert_code(verify(AT("1799999971", "1799999000")), E_EXPIRED);
    assert_code(verify("{\"iss\":\"https://acme.example/\",\"sub\":\"a\",\"aud\":\"https://api.example.com\"}"),
                E_INVALID_TOKEN);
}

static void an_unknown_key_may_be_new(void **state)
{
    (void)state;
    struct view text = forge(&second, "{\"alg\":\"ES256\",\"kid\":\"k2\",\"typ\":\"at+jwt\"}", "{" GOOD "}");
    assert_code(verify_text(text, NULL), E_NOT_FOUND);
}

static void keys_that_are_too_old_are_none(void **state)
{
    (void)state;
    assert_ok(verify("{" GOOD "}"));
    atomic_store(&keys->drop_at_ms, BOOT_MS);
    assert_code(verify("{" GOOD "}"), E_UNAVAILABLE);
    atomic_store(&keys->drop_at_ms, BOOT_MS + 1);
    assert_ok(verify("{" GOOD "}"));
    settings->generation++; /* a ring of other settings: its places may be others' */
    assert_code(verify("{" GOOD "}"), E_UNAVAILABLE);
}

static void required_claims(void **state)
{
    (void)state;
    put(acme->required[acme->required_count++], "token_use=access");
    put(acme->required[acme->required_count++], "tid");
    assert_code(verify("{" GOOD ",\"tid\":\"t\"}"), E_INVALID_TOKEN);
    assert_code(verify("{" GOOD ",\"tid\":\"t\",\"token_use\":\"id\"}"), E_INVALID_TOKEN);
    assert_code(verify("{" GOOD ",\"tid\":null,\"token_use\":\"access\"}"), E_INVALID_TOKEN);
    assert_ok(verify("{" GOOD ",\"tid\":\"t\",\"token_use\":\"access\"}"));
    assert_ok(verify("{" GOOD ",\"tid\":\"t\",\"token_use\":[\"x\",\"access\"]}"));
    put(acme->required[0], "/a/n=1");
    assert_ok(verify("{" GOOD ",\"tid\":1,\"a\":{\"n\":1}}"));
    assert_code(verify("{" GOOD ",\"tid\":1,\"a\":{\"n\":1.0}}"), E_INVALID_TOKEN);
    put(acme->required[0], "mfa=true");
    assert_ok(verify("{" GOOD ",\"tid\":1,\"mfa\":true}"));
    assert_code(verify("{" GOOD ",\"tid\":1,\"mfa\":false}"), E_INVALID_TOKEN);
}

static void clients(void **state)
{
    (void)state;
    put(acme->clients[acme->client_count++], "web");
    assert_code(verify("{" GOOD "}"), E_FORBIDDEN);
    assert_code(verify("{" GOOD ",\"client_id\":\"cli\",\"azp\":\"web\"}"), E_FORBIDDEN);
    assert_ok(verify("{" GOOD ",\"azp\":\"web\"}"));
}

static void roles_from_several_places(void **state)
{
    (void)state;
    put(acme->roles.paths[acme->roles.count++], "/realm_access/roles");
    put(acme->roles.paths[acme->roles.count++], "cognito:groups");
    put(acme->roles.paths[acme->roles.count++], "https://acme.example/roles");
    assert_ok(verify("{" GOOD ",\"realm_access\":{\"roles\":[\"a b\",\"c\"]},\"cognito:groups\":\"d  e\","
                     "\"https://acme.example/roles\":[\"f\\u002cg\"]}"));
    assert_int_equal(who.role_count, 5);
    assert_text(who.roles[0], "a b");
    assert_text(who.roles[2], "d");
    assert_text(who.roles[3], "e");
    assert_text(who.roles[4], "f,g");
    /* What can not be read is not guessed at. */
    assert_code(verify("{" GOOD ",\"cognito:groups\":7}"), E_FORBIDDEN);
    assert_code(verify("{" GOOD ",\"cognito:groups\":[\"a\",7]}"), E_FORBIDDEN);
    assert_code(verify("{" GOOD ",\"cognito:groups\":[\"a\\n\"]}"), E_FORBIDDEN);
    assert_ok(verify("{" GOOD ",\"cognito:groups\":null}"));
}

static void more_roles_than_there_is_room_for(void **state)
{
    (void)state;
    char payload[TEXT_MAX];
    struct buf b = buf_fixed(payload, sizeof payload);
    put(acme->roles.paths[acme->roles.count++], "roles");
    buf_text(&b, "{" GOOD ",\"roles\":[\"r\"");
    for (int i = 1; i < FOREIGN_WORDS_MAX; i++)
        buf_text(&b, ",\"r\"");
    size_t full = b.len;
    buf_text(&b, "]}");
    assert_true(buf_terminate(&b));
    assert_ok(verify(payload));
    b.len = full;
    buf_text(&b, ",\"r\"]}");
    assert_true(buf_terminate(&b));
    assert_code(verify(payload), E_FORBIDDEN);
}

static void an_address_counts_when_it_is_verified(void **state)
{
    (void)state;
    assert_ok(verify("{" GOOD ",\"email\":\"a@b.example\"}"));
    assert_int_equal(who.email.len, 0);
    assert_ok(verify("{" GOOD ",\"email\":\"a@b.example\",\"email_verified\":false}"));
    assert_int_equal(who.email.len, 0);
    assert_ok(verify("{" GOOD ",\"email\":\"a@b.example\",\"email_verified\":\"true\"}"));
    assert_int_equal(who.email.len, 0);
    assert_ok(verify("{" GOOD ",\"email\":\"a@b.example\",\"email_verified\":true}"));
    assert_text(who.email, "a@b.example");
    acme->trust_email = true;
    assert_ok(verify("{" GOOD ",\"email\":\"a@b.example\",\"email_verified\":false}"));
    assert_text(who.email, "a@b.example");
}

static void the_subject_must_be_there(void **state)
{
    (void)state;
#define NOBODY "\"iss\":\"https://acme.example/\",\"aud\":\"https://api.example.com\"," TIMES
    assert_code(verify("{" NOBODY "}"), E_FORBIDDEN);
    assert_code(verify("{" NOBODY ",\"sub\":\"\"}"), E_INVALID_TOKEN);
    assert_code(verify("{" NOBODY ",\"sub\":\"a\\r\\nX-Auth-Roles: admin\"}"), E_INVALID_TOKEN);
    put(acme->user, "oid");
    assert_code(verify("{" NOBODY ",\"sub\":\"a\"}"), E_FORBIDDEN);
    assert_ok(verify("{" NOBODY ",\"sub\":\"a\",\"oid\":\"b\"}"));
    assert_text(who.subject, "b");
}

/* --- keys --- */

static void sets_that_are_refused(void **state)
{
    (void)state;
    struct issuer_keys *k;
    assert_code(issuer_keys_read(acme, VIEW("{\"keys\":[]}"), 1, &k), E_INVALID_FIELD);
    assert_code(issuer_keys_read(acme, VIEW("{}"), 1, &k), E_INVALID_FIELD);
    assert_code(issuer_keys_read(acme, VIEW("<html>"), 1, &k), E_INVALID_FIELD);
    assert_code(issuer_keys_read(acme, set_of(jwks, 1, true), 1, &k), E_INVALID_FIELD); /* private */
    struct jwk verifying =
        jwks[0]; /* private, and only meant to verify: as public as it can be, and lost all the same */
    verifying.use = JWK_USE_UNSET;
    verifying.ops = JWK_MAY_VERIFY;
    assert_code(issuer_keys_read(acme, set_of(&verifying, 1, true), 1, &k), E_INVALID_FIELD);
    jwk_clear(&verifying);
    struct jwk twins[2] = {jwks[0], jwks[1]};
    put(twins[1].kid, "k1");
    assert_code(issuer_keys_read(acme, set_of(twins, 2, false), 1, &k), E_INVALID_FIELD);
    assert_code(issuer_keys_read(acme,
                                 VIEW("{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"s\","
                                      "\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}"),
                                 1, &k),
                E_INVALID_FIELD);
    assert_ok(issuer_keys_read(acme, set_of(jwks, 2, false), 1, &k));
    issuer_keys_unref(k);
}

/* The same text is not verified twice, and a set without the key puts an end to it at once. */
static void the_cache_follows_the_set(void **state)
{
    (void)state;
    const uint8_t secret[16] = {1};
    struct verify_cache *cache = verify_cache_new(64, secret);
    struct view text = forge(&first, HEADER, "{" GOOD "}");
    assert_non_null(cache);
    assert_ok(verify_text(text, cache));
    assert_true(verify_cache_signed(cache, verify_cache_hash(cache, text), 7));
    assert_ok(verify_text(text, cache));
    assert_text(who.subject, "alice");
    /* All but the signature is looked at again. */
    put(acme->audiences[0], "https://else.example");
    assert_code(verify_text(text, cache), E_INVALID_TOKEN);
    put(acme->audiences[0], "https://api.example.com");
    struct issuer_keys *next, *all[ISSUERS_MAX] = {NULL};
    assert_ok(issuer_keys_read(acme, set_of(&jwks[1], 1, false), 8, &next));
    atomic_store(&next->drop_at_ms, BOOT_MS + 1000);
    all[0] = next;
    issuer_ring_unref(ring);
    ring = issuer_ring_new(settings->generation, all);
    assert_non_null(ring);
    issuer_keys_unref(next);
    assert_code(verify_text(text, cache), E_NOT_FOUND);
    /* A forged text that was never good is not helped by the cache either. */
    assert_code(
        verify_text(forge(&foreign, "{\"alg\":\"ES256\",\"kid\":\"k2\",\"typ\":\"at+jwt\"}", "{" GOOD "}"), cache),
        E_INVALID_TOKEN);
    assert_false(verify_cache_signed(cache, verify_cache_hash(cache, text), 0));
    verify_cache_free(cache);
}

/* --- policies --- */

static void policies_ask_for_mapped_roles_and_scopes(void **state)
{
    (void)state;
    put(acme->roles.paths[acme->roles.count++], "roles");
    assert_ok(verify("{" GOOD ",\"roles\":[\"Staff\"],\"scope\":\"read write\",\"auth_time\":1799999990}"));
    assert_ok(policy_check_foreign(&policy, &who, now_ms));
    put(policy.roles[policy.role_count++], "staff");
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_FORBIDDEN);
    put(policy.roles[policy.role_count++], "Staff");
    assert_ok(policy_check_foreign(&policy, &who, now_ms));
    put(policy.scopes[policy.scope_count++], "read");
    assert_ok(policy_check_foreign(&policy, &who, now_ms));
    put(policy.scopes[policy.scope_count++], "admin");
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_FORBIDDEN);
    policy.scope_count = 0;
    policy.kinds = KIND_SESSION | KIND_KEY;
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_FORBIDDEN);
    policy.kinds = KIND_TOKEN;
    assert_ok(policy_check_foreign(&policy, &who, now_ms));
    policy.login_age_max_ms = 10000;
    assert_ok(policy_check_foreign(&policy, &who, now_ms));
    policy.login_age_max_ms = 9000;
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_LOGIN_TOO_OLD);
    who.authenticated_at_s = 0;
    policy.login_age_max_ms = 10000;
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_LOGIN_TOO_OLD);
    /* A login that is still to come, milliseconds for seconds for example, would be young for ever. */
    who.authenticated_at_s = now_ms;
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_LOGIN_TOO_OLD);
    who.authenticated_at_s = INT64_MAX;
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_LOGIN_TOO_OLD);
    who.authenticated_at_s = now_ms / 1000 + who.issuer->leeway_ms / 1000;
    assert_ok(policy_check_foreign(&policy, &who, now_ms));
    policy.login_age_max_ms = 0;
    put(policy.audience, "https://api.example.com");
    assert_ok(policy_check_foreign(&policy, &who, now_ms));
    put(policy.audience, "https://other.example.com");
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_FORBIDDEN);
    policy.audience[0] = '\0';
    put(policy.apps[policy.app_count++], "web"); /* no app of ours stands behind it */
    assert_code(policy_check_foreign(&policy, &who, now_ms), E_FORBIDDEN);
}

static void our_own_tokens_are_named_too(void **state)
{
    (void)state;
    const char *name = NULL;
    uint32_t at = 9;
    assert_true(policy_own_tokens(NULL));
    assert_false(policy_own_tokens(&policy));
    put(policy.issuers[policy.issuer_count++], ISSUER_SELF);
    join();
    assert_true(policy_own_tokens(&policy));
    assert_int_equal(policy.issuer_bits, 1);
    put(settings->policies[0].issuers[1], "nobody");
    assert_code(settings_join_issuers(settings, &at, &name), E_NOT_FOUND);
    assert_int_equal(at, 0);
    assert_string_equal(name, "nobody");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_good_token_names_its_subject),
        CASE(the_issuer_must_be_one_of_the_policys),
        CASE(one_issuers_key_is_not_the_others),
        CASE(audiences),
        CASE(headers),
        CASE(times),
        CASE(an_unknown_key_may_be_new),
        CASE(keys_that_are_too_old_are_none),
        CASE(required_claims),
        CASE(clients),
        CASE(roles_from_several_places),
        CASE(more_roles_than_there_is_room_for),
        CASE(an_address_counts_when_it_is_verified),
        CASE(the_subject_must_be_there),
        CASE(sets_that_are_refused),
        CASE(the_cache_follows_the_set),
        CASE(policies_ask_for_mapped_roles_and_scopes),
        CASE(our_own_tokens_are_named_too),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
