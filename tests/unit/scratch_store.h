/* A SQLite store of the test's own, in a temporary folder that goes with it. While `away` is set nothing can be begun:
 * the store that a service sometimes has. One a program.
 *
 *     scratch_open(boot_now);
 *     struct store_tx *tx = scratch_begin(STORE_WRITE);
 *     assert_ok(scratch.real->ops->commit(tx));
 *     scratch.away = true;
 *     scratch_close();
 */
#ifndef UNIT_SCRATCH_STORE_H
#define UNIT_SCRATCH_STORE_H

#include "check.h"

#include "crypto/digest.h"
#include "store/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    char folder[sizeof "/tmp/cardea-unit-XXXXXX"];
    struct store *real;
    struct store store; /* real, but for `away` and `full` */
    struct store_ops ops;
    int64_t (*boot_ms)(void);
    bool away, full;
} scratch;

static inline struct cardea_status scratch_begin_or_fail(struct store *s, enum store_mode mode, int64_t deadline_ms,
                                                         struct store_tx **out)
{
    (void)s;
    return scratch.away ? CARDEA_FAIL(E_UNAVAILABLE) : scratch.real->ops->begin(scratch.real, mode, deadline_ms, out);
}

static inline struct cardea_status scratch_commit_or_fail(struct store_tx *tx)
{
    if (!scratch.full)
        return scratch.real->ops->commit(tx);
    scratch.real->ops->abort(tx);
    return CARDEA_FAIL(E_IO);
}

static inline void scratch_open(int64_t (*boot_ms)(void))
{
    char path[64], message[256] = "";
    memcpy(scratch.folder, "/tmp/cardea-unit-XXXXXX", sizeof scratch.folder);
    assert_non_null(mkdtemp(scratch.folder));
    snprintf(path, sizeof path, "%s/cardea.db", scratch.folder);
    if (!cardea_ok(store_sqlite_open(path, boot_ms, digest_sha256, &scratch.real, message, sizeof message)))
        fail_msg("%s", message);
    scratch.ops = *scratch.real->ops;
    scratch.ops.begin = scratch_begin_or_fail;
    scratch.ops.commit = scratch_commit_or_fail;
    scratch.store.ops = &scratch.ops;
    scratch.boot_ms = boot_ms;
    scratch.away = scratch.full = false;
}

static inline void scratch_close(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[64];
    scratch.real->ops->close(scratch.real);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(name, sizeof name, "%s/cardea.db%s", scratch.folder, ends[i]);
        unlink(name);
    }
    assert_int_equal(rmdir(scratch.folder), 0);
}

/* Begin, whether it is away or not. */
static inline struct store_tx *scratch_begin(enum store_mode mode)
{
    struct store_tx *tx = NULL;
    assert_ok(scratch.real->ops->begin(scratch.real, mode, scratch.boot_ms() + 5000, &tx));
    return tx;
}

#endif
