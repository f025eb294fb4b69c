/* A story that a writer tells the verification table, and that any reader can check while it is told.
 *
 * SUBJECTS subjects live one life after another. A life is one session id: it is put (version 1), put again with other
 * content (2 … VERSIONS), and ends; then the next life begins with a new id. Beside it, users go from epoch to epoch,
 * and tokens end in order of their numbers.
 *
 * Before each change the writer says how far it may be (`most`), after it how far it surely is (`least`). Who reads
 * `least`, looks, and then reads `most` knows between which two points the answer must lie. All of it lies in shared
 * memory, so that the readers may be threads or another process.
 */
#ifndef TESTS_TABLE_STORY_H
#define TESTS_TABLE_STORY_H

#include <stdatomic.h>

#include "table_help.h"

enum { SUBJECTS = 64, VERSIONS = 5, ENDED = VERSIONS + 1, USERS = 16, TOKENS_MAX = 1 << 20 };

typedef _Atomic uint64_t counter;

struct story {
    counter session_least[SUBJECTS], session_most[SUBJECTS]; /* life * 8 + version; ENDED */
    counter user_least[USERS], user_most[USERS];             /* epoch */
    counter tokens_least, tokens_most;                       /* numbers below have ended */
    counter changes, unknown;
    counter wrong; /* what a reader found, 0: nothing */
};

static inline uint64_t noise_next(uint64_t *noise)
{
    *noise = *noise * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *noise >> 33;
}

static inline uint64_t number_of(uint64_t subject, uint64_t life)
{
    return life * SUBJECTS + subject;
}

/* Number n's user would be n / 4: here every session belongs to one of the few users, and none is ever below its user's
 * epoch, so that sweeping leaves it alone. */
#define STORY_EPOCH (INT64_C(1) << 40)

static inline struct session_record story_session(uint64_t n, uint64_t version)
{
    struct session_record r = session_at(n, version);
    r.user = user_of(n % USERS);
    r.epoch += STORY_EPOCH;
    return r;
}

static inline int64_t story_session_whole(uint64_t n, struct table_session *s)
{
    if (!ID_SAME(s->user, user_of(n % USERS)))
        return -1;
    s->user = user_of(n / 4);
    s->epoch -= STORY_EPOCH;
    return session_whole(n, s);
}

/* --- the writer --- */

static inline bool story_session_goes_on(struct story *st, struct world *x, uint64_t subject)
{
    uint64_t at = st->session_least[subject], life = at / 8, version = at % 8;
    if (version == ENDED) {
        life++;
        version = 0;
    }
    uint64_t n = number_of(subject, life), to = life * 8 + version + 1;
    st->session_most[subject] = to;
    bool ok;
    if (version == VERSIONS) {
        ok = cardea_ok(end_session(x, n));
    } else {
        struct session_record r = story_session(n, version + 1);
        ok = cardea_ok(put_session(x, &r));
    }
    st->session_least[subject] = to;
    return ok;
}

static inline bool story_user_goes_on(struct story *st, struct world *x, uint64_t user)
{
    uint64_t epoch = st->user_least[user] + 1;
    struct user_record u = user_at(user, epoch);
    st->user_most[user] = epoch;
    bool ok = cardea_ok(put_user(x, &u));
    st->user_least[user] = epoch;
    return ok;
}

static inline bool story_token_ends(struct story *st, struct world *x)
{
    struct token_id jti = jti_of(st->tokens_least);
    st->tokens_most++;
    bool ok = cardea_ok(end_id(x, CHANGE_TOKEN_END, jti.bytes, NOW + DAY));
    st->tokens_least++;
    return ok;
}

/* One change, chosen by noise. */
static inline bool story_goes_on(struct story *st, struct world *x, uint64_t *noise)
{
    uint64_t what = noise_next(noise) % 16, which = noise_next(noise);
    bool ok = true;
    if (what < 11)
        ok = story_session_goes_on(st, x, which % SUBJECTS);
    else if (what < 13)
        ok = story_user_goes_on(st, x, which % USERS);
    else if (what < 15)
        ok = story_token_ends(st, x);
    else
        table_sweep(x->w, NOW, 8);
    st->changes++;
    return ok;
}

/* --- the readers --- */

/* Remember the first thing that was wrong: where, what was found, what was sure before. */
static inline void story_wrong(struct story *st, uint64_t where, uint64_t found, uint64_t least)
{
    uint64_t none = 0, what = where << 56 | (found & 0xffffff) << 32 | (least & 0xffffffff);
    atomic_compare_exchange_strong(&st->wrong, &none, what);
}

static inline void story_check_session(struct story *st, const struct table *t, uint64_t subject, int64_t now_ms)
{
    struct table_session s;
    uint64_t least = st->session_least[subject], life = least / 8, n = number_of(subject, life), found;
    enum table_answer a = table_find_session(t, sid_of(n), &s);
    uint64_t most = st->session_most[subject];
    if (a == TABLE_UNKNOWN) {
        st->unknown++;
        return;
    }
    if (a == TABLE_HIT) {
        struct table_session copy = s;
        int64_t version = story_session_whole(n, &copy);
        found = version < 1 || version > VERSIONS ? 99 : (uint64_t)version;
        table_session_seen(t, &s, now_ms);
        if (s.last_seen_at_ms < NOW)
            story_wrong(st, 2, n, least);
    } else {
        found = a == TABLE_REVOKED ? ENDED : 0;
    }
    if (found == 99 || life * 8 + found < least || life * 8 + found > most)
        story_wrong(st, 1, found, least);
    /* And the life before is over. */
    if (life > 0) {
        a = table_find_session(t, sid_of(number_of(subject, life - 1)), &s);
        if (a != TABLE_REVOKED && a != TABLE_UNKNOWN)
            story_wrong(st, 3, a, least);
    }
}

static inline void story_check_user(struct story *st, const struct table *t, uint64_t user, uint32_t hint)
{
    struct table_user u;
    uint64_t least = st->user_least[user];
    enum table_answer a = table_find_user(t, user_of(user), hint, &u);
    uint64_t most = st->user_most[user];
    if (a == TABLE_UNKNOWN) {
        st->unknown++;
        return;
    }
    int64_t epoch = a == TABLE_MISS ? 0 : a == TABLE_HIT ? user_whole(user, &u) : -1;
    if (epoch < (int64_t)least || epoch > (int64_t)most)
        story_wrong(st, 4, (uint64_t)epoch, least);
}

static inline void story_check_token(struct story *st, const struct table *t, uint64_t noise)
{
    uint64_t least = st->tokens_least;
    uint64_t n = least == 0 || noise % 8 == 0 ? least + noise % 4 : noise % least;
    enum table_answer a = table_find_token(t, jti_of(n));
    uint64_t most = st->tokens_most;
    if (a == TABLE_UNKNOWN)
        st->unknown++;
    else if (n < least ? a != TABLE_REVOKED : a == TABLE_REVOKED && n >= most)
        story_wrong(st, 5, a, n);
}

/* One look at something, chosen by noise. */
static inline void story_check(struct story *st, const struct table *t, uint64_t *noise)
{
    uint64_t what = noise_next(noise) % 8, which = noise_next(noise);
    struct table_session s;
    if (what < 4) {
        story_check_session(st, t, which % SUBJECTS, NOW + (int64_t)(which % 100) * 1000);
    } else if (what < 6) {
        /* Along whatever hint some session has. */
        uint64_t subject = which % SUBJECTS, n = number_of(subject, st->session_least[subject] / 8);
        bool hinted = table_find_session(t, sid_of(n), &s) == TABLE_HIT;
        story_check_user(st, t, n % USERS, hinted ? s.user_hint : 0);
    } else if (what < 7) {
        story_check_user(st, t, which % USERS, 0);
    } else {
        story_check_token(st, t, which);
    }
}

static inline struct story *story_open(void)
{
    return map_lazily(sizeof(struct story));
}
static inline void story_close(struct story *st)
{
    unmap(st, sizeof *st);
}

#endif
