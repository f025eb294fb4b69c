#include "store/journal.h"

#include <stdlib.h>

/* A cursor over the canonical form. No bounds to check at run time: every member has a fixed limit, and together they
 * stay below JOURNAL_CANONICAL_MAX (asserted below). */
struct writer {
    uint8_t *out;
    size_t len;
};

enum {
    TEXTS_MAX = EVENT_TYPE_MAX + 1 + sizeof(((struct event *)0)->actor) + REQUEST_ID_MAX + 1 + EVENT_DETAIL_MAX + 1,
    FIXED = 1 + 8 + 8 + 4 * 2 + 16 + 16 + 1 + 16 + 1 + 32 + 8 + 8,
};
_Static_assert(TEXTS_MAX + FIXED <= JOURNAL_CANONICAL_MAX, "a canonical event has room");

static void put_bytes(struct writer *w, const void *bytes, size_t len)
{
    memcpy(w->out + w->len, bytes, len);
    w->len += len;
}

static void put_int(struct writer *w, uint64_t n, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        w->out[w->len++] = (uint8_t)(n >> (8 * (width - 1 - i)));
}

static void put_text(struct writer *w, const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);
    put_int(w, len, 2);
    put_bytes(w, text, len);
}

size_t journal_canonical(const struct event *e, uint8_t out[JOURNAL_CANONICAL_MAX])
{
    struct writer w = {out, 0};
    put_int(&w, 1, 1);
    put_int(&w, e->n, 8);
    put_int(&w, (uint64_t)e->at_ms, 8);
    put_text(&w, e->type, sizeof e->type);
    put_text(&w, e->actor, sizeof e->actor);
    put_bytes(&w, e->subject.bytes, sizeof e->subject.bytes);
    put_bytes(&w, e->sid.bytes, sizeof e->sid.bytes);
    /* An engine may keep an address in fewer bytes: what lies past it must not matter. */
    struct address ip = {.version = e->ip.version};
    if (ip.version != 0)
        memcpy(ip.bytes, e->ip.bytes, ip.version == 4 ? 4 : 16);
    put_int(&w, ip.version, 1);
    put_bytes(&w, ip.bytes, sizeof ip.bytes);
    put_text(&w, e->request_id, sizeof e->request_id);
    put_text(&w, e->detail, sizeof e->detail);
    put_int(&w, (uint64_t)e->revocation.kind, 1);
    put_bytes(&w, e->revocation.id, sizeof e->revocation.id);
    put_int(&w, (uint64_t)e->revocation.epoch, 8);
    put_int(&w, (uint64_t)e->revocation.until_ms, 8);
    return w.len;
}

static void chain_hash(const uint8_t previous[32], const struct event *e, store_digest_fn *digest, uint8_t out[32])
{
    uint8_t bytes[32 + JOURNAL_CANONICAL_MAX];
    memcpy(bytes, previous, 32);
    digest(bytes, 32 + journal_canonical(e, bytes + 32), out);
}

void journal_link(struct journal_head *head, struct event *e, store_digest_fn *digest)
{
    e->n = head->n + 1;
    memcpy(e->previous_hash, head->hash, sizeof e->previous_hash);
    chain_hash(head->hash, e, digest, e->hash);
    head->n = e->n;
    memcpy(head->hash, e->hash, sizeof head->hash);
}

struct cardea_status journal_check(struct journal_head *head, const struct event *e, store_digest_fn *digest)
{
    uint8_t hash[32];
    if (e->n != head->n + 1 || memcmp(e->previous_hash, head->hash, sizeof head->hash) != 0)
        return CARDEA_FAIL(E_CORRUPT);
    chain_hash(head->hash, e, digest, hash);
    if (memcmp(hash, e->hash, sizeof hash) != 0)
        return CARDEA_FAIL(E_CORRUPT);
    head->n = e->n;
    memcpy(head->hash, hash, sizeof hash);
    return CARDEA_SUCCESS;
}

struct cardea_status journal_verify(const struct store_ops *ops, struct store_tx *tx, store_digest_fn *digest,
                                    struct journal_head *head)
{
    enum { STEP = 64 };
    struct event *rows = malloc(STEP * sizeof *rows);
    if (rows == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status s;
    uint32_t count = 0;
    do {
        s = ops->event_list(tx, head->n, false, rows, STEP, &count);
        for (uint32_t i = 0; cardea_ok(s) && i < count; i++)
            s = journal_check(head, &rows[i], digest);
    } while (cardea_ok(s) && count == STEP);
    free(rows);
    return s;
}

bool journal_concerns_others(const struct event *e)
{
    /* What changes nothing that a verifier remembers. */
    static const char *const kept[] = {"api_key_created", "login",   "login_failed",
                                       "operator_read",   "started", "user_created"};
    if (e->revocation.kind != REVOCATION_NONE)
        return true;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (strncmp(e->type, kept[i], sizeof e->type) == 0)
            return false;
    return true;
}
