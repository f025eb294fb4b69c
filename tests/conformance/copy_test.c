/* Moving an installation between engines (store/copy.h): does everything arrive as it was, and nothing of what must
 * not?
 */
#include "store_conformance.h"

#include "store/copy.h"
#include "store/memory/memory.h"
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { USERS = 150, SESSIONS = 2500, EVENTS = 200, NOW_MS = 5000 };
static const int64_t sample_end_ms = 1700600000000;

static char folder[sizeof "/tmp/cardea-copy-XXXXXX"];
static struct store *source, *target;
static struct copy copy;

static struct store *open_sqlite(const char *name)
{
    char path[128], message[256] = "";
    struct store *s = NULL;
    (void)snprintf(path, sizeof path, "%s/%s.db", folder, name);
    if (!cardea_ok(store_sqlite_open(path, conformance_boot_ms, conformance_digest, &s, message, sizeof message)))
        fail_msg("%s", message);
    return s;
}

static void remove_files(void)
{
    static const char *const names[] = {"from", "to"}, *const suffixes[] = {"", "-wal", "-shm"};
    for (unsigned i = 0; i < 6; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s.db%s", folder, names[i % 2], suffixes[i / 2]);
        (void)unlink(path);
    }
}

static int setup(void **state)
{
    (void)state;
    remove_files();
    source = open_sqlite("from");
    target = open_sqlite("to");
    copy = (struct copy){.digest = conformance_digest, .boot_ms = conformance_boot_ms, .now_ms = NOW_MS};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    source->ops->close(source);
    target->ops->close(target);
    remove_files();
    return 0;
}

static void fill(struct store *s)
{
    struct store_tx *tx = open_write(s);
    for (unsigned i = 0; i < USERS; i++) {
        struct user_record u = sample_user(i);
        struct api_key_record k = {.user = u.id, .created_at_ms = i, .name = "key"};
        memcpy(k.id.bytes, u.id.bytes, sizeof k.id.bytes);
        assert_ok(s->ops->user_put(tx, &u));
        assert_ok(s->ops->api_key_put(tx, &k));
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session_record r = sample_session(i, sample_user(i % USERS).id);
        assert_ok(s->ops->session_create(tx, &r));
    }
    for (unsigned i = 1; i <= EVENTS; i++) {
        struct event e = sample_event(i);
        if (e.revocation.kind != REVOCATION_NONE)
            e.revocation.until_ms = (int64_t)i;
        assert_ok(s->ops->event_append(tx, &e));
    }
    struct key_record key = {
        .id = {{9}}, .use = KEY_USE_CSRF, .state = KEY_ACTIVE, .sealed_len = 3, .sealed = {1, 2, 3}};
    assert_ok(s->ops->key_put(tx, &key));
    assert_ok(s->ops->value_put(tx, "clock_high_water_ms", 77));
    commit(s, tx);
}

static struct cardea_status move(struct copy_counts *counts)
{
    struct copy_place from = {source->ops, open_read(source)}, to = {target->ops, open_write(target)};
    struct copy_sessions_place from_sessions = {.store = from}, to_sessions = {.store = to};
    struct cardea_status s = copy_accounts(&copy, &from, &to, counts);
    if (cardea_ok(s))
        s = copy_sessions(&copy, &from_sessions, &to_sessions, counts);
    if (cardea_ok(s))
        s = copy_sessions_check(&copy, &from_sessions, &to_sessions);
    source->ops->abort(from.tx);
    if (cardea_ok(s))
        return target->ops->commit(to.tx);
    target->ops->abort(to.tx);
    return s;
}

static void everything_arrives(void **state)
{
    (void)state;
    struct copy_counts counts = {0};
    bool empty = false;
    fill(source);
    /* The sweep took some revocations that lie behind: they are not in force any more, and do not come back. */
    struct store_tx *tx = open_write(source);
    uint32_t swept = 0;
    assert_ok(source->ops->sweep(tx, 100, 1000, &swept));
    assert_int_equal(swept, 50);
    commit(source, tx);
    assert_ok(move(&counts));
    assert_int_equal(counts.users, USERS);
    assert_int_equal(counts.api_keys, USERS);
    assert_int_equal(counts.keys, 1);
    assert_int_equal(counts.values, 1);
    assert_int_equal(counts.events, EVENTS);
    assert_int_equal(counts.sessions, SESSIONS);
    assert_int_equal(counts.over, 0);
    tx = open_read(target);
    struct copy_place place = {target->ops, tx};
    assert_ok(copy_accounts_empty(&place, &empty));
    assert_false(empty);
    struct session_record r;
    struct key_record key;
    struct event e;
    uint32_t count = 0, in_force = 0;
    assert_ok(target->ops->session_get(tx, sample_session(7, sample_user(1).id).sid, &r));
    assert_ok(target->ops->key_list(tx, &key, 1, &count));
    assert_memory_equal(key.sealed, ((uint8_t[]){1, 2, 3}), 3);
    for (uint64_t after = 0; cardea_ok(target->ops->revocation_list(tx, after, INT64_MIN, &e, 1, &count)) && count > 0;
         after = e.n)
        in_force++;
    assert_int_equal(in_force, 50);
    struct journal_head head = {0};
    assert_ok(journal_verify(target->ops, tx, conformance_digest, &head));
    assert_int_equal(head.n, EVENTS);
    target->ops->abort(tx);
    /* A second time it meets what is there. */
    assert_false(cardea_ok(move(&counts)));
}

static void what_is_over_stays_behind(void **state)
{
    (void)state;
    struct copy_counts counts = {0};
    fill(source);
    copy.now_ms = sample_end_ms + 1000; /* all have an end that lies apart by a millisecond, some an idle end */
    assert_ok(move(&counts));
    assert_int_equal(counts.sessions + counts.over, SESSIONS);
    assert_true(counts.sessions > 0 && counts.over > SESSIONS / 2);
}

static void through_an_engine_of_sessions_and_back(void **state)
{
    (void)state;
    struct copy_counts out = {0}, back = {0};
    struct sessions *memory = NULL;
    bool empty = false;
    fill(source);
    assert_ok(sessions_memory_open(&memory));
    struct store_tx *tx = open_read(source);
    struct copy_sessions_place from = {.store = {source->ops, tx}}, aside = {.sessions = memory};
    assert_ok(copy_sessions_empty(&copy, &aside, &empty));
    assert_true(empty);
    assert_ok(copy_sessions(&copy, &from, &aside, &out));
    assert_ok(copy_sessions_check(&copy, &from, &aside));
    assert_int_equal(out.sessions, SESSIONS);
    assert_ok(copy_sessions_empty(&copy, &aside, &empty));
    assert_false(empty);
    struct store_tx *write = open_write(target);
    struct copy_sessions_place to = {.store = {target->ops, write}};
    assert_ok(copy_sessions(&copy, &aside, &to, &back));
    assert_ok(copy_sessions_check(&copy, &from, &to));
    assert_int_equal(back.sessions, SESSIONS);
    target->ops->abort(write);
    source->ops->abort(tx);
    assert_ok(sessions_erase(memory, conformance_boot_ms() + 10000));
    assert_ok(copy_sessions_empty(&copy, &aside, &empty));
    assert_true(empty);
    memory->ops->close(memory);
}

static struct sessions *filled_memory(unsigned count)
{
    struct sessions *m = NULL;
    assert_ok(sessions_memory_open(&m));
    for (unsigned i = 0; i < count; i++) {
        struct session_record r = sample_session(i, sample_user(1).id);
        assert_ok(m->ops->create(m, INT64_MAX, &r));
    }
    return m;
}

/* Lost, changed, or more than there were: each is noticed. */
static void a_copy_that_differs_is_noticed(void **state)
{
    (void)state;
    struct sessions *from = filled_memory(1500);
    struct copy_sessions_place original = {.sessions = from};
    struct session_record r = sample_session(1499, sample_user(1).id), more = sample_session(1500, sample_user(1).id);
    for (unsigned fault = 0; fault < 4; fault++) {
        struct sessions *to = filled_memory(1500);
        struct copy_sessions_place copied = {.sessions = to};
        if (fault == 1 || fault == 2)
            assert_ok(to->ops->remove(to, INT64_MAX, &r.sid, 1));
        if (fault == 2) {
            struct session_record changed = r;
            changed.generation++;
            assert_ok(to->ops->create(to, INT64_MAX, &changed));
        }
        if (fault == 3)
            assert_ok(to->ops->create(to, INT64_MAX, &more));
        assert_int_equal(copy_sessions_check(&copy, &original, &copied).code,
                         fault == 0 ? CARDEA_OK : CARDEA_E_CONFLICT);
        to->ops->close(to);
    }
    from->ops->close(from);
}

/* The chain of a source whose digests are not those of its rows. */
static void other_digest(const void *bytes, size_t len, uint8_t out[32])
{
    conformance_digest(bytes, len, out);
    out[0] ^= 1;
}

static void a_broken_journal_is_not_moved(void **state)
{
    (void)state;
    struct copy_counts counts = {0};
    bool empty = false;
    fill(source);
    copy.digest = other_digest;
    assert_code(move(&counts), E_CORRUPT);
    struct store_tx *tx = open_read(target);
    struct copy_place place = {target->ops, tx};
    assert_ok(copy_accounts_empty(&place, &empty));
    assert_true(empty);
    target->ops->abort(tx);
}

static unsigned told;
static uint64_t told_done, told_total;

static void tell(void *context, enum copy_stage stage, uint64_t done, uint64_t total)
{
    (void)context;
    if (stage != COPY_SESSIONS)
        return;
    told++;
    told_done = done;
    told_total = total;
}

static void progress_is_told(void **state)
{
    (void)state;
    struct copy_counts counts = {0};
    fill(source);
    told = 0;
    copy.progress = tell;
    assert_ok(move(&counts));
    assert_int_equal(told, 3);
    assert_int_equal(told_done, SESSIONS);
    assert_int_equal(told_total, SESSIONS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(everything_arrives),
        CASE(what_is_over_stays_behind),
        CASE(through_an_engine_of_sessions_and_back),
        CASE(a_copy_that_differs_is_noticed),
        CASE(a_broken_journal_is_not_moved),
        CASE(progress_is_told),
    };
    (void)snprintf(folder, sizeof folder, "/tmp/cardea-copy-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests_name("copy", cases, NULL, NULL);
    (void)rmdir(folder);
    return failed;
}
