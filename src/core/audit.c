#include "core/audit.h"

#include "crypto/digest.h"
#include "store/journal.h"

#include <stdlib.h>

struct cardea_status audit_verify(const struct store_ops *ops, struct store_tx *tx, uint32_t rows_max,
                                  struct audit_head *head, bool *ret_end)
{
    enum { STEP = 64 };
    struct event *rows = malloc(STEP * sizeof *rows);
    if (rows == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct journal_head at = {.n = head->n};
    memcpy(at.hash, head->hash, sizeof at.hash);
    struct cardea_status s;
    uint32_t count = 0, seen = 0;
    do {
        s = ops->event_list(tx, at.n, false, rows, STEP, &count);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
            s = journal_check(&at, &rows[i], digest_sha256);
        seen += count;
    } while (cardea_ok(s) && count == STEP && seen < rows_max);
    free(rows);
    head->n = at.n;
    memcpy(head->hash, at.hash, sizeof at.hash);
    *ret_end = cardea_ok(s) && count < STEP;
    return s;
}
