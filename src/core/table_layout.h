/* The bytes of the verification table: what stands where in a block. Read core/table.h first; this is its map.
 *
 * Everything is a 64-bit word in the machine's byte order, accessed by word_load and word_put alone. A cell is a row of
 * words: sequence, head, id, the rest by kind:
 *
 *      word    0     1      2 3   4         5         6          7            8 … 11   12        13         14     15
 *   session    seq   head   sid   user                epoch      idle|flags   digest   created   authent.   exp.   seen
 *      user    seq   head   id    epoch     lengths   text …
 *   API key    seq   head   id    user                digest (6 … 9)    expires (10)   scopes length (11)   scopes …
 *       key    seq   head   kid (2 … 5)               generation  public bytes …
 *     ended    seq   head   id    until
 *
 *   head:      kind 8 | units 8 | words used 16 | extra 32
 *              extra: the user's cell (session, API key: a hint, 0 none); status (user); algorithm, state, length (key)
 *   entry:     cell 32 | kind 4 | tag 28        0: never used; kind 15: tombstone
 *   root:      level 8 | side 8 | count 48      the index is the part of 2^level entries; count: no root comes twice
 *   seen:      seconds 32 | dirty 1 | generation 31
 *
 * Sequence: 0 never used, odd free or being filled, even whole. A free cell keeps its head (the walk over the others
 * needs its size) and has the next free one's number in word 2.
 *
 * Two lone words of a findable cell are changed in place, since they mean something by themselves and nobody compares
 * them with their neighbours: the hint in a head, and `until` of an ended one, which only the writer and table_walk
 * read. An app keeps its index and name for as long as the table has one source, so its flags are a lone word too.
 *
 * The others' cell number counts units; unit 0 is never used. Index parts: for every level from LEVEL_MIN on there are
 * two (side 0 and 1), so that an index full of tombstones can be built anew in its own size.
 */
#ifndef CORE_TABLE_LAYOUT_H
#define CORE_TABLE_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>

#include "core/table.h"

typedef _Atomic uint64_t table_word;
static_assert(sizeof(table_word) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "needs lock-free 8-byte atomics");

#define TABLE_MAGIC UINT64_C(0x45474e4948445243) /* "CRDHINGE", in this machine's byte order */

enum {
    TABLE_FORMAT = 2,
    TABLE_ALIGN = 1 << 16, /* of every region and index part: a multiple of any page size in use */
    UNIT_WORDS = 8,
    SESSION_WORDS = 16,
    TAG_BITS = 28,
    LEVEL_MIN = 13, /* 2^13 entries fill TABLE_ALIGN */
    LEVEL_MAX = TAG_BITS,

    CELL_SEQUENCE = 0,
    CELL_HEAD = 1,
    CELL_ID = 2,
    CELL_LINK = 2,

    SESSION_USER = 4,
    SESSION_EPOCH = 6,
    SESSION_FLAGS = 7, /* idle ms 40 | app 16 | kind 7 | remember 1 */
    SESSION_DIGEST = 8,
    SESSION_CREATED = 12,
    SESSION_AUTHENTICATED = 13,
    SESSION_EXPIRES = 14,
    SESSION_SEEN = 15,

    USER_EPOCH = 4,
    USER_LENGTHS = 5, /* username 16 | email 16 | name 16 | roles 16 */
    USER_TEXT = 6,

    API_KEY_USER = 4,
    API_KEY_DIGEST = 6,
    API_KEY_EXPIRES = 10,
    API_KEY_SCOPES_LEN = 11,
    API_KEY_SCOPES = 12,

    KEY_GENERATION = 6,
    KEY_BYTES = 7,

    ENDED_UNTIL = 4,
    ENDED_WORDS = 5,

    APP_FLAGS = 0, /* a lone word: APP_ENABLED, APP_LIVE */
    APP_NAME = 1,  /* written before the flags and not again, but for table_forget_apps */
    APP_WORDS = 8,
    APP_ENABLED = 1,
    APP_LIVE = 2,

    OTHER_WORDS_MAX = USER_TEXT + (TABLE_USER_TEXT_MAX + 7) / 8,
    OTHER_UNITS_MAX = (OTHER_WORDS_MAX + UNIT_WORDS - 1) / UNIT_WORDS,
};

/* What a name names. A cell's kind is its space, plus KIND_ENDED for a revocation. */
enum space { SPACE_UNSET = 0, SPACE_SESSION, SPACE_USER, SPACE_API_KEY, SPACE_KEY, SPACE_TOKEN };
enum { KIND_ENDED = 8, KIND_TOMBSTONE = 15 };
#define ENTRY_TOMBSTONE ((uint64_t)KIND_TOMBSTONE << 32)

struct table_header {
    /* Constant once the block is made. */
    table_word magic, format, sessions_max, others_max_mib, seed[2], spare, checksum;
    /* What readers look at: one cache line, written seldom. */
    table_word root, incomplete, keys_generation, valid_until, cleared, apps_generation, spare_hot[2];
    /* For people. */
    table_word sessions, users, api_keys, revocations, keys, index_entries, bytes_touched, spare_stats;
    /* For who walks all cells: those below were used at least once. */
    table_word sessions_high, others_high;
    /* Which keys there are, and the apps by their index: lists for readers that have no settings. */
    table_word key_count, spare_lists[5];
    table_word kids[TABLE_KEYS_LIMIT][4];
    table_word apps[TABLE_APPS_LIMIT][APP_WORDS];
};

struct seen_header {
    table_word magic, identity;
};

struct table {
    const struct table_header *header;
    const table_word *sessions, *others, *index;
    table_word *seen; /* NULL: not mapped */
    uint64_t seed[2];
    uint32_t sessions_max, units_max, level_max;
};

/* A name as it is looked for. */
struct table_name {
    uint64_t id[4];
    enum space space;
    uint32_t id_words, tag;
};

/* Where the regions begin, in bytes; all 0 for a geometry beyond its limits. */
struct table_plan {
    size_t sessions, others, index, size, seen_size;
    uint32_t units_max, level_max;
};
struct table_plan table_plan(const struct table_geometry *g);
uint64_t table_checksum(const struct table_header *h);
uint64_t table_identity(const struct table_header *h); /* what a seen map carries to belong to this block */
/* Point t at the regions of a checked block. */
void table_place(struct table *t, const struct table_header *h, table_word *seen, const struct table_plan *plan);

/* Tests compile the table with a hook here, to stop the world at every single access. */
#ifdef TABLE_TEST_HOOKS
void table_test_load(void);
void table_test_store(void);
#else
static inline void table_test_load(void)
{
}
static inline void table_test_store(void)
{
}
#endif

static inline uint64_t word_load(const table_word *w)
{
    table_test_load();
    return atomic_load_explicit(w, memory_order_acquire);
}

static inline void word_put(table_word *w, uint64_t value)
{
    table_test_store();
    atomic_store_explicit(w, value, memory_order_release);
}

static inline void word_prefetch(const table_word *w)
{
    __builtin_prefetch((const void *)(uintptr_t)w);
}

/* The writer reads back what it wrote itself. */
static inline uint64_t word_own(const table_word *w)
{
    return atomic_load_explicit(w, memory_order_relaxed);
}

static inline uint64_t head_make(uint32_t kind, uint32_t units, uint32_t words, uint32_t extra)
{
    return kind | units << 8 | words << 16 | (uint64_t)extra << 32;
}
static inline uint32_t head_kind(uint64_t head)
{
    return head & 0xff;
}
static inline uint32_t head_units(uint64_t head)
{
    return head >> 8 & 0xff;
}
static inline uint32_t head_words(uint64_t head)
{
    return head >> 16 & 0xffff;
}
static inline uint32_t head_extra(uint64_t head)
{
    return (uint32_t)(head >> 32);
}

static inline uint64_t entry_make(uint32_t tag, uint32_t kind, uint32_t cell)
{
    return (uint64_t)tag << 36 | (uint64_t)kind << 32 | cell;
}
static inline uint32_t entry_tag(uint64_t entry)
{
    return (uint32_t)(entry >> 36);
}
static inline uint32_t entry_kind(uint64_t entry)
{
    return entry >> 32 & 15;
}
static inline uint32_t entry_space(uint64_t entry)
{
    return entry >> 32 & 7;
}
static inline uint32_t entry_cell(uint64_t entry)
{
    return (uint32_t)entry;
}

static inline uint64_t root_make(uint32_t level, uint32_t side, uint64_t count)
{
    return level | side << 8 | count << 16;
}
static inline uint32_t root_level(uint64_t root)
{
    return root & 0xff;
}
static inline uint32_t root_side(uint64_t root)
{
    return root >> 8 & 1;
}

/* First word of a part, counted from the index region: all smaller levels lie before it, two parts each. */
static inline size_t part_offset(uint32_t level, uint32_t side)
{
    return 2 * (((size_t)1 << level) - ((size_t)1 << LEVEL_MIN)) + ((size_t)side << level);
}

static inline uint32_t seen_generation(uint64_t seen)
{
    return (uint32_t)(seen >> 33);
}
static inline uint64_t seen_make(uint32_t generation, bool dirty, uint32_t seconds)
{
    return (uint64_t)generation << 33 | (uint64_t)dirty << 32 | seconds;
}
static inline bool seen_dirty(uint64_t seen)
{
    return seen >> 32 & 1;
}
static inline uint32_t seen_seconds(uint64_t seen)
{
    return (uint32_t)seen;
}
static inline uint32_t seconds_of(int64_t ms)
{
    return ms <= 0 ? 0 : ms / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ms / 1000);
}
/* A cell's generation: its even sequence, halved. */
static inline uint32_t generation_of(uint64_t sequence)
{
    return (uint32_t)(sequence >> 1) & 0x7fffffff;
}

/* Fold the id, keyed by the seed, into 28 bits. The ids are ours and mostly random; the seed keeps it so. */
static inline struct table_name table_name(const uint64_t seed[2], enum space space, const void *id, size_t len)
{
    __extension__ typedef unsigned __int128 wide;
    struct table_name n = {.space = space, .id_words = (uint32_t)(len / 8)};
    memcpy(n.id, id, len);
    wide p = (wide)(n.id[0] ^ seed[0]) * (n.id[1] ^ seed[1] ^ space * UINT64_C(0x9e3779b97f4a7c15));
    n.tag = (uint32_t)(((uint64_t)p ^ (uint64_t)(p >> 64)) * UINT64_C(0xd6e8feb86659fd93) >> (64 - TAG_BITS));
    return n;
}

/* What a change ends; UNSET: nothing. */
static inline enum space ended_space(enum change_kind kind)
{
    return kind == CHANGE_SESSION_END   ? SPACE_SESSION
           : kind == CHANGE_USER_END    ? SPACE_USER
           : kind == CHANGE_API_KEY_END ? SPACE_API_KEY
           : kind == CHANGE_TOKEN_END   ? SPACE_TOKEN
                                        : SPACE_UNSET;
}

static inline bool name_is(const struct table_name *n, const uint64_t *id)
{
    return n->id[0] == id[0] && n->id[1] == id[1] && (n->id_words == 2 || (n->id[2] == id[2] && n->id[3] == id[3]));
}

#endif
