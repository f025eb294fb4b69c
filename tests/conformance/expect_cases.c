/* What is expected is fetched and written together, and must be seen as if it were not. */
#include "internal.h"

static struct session_record rotated(const struct session_record *r)
{
    struct session_record next = *r;
    memcpy(next.previous_digest, r->refresh_digest, sizeof next.previous_digest);
    next.refresh_digest[0] ^= 0x5a;
    next.refresh_nonce[0] ^= 0xa5;
    next.generation++;
    next.rotated_at_ms += 1000;
    next.last_seen_at_ms += 1000;
    return next;
}

/* COUNT sessions of two users, with refresh state. */
enum { COUNT = 4 };
static struct session_record sessions[COUNT];
static struct user_record users[2];

static void put_all(void)
{
    for (unsigned i = 0; i < 2; i++) {
        users[i] = sample_user(i);
        if (engine->accounts)
            put_user(&users[i]);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        sessions[i] = sample_session(i, users[i % 2].id);
        sessions[i].kind = SESSION_TOKEN;
        if (sessions[i].generation == 0)
            sessions[i].generation = 1;
        memset(sessions[i].secret_digest, 0, sizeof sessions[i].secret_digest);
        memset(sessions[i].refresh_digest, (int)i + 1, sizeof sessions[i].refresh_digest);
        memset(sessions[i].previous_digest, (int)i + 2, sizeof sessions[i].previous_digest);
        memset(sessions[i].refresh_nonce, (int)i + 3, sizeof sessions[i].refresh_nonce);
        put_session(&sessions[i]);
    }
}

/* All of them, one twice, and one that nobody made. */
static struct store_tx *open_expecting(void)
{
    struct session_id sids[COUNT + 2];
    for (unsigned i = 0; i < COUNT; i++)
        sids[i] = sessions[COUNT - 1 - i].sid;
    sids[COUNT] = sessions[0].sid;
    sids[COUNT + 1] = sample_session(COUNT, users[0].id).sid;
    struct expectation what = {.sids = sids, .sid_count = COUNT + 2, .records = true, .accounts = true};
    struct store_tx *tx = open_write(store);
    if (OPS->expect != NULL)
        assert_ok(OPS->expect(tx, &what));
    return tx;
}

static void sees(struct store_tx *tx, const struct session_record *want)
{
    struct session_record got;
    assert_ok(OPS->session_get(tx, want->sid, &got));
    same_session(&got, want);
}

static void is_there(const struct session_record *want)
{
    struct session_record got;
    assert_int_equal(read_session(want->sid, &got), CARDEA_OK);
    same_session(&got, want);
}

void expected_sessions_rotate(void **state)
{
    (void)state;
    put_all();
    struct session_record next[COUNT], got;
    struct session_record nobody = sample_session(COUNT, users[0].id);
    struct store_tx *tx = open_expecting();
    for (unsigned i = 0; i < COUNT; i++) {
        next[i] = rotated(&sessions[i]);
        assert_ok(OPS->mark(tx));
        sees(tx, &sessions[i]);
        assert_code(OPS->session_rotate(tx, &next[i], sessions[i].generation + 7), E_CONFLICT);
        assert_ok(OPS->session_rotate(tx, &next[i], sessions[i].generation));
        sees(tx, &next[i]);
        /* A sessions engine that is near rotates at once, and there a rotation stays (mixture.h). */
        if (i == 2 && OPS->expect != NULL) {
            assert_ok(OPS->undo(tx));
            next[2] = sessions[2];
        } else {
            assert_ok(OPS->keep(tx));
        }
        sees(tx, &next[i]);
    }
    struct session_record late = next[0]; /* not the same once more, which an engine may take for a repetition */
    late.refresh_nonce[1] ^= 1;
    assert_ok(OPS->mark(tx));
    assert_code(OPS->session_rotate(tx, &late, sessions[0].generation), E_CONFLICT);
    assert_code(OPS->session_get(tx, nobody.sid, &got), E_NOT_FOUND);
    assert_code(OPS->session_rotate(tx, &nobody, nobody.generation), E_NOT_FOUND);
    assert_ok(OPS->keep(tx));
    commit(store, tx);
    for (unsigned i = 0; i < COUNT; i++)
        is_there(&next[i]);
}

void expected_sessions_twice(void **state)
{
    (void)state;
    put_all();
    struct session_record next = rotated(&sessions[0]), third = rotated(&next);
    struct store_tx *tx = open_expecting();
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->session_rotate(tx, &next, sessions[0].generation));
    assert_ok(OPS->keep(tx));
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->session_rotate(tx, &third, next.generation));
    sees(tx, &third);
    assert_ok(OPS->keep(tx));
    commit(store, tx);
    is_there(&third);
}

/* What else is written in between: it is seen, and what it takes back is no more than its own. */
void expected_sessions_among_others(void **state)
{
    (void)state;
    put_all();
    struct session_record next[COUNT], got;
    struct page page = {.limit = PAGE_MAX};
    struct session_record listed[COUNT];
    struct cursor after;
    uint32_t count;
    for (unsigned i = 0; i < COUNT; i++)
        next[i] = rotated(&sessions[i]);
    struct store_tx *tx = open_expecting();
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->session_rotate(tx, &next[0], sessions[0].generation));
    assert_ok(OPS->keep(tx));

    assert_ok(OPS->mark(tx)); /* this one fails after it has rotated and written */
    assert_ok(OPS->session_rotate(tx, &next[1], sessions[1].generation));
    assert_ok(OPS->session_delete(tx, sessions[2].sid));
    assert_ok(OPS->undo(tx));
    sees(tx, &next[0]);
    sees(tx, &sessions[2]);

    assert_ok(OPS->mark(tx));
    assert_ok(OPS->session_delete(tx, sessions[2].sid));
    assert_ok(OPS->keep(tx));
    assert_code(OPS->session_get(tx, sessions[2].sid, &got), E_NOT_FOUND);

    assert_ok(OPS->mark(tx));
    sees(tx, &sessions[3]);
    assert_ok(OPS->session_rotate(tx, &next[3], sessions[3].generation));
    assert_ok(OPS->keep(tx));
    assert_ok(OPS->session_list(tx, &users[1].id, 0, &page, listed, &count, &after));
    assert_int_equal(count, 2);
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&listed[i].sid, &sessions[3].sid, sizeof listed[i].sid) == 0)
            same_session(&listed[i], &next[3]);
    commit(store, tx);
    is_there(&next[0]);
    assert_int_equal(read_session(sessions[2].sid, &got), CARDEA_E_NOT_FOUND);
    is_there(&next[3]);
}

void expected_sessions_taken_back(void **state)
{
    (void)state;
    put_all();
    struct session_record next = rotated(&sessions[0]);
    struct store_tx *tx = open_expecting();
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->session_rotate(tx, &next, sessions[0].generation));
    assert_ok(OPS->keep(tx));
    OPS->abort(tx);
    if (OPS->expect != NULL)
        is_there(&sessions[0]);
}

/* A user that was expected is the user that another change of the same transaction made of it. */
void expected_users_change(void **state)
{
    (void)state;
    put_all();
    struct user_record u = users[0], got;
    struct store_tx *tx = open_expecting();
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->user_get(tx, u.id, &got));
    same_user(&got, &u);
    u.epoch++;
    assert_ok(OPS->user_put(tx, &u));
    assert_ok(OPS->keep(tx));
    assert_ok(OPS->mark(tx));
    assert_ok(OPS->user_get(tx, u.id, &got));
    same_user(&got, &u);
    u.epoch++;
    assert_ok(OPS->user_put(tx, &u));
    assert_ok(OPS->undo(tx));
    u.epoch--;
    assert_ok(OPS->user_get(tx, u.id, &got));
    same_user(&got, &u);
    commit(store, tx);
    assert_int_equal(read_user(u.id, &got), CARDEA_OK);
    same_user(&got, &u);
}
