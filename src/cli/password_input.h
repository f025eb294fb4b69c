/* A password from a file, standard input or the terminal; never from the command line, where every user of the machine
 * could read it. */
#ifndef CLI_PASSWORD_INPUT_H
#define CLI_PASSWORD_INPUT_H

#include "cli/command.h"

enum { PASSWORD_INPUT_MAX = 1024 + 2 };

struct password_input {
    char text[PASSWORD_INPUT_MAX + 1]; /* wipe with secret_wipe */
    size_t len;
};

/* By --password-file FILE or -, else asked for twice on the terminal. One line feed at the end does not count.
 * fails (explained): EXIT_USAGE without a terminal; EXIT_FAILED. */
enum exit_code password_input(const struct context *c, struct password_input *out) CARDEA_CHECKED;

#endif
