/* Inside the suite: the store a case works on, comparisons of whole records, and where the cases stand. */
#ifndef CONFORMANCE_INTERNAL_H
#define CONFORMANCE_INTERNAL_H

#include "store_conformance.h"

/* The running case's. */
extern struct store *store;
extern const struct engine_under_test *engine;
struct store *reopen(void); /* close and open again */

#define OPS (store->ops)

/* Records hold no pointers and are zeroed before they are filled, but what lies behind a text's NUL may differ. */
void same_user(const struct user_record *a, const struct user_record *b);
void same_session(const struct session_record *a, const struct session_record *b);
void same_event(const struct event *a, const struct event *b);

/* Put records in a transaction of their own. */
void put_user(const struct user_record *u);
void put_session(const struct session_record *r);
/* Read one in a transaction of its own; the code is the answer's. */
enum cardea_code read_user(struct user_id id, struct user_record *out);
enum cardea_code read_session(struct session_id sid, struct session_record *out);

/* Cases: X(name). */
#define TX_CASES(X)                                                                                                    \
    X(abort_takes_everything_back)                                                                                     \
    X(undo_takes_back_one_change)                                                                                      \
    X(changes_do_not_nest)                                                                                             \
    X(an_open_change_is_not_committed)                                                                                 \
    X(readers_see_the_state_of_their_begin)                                                                            \
    X(readers_may_not_write)                                                                                           \
    X(a_passed_deadline_is_unavailable)                                                                                \
    X(a_second_writer_waits_for_the_first)                                                                             \
    X(a_second_writer_gives_up_at_its_deadline)                                                                        \
    X(readers_race_a_writer)                                                                                           \
    X(committed_is_there_after_reopening)
#define ACCOUNT_CASES(X)                                                                                               \
    X(user_round_trip)                                                                                                 \
    X(user_at_its_limits)                                                                                              \
    X(user_found_by_name_and_email)                                                                                    \
    X(usernames_and_emails_are_unique)                                                                                 \
    X(user_delete_takes_what_is_the_users)                                                                             \
    X(users_in_pages)                                                                                                  \
    X(users_by_filter)                                                                                                 \
    X(cursors_of_others_are_refused)                                                                                   \
    X(api_key_round_trip)                                                                                              \
    X(api_keys_in_pages)                                                                                               \
    X(key_round_trip)                                                                                                  \
    X(values)                                                                                                          \
    X(values_are_listed)                                                                                               \
    X(events_are_chained)                                                                                              \
    X(event_at_its_limits)                                                                                             \
    X(undone_events_leave_no_gap)                                                                                      \
    X(the_chain_shows_a_change)                                                                                        \
    X(revocations_in_force)                                                                                            \
    X(a_revocation_is_found_by_its_id)                                                                                 \
    X(verifiers_are_registered)                                                                                        \
    X(pushes_come_with_the_commit)                                                                                     \
    X(rows_are_taken_over_as_they_are)                                                                                 \
    X(rows_that_do_not_follow_are_refused)                                                                             \
    X(accounts_are_erased)                                                                                             \
    X(sweep_removes_expired_api_keys)
#define SESSION_CASES(X)                                                                                               \
    X(session_round_trip)                                                                                              \
    X(session_at_its_limits)                                                                                           \
    X(session_ids_are_unique)                                                                                          \
    X(rotation_is_compare_and_set)                                                                                     \
    X(touch_moves_forward_only)                                                                                        \
    X(sessions_below_an_epoch_end)                                                                                     \
    X(sessions_in_pages)                                                                                               \
    X(scan_sees_every_session_once)                                                                                    \
    X(many_sessions_at_once)                                                                                           \
    X(a_taken_sid_among_many)                                                                                          \
    X(sessions_are_erased)                                                                                             \
    X(counters_and_codes)
/* Those of sessions and accounts together. */
#define EXPECT_CASES(X)                                                                                                \
    X(expected_sessions_rotate)                                                                                        \
    X(expected_sessions_twice)                                                                                         \
    X(expected_sessions_among_others)                                                                                  \
    X(expected_sessions_taken_back)                                                                                    \
    X(expected_users_change)
/* Those that the sweep ends. */
#define SWEEP_CASES(X)                                                                                                 \
    X(sweep_ends_what_is_over)                                                                                         \
    X(sweep_spares_who_was_seen)                                                                                       \
    X(sweep_goes_in_small_steps)

#define CASE_DECLARE(name) void name(void **state);
TX_CASES(CASE_DECLARE)
ACCOUNT_CASES(CASE_DECLARE)
SESSION_CASES(CASE_DECLARE)
EXPECT_CASES(CASE_DECLARE)
SWEEP_CASES(CASE_DECLARE)

#endif
