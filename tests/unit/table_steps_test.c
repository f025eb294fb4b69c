/* Does a reader of the verification table see the truth whatever moment it is stopped at, and whatever moment the
 * writer is?
 *
 * The table is compiled with a hook before every single load of a reader and every single store of the writer. Reader
 * and writer run as coroutines, and for each scenario below *all* schedules of this form are tried:
 *
 *     the reader makes i loads; the writer makes j stores; the reader finishes; the writer finishes
 *
 * (j = 0 … all: a writer killed at any store; i = 0 … all: a reader overtaken at any load), and then many random ones
 * that switch at every step. The reader's answer must be what the table said before the operations, after one of them,
 * or at the end: nothing in between, and nothing else. This settles the logic; what the memory model adds is argued in
 * core/table.h and left to the thread sanitizer in table_torture_test.c.
 */
#include "table_help.h"

#include <limits.h>
#include <stdlib.h>
#include <ucontext.h>

#include "core/table_writer.h"

enum who { NOBODY, READER, WRITER };

static ucontext_t contexts[3];
static char stacks[3][1 << 18];
static enum who running;
static long budget, made[3];
static bool done[3];

static void step(enum who who)
{
    if (running != who)
        return;
    if (budget-- <= 0) {
        running = NOBODY;
        swapcontext(&contexts[who], &contexts[NOBODY]);
    }
    made[who]++;
}

void table_test_load(void);
void table_test_store(void);
void table_test_load(void)
{
    step(READER);
}
void table_test_store(void)
{
    step(WRITER);
}

/* Let one of them make so many accesses. */
static void run(enum who who, long accesses)
{
    if (done[who])
        return;
    running = who;
    budget = accesses;
    swapcontext(&contexts[NOBODY], &contexts[who]);
    running = NOBODY;
}

/* --- a world that can be set back --- */

static bool zero_out(void *context, void *start, size_t size)
{
    (void)context;
    memset(start, 0, size);
    return true;
}

struct saved {
    struct table_writer writer;
    struct {
        void *start, *copy;
        size_t size;
    } ranges[5];
};

static void save(struct world *x, struct saved *s)
{
    s->writer = *x->w;
    s->ranges[0].start = x->block;
    s->ranges[0].size = sizeof(struct table_header);
    s->ranges[1].start = x->w->sessions;
    s->ranges[1].size = (size_t)x->w->sessions_high * SESSION_WORDS * 8 + 1024;
    s->ranges[2].start = x->w->others;
    s->ranges[2].size = (size_t)x->w->others_high * UNIT_WORDS * 8 + 4096;
    s->ranges[3].start = x->w->index;
    s->ranges[3].size = part_offset(x->w->level + 2, 0) * 8;
    s->ranges[4].start = x->seen;
    s->ranges[4].size = TABLE_ALIGN + (size_t)x->w->sessions_high * 8 + 64;
    for (int i = 0; i < 5; i++) {
        s->ranges[i].copy = malloc(s->ranges[i].size);
        assert_non_null(s->ranges[i].copy);
        memcpy(s->ranges[i].copy, s->ranges[i].start, s->ranges[i].size);
    }
}

static void set_back(struct world *x, const struct saved *s)
{
    *x->w = s->writer;
    for (int i = 0; i < 5; i++)
        memcpy(s->ranges[i].start, s->ranges[i].copy, s->ranges[i].size);
}

static void forget(struct saved *s)
{
    for (int i = 0; i < 5; i++)
        free(s->ranges[i].copy);
}

/* --- numbers with something in common --- */

static uint32_t tag_of(uint64_t n)
{
    struct session_id sid = sid_of(n);
    uint64_t seed[2];
    memcpy(seed, "a seed of 16 byt", sizeof seed);
    return table_name(seed, SPACE_SESSION, sid.bytes, sizeof sid.bytes).tag;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t twin_a, twin_b; /* sessions whose tags agree in every bit */

static void find_twins(void)
{
    enum { N = 100000 };
    uint64_t *tags = malloc(N * sizeof *tags);
    assert_non_null(tags);
    for (uint64_t n = 0; n < N; n++)
        tags[n] = (uint64_t)tag_of(n) << 32 | n;
    qsort(tags, N, sizeof *tags, by_value);
    for (size_t i = 1; i < N && twin_b == 0; i++)
        if (tags[i] >> 32 == tags[i - 1] >> 32) {
            twin_a = (uint32_t)tags[i - 1];
            twin_b = (uint32_t)tags[i];
        }
    free(tags);
    assert_true(twin_b != 0);
}

static uint64_t neighbours[4]; /* sessions with one home in the smallest index */

static void find_neighbours(void)
{
    uint32_t home = tag_of(1000000) >> (TAG_BITS - LEVEL_MIN);
    uint64_t n = 1000000;
    for (int i = 0; i < 4; n++)
        if (tag_of(n) >> (TAG_BITS - LEVEL_MIN) == home)
            neighbours[i++] = n;
}

/* --- what a reader can ask; each answer is one number, torn contents give none that is allowed --- */

static uint64_t code(enum table_answer a, int64_t version)
{
    return (uint64_t)a << 32 | (a == TABLE_HIT ? (uint32_t)version : 0);
}

static uint64_t look_session(struct world *x, uint64_t n)
{
    struct table_session s;
    enum table_answer a = table_find_session(x->t, sid_of(n), &s);
    return code(a, a == TABLE_HIT ? session_whole(n, &s) : 0);
}

static uint64_t look_user(struct world *x, uint64_t n)
{
    struct table_user u;
    enum table_answer a = table_find_user(x->t, user_of(n), 0, &u);
    return code(a, a == TABLE_HIT ? user_whole(n, &u) : 0);
}

/* Along the hint of session n * 4. */
static uint64_t look_user_by_hint(struct world *x, uint64_t n)
{
    struct table_session s;
    struct table_user u;
    if (table_find_session(x->t, sid_of(n * 4), &s) != TABLE_HIT)
        return 0;
    enum table_answer a = table_find_user(x->t, s.user, s.user_hint, &u);
    return code(a, a == TABLE_HIT ? user_whole(n, &u) : 0);
}

static uint64_t look_api_key(struct world *x, uint64_t n)
{
    struct table_api_key k;
    struct api_key_record wanted = {.id = api_key_of(n)};
    enum table_answer a = table_find_api_key(x->t, wanted.id, &k);
    if (a != TABLE_HIT)
        return code(a, 0);
    bytes_from(7, n, (uint64_t)k.scopes_len, wanted.digest, sizeof wanted.digest);
    return code(a, memcmp(wanted.digest, k.digest, 32) == 0 ? k.scopes_len : -1);
}

static uint64_t look_token(struct world *x, uint64_t n)
{
    return code(table_find_token(x->t, jti_of(n)), 0);
}

static uint64_t look_key(struct world *x, uint64_t n)
{
    struct table_key k;
    enum table_answer a = table_find_key(x->t, kid_of(n), &k);
    if (a != TABLE_HIT)
        return code(a, 0);
    uint8_t bytes[TABLE_PUBLIC_MAX];
    bytes_from(8, n, k.algorithm, bytes, k.public_len);
    return code(a, memcmp(bytes, k.public_bytes, k.public_len) == 0 ? k.algorithm : -1);
}

/* --- what a writer can do --- */

static void op_put(struct world *x, uint64_t n, uint64_t version)
{
    struct session_record r = session_at(n, version);
    (void)put_session(x, &r).code;
}
static void op_end(struct world *x, uint64_t n, uint64_t version)
{
    (void)version;
    (void)end_session(x, n).code;
}
/* Gone without a trace, as after its time. */
static void op_expire(struct world *x, uint64_t n, uint64_t version)
{
    struct session_record r = session_at(n, version);
    r.expires_at_ms = NOW;
    (void)put_session(x, &r).code;
}
static void op_user(struct world *x, uint64_t n, uint64_t epoch)
{
    struct user_record u = user_at(n, epoch);
    (void)put_user(x, &u).code;
}
static void op_user_end(struct world *x, uint64_t n, uint64_t epoch)
{
    (void)epoch;
    struct user_id id = user_of(n);
    (void)end_id(x, CHANGE_USER_END, id.bytes, NOW + DAY).code;
}
static void op_api_key(struct world *x, uint64_t n, uint64_t version)
{
    struct api_key_record k = {.id = api_key_of(n), .user = user_of(n), .expires_at_ms = NOW + DAY};
    memset(k.scopes, 's', version); /* the version is the length: another size of cell each */
    bytes_from(7, n, version, k.digest, sizeof k.digest);
    (void)put_api_key(x, &k).code;
}
static void op_api_key_end(struct world *x, uint64_t n, uint64_t version)
{
    (void)version;
    struct api_key_id id = api_key_of(n);
    (void)end_id(x, CHANGE_API_KEY_END, id.bytes, NOW + DAY).code;
}
static void op_token_end(struct world *x, uint64_t n, uint64_t version)
{
    (void)version;
    struct token_id jti = jti_of(n);
    (void)end_id(x, CHANGE_TOKEN_END, jti.bytes, NOW + DAY).code;
}
static void op_keys(struct world *x, uint64_t n, uint64_t version)
{
    struct table_key k = {.kid = kid_of(n), .algorithm = (uint8_t)version, .state = KEY_ACTIVE, .public_len = 65};
    bytes_from(8, n, version, k.public_bytes, 65);
    (void)table_set_keys(x->w, &k, version == 0 ? 0 : 1).code;
}
static void op_sweep(struct world *x, uint64_t days, uint64_t steps)
{
    (void)table_sweep(x->w, NOW + (int64_t)days * DAY, (uint32_t)steps);
}

/* --- scenarios --- */

enum { OPS_MAX = 4, CROWD = 6140 /* one short of the smallest index being full, with the few others */ };

struct scenario {
    const char *name;
    uint64_t (*look)(struct world *x, uint64_t n);
    uint64_t n;
    uint32_t crowd;     /* sessions put beforehand, from number 2,000,000 on */
    bool crowd_expires; /* and taken out again, so that the index is full of tombstones */
    bool no_units;      /* nothing but sessions fits any more */
    struct {
        void (*op)(struct world *x, uint64_t n, uint64_t version);
        uint64_t n, version;
    } before[OPS_MAX], ops[OPS_MAX];
};

static struct world *the_world;
static const struct scenario *the_scenario;
static uint64_t seen_by_reader;

static void reader_main(void)
{
    seen_by_reader = the_scenario->look(the_world, the_scenario->n);
    done[READER] = true;
    running = NOBODY;
    swapcontext(&contexts[READER], &contexts[NOBODY]);
}

static void writer_main(void)
{
    for (int i = 0; i < OPS_MAX && the_scenario->ops[i].op != NULL; i++)
        the_scenario->ops[i].op(the_world, the_scenario->ops[i].n, the_scenario->ops[i].version);
    done[WRITER] = true;
    running = NOBODY;
    swapcontext(&contexts[WRITER], &contexts[NOBODY]);
}

static void start(enum who who, void (*entry)(void))
{
    getcontext(&contexts[who]);
    contexts[who].uc_stack.ss_sp = stacks[who];
    contexts[who].uc_stack.ss_size = sizeof stacks[who];
    contexts[who].uc_link = NULL;
    makecontext(&contexts[who], entry, 0);
    done[who] = false;
    made[who] = 0;
}

static void prepare(struct world *x, const struct scenario *s)
{
    for (int i = 0; i < OPS_MAX && s->before[i].op != NULL; i++)
        s->before[i].op(x, s->before[i].n, s->before[i].version);
    for (uint64_t n = 0; n < s->crowd; n++)
        op_put(x, 2000000 + n, 1);
    for (uint64_t n = 0; n < s->crowd && s->crowd_expires; n++)
        op_expire(x, 2000000 + n, 1);
    if (s->no_units)
        for (uint64_t n = 0; x->w->others_high < x->w->table.units_max; n++)
            op_token_end(x, 3000000 + n, 0);
}

struct allowed {
    uint64_t answers[OPS_MAX + 1];
    int count;
};

static void check(const struct allowed *a, long i, long j)
{
    for (int k = 0; k < a->count; k++)
        if (a->answers[k] == seen_by_reader)
            return;
    fail_msg("%s: reader stopped after %ld loads, writer after %ld stores: answer %llx", the_scenario->name, i, j,
             (unsigned long long)seen_by_reader);
}

/* Which j to try when there are many: all near the ends, some in the middle. */
static long next_j(long j, long stores)
{
    return j < 60 || stores - j < 80 ? j + 1 : j + 1 + (stores - 140) / 60;
}

static void play(const struct scenario *s)
{
    struct world x = world_open(1 << 14, 1, &(struct table_host){zero_out, NULL});
    struct saved saved;
    struct allowed allowed = {.count = 1};
    the_world = &x;
    the_scenario = s;
    prepare(&x, s);
    save(&x, &saved);

    allowed.answers[0] = s->look(&x, s->n);
    for (int i = 0; i < OPS_MAX && s->ops[i].op != NULL; i++) {
        s->ops[i].op(&x, s->ops[i].n, s->ops[i].version);
        allowed.answers[allowed.count++] = s->look(&x, s->n);
    }
    uint64_t last = allowed.answers[allowed.count - 1];

    set_back(&x, &saved);
    start(READER, reader_main);
    start(WRITER, writer_main);
    run(READER, LONG_MAX);
    run(WRITER, LONG_MAX);
    long loads = made[READER], stores = made[WRITER];
    assert_true(loads > 0 && stores > 0);

    for (long i = 0; i <= loads; i++)
        for (long j = 1; j <= stores; j = next_j(j, stores)) {
            set_back(&x, &saved);
            start(READER, reader_main);
            start(WRITER, writer_main);
            run(READER, i);
            run(WRITER, j);
            run(READER, LONG_MAX);
            check(&allowed, i, j);
            run(WRITER, LONG_MAX);
            assert_true(s->look(&x, s->n) == last);
        }

    uint64_t noise = 7;
    for (int round = 0; round < (stores > 1000 ? 100 : 2000); round++) {
        set_back(&x, &saved);
        start(READER, reader_main);
        start(WRITER, writer_main);
        while (!done[READER]) {
            noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407u;
            run(READER, (long)(noise >> 60 & 3));
            run(WRITER, (long)(noise >> 40) % (1 + stores / 12));
        }
        check(&allowed, -1, round);
        run(WRITER, LONG_MAX);
    }
    forget(&saved);
    world_close(&x);
}

#define PLAY(name_, ...)                                                                                               \
    static void name_(void **state)                                                                                    \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        play(&(struct scenario){.name = #name_, __VA_ARGS__});                                                         \
    }

PLAY(new_session, .look = look_session, .n = 1, .ops = {{op_put, 1, 1}})
PLAY(session_replaced, .look = look_session, .n = 1, .before = {{op_put, 1, 1}}, .ops = {{op_put, 1, 2}})
PLAY(session_replaced_thrice, .look = look_session, .n = 1, .before = {{op_put, 1, 1}},
     .ops = {{op_put, 1, 2}, {op_put, 1, 3}, {op_put, 1, 4}})
PLAY(session_ended, .look = look_session, .n = 1, .before = {{op_put, 1, 1}}, .ops = {{op_end, 1, 0}})
PLAY(unknown_session_ended, .look = look_session, .n = 1, .ops = {{op_end, 1, 0}})
PLAY(session_ended_and_put, .look = look_session, .n = 1, .before = {{op_put, 1, 1}},
     .ops = {{op_end, 1, 0}, {op_put, 1, 1}})
PLAY(ended_cell_reused, .look = look_session, .n = 1, .before = {{op_put, 1, 1}},
     .ops = {{op_end, 1, 0}, {op_put, 2, 1}})
PLAY(cell_taken_over, .look = look_session, .n = 2, .before = {{op_put, 1, 1}, {op_put, 2, 1}},
     .ops = {{op_end, 1, 0}, {op_put, 2, 2}, {op_put, 3, 1}, {op_put, 2, 3}})
PLAY(session_comes_back, .look = look_session, .n = 1, .before = {{op_put, 1, 1}},
     .ops = {{op_expire, 1, 1}, {op_put, 2, 1}, {op_put, 1, 2}})
PLAY(revocation_outlives_neighbours, .look = look_session, .n = 1,
     .before = {{op_put, 2, 1}, {op_end, 2, 0}, {op_end, 1, 0}},
     .ops = {{op_sweep, 0, 50}, {op_end, 3, 0}, {op_put, 4, 1}})
PLAY(revocation_swept, .look = look_session, .n = 1, .before = {{op_end, 1, 0}},
     .ops = {{op_sweep, 7, 50}, {op_end, 2, 0}})

PLAY(user_moves_on, .look = look_user, .n = 1, .before = {{op_user, 1, 1}},
     .ops = {{op_user, 1, 2}, {op_user, 1, 3}, {op_user, 2, 3}, {op_user, 1, 4}})
PLAY(user_moves_on_by_hint, .look = look_user_by_hint, .n = 1, .before = {{op_user, 1, 1}, {op_put, 4, 1}},
     .ops = {{op_user, 1, 2}, {op_user, 2, 1}, {op_user, 8, 1}, {op_user, 1, 3}})
PLAY(user_ends, .look = look_user, .n = 1, .before = {{op_user, 1, 1}}, .ops = {{op_user_end, 1, 0}, {op_user, 8, 1}})
PLAY(user_ends_by_hint, .look = look_user_by_hint, .n = 1, .before = {{op_user, 1, 1}, {op_put, 4, 1}},
     .ops = {{op_user_end, 1, 0}, {op_user, 8, 1}})
PLAY(api_key_changes, .look = look_api_key, .n = 1, .before = {{op_api_key, 1, 3}},
     .ops = {{op_api_key, 1, 40}, {op_api_key, 2, 3}, {op_api_key, 1, 4}, {op_api_key_end, 1, 0}})
PLAY(token_ends, .look = look_token, .n = 1, .ops = {{op_token_end, 1, 0}})
PLAY(key_set_changes, .look = look_key, .n = 1, .before = {{op_keys, 1, 1}}, .ops = {{op_keys, 1, 2}, {op_keys, 1, 3}})
PLAY(key_dropped, .look = look_key, .n = 1, .before = {{op_keys, 1, 1}}, .ops = {{op_keys, 1, 0}, {op_keys, 2, 1}})

PLAY(no_room_for_a_revocation, .look = look_session, .n = 1, .before = {{op_put, 1, 1}}, .no_units = true,
     .ops = {{op_end, 1, 0}})
PLAY(no_room_for_a_token, .look = look_token, .n = 1, .no_units = true, .ops = {{op_token_end, 1, 0}})

PLAY(index_grows, .look = look_session, .n = 1, .before = {{op_put, 1, 1}}, .crowd = CROWD + 3,
     .ops = {{op_put, 2, 1}, {op_put, 3, 1}})
PLAY(index_grows_and_session_ends, .look = look_session, .n = 1, .before = {{op_put, 1, 1}}, .crowd = CROWD + 3,
     .ops = {{op_put, 2, 1}, {op_end, 1, 0}})
PLAY(index_grows_and_token_ends, .look = look_token, .n = 1, .crowd = CROWD + 4,
     .ops = {{op_token_end, 2, 1}, {op_token_end, 1, 1}})

/* Their entries stand in one row; taking one out empties or buries its place. */
static void neighbours_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            struct scenario s = {.name = "neighbours_come_and_go", .look = look_session, .n = neighbours[i]};
            for (int k = 0; k < 4; k++) {
                s.before[k].op = op_put;
                s.before[k].n = neighbours[k];
                s.before[k].version = 1;
            }
            s.ops[0].op = op_expire;
            s.ops[0].n = neighbours[j];
            s.ops[1].op = op_expire;
            s.ops[1].n = neighbours[(j + 1) % 4];
            s.ops[2].op = op_put;
            s.ops[2].n = neighbours[j];
            s.ops[2].version = 2;
            s.ops[3].op = op_put;
            s.ops[3].n = neighbours[(j + 1) % 4];
            s.ops[3].version = 2;
            play(&s);
        }
}

static void twins_are_told_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint64_t me = i == 0 ? twin_a : twin_b, other = i == 0 ? twin_b : twin_a;
        play(&(struct scenario){.name = "twin: the other goes, I take its cell",
                                .look = look_session,
                                .n = me,
                                .before = {{op_put, other, 1}, {op_put, me, 1}},
                                .ops = {{op_expire, other, 1}, {op_put, me, 2}, {op_put, other, 2}, {op_put, me, 3}}});
        play(&(struct scenario){.name = "twin: I go, the other takes my cell",
                                .look = look_session,
                                .n = me,
                                .before = {{op_put, me, 1}, {op_put, other, 1}},
                                .ops = {{op_expire, me, 1}, {op_put, other, 2}, {op_put, me, 2}}});
        play(&(struct scenario){.name = "twin: the other ends",
                                .look = look_session,
                                .n = me,
                                .before = {{op_put, other, 1}, {op_put, me, 1}},
                                .ops = {{op_end, other, 0}, {op_put, me, 2}, {op_end, me, 0}}});
    }
}

/* Two rebuilds in one size, so that the side a reader stands in is emptied and used again. */
static void index_rebuilt_in_place(void **state)
{
    (void)state;
    struct world x = world_open(1 << 14, 1, NULL); /* nobody takes parts back: the writer empties them itself */
    op_put(&x, 1, 1);
    struct table_session s;
    uint64_t rebuilds = x.w->root_count;
    for (uint64_t n = 0; x.w->root_count < rebuilds + 5; n++) {
        op_put(&x, 2000000 + n, 1);
        if (n >= 4000)
            op_expire(&x, 2000000 + n - 4000, 1);
        assert_int_equal(table_find_session(x.t, sid_of(1), &s), TABLE_HIT);
        assert_true(n < 1000000);
    }
    assert_int_equal(x.w->level, LEVEL_MIN);
    world_close(&x);
}

static int find_numbers(void **state)
{
    (void)state;
    find_twins();
    find_neighbours();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_session),
        cmocka_unit_test(session_replaced),
        cmocka_unit_test(session_replaced_thrice),
        cmocka_unit_test(session_ended),
        cmocka_unit_test(unknown_session_ended),
        cmocka_unit_test(session_ended_and_put),
        cmocka_unit_test(ended_cell_reused),
        cmocka_unit_test(cell_taken_over),
        cmocka_unit_test(session_comes_back),
        cmocka_unit_test(revocation_outlives_neighbours),
        cmocka_unit_test(revocation_swept),
        cmocka_unit_test(user_moves_on),
        cmocka_unit_test(user_moves_on_by_hint),
        cmocka_unit_test(user_ends),
        cmocka_unit_test(user_ends_by_hint),
        cmocka_unit_test(api_key_changes),
        cmocka_unit_test(token_ends),
        cmocka_unit_test(key_set_changes),
        cmocka_unit_test(key_dropped),
        cmocka_unit_test(no_room_for_a_revocation),
        cmocka_unit_test(no_room_for_a_token),
        cmocka_unit_test(index_grows),
        cmocka_unit_test(index_grows_and_session_ends),
        cmocka_unit_test(index_grows_and_token_ends),
        cmocka_unit_test(neighbours_come_and_go),
        cmocka_unit_test(twins_are_told_apart),
        cmocka_unit_test(index_rebuilt_in_place),
    };
    return cmocka_run_group_tests(tests, find_numbers, NULL);
}
