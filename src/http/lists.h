/* Lists: what all calls that answer {items, next_cursor} have in common.
 *
 * Decides: how a list is asked for, and how it is closed; which sessions and API keys of a page are worth showing, the
 * same for their owner and for administrators. A page is what the store made of `limit`: what has expired since is left
 * out of it, so it may be short, and even empty, with a cursor to go on from.
 *
 *     struct json_writer w = list_open(x, count, ANSWER_USER_MAX);
 *     for (uint32_t i = 0; i < count; i++)
 *         answer_user(&w, &users[i]);
 *     list_close(x, &w, &next);
 */
#ifndef HTTP_LISTS_H
#define HTTP_LISTS_H

#include "http/answer.h"
#include "http/exchange.h"

/* The begin stage of a list that takes limit and cursor and nothing else: the struct page becomes x->state. */
struct cardea_status list_page(struct exchange *x) CARDEA_CHECKED;
/* Pass on what the store said to a page; E_INVALID_FIELD is the cursor's. */
struct cardea_status list_fault(struct exchange *x, struct cardea_status s) CARDEA_CHECKED;

/* Begin {items: […, with room for `count` items of at most item_max bytes. */
struct json_writer list_open(struct exchange *x, uint32_t count, size_t item_max);
/* End it with next_cursor (null where next is NULL or empty), and answer 200. */
void list_close(struct exchange *x, struct json_writer *w, const struct cursor *next);

/* Read a page of a user's sessions, and answer those that are alive. */
struct cardea_status list_sessions(struct exchange *x, struct store_tx *tx, struct user_id user, int64_t epoch,
                                   const struct page *page) CARDEA_CHECKED;
/* Read a page of API keys (user NULL: everybody's), and answer those that are alive, for administrators with their
 * owner. */
struct cardea_status list_api_keys(struct exchange *x, struct store_tx *tx, const struct user_id *user,
                                   const struct page *page) CARDEA_CHECKED;

#endif
