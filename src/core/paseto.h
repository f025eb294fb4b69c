/* PASETO v4: signed tokens (v4.public, Ed25519) and encrypted ones (v4.local, XChaCha20 and keyed BLAKE2b).
 *
 * Decides: what such a token looks like, to the byte, and whether one is genuine. Refuses to decide: what the message
 * says and until when it counts; core/paseto_token.h does that for access tokens.
 *
 *   v4.public.<message ‖ signature 64>[.<footer>]
 *   v4.local.<nonce 32 ‖ encrypted message ‖ tag 32>[.<footer>]
 *
 * Signature and tag cover the pre-authentication encoding (PAE: every part with its length) of header, message or nonce
 * and ciphertext, footer, and the implicit assertion, which both sides know and no token carries.
 *
 * What is checked, in this order: the length; the header, exactly, for the one purpose that the function is for: every
 * other version (v1, v2, v3), the other purpose, other case and everything else is refused before anything is decoded;
 * two or three parts, no more, none empty; canonical unpadded base64url, so that one token has one text; the footer's
 * length; signature or tag; then the footer, where one exactly is expected. A token chooses nothing: the purpose is the
 * function's, the key its type's (core/paserk.h). What was verified is reachable only through struct paseto_opened,
 * which paseto_public_verify and paseto_local_decrypt alone fill.
 *
 * Every refusal is E_INVALID_TOKEN; which check refused is not told.
 *
 * Security: the tag is compared in constant time and before anything is decrypted; so is the footer. v4.local derives
 * keys anew for each random nonce of 32 bytes. Limits: a message that is signed is not secret, one that is encrypted
 * shows its length; the footer is never encrypted. Times, replay and revocation are the caller's. A footer that has not
 * been verified (paseto_footer_peek) may choose among keys by id and serve nothing else.
 *
 * Limits by name: below. Threading: pure; any thread. No allocation.
 *
 *     struct paseto_space space;
 *     struct paseto_opened opened;
 *     struct paseto_expectation want = {.implicit = VIEW("tenant 7")};
 *     struct cardea_status s = paseto_public_verify(&key, text, &want, &space, &opened);
 *     if (cardea_ok(s))
 *         … opened.message …
 */
#ifndef CORE_PASETO_H
#define CORE_PASETO_H

#include "core/paserk.h"

#include "base/entropy.h"

enum {
    PASETO_TEXT_MAX = 8192,     /* a whole token */
    PASETO_FOOTER_MAX = 1024,   /* decoded */
    PASETO_IMPLICIT_MAX = 1024, /* implicit assertion */
    PASETO_BODY_MAX = (PASETO_TEXT_MAX - 9) * 3 / 4,
};

enum paseto_purpose { PASETO_UNSET = 0, PASETO_PUBLIC, PASETO_LOCAL };

/* Where verification works: scratch before it succeeded, afterwards the home of what struct paseto_opened views. */
struct paseto_space {
    uint8_t bytes[64 + PASETO_BODY_MAX + PASETO_FOOTER_MAX + PASETO_IMPLICIT_MAX];
};

struct paseto_opened { /* verified */
    struct view message;
    struct view footer; /* empty: none */
};

struct paseto_expectation {
    struct view implicit;      /* must be what it was made with */
    const struct view *footer; /* exactly this one; NULL: any, for the caller to judge */
};

/* Which of ours a text claims to be: exact header, nothing else looked at. UNSET for everything else. */
enum paseto_purpose paseto_purpose(struct view text);
/* Decode the footer of a token that nobody has verified yet: to look a key up by id, no more.
 * out:   at most PASETO_FOOTER_MAX bytes in storage; empty where there is none
 * fails: E_INVALID_TOKEN: no v4 token in form. */
struct cardea_status paseto_footer_peek(struct view text, uint8_t storage[PASETO_FOOTER_MAX],
                                        struct view *out) CARDEA_CHECKED;

/* Sign; append the text to out.
 * fails: E_TOO_LARGE: footer, implicit assertion or token past its limit, or no room in out (which has failed then). */
struct cardea_status paseto_public_sign(const struct paseto_secret_key *k, struct view message, struct view footer,
                                        struct view implicit, struct buf *out) CARDEA_CHECKED;
/* out: views into space. fails: E_INVALID_TOKEN; *out is untouched then. */
struct cardea_status paseto_public_verify(const struct paseto_public_key *k, struct view text,
                                          const struct paseto_expectation *want, struct paseto_space *space,
                                          struct paseto_opened *out) CARDEA_CHECKED;

/* Encrypt under a nonce drawn from e; append the text to out. fails: as paseto_public_sign. */
struct cardea_status paseto_local_encrypt(const struct paseto_local_key *k, struct view message, struct view footer,
                                          struct view implicit, const struct entropy *e,
                                          struct buf *out) CARDEA_CHECKED;
/* out: views into space, which holds the plain text then: the caller wipes it where it matters.
 * fails: E_INVALID_TOKEN; *out is untouched then, and nothing was decrypted. */
struct cardea_status paseto_local_decrypt(const struct paseto_local_key *k, struct view text,
                                          const struct paseto_expectation *want, struct paseto_space *space,
                                          struct paseto_opened *out) CARDEA_CHECKED;

#endif
