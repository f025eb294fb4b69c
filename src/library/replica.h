/* What a public replica is made of, for checker.c. */
#ifndef LIBRARY_REPLICA_H
#define LIBRARY_REPLICA_H

#include "cardea/replica.h"
#include "core/replica.h"
#include "library/local/private_table.h"

struct cardea_replica {
    struct private_table memory;
    struct replica *feed;
};

#endif
