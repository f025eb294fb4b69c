/* Progress of a long command: a bar on a terminal, lines elsewhere, JSON lines with --json.
 *
 * All of it goes to standard error: standard output has the result alone. A terminal gets one line that is written
 * again, at most ten times a second; anything else a line every PROGRESS_LINE_MS, with --json as an object. Nothing is
 * written of what is over sooner than that. Threading: one thread.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "store/copy.h"

enum { PROGRESS_LINE_MS = 2000, PROGRESS_BAR_MS = 100 };

struct progress {
    bool json, terminal;
    bool shown;      /* a bar stands on the terminal */
    int64_t next_ms; /* when the next is due */
    int64_t start_ms;
    enum copy_stage stage;
};

void progress_start(struct progress *p, bool json);
/* struct copy's progress; context is the struct progress. */
void progress_tell(void *context, enum copy_stage stage, uint64_t done, uint64_t total);
/* Take the bar away. */
void progress_end(struct progress *p);

#endif
