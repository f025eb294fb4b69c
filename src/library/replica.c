#include "library/replica.h"

#include "crypto/random.h"
#include "library/library.h"

#include <stdlib.h>

_Static_assert((int)CARDEA_REPLICA_TARGET_MAX == (int)REPLICA_TARGET_MAX &&
                   (int)CARDEA_REPLICA_SESSIONS_MAX == (int)TABLE_SESSIONS_LIMIT,
               "the limits in cardea/replica.h");

enum { OTHERS_MIB = 1024, SEED_SIZE = 16 };

struct cardea_status cardea_replica_new(uint32_t sessions_max, struct cardea_replica **ret)
{
    uint8_t seed[SEED_SIZE];
    if (ret == NULL || sessions_max > CARDEA_REPLICA_SESSIONS_MAX)
        return CARDEA_FAIL(E_USAGE);
    struct cardea_replica *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CARDEA_FAIL(E_BUSY);
    entropy_fill(entropy_system(), seed, sizeof seed);
    const struct table_geometry g = {sessions_max == 0 ? CARDEA_REPLICA_SESSIONS_DEFAULT : sessions_max, OTHERS_MIB};
    struct cardea_status s = private_table_open(&g, seed, &r->memory);
    if (cardea_ok(s))
        s = replica_new(r->memory.writer, entropy_system(), &r->feed);
    if (!cardea_ok(s)) {
        cardea_replica_free(r);
        return s;
    }
    *ret = r;
    return s;
}

void cardea_replica_free(struct cardea_replica *r)
{
    if (r == NULL)
        return;
    replica_free(r->feed);
    private_table_close(&r->memory);
    free(r);
}

struct cardea_status cardea_replica_ask(struct cardea_replica *r, int64_t boot_ms, char *out, size_t cap,
                                        size_t *ret_len)
{
    char target[CARDEA_REPLICA_TARGET_MAX];
    struct buf b = buf_fixed(target, sizeof target);
    if (r == NULL)
        return CARDEA_FAIL(E_USAGE);
    replica_ask(r->feed, boot_ms, &b);
    return buf_ok(&b) ? give(buf_view(&b), out, cap, ret_len) : CARDEA_FAIL(E_INTERNAL);
}

struct cardea_status cardea_replica_take(struct cardea_replica *r, struct cardea_bytes bytes, int64_t now_ms)
{
    if (r == NULL || !bytes_readable(bytes))
        return CARDEA_FAIL(E_USAGE);
    return replica_take(r->feed, bytes_view(bytes), now_ms);
}

int64_t cardea_replica_lease_ms(const struct cardea_replica *r, int64_t boot_ms)
{
    if (r == NULL || !table_valid(r->memory.table, boot_ms))
        return 0;
    return table_valid_until(r->memory.table) - boot_ms;
}
