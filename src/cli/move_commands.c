/* cardea migrate, backup and restore: what moves an installation. */
#include "base/text.h"
#include "base/timetext.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "daemon/backup.h"
#include "daemon/installation.h"
#include "daemon/migrate.h"

#include <stdio.h>
#include <string.h>

static enum exit_code code_of(struct cardea_status s)
{
    switch (s.code) {
    case CARDEA_OK:
        return EXIT_OK;
    case CARDEA_E_USAGE:
        return EXIT_USAGE;
    case CARDEA_E_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case CARDEA_E_BUSY:
    case CARDEA_E_UNAVAILABLE:
        return EXIT_BUSY;
    case CARDEA_E_CONFLICT:
        return EXIT_CONFLICT;
    default:
        return EXIT_FAILED;
    }
}

/* "1 user, 3 sessions": what there is of each. */
static void put_count(struct buf *out, uint64_t n, const char *one, const char *many, bool *first)
{
    buf_text(out, *first ? "" : ", ");
    buf_int(out, (int64_t)n);
    buf_char(out, ' ');
    buf_text(out, n == 1 ? one : many);
    *first = false;
}

static void put_account_counts(struct buf *out, const struct copy_counts *n, bool *first)
{
    put_count(out, n->users, "user", "users", first);
    put_count(out, n->api_keys, "API key", "API keys", first);
    put_count(out, n->keys, "key", "keys", first);
    put_count(out, n->events, "row of the journal", "rows of the journal", first);
}

static void json_account_counts(struct json_writer *w, const struct copy_counts *n)
{
    json_member_int(w, "users", (int64_t)n->users);
    json_member_int(w, "api_keys", (int64_t)n->api_keys);
    json_member_int(w, "keys", (int64_t)n->keys);
    json_member_int(w, "journal", (int64_t)n->events);
}

/* --- migrate --- */

static bool read_part(const char *text, enum migrate_part *out)
{
    *out = text == NULL                    ? MIGRATE_ALL
           : strcmp(text, "accounts") == 0 ? MIGRATE_ACCOUNTS
           : strcmp(text, "sessions") == 0 ? MIGRATE_SESSIONS
                                           : MIGRATE_PART_UNSET;
    return *out != MIGRATE_PART_UNSET;
}

static void migrate_json(struct buf *out, const struct migrated *done, int64_t ms)
{
    struct json_writer w = json_writer(out);
    json_open_object(&w);
    json_name(&w, "moved");
    json_open_object(&w);
    if (done->accounts)
        json_account_counts(&w, &done->counts);
    if (done->sessions)
        json_member_int(&w, "sessions", (int64_t)done->counts.sessions);
    json_close_object(&w);
    if (done->sessions) {
        json_member_int(&w, "expired_sessions", (int64_t)done->counts.over);
        json_member_bool(&w, "checked", !done->unchecked);
    }
    json_member_int(&w, "ms", ms);
    json_close_object(&w);
    buf_char(out, '\n');
}

static void migrate_text(struct buf *out, const struct migrated *done)
{
    bool first = true;
    buf_text(out, "Moved: ");
    if (done->accounts)
        put_account_counts(out, &done->counts, &first);
    if (done->sessions)
        put_count(out, done->counts.sessions, "session", "sessions", &first);
    buf_text(out, ".\n");
    if (done->counts.over > 0)
        buf_text(out, "Sessions that were over stayed behind.\n");
    if (done->unchecked)
        buf_text(out, "The target can not list its sessions: they were not compared.\n");
    buf_text(out, "The source is as it was. Name the target in the configuration (");
    buf_text(out, done->accounts && done->sessions ? "accounts, sessions" : done->accounts ? "accounts" : "sessions");
    buf_text(out, "), then start the service.\n");
}

enum exit_code run_migrate(struct context *c)
{
    struct migration m = {.from = context_option(c, "from"),
                          .to = context_option(c, "to"),
                          .replace_sessions = context_has(c, "replace-sessions")};
    if (m.from == NULL || m.to == NULL) {
        complain("cardea migrate needs --from URL and --to URL");
        return EXIT_USAGE;
    }
    if (!read_part(context_option(c, "only"), &m.part)) {
        complain("--only takes accounts or sessions");
        return EXIT_USAGE;
    }
    enum exit_code code = context_config(c);
    if (code != EXIT_OK)
        return code;
    struct progress p;
    progress_start(&p, c->json);
    const struct copy copy = {.progress = progress_tell, .context = &p};
    struct migrated done = {0};
    char message[1024] = "";
    struct cardea_status s = migrate(c->config, &m, &copy, &done, message, sizeof message);
    progress_end(&p);
    if (!cardea_ok(s)) {
        complain("%s", message);
        return code_of(s);
    }
    struct buf out = buf_heap(4096);
    if (c->json)
        migrate_json(&out, &done, installation_boot_ms() - p.start_ms);
    else
        migrate_text(&out, &done);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

/* --- backup --- */

static void backup_json(struct buf *out, const char *path, const struct backup_made *made)
{
    struct json_writer w = json_writer(out);
    char text[128], time[32];
    struct buf head = buf_fixed(text, sizeof text), at = buf_fixed(time, sizeof time);
    buf_rfc3339(&at, made->at_ms);
    buf_int(&head, (int64_t)made->head.n);
    buf_char(&head, ':');
    buf_hex(&head, made->head.hash, sizeof made->head.hash);
    json_open_object(&w);
    json_member_text(&w, "file", view_text(path));
    json_member_text(&w, "at", buf_view(&at));
    json_account_counts(&w, &made->counts);
    json_member_text(&w, "head", buf_view(&head));
    json_close_object(&w);
    buf_char(out, '\n');
}

static void backup_text(struct buf *out, const char *path, const struct backup_made *made, const char *master)
{
    bool first = true;
    render_text(out, view_text(path));
    buf_text(out, ": ");
    put_account_counts(out, &made->counts, &first);
    buf_text(out, ".\nThe master key is not in it, and nobody can restore it without: keep a copy of ");
    render_text(out, view_text(master));
    buf_text(out, " elsewhere.\n");
}

enum exit_code run_backup(struct context *c)
{
    enum exit_code code = context_config(c);
    if (code != EXIT_OK)
        return code;
    struct progress p;
    progress_start(&p, c->json);
    const struct copy copy = {.progress = progress_tell, .context = &p};
    struct backup_made made = {0};
    char message[1024] = "";
    struct cardea_status s = backup_make(c->config, c->words[0], &copy, &made, message, sizeof message);
    progress_end(&p);
    if (!cardea_ok(s)) {
        complain("%s", message);
        return code_of(s);
    }
    struct buf out = buf_heap(8192);
    if (c->json)
        backup_json(&out, c->words[0], &made);
    else
        backup_text(&out, c->words[0], &made, c->config->master_key_file);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

/* --- restore --- */

static void restore_json(struct buf *out, const struct restored *done)
{
    struct json_writer w = json_writer(out);
    char time[32];
    struct buf at = buf_fixed(time, sizeof time);
    buf_rfc3339(&at, done->backup_at_ms);
    json_open_object(&w);
    json_account_counts(&w, &done->counts);
    json_member_int(&w, "incarnation", done->incarnation);
    json_member_text(&w, "backup_at", buf_view(&at));
    json_name(&w, "aside");
    if (done->aside[0] == '\0')
        json_put_null(&w);
    else
        json_put_text(&w, view_text(done->aside));
    json_close_object(&w);
    buf_char(out, '\n');
}

static void restore_text(struct buf *out, const struct restored *done)
{
    bool first = true;
    buf_text(out, "Restored as of ");
    buf_rfc3339(out, done->backup_at_ms);
    buf_text(out, ": ");
    put_account_counts(out, &done->counts, &first);
    buf_text(out, ".\nAll sessions and tokens have ended (incarnation ");
    buf_int(out, done->incarnation);
    buf_text(out, "). What happened since the backup is forgotten: API keys revoked since work again, and signing keys"
                  " dropped since\nare back (cardea signing-key revoke drops one anew).\n");
    if (done->aside[0] != '\0') {
        buf_text(out, "The database of before is ");
        render_text(out, view_text(done->aside));
        buf_text(out, ".\n");
    }
}

enum exit_code run_restore(struct context *c)
{
    enum exit_code code = context_config(c);
    if (code != EXIT_OK)
        return code;
    struct progress p;
    progress_start(&p, c->json);
    const struct copy copy = {.progress = progress_tell, .context = &p};
    static struct restored done;
    char message[1024] = "";
    struct cardea_status s =
        backup_restore(c->config, c->words[0], context_has(c, "replace"), &copy, &done, message, sizeof message);
    progress_end(&p);
    if (!cardea_ok(s)) {
        complain("%s", message);
        return code_of(s);
    }
    struct buf out = buf_heap(8192);
    if (c->json)
        restore_json(&out, &done);
    else
        restore_text(&out, &done);
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}
