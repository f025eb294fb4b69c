#include "core/guess_shared.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    SHARDS = 16,
    SLOTS_MIN = 1024,
    SCORE_MAX = 64,              /* an hour at most until an account is as good as new */
    FIRST_WAIT_MS = 1000,        /* doubled with each failure */
    STAIN_FADES_MS = 600 * 1000, /* one failure of an address on one account is forgotten in this time */
    ADDRESS_PARALLEL_FACTOR = 4, /* attempts under way from one address: this many minutes' worth of failures */
    SLOT_PART = 4,               /* who has not won a slot asks again after this part of it */
};

enum lane { LANE_NONE = 0, COUNT_ADDRESS, COUNT_FRESH, COUNT_STAINED, COUNT_DEVICE, COUNT_PAIR };

struct counter {
    uint64_t key;     /* 0: empty */
    int64_t faded_ms; /* the score is right as of this time */
    int64_t open_ms;  /* a lane is closed until then */
    int64_t begun_ms; /* the last attempt began */
    uint32_t fade_ms; /* one point of the score in this time */
    uint16_t score, under_way;
};

struct guess {
    struct tag_key key;
    struct guess_shared shared;
    uint64_t set_mask;
    pthread_mutex_t locks[SHARDS];
    struct counter *counters; /* sets of GUESS_WAYS */
    pthread_mutex_t report_lock;
    uint32_t report_count;
    struct guess_report reports[GUESS_REPORTS_MAX];
};

struct guess *guess_new(uint32_t slots, const uint8_t key[16])
{
    size_t count = SLOTS_MIN;
    while (count < slots && count < GUESS_SLOTS_MAX)
        count *= 2;
    struct guess *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->counters = calloc(count, sizeof *g->counters);
    if (g->counters == NULL) {
        free(g);
        return NULL;
    }
    memcpy(g->key.bytes, key, sizeof g->key.bytes);
    g->set_mask = count / GUESS_WAYS - 1;
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_init(&g->locks[i], NULL);
    pthread_mutex_init(&g->report_lock, NULL);
    return g;
}

void guess_free(struct guess *g)
{
    if (g == NULL)
        return;
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_destroy(&g->locks[i]);
    pthread_mutex_destroy(&g->report_lock);
    free(g->counters);
    free(g);
}

void guess_share(struct guess *g, const struct guess_shared *shared)
{
    g->shared = *shared;
}

/* Who is counted, as 64 bits that nobody outside can predict. */
static uint64_t hash(const struct guess *g, const void *bytes, size_t len)
{
    uint8_t tag[8];
    uint64_t h;
    tag_siphash(&g->key, bytes, len, tag);
    memcpy(&h, tag, sizeof h);
    return h;
}

static uint64_t counter_key(const struct guess *g, enum lane lane, const struct guess_subject *who)
{
    struct {
        uint64_t name;
        uint8_t address[16], version, lane, zero[6];
    } parts = {.lane = (uint8_t)lane};
    if (lane == COUNT_DEVICE)
        memcpy(parts.address, who->device->bytes, sizeof parts.address);
    else if (lane != COUNT_ADDRESS)
        parts.name = hash(g, who->username.ptr, who->username.len);
    if (lane == COUNT_ADDRESS || lane == COUNT_PAIR) {
        struct address a = address_neighbourhood(&who->address);
        memcpy(parts.address, a.bytes, a.version == 4 ? 4 : 16);
        parts.version = a.version;
    }
    uint64_t key = hash(g, &parts, sizeof parts);
    return key == 0 ? 1 : key;
}

/* Bring a counter up to now. */
static void fade(struct counter *c, int64_t now_ms)
{
    if (now_ms - c->begun_ms > GUESS_ATTEMPT_MAX_MS)
        c->under_way = 0;
    if (c->score == 0 || now_ms <= c->faded_ms || c->fade_ms == 0)
        return;
    int64_t points = (now_ms - c->faded_ms) / c->fade_ms;
    if (points >= c->score) {
        c->score = 0;
        return;
    }
    c->score = (uint16_t)(c->score - points);
    c->faded_ms += points * c->fade_ms;
}

/* Is `a` the better one to give up? */
static bool worth_less(const struct counter *a, const struct counter *b)
{
    uint32_t value_a = (uint32_t)a->score + a->under_way, value_b = (uint32_t)b->score + b->under_way;
    if (value_a != value_b)
        return value_a < value_b;
    int64_t time_a = a->begun_ms > a->faded_ms ? a->begun_ms : a->faded_ms;
    int64_t time_b = b->begun_ms > b->faded_ms ? b->begun_ms : b->faded_ms;
    return time_a < time_b;
}

/* A counter found and its shard locked; `counter` is NULL where there is none and none was to be made. */
struct held {
    struct counter *counter;
    pthread_mutex_t *lock;
};

static struct held hold(struct guess *g, enum lane lane, const struct guess_subject *who, int64_t now_ms, bool make)
{
    uint64_t key = counter_key(g, lane, who);
    uint64_t set = key & g->set_mask;
    struct held h = {.lock = &g->locks[set % SHARDS]};
    pthread_mutex_lock(h.lock);
    struct counter *first = &g->counters[set * GUESS_WAYS], *least = NULL;
    for (int i = 0; i < GUESS_WAYS; i++) {
        struct counter *c = &first[i];
        if (c->key == key) {
            fade(c, now_ms);
            h.counter = c;
            return h;
        }
        if (!make)
            continue;
        fade(c, now_ms);
        if (least == NULL || (c->key == 0 && least->key != 0) || (least->key != 0 && worth_less(c, least)))
            least = c;
    }
    if (make) {
        *least = (struct counter){.key = key, .faded_ms = now_ms, .begun_ms = now_ms};
        h.counter = least;
    }
    return h;
}

static void release(struct held h)
{
    pthread_mutex_unlock(h.lock);
}

static int64_t wait_max(const struct settings *s)
{
    return s->guess_wait_max_ms > 0 ? s->guess_wait_max_ms : 1;
}

static int64_t bounded_wait(const struct settings *s, int64_t wait_ms)
{
    int64_t most = wait_max(s);
    return wait_ms < 1 ? 1 : wait_ms > most ? most : wait_ms;
}

/* How long until this lane takes an attempt; 0: now. */
static int64_t lane_wait(const struct counter *c, const struct settings *s, int64_t now_ms)
{
    uint32_t free_left = c->score < s->guess_free ? s->guess_free - c->score : 0;
    if (free_left == 0 && now_ms < c->open_ms)
        return bounded_wait(s, c->open_ms - now_ms);
    uint32_t parallel = free_left == 0 ? 1 : c->score > 0 ? free_left : GUESS_PARALLEL;
    return c->under_way < parallel ? 0 : bounded_wait(s, FIRST_WAIT_MS);
}

static int64_t address_wait(const struct counter *c, const struct settings *s, int64_t now_ms)
{
    uint32_t limit = s->guess_address_per_minute;
    if (c->score >= limit)
        return bounded_wait(s, c->faded_ms + (int64_t)(c->score - limit + 1) * c->fade_ms - now_ms);
    return c->under_way < limit * ADDRESS_PARALLEL_FACTOR ? 0 : bounded_wait(s, FIRST_WAIT_MS);
}

static bool addressed(const struct guess_subject *who, const struct settings *s)
{
    return who->address.version != 0 && who->device == NULL && (s == NULL || s->guess_address_per_minute > 0);
}

/* Ask a counter and, with `begin`, count the attempt as under way. Answers the wait, 0 for none. */
static int64_t ask(struct guess *g, const struct settings *s, enum lane lane, const struct guess_subject *who,
                   int64_t now_ms, bool begin)
{
    struct held h = hold(g, lane, who, now_ms, begin);
    int64_t wait = 0;
    if (h.counter != NULL) {
        wait = lane == COUNT_ADDRESS ? address_wait(h.counter, s, now_ms) : lane_wait(h.counter, s, now_ms);
        if (wait == 0 && begin) {
            h.counter->under_way++;
            h.counter->begun_ms = now_ms;
        }
    }
    release(h);
    return wait;
}

/* The attempt is over: one fewer under way, and `forget` failures fewer. Answers the score that was. */
static uint16_t end(struct guess *g, enum lane lane, const struct guess_subject *who, int64_t now_ms,
                    bool was_under_way, uint16_t forget)
{
    struct held h = hold(g, lane, who, now_ms, false);
    uint16_t score = 0;
    if (h.counter != NULL) {
        score = h.counter->score;
        h.counter->score = score > forget ? (uint16_t)(score - forget) : 0;
        if (was_under_way && h.counter->under_way > 0)
            h.counter->under_way--;
    }
    release(h);
    return score;
}

/* Which of the account's lanes an attempt takes; LANE_NONE when it names no account. */
static enum lane choose(struct guess *g, const struct settings *s, const struct guess_subject *who, int64_t now_ms)
{
    if (who->device != NULL)
        return COUNT_DEVICE;
    if (who->username.len == 0)
        return LANE_NONE;
    /* One failure before the lane would close: so no address closes the fresh lane alone. */
    uint32_t most = s->guess_free > 1 ? s->guess_free - 1 : 1;
    struct held h = hold(g, COUNT_PAIR, who, now_ms, false);
    bool stained = h.counter != NULL && h.counter->score >= most;
    release(h);
    return stained ? COUNT_STAINED : COUNT_FRESH;
}

static struct cardea_status attempt(struct guess *g, const struct settings *s, const struct guess_subject *who,
                                    int64_t now_ms, bool begin, enum lane *ret_lane, int64_t *ret_wait_ms)
{
    int64_t wait = 0;
    if (addressed(who, s))
        wait = ask(g, s, COUNT_ADDRESS, who, now_ms, begin);
    enum lane lane = LANE_NONE;
    if (wait == 0) {
        lane = choose(g, s, who, now_ms);
        if (lane != LANE_NONE)
            wait = ask(g, s, lane, who, now_ms, begin);
        if (wait > 0 && begin && addressed(who, s))
            (void)end(g, COUNT_ADDRESS, who, now_ms, true, 0);
    }
    if (wait > 0) {
        *ret_wait_ms = wait;
        return CARDEA_FAIL(E_RATE_LIMITED);
    }
    *ret_lane = lane;
    return CARDEA_SUCCESS;
}

struct cardea_status guess_check(struct guess *g, const struct settings *s, const struct guess_subject *who,
                                 int64_t now_ms, int64_t *ret_wait_ms)
{
    enum lane lane;
    return attempt(g, s, who, now_ms, false, &lane, ret_wait_ms);
}

/* How long a lane of this score waits after a failure. */
static int64_t failure_wait(const struct settings *s, uint32_t score)
{
    uint32_t doublings = score > s->guess_free ? score - s->guess_free : 0;
    return bounded_wait(s, (int64_t)FIRST_WAIT_MS << (doublings < 32 ? doublings : 32));
}

/* One failure: the score rises, to what all nodes have counted where that is more (at_least), and a lane past its free
 * failures closes. */
static void count(struct guess *g, const struct settings *s, enum lane lane, const struct guess_subject *who,
                  int64_t now_ms, bool was_under_way, int64_t at_least)
{
    struct held h = hold(g, lane, who, now_ms, true);
    struct counter *c = h.counter;
    if (was_under_way && c->under_way > 0)
        c->under_way--;
    int64_t fade_ms = wait_max(s);
    uint32_t most = SCORE_MAX, heard_most = s->guess_free + 7; /* from there on the wait is the longest anyway */
    if (lane == COUNT_PAIR)
        fade_ms = STAIN_FADES_MS;
    else if (lane == COUNT_ADDRESS) {
        fade_ms = 60 * 1000 / s->guess_address_per_minute;
        fade_ms = fade_ms > 0 ? fade_ms : 1;
        /* As much debt as the longest wait pays off. */
        most = s->guess_address_per_minute + (uint32_t)(wait_max(s) / fade_ms);
        most = most < UINT16_MAX ? most : UINT16_MAX;
        /* All nodes together are past the limit: the minute must end first. */
        heard_most = at_least > s->guess_address_per_minute ? most : 0;
        at_least = heard_most;
    }
    heard_most = heard_most < most ? heard_most : most;
    c->fade_ms = fade_ms < UINT32_MAX ? (uint32_t)fade_ms : UINT32_MAX;
    if (c->score == 0)
        c->faded_ms = now_ms;
    if (c->score < most)
        c->score++;
    if (c->score < at_least && c->score < heard_most)
        c->score = (uint16_t)(at_least < heard_most ? at_least : heard_most);
    if (c->score >= s->guess_free)
        c->open_ms = now_ms + failure_wait(s, c->score);
    release(h);
}

/* --- counting together with other nodes --- */

static enum guess_lane shared_lane(uint8_t lane)
{
    return lane == COUNT_FRESH     ? GUESS_LANE_FRESH
           : lane == COUNT_STAINED ? GUESS_LANE_STAINED
           : lane == COUNT_DEVICE  ? GUESS_LANE_DEVICE
                                   : GUESS_LANE_UNSET;
}

static uint32_t score_of(struct guess *g, enum lane lane, const struct guess_subject *who, int64_t now_ms)
{
    struct held h = hold(g, lane, who, now_ms, false);
    uint32_t score = h.counter == NULL ? 0 : h.counter->score;
    release(h);
    return score;
}

/* The attempt does not take place: it is not under way any more, and its lane waits. Where another node had the slot
 * (lost), the lane is being guessed at: its score does not fade meanwhile. */
static void step_back(struct guess *g, const struct settings *s, const struct guess_subject *who, int64_t now_ms,
                      int64_t wait_ms, bool lost)
{
    if (addressed(who, s))
        (void)end(g, COUNT_ADDRESS, who, now_ms, true, 0);
    struct held h = hold(g, who->lane, who, now_ms, true);
    if (h.counter->under_way > 0)
        h.counter->under_way--;
    if (h.counter->open_ms < now_ms + wait_ms)
        h.counter->open_ms = now_ms + wait_ms;
    if (lost)
        h.counter->faded_ms = now_ms;
    release(h);
}

/* A lane past its free failures takes one attempt at a time, at all nodes together. */
static struct cardea_status win_slot(struct guess *g, const struct settings *s, struct guess_subject *who,
                                     int64_t now_ms, int64_t *ret_wait_ms)
{
    struct guess_heard heard;
    enum guess_lane lane = shared_lane(who->lane);
    uint32_t score = lane == GUESS_LANE_UNSET ? 0 : score_of(g, who->lane, who, now_ms);
    int64_t window_ms = failure_wait(s, score);
    if (g->shared.count == NULL || lane == GUESS_LANE_UNSET || score < s->guess_free ||
        !guess_shared_slot(&g->shared, s, who, lane, window_ms, &heard))
        return CARDEA_SUCCESS;
    who->told = true;
    who->at_least = heard.lane > UINT16_MAX ? UINT16_MAX : heard.lane < 0 ? 0 : (uint16_t)heard.lane;
    if (heard.slot == 1)
        return CARDEA_SUCCESS;
    int64_t wait_ms = bounded_wait(s, window_ms / SLOT_PART > FIRST_WAIT_MS ? window_ms / SLOT_PART : FIRST_WAIT_MS);
    step_back(g, s, who, now_ms, wait_ms, heard.slot > 1);
    if (heard.address > s->guess_address_per_minute)
        count(g, s, COUNT_ADDRESS, who, now_ms, false, heard.address);
    else if (heard.slot < 0) /* it stopped at the pair: the address was stained elsewhere, and shares that lane now */
        count(g, s, COUNT_PAIR, who, now_ms, false, heard.pair);
    *ret_wait_ms = wait_ms;
    return CARDEA_FAIL(E_RATE_LIMITED);
}

struct cardea_status guess_begin(struct guess *g, const struct settings *s, struct guess_subject *who, int64_t now_ms,
                                 int64_t *ret_wait_ms)
{
    enum lane lane;
    struct cardea_status status = attempt(g, s, who, now_ms, true, &lane, ret_wait_ms);
    if (!cardea_ok(status))
        return status;
    who->lane = (uint8_t)lane;
    who->told = false;
    who->at_least = 0;
    return win_slot(g, s, who, now_ms, ret_wait_ms);
}

static void report(struct guess *g, const struct guess_subject *who)
{
    struct view name = who->username;
    if (name.len > USERNAME_MAX)
        name.len = USERNAME_MAX;
    pthread_mutex_lock(&g->report_lock);
    uint32_t i = 0;
    while (i < g->report_count && !view_is(name, g->reports[i].username))
        i++;
    if (i == GUESS_REPORTS_MAX || (i == GUESS_REPORTS_MAX - 1 && i == g->report_count)) {
        /* The last place is for everybody who found none. */
        i = GUESS_REPORTS_MAX - 1;
        name = VIEW("");
    }
    struct guess_report *r = &g->reports[i];
    if (i == g->report_count) {
        *r = (struct guess_report){0};
        view_copy(name, r->username, sizeof r->username);
        g->report_count++;
    }
    r->address = who->address;
    r->failures++;
    pthread_mutex_unlock(&g->report_lock);
}

void guess_failed(struct guess *g, const struct settings *s, const struct guess_subject *who, int64_t now_ms)
{
    struct guess_heard heard = {.lane = who->at_least};
    bool elsewhere = false; /* stained at another node already */
    if (!who->told && g->shared.count != NULL)
        elsewhere = guess_shared_failed(&g->shared, s, who, shared_lane(who->lane), &heard) &&
                    who->lane == COUNT_FRESH && heard.lane < 0;
    if (addressed(who, s))
        count(g, s, COUNT_ADDRESS, who, now_ms, true, heard.address);
    if (who->device != NULL)
        count(g, s, COUNT_DEVICE, who, now_ms, true, heard.lane);
    else if (who->username.len > 0) {
        bool stained = who->lane == COUNT_STAINED;
        if (elsewhere)
            (void)end(g, COUNT_FRESH, who, now_ms, true, 0);
        else if (!stained)
            count(g, s, COUNT_FRESH, who, now_ms, true, heard.lane);
        /* Fresh failures weigh in the stained lane too: an address moves there with what it has on its score. */
        count(g, s, COUNT_STAINED, who, now_ms, stained, stained ? heard.lane : heard.stained);
        count(g, s, COUNT_PAIR, who, now_ms, false, heard.pair);
    }
    report(g, who);
}

static void finish(struct guess *g, const struct guess_subject *who, int64_t now_ms, bool forget)
{
    if (addressed(who, NULL))
        (void)end(g, COUNT_ADDRESS, who, now_ms, true, 0);
    uint16_t own = 0;
    if (who->device != NULL) {
        own = end(g, COUNT_DEVICE, who, now_ms, true, forget ? UINT16_MAX : 0);
    } else if (who->username.len > 0) {
        /* What this address has failed on this account is forgiven, in both lanes; what others have is not. */
        own = forget ? end(g, COUNT_PAIR, who, now_ms, false, UINT16_MAX) : 0;
        (void)end(g, COUNT_FRESH, who, now_ms, who->lane != COUNT_STAINED, own);
        (void)end(g, COUNT_STAINED, who, now_ms, who->lane == COUNT_STAINED, own);
    }
    if (forget && g->shared.count != NULL && shared_lane(who->lane) != GUESS_LANE_UNSET)
        guess_shared_forgive(&g->shared, who, shared_lane(who->lane), own, who->told);
}

void guess_succeeded(struct guess *g, const struct guess_subject *who, int64_t now_ms)
{
    finish(g, who, now_ms, true);
}

void guess_abandoned(struct guess *g, const struct guess_subject *who, int64_t now_ms)
{
    finish(g, who, now_ms, false);
}

uint32_t guess_drain(struct guess *g, struct guess_report *out, uint32_t cap)
{
    pthread_mutex_lock(&g->report_lock);
    uint32_t taken = g->report_count < cap ? g->report_count : cap;
    memcpy(out, g->reports, taken * sizeof *out);
    memmove(g->reports, g->reports + taken, (g->report_count - taken) * sizeof *out);
    g->report_count -= taken;
    pthread_mutex_unlock(&g->report_lock);
    return taken;
}
