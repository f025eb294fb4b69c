/* What a service says to a reader of this host that connects to its table socket: one message of this struct, and with
 * it the two descriptors (SCM_RIGHTS), the block's first. The service reads nothing. The connection stays open for as
 * long as the table has its writer: its end says that the service is gone, however it went. */
#ifndef CORE_TABLE_OFFER_H
#define CORE_TABLE_OFFER_H

#include <stdint.h>

#define TABLE_OFFER_MAGIC UINT64_C(0x524546464f445243) /* "CRDOFFER", in this machine's byte order */

enum { TABLE_OFFER_VERSION = 1, TABLE_OFFER_DESCRIPTORS = 2 };

struct table_offer {
    uint64_t magic, version;
    uint64_t block_size, seen_size;
};

#endif
