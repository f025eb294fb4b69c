/* What the files of libcardea share: how the public forms of inputs and outputs become ours, and what a key is made of.
 *
 * The layer decides nothing about tokens: it checks its arguments, holds objects together, and calls core and crypto.
 * Every public function takes NULL for any pointer without harm.
 */
#ifndef LIBRARY_LIBRARY_H
#define LIBRARY_LIBRARY_H

#include "base/view.h"
#include "cardea/bytes.h"
#include "core/jwk.h"
#include "core/paserk.h"

/* A pointer of NULL with a length is nothing that can be read. */
static inline bool bytes_readable(struct cardea_bytes b)
{
    return b.ptr != NULL || b.len == 0;
}
static inline struct view bytes_view(struct cardea_bytes b)
{
    return view_of(b.ptr, b.len);
}

/* Give a text to the caller, a NUL behind it. fails: E_TOO_LARGE: it does not fit; E_USAGE: nowhere to put it. */
struct cardea_status give(struct view text, char *out, size_t cap, size_t *ret_len) CARDEA_CHECKED;
/* Does it have 1 … max bytes? */
bool text_sized(const char *text, size_t max);
/* Can a header carry it as it stands: UTF-8 of 1 … CARDEA_KEY_ID_MAX bytes, nothing that JSON escapes? */
bool id_writable(const char *id);

/* Immutable but for the count: a verifier holds its keys as long as it lives. */
struct cardea_key {
    int _Atomic refs;
    struct jwk_key ready;
    struct jwk public;                /* of a shared secret nothing but its id */
    char thumbprint[KEY_ID_TEXT + 1]; /* "" for a shared secret */
    bool named;                       /* its id is its own */
};
struct cardea_keys {
    int _Atomic refs;
    struct jwk_set *set;
};

struct cardea_paseto_public_key {
    int _Atomic refs;
    char id[PASERK_ID_TEXT + 1];
    struct paseto_public_key ready;
};
struct cardea_paseto_secret_key {
    int _Atomic refs;
    char id[PASERK_ID_TEXT + 1];
    struct paseto_secret_key ready;
};
struct cardea_paseto_local_key {
    int _Atomic refs;
    char id[PASERK_ID_TEXT + 1];
    struct paseto_local_key ready;
};

struct cardea_paseto_public_key *paseto_public_key_ref(const struct cardea_paseto_public_key *k);
struct cardea_paseto_local_key *paseto_local_key_ref(const struct cardea_paseto_local_key *k);
struct cardea_key *key_ref(const struct cardea_key *k);
struct cardea_keys *keys_ref(const struct cardea_keys *s);

#endif
