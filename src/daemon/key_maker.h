/* The key maker: draws RSA keys, which takes up to seconds, beside everything else.
 *
 * Decides: nothing. A tick of the keyring (core/keyring.h) says which formats lack a key; a thread draws one of each,
 * sealed, into a stock; a later tick takes them from it. The thread lives only while it draws, has no part in the store
 * and can always be waited for.
 *
 * Threading: want, lock and unlock on one thread, the committer's.
 */
#ifndef DAEMON_KEY_MAKER_H
#define DAEMON_KEY_MAKER_H

#include "core/keyring.h"

struct key_maker;

/* drawn: set to true whenever a key was added to the stock. All borrowed. NULL without memory. */
struct key_maker *key_maker_new(const struct master_key *m, const struct entropy *e, bool _Atomic *drawn);
/* Waits for the thread; NULL is safe. */
void key_maker_free(struct key_maker *k);
/* Draw a key of each of these formats, unless a thread is at it already: then ask again later. */
void key_maker_want(struct key_maker *k, token_formats formats);
/* The stock, for a tick, until it is unlocked. */
struct key_stock *key_maker_lock(struct key_maker *k);
void key_maker_unlock(struct key_maker *k);

#endif
