/* One suite for every engine behind store/sessions.h, called directly: does it keep the contract of the sessions' role?
 * (As one half of a store, behind accounts, the same engines go through store_conformance.h.)
 *
 * Each case starts with an empty engine, opened twice: `open` must lead to what another handle wrote, as two nodes
 * would have it, or say NULL the second time.
 */
#ifndef CONFORMANCE_SESSIONS_CONFORMANCE_H
#define CONFORMANCE_SESSIONS_CONFORMANCE_H

#include "store_conformance.h"

#include "store/sessions.h"

struct sessions_under_test {
    const char *name;
    struct sessions *(*open)(void);
    bool alone;         /* a second open leads elsewhere (memory) */
    bool expires;       /* by its own clock, not by the sweep and now_ms */
    bool blind;         /* scanning, and listing all, answer E_LIMIT */
    void (*wipe)(void); /* NULL: an engine that is closed has forgotten */
};

/* Runs every case as a cmocka group; returns how many failed. */
int sessions_conformance_run(const struct sessions_under_test *engine);

#endif
