#include "crypto/argon2.h"

#include "base/secret.h"
#include "base/text.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <zxcvbn.h>

_Static_assert(crypto_pwhash_argon2id_STRBYTES == ARGON2_PHC_MAX, "the length in argon2.h");

static bool cost_within_limits(struct argon2_cost c)
{
    return c.memory_kib >= crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024 && c.memory_kib <= ARGON2_MEMORY_KIB_MAX &&
           c.passes >= 1 && c.passes <= ARGON2_PASSES_MAX;
}

bool argon2_cost_acceptable(struct argon2_cost c)
{
    return cost_within_limits(c) &&
           ((c.memory_kib >= ARGON2_MEMORY_KIB_MIN && c.passes >= 2) || c.memory_kib >= ARGON2_MEMORY_KIB_ONE_PASS);
}

struct cardea_status argon2_hash(struct view password, struct argon2_cost cost, char *out, size_t cap)
{
    char phc[ARGON2_PHC_MAX];

    if (cap < sizeof phc || !cost_within_limits(cost))
        return CARDEA_FAIL(E_USAGE);
    /* Password and cost are in range, so only memory can be lacking. */
    if (crypto_pwhash_argon2id_str(phc, password.len == 0 ? "" : password.ptr, password.len, cost.passes,
                                   (size_t)cost.memory_kib * 1024) != 0)
        return CARDEA_FAIL(E_BUSY);
    memcpy(out, phc, sizeof phc);
    return CARDEA_SUCCESS;
}

/* Cut "name=number<end>" off the front. */
static bool take_number(struct view *in, struct view name, char end, uint64_t *out)
{
    struct view number, rest;

    if (!view_starts(*in, name) || !view_cut(view_skip(*in, name.len), end, &number, &rest) ||
        !cardea_ok(parse_u64(number, out)))
        return false;
    *in = rest;
    return true;
}

/* The cost of a PHC string of ours; libsodium judges salt and hash. */
static bool phc_cost(const char *phc, struct argon2_cost *out)
{
    struct view in = {phc, strnlen(phc, ARGON2_PHC_MAX)};
    struct view prefix = VIEW("$argon2id$v=19$");
    uint64_t memory, passes, lanes;

    if (in.len == ARGON2_PHC_MAX || !view_starts(in, prefix))
        return false;
    in = view_skip(in, prefix.len);
    if (!take_number(&in, VIEW("m="), ',', &memory) || !take_number(&in, VIEW("t="), ',', &passes) ||
        !take_number(&in, VIEW("p="), '$', &lanes))
        return false;
    if (lanes != 1 || memory > ARGON2_MEMORY_KIB_MAX || passes > ARGON2_PASSES_MAX)
        return false;
    struct argon2_cost cost = {(uint32_t)memory, (uint32_t)passes};
    if (!cost_within_limits(cost))
        return false;
    *out = cost;
    return true;
}

struct cardea_status argon2_verify(struct view password, const char *phc)
{
    struct argon2_cost cost;

    if (!phc_cost(phc, &cost))
        return CARDEA_FAIL(E_CORRUPT);
    /* libsodium answers -1 for everything; errno tells a mismatch (EINVAL) from lack of memory (the allocator's
     * ENOMEM) and from a string it can not read (untouched). */
    errno = 0;
    if (crypto_pwhash_argon2id_str_verify(phc, password.len == 0 ? "" : password.ptr, password.len) == 0)
        return CARDEA_SUCCESS;
    switch (errno) {
    case EINVAL:
        return CARDEA_FAIL(E_INVALID_CREDENTIALS);
    case ENOMEM:
        return CARDEA_FAIL(E_BUSY);
    default:
        return CARDEA_FAIL(E_CORRUPT);
    }
}

bool argon2_weaker(const char *phc, struct argon2_cost cost)
{
    struct argon2_cost made;

    return !phc_cost(phc, &made) || made.memory_kib < cost.memory_kib || made.passes < cost.passes;
}

static double window_bits(struct view part, const char **words)
{
    char text[GUESS_WINDOW + 1];

    view_copy(part, text, sizeof text);
    double bits = ZxcvbnMatch(text, words, NULL);
    secret_wipe(text, sizeof text);
    return bits;
}

double password_guesses_log10(struct view password, const char *const *words)
{
    const double log10_of_2 = 0.30102999566398120;
    const char *none[] = {NULL};
    const char **dictionary = none;
    size_t count = 0;

    /* zxcvbn's parameter lacks a const that it honours; the list is copied so that nothing need be cast away. */
    while (words != NULL && words[count] != NULL)
        count++;
    if (count > 0) {
        dictionary = calloc(count + 1, sizeof *dictionary);
        if (dictionary == NULL)
            return 0; /* unknown is weak */
        memcpy(dictionary, words, count * sizeof *dictionary);
    }
    size_t window = password.len < GUESS_WINDOW ? password.len : GUESS_WINDOW;
    double bits = window_bits((struct view){password.ptr, window}, dictionary);
    if (password.len > GUESS_WINDOW) {
        double tail = window_bits((struct view){password.ptr + password.len - window, window}, dictionary);
        bits = tail > bits ? tail : bits;
    }
    if (dictionary != none)
        free(dictionary);
    return bits * log10_of_2;
}
