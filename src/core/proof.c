#include "core/proof.h"

/* A hash that no password has: well formed, with a fixed salt and a fixed result that nobody computed. Checking against
 * it costs what checking against a real one costs. */
static bool dummy_hash(struct argon2_cost cost, char *out, size_t cap)
{
    struct buf b = buf_fixed(out, cap);
    buf_text(&b, "$argon2id$v=19$m=");
    buf_uint(&b, cost.memory_kib);
    buf_text(&b, ",t=");
    buf_uint(&b, cost.passes);
    buf_text(&b, ",p=1$Y2FyZGVhIGR1bW15IHNhbA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    return buf_terminate(&b);
}

static struct cardea_status check(const struct settings *s, const struct user_record *user, struct view password)
{
    char dummy[ARGON2_PHC_MAX];
    if (!dummy_hash(s->argon2, dummy, sizeof dummy))
        return CARDEA_FAIL(E_INTERNAL);
    bool real = user != NULL && user->password_hash[0] != '\0';
    struct cardea_status result = argon2_verify(password, real ? user->password_hash : dummy);
    if (cardea_ok(result) && (!real || user->status != USER_ACTIVE))
        return CARDEA_FAIL(E_INVALID_CREDENTIALS);
    return result;
}

struct cardea_status proof_make(struct guess *g, const struct settings *s, struct guess_subject *who,
                                const struct user_record *user, struct view password, int64_t now_ms, struct proof *out,
                                int64_t *ret_wait_ms)
{
    struct cardea_status result = guess_begin(g, s, who, now_ms, ret_wait_ms);
    if (!cardea_ok(result))
        return result;
    result = check(s, user, password);
    if (result.code == CARDEA_E_INVALID_CREDENTIALS) {
        guess_failed(g, s, who, now_ms);
        return result;
    }
    if (!cardea_ok(result)) {
        guess_abandoned(g, who, now_ms);
        return result;
    }
    guess_succeeded(g, who, now_ms);
    struct proof p = {.epoch = user->epoch};
    /* No memory for the new hash is no reason to refuse a right password: the next login tries again. */
    if (argon2_weaker(user->password_hash, s->argon2) &&
        !cardea_ok(argon2_hash(password, s->argon2, p.renewed, sizeof p.renewed)))
        p.renewed[0] = '\0';
    *out = p;
    return CARDEA_SUCCESS;
}
