/* Passwords and user names: what is acceptable, what is canonical.
 *
 * Passwords: 8 characters or more, at most 1,024 bytes of UTF-8, no NUL; not guessable (zxcvbn below
 * PASSWORD_GUESSES_LOG10), not made of the user's own name or e-mail. Compared byte for byte, never normalised, never
 * truncated. User names: ASCII letters, digits and . _ - @ +, lower-cased; first and last a letter or digit; 1 to 64
 * bytes. One canonical form.
 */
#ifndef CORE_PASSWORD_H
#define CORE_PASSWORD_H

#include "crypto/argon2.h"
#include "store/store.h"

enum { PASSWORD_MIN_CHARACTERS = 8, PASSWORD_MAX_BYTES = 1024 };
#define PASSWORD_GUESSES_LOG10 8.0 /* about zxcvbn score 3 */

/* fails: E_WEAK_PASSWORD (*reason says why, static text), E_INVALID_FIELD (NUL, not UTF-8, too long). */
struct cardea_status password_acceptable(struct view password, struct view username, struct view email,
                                         const char **reason) CARDEA_CHECKED;
/* Shape alone, for login: anything that no accepted password can be is refused without hashing. */
struct cardea_status password_shape(struct view password) CARDEA_CHECKED;
struct cardea_status username_canonical(struct view in, char out[USERNAME_MAX + 1]) CARDEA_CHECKED;
struct cardea_status email_canonical(struct view in, char out[EMAIL_MAX + 1]) CARDEA_CHECKED;
/* "b,a,a" and arrays of roles become sorted, unique, comma-joined. fails: E_INVALID_FIELD. Role: [a-z0-9][a-z0-9:._-]*.
 */
struct cardea_status roles_canonical(const struct view *roles, size_t count,
                                     char out[ROLES_MAX_BYTES + 1]) CARDEA_CHECKED;
bool roles_have(struct view roles, struct view role);

#endif
