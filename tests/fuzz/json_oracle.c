/* jansson has the same names for its types, so they get others while its header is read. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL JANSSON_REAL
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#define json_type jansson_type
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_type

#include "json_oracle.h"

#include "fuzz.h"

enum { TOKENS_MAX = 4096 };

/* A string's value with a NUL after it; the caller frees. */
static char *text_of(const struct json *doc, uint32_t token, size_t *ret_len)
{
    struct buf b = buf_heap(doc->text.len + 1);
    EXPECT(cardea_ok(json_text(doc, token, &b)));
    *ret_len = b.len;
    buf_char(&b, '\0');
    EXPECT(buf_ok(&b));
    struct view plain;
    bool is_plain = cardea_ok(json_plain(doc, token, &plain));
    EXPECT(!is_plain || view_equal(plain, view_of(b.ptr, *ret_len)));
    return b.ptr;
}

static void check_number(const struct json *doc, uint32_t token, const json_t *theirs)
{
    int64_t n;
    struct view source = json_source(doc, token);
    if (cardea_ok(json_int(doc, token, &n))) {
        EXPECT(json_typeof(theirs) == JANSSON_INTEGER && json_integer_value(theirs) == n);
        char text[24];
        struct buf b = buf_fixed(text, sizeof text);
        buf_int(&b, n);
        EXPECT(view_equal(buf_view(&b), source)); /* one text an integer */
    } else {
        EXPECT(json_typeof(theirs) == JANSSON_REAL || view_is(source, "-0"));
    }
}

/* Recursion no deeper than JSON_DEPTH_MAX. */
static void check_value(const struct json *doc, uint32_t token, const json_t *theirs)
{
    size_t len, count = 0;
    bool b;
    EXPECT(token < doc->count);
    switch (json_type(doc, token)) {
    case JSON_OBJECT:
        EXPECT(json_typeof(theirs) == JANSSON_OBJECT);
        for (uint32_t name = json_first(doc, token); name != 0; name = json_after(doc, token, name), count++) {
            char *key = text_of(doc, name, &len);
            EXPECT(strlen(key) == len);
            EXPECT(json_get(doc, token, view_of(key, len)) == name + 1);
            const json_t *member = json_object_get(theirs, key);
            EXPECT(member != NULL);
            check_value(doc, name + 1, member);
            free(key);
        }
        EXPECT(count == json_object_size(theirs) && count == doc->tokens[token].count);
        break;
    case JSON_ARRAY:
        EXPECT(json_typeof(theirs) == JANSSON_ARRAY);
        for (uint32_t child = json_first(doc, token); child != 0; child = json_after(doc, token, child))
            check_value(doc, child, json_array_get(theirs, count++));
        EXPECT(count == json_array_size(theirs) && count == doc->tokens[token].count);
        break;
    case JSON_STRING: {
        char *text = text_of(doc, token, &len);
        EXPECT(json_typeof(theirs) == JANSSON_STRING && json_string_length(theirs) == len);
        EXPECT(memcmp(json_string_value(theirs), text, len) == 0);
        free(text);
        break;
    }
    case JSON_NUMBER:
        check_number(doc, token, theirs);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        EXPECT(cardea_ok(json_bool(doc, token, &b)) && json_typeof(theirs) == (b ? JANSSON_TRUE : JANSSON_FALSE));
        break;
    case JSON_NULL:
        EXPECT(json_typeof(theirs) == JANSSON_NULL);
        break;
    default:
        EXPECT(false); /* a token without a type */
    }
}

static void check_error(struct view text, struct cardea_status s, const struct json_error *error)
{
    size_t line = 1, column = 1;
    EXPECT(s.code == CARDEA_E_BAD_JSON || s.code == CARDEA_E_TOO_LARGE);
    EXPECT(error->reason != NULL && error->offset <= text.len);
    for (size_t i = 0; i < error->offset; i++) {
        column = text.ptr[i] == '\n' ? 1 : column + 1;
        line += text.ptr[i] == '\n';
    }
    EXPECT(error->line == line && error->column == column);
}

bool json_oracle_check(struct view text)
{
    static struct json_token tokens[TOKENS_MAX];
    struct json doc;
    struct json_error error;
    json_error_t why;
    struct cardea_status s = json_read(text, tokens, TOKENS_MAX, &doc, &error);
    json_t *theirs = json_loadb(text.len > 0 ? text.ptr : "", text.len,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (cardea_ok(s) && theirs != NULL) {
        EXPECT(doc.tokens[0].next == doc.count);
        check_value(&doc, 0, theirs);
    } else if (cardea_ok(s)) {
        enum json_error_code code = json_error_code(&why);
        EXPECT(code == json_error_numeric_overflow || code == json_error_null_byte_in_key);
    } else {
        check_error(text, s, &error);
        EXPECT(theirs == NULL || s.code == CARDEA_E_TOO_LARGE || strcmp(error.reason, "nested too deeply") == 0 ||
               memchr(text.ptr, '\0', text.len) != NULL);
    }
    json_decref(theirs);
    return cardea_ok(s);
}
