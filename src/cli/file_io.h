/* Files of the token commands: keys, secrets, claims and tokens in, keys and texts out.
 *
 * Reads whole files or standard input ("-") up to a limit, into memory that is wiped afterwards: whatever is read may
 * be a secret. Secrets come this way only, never from the command line, where every user of the machine could read
 * them. Writes secrets with mode 0600 to files that did not exist: no key is ever overwritten, no link followed.
 */
#ifndef CLI_FILE_IO_H
#define CLI_FILE_IO_H

#include "cli/command.h"

struct input {
    char *ptr;
    size_t len, cap;
};

/* Read a file, or with - standard input. owns: input_clear.
 * fails (explained): EXIT_FAILED: can not be read, or holds more than max bytes. */
enum exit_code input_read(const char *name, size_t max, struct input *out) CARDEA_CHECKED;
void input_clear(struct input *i); /* wipes; safe on a zeroed one */
/* Without white space at both ends: a token, or a secret as a line of text. */
struct view input_text(const struct input *i);
/* The word at index, or standard input where it is - or missing, trimmed.
 * in: *storage is input_clear'ed by the caller. */
enum exit_code input_word(const struct context *c, unsigned index, size_t max, struct input *storage,
                          struct view *out) CARDEA_CHECKED;

/* Write to the file (NULL: standard output). secret: mode 0600.
 * fails (explained): EXIT_CONFLICT: the file exists; EXIT_FAILED. */
enum exit_code output_write(const char *name, bool secret, struct view text) CARDEA_CHECKED;

#endif
