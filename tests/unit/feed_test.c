/* Does a stream of the feed tell all, in bounded memory, to those who may have it; and is there no lease before the
 * registry knows of its reader? */
#include "check.h"

#include "core/replica.h"
#include "daemon/feed.h"
#include "house.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LEASE_MS = 2000, MANY = 60000 };

static int64_t _Atomic boot_now;
static int64_t boot_ms(void)
{
    return atomic_load(&boot_now);
}
static int64_t wall_ms(void)
{
    return HOUSE_NOW;
}

/* A store that keeps no registry. */
static const struct store_ops no_registry = {.name = "none"};
static struct store store = {&no_registry};

struct scene {
    struct house h;
    struct feed *f;
    struct user_record root;
    struct api_key_record key;
    struct feed_request ask;
    struct stream *stream;
    int _Atomic suspended, resumed;
};

static void on_suspend(void *context)
{
    atomic_fetch_add(&((struct scene *)context)->suspended, 1);
}
static void on_resume(void *context)
{
    atomic_fetch_add(&((struct scene *)context)->resumed, 1);
}

static struct scene *begin(uint32_t sessions_max)
{
    struct scene *s = calloc(1, sizeof *s);
    char text[API_KEY_TEXT_MAX];
    struct view key;
    assert_non_null(s);
    atomic_store(&boot_now, HOUSE_BOOT_MS);
    house_open(&s->h, sessions_max);
    const struct feed_host host = {
        .table = s->h.table, .lease_ms = LEASE_MS, .boot_ms = boot_ms, .wall_ms = wall_ms, .entropy = entropy_system()};
    assert_ok(feed_new(&host, &s->f));
    s->root = house_user(&s->h, "root", "admin");
    s->key = house_key(&s->h, &s->root, "read feed", text, &key);
    s->ask = (struct feed_request){.key = s->key.id, .verifier = {7}, .received_ms = HOUSE_BOOT_MS};
    return s;
}

static void end(struct scene *s)
{
    if (s->stream != NULL)
        s->stream->free(s->stream);
    feed_stop(s->f);
    feed_free(s->f);
    house_close(&s->h);
    free(s);
}

static enum stream_said pull(struct scene *s, char *out, size_t cap, size_t *ret_len)
{
    const struct stream_host host = {on_suspend, on_resume, s};
    *ret_len = 0;
    return s->stream->read(s->stream, &host, out, cap, ret_len);
}

static void open_stream(struct scene *s)
{
    if (s->stream != NULL)
        s->stream->free(s->stream);
    s->stream = NULL;
    assert_ok(feed_open(s->f, &s->ask, &s->stream));
}

/* Everything until it waits or ends, into a replica. */
static enum stream_said drain(struct scene *s, struct replica *r, size_t *ret_bytes)
{
    char piece[5000];
    size_t len;
    enum stream_said said;
    while ((said = pull(s, piece, sizeof piece, &len)) == STREAM_BYTES) {
        assert_true(len > 0 && len <= sizeof piece);
        if (r != NULL)
            assert_ok(replica_take(r, view_of(piece, len), HOUSE_NOW));
        *ret_bytes += len;
    }
    return said;
}

static void registered(struct scene *s)
{
    assert_true(feed_renewal_due(s->f));
    assert_ok(feed_renew(s->f, &store, INT64_MAX));
}

static void apply(struct scene *s, const struct change *c)
{
    (void)table_apply(s->h.writer, c, 0, HOUSE_NOW).code;
    feed_log_change(feed_log_of(s->f), c);
}

/* --- leases --- */

static void no_lease_before_the_registry_knows(void **state)
{
    struct scene *s = begin(1000);
    char out[40000];
    size_t len = 0, bytes = 0;
    (void)state;
    open_stream(s);
    assert_int_equal(pull(s, out, sizeof out, &len), STREAM_WAIT);
    assert_int_equal(atomic_load(&s->suspended), 1);
    registered(s); /* wakes it */
    while (atomic_load(&s->resumed) == 0)
        sched_yield();
    struct replica *r = NULL;
    struct house to;
    house_open(&to, 1000);
    table_set_valid_until(to.writer, 0);
    assert_ok(replica_new(to.writer, entropy_system(), &r));
    char target[REPLICA_TARGET_MAX];
    struct buf b = buf_fixed(target, sizeof target);
    replica_ask(r, 100, &b);
    assert_int_equal(drain(s, r, &bytes), STREAM_END);
    assert_true(table_valid(to.table, 100 + LEASE_MS - 2));
    assert_false(table_valid(to.table, 100 + LEASE_MS));
    /* Half a lease later, without another renewal, half a lease is left. */
    atomic_store(&boot_now, HOUSE_BOOT_MS + LEASE_MS / 2);
    s->ask.received_ms = HOUSE_BOOT_MS + LEASE_MS / 2;
    open_stream(s);
    buf_reset(&b);
    replica_ask(r, 100, &b);
    assert_int_equal(drain(s, r, &bytes), STREAM_END);
    assert_true(table_valid(to.table, 100 + LEASE_MS / 2 - 2));
    assert_false(table_valid(to.table, 100 + LEASE_MS / 2));
    replica_free(r);
    house_close(&to);
    end(s);
}

static void a_table_without_lease_has_no_feed(void **state)
{
    struct scene *s = begin(1000);
    size_t bytes = 0;
    (void)state;
    table_set_valid_until(s->h.writer, 0);
    assert_code(feed_open(s->f, &s->ask, &s->stream), E_UNAVAILABLE);
    table_set_valid_until(s->h.writer, INT64_MAX);
    open_stream(s);
    registered(s);
    table_set_valid_until(s->h.writer, 0); /* lost in between: perhaps it comes back in time */
    assert_int_equal(drain(s, NULL, &bytes), STREAM_WAIT);
    atomic_store(&boot_now, HOUSE_BOOT_MS + LEASE_MS);
    while (atomic_load(&s->resumed) == 0)
        sched_yield();
    assert_int_equal(drain(s, NULL, &bytes), STREAM_END);
    assert_int_equal(bytes, 0);
    end(s);
}

/* --- streams --- */

static void it_waits_and_is_woken(void **state)
{
    struct scene *s = begin(1000);
    size_t bytes = 0;
    (void)state;
    s->ask.events = true;
    open_stream(s);
    registered(s);
    assert_int_equal(drain(s, NULL, &bytes), STREAM_WAIT);
    assert_true(bytes > 0);
    int resumed = atomic_load(&s->resumed);
    struct user_record u = s->root;
    snprintf(u.roles, sizeof u.roles, "none");
    apply(s, &(struct change){.kind = CHANGE_USER_PUT, .user = &u});
    feed_wake(s->f);
    while (atomic_load(&s->resumed) == resumed)
        sched_yield();
    bytes = 0;
    assert_int_equal(drain(s, NULL, &bytes), STREAM_WAIT);
    assert_true(bytes > 0);
    /* Somebody waits for acknowledgements: it ends, so that its reader comes again. */
    resumed = atomic_load(&s->resumed);
    feed_hurry(s->f);
    while (atomic_load(&s->resumed) == resumed)
        sched_yield();
    assert_int_equal(drain(s, NULL, &bytes), STREAM_END);
    end(s);
}

static void it_ends_with_its_key_and_its_owner(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct scene *s = begin(1000);
        size_t bytes = 0;
        s->ask.events = true;
        open_stream(s);
        registered(s);
        assert_int_equal(drain(s, NULL, &bytes), STREAM_WAIT);
        struct user_record u = s->root;
        u.status = USER_SUSPENDED;
        struct change ends = {.kind = CHANGE_API_KEY_END, .revocation.until_ms = HOUSE_NOW + HOUSE_DAY_MS};
        memcpy(ends.revocation.id, s->key.id.bytes, 16);
        int resumed = atomic_load(&s->resumed);
        if (how == 0)
            apply(s, &ends);
        else if (how == 1)
            apply(s, &(struct change){.kind = CHANGE_USER_PUT, .user = &u});
        else
            feed_stop(s->f);
        feed_wake(s->f);
        while (atomic_load(&s->resumed) == resumed)
            sched_yield();
        bytes = 0;
        assert_int_equal(drain(s, NULL, &bytes), STREAM_END);
        assert_int_equal(bytes, 0);
        end(s);
    }
}

static void there_are_places_and_no_more(void **state)
{
    struct scene *s = begin(1000);
    static struct stream *streams[FEED_STREAMS_KEY_MAX];
    (void)state;
    for (int i = 0; i < FEED_STREAMS_KEY_MAX; i++) {
        s->ask.verifier[1] = (uint8_t)i;
        assert_ok(feed_open(s->f, &s->ask, &streams[i]));
    }
    assert_code(feed_open(s->f, &s->ask, &s->stream), E_BUSY);
    assert_int_equal(feed_stats(s->f).streams, FEED_STREAMS_KEY_MAX);
    for (int i = 0; i < FEED_STREAMS_KEY_MAX; i++)
        streams[i]->free(streams[i]);
    assert_int_equal(feed_stats(s->f).streams, 0);
    assert_int_equal(feed_stats(s->f).remotes, FEED_STREAMS_KEY_MAX);
    /* Verifiers that are gone leave their places, once their lease is over for everybody. */
    assert_ok(feed_renew(s->f, &store, INT64_MAX));
    atomic_store(&boot_now, HOUSE_BOOT_MS + 3 * LEASE_MS);
    assert_ok(feed_renew(s->f, &store, INT64_MAX));
    assert_int_equal(feed_stats(s->f).remotes, 0);
    end(s);
}

static void no_key_takes_all_places(void **state)
{
    struct scene *s = begin(1000);
    (void)state;
    for (int i = 0; i < FEED_REMOTES_KEY_MAX; i++) {
        s->ask.verifier[1] = (uint8_t)i;
        open_stream(s);
    }
    s->stream->free(s->stream);
    s->stream = NULL;
    s->ask.verifier[0]++;
    assert_code(feed_open(s->f, &s->ask, &s->stream), E_BUSY);
    s->ask.verifier[0]--; /* who is known is let in */
    open_stream(s);
    s->ask.key.bytes[0] ^= 1;
    open_stream(s); /* so is who comes with another key */
    end(s);
}

/* A registry that says how many are in it, and counts who is put. */
static struct {
    uint32_t there, puts, commits;
} registry;

static struct cardea_status registry_begin(struct store *of, enum store_mode kind, int64_t deadline_ms,
                                           struct store_tx **out)
{
    (void)of;
    (void)kind;
    (void)deadline_ms;
    (void)out;
    return CARDEA_SUCCESS;
}
static struct cardea_status registry_commit(struct store_tx *tx)
{
    (void)tx;
    registry.commits++;
    return CARDEA_SUCCESS;
}
static void registry_abort(struct store_tx *tx)
{
    (void)tx;
}
static struct cardea_status registry_put(struct store_tx *tx, const struct verifier_record *v)
{
    (void)tx;
    assert_int_equal(v->kind, VERIFIER_REMOTE);
    registry.puts++;
    return CARDEA_SUCCESS;
}
static struct cardea_status registry_list(struct store_tx *tx, struct verifier_record *out, uint32_t cap,
                                          uint32_t *ret_count)
{
    (void)tx;
    (void)out;
    if (registry.there > cap)
        return CARDEA_FAIL(E_LIMIT);
    *ret_count = registry.there;
    return CARDEA_SUCCESS;
}

/* Past its limit nobody can read the registry: no node could start, and no key would ever be changed. */
static void a_registry_is_never_filled(void **state)
{
    static const struct store_ops ops = {.name = "registry",
                                         .begin = registry_begin,
                                         .commit = registry_commit,
                                         .abort = registry_abort,
                                         .verifier_put = registry_put,
                                         .verifier_list = registry_list};
    struct store full = {&ops};
    static const uint32_t there[] = {VERIFIERS_MAX - FEED_REGISTRY_LEFT, VERIFIERS_MAX + 1};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene *s = begin(1000);
        size_t bytes = 0;
        open_stream(s);
        registry.there = there[i];
        registry.puts = 0;
        assert_ok(feed_renew(s->f, &full, INT64_MAX));
        assert_int_equal(registry.puts, 0);
        assert_int_equal(drain(s, NULL, &bytes), STREAM_WAIT); /* no lease */
        assert_false(feed_renewal_due(s->f));                  /* not at every step */
        atomic_store(&boot_now, HOUSE_BOOT_MS + LEASE_MS / 4);
        assert_true(feed_renewal_due(s->f));
        registry.there = VERIFIERS_MAX - FEED_REGISTRY_LEFT - 1;
        assert_ok(feed_renew(s->f, &full, INT64_MAX));
        assert_int_equal(registry.puts, 1);
        assert_int_equal(drain(s, NULL, &bytes), STREAM_END);
        /* Whoever stands in it goes on. */
        registry.there = VERIFIERS_MAX;
        atomic_store(&boot_now, HOUSE_BOOT_MS + LEASE_MS);
        open_stream(s);
        assert_ok(feed_renew(s->f, &full, INT64_MAX));
        assert_int_equal(registry.puts, 2);
        end(s);
    }
}

static void who_is_too_slow_for_the_log_breaks_off(void **state)
{
    struct scene *s = begin(1000);
    char small[64];
    size_t len, bytes = 0;
    (void)state;
    for (int i = 0; i < 3000; i++)
        feed_log_note(feed_log_of(s->f), FEED_USER, s->root.id.bytes);
    s->ask.known = true;
    feed_log_id(feed_log_of(s->f), s->ask.feed);
    open_stream(s);
    registered(s);
    assert_int_equal(pull(s, small, sizeof small, &len), STREAM_BYTES);
    for (int i = 0; i < FEED_LOG_ENTRIES; i++)
        feed_log_note(feed_log_of(s->f), FEED_USER, s->root.id.bytes);
    assert_int_equal(drain(s, NULL, &bytes), STREAM_BROKEN);
    end(s);
}

/* Frozen, or cut off without a word: its lease ends, and so must everybody's waiting for it. */
static void who_stops_reading_is_renewed_no_longer(void **state)
{
    struct scene *s = begin(1000);
    char small[64];
    size_t len, bytes = 0;
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct change c = {.kind = CHANGE_TOKEN_END, .revocation.until_ms = HOUSE_NOW + HOUSE_DAY_MS};
        memcpy(c.revocation.id, &i, sizeof i);
        apply(s, &c);
    }
    s->ask.events = true;
    open_stream(s);
    registered(s);
    assert_int_equal(pull(s, small, sizeof small, &len), STREAM_BYTES);
    atomic_store(&boot_now, HOUSE_BOOT_MS + LEASE_MS - 1);
    registered(s);
    for (int64_t later = LEASE_MS; later <= 8 * LEASE_MS; later += LEASE_MS) {
        atomic_store(&boot_now, HOUSE_BOOT_MS + later);
        assert_false(feed_renewal_due(s->f));
    }
    assert_int_equal(feed_stats(s->f).remotes, 1);
    /* One that reads is renewed for as long as it does. */
    s->ask.received_ms = HOUSE_BOOT_MS + 8 * LEASE_MS;
    open_stream(s);
    for (int i = 0; i < 20; i++) {
        registered(s);
        assert_int_equal(drain(s, NULL, &bytes), STREAM_WAIT);
        atomic_fetch_add(&boot_now, LEASE_MS / 4);
    }
    end(s);
}

/* A copy that lacks what the table has just forgotten must not get a lease: a revoked token would be good by it. */
static void a_table_that_is_emptied_ends_the_passage(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct scene *s = begin(1000);
        char small[64];
        size_t len, bytes = 0;
        s->ask.known = known == 1;
        feed_log_id(feed_log_of(s->f), s->ask.feed);
        for (int i = 0; i < 500; i++) {
            struct change c = {.kind = CHANGE_TOKEN_END, .revocation.until_ms = HOUSE_NOW + HOUSE_DAY_MS};
            memcpy(c.revocation.id, &i, sizeof i);
            apply(s, &c);
        }
        open_stream(s);
        registered(s);
        assert_int_equal(pull(s, small, sizeof small, &len), STREAM_BYTES);
        table_clear(s->h.writer);
        assert_int_equal(drain(s, NULL, &bytes), STREAM_BROKEN);
        end(s);
    }
}

/* --- a whole copy, while the table is changed --- */

struct ender {
    struct scene *s;
    struct session_record *records;
    bool *ended;
};

static void *end_some(void *argument)
{
    struct ender *e = argument;
    for (uint32_t i = 0; i < MANY; i += 7) {
        struct change c = {.kind = CHANGE_SESSION_END, .revocation.until_ms = HOUSE_NOW + 8 * (int64_t)HOUSE_DAY_MS};
        memcpy(c.revocation.id, e->records[i].sid.bytes, 16);
        apply(e->s, &c);
        e->ended[i] = true;
    }
    return NULL;
}

static void a_copy_is_right_while_the_table_changes(void **state)
{
    struct scene *s = begin(2 * MANY);
    struct house to;
    struct replica *r = NULL;
    struct ender e = {.s = s, .records = calloc(MANY, sizeof *e.records), .ended = calloc(MANY, sizeof *e.ended)};
    char target[REPLICA_TARGET_MAX];
    struct buf b = buf_fixed(target, sizeof target);
    pthread_t thread;
    size_t bytes = 0;
    (void)state;
    assert_true(e.records != NULL && e.ended != NULL);
    for (uint32_t i = 0; i < MANY; i++)
        e.records[i] = house_session(&s->h, &s->root, "mobile", NULL);
    house_open(&to, 2 * MANY);
    table_set_valid_until(to.writer, 0);
    assert_ok(replica_new(to.writer, entropy_system(), &r));
    open_stream(s);
    registered(s);
    replica_ask(r, 0, &b);
    assert_int_equal(pthread_create(&thread, NULL, end_some, &e), 0);
    assert_int_equal(drain(s, r, &bytes), STREAM_END);
    pthread_join(thread, NULL);
    assert_true(bytes > (size_t)MANY * 200);
    /* From where the copy was begun. */
    s->ask.known = true;
    feed_log_id(feed_log_of(s->f), s->ask.feed);
    while (replica_position(r) < feed_log_head(feed_log_of(s->f))) {
        s->ask.after = replica_position(r);
        open_stream(s);
        buf_reset(&b);
        replica_ask(r, 0, &b);
        assert_int_equal(drain(s, r, &bytes), STREAM_END);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        struct table_session found;
        assert_int_equal(table_find_session(to.table, e.records[i].sid, &found),
                         e.ended[i] ? TABLE_REVOKED : TABLE_HIT);
    }
    assert_int_equal(feed_stats(s->f).snapshots, 1);
    replica_free(r);
    house_close(&to);
    free(e.records);
    free(e.ended);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_lease_before_the_registry_knows),
        cmocka_unit_test(a_table_without_lease_has_no_feed),
        cmocka_unit_test(it_waits_and_is_woken),
        cmocka_unit_test(it_ends_with_its_key_and_its_owner),
        cmocka_unit_test(there_are_places_and_no_more),
        cmocka_unit_test(no_key_takes_all_places),
        cmocka_unit_test(a_registry_is_never_filled),
        cmocka_unit_test(who_is_too_slow_for_the_log_breaks_off),
        cmocka_unit_test(who_stops_reading_is_renewed_no_longer),
        cmocka_unit_test(a_table_that_is_emptied_ends_the_passage),
        cmocka_unit_test(a_copy_is_right_while_the_table_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
