/* Keys in files, as the token commands take them: one JWK, a JWKS, a PEM (PKCS#8, SPKI, PKCS#1, SEC 1, certificate), or
 * a PASERK (k4.local, k4.secret, k4.public). Which of them, the text itself says.
 *
 * Keys of PASETO serve PASETO alone and come as PASERK alone; `token jwk convert` turns an Ed25519 key into the other
 * form where somebody really wants both.
 *
 * What is read is not judged yet: whoever makes a key ready (core/jwk.h, core/jwe.h, core/paserk.h) does. Secrets are
 * wiped by key_file_free.
 */
#ifndef CLI_KEY_FILE_H
#define CLI_KEY_FILE_H

#include "cli/command.h"
#include "cli/file_io.h"
#include "core/jwe.h"
#include "core/jwk.h"
#include "core/paserk.h"

enum key_form { KEY_FORM_UNSET = 0, KEY_FORM_JWK, KEY_FORM_JWKS, KEY_FORM_PEM, KEY_FORM_PASERK };

struct key_file {
    const char *name;
    enum key_form form;
    struct input text; /* as it was read */
    uint32_t count, skipped;
    struct jwk keys[JWK_SET_MAX]; /* of PASERK: the parts, without alg, kid and use */
};

/* Read keys from a file, or with - from standard input. Entries of a JWKS that are no keys are counted, not read.
 * owns: key_file_free. fails (explained): EXIT_FAILED: can not be read; EXIT_USAGE: no keys that Cardea reads. */
enum exit_code key_file_read(const char *name, struct key_file **out) CARDEA_CHECKED;
void key_file_free(struct key_file *f); /* wipes; NULL is safe */
/* The one key there is, or of a set the one of this kid (NULL: not said). A key that has no kid, as in a PEM, gets it;
 * one that has another is refused. fails (explained): EXIT_USAGE. */
enum exit_code key_file_one(struct key_file *f, const char *kid, const struct jwk **out) CARDEA_CHECKED;
/* Is it a PASERK of this kind: "k4.secret."? */
bool key_file_is(const struct key_file *f, const char *prefix);

/* The algorithm of JWE of that name; UNSET where it is one of signatures, or none. */
enum jwe_alg key_seal_algorithm(const char *name);

#endif
