/* Passwords, user names, e-mail addresses, roles: what is acceptable, what is canonical.
 *
 * Passwords: PASSWORD_MIN_CHARACTERS characters or more, at most PASSWORD_MAX_BYTES of UTF-8, no NUL; as hard to guess
 * as PASSWORD_GUESSES_LOG10 says (zxcvbn with its dictionaries, to which the user's name and e-mail, the parts of both,
 * and common passwords that it lacks are added as the words an attacker tries first). Compared byte for byte: never
 * normalised, trimmed or truncated, so what was accepted is what must be typed again. No rules about classes of
 * characters (NIST SP 800-63B §3.1.1.2): length and guessability are what counts.
 *
 * User names: ASCII letters, digits and . _ - @ +, lower-cased; first and last a letter or digit; 1 to USERNAME_MAX
 * bytes. E-mail: ASCII local@domain, lower-cased as a whole (some mail systems distinguish case in the local part; no
 * known one gives both spellings to different people). Roles: [a-z0-9][a-z0-9:._-]*. One canonical form each: what is
 * stored, compared and counted is that alone, so "Admin" and "admin" are one.
 *
 * Limits: zxcvbn knows common words, names, dates, keyboard walks and their combinations in English; it does not know
 * what this user's neighbours know, nor which passwords leaked yesterday. Its time depends on the password, which only
 * its owner is choosing.
 *
 * Threading: pure functions.
 */
#ifndef CORE_PASSWORD_H
#define CORE_PASSWORD_H

#include "crypto/argon2.h"
#include "store/store.h"

enum { PASSWORD_MIN_CHARACTERS = 8, PASSWORD_MAX_BYTES = 1024 };
/* zxcvbn's score 3 begins here (10^8 guesses: beyond guessing over the network, and with Argon2id costly offline). All
 * of the 10,000 most common passwords are below. */
#define PASSWORD_GUESSES_LOG10 8.0

/* For a password to be set.
 * in:    username and email may be empty
 * fails: E_WEAK_PASSWORD (*reason says why, static text), E_INVALID_FIELD (NUL, not UTF-8, too long; *reason too).
 * cost:  a few milliseconds at most. */
struct cardea_status password_acceptable(struct view password, struct view username, struct view email,
                                         const char **reason) CARDEA_CHECKED;
/* Shape alone, for login: anything that no accepted password can be is refused without hashing.
 * fails: E_INVALID_FIELD. */
struct cardea_status password_shape(struct view password) CARDEA_CHECKED;
/* out ends in NUL. fails: E_INVALID_FIELD, each. */
struct cardea_status username_canonical(struct view in, char out[USERNAME_MAX + 1]) CARDEA_CHECKED;
struct cardea_status email_canonical(struct view in, char out[EMAIL_MAX + 1]) CARDEA_CHECKED;
/* Sorted, unique, comma-joined; out ends in NUL. Each element is one role or several joined by commas; an empty element
 * is none. fails: E_INVALID_FIELD (no role name, or too much for out). */
struct cardea_status roles_canonical(const struct view *roles, size_t count,
                                     char out[ROLES_MAX_BYTES + 1]) CARDEA_CHECKED;
/* Is role one of the comma-joined roles? */
bool roles_have(struct view roles, struct view role);

#endif
