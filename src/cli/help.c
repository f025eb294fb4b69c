/* --help and the man page, from the table of commands. */
#include "cli/command.h"

#include <string.h>

enum { WIDTH = 100 };

static const struct {
    enum exit_code code;
    const char *meaning;
} exit_codes[] = {
    {EXIT_OK, "done"},
    {EXIT_FAILED, "refused, or it went wrong; the reason is on standard error"},
    {EXIT_USAGE, "the command line or the configuration is wrong"},
    {EXIT_NOT_FOUND, "there is no such user, session, key or installation"},
    {EXIT_BUSY, "not now: in use, or overloaded; with --wait: done, not felt everywhere yet"},
    {EXIT_CONFLICT, "the name is taken, or the state changed in the meantime"},
    {EXIT_NOT_VALID, "the token is not valid"},
    {EXIT_EXPIRED, "the token is genuine, and its time is over"},
};

/* Words wrapped at WIDTH, each line indented; `at` is the column where writing begins. */
static void wrapped(struct buf *out, const char *text, size_t indent, size_t at)
{
    struct view rest = view_text(text), word;
    bool first = true;
    while (rest.len > 0) {
        view_cut(rest, ' ', &word, &rest);
        if (!first && at + 1 + word.len > WIDTH) {
            buf_char(out, '\n');
            for (at = 0; at < indent; at++)
                buf_char(out, ' ');
        } else if (!first) {
            buf_char(out, ' ');
            at++;
        }
        buf_put(out, word);
        at += word.len;
        first = false;
    }
    buf_char(out, '\n');
}

static void padded(struct buf *out, const char *text, size_t to)
{
    buf_text(out, text);
    for (size_t n = strlen(text); n < to; n++)
        buf_char(out, ' ');
}

static void usage_line(const struct command *c, struct buf *out)
{
    buf_text(out, "cardea ");
    buf_text(out, c->name);
    if (*c->arguments != 0) {
        buf_char(out, ' ');
        buf_text(out, c->arguments);
    }
    if (c->options->name != NULL)
        buf_text(out, " [OPTION...]");
}

static void option_lines(const struct option *o, struct buf *out)
{
    enum { INDENT = 30 };
    for (; o->name != NULL; o++) {
        size_t before = out->len;
        buf_text(out, "  --");
        buf_text(out, o->name);
        if (o->argument != NULL) {
            buf_char(out, ' ');
            buf_text(out, o->argument);
        }
        size_t at = out->len - before;
        do
            buf_char(out, ' ');
        while (++at < INDENT);
        wrapped(out, o->help, INDENT, at);
    }
}

/* The commands of a group, a line each; NULL: all there are. */
static void command_lines(const char *group, struct buf *out)
{
    for (size_t i = 0; i < command_count; i++) {
        char name[80];
        if (group != NULL && !command_in_group(&commands[i], group))
            continue;
        struct buf b = buf_fixed(name, sizeof(name));
        buf_text(&b, commands[i].name);
        if (*commands[i].arguments != 0) {
            buf_char(&b, ' ');
            buf_text(&b, commands[i].arguments);
        }
        buf_terminate(&b);
        buf_text(out, "  ");
        padded(out, name, 28);
        buf_text(out, "  ");
        buf_text(out, commands[i].summary);
        buf_char(out, '\n');
    }
}

static void everywhere(struct buf *out)
{
    buf_text(out, "\nEverywhere:\n");
    option_lines(common_options, out);
}

void help_overview(struct buf *out)
{
    buf_text(out,
             "cardea: sessions and signed tokens, one service\n\nUsage: cardea COMMAND [ARGUMENT...] [OPTION...]\n\n");
    command_lines(NULL, out);
    everywhere(out);
    buf_text(out, "\nTo begin: cardea init --state DIR --admin NAME, then cardea serve --state DIR.\n"
                  "A USER is given by name or id. cardea help COMMAND explains a command, cardea help --man prints the "
                  "man page.\n");
}

void help_group(const char *group, struct buf *out)
{
    buf_text(out, "Usage: cardea ");
    buf_text(out, group);
    buf_text(out, " COMMAND [ARGUMENT...] [OPTION...]\n\n");
    command_lines(group, out);
    everywhere(out);
    buf_text(out, "\ncardea help ");
    buf_text(out, group);
    buf_text(out, " COMMAND explains one of them.\n");
}

void help_command(const struct command *c, struct buf *out)
{
    buf_text(out, "Usage: ");
    usage_line(c, out);
    buf_text(out, "\n\n");
    buf_text(out, c->summary);
    buf_text(out, ".\n");
    if (*c->text != 0)
        wrapped(out, c->text, 0, 0);
    if (c->options->name != NULL) {
        buf_text(out, "\nOptions:\n");
        option_lines(c->options, out);
    }
    everywhere(out);
    buf_text(out, "\nExit status:\n");
    for (size_t i = 0; i < sizeof(exit_codes) / sizeof(exit_codes[0]); i++) {
        buf_text(out, "  ");
        buf_uint(out, (uint64_t)exit_codes[i].code);
        buf_text(out, "  ");
        buf_text(out, exit_codes[i].meaning);
        buf_char(out, '\n');
    }
}

/* Text for roff: a hyphen stays a hyphen, a backslash itself, and no line begins with a request. */
static void roff(struct buf *out, const char *text)
{
    for (const char *p = text; *p != 0; p++) {
        if (p == text && (*p == '.' || *p == '\''))
            buf_text(out, "\\&");
        if (*p == '\\')
            buf_text(out, "\\e");
        else if (*p == '-')
            buf_text(out, "\\-");
        else
            buf_char(out, *p);
    }
}

/* A paragraph in lines of moderate length, as mandoc's lint likes them. */
static void roff_paragraph(struct buf *out, const char *text)
{
    enum { LINE = 72 };
    struct view rest = view_text(text), word;
    size_t at = 0;
    while (rest.len > 0) {
        char piece[128];
        view_cut(rest, ' ', &word, &rest);
        if (at > 0 && at + 1 + word.len > LINE) {
            buf_char(out, '\n');
            at = 0;
        } else if (at > 0) {
            buf_char(out, ' ');
            at++;
        }
        size_t len = word.len < sizeof(piece) - 1 ? word.len : sizeof(piece) - 1;
        memcpy(piece, word.ptr, len);
        piece[len] = 0;
        roff(out, piece);
        at += word.len;
    }
    buf_char(out, '\n');
}

static void roff_options(const struct option *o, struct buf *out)
{
    for (; o->name != NULL; o++) {
        buf_text(out, ".TP\n\\fB\\-\\-");
        roff(out, o->name);
        buf_text(out, "\\fR");
        if (o->argument != NULL) {
            buf_text(out, " \\fI");
            roff(out, o->argument);
            buf_text(out, "\\fR");
        }
        buf_char(out, '\n');
        roff_paragraph(out, o->help);
    }
}

static void roff_commands(struct buf *out)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *c = &commands[i];
        buf_text(out, ".SS \"cardea ");
        roff(out, c->name);
        if (*c->arguments != 0) {
            buf_char(out, ' ');
            roff(out, c->arguments);
        }
        buf_text(out, "\"\n");
        roff(out, c->summary);
        buf_text(out, ".\n");
        if (*c->text != 0) {
            roff_paragraph(out, c->text);
        }
        roff_options(c->options, out);
    }
}

void help_man(struct buf *out)
{
    buf_text(
        out,
        ".\\\" Made by: cardea help \\-\\-man\n"
        ".TH CARDEA 1 2026-11-21 \"cardea " CARDEA_VERSION "\"\n"
        ".SH NAME\ncardea \\- sessions and signed tokens, one service\n"
        ".SH SYNOPSIS\n\\fBcardea\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n"
        ".SH DESCRIPTION\n"
        "Cardea answers, for any web application, who is calling and whether they may.\n"
        "\\fBcardea serve\\fR runs the service; the other commands work on its state folder, whether it runs or not:\n"
        "while it runs they go through the socket \\fIadmin.sock\\fR there,\n"
        "otherwise they open it "
        "themselves.\n"
        "\\fBcardea token\\fR (but for \\fBrevoke\\fR) needs no installation at all.\n"
        "A \\fIUSER\\fR is given by name or id.\n"
        "What a command changes is in force at the next request,\nand stands in the journal as done by\n"
        "\\fIoperator:UID\\fR.\n"
        ".SH OPTIONS\nThese go with every command.\n");
    roff_options(common_options, out);
    buf_text(out, ".SH COMMANDS\n");
    roff_commands(out);
    buf_text(out, ".SH \"EXIT STATUS\"\n");
    for (size_t i = 0; i < sizeof(exit_codes) / sizeof(exit_codes[0]); i++) {
        buf_text(out, ".TP\n\\fB");
        buf_uint(out, (uint64_t)exit_codes[i].code);
        buf_text(out, "\\fR\n");
        roff(out, exit_codes[i].meaning);
        buf_char(out, '\n');
    }
    buf_text(
        out,
        ".SH ENVIRONMENT\n"
        "Every key of the configuration has a variable:\n\\fIlisten.tls.cert\\fR is \\fBCARDEA_LISTEN_TLS_CERT\\fR.\n"
        "\\fBCARDEA_CONFIG\\fR names the configuration file. \\fBcardea config manual\\fR prints all keys.\n"
        ".SH FILES\n"
        ".TP\n\\fIDIR\\fR/master.key\nThe key that encrypts the other keys.\nKeep a copy of it, apart from copies of "
        "the "
        "database.\n"
        ".TP\n\\fIDIR\\fR/cardea.db\nThe database.\n"
        ".TP\n\\fIDIR\\fR/admin.sock\nThe operator's socket, while the service runs.\n"
        ".TP\n\\fIDIR\\fR/lock\nHeld by the process that has the installation open.\n"
        ".SH EXAMPLES\n"
        ".nf\n"
        "cardea init \\-\\-state /var/lib/cardea \\-\\-admin you\n"
        "cardea serve \\-\\-config cardea.yaml\n"
        "cardea user add alice \\-\\-password\\-file \\- \\-\\-role editor < password\n"
        "cardea user roles alice \\-\\-add reviewer\n"
        "cardea audit \\-\\-type login \\-\\-limit 10\n"
        "cardea token inspect < token\n"
        "cardea token verify \\-\\-keys jwks.json \\-\\-issuer https://id.example \\-\\-audience api < token\n"
        ".fi\n");
}
