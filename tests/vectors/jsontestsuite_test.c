/* JSONTestSuite (Nicolas Seriot, "Parsing JSON is a minefield"): y_ must be accepted, n_ refused; the i_ files, where
 * RFC 8259 leaves the choice, must go as docs/json.md says. */
#include "base/json.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { SKIPPED = 77, FILE_MAX = 1 << 20, TOKENS_MAX = 1024 };

/* What the suite has of each kind: must, must not, may. */
enum { FILES_Y = 95, FILES_N = 188, FILES_I = 35 };

/* Where we leave the suite: names must be unique (RFC 8259 §4 says SHOULD; for a security decision it is MUST). */
static const char *const refused_although_y[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
};

static const struct {
    const char *name;
    bool accepted;
} choices[] = {
    /* Numbers are text until somebody asks; then only exact integers are given. */
    {"i_number_double_huge_neg_exp.json", true},
    {"i_number_huge_exp.json", true},
    {"i_number_neg_int_huge_exp.json", true},
    {"i_number_pos_double_huge_exp.json", true},
    {"i_number_real_neg_overflow.json", true},
    {"i_number_real_pos_overflow.json", true},
    {"i_number_real_underflow.json", true},
    {"i_number_too_big_neg_int.json", true},
    {"i_number_too_big_pos_int.json", true},
    {"i_number_very_big_negative_int.json", true},
    /* A surrogate that is not half of a pair is no character. */
    {"i_object_key_lone_2nd_surrogate.json", false},
    {"i_string_1st_surrogate_but_2nd_missing.json", false},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", false},
    {"i_string_incomplete_surrogate_and_escape_valid.json", false},
    {"i_string_incomplete_surrogate_pair.json", false},
    {"i_string_incomplete_surrogates_escape_valid.json", false},
    {"i_string_invalid_lonely_surrogate.json", false},
    {"i_string_invalid_surrogate.json", false},
    {"i_string_inverted_surrogates_U+1D11E.json", false},
    {"i_string_lone_second_surrogate.json", false},
    /* Only UTF-8, well-formed and without a byte order mark. */
    {"i_string_UTF-16LE_with_BOM.json", false},
    {"i_string_UTF-8_invalid_sequence.json", false},
    {"i_string_UTF8_surrogate_U+D800.json", false},
    {"i_string_invalid_utf-8.json", false},
    {"i_string_iso_latin_1.json", false},
    {"i_string_lone_utf8_continuation_byte.json", false},
    {"i_string_not_in_unicode_range.json", false},
    {"i_string_overlong_sequence_2_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes_null.json", false},
    {"i_string_truncated-utf-8.json", false},
    {"i_string_utf16BE_no_BOM.json", false},
    {"i_string_utf16LE_no_BOM.json", false},
    {"i_structure_UTF-8_BOM_empty_object.json", false},
    /* Deeper than JSON_DEPTH_MAX. */
    {"i_structure_500_nested_arrays.json", false},
};

/* 1 accept, 0 refuse, -1 no rule for such a file. */
static int wanted(const char *name)
{
    for (size_t i = 0; i < sizeof refused_although_y / sizeof refused_although_y[0]; i++) {
        if (strcmp(name, refused_although_y[i]) == 0)
            return 0;
    }
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(name, choices[i].name) == 0)
            return choices[i].accepted;
    }
    return strncmp(name, "y_", 2) == 0 ? 1 : strncmp(name, "n_", 2) == 0 ? 0 : -1;
}

static bool read_accepts(const char *path)
{
    static char bytes[FILE_MAX];
    static struct json_token tokens[TOKENS_MAX];
    struct json doc;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    /* On the heap and exactly as long, so that a sanitizer sees a read past the end. */
    char *text = malloc(len > 0 ? len : 1);
    if (text == NULL)
        exit(1);
    memcpy(text, bytes, len);
    struct cardea_status s = json_read(view_of(text, len), tokens, TOKENS_MAX, &doc, NULL);
    free(text);
    return cardea_ok(s);
}

int main(void)
{
    const char *vectors = getenv("CARDEA_VECTORS");
    unsigned files = 0, wrong = 0, kinds[3] = {0};
    char folder[PATH_MAX], path[PATH_MAX + 256];
    if (vectors == NULL || vectors[0] == '\0') {
        printf("skipped: CARDEA_VECTORS is not set\n");
        return SKIPPED;
    }
    int n = snprintf(folder, sizeof folder, "%s/jsontestsuite/test_parsing", vectors);
    DIR *dir = n > 0 && (size_t)n < sizeof folder ? opendir(folder) : NULL;
    if (dir == NULL) {
        perror(folder);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        int want = wanted(entry->d_name);
        bool got = read_accepts(path);
        files++;
        kinds[entry->d_name[0] == 'y' ? 0 : entry->d_name[0] == 'n' ? 1 : 2]++;
        if (want != got) {
            printf("%s: %s\n", entry->d_name, want < 0 ? "no rule" : got ? "accepted" : "refused");
            wrong++;
        }
    }
    closedir(dir);
    printf("%u files, %u wrong\n", files, wrong);
    bool whole = kinds[0] == FILES_Y && kinds[1] == FILES_N && kinds[2] == FILES_I &&
                 sizeof choices / sizeof choices[0] == FILES_I;
    return wrong == 0 && whole ? 0 : 1;
}
