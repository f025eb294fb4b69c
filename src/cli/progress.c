#include "cli/progress.h"

#include "base/json.h"
#include "daemon/installation.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 32, NUMBER = 32 };

static const char *const names[] = {
    [COPY_USERS] = "users",
    [COPY_JOURNAL] = "journal",
    [COPY_SESSIONS] = "sessions",
    [COPY_CHECK] = "checking",
};

static void put(int fd, const char *text, size_t len)
{
    if (write(fd, text, len) < 0) {
        /* Nobody is there to be told. */
    }
}

void progress_start(struct progress *p, bool json)
{
    int64_t now_ms = installation_boot_ms();
    *p = (struct progress){.json = json, .terminal = !json && isatty(STDERR_FILENO) == 1, .start_ms = now_ms};
    p->next_ms = now_ms + (p->terminal ? PROGRESS_BAR_MS : PROGRESS_LINE_MS);
}

/* 1,234,567 */
static const char *grouped(uint64_t n, char out[NUMBER])
{
    char digits[NUMBER];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static void draw(struct progress *p, uint64_t done, uint64_t total)
{
    char bar[BAR + 1], text[256], a[NUMBER], b[NUMBER];
    uint64_t full = total == 0 ? 0 : done * BAR / total;
    for (unsigned i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    int len = total == 0 ? snprintf(text, sizeof text, "\r\033[K%-9s %s", names[p->stage], grouped(done, a))
                         : snprintf(text, sizeof text, "\r\033[K%-9s [%s] %3u %%  %s of %s", names[p->stage], bar,
                                    (unsigned)(done * 100 / total), grouped(done, a), grouped(total, b));
    put(STDERR_FILENO, text, (size_t)len);
    p->shown = true;
}

static void line(const struct progress *p, uint64_t done, uint64_t total)
{
    char text[256], a[NUMBER], b[NUMBER];
    int len = total == 0
                  ? snprintf(text, sizeof text, "%s: %s\n", names[p->stage], grouped(done, a))
                  : snprintf(text, sizeof text, "%s: %s of %s\n", names[p->stage], grouped(done, a), grouped(total, b));
    put(STDERR_FILENO, text, (size_t)len);
}

static void object(const struct progress *p, uint64_t done, uint64_t total, int64_t now_ms)
{
    char text[256];
    struct buf out = buf_fixed(text, sizeof text);
    struct json_writer w = json_writer(&out);
    json_open_object(&w);
    json_member_text(&w, "stage", view_text(names[p->stage]));
    json_member_int(&w, "done", (int64_t)done);
    if (total > 0)
        json_member_int(&w, "total", (int64_t)total);
    json_member_int(&w, "ms", now_ms - p->start_ms);
    json_close_object(&w);
    buf_char(&out, '\n');
    put(STDERR_FILENO, out.ptr, out.len);
}

void progress_tell(void *context, enum copy_stage stage, uint64_t done, uint64_t total)
{
    struct progress *p = context;
    int64_t now_ms = installation_boot_ms();
    if (now_ms < p->next_ms || stage == COPY_STAGE_UNSET || stage > COPY_CHECK)
        return;
    if (total < done) /* an estimate */
        total = total == 0 ? 0 : done;
    p->stage = stage;
    p->next_ms = now_ms + (p->terminal ? PROGRESS_BAR_MS : PROGRESS_LINE_MS);
    if (p->json)
        object(p, done, total, now_ms);
    else if (p->terminal)
        draw(p, done, total);
    else
        line(p, done, total);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        put(STDERR_FILENO, "\r\033[K", 4);
    p->shown = false;
}
