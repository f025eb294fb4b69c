/* A database file that appears under its name when it is whole: made under another name beside it, synced, renamed.
 *
 * What SQLite keeps beside a database (-wal, -shm) belongs to the name it has while it is made, and must be gone when
 * it is placed: close the database before.
 */
#ifndef DAEMON_WHOLE_FILE_H
#define DAEMON_WHOLE_FILE_H

#include "cardea/status.h"
#include "daemon/config.h"

struct whole_file {
    char path[CONFIG_PATH_MAX];
    char temporary[CONFIG_PATH_MAX + 16]; /* "": none, or placed */
};

/* Make an empty file of mode 0600 beside the name. alone: nobody else does so meanwhile (the caller has a lock); then
 * what one that was killed left behind is removed. fails: E_IO; E_USAGE: the name is too long; message says why */
struct cardea_status whole_file_begin(struct whole_file *f, const char *path, bool alone, char *message,
                                      size_t cap) CARDEA_CHECKED;
/* Give it its name. fails: E_CONFLICT: something has it already; E_IO */
struct cardea_status whole_file_place(struct whole_file *f, char *message, size_t cap) CARDEA_CHECKED;
/* The same where a database is that name's: it becomes PATH.before-NUMBER, with its log. *ret_aside "": there was none.
 * A crash leaves one of the two under the name. */
struct cardea_status whole_file_replace(struct whole_file *f, int64_t number, char ret_aside[CONFIG_PATH_MAX + 32],
                                        char *message, size_t cap) CARDEA_CHECKED;
/* Remove what was not placed. */
void whole_file_end(struct whole_file *f);

#endif
