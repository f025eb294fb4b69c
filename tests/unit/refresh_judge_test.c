/* Does refresh_judge keep promise 6 over any history? Named cases, and random histories against a model that remembers
 * everything that was ever issued (which the record, by design, does not). */
#include "key_double.h"

#include "core/credential.h"
#include "crypto/digest.h"

enum { HISTORIES = 300, STEPS = 120, ISSUED_MAX = STEPS + 2 };

static struct keyring *keys;

static int set_up(void **state)
{
    static struct key_double store;

    (void)state;
    keys = key_double_ring(&store, entropy_system(), 1000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    keyring_unref(keys);
    return 0;
}

/* A small generator of our own: a failing history is repeated by its seed. */
struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
    d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(d->state >> 33) % sides;
}

static void dice_fill(void *context, void *out, size_t len)
{
    uint8_t *p = out;

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)roll(context, 256);
}

/* What a login makes. */
static void begin(struct session_record *r, struct refresh_token *t, const struct entropy *e, int64_t now_ms)
{
    *r = (struct session_record){.kind = SESSION_TOKEN,
                                 .generation = 1,
                                 .created_at_ms = now_ms,
                                 .last_seen_at_ms = now_ms,
                                 .rotated_at_ms = now_ms,
                                 .expires_at_ms = now_ms + 1000 * 1000 * 1000};
    entropy_fill(e, r->sid.bytes, sizeof r->sid.bytes);
    *t = (struct refresh_token){.sid = r->sid, .generation = 1};
    entropy_fill(e, t->secret.bytes, sizeof t->secret.bytes);
    secret_digest(&t->secret, r->refresh_digest);
}

/* What the refresh flow does on ROTATE. */
static struct refresh_token rotate(struct session_record *r, const struct refresh_token *t, const struct entropy *e,
                                   int64_t now_ms)
{
    struct refresh_token next;

    entropy_fill(e, r->refresh_nonce, sizeof r->refresh_nonce);
    refresh_token_successor(keys, t, r->refresh_nonce, &next);
    memcpy(r->previous_digest, r->refresh_digest, 32);
    secret_digest(&next.secret, r->refresh_digest);
    r->generation = next.generation;
    r->rotated_at_ms = r->last_seen_at_ms = now_ms;
    return next;
}

static bool same_token(const struct refresh_token *a, const struct refresh_token *b)
{
    return ID_SAME(a->sid, b->sid) && a->generation == b->generation &&
           memcmp(a->secret.bytes, b->secret.bytes, SECRET_BYTES) == 0;
}

/* --- named cases --- */

struct chain {
    struct session_record record;
    struct refresh_token tokens[5]; /* generations 1 … 4; [0] unused */
};

/* Four generations, one second apart from 1,000 s; the record is at 4. */
static struct chain four_generations(void)
{
    struct chain c;

    begin(&c.record, &c.tokens[1], entropy_system(), 1000000);
    for (int g = 1; g < 4; g++)
        c.tokens[g + 1] = rotate(&c.record, &c.tokens[g], entropy_system(), 1000000 + g * 1000);
    c.tokens[0] = c.tokens[1];
    return c;
}

static void the_current_token_rotates(void **state)
{
    struct chain c = four_generations();

    (void)state;
    assert_int_equal(refresh_judge(&c.record, &c.tokens[4], 1003000), REFRESH_ROTATE);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[4], 1003000 + 900 * 1000 * 1000), REFRESH_ROTATE);
}

static void the_previous_repeats_within_the_grace_alone(void **state)
{
    struct chain c = four_generations();
    struct refresh_token again;

    (void)state;
    assert_int_equal(refresh_judge(&c.record, &c.tokens[3], 1003000), REFRESH_REPEAT);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[3], 1003000 + REFRESH_GRACE_MS), REFRESH_REPEAT);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[3], 1003000 + REFRESH_GRACE_MS + 1), REFRESH_REUSE);
    /* Another node's clock, a little behind the one that rotated; not a clock set back by an hour. */
    assert_int_equal(refresh_judge(&c.record, &c.tokens[3], 1003000 - 500), REFRESH_REPEAT);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[3], 1003000 - REFRESH_GRACE_MS - 1), REFRESH_REUSE);
    refresh_token_successor(keys, &c.tokens[3], c.record.refresh_nonce, &again);
    assert_true(same_token(&again, &c.tokens[4]));
}

static void using_the_successor_ends_the_grace(void **state)
{
    struct chain c = four_generations();

    (void)state;
    /* Generation 2 was used one second before 3 was: within ten seconds, and yet reuse. */
    assert_int_equal(refresh_judge(&c.record, &c.tokens[2], 1003000), REFRESH_REUSE);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[1], 1003000), REFRESH_REUSE);
}

static void a_generation_above_is_a_rollback(void **state)
{
    struct chain c = four_generations();

    (void)state;
    c.record.generation = 3;
    assert_int_equal(refresh_judge(&c.record, &c.tokens[4], 1003000), REFRESH_ROLLBACK);
    c.record.generation = 0; /* a session that never had refresh tokens, says the record */
    assert_int_equal(refresh_judge(&c.record, &c.tokens[1], 1003000), REFRESH_ROLLBACK);
}

static void another_secret_is_a_fork(void **state)
{
    struct chain c = four_generations();

    (void)state;
    c.tokens[4].secret.bytes[0] ^= 1;
    c.tokens[3].secret.bytes[0] ^= 1;
    assert_int_equal(refresh_judge(&c.record, &c.tokens[4], 1003000), REFRESH_ROLLBACK);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[3], 1003000), REFRESH_ROLLBACK);
    /* Generation 1 has no predecessor: zeros in the record are nobody's digest. */
    struct session_record first = {.generation = 1, .sid = c.record.sid, .expires_at_ms = INT64_MAX};
    struct refresh_token zero = {.sid = c.record.sid, .generation = 0};
    assert_int_equal(refresh_judge(&first, &zero, 1000), REFRESH_ROLLBACK);
}

static void a_dead_session_stays_dead(void **state)
{
    struct chain c = four_generations();

    (void)state;
    for (int g = 1; g <= 4; g++)
        assert_int_equal(refresh_judge(&c.record, &c.tokens[g], c.record.expires_at_ms), REFRESH_DEAD);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[4], c.record.expires_at_ms - 1), REFRESH_ROTATE);
    c.record.idle_ms = 60 * 1000;
    assert_int_equal(refresh_judge(&c.record, &c.tokens[4], 1003000 + 60 * 1000 - 1), REFRESH_ROTATE);
    assert_int_equal(refresh_judge(&c.record, &c.tokens[4], 1003000 + 60 * 1000), REFRESH_DEAD);
    struct chain other = four_generations();
    assert_int_equal(refresh_judge(&c.record, &other.tokens[4], 1003000), REFRESH_DEAD);
}

/* --- random histories --- */

/* The model: every token ever issued, in order, with what became of it. */
struct model {
    struct refresh_token issued[ISSUED_MAX];
    int64_t first_used_ms[ISSUED_MAX]; /* -1: never */
    uint32_t count;
};

/* Promise 6 in the words of the promise, from the model's memory. */
static enum refresh_verdict promised(const struct model *m, uint32_t index, int64_t now_ms)
{
    if (m->first_used_ms[index] < 0)
        return REFRESH_ROTATE;
    bool in_time = now_ms - m->first_used_ms[index] <= REFRESH_GRACE_MS;
    bool successor_used = m->first_used_ms[index + 1] >= 0;
    return in_time && !successor_used ? REFRESH_REPEAT : REFRESH_REUSE;
}

static void play(uint64_t seed)
{
    struct dice dice = {seed * 2654435761u + 1};
    const struct entropy e = {dice_fill, &dice};
    struct session_record r;
    struct model m = {.count = 1};
    int64_t now_ms = 1000000;

    begin(&r, &m.issued[0], &e, now_ms);
    m.first_used_ms[0] = -1;
    for (int step = 0; step < STEPS; step++) {
        now_ms += roll(&dice, 3) == 0 ? roll(&dice, 20000) : roll(&dice, 50);
        /* Mostly the newest and the one before it: races. Sometimes a thief's old copy. */
        uint32_t back = roll(&dice, 8) == 0 ? roll(&dice, m.count) : roll(&dice, m.count < 2 ? 1 : 2);
        uint32_t index = m.count - 1 - back;
        enum refresh_verdict want = promised(&m, index, now_ms), got = refresh_judge(&r, &m.issued[index], now_ms);
        if (got != want)
            fail_msg("seed %lu step %d: verdict %d, promised %d", (unsigned long)seed, step, (int)got, (int)want);
        if (got == REFRESH_REUSE)
            return; /* the session has ended */
        struct refresh_token next;
        if (got == REFRESH_REPEAT) {
            refresh_token_successor(keys, &m.issued[index], r.refresh_nonce, &next);
            assert_true(same_token(&next, &m.issued[index + 1]));
            continue;
        }
        m.first_used_ms[index] = now_ms;
        m.first_used_ms[m.count] = -1;
        m.issued[m.count++] = rotate(&r, &m.issued[index], &e, now_ms);
    }
}

static void random_histories_keep_the_promise(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        play(seed);
}

/* Histories with a store put back: no token of the lost branch is ever taken, whatever the new branch did since. */
static void a_lost_branch_is_never_taken(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        struct dice dice = {seed};
        const struct entropy e = {dice_fill, &dice};
        struct session_record r, snapshot;
        struct refresh_token tokens[16], lost[16];
        uint32_t common = 1 + roll(&dice, 5), lost_count = 1 + roll(&dice, 5), since = roll(&dice, 5);
        int64_t now_ms = 1000000;

        begin(&r, &tokens[0], &e, now_ms);
        for (uint32_t i = 0; i + 1 < common; i++)
            tokens[i + 1] = rotate(&r, &tokens[i], &e, ++now_ms);
        snapshot = r;
        lost[0] = tokens[common - 1];
        for (uint32_t i = 0; i < lost_count; i++)
            lost[i + 1] = rotate(&r, &lost[i], &e, ++now_ms);
        r = snapshot;
        for (uint32_t i = 0; i < since; i++)
            tokens[common + i] = rotate(&r, &tokens[common + i - 1], &e, ++now_ms);
        for (uint32_t i = 1; i <= lost_count; i++) {
            enum refresh_verdict v = refresh_judge(&r, &lost[i], now_ms);
            assert_true(v == REFRESH_ROLLBACK || v == REFRESH_REUSE); /* both end the session */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_current_token_rotates),
        cmocka_unit_test(the_previous_repeats_within_the_grace_alone),
        cmocka_unit_test(using_the_successor_ends_the_grace),
        cmocka_unit_test(a_generation_above_is_a_rollback),
        cmocka_unit_test(another_secret_is_a_fork),
        cmocka_unit_test(a_dead_session_stays_dead),
        cmocka_unit_test(random_histories_keep_the_promise),
        cmocka_unit_test(a_lost_branch_is_never_taken),
    };

    if (!cardea_ok(crypto_start()))
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
