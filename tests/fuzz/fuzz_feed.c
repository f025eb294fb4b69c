/* The feed's lines, as they come from elsewhere: whatever the bytes and in whatever pieces, reading ends; a line that
 * is accepted is written as it was read; a table is believed only for as long as one answer can say, and not at all
 * once an answer made no sense.
 *
 * The first byte says in which pieces the rest comes. */
#include "core/replica.h"
#include "crypto/random.h"
#include "fuzz.h"

#include <sys/mman.h>

enum { INPUT_MAX = 65536, ASKED = 5000 };
#define NOW INT64_C(1800000000000)

static void *fresh(void **memory, size_t size)
{
    if (*memory == NULL) {
        *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        EXPECT(*memory != MAP_FAILED);
    }
    EXPECT(madvise(*memory, size, MADV_DONTNEED) == 0);
    return *memory;
}

static void line_again(struct view text)
{
    static struct feed_line line, back;
    static char one[FEED_LINE_MAX], two[FEED_LINE_MAX];
    struct buf a = buf_fixed(one, sizeof one), b = buf_fixed(two, sizeof two);
    if (!cardea_ok(feed_read(text, &line)))
        return;
    EXPECT(cardea_ok(feed_write(&line, &a)));
    EXPECT(cardea_ok(feed_read(buf_view(&a), &back)));
    EXPECT(cardea_ok(feed_write(&back, &b)));
    EXPECT(view_equal(buf_view(&a), buf_view(&b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *block, *seen;
    static const struct table_geometry g = {64, 1};
    struct table_writer *w = NULL;
    struct replica *r = NULL;
    char target[REPLICA_TARGET_MAX];
    struct buf b = buf_fixed(target, sizeof target);

    EXPECT(cardea_ok(crypto_start()));
    if (size < 1 || size > INPUT_MAX)
        return 0;
    struct view text = view_of(data + 1, size - 1), line, rest = text;
    for (bool more = true; more;) {
        more = view_cut(rest, '\n', &line, &rest);
        line_again(line);
    }
    EXPECT(cardea_ok(table_create(fresh(&block, table_size(&g)), fresh(&seen, table_seen_size(&g)), &g,
                                  (const uint8_t *)"a seed of 16 byt", NULL, &w)));
    EXPECT(cardea_ok(replica_new(w, entropy_system(), &r)));
    replica_ask(r, ASKED, &b);
    EXPECT(buf_ok(&b));
    const struct table *t = table_of(w);
    size_t piece = data[0] == 0 ? text.len + 1 : data[0];
    struct cardea_status s = CARDEA_SUCCESS;
    while (text.len > 0) {
        struct view now = {text.ptr, text.len < piece ? text.len : piece};
        struct cardea_status one = replica_take(r, now, NOW);
        if (!cardea_ok(one))
            s = one;
        text = view_skip(text, now.len);
    }
    EXPECT(!table_valid(t, ASKED + (int64_t)FEED_HELD_MAX_MS + FEED_LEASE_MAX_MS));
    EXPECT(cardea_ok(s) || !table_valid(t, 0));
    EXPECT(replica_position(r) == 0 || cardea_ok(s));
    replica_free(r);
    table_writer_free(w);
    return 0;
}
