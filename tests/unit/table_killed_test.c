/* Is the verification table whole when its writer, another process, is killed in the middle of writing?
 *
 * Every round forks a writer over shared memory, reads along, kills it at a moment nobody chose, and then looks at
 * everything there is: each answer must lie between what was surely done and what may have been begun, and each entry
 * of the index must lead to a whole cell that it belongs to. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/table_layout.h"
#include "table_story.h"

enum { ROUNDS = 150, CHANGES_BEFORE_KILL = 4000 };

static void write_for_ever(struct story *st, struct world *x, uint64_t noise)
{
    while (story_goes_on(st, x, &noise) && st->tokens_least < TOKENS_MAX) {
    }
    story_wrong(st, 7, 0, 0); /* it is meant to be killed, not to end */
    _exit(1);
}

/* Every entry leads to a whole cell of its kind whose id has that tag. Returns how many there are. */
static uint64_t check_reachable(const struct table *t)
{
    uint64_t root = word_load(&t->header->root), live = 0;
    const table_word *part = t->index + part_offset(root_level(root), root_side(root));
    for (uint32_t i = 0; i < (uint32_t)1 << root_level(root); i++) {
        uint64_t entry = word_load(&part[i]);
        if (entry == 0 || entry == ENTRY_TOMBSTONE)
            continue;
        uint32_t kind = entry_kind(entry);
        const table_word *c = kind == SPACE_SESSION ? t->sessions + (size_t)entry_cell(entry) * SESSION_WORDS
                                                    : t->others + (size_t)entry_cell(entry) * UNIT_WORDS;
        uint64_t sequence = word_load(&c[CELL_SEQUENCE]);
        assert_true(sequence != 0 && sequence % 2 == 0);
        assert_int_equal(head_kind(word_load(&c[CELL_HEAD])), kind);
        uint64_t id[2] = {word_load(&c[CELL_ID]), word_load(&c[CELL_ID + 1])};
        struct table_name name = table_name(t->seed, (enum space)(kind & 7), id, sizeof id);
        assert_int_equal(name.tag, entry_tag(entry));
        live++;
    }
    return live;
}

static void check_everything(struct story *st, const struct table *t)
{
    for (uint64_t i = 0; i < SUBJECTS; i++)
        story_check_session(st, t, i, NOW);
    for (uint64_t i = 0; i < USERS; i++)
        story_check_user(st, t, i, 0);
    for (uint64_t n = 0; n < st->tokens_least; n++)
        assert_int_equal(table_find_token(t, jti_of(n)), TABLE_REVOKED);
    if (st->wrong != 0)
        fail_msg("after %llu changes a reader found %llx", (unsigned long long)st->changes,
                 (unsigned long long)st->wrong);
    /* Nobody writes any more: there is nothing that can not be known. */
    assert_int_equal(st->unknown, 0);
}

static void killed_writer_leaves_nothing_half_written(void **state)
{
    (void)state;
    uint64_t noise = 4242;
    uint64_t between = 0, reachable = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct world x = world_open(SUBJECTS + 2, 16, &(struct table_host){give_back_shared, NULL});
        struct story *st = story_open();
        uint64_t seed = noise_next(&noise), until = noise_next(&noise) % CHANGES_BEFORE_KILL;
        pid_t writer = fork();
        assert_true(writer >= 0);
        if (writer == 0)
            write_for_ever(st, &x, seed);

        struct table *t;
        OK(table_attach(x.block, x.size, x.seen, x.seen_size, &t));
        int looks = 0;
        while (st->wrong == 0 && (st->changes < until || looks++ < (int)(seed % 50)))
            story_check(st, t, &noise);
        kill(writer, SIGKILL);
        int how;
        assert_int_equal(waitpid(writer, &how, 0), writer);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);

        st->unknown = 0;
        for (int i = 0; i < SUBJECTS; i++)
            between += st->session_least[i] != st->session_most[i];
        between += st->tokens_least != st->tokens_most;
        check_everything(st, t);
        reachable += check_reachable(t);
        table_detach(t);
        story_close(st);
        world_close(&x);
    }
    assert_true(between > 0); /* some did die in the middle */
    assert_true(reachable > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_writer_leaves_nothing_half_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
