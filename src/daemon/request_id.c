#include "daemon/request_id.h"

enum { ID_MAX = 64, HALF = 16 };

void request_ids_init(struct request_ids *ids, const struct entropy *e)
{
    entropy_fill(e, &ids->base, sizeof ids->base);
    ids->count = 0;
}

static bool harmless(struct view v)
{
    if (v.len == 0 || v.len > ID_MAX)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                    c == '_' || c == '.';
        if (!fine)
            return false;
    }
    return true;
}

static void put_hex(uint64_t n, char out[HALF])
{
    for (int i = 0; i < HALF; i++)
        out[i] = "0123456789abcdef"[(n >> (60 - 4 * i)) & 15];
}

/* A bijection that spreads a counter over all bits (the finaliser of MurmurHash3): ids of a thread never repeat. */
static uint64_t spread(uint64_t n)
{
    n = (n ^ (n >> 33)) * 0xff51afd7ed558ccdULL;
    n = (n ^ (n >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return n ^ (n >> 33);
}

void request_id_choose(struct request_ids *ids, struct view given, char out[65])
{
    if (harmless(given) && view_copy(given, out, 65))
        return;
    put_hex(ids->base, out);
    put_hex(spread(++ids->count ^ ids->base), out + HALF);
    out[2 * HALF] = '\0';
}
