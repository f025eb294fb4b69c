/* The program: finds the command, reads its options, runs it. */
#include "base/id.h"
#include "cli/command.h"
#include "cli/render.h"
#include "crypto/random.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_WORDS = 3, NAME_TEXT = 128 };

void complain(const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct buf out = buf_heap(16 * 1024);
    buf_text(&out, "cardea: ");
    render_text(&out, view_text(text));
    buf_char(&out, '\n');
    struct view v = buf_view(&out);
    if (write(STDERR_FILENO, v.ptr, v.len) < 0) {
        /* Nobody is there to be told. */
    }
    buf_clear(&out);
}

const char *context_option_at(const struct context *c, const char *name, unsigned index)
{
    for (unsigned i = 0; i < c->option_count; i++)
        if (strcmp(c->options[i].name, name) == 0 && index-- == 0)
            return c->options[i].value;
    return NULL;
}

const char *context_option(const struct context *c, const char *name)
{
    const char *last = NULL, *value;
    for (unsigned i = 0; (value = context_option_at(c, name, i)) != NULL; i++)
        last = value;
    return last;
}

bool context_has(const struct context *c, const char *name)
{
    return context_option(c, name) != NULL;
}

enum exit_code context_config(struct context *c)
{
    struct config_option options[2];
    size_t count = 0;
    struct config_error error;
    const char *file = context_option(c, "config");
    if (context_has(c, "state"))
        options[count++] = (struct config_option){"state", context_option(c, "state")};
    if (context_has(c, "listen"))
        options[count++] = (struct config_option){"listen", context_option(c, "listen")};
    if (file == NULL)
        file = getenv("CARDEA_CONFIG");
    c->config = calloc(1, sizeof(*c->config));
    if (c->config == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    struct cardea_status s = config_load(file, (const char *const *)environ, options, count, c->config, &error);
    if (cardea_ok(s))
        return EXIT_OK;
    struct buf text = buf_heap(4096);
    config_error_text(&error, &text);
    complain("%.*s", (int)text.len, text.ptr);
    buf_clear(&text);
    return EXIT_USAGE;
}

void context_warnings(const struct context *c)
{
    for (uint32_t i = 0; i < c->config->warning_count; i++)
        complain("warning: %s", c->config->warnings[i]);
}

static const struct option *find_option(const struct command *command, const char *name, size_t len)
{
    const struct option *lists[] = {common_options, command == NULL ? NULL : command->options};
    for (size_t i = 0; i < 2; i++)
        for (const struct option *o = lists[i]; o != NULL && o->name != NULL; o++)
            if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
                return o;
    return NULL;
}

/* Words with spaces between them, as commands and groups are named; cut off where they are too long for any. */
static void join(const char *const *words, unsigned count, char *out, size_t cap)
{
    struct buf b = buf_fixed(out, cap);
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&b, ' ');
        buf_text(&b, words[i]);
    }
    buf_terminate(&b);
}

/* The command that the words begin with: one word, two or three. *ret_used: how many; 0: none yet. */
static const struct command *find_command(const char *const *words, unsigned count, unsigned *ret_used)
{
    char name[NAME_TEXT];
    *ret_used = 0;
    for (unsigned used = 1; used <= NAME_WORDS && used <= count; used++) {
        join(words, used, name, sizeof(name));
        for (size_t i = 0; i < command_count; i++)
            if (strcmp(commands[i].name, name) == 0) {
                *ret_used = used;
                return &commands[i];
            }
    }
    return NULL;
}

bool command_in_group(const struct command *c, const char *group)
{
    size_t len = strlen(group);
    return strncmp(c->name, group, len) == 0 && c->name[len] == ' ';
}

static bool is_group(const char *word)
{
    size_t i = 0;
    while (i < command_count && !command_in_group(&commands[i], word))
        i++;
    return i < command_count;
}

/* What is wrong with the command line. */
#define USAGE(...) (complain(__VA_ARGS__), EXIT_USAGE)

/* One "--name", "--name=value" or "--name value"; *index moves past what it took. */
static enum exit_code take_option(struct context *c, char **argv, int argc, int *index)
{
    const char *text = argv[*index] + 2, *equals = strchr(text, '=');
    size_t len = equals == NULL ? strlen(text) : (size_t)(equals - text);
    const struct option *o = find_option(c->command, text, len);
    if (o == NULL)
        return c->command == NULL ? USAGE("unknown option %s; options of a command stand behind it", argv[*index])
                                  : USAGE("unknown option %s; see cardea %s --help", argv[*index], c->command->name);
    if (o->argument == NULL && equals != NULL)
        return USAGE("%s takes no value", argv[*index]);
    if (o->argument != NULL && equals == NULL && *index + 1 >= argc)
        return USAGE("%s needs a value", argv[*index]);
    if (c->option_count == OPTIONS_MAX)
        return USAGE("%s: too many options", argv[*index]);
    const char *value = o->argument == NULL ? "" : equals != NULL ? equals + 1 : argv[++*index];
    c->options[c->option_count++] = (struct given){o->name, value};
    return EXIT_OK;
}

/* Ids are base64url and may begin with a dash, or two: they are words all the same. */
static bool is_id(const char *text, const struct command *command)
{
    size_t len = strlen(text);
    for (const char *p = text; *p != 0; p++)
        if (strchr("-_", *p) == NULL && !(*p >= '0' && *p <= '9') && !(*p >= 'a' && *p <= 'z') &&
            !(*p >= 'A' && *p <= 'Z'))
            return false;
    return command != NULL && (len == ID16_TEXT || len == KEY_ID_TEXT) &&
           find_option(command, text + 2, len - 2) == NULL;
}

static enum exit_code take_words(struct context *c, char **argv, int argc)
{
    unsigned used = 0;
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        enum exit_code code = EXIT_OK;
        bool option = !options_end && argv[i][0] == '-' && argv[i][1] != 0 && !is_id(argv[i], c->command);
        if (option && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (option && strcmp(argv[i], "-h") == 0) {
            c->options[c->option_count < OPTIONS_MAX ? c->option_count++ : 0] = (struct given){"help", ""};
        } else if (option && c->command == NULL && strcmp(argv[i], "--version") == 0) {
            c->command = find_command(&(const char *){"version"}, 1, &used);
            used = 0;
        } else if (option && strncmp(argv[i], "--", 2) == 0) {
            code = take_option(c, argv, argc, &i);
        } else if (option) {
            code = USAGE("unknown option %s; see --help", argv[i]);
        } else if (c->word_count == WORDS_MAX) {
            code = USAGE("%s: too many arguments", argv[i]);
        } else {
            c->words[c->word_count++] = argv[i];
            if (c->command == NULL)
                c->command = find_command(c->words, c->word_count, &used);
        }
        if (code != EXIT_OK)
            return code;
    }
    c->word_count -= used;
    memmove(c->words, c->words + used, c->word_count * sizeof(c->words[0]));
    return EXIT_OK;
}

/* How many of the words name a group of commands. */
static unsigned group_words(const struct context *c, char *name, size_t cap)
{
    unsigned found = 0;
    for (unsigned n = 1; n < NAME_WORDS && n <= c->word_count; n++) {
        join(c->words, n, name, cap);
        if (is_group(name))
            found = n;
    }
    join(c->words, found, name, cap);
    return found;
}

/* No such command, as the words say it. */
static enum exit_code no_command(const struct context *c)
{
    char group[NAME_TEXT];
    unsigned known = group_words(c, group, sizeof(group));
    if (known == 0)
        return USAGE("there is no command %s; see cardea --help", c->words[0]);
    if (c->word_count == known)
        return USAGE("%s is a group of commands; see cardea %s --help", group, group);
    return USAGE("there is no command %s %s; see cardea %s --help", group, c->words[known], group);
}

/* Explain a command, a group of them, or (no words) what there is. */
static enum exit_code explain(const struct context *c, const struct command *command)
{
    struct buf out = buf_heap(OUTPUT_MAX);
    char group[NAME_TEXT];
    if (command != NULL)
        help_command(command, &out);
    else if (c->word_count == 0)
        help_overview(&out);
    else if (group_words(c, group, sizeof(group)) == c->word_count)
        help_group(group, &out);
    else
        return no_command(c);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_help(struct context *c)
{
    unsigned used;
    if (!context_has(c, "man"))
        return explain(c, find_command(c->words, c->word_count, &used));
    struct buf out = buf_heap(OUTPUT_MAX);
    help_man(&out);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

static enum exit_code run(struct context *c)
{
    const struct command *command = c->command;
    if (context_has(c, "help"))
        return explain(c, command);
    if (command == NULL && c->word_count > 0)
        return no_command(c);
    if (command == NULL) {
        enum exit_code shown = explain(c, NULL);
        return shown == EXIT_OK ? EXIT_USAGE : shown;
    }
    if (c->word_count < command->words_min)
        return USAGE("usage: cardea %s %s; see cardea %s --help", command->name, command->arguments, command->name);
    if (c->word_count > command->words_max)
        return USAGE("%s: too many arguments; see cardea %s --help", c->words[command->words_max], command->name);
    c->json = context_has(c, "json");
    if (!cardea_ok(crypto_start())) {
        complain("the crypto libraries do not start");
        return EXIT_FAILED;
    }
    enum exit_code code = command->run(c);
    if (code != EXIT_OK)
        return code;
    struct buf out = buf_heap(sizeof(c->receipt));
    buf_text(&out, c->json ? "" : c->receipt);
    if (!render_flush(&out))
        return EXIT_FAILED;
    return c->unfelt ? EXIT_BUSY : EXIT_OK;
}

int main(int argc, char **argv)
{
    static struct context c;
    /* A reader that goes away is an error of write, not the end of a command half done. */
    signal(SIGPIPE, SIG_IGN);
    enum exit_code code = take_words(&c, argv, argc);
    if (code == EXIT_OK)
        code = run(&c);
    free(c.config);
    return (int)code;
}
