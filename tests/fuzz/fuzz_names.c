/* User names, e-mail addresses, roles, password rules: any bytes end in a verdict, and a canonical form is its own. */
#include "fuzz.h"

#include "core/password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view in = view_of(data, size), head, rest;
    char name[USERNAME_MAX + 1], email[EMAIL_MAX + 1], roles[ROLES_MAX_BYTES + 1], again[ROLES_MAX_BYTES + 1];
    const char *reason = NULL;

    if (cardea_ok(username_canonical(in, name))) {
        EXPECT(cardea_ok(username_canonical(view_text(name), again)) && strcmp(name, again) == 0);
        EXPECT(strlen(name) == size);
    }
    if (cardea_ok(email_canonical(in, email))) {
        EXPECT(cardea_ok(email_canonical(view_text(email), again)) && strcmp(email, again) == 0);
        EXPECT(strlen(email) == size);
    }
    if (cardea_ok(roles_canonical(&in, 1, roles))) {
        struct view one = view_text(roles);
        EXPECT(cardea_ok(roles_canonical(&one, 1, again)) && strcmp(roles, again) == 0);
        view_cut(in, ',', &head, &rest);
        EXPECT(size == 0 || roles_have(one, head));
    }
    view_cut(in, '\n', &head, &rest);
    struct cardea_status s = password_acceptable(head, rest, VIEW("alice@example.com"), &reason);
    EXPECT(cardea_ok(s) || reason != NULL);
    EXPECT(!cardea_ok(s) || cardea_ok(password_shape(head)));
    return 0;
}
