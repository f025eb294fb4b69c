/* The null engine: does the template keep the contract it shows? It keeps nothing, so the suites' cases are not for it;
 * here each operation is asked once, and that it never says yes to what it does not keep. */
#include "store_conformance.h"

#include "store/memory/memory.h"
#include "store/mixture.h"
#include "store/null/null.h"

static int64_t soon(void)
{
    return conformance_boot_ms() + 1000;
}

static struct store *open_null(void)
{
    struct store *s = NULL;
    assert_ok(store_null_open(conformance_boot_ms, &s));
    return s;
}

/* Whatever the engine, every operation is there but for these. */
static void no_operation_is_missing(void **state)
{
    (void)state;
    struct store *s = open_null();
    struct sessions *e = NULL;
    assert_ok(sessions_null_open(conformance_boot_ms, &e));
    /* sessions_apart is no operation. */
    static const size_t store_may[] = {offsetof(struct store_ops, sessions_apart), offsetof(struct store_ops, push),
                                       offsetof(struct store_ops, push_wait), offsetof(struct store_ops, push_wake),
                                       offsetof(struct store_ops, expect)};
    static const size_t sessions_may[] = {offsetof(struct sessions_ops, create_many),
                                          offsetof(struct sessions_ops, get_many),
                                          offsetof(struct sessions_ops, rotate_many)};
    const struct {
        const void *ops;
        size_t size;
        const size_t *may;
        size_t may_count;
    } roles[] = {{s->ops, sizeof *s->ops, store_may, sizeof store_may / sizeof store_may[0]},
                 {e->ops, sizeof *e->ops, sessions_may, sizeof sessions_may / sizeof sessions_may[0]}};
    for (size_t r = 0; r < 2; r++)
        for (size_t at = 0; at < roles[r].size; at += sizeof(void *)) {
            void *member;
            bool may = false;
            memcpy(&member, (const char *)roles[r].ops + at, sizeof member);
            for (size_t i = 0; i < roles[r].may_count; i++)
                may = may || roles[r].may[i] == at;
            if (member == NULL && !may)
                fail_msg("role %zu: there is no operation at %zu", r, at / sizeof(void *));
        }
    e->ops->close(NULL);
    e->ops->close(e);
    s->ops->close(NULL);
    s->ops->close(s);
}

static void the_store_has_nothing(void **state)
{
    (void)state;
    struct store *s = open_null();
    struct user_record u, same;
    struct session_record r;
    struct cursor next;
    struct user_filter all = {0};
    struct page page = {.limit = 1}, bad = {.limit = 1, .after = {"nonsense"}}, none = {.limit = 0};
    uint32_t count = 9;
    int64_t value = 9;
    uint8_t id[32] = {0};
    memset(&u, 0x77, sizeof u);
    same = u;
    struct store_tx *tx = open_read(s);
    assert_code(s->ops->user_get(tx, (struct user_id){{1}}, &u), E_NOT_FOUND);
    assert_code(s->ops->user_find(tx, VIEW("a"), &u), E_NOT_FOUND);
    assert_code(s->ops->session_get(tx, (struct session_id){{1}}, &r), E_NOT_FOUND);
    assert_code(s->ops->revocation_find(tx, REVOCATION_SESSION, id), E_NOT_FOUND);
    assert_code(s->ops->value_get(tx, "incarnation", &value), E_NOT_FOUND);
    assert_int_equal(value, 9);
    assert_memory_equal(&u, &same, sizeof u);
    assert_code(s->ops->user_list(tx, &all, &bad, &u, &count, &next), E_INVALID_FIELD);
    assert_code(s->ops->user_list(tx, &all, &none, &u, &count, &next), E_INTERNAL);
    assert_int_equal(count, 9);
    assert_ok(s->ops->user_list(tx, &all, &page, &u, &count, &next));
    assert_int_equal(count, 0);
    assert_string_equal(next.text, "");
    count = 9;
    assert_ok(s->ops->session_scan(tx, (struct session_id){{0}}, &r, 1, &count));
    assert_int_equal(count, 0);
    assert_code(s->ops->session_delete(tx, (struct session_id){{1}}), E_INTERNAL); /* in a READ */
    assert_ok(s->ops->commit(tx));
    assert_code(s->ops->begin(s, STORE_READ, conformance_boot_ms(), &tx), E_UNAVAILABLE);
    assert_code(s->ops->begin(s, STORE_MODE_UNSET, soon(), &tx), E_INTERNAL);
    s->ops->close(s);
}

/* Nothing that was not kept is ever committed. */
static void a_write_breaks_the_transaction(void **state)
{
    (void)state;
    struct store *s = open_null();
    struct user_record u = sample_user(1);
    struct session_record r = sample_session(1, u.id), bad = r;
    uint32_t count = 9;
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->mark(tx));
    assert_code(s->ops->mark(tx), E_INTERNAL);
    assert_code(s->ops->session_delete(tx, r.sid), E_NOT_FOUND);
    assert_code(s->ops->session_rotate(tx, &r, 1), E_NOT_FOUND);
    bad.kind = SESSION_KIND_UNSET;
    assert_code(s->ops->session_create(tx, &bad), E_INTERNAL);
    assert_ok(s->ops->keep(tx));
    assert_ok(s->ops->sweep(tx, 1, 10, &count));
    assert_int_equal(count, 0);
    assert_ok(s->ops->commit(tx)); /* nothing was to be written */
    tx = open_write(s);
    assert_ok(s->ops->mark(tx));
    assert_code(s->ops->commit(tx), E_INTERNAL); /* an open change is not committed */
    tx = open_write(s);
    assert_ok(s->ops->mark(tx));
    assert_code(s->ops->user_put(tx, &u), E_UNAVAILABLE);
    assert_code(s->ops->user_get(tx, u.id, &u), E_UNAVAILABLE);
    assert_code(s->ops->undo(tx), E_UNAVAILABLE);
    assert_code(s->ops->commit(tx), E_UNAVAILABLE);
    s->ops->close(s);
}

static void sessions_are_never_kept(void **state)
{
    (void)state;
    struct sessions *e = NULL;
    struct session_record r = sample_session(1, sample_user(1).id), bad = r, got;
    struct counter_step step = {.add = 1, .window_ms = 1000};
    struct code_value code = {.len = 1};
    struct page page = {.limit = 1};
    struct cursor next;
    uint32_t count = 9;
    int64_t value = 9;
    assert_ok(sessions_null_open(conformance_boot_ms, &e));
    bad.epoch = 0;
    assert_code(e->ops->create(e, soon(), &bad), E_INTERNAL);
    assert_code(e->ops->create(e, soon(), &r), E_UNAVAILABLE);
    assert_code(e->ops->get(e, soon(), r.sid, &got), E_NOT_FOUND);
    assert_code(e->ops->get(e, conformance_boot_ms(), r.sid, &got), E_UNAVAILABLE);
    assert_code(e->ops->rotate(e, soon(), &r, 1), E_NOT_FOUND);
    assert_ok(e->ops->remove(e, soon(), &r.sid, 1));
    assert_ok(e->ops->touch(e, soon(), &r.sid, &value, 1));
    assert_ok(e->ops->list(e, soon(), NULL, 0, &page, &got, &count, &next));
    assert_int_equal(count, 0);
    assert_ok(sessions_erase(e, soon()));
    assert_code(sessions_create_many(e, soon(), &r, 1), E_UNAVAILABLE);
    assert_code(e->ops->count(e, soon(), 1, &step, 1, &value), E_UNAVAILABLE);
    assert_int_equal(value, 9);
    assert_code(e->ops->code_put(e, soon(), 1, (struct code_id){{1}}, &code, 1000), E_UNAVAILABLE);
    assert_code(e->ops->code_take(e, soon(), 1, (struct code_id){{1}}, &code), E_NOT_FOUND);
    e->ops->close(e);
}

/* Either role beside a real other one: what needs the null half fails, and nothing is half there. */
static void in_a_mixture(void **state)
{
    (void)state;
    struct store *s = NULL;
    struct sessions *memory = NULL;
    struct session_record r = sample_session(1, sample_user(1).id), got;
    struct user_record u = sample_user(1);
    assert_ok(sessions_memory_open(&memory));
    assert_ok(store_mixture_new(open_null(), memory, &s));
    struct store_tx *tx = open_write(s);
    assert_ok(s->ops->session_create(tx, &r)); /* which memory keeps */
    assert_code(s->ops->user_put(tx, &u), E_UNAVAILABLE);
    assert_code(s->ops->commit(tx), E_UNAVAILABLE);
    assert_code(memory->ops->get(memory, soon(), r.sid, &got), E_NOT_FOUND); /* and gives back */
    s->ops->close(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_operation_is_missing),
        cmocka_unit_test(the_store_has_nothing),
        cmocka_unit_test(a_write_breaks_the_transaction),
        cmocka_unit_test(sessions_are_never_kept),
        cmocka_unit_test(in_a_mixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
