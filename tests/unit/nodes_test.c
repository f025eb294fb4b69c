#include "check.h"
#include "scratch_store.h"

#include "daemon/nodes.h"

static int64_t now_ms = 1000;
static int64_t boot_now(void)
{
    return now_ms;
}

/* Another node, which renews while we pause, or does not. */
static struct verifier_record *renewing;
static void put(const struct verifier_record *v)
{
    struct store_tx *tx = scratch_begin(STORE_WRITE);
    assert_ok(scratch.real->ops->verifier_put(tx, v));
    assert_ok(scratch.real->ops->commit(tx));
}
static void pause_here(int64_t ms)
{
    now_ms += ms;
    if (renewing == NULL)
        return;
    renewing->renewals++;
    put(renewing);
}

static unsigned char next_id;
static void fill_id(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, ++next_id, len);
}
static const struct entropy ids = {.fill = fill_id};

static const char accounts[] = "postgres://h/d";
static char message[400];

static struct cardea_status join(const char *sessions, struct verifier_record *out)
{
    const struct nodes_host host = {&scratch.store, boot_now, pause_here, &ids};
    const struct nodes_self self = {accounts, sessions, "127.0.0.1:4", 2000};
    return nodes_join(&host, &self, out, message, sizeof message);
}

static struct verifier_record other(const char *sessions)
{
    struct verifier_record v = {.id = {200}, .kind = VERIFIER_NODE, .name = "other-host :1", .lease_ms = 2000};
    (void)snprintf(v.sessions, sizeof v.sessions, "%s", sessions);
    return v;
}

static uint32_t registered(struct verifier_record out[8])
{
    uint32_t count = 0;
    struct store_tx *tx = scratch_begin(STORE_READ);
    assert_ok(scratch.real->ops->verifier_list(tx, out, 8, &count));
    scratch.real->ops->abort(tx);
    return count;
}

static int start(void **state)
{
    (void)state;
    renewing = NULL;
    scratch_open(boot_now);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_close();
    return 0;
}

static void nodes_that_share_all_come_and_go(void **state)
{
    (void)state;
    static const char *const shared[] = {"redis://h/0", "redis://h/0?user=x&password_file=/a"};
    struct verifier_record a, b, all[8];
    int64_t before = now_ms;
    assert_ok(join(shared[0], &a));
    assert_ok(join(shared[1], &b));
    assert_int_equal(now_ms, before); /* nobody waits */
    assert_int_equal(registered(all), 2);
    assert_int_equal(all[0].kind, VERIFIER_NODE);
    assert_int_equal(all[0].lease_ms, 2000);
    assert_int_equal(all[0].n, 0);
    assert_non_null(strstr(all[0].name, "127.0.0.1:4"));
    const struct nodes_host host = {&scratch.store, boot_now, pause_here, &ids};
    nodes_leave(&host, &a);
    assert_int_equal(registered(all), 1);
    assert_memory_equal(all[0].id, b.id, sizeof b.id);
    nodes_leave(&host, &a); /* again: nothing */
    scratch.away = true;
    nodes_leave(&host, &b);
    assert_code(join(shared[0], &a), E_UNAVAILABLE);
    assert_non_null(strstr(message, "registry"));
}

static void one_alone_needs_no_registry(void **state)
{
    (void)state;
    const struct nodes_host host = {&scratch.store, boot_now, pause_here, &ids};
    const struct nodes_self self = {"sqlite:x.db", "memory", "127.0.0.1:4", 2000};
    struct verifier_record r, all[8];
    memset(&r, 0x5a, sizeof r);
    assert_ok(nodes_join(&host, &self, &r, message, sizeof message));
    assert_int_equal(r.kind, VERIFIER_KIND_UNSET);
    assert_int_equal(registered(all), 0);
    nodes_leave(&host, &r);
}

static void a_living_one_refuses_what_is_unsound(void **state)
{
    (void)state;
    static const struct {
        const char *there, *here, *says;
    } cases[] = {
        {"own memory", "redis://h/0", "keeps its sessions for itself"},
        {"own sqlite", "memory", "this node would keep them for itself"},
        {"redis://h/0 #1", "memory", "this node would keep them for itself"},
        {"beside the accounts", "sqlite:x.db", "this node would keep them for itself"},
        {"beside the accounts", "redis://h/0", "must name the same"},
        {"redis://other/0 #1", "redis://h/0", "must name the same"},
        {"redis://other/0 #1", "postgres://h/d", "must name the same"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct verifier_record v = other(cases[i].there), mine, all[8];
        memset(&mine, 0x5a, sizeof mine);
        put(&v);
        renewing = &v;
        assert_code(join(cases[i].here, &mine), E_CONFLICT);
        assert_int_equal(mine.lease_ms, 0x5a5a5a5a5a5a5a5a); /* untouched */
        assert_non_null(strstr(message, cases[i].says));
        assert_non_null(strstr(message, "other-host"));
        assert_int_equal(registered(all), 1);
    }
}

static void a_dead_one_is_waited_for_and_forgotten(void **state)
{
    (void)state;
    struct verifier_record v = other("own memory"), remote = other(""), mine, all[8];
    remote.id[0] = 201;
    remote.kind = VERIFIER_REMOTE;
    v.lease_ms = 4000;
    put(&v);
    put(&remote);
    int64_t before = now_ms;
    assert_ok(join("memory", &mine));
    assert_true(now_ms - before >= 4040 && now_ms - before <= 4040 + 2 * NODES_STEP_MS); /* its lease and the drift */
    assert_int_equal(registered(all), 2);                                                /* who is fed stays */
    assert_memory_equal(all[0].id, mine.id, sizeof mine.id);
    assert_int_equal(all[1].kind, VERIFIER_REMOTE);
    /* A lease that nobody may have does not hold us for ever. */
    v.lease_ms = INT64_MAX;
    put(&v);
    const struct nodes_host host = {&scratch.store, boot_now, pause_here, &ids};
    nodes_leave(&host, &mine);
    before = now_ms;
    assert_ok(join("memory", &mine));
    assert_true(now_ms - before <= 62000);
}

static struct verifier_record late;
static void pause_while_one_comes(int64_t ms)
{
    now_ms += ms;
    put(&late);
}

static void one_that_comes_meanwhile_lives(void **state)
{
    (void)state;
    const struct nodes_host host = {&scratch.store, boot_now, pause_while_one_comes, &ids};
    const struct nodes_self self = {accounts, "memory", "127.0.0.1:4", 2000};
    struct verifier_record dead = other("own memory"), mine;
    late = other("own sqlite");
    late.id[0] = 202;
    put(&dead);
    assert_code(nodes_join(&host, &self, &mine, message, sizeof message), E_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nodes_that_share_all_come_and_go, start, stop),
        cmocka_unit_test_setup_teardown(one_alone_needs_no_registry, start, stop),
        cmocka_unit_test_setup_teardown(a_living_one_refuses_what_is_unsound, start, stop),
        cmocka_unit_test_setup_teardown(a_dead_one_is_waited_for_and_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(one_that_comes_meanwhile_lives, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
