/* Key records: what is fixed about each use, the seal on a record's secret half, and access keys in records. Private to
 * the keyring.
 *
 * What a seal is made for stands in its context, so that it opens as nothing else: "use|kid" for a key in force;
 * "use!kid" for a retired one; "use~kid" for a retired access key whose secret must stay, because it is symmetric and
 * its tokens are still to be checked. Access keys name their format behind the use, "access/RS256|kid", but for ES256,
 * whose records were there before there was another. So no key opens as one of another state, format or id.
 *
 * Access keys at rest: `algorithm` names the format. `public_jwk` is the public JWK; of v4.local it holds the kid
 * alone, of HS* nothing. `sealed` holds
 *   NEXT, ACTIVE          the whole key as a JWK (in records of earlier versions: PKCS#8, read and not written)
 *   RETIRING, public      the public half (raw_key_pack): a proof that we retired it. The private half is gone
 *   RETIRING, symmetric   the whole key as a JWK
 */
#ifndef CORE_KEY_RECORD_H
#define CORE_KEY_RECORD_H

#include "core/keyring.h"
#include "crypto/seal.h"
#include "store/store.h"

enum { SYMMETRIC_MAX = 32 };

struct key_use_info {
    const char *name;      /* part of the sealed context: never change one */
    const char *algorithm; /* "" for ACCESS: its format's */
    size_t bytes;          /* of a symmetric key; 0 for ACCESS */
};

/* NULL: no such use. */
const struct key_use_info *key_use_info(enum key_use use);

/* Seal plain into the record, whose id, use, state and algorithm are set. Nothing of an earlier, longer seal remains.
 */
struct cardea_status key_record_seal(struct key_record *r, const struct master_key *m, const struct entropy *e,
                                     struct view plain) CARDEA_CHECKED;
/* Open what key_record_seal sealed; the caller wipes out. fails: E_CORRUPT, whatever is wrong with the record. */
struct cardea_status key_record_open(const struct key_record *r, const struct master_key *m, uint8_t *out, size_t cap,
                                     size_t *ret_len) CARDEA_CHECKED;

/* --- access keys (access_record.c) --- */

/* Draw a new access key and seal it: a whole record but for its times, state NEXT. Needs no store.
 * fails: as access_key_draw; E_TOO_LARGE. */
struct cardea_status access_record_draw(enum token_format f, const struct master_key *m, const struct entropy *e,
                                        struct key_record *out) CARDEA_CHECKED;
/* To RETIRING: erase the private half, or seal a symmetric key anew. fails: E_CORRUPT; E_BUSY. */
struct cardea_status access_record_retire(struct key_record *r, const struct master_key *m,
                                          const struct entropy *e) CARDEA_CHECKED;
/* Make the key ready; the caller clears it. fails: E_CORRUPT: a record that no keyring wrote; E_BUSY. */
struct cardea_status access_record_open(const struct key_record *r, const struct master_key *m,
                                        struct access_key *out) CARDEA_CHECKED;

#endif
