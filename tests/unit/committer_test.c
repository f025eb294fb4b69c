/* Store, table, answer, in this order; and what each outcome of the store leads to. With a store that only remembers
 * what was asked of it. */
#include "check.h"

#include "daemon/committer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The story of a test: one letter an event. B begin, M mark, K keep, U undo, C commit, X abort; r NUMBER run,
 * a NUMBER apply, d NUMBER doubt, + NUMBER done well, - NUMBER done badly. */
static char story[8192];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int done_count;
static bool hold; /* the first run waits until released */
static bool held;

static void tell(char what, int number)
{
    char text[16];
    pthread_mutex_lock(&lock);
    if (number < 0)
        snprintf(text, sizeof text, "%c ", what);
    else
        snprintf(text, sizeof text, "%c%d ", what, number);
    strncat(story, text, sizeof story - strlen(story) - 1);
    pthread_mutex_unlock(&lock);
}

static struct {
    enum cardea_code begin, commit, keep;
} fake;

struct store_tx {
    int unused;
};
static struct store_tx transaction;

static struct cardea_status fake_begin(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                       struct store_tx **out)
{
    (void)s;
    (void)deadline_ms;
    assert_int_equal(mode, STORE_WRITE);
    tell('B', -1);
    *out = &transaction;
    return cardea_status(fake.begin);
}
static struct cardea_status fake_mark(struct store_tx *tx)
{
    (void)tx;
    return CARDEA_SUCCESS;
}
static struct cardea_status fake_keep(struct store_tx *tx)
{
    (void)tx;
    return cardea_status(fake.keep);
}
static bool broken;
static int64_t now_ms, fake_conflict_takes_ms;
static int fake_conflicts; /* commits of what was expected that find another was first */
static bool fake_expecting;
static struct cardea_status fake_undo(struct store_tx *tx)
{
    (void)tx;
    tell('U', -1);
    return broken ? CARDEA_FAIL(E_IO) : CARDEA_SUCCESS;
}
static struct cardea_status fake_commit(struct store_tx *tx)
{
    (void)tx;
    tell('C', -1);
    if (fake_expecting && fake_conflicts > 0) {
        fake_conflicts--;
        now_ms += fake_conflict_takes_ms;
        fake_expecting = false;
        return CARDEA_FAIL(E_CONFLICT);
    }
    return cardea_status(fake.commit);
}
static void fake_abort(struct store_tx *tx)
{
    (void)tx;
    broken = false;
    tell('X', -1);
}

/* e COUNT: that many sessions are expected. */
static enum cardea_code fake_expects;
static struct cardea_status fake_expect(struct store_tx *tx, const struct expectation *what)
{
    assert_ptr_equal(tx, &transaction);
    assert_true(what->records && what->accounts);
    tell('e', (int)what->sid_count);
    fake_expecting = true;
    return cardea_status(fake_expects);
}

static const struct store_ops ops = {
    .name = "fake",
    .begin = fake_begin,
    .mark = fake_mark,
    .keep = fake_keep,
    .undo = fake_undo,
    .commit = fake_commit,
    .abort = fake_abort,
    .expect = fake_expect,
};
static struct store store = {&ops};

struct write {
    struct queue_entry entry;
    int number;
    enum cardea_code answer; /* of its run */
    bool breaks;             /* the engine fails in it */
    bool wants;              /* it says which session it will ask for */
    struct change_list changes;
    enum cardea_code outcome;
};

static struct cardea_status run(void *context, struct queue_entry *job, struct store_tx *tx)
{
    (void)context;
    assert_ptr_equal(tx, &transaction);
    struct write *w = (struct write *)(void *)job;
    pthread_mutex_lock(&lock);
    while (hold) {
        held = true;
        pthread_cond_broadcast(&moved);
        pthread_cond_wait(&moved, &lock);
    }
    pthread_mutex_unlock(&lock);
    tell('r', w->number);
    broken = w->breaks;
    return cardea_status(w->answer);
}
static bool wants(void *context, const struct queue_entry *job, struct session_id *out)
{
    (void)context;
    const struct write *w = (const struct write *)(const void *)job;
    out->bytes[0] = (uint8_t)w->number;
    return w->wants;
}
static const struct change_list *changes(void *context, struct queue_entry *job)
{
    (void)context;
    struct write *w = (struct write *)(void *)job;
    w->changes.count = (uint32_t)w->number; /* how the fake table knows whose they are */
    return &w->changes;
}
static void apply(void *context, const struct change_list *list)
{
    (void)context;
    tell('a', (int)list->count);
}
static void doubt(void *context, const struct change_list *list)
{
    (void)context;
    tell('d', (int)list->count);
}
static void done(void *context, struct queue_entry *job, struct cardea_status outcome)
{
    (void)context;
    struct write *w = (struct write *)(void *)job;
    w->outcome = outcome.code;
    tell(cardea_ok(outcome) ? '+' : '-', w->number);
    pthread_mutex_lock(&lock);
    done_count++;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static int64_t boot_ms(void)
{
    return now_ms;
}

static struct committer *open_with(uint32_t places, uint32_t urgent)
{
    struct committer_host host = {.store = &store,
                                  .boot_ms = boot_ms,
                                  .run = run,
                                  .wants = wants,
                                  .changes = changes,
                                  .apply = apply,
                                  .doubt = doubt,
                                  .done = done};
    struct committer *c = NULL;
    assert_ok(committer_open(places, urgent, &host, &c));
    return c;
}

static int reset(void **state)
{
    (void)state;
    story[0] = '\0';
    done_count = 0;
    broken = hold = held = fake_expecting = false;
    fake_conflicts = 0;
    now_ms = fake_conflict_takes_ms = 0;
    fake.begin = fake.commit = fake.keep = fake_expects = CARDEA_OK;
    return 0;
}

static struct write writes[32];
static struct write *write_new(int number, uint8_t source)
{
    struct write *w = &writes[number];
    *w = (struct write){.number = number, .answer = CARDEA_OK};
    w->entry.deadline_ms = 1000;
    w->entry.source = (struct address){.version = 4, .bytes = {source}};
    return w;
}

/* Hold the committer inside write 1, so that what follows is one group. */
static struct committer *held_committer(uint32_t places, uint32_t urgent)
{
    hold = true;
    struct committer *c = open_with(places, urgent);
    assert_true(committer_push(c, &write_new(1, 1)->entry, false));
    pthread_mutex_lock(&lock);
    while (!held)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
    return c;
}
static void release_and_close(struct committer *c)
{
    pthread_mutex_lock(&lock);
    hold = false;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    committer_close(c);
}

static void assert_story(const char *wanted)
{
    assert_string_equal(story, wanted);
}

static void store_then_table_then_answer(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    release_and_close(c);
    assert_story("B r1 C a1 +1 ");
}

static void what_waits_is_one_transaction(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    assert_true(committer_push(c, &write_new(2, 1)->entry, false));
    assert_true(committer_push(c, &write_new(3, 2)->entry, false));
    release_and_close(c);
    assert_story("B r1 C a1 +1 B r2 r3 C a2 a3 +2 +3 ");
}

static void a_refused_write_takes_back_only_itself(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    write_new(2, 1)->answer = CARDEA_E_CONFLICT;
    assert_true(committer_push(c, &writes[2].entry, false));
    assert_true(committer_push(c, &write_new(3, 2)->entry, false));
    release_and_close(c);
    assert_story("B r1 C a1 +1 B r2 U r3 C a3 -2 +3 ");
    assert_int_equal(writes[2].outcome, CARDEA_E_CONFLICT);
}

static void nothing_is_committed_for_refusals_alone(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    writes[1].answer = CARDEA_E_CONFLICT;
    release_and_close(c);
    assert_story("B r1 U X -1 ");
}

static void urgent_writes_come_first(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    assert_true(committer_push(c, &write_new(2, 1)->entry, false));
    assert_true(committer_push(c, &write_new(3, 1)->entry, true));
    release_and_close(c);
    assert_story("B r1 C a1 +1 B r3 r2 C a3 a2 +3 +2 ");
}

static void places_are_kept_for_urgent_writes(void **state)
{
    (void)state;
    struct committer *c = held_committer(4, 2);
    assert_true(committer_push(c, &write_new(2, 1)->entry, false));
    assert_true(committer_push(c, &write_new(3, 1)->entry, false));
    assert_false(committer_push(c, &write_new(4, 1)->entry, false));
    assert_true(committer_push(c, &write_new(5, 1)->entry, true));
    assert_true(committer_push(c, &write_new(6, 1)->entry, true));
    assert_int_equal(committer_waiting(c), 4);
    release_and_close(c);
}

static void push_wanting(struct committer *c, int number, bool wanting)
{
    write_new(number, (uint8_t)number)->wants = wanting;
    assert_true(committer_push(c, &writes[number].entry, false));
}

static void the_store_is_told_what_to_expect(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    push_wanting(c, 2, true);
    push_wanting(c, 3, false);
    push_wanting(c, 4, true);
    release_and_close(c);
    assert_story("B r1 C a1 +1 B e2 r2 r4 r3 C a2 a4 a3 +2 +4 +3 ");
}

static void one_session_is_not_worth_telling(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    push_wanting(c, 2, false);
    push_wanting(c, 3, true);
    release_and_close(c);
    assert_story("B r1 C a1 +1 B r3 r2 C a3 a2 +3 +2 ");
}

static void what_can_not_be_fetched_at_once_goes_alone(void **state)
{
    (void)state;
    fake_expects = CARDEA_E_UNAVAILABLE;
    struct committer *c = held_committer(8, 2);
    push_wanting(c, 2, true);
    push_wanting(c, 3, true);
    release_and_close(c);
    assert_story("B r1 C a1 +1 B e2 X B r2 C a2 +2 B r3 C a3 +3 ");
}

static void where_somebody_else_was_first_each_goes_alone(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    push_wanting(c, 2, true);
    push_wanting(c, 3, true);
    fake_conflicts = 1;
    release_and_close(c);
    assert_story("B r1 C a1 +1 B e2 r2 r3 C B r2 C a2 +2 B r3 C a3 +3 ");
}

static void a_write_that_breaks_the_engine_fails_alone(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    assert_true(committer_push(c, &write_new(2, 1)->entry, false));
    struct write *bad = write_new(3, 2);
    bad->answer = CARDEA_E_IO;
    bad->breaks = true;
    assert_true(committer_push(c, &bad->entry, false));
    release_and_close(c);
    assert_story("B r1 C a1 +1 B r2 r3 U X B r2 C a2 +2 B r3 U X -3 ");
    assert_int_equal(bad->outcome, CARDEA_E_UNAVAILABLE);
}

static void an_unknown_outcome_is_doubted_before_the_answer(void **state)
{
    (void)state;
    fake.commit = CARDEA_E_UNAVAILABLE;
    struct committer *c = held_committer(8, 2);
    release_and_close(c);
    assert_story("B r1 C d1 -1 ");
    assert_int_equal(writes[1].outcome, CARDEA_E_UNAVAILABLE);
}

static void a_commit_that_failed_changes_nothing(void **state)
{
    (void)state;
    fake.commit = CARDEA_E_IO;
    struct committer *c = held_committer(8, 2);
    release_and_close(c);
    assert_story("B r1 C -1 ");
    assert_int_equal(writes[1].outcome, CARDEA_E_UNAVAILABLE);
}

static void a_store_that_is_away_refuses_all(void **state)
{
    (void)state;
    fake.begin = CARDEA_E_UNAVAILABLE;
    struct committer *c = open_with(8, 2);
    assert_true(committer_push(c, &write_new(1, 1)->entry, false));
    committer_close(c);
    assert_story("B -1 ");
}

static void what_comes_too_late_is_refused(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    write_new(2, 1)->entry.deadline_ms = 50;
    assert_true(committer_push(c, &writes[2].entry, false));
    now_ms = 50;
    release_and_close(c);
    assert_int_equal(writes[2].outcome, CARDEA_E_BUSY);
    assert_null(strstr(story, "r2"));
}

static void what_is_too_late_for_another_run_is_refused(void **state)
{
    (void)state;
    struct committer *c = held_committer(8, 2);
    push_wanting(c, 2, true);
    push_wanting(c, 3, true);
    writes[2].entry.deadline_ms = 50;
    fake_conflicts = 1;
    fake_conflict_takes_ms = 50;
    release_and_close(c);
    assert_story("B r1 C a1 +1 B e2 r2 r3 C -2 B r3 C a3 +3 ");
    assert_int_equal(writes[2].outcome, CARDEA_E_BUSY);
}

static int steps;
static bool step(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    bool more = ++steps < 3;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    return more;
}

static void background_work_runs_between_groups(void **state)
{
    (void)state;
    struct committer_host host = {.store = &store,
                                  .boot_ms = boot_ms,
                                  .run = run,
                                  .changes = changes,
                                  .apply = apply,
                                  .doubt = doubt,
                                  .done = done,
                                  .background = step};
    struct committer *c = NULL;
    steps = 0;
    assert_ok(committer_open(4, 1, &host, &c));
    assert_true(committer_push(c, &write_new(1, 1)->entry, false));
    pthread_mutex_lock(&lock);
    while (steps < 3 || done_count < 1)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
    committer_close(c);
    assert_story("B r1 C a1 +1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(store_then_table_then_answer, reset),
        cmocka_unit_test_setup(what_waits_is_one_transaction, reset),
        cmocka_unit_test_setup(a_refused_write_takes_back_only_itself, reset),
        cmocka_unit_test_setup(nothing_is_committed_for_refusals_alone, reset),
        cmocka_unit_test_setup(urgent_writes_come_first, reset),
        cmocka_unit_test_setup(places_are_kept_for_urgent_writes, reset),
        cmocka_unit_test_setup(the_store_is_told_what_to_expect, reset),
        cmocka_unit_test_setup(one_session_is_not_worth_telling, reset),
        cmocka_unit_test_setup(what_can_not_be_fetched_at_once_goes_alone, reset),
        cmocka_unit_test_setup(where_somebody_else_was_first_each_goes_alone, reset),
        cmocka_unit_test_setup(a_write_that_breaks_the_engine_fails_alone, reset),
        cmocka_unit_test_setup(an_unknown_outcome_is_doubted_before_the_answer, reset),
        cmocka_unit_test_setup(a_commit_that_failed_changes_nothing, reset),
        cmocka_unit_test_setup(a_store_that_is_away_refuses_all, reset),
        cmocka_unit_test_setup(what_comes_too_late_is_refused, reset),
        cmocka_unit_test_setup(what_is_too_late_for_another_run_is_refused, reset),
        cmocka_unit_test_setup(background_work_runs_between_groups, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
