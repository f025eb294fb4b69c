#include "core/password.h"

#include "base/text.h"
#include "core/common_passwords.h"

/* --- passwords --- */

static size_t utf8_count(struct view v)
{
    size_t count = 0;

    for (size_t i = 0; i < v.len; i++)
        count += ((unsigned char)v.ptr[i] & 0xc0) != 0x80;
    return count;
}

static struct cardea_status shape(struct view password, const char **reason)
{
    if (password.len > PASSWORD_MAX_BYTES) {
        *reason = "longer than 1024 bytes";
        return CARDEA_FAIL(E_INVALID_FIELD);
    }
    if (view_has(password, '\0')) {
        *reason = "holds a NUL character";
        return CARDEA_FAIL(E_INVALID_FIELD);
    }
    if (!utf8_valid(password)) {
        *reason = "not UTF-8";
        return CARDEA_FAIL(E_INVALID_FIELD);
    }
    return CARDEA_SUCCESS;
}

struct cardea_status password_shape(struct view password)
{
    const char *reason;
    struct cardea_status s = shape(password, &reason);

    if (cardea_ok(s) && password.len == 0)
        return CARDEA_FAIL(E_INVALID_FIELD);
    return s;
}

enum { WORD_MIN = 3, WORDS_MAX = 47 }; /* shorter parts say nothing and would match everywhere */

/* What an attacker tries first, as zxcvbn wants it: a NULL-terminated list of lower-case texts. The user's own words,
 * then the common passwords that zxcvbn lacks. */
struct words {
    char storage[USERNAME_MAX + EMAIL_MAX + 64]; /* each text once whole … */
    char parts[USERNAME_MAX + EMAIL_MAX + 64];   /* … and once in parts */
    const char *list[WORDS_MAX + COMMON_PASSWORDS + 1];
    size_t count, used, parts_used;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void add_word(struct words *w, char *storage, size_t cap, size_t *used, struct view word)
{
    if (word.len < WORD_MIN || w->count == WORDS_MAX || cap - *used < word.len + 1)
        return;
    char *p = storage + *used;
    for (size_t i = 0; i < word.len; i++)
        p[i] = lower(word.ptr[i]);
    p[word.len] = '\0';
    *used += word.len + 1;
    w->list[w->count++] = p;
}

/* "jane.doe@example.com" is a word, and so are jane, doe, example and com. */
static void add_words(struct words *w, struct view text)
{
    size_t start = 0;

    add_word(w, w->storage, sizeof w->storage, &w->used, text);
    for (size_t i = 0; i <= text.len; i++)
        if (i == text.len || !is_alnum(lower(text.ptr[i]))) {
            if (i - start < text.len)
                add_word(w, w->parts, sizeof w->parts, &w->parts_used, view_of(text.ptr + start, i - start));
            start = i + 1;
        }
}

struct cardea_status password_acceptable(struct view password, struct view username, struct view email,
                                         const char **reason)
{
    struct cardea_status s = shape(password, reason);
    struct words words = {.count = 0};

    if (!cardea_ok(s))
        return s;
    if (utf8_count(password) < PASSWORD_MIN_CHARACTERS) {
        *reason = "shorter than 8 characters";
        return CARDEA_FAIL(E_WEAK_PASSWORD);
    }
    add_words(&words, username);
    add_words(&words, email);
    memcpy(&words.list[words.count], common_passwords, sizeof common_passwords);
    if (password_guesses_log10(password, words.list) < PASSWORD_GUESSES_LOG10) {
        *reason = "too easy to guess";
        return CARDEA_FAIL(E_WEAK_PASSWORD);
    }
    return CARDEA_SUCCESS;
}

/* --- names --- */

struct cardea_status username_canonical(struct view in, char out[USERNAME_MAX + 1])
{
    char name[USERNAME_MAX + 1];

    if (in.len == 0 || in.len > USERNAME_MAX)
        return CARDEA_FAIL(E_INVALID_FIELD);
    for (size_t i = 0; i < in.len; i++) {
        name[i] = lower(in.ptr[i]);
        if (!is_alnum(name[i]) && (name[i] == '\0' || strchr("._-@+", name[i]) == NULL))
            return CARDEA_FAIL(E_INVALID_FIELD);
    }
    if (!is_alnum(name[0]) || !is_alnum(name[in.len - 1]))
        return CARDEA_FAIL(E_INVALID_FIELD);
    name[in.len] = '\0';
    memcpy(out, name, in.len + 1);
    return CARDEA_SUCCESS;
}

enum { EMAIL_LOCAL_MAX = 64, DOMAIN_LABEL_MAX = 63 }; /* RFC 5321 §4.5.3.1.1, RFC 1035 §2.3.4 */

/* RFC 5322's dot-atom: no quoted local parts, which nobody has and every parser reads differently. */
static bool email_local(struct view local)
{
    bool dot = true; /* a dot may stand neither first nor last nor beside another */

    for (size_t i = 0; i < local.len; i++) {
        char c = lower(local.ptr[i]);
        if (c == '.' ? dot : !is_alnum(c) && (c == '\0' || strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL))
            return false;
        dot = c == '.';
    }
    return !dot && local.len <= EMAIL_LOCAL_MAX;
}

static bool domain_label(struct view label)
{
    for (size_t i = 0; i < label.len; i++)
        if (!is_alnum(lower(label.ptr[i])) && label.ptr[i] != '-')
            return false;
    return label.len > 0 && label.len <= DOMAIN_LABEL_MAX && label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

static bool email_domain(struct view domain)
{
    struct view label, rest = domain;
    bool more = true;

    while (more) {
        more = view_cut(rest, '.', &label, &rest);
        if (!domain_label(label))
            return false;
    }
    return true;
}

struct cardea_status email_canonical(struct view in, char out[EMAIL_MAX + 1])
{
    struct view local, domain;

    if (in.len > EMAIL_MAX || !view_cut(in, '@', &local, &domain) || !email_local(local) || !email_domain(domain))
        return CARDEA_FAIL(E_INVALID_FIELD);
    for (size_t i = 0; i < in.len; i++)
        out[i] = lower(in.ptr[i]);
    out[in.len] = '\0';
    return CARDEA_SUCCESS;
}

/* --- roles --- */

enum { ROLES_MAX = (ROLES_MAX_BYTES + 1) / 2 };

struct role_set {
    struct view items[ROLES_MAX]; /* sorted, unique */
    size_t count;
};

static bool role_valid(struct view role)
{
    if (role.len == 0 || role.len > ROLE_MAX || !(is_alnum(role.ptr[0])))
        return false;
    for (size_t i = 0; i < role.len; i++)
        if (!is_alnum(role.ptr[i]) && (role.ptr[i] == '\0' || strchr(":._-", role.ptr[i]) == NULL))
            return false;
    return true;
}

static int role_compare(struct view a, struct view b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool role_insert(struct role_set *set, struct view role)
{
    size_t at = 0;

    if (!role_valid(role))
        return false;
    while (at < set->count && role_compare(set->items[at], role) < 0)
        at++;
    if (at < set->count && role_compare(set->items[at], role) == 0)
        return true;
    if (set->count == ROLES_MAX)
        return false;
    memmove(&set->items[at + 1], &set->items[at], (set->count - at) * sizeof *set->items);
    set->items[at] = role;
    set->count++;
    return true;
}

struct cardea_status roles_canonical(const struct view *roles, size_t count, char out[ROLES_MAX_BYTES + 1])
{
    struct role_set set = {.count = 0};
    char text[ROLES_MAX_BYTES + 1];
    struct buf joined = buf_fixed(text, ROLES_MAX_BYTES);

    for (size_t i = 0; i < count; i++) {
        struct view role, rest = roles[i];
        bool more = rest.len > 0;
        while (more) {
            more = view_cut(rest, ',', &role, &rest);
            if (!role_insert(&set, role))
                return CARDEA_FAIL(E_INVALID_FIELD);
        }
    }
    for (size_t i = 0; i < set.count; i++) {
        if (i > 0)
            buf_char(&joined, ',');
        buf_put(&joined, set.items[i]);
    }
    if (!buf_ok(&joined))
        return CARDEA_FAIL(E_INVALID_FIELD);
    memcpy(out, text, joined.len);
    out[joined.len] = '\0';
    return CARDEA_SUCCESS;
}

bool roles_have(struct view roles, struct view role)
{
    struct view item, rest = roles;
    bool more = roles.len > 0;

    while (more) {
        more = view_cut(rest, ',', &item, &rest);
        if (view_equal(item, role))
            return true;
    }
    return false;
}
