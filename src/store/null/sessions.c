#include "store/null/null.h"

#include "store/cursor.h"

#include <stdlib.h>

/* An engine of this role is a struct that begins with its operations. */
struct null_sessions {
    struct sessions base;
    int64_t (*boot_ms)(void);
};

/* Every operation first looks whether there is time for it. One that goes over a network gives the rest of the time to
 * each wait; nothing blocks past the deadline. */
static struct cardea_status in_time(struct sessions *s, int64_t deadline_ms)
{
    return ((struct null_sessions *)s)->boot_ms() < deadline_ms ? CARDEA_SUCCESS : CARDEA_FAIL(E_UNAVAILABLE);
}

/* It is not there; or there was no time to look, which is no answer. */
static struct cardea_status not_there(struct sessions *s, int64_t deadline_ms)
{
    struct cardea_status status = in_time(s, deadline_ms);
    return cardea_ok(status) ? CARDEA_FAIL(E_NOT_FOUND) : status;
}

static void null_close(struct sessions *s)
{
    free(s);
}

static struct cardea_status null_get(struct sessions *s, int64_t deadline_ms, struct session_id sid,
                                     struct session_record *out)
{
    (void)sid, (void)out; /* outputs stay untouched on failure */
    return not_there(s, deadline_ms);
}

/* What can not be kept is refused before anything else: what is no session is E_INTERNAL in every engine. */
static struct cardea_status null_create(struct sessions *s, int64_t deadline_ms, const struct session_record *r)
{
    (void)s, (void)deadline_ms;
    return session_storable(r) ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_FAIL(E_INTERNAL);
}

/* E_NOT_FOUND, and not E_CONFLICT: the record is not there. */
static struct cardea_status null_rotate(struct sessions *s, int64_t deadline_ms, const struct session_record *r,
                                        uint64_t expected_generation)
{
    (void)r, (void)expected_generation;
    return not_there(s, deadline_ms);
}

/* Unknown sids are skipped, and here all are. */
static struct cardea_status null_remove(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                        uint32_t count)
{
    (void)sids, (void)count;
    return in_time(s, deadline_ms);
}

static struct cardea_status null_touch(struct sessions *s, int64_t deadline_ms, const struct session_id *sids,
                                       const int64_t *seen_ms, uint32_t count)
{
    (void)sids, (void)seen_ms, (void)count;
    return in_time(s, deadline_ms);
}

static struct cardea_status null_find_below(struct sessions *s, int64_t deadline_ms, struct user_id user, int64_t epoch,
                                            struct session_id after, struct session_id *out, uint32_t cap,
                                            uint32_t *ret_count)
{
    (void)user, (void)epoch, (void)after, (void)out, (void)cap;
    struct cardea_status status = in_time(s, deadline_ms);
    if (cardea_ok(status))
        *ret_count = 0;
    return status;
}

/* A listing reads its cursor before anything else: what was never one is the caller's mistake, also where there is
 * nothing to list. An engine that can not list everybody's (user NULL) answers E_LIMIT, never an empty list. */
static struct cardea_status null_list(struct sessions *s, int64_t deadline_ms, const struct user_id *user,
                                      int64_t epoch, const struct page *page, struct session_record *out,
                                      uint32_t *ret_count, struct cursor *ret_next)
{
    (void)user, (void)epoch, (void)out;
    struct cursor_place place;
    struct cardea_status status = cursor_start(page, &place);
    if (cardea_ok(status))
        status = in_time(s, deadline_ms);
    if (!cardea_ok(status))
        return status;
    *ret_count = 0;
    *ret_next = cursor_none();
    return status;
}

static struct cardea_status null_scan(struct sessions *s, int64_t deadline_ms, struct session_id after,
                                      struct session_record *out, uint32_t cap, uint32_t *ret_count)
{
    (void)after, (void)out, (void)cap;
    struct cardea_status status = in_time(s, deadline_ms);
    if (cardea_ok(status))
        *ret_count = 0;
    return status;
}

static struct cardea_status null_sweep(struct sessions *s, int64_t deadline_ms, int64_t now_ms, uint32_t limit,
                                       uint32_t *ret_count)
{
    (void)now_ms, (void)limit;
    struct cardea_status status = in_time(s, deadline_ms);
    if (cardea_ok(status))
        *ret_count = 0;
    return status;
}

/* Whoever counts failed logins then goes by what this node has seen (core/guess.h). */
static struct cardea_status null_count(struct sessions *s, int64_t deadline_ms, int64_t now_ms,
                                       const struct counter_step *steps, uint32_t count, int64_t *ret_values)
{
    (void)s, (void)deadline_ms, (void)now_ms, (void)ret_values;
    return counter_steps_good(steps, count) ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status null_code_put(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                          const struct code_value *value, int64_t ttl_ms)
{
    (void)s, (void)deadline_ms, (void)now_ms, (void)id;
    return code_good(value, ttl_ms) ? CARDEA_FAIL(E_UNAVAILABLE) : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status null_code_take(struct sessions *s, int64_t deadline_ms, int64_t now_ms, struct code_id id,
                                           struct code_value *out)
{
    (void)now_ms, (void)id, (void)out;
    return not_there(s, deadline_ms);
}

/* create_many, get_many and rotate_many stay NULL: one by one will do. */
static const struct sessions_ops null_ops = {
    .name = "null",
    .close = null_close,
    .get = null_get,
    .create = null_create,
    .rotate = null_rotate,
    .remove = null_remove,
    .touch = null_touch,
    .find_below = null_find_below,
    .list = null_list,
    .scan = null_scan,
    .sweep = null_sweep,
    .count = null_count,
    .code_put = null_code_put,
    .code_take = null_code_take,
};

struct cardea_status sessions_null_open(int64_t (*boot_ms)(void), struct sessions **out)
{
    struct null_sessions *s = malloc(sizeof *s);
    if (s == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    *s = (struct null_sessions){.base = {&null_ops}, .boot_ms = boot_ms};
    *out = &s->base;
    return CARDEA_SUCCESS;
}
