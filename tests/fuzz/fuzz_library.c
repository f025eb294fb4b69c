/* The library's own words: what it signs, it verifies and says again; keys that it writes, it reads; cookies are found
 * as a second, plainer reader finds them.
 *
 * The first byte chooses: 's' name, line feed, value, line feed, name, …: a statement, signed and verified; 'k' a key,
 * JWK or PEM; 'c' Cookie lines, with line feeds between them; 'v' a token as it came. */
#include "fuzz.h"

#include "cardea/cardea.h"

#include <stdbool.h>

enum { INPUT_MAX = 4096, LINES_MAX = 64 };
static const int64_t now_s = 1800000000;

static struct cardea_key *key;
static struct cardea_verifier *verifier;
static struct cardea_claims *claims;

static void make(void)
{
    static const unsigned char secret[32] = {1, 2, 3};

    EXPECT(cardea_ok(cardea_key_from_secret(cardea_bytes(secret, sizeof secret), "HS256", "k", &key)));
    EXPECT(cardea_ok(cardea_verifier_new(&verifier)));
    EXPECT(cardea_ok(cardea_verifier_add_key(verifier, key)));
    EXPECT(cardea_ok(cardea_verifier_issuer(verifier, "https://id.example.com")));
    EXPECT(cardea_ok(cardea_verifier_audience(verifier, "https://api.example.com")));
    EXPECT(cardea_ok(cardea_claims_new(&claims)));
}

/* Cut at line feeds, in place; the lines end in NUL. */
static size_t cut(char *text, char *lines[LINES_MAX])
{
    size_t count = 0;

    for (char *line = text; line != NULL && count < LINES_MAX; count++) {
        char *end = strchr(line, '\n');
        lines[count] = line;
        if (end != NULL)
            *end++ = '\0';
        line = end;
    }
    return count;
}

static void sign_and_verify(char *text)
{
    char *lines[LINES_MAX], *names[LINES_MAX], *values[LINES_MAX];
    static char token[CARDEA_TOKEN_MAX + 1];
    struct cardea_statement *s = NULL;
    size_t count = cut(text, lines), stated = 0, len;
    const char *found = NULL;

    EXPECT(cardea_ok(cardea_statement_new(&s)));
    EXPECT(cardea_ok(cardea_statement_access_token(s, "https://id.example.com", "alice", "https://api.example.com",
                                                   "web", now_s, 60)));
    for (size_t i = 0; i + 1 < count; i += 2) {
        struct cardea_status one = lines[i][0] == '!' ? cardea_statement_json(s, lines[i], cardea_text(lines[i + 1]))
                                                      : cardea_statement_text(s, lines[i], lines[i + 1]);
        if (!cardea_ok(one)) {
            EXPECT(!cardea_ok(cardea_sign(key, "at+jwt", s, token, sizeof token, &len)));
            cardea_statement_free(s);
            return;
        }
        names[stated] = lines[i];
        values[stated++] = lines[i + 1];
    }
    struct cardea_status signing = cardea_sign(key, "at+jwt", s, token, sizeof token, &len);
    cardea_statement_free(s);
    EXPECT(cardea_ok(signing) && strlen(token) == len);
    struct cardea_status verdict = cardea_verify(verifier, cardea_bytes(token, len), now_s, claims);
    /* What is signed holds, but for a key's binding, a time not yet come, and what only a reader of claims refuses. */
    if (!cardea_ok(verdict)) {
        EXPECT(verdict.code == CARDEA_E_INVALID_TOKEN && cardea_claims_subject(claims) == NULL);
        return;
    }
    EXPECT(strcmp(cardea_claims_subject(claims), "alice") == 0);
    for (size_t i = 0; i < stated; i++)
        if (names[i][0] != '!' && names[i][0] != '/' && strlen(names[i]) <= 255) {
            EXPECT(cardea_ok(cardea_claims_text(claims, names[i], &found)));
            EXPECT(strcmp(found, values[i]) == 0);
        }
}

static void read_key(struct cardea_bytes text)
{
    static const char *const algorithms[] = {NULL, "RS256", "PS512", "HS256"};
    char out[4096];
    size_t len;

    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        for (int pem = 0; pem < 2; pem++) {
            struct cardea_key *k = NULL, *again = NULL;
            struct cardea_status s =
                pem ? cardea_key_read_pem(text, algorithms[i], NULL, &k) : cardea_key_read_jwk(text, algorithms[i], &k);
            EXPECT(cardea_ok(s) == (k != NULL));
            if (k == NULL)
                continue;
            EXPECT(cardea_key_signs(k) || cardea_key_verifies(k));
            if (cardea_ok(cardea_key_write_jwk(k, out, sizeof out, &len))) {
                EXPECT(cardea_ok(cardea_key_read_jwk(cardea_bytes(out, len), NULL, &again)));
                EXPECT(strcmp(cardea_key_id(again), cardea_key_id(k)) == 0);
                EXPECT(!cardea_key_signs(again));
                cardea_key_free(again);
            }
            cardea_key_free(k);
        }
}

/* Pairs of a line by another way: walk the characters. */
static size_t count_plainly(const char *line, const char *name)
{
    size_t count = 0, len = strlen(name);

    for (const char *at = line;; at++) {
        at += strspn(at, " \t");
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            count++;
        at += strcspn(at, ";");
        if (*at == '\0')
            break;
    }
    return count;
}

static void find_cookie(char *text)
{
    char *lines[LINES_MAX];
    struct cardea_bytes views[LINES_MAX], value = {NULL, 0};
    size_t count = cut(text, lines), seen = 0;
    char sid[CARDEA_SID_SIZE];

    for (size_t i = 0; i < count; i++) {
        views[i] = cardea_text(lines[i]);
        seen += count_plainly(lines[i], CARDEA_COOKIE_SESSION);
    }
    struct cardea_status s = cardea_cookie_find(views, count, CARDEA_COOKIE_SESSION, &value);
    EXPECT(s.code == (seen == 0 ? CARDEA_E_NOT_FOUND : seen == 1 ? CARDEA_OK : CARDEA_E_MANY_CREDENTIALS));
    if (cardea_ok(s) && cardea_ok(cardea_session_cookie_sid(value, sid)))
        EXPECT(value.len == CARDEA_SESSION_COOKIE_TEXT && memcmp(sid, value.ptr, 21) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[INPUT_MAX + 1];

    if (size < 1 || size > INPUT_MAX)
        return 0;
    if (key == NULL)
        make();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0]) {
    case 's':
        sign_and_verify(text);
        break;
    case 'k':
        read_key(cardea_bytes(text, size - 1));
        break;
    case 'c':
        find_cookie(text);
        break;
    case 'v':
        EXPECT(!cardea_ok(cardea_verify(verifier, cardea_bytes(text, size - 1), now_s, claims)) ||
               cardea_claims_json(claims).len > 0);
        break;
    default:
        break;
    }
    return 0;
}
