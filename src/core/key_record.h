/* Key records: what is fixed about each use, and the seal on a record's secret half. Private to the keyring.
 *
 * The sealed context is "use|kid", or "use!kid" where the record is retired: the sealed point of a retired key must
 * never open as a private key, nor the other way round.
 */
#ifndef CORE_KEY_RECORD_H
#define CORE_KEY_RECORD_H

#include "crypto/seal.h"
#include "store/store.h"

enum { SYMMETRIC_MAX = 32 };

struct key_use_info {
    const char *name; /* part of the sealed context: never change one */
    const char *algorithm;
    size_t bytes; /* of a symmetric key; 0 for ACCESS */
};

/* NULL: no such use. */
const struct key_use_info *key_use_info(enum key_use use);

/* Seal plain into the record, whose id, use and state are set. Nothing of an earlier, longer seal remains. */
struct cardea_status key_record_seal(struct key_record *r, const struct master_key *m, const struct entropy *e,
                                     struct view plain) CARDEA_CHECKED;
/* Open what key_record_seal sealed; the caller wipes out. fails: E_CORRUPT, whatever is wrong with the record. */
struct cardea_status key_record_open(const struct key_record *r, const struct master_key *m, uint8_t *out, size_t cap,
                                     size_t *ret_len) CARDEA_CHECKED;

#endif
