/* Of the 10,000 most common passwords, not one may be accepted; neither may one with a capital letter in front or a
 * digit behind it, which is what people do when a password is refused. */
#include "vector_file.h"

#include "core/password.h"
#include "crypto/random.h"

enum { LONG_ENOUGH = 2700, VARIANTS_PASS_MAX = 10 /* per cent */ };

static bool accepted(struct view password)
{
    const char *reason;

    return cardea_ok(password_acceptable(password, VIEW("alice"), VIEW("alice@example.com"), &reason));
}

int main(void)
{
    char *storage;
    int long_enough = 0, all = 0, variants = 0, variants_passed = 0;

    if (!vectors_here())
        return VECTORS_SKIPPED;
    if (!cardea_ok(crypto_start()))
        return 1;
    struct view line, rest = vector_file_read("common-passwords/top10k.txt", &storage);
    while (rest.len > 0) {
        char text[128];
        view_cut(rest, '\n', &line, &rest);
        all += line.len > 0;
        VECTOR_CHECK(!accepted(line), "%.*s", (int)line.len, line.ptr);
        if (line.len < PASSWORD_MIN_CHARACTERS || line.len > 100)
            continue;
        long_enough++;
        snprintf(text, sizeof text, "%.*s1", (int)line.len, line.ptr);
        text[0] = text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 'a' + 'A') : text[0];
        variants++;
        variants_passed += accepted(view_text(text));
    }
    free(storage);
    VECTOR_CHECK(all == 10000 && long_enough > LONG_ENOUGH, "%d passwords, %d of 8 characters", all, long_enough);
    VECTOR_CHECK(variants_passed * 100 <= variants * VARIANTS_PASS_MAX, "%d of %d variants", variants_passed, variants);
    printf("%d passwords, %d of 8 characters or more; %d of %d with capital and digit were accepted\n", all,
           long_enough, variants_passed, variants);
    return vectors_failed == 0 ? 0 : 1;
}
