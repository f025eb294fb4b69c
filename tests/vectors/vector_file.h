/* What vector tests share: a file of $CARDEA_VECTORS, read as JSON, and a count of what went wrong.
 *
 *     if (!vectors_here())
 *         return VECTORS_SKIPPED;
 *     struct vector_file f = vector_file_open("rfc-values/rfc7638_thumbprint.json");
 *     …
 *     vector_file_close(&f);
 *     return vectors_failed == 0 ? 0 : 1;
 */
#ifndef VECTORS_VECTOR_FILE_H
#define VECTORS_VECTOR_FILE_H

#include "base/json.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { VECTORS_SKIPPED = 77, VECTOR_FILE_MAX = 1 << 20, VECTOR_TOKENS = 1 << 15 };

static int vectors_failed, vectors_checked;

/* Count a check; say which one failed. */
#define VECTOR_CHECK(condition, ...)                                                                                   \
    do {                                                                                                               \
        vectors_checked++;                                                                                             \
        if (!(condition)) {                                                                                            \
            vectors_failed++;                                                                                          \
            fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition);                                    \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
        }                                                                                                              \
    } while (0)

static inline bool vectors_here(void)
{
    if (getenv("CARDEA_VECTORS") != NULL)
        return true;
    puts("skipped: CARDEA_VECTORS names no folder of test vectors");
    return false;
}

struct vector_file {
    char *text;
    struct json_token *tokens;
    struct json doc;
};

/* Ends the program where the file is missing or no JSON: vectors that vanish must not pass. */
static inline struct view vector_file_read(const char *name, char **ret_storage)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", getenv("CARDEA_VECTORS"), name);
    FILE *in = fopen(path, "rb");
    char *text = malloc(VECTOR_FILE_MAX);
    if (in == NULL || text == NULL) {
        fprintf(stderr, "%s can not be read\n", path);
        exit(1);
    }
    size_t len = fread(text, 1, VECTOR_FILE_MAX, in);
    fclose(in);
    *ret_storage = text;
    return view_of(text, len);
}

static inline struct vector_file vector_file_open(const char *name)
{
    struct vector_file f = {.tokens = calloc(VECTOR_TOKENS, sizeof *f.tokens)};
    struct json_error error = {.reason = "no memory"};
    struct view text = vector_file_read(name, &f.text);

    if (f.tokens == NULL || !cardea_ok(json_read(text, f.tokens, VECTOR_TOKENS, &f.doc, &error))) {
        fprintf(stderr, "%s: %s at %zu\n", name, error.reason, error.offset);
        exit(1);
    }
    return f;
}

static inline void vector_file_close(struct vector_file *f)
{
    free(f->text);
    free(f->tokens);
}

/* A member's string, unescaped; "" where there is none. Lives until the call after the next seven. */
static inline struct view vector_text(const struct vector_file *f, uint32_t object, const char *name)
{
    static char texts[8][8192];
    static unsigned next;
    struct buf b = buf_fixed(texts[next++ % 8], sizeof texts[0]);

    if (!cardea_ok(json_text(&f->doc, json_get(&f->doc, object, view_text(name)), &b)))
        return VIEW("");
    return buf_view(&b);
}

#endif
