/* How fast is the verification table, beside the least that any table could cost?
 *
 * The rival ("floor") is two dependent loads, one from an array the size of the index and one from an array the size of
 * the sessions, with or without the SHA-256 of a 32-byte secret: no hashing of ids, no comparing, no sequence. Both
 * walk in random order, and each step waits for the one before, as a request does. Sizes: 1,000, 100,000 and 5,000,000
 * sessions, ten to a user. Then the memory of 1,000,000 sessions with 100,000 users, and what a change costs.
 *
 * table_bench [--json] [--small: no 5,000,000]
 */
#include "measure.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"
#include "core/table.h"
#include "crypto/digest.h"

#define NOW INT64_C(1800000000000)

enum { STEPS = 20000, ROUNDS = 41, USER_SESSIONS = 10, LOOKUP_GOAL_NS = 450, MEMORY_GOAL_MB = 200 };

static uint64_t count, state, sink; /* sessions; where the walk is; so that nothing is optimised away */
static void *block, *seen;
static size_t block_size, seen_size;
static struct table_writer *w;
static struct table *t;
static uint32_t *floor_index;
static uint64_t (*floor_cells)[16];

static uint64_t scramble(uint64_t n)
{
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

static void id_of(uint64_t space, uint64_t n, uint8_t out[16])
{
    uint64_t halves[2] = {scramble(n * 4 + space), scramble(n * 4 + space + 2)};
    memcpy(out, halves, sizeof halves);
}

static void secret_of(uint64_t n, uint8_t out[32])
{
    memset(out, 0, 32);
    memcpy(out, &n, sizeof n);
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "table_bench: %s\n", what);
    exit(1);
}

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(p != MAP_FAILED, "no address space");
    return p;
}

static bool give_back(void *context, void *start, size_t size)
{
    (void)context;
    return madvise(start, size, MADV_REMOVE) == 0;
}

/* value against goal in its own unit; rival NULL and goal 0 where there is none. */
static void report(const char *what, uint64_t n, double value, const char *unit, const char *rival, double rival_value,
                   double goal)
{
    char name[96];
    (void)snprintf(name, sizeof name, "table, %llu sessions: %s", (unsigned long long)n, what);
    figure_print(&(struct figure){
        .name = name, .value = value, .unit = unit, .against = rival, .rival = rival_value, .goal = goal});
}

/* --- filling --- */

static void put_session(uint64_t n)
{
    uint8_t secret[32];
    struct session_record r = {.epoch = 1,
                               .kind = SESSION_COOKIE,
                               .created_at_ms = NOW,
                               .authenticated_at_ms = NOW,
                               .last_seen_at_ms = NOW,
                               .expires_at_ms = NOW + 1000000,
                               .idle_ms = 1000000};
    id_of(0, n, r.sid.bytes);
    id_of(1, n / USER_SESSIONS, r.user.bytes);
    secret_of(n, secret);
    digest_sha256(secret, sizeof secret, r.secret_digest);
    must(cardea_ok(table_apply(w, &(struct change){.kind = CHANGE_SESSION_PUT, .session = &r}, 0, NOW)), "put");
}

static void put_user(uint64_t n)
{
    static struct user_record u = {.epoch = 1, .status = USER_ACTIVE, .roles = "staff,editor"};
    id_of(1, n, u.id.bytes);
    (void)snprintf(u.username, sizeof u.username, "user%07u", (unsigned)n);
    (void)snprintf(u.email, sizeof u.email, "user%07u@example.com", (unsigned)n);
    (void)snprintf(u.name, sizeof u.name, "User Number %u", (unsigned)n);
    must(cardea_ok(table_apply(w, &(struct change){.kind = CHANGE_USER_PUT, .user = &u}, 0, NOW)), "put user");
}

static void open_table(uint64_t sessions)
{
    struct table_geometry g = {8000000, 1024};
    count = sessions;
    block_size = table_size(&g);
    seen_size = table_seen_size(&g);
    block = map(block_size);
    seen = map(seen_size);
    must(cardea_ok(table_create(block, seen, &g, (const uint8_t *)"sixteen bytes ..",
                                &(struct table_host){give_back, NULL}, &w)),
         "create");
    t = table_of(w);
    for (uint64_t n = 0; n < count; n += USER_SESSIONS)
        put_user(n / USER_SESSIONS);
    /* In an order that has nothing to do with that of the look-ups, as logins have not. */
    for (uint64_t n = 0; n < count; n++)
        put_session(n);
}

static void close_table(void)
{
    table_writer_free(w);
    munmap(block, block_size);
    munmap(seen, seen_size);
}

static void open_floor(void)
{
    size_t capacity = table_stats(t).index_capacity;
    floor_index = malloc(capacity * 2 * sizeof *floor_index); /* eight bytes an entry */
    floor_cells = calloc(count, sizeof *floor_cells);
    must(floor_index != NULL && floor_cells != NULL, "no memory");
    for (size_t i = 0; i < capacity; i++)
        floor_index[i * 2] = floor_index[i * 2 + 1] = (uint32_t)(scramble(i) % count);
    for (size_t i = 0; i < count; i++)
        floor_cells[i][0] = 1;
}

static void close_floor(void)
{
    free(floor_index);
    free(floor_cells);
}

/* --- one step of each walk; it goes on from what it found --- */

static uint64_t next(uint64_t found)
{
    state = scramble(state + found);
    return state % count;
}

static uint64_t found = 1;

static void floor_loads(size_t i)
{
    (void)i;
    size_t mask = table_stats(t).index_capacity - 1;
    found = floor_cells[floor_index[(next(found) & mask) * 2]][0];
}

static void floor_loads_and_digest(size_t i)
{
    uint8_t secret[32], digest[32];
    secret_of(state, secret);
    digest_sha256(secret, sizeof secret, digest);
    sink += digest[0];
    floor_loads(i);
}

static void look_up(size_t i)
{
    (void)i;
    struct session_id sid;
    struct table_session s;
    id_of(0, next(found), sid.bytes);
    must(table_find_session(t, sid, &s) == TABLE_HIT, "miss");
    found = (uint64_t)s.epoch;
}

static bool authentic(uint64_t n, struct table_session *s)
{
    struct session_id sid;
    uint8_t secret[32], digest[32];
    id_of(0, n, sid.bytes);
    secret_of(n, secret);
    table_prefetch_session(t, sid);
    digest_sha256(secret, sizeof secret, digest);
    return table_find_session(t, sid, s) == TABLE_HIT && secret_equal(digest, s->secret_digest, sizeof digest);
}

static void look_up_and_compare(size_t i)
{
    (void)i;
    struct table_session s;
    must(authentic(next(found), &s), "refused");
    found = (uint64_t)s.epoch;
}

static void check_wholly(size_t i)
{
    (void)i;
    struct table_session s;
    struct table_user u;
    must(authentic(next(found), &s), "refused");
    must(table_find_user(t, s.user, s.user_hint, &u) == TABLE_HIT && u.epoch == s.epoch, "no user");
    table_session_seen(t, &s, NOW + (int64_t)(i / 1000) * 1000);
    found = (uint64_t)u.epoch;
}

static void find_nobody(size_t i)
{
    (void)i;
    struct token_id jti;
    id_of(3, next(found), jti.bytes);
    must(table_find_token(t, jti) == TABLE_MISS, "found");
}

static double cpu_round(measured *f)
{
    double from = measure_cpu_ns();
    for (size_t i = 0; i < STEPS; i++)
        f(i);
    return (measure_cpu_ns() - from) / STEPS;
}

static void side_by_side(const char *what, measured *ours, const char *rival, measured *theirs, double goal)
{
    double a[ROUNDS], b[ROUNDS];
    (void)cpu_round(ours);
    if (theirs != NULL)
        (void)cpu_round(theirs);
    for (size_t r = 0; r < ROUNDS; r++) {
        a[r] = cpu_round(ours);
        b[r] = theirs == NULL ? 0 : cpu_round(theirs);
    }
    report(what, count, measure_median(a, ROUNDS), "ns", theirs == NULL ? NULL : rival, measure_median(b, ROUNDS),
           goal);
}

static void look_ups(uint64_t sessions)
{
    open_table(sessions);
    open_floor();
    side_by_side("look up one", look_up, "two dependent loads", floor_loads, 0);
    side_by_side("one, with digest and comparison", look_up_and_compare, "two loads and SHA-256",
                 floor_loads_and_digest, sessions == 100000 ? LOOKUP_GOAL_NS : 0);
    side_by_side("the same, with user and last seen", check_wholly, "two loads and SHA-256", floor_loads_and_digest, 0);
    side_by_side("a token that is not revoked", find_nobody, NULL, NULL, 0);
    close_floor();
    close_table();
}

/* --- memory and changes --- */

static double resident(void *start, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 0;
    enum { WINDOW = 1 << 16 };
    static unsigned char in[WINDOW];
    for (size_t at = 0; at < size; at += WINDOW * page) {
        size_t span = size - at < WINDOW * page ? size - at : WINDOW * page;
        must(mincore((char *)start + at, span, in) == 0, "mincore");
        for (size_t i = 0; i < (span + page - 1) / page; i++)
            pages += in[i] & 1;
    }
    return (double)(pages * page);
}

static void memory_and_changes(uint64_t sessions)
{
    double start = measure_now_ns();
    open_table(sessions);
    double filled = measure_now_ns();
    double bytes = resident(block, block_size) + resident(seen, seen_size);
    report("memory, with a tenth as many users", sessions, bytes / 1e6, "MB", NULL, 0, MEMORY_GOAL_MB);
    report("memory of one, its share of all", sessions, bytes / (double)sessions, "bytes", NULL, 0, 0);
    report("put one session or user", sessions, (filled - start) / (double)(sessions + sessions / USER_SESSIONS), "ns",
           NULL, 0, 0);

    start = measure_now_ns();
    (void)table_sweep(w, NOW, (uint32_t)sessions);
    report("sweep one cell", sessions, (measure_now_ns() - start) / (double)sessions, "ns", NULL, 0, 0);

    double longest = 0;
    enum { ENDS = 200000 };
    start = measure_now_ns();
    for (uint64_t n = 0; n < ENDS; n++) {
        struct change c = {.kind = CHANGE_TOKEN_END};
        double before = measure_now_ns();
        id_of(3, n, c.revocation.id);
        c.revocation.until_ms = NOW + 1000;
        must(cardea_ok(table_apply(w, &c, 0, NOW)), "end");
        double took = measure_now_ns() - before;
        longest = took > longest ? took : longest;
    }
    report("put one revocation", sessions, (measure_now_ns() - start) / ENDS, "ns", NULL, 0, 0);
    report("the longest of these", sessions, longest / 1e6, "ms", NULL, 0, 0);
    for (uint64_t n = sessions; table_stats(t).index_capacity < 1 << 22 && n < 7000000; n++) {
        double before = measure_now_ns();
        put_session(n);
        longest = measure_now_ns() - before;
    }
    report("the put that doubles the index", table_stats(t).sessions, longest / 1e6, "ms", NULL, 0, 0);
    close_table();
}

int main(int argc, char **argv)
{
    measure_arguments(argc, argv);
    bool small = argc > 1 && strcmp(argv[argc - 1], "--small") == 0;
    look_ups(1000);
    look_ups(100000);
    if (!small)
        look_ups(5000000);
    memory_and_changes(1000000);
    return sink == 1;
}
