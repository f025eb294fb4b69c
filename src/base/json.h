/* JSON: one strict reader for everything that comes from outside, and one writer for all that goes out (RFC 8259).
 *
 * Reading splits a text into tokens that the caller provides; nothing is allocated and nothing copied. The reader
 * refuses what others guess at: duplicate names, invalid UTF-8, lone surrogates, control characters, a BOM, bytes after
 * the value, depth past JSON_DEPTH_MAX, more tokens than there is room for. Numbers stay text until asked for; json_int
 * accepts exact integers only ("1", "-7"; not "1.0", "1e3", "-0").
 *
 * Limits: a text below 4 GiB, JSON_DEPTH_MAX levels, the caller's tokens (a name takes one, its value another); time
 * grows as n log n with the names of an object whatever they are, else linearly; the stack is bounded. A string may
 * hold an escaped NUL: who passes it on as a C string must refuse it. Not constant-time. Safe in any thread: the reader
 * keeps nothing. Which of RFC 8259's open questions are answered how: docs/json.md.
 *
 * A token's index names a value. Index 0 is the root and can be nobody's child, so 0 also means "absent".
 *
 *     struct json_token tokens[64];
 *     struct json doc;
 *     struct json_error error;
 *     struct cardea_status s = json_read(text, tokens, 64, &doc, &error);
 *     if (cardea_ok(s) && json_type(&doc, 0) == JSON_OBJECT)
 *         s = json_int(&doc, json_get(&doc, 0, VIEW("exp")), &exp);
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "cardea/status.h"

enum { JSON_DEPTH_MAX = 32 };

enum json_type { JSON_ABSENT = 0, JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

struct json_token {
    uint32_t start, len; /* of the text; a string's without its quotes */
    uint32_t next;       /* index of the first token after this value and all inside it */
    uint32_t count;      /* object: members; array: elements */
    uint8_t type;        /* enum json_type */
    bool escaped;        /* string: holds a backslash, so json_text must be used */
};

struct json {
    struct view text;
    const struct json_token *tokens;
    uint32_t count;
};

struct json_error {
    size_t offset, line, column; /* offset from 0; line and column (in bytes) from 1 */
    const char *reason;          /* static, lower case: "duplicate name" */
};

/* Read one JSON value that fills the text (white space around it allowed).
 * fails: E_BAD_JSON, with *error set; E_TOO_LARGE when tokens run out. error may be NULL. */
struct cardea_status json_read(struct view text, struct json_token *tokens, size_t cap, struct json *out,
                               struct json_error *error) CARDEA_CHECKED;

enum json_type json_type(const struct json *doc,
                         uint32_t token); /* ABSENT for an index out of range, and only then for 0 in an empty doc */
/* The value of a member, 0 when there is none (or `object` is none). Names with escapes are compared unescaped. */
uint32_t json_get(const struct json *doc, uint32_t object, struct view name);
/* Several members in one pass: out[i] is json_get(doc, object, names[i]); names differ. Cheapest where the members come
 * in the order of the names. */
void json_pick(const struct json *doc, uint32_t object, const struct view *names, size_t count, uint32_t *out);
/* Walk children: for (c = json_first(d, t); c; c = json_after(d, t, c)). In an object a child is a name, its value is
 * child + 1. */
uint32_t json_first(const struct json *doc, uint32_t parent);
uint32_t json_after(const struct json *doc, uint32_t parent, uint32_t child);
/* A string's raw bytes where nothing is escaped. fails: E_INVALID_FIELD when no string or escaped. */
struct cardea_status json_plain(const struct json *doc, uint32_t token, struct view *out) CARDEA_CHECKED;
/* A string's value, unescaped, appended to out. fails: E_INVALID_FIELD no string; E_TOO_LARGE when out is full. */
struct cardea_status json_text(const struct json *doc, uint32_t token, struct buf *out) CARDEA_CHECKED;
struct cardea_status json_int(const struct json *doc, uint32_t token, int64_t *out) CARDEA_CHECKED;
struct cardea_status json_bool(const struct json *doc, uint32_t token, bool *out) CARDEA_CHECKED;
/* The exact source text of a value, quotes and all. */
struct view json_source(const struct json *doc, uint32_t token);

/* Writing: values in order, commas and quotes by the writer. Text that is not UTF-8 is written with U+FFFD, so output
 * is always JSON. */
struct json_writer {
    struct buf *out;
    bool comma;
};
static inline struct json_writer json_writer(struct buf *out)
{
    return (struct json_writer){out, false};
}
void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);
void json_name(struct json_writer *w, const char *name);
void json_put_text(struct json_writer *w, struct view v);
void json_put_int(struct json_writer *w, int64_t n);
void json_put_bool(struct json_writer *w, bool b);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, struct view json); /* already JSON, e.g. stored metadata */
/* A member in one call. */
void json_member_text(struct json_writer *w, const char *name, struct view v);
void json_member_int(struct json_writer *w, const char *name, int64_t n);
void json_member_bool(struct json_writer *w, const char *name, bool b);
void json_member_time(struct json_writer *w, const char *name,
                      int64_t unix_ms); /* RFC 3339 UTC in seconds; null when 0 */

#endif
