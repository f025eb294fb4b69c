/* What people see: tables, escaped text; and the one place that writes to standard output.
 *
 * Text of users (names, user agents) may hold anything. Nothing that a terminal would obey leaves: control characters,
 * C1 controls, characters that turn the direction of writing, and what is not UTF-8 are written as visible escapes; in
 * JSON as \u escapes, which mean the same to whoever reads it.
 */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include "base/buf.h"
#include "base/json.h"

enum { COLUMNS_MAX = 8, OUTPUT_MAX = 256 * 1024 * 1024 };

/* Append text with escapes. */
void render_text(struct buf *out, struct view text);
/* Append JSON with \u escapes for what a terminal would obey, and a line feed. */
void render_json(struct buf *out, struct view json);

/* A JSON answer, parsed. */
struct document {
    struct json json;
    struct json_token *tokens;
};
struct cardea_status document_open(struct document *d, struct view text) CARDEA_CHECKED;
void document_close(struct document *d);
/* A member as text for people: strings as they are, lists comma-joined, null "". Appended to out, escaped. */
void document_text(const struct document *d, uint32_t object, const char *name, struct buf *out);
/* The same, unescaped, for use in a request. fails: not there, no string, or too long. */
struct cardea_status document_string(const struct document *d, uint32_t object, const char *name, char *out,
                                     size_t cap) CARDEA_CHECKED;

struct column {
    const char *title, *member;
};
/* Aligned columns, one line an element of items; items: JSON arrays, one after another. */
void render_table(struct buf *out, const struct column *columns, size_t count, const struct view *items,
                  size_t item_count);
/* "title: value" lines of one object; empty values are left out. */
void render_object(struct buf *out, const struct column *rows, size_t count, const struct document *d, uint32_t object);

/* Write everything to standard output; false: it could not be written (explained, unless the reader went away). */
bool render_flush(struct buf *out);

#endif
