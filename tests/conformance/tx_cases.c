/* What is a transaction? */
#include "internal.h"

#include <pthread.h>
#include <stdatomic.h>

void abort_takes_everything_back(void **state)
{
    (void)state;
    struct user_record u = sample_user(1), got;
    struct event e = sample_event(1);
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->user_put(tx, &u));
    assert_ok(OPS->event_append(tx, &e));
    assert_ok(OPS->user_get(tx, u.id, &got)); /* it sees its own writes */
    OPS->abort(tx);
    assert_int_equal(read_user(u.id, &got), CARDEA_E_NOT_FOUND);
    OPS->abort(NULL);
}

void undo_takes_back_one_change(void **state)
{
    (void)state;
    struct user_record a = sample_user(1), b = sample_user(2), c = sample_user(3), got;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->user_put(tx, &a));
    assert_ok(OPS->keep(tx));
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->user_put(tx, &b));
    a.epoch = 99;
    assert_ok(OPS->user_put(tx, &a));
    assert_ok(OPS->undo(tx));
    assert_code(OPS->user_get(tx, b.id, &got), E_NOT_FOUND);
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->user_put(tx, &c));
    assert_ok(OPS->keep(tx));
    commit(store, tx);
    assert_int_equal(read_user(a.id, &got), CARDEA_OK);
    a.epoch = sample_user(1).epoch;
    same_user(&got, &a);
    assert_int_equal(read_user(b.id, &got), CARDEA_E_NOT_FOUND);
    assert_int_equal(read_user(c.id, &got), CARDEA_OK);
}

void changes_do_not_nest(void **state)
{
    (void)state;
    struct store_tx *tx = open_write(store);
    assert_code(OPS->keep(tx), E_INTERNAL);
    assert_code(OPS->undo(tx), E_INTERNAL);
    assert_ok(OPS->mark(tx));
    assert_code(OPS->mark(tx), E_INTERNAL);
    assert_ok(OPS->undo(tx)); /* a refused call changes nothing */
    assert_code(OPS->undo(tx), E_INTERNAL);
    commit(store, tx);
}

void an_open_change_is_not_committed(void **state)
{
    (void)state;
    struct user_record u = sample_user(1), got;
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->user_put(tx, &u));
    assert_code(OPS->commit(tx), E_INTERNAL);
    assert_int_equal(read_user(u.id, &got), CARDEA_E_NOT_FOUND);
    put_user(&u); /* the failed commit has ended its transaction */
}

void readers_see_the_state_of_their_begin(void **state)
{
    (void)state;
    struct user_record u = sample_user(1), got;
    struct store_tx *before = open_read(store);
    put_user(&u);
    assert_code(OPS->user_get(before, u.id, &got), E_NOT_FOUND);
    struct store_tx *after = open_read(store);
    assert_ok(OPS->user_get(after, u.id, &got));
    assert_code(OPS->user_get(before, u.id, &got), E_NOT_FOUND);
    assert_ok(OPS->commit(before));
    OPS->abort(after);
}

void readers_may_not_write(void **state)
{
    (void)state;
    struct user_record u = sample_user(1);
    struct event e = sample_event(1);
    uint32_t count = 7;
    struct store_tx *tx = open_read(store);
    assert_code(OPS->user_put(tx, &u), E_INTERNAL);
    assert_code(OPS->user_delete(tx, u.id), E_INTERNAL);
    assert_code(OPS->event_append(tx, &e), E_INTERNAL);
    assert_code(OPS->value_put(tx, "name", 1), E_INTERNAL);
    assert_code(OPS->sweep(tx, 0, 10, &count), E_INTERNAL);
    assert_code(OPS->mark(tx), E_INTERNAL);
    assert_int_equal(count, 7);
    assert_int_equal(e.n, 0);
    assert_ok(OPS->commit(tx));
}

void a_passed_deadline_is_unavailable(void **state)
{
    (void)state;
    struct user_record u = sample_user(1), v = sample_user(2), got;
    put_user(&u);
    struct store_tx *tx = open_write(store), *reader = open_read(store);
    assert_ok(OPS->user_put(tx, &v));
    conformance_boot_move(60000);
    assert_code(OPS->user_get(tx, u.id, &got), E_UNAVAILABLE);
    assert_code(OPS->user_get(reader, u.id, &got), E_UNAVAILABLE);
    OPS->abort(reader);
    /* The transaction is broken: nothing of it is committed. */
    assert_code(OPS->commit(tx), E_UNAVAILABLE);
    assert_int_equal(read_user(v.id, &got), CARDEA_E_NOT_FOUND);
    assert_int_equal(read_user(u.id, &got), CARDEA_OK);
}

struct rival {
    pthread_t thread;
    atomic_bool waiting;
    struct cardea_status answer;
};

static void *write_when_free(void *context)
{
    struct rival *r = context;
    struct user_record u;
    struct store_tx *tx = NULL;
    atomic_store(&r->waiting, true);
    r->answer = OPS->begin(store, STORE_WRITE, conformance_boot_ms() + 20000, &tx);
    if (!cardea_ok(r->answer))
        return NULL;
    r->answer = OPS->user_get(tx, sample_user(1).id, &u); /* the first writer's work must be visible */
    struct cardea_status end = OPS->commit(tx);
    if (cardea_ok(r->answer))
        r->answer = end;
    return NULL;
}

void a_second_writer_waits_for_the_first(void **state)
{
    (void)state;
    struct user_record u = sample_user(1);
    struct rival rival = {.answer = {CARDEA_E_UNSET}};
    struct store_tx *tx = open_write(store);
    assert_int_equal(pthread_create(&rival.thread, NULL, write_when_free, &rival), 0);
    while (!atomic_load(&rival.waiting))
        continue;
    assert_ok(OPS->user_put(tx, &u));
    commit(store, tx);
    assert_int_equal(pthread_join(rival.thread, NULL), 0);
    assert_ok(rival.answer);
}

void a_second_writer_gives_up_at_its_deadline(void **state)
{
    (void)state;
    struct store_tx *tx = open_write(store), *second = NULL;
    assert_code(OPS->begin(store, STORE_WRITE, conformance_boot_ms() - 1, &second), E_UNAVAILABLE);
    assert_code(OPS->begin(store, STORE_WRITE, conformance_boot_ms() + 20, &second), E_UNAVAILABLE);
    assert_null(second);
    commit(store, tx);
}

/* A writer moves two users' epochs together; a reader that ever sees them apart has seen half a transaction. */
struct race {
    atomic_bool stop;
    atomic_uint reads, wrong;
};

static void *watch(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->stop)) {
        struct user_record a, b;
        struct store_tx *tx = NULL;
        struct cardea_status s = OPS->begin(store, STORE_READ, conformance_boot_ms() + 20000, &tx);
        if (cardea_ok(s)) {
            s = OPS->user_get(tx, sample_user(1).id, &a);
            if (cardea_ok(s))
                s = OPS->user_get(tx, sample_user(2).id, &b);
            OPS->abort(tx);
        }
        if (!cardea_ok(s) || a.epoch != b.epoch)
            atomic_fetch_add(&race->wrong, 1);
        atomic_fetch_add(&race->reads, 1);
    }
    return NULL;
}

void readers_race_a_writer(void **state)
{
    (void)state;
    enum { READERS = 12, ROUNDS = 100 }; /* more than an engine may have connections */
    struct user_record a = sample_user(1), b = sample_user(2);
    a.epoch = b.epoch = 1;
    put_user(&a);
    put_user(&b);
    struct race race = {false, 0, 0};
    pthread_t readers[READERS];
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, watch, &race), 0);
    for (unsigned i = 0; i < ROUNDS || atomic_load(&race.reads) < 10 * READERS; i++) {
        struct store_tx *tx = open_write(store);
        a.epoch++;
        b.epoch++;
        assert_ok(OPS->user_put(tx, &a));
        assert_ok(OPS->user_put(tx, &b));
        commit(store, tx);
    }
    atomic_store(&race.stop, true);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(atomic_load(&race.wrong), 0);
}

void committed_is_there_after_reopening(void **state)
{
    (void)state;
    if (!engine->durable)
        return;
    struct user_record u = sample_user(1), v = sample_user(2), got;
    struct event e = sample_event(1), rows[2];
    struct store_tx *tx = open_write(store);
    assert_ok(OPS->user_put(tx, &u));
    assert_ok(OPS->event_append(tx, &e));
    commit(store, tx);
    tx = open_write(store);
    assert_ok(OPS->user_put(tx, &v));
    OPS->abort(tx);
    reopen();
    assert_int_equal(read_user(u.id, &got), CARDEA_OK);
    same_user(&got, &u);
    assert_int_equal(read_user(v.id, &got), CARDEA_E_NOT_FOUND);
    uint32_t count = 0;
    tx = open_write(store);
    assert_ok(OPS->event_list(tx, 0, false, rows, 2, &count));
    assert_int_equal(count, 1);
    same_event(&rows[0], &e);
    struct event next = sample_event(2); /* the chain goes on where it stood */
    assert_ok(OPS->event_append(tx, &next));
    assert_int_equal(next.n, 2);
    assert_memory_equal(next.previous_hash, e.hash, 32);
    commit(store, tx);
}
