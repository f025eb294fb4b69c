#include "core/guess_shared.h"

enum { STEPS_MAX = 4, ADDRESS_WINDOW_MS = 60 * 1000, STAIN_MS = 600 * 1000 };

enum shared_kind {
    SHARED_UNSET = 0,
    SHARED_ADDRESS,
    SHARED_PAIR,
    SHARED_FRESH,
    SHARED_STAINED,
    SHARED_DEVICE,
    SHARED_SLOT_FRESH,
    SHARED_SLOT_STAINED,
    SHARED_SLOT_DEVICE,
};

static const enum shared_kind lane_kinds[] = {
    [GUESS_LANE_FRESH] = SHARED_FRESH, [GUESS_LANE_STAINED] = SHARED_STAINED, [GUESS_LANE_DEVICE] = SHARED_DEVICE};
static const enum shared_kind slot_kinds[] = {[GUESS_LANE_FRESH] = SHARED_SLOT_FRESH,
                                              [GUESS_LANE_STAINED] = SHARED_SLOT_STAINED,
                                              [GUESS_LANE_DEVICE] = SHARED_SLOT_DEVICE};

/* Which counter: what is fixed in length first, so that no two have one text. */
static struct counter_id id_of(const struct guess_shared *g, enum shared_kind kind, const struct guess_subject *who)
{
    uint8_t text[2 + 16 + USERNAME_MAX + EMAIL_MAX] = {(uint8_t)kind};
    struct counter_id id;
    size_t len = 2 + 16;
    if (kind == SHARED_ADDRESS || kind == SHARED_PAIR) {
        struct address a = address_neighbourhood(&who->address);
        text[1] = a.version;
        memcpy(text + 2, a.bytes, a.version == 4 ? 4 : 16);
    } else if (kind == SHARED_DEVICE || kind == SHARED_SLOT_DEVICE) {
        memcpy(text + 2, who->device->bytes, sizeof who->device->bytes);
    }
    if (kind != SHARED_ADDRESS && kind != SHARED_DEVICE && kind != SHARED_SLOT_DEVICE) {
        size_t room = sizeof text - len, name = who->username.len < room ? who->username.len : room;
        if (name > 0)
            memcpy(text + len, who->username.ptr, name);
        len += name;
    }
    tag_siphash128(&g->key, text, len, id.bytes);
    return id;
}

static int64_t bounded(int64_t window_ms)
{
    return window_ms < 1 ? 1 : window_ms > COUNTER_WINDOW_MAX_MS ? COUNTER_WINDOW_MAX_MS : window_ms;
}

static int64_t lane_window(const struct settings *s)
{
    int64_t wait_ms = s->guess_wait_max_ms > 0 ? s->guess_wait_max_ms : 1;
    return bounded(wait_ms < COUNTER_WINDOW_MAX_MS / 400 ? wait_ms * 4 * s->guess_free : COUNTER_WINDOW_MAX_MS);
}

/* Past this many failures on an account an address is stained (core/guess.c, choose). */
static int64_t stain_free(const struct settings *s)
{
    return s->guess_free > 1 ? s->guess_free - 1 : 1;
}

static bool addressed(const struct guess_subject *who, const struct settings *s)
{
    return who->address.version != 0 && who->device == NULL && s->guess_address_per_minute > 0;
}

/* --- one call --- */

struct call {
    const struct guess_shared *shared;
    const struct guess_subject *who;
    struct counter_step steps[STEPS_MAX];
    int64_t *places[STEPS_MAX]; /* where the values go */
    uint32_t count;
};

static void add(struct call *c, enum shared_kind kind, int32_t by, int64_t window_ms, int64_t stop_above,
                int64_t *place)
{
    c->steps[c->count] = (struct counter_step){
        .id = id_of(c->shared, kind, c->who), .add = by, .window_ms = bounded(window_ms), .stop_above = stop_above};
    c->places[c->count++] = place;
}

static bool run(struct call *c)
{
    int64_t values[STEPS_MAX];
    if (c->count == 0 || !c->shared->count(c->shared->context, c->steps, c->count, values))
        return false;
    for (uint32_t i = 0; i < c->count; i++)
        *c->places[i] = values[i];
    return true;
}

static const struct guess_heard nothing = {-1, -1, -1, -1, -1};

/* Always in this order: address, stained, pair, slot, lane; so that no two calls wait for each other. */
bool guess_shared_failed(const struct guess_shared *g, const struct settings *s, const struct guess_subject *who,
                         enum guess_lane lane, struct guess_heard *out)
{
    struct call c = {.shared = g, .who = who};
    struct guess_heard h = nothing;
    if (addressed(who, s))
        add(&c, SHARED_ADDRESS, 1, ADDRESS_WINDOW_MS, INT64_MAX, &h.address);
    if (lane == GUESS_LANE_FRESH) {
        add(&c, SHARED_STAINED, 1, lane_window(s), INT64_MAX, &h.stained);
        if (who->address.version != 0)
            add(&c, SHARED_PAIR, 1, STAIN_MS * stain_free(s), stain_free(s), &h.pair);
    }
    if (lane != GUESS_LANE_UNSET)
        add(&c, lane_kinds[lane], 1, lane_window(s), INT64_MAX, &h.lane);
    if (!run(&c))
        return false;
    *out = h;
    return true;
}

bool guess_shared_slot(const struct guess_shared *g, const struct settings *s, const struct guess_subject *who,
                       enum guess_lane lane, int64_t window_ms, struct guess_heard *out)
{
    struct call c = {.shared = g, .who = who};
    struct guess_heard h = nothing;
    if (addressed(who, s))
        add(&c, SHARED_ADDRESS, 1, ADDRESS_WINDOW_MS, s->guess_address_per_minute, &h.address);
    if (lane == GUESS_LANE_FRESH && who->address.version != 0)
        add(&c, SHARED_PAIR, 1, STAIN_MS * stain_free(s), stain_free(s), &h.pair);
    add(&c, slot_kinds[lane], 1, window_ms, 1, &h.slot);
    add(&c, lane_kinds[lane], 1, lane_window(s), INT64_MAX, &h.lane);
    if (!run(&c))
        return false;
    *out = h;
    return true;
}

void guess_shared_forgive(const struct guess_shared *g, const struct guess_subject *who, enum guess_lane lane,
                          uint16_t own, bool told)
{
    struct call c = {.shared = g, .who = who};
    int64_t ignored;
    int32_t ahead = told ? own + 1 : own;
    if (ahead == 0)
        return;
    if (lane == GUESS_LANE_DEVICE) {
        add(&c, SHARED_DEVICE, -ahead, 1, INT64_MAX, &ignored);
    } else {
        bool fresh = lane == GUESS_LANE_FRESH;
        add(&c, SHARED_STAINED, fresh ? -(int32_t)own : -ahead, 1, INT64_MAX, &ignored);
        if (who->address.version != 0)
            add(&c, SHARED_PAIR, fresh ? -ahead : -(int32_t)own, 1, INT64_MAX, &ignored);
        add(&c, SHARED_FRESH, fresh ? -ahead : -(int32_t)own, 1, INT64_MAX, &ignored);
    }
    (void)run(&c);
}
