#include "core/verify_cache.h"

#include "base/secret.h"
#include "crypto/mac.h"

#include <stdalign.h>
#include <stdlib.h>

enum { WAYS = 4, ENTRIES_MIN = 64, LINE = 64, SIGNED_ENTRIES = 4096 };

struct entry {
    alignas(LINE) uint64_t ring; /* generations; 0 is no settings': an empty entry is never found */
    uint64_t settings;
    struct proven_token token;
};
_Static_assert(sizeof(struct entry) == 2 * LINE, "an entry is two cache lines");

/* The hashes of a set lie together: a look-up touches their line and the entry that it wants. */
struct set {
    struct token_hash hashes[WAYS];
    struct entry entries[WAYS];
};

/* A signature that was good; generation 0 is no set's. */
struct signed_text {
    struct token_hash hash;
    uint64_t generation;
};

struct verify_cache {
    struct tag_key key;
    uint64_t mask;
    uint32_t turn; /* which way gives place, where no entry of a set is useless */
    void *memory;  /* as allocated; sets begin at the first whole cache line */
    struct set *sets;
    struct signed_text *signeds; /* SIGNED_ENTRIES, made with the first; a new one takes the place of an old */
};

struct verify_cache *verify_cache_new(uint32_t entries, const uint8_t key[16])
{
    size_t count = ENTRIES_MIN;
    while (count < entries && count < VERIFY_CACHE_MAX)
        count *= 2;
    struct verify_cache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    /* calloc, since its pages cost nothing until they are used. */
    c->memory = calloc(count / WAYS + 1, sizeof *c->sets);
    if (c->memory == NULL) {
        free(c);
        return NULL;
    }
    c->sets = (struct set *)(((uintptr_t)c->memory + LINE - 1) & ~(uintptr_t)(LINE - 1));
    memcpy(c->key.bytes, key, sizeof c->key.bytes);
    c->mask = count / WAYS - 1;
    return c;
}

void verify_cache_free(struct verify_cache *c)
{
    if (c == NULL)
        return;
    secret_wipe(&c->key, sizeof c->key);
    free(c->signeds);
    free(c->memory);
    free(c);
}

struct token_hash verify_cache_hash(const struct verify_cache *c, struct view text)
{
    struct token_hash hash;
    _Static_assert(sizeof hash == 16, "SipHash-128");
    tag_siphash128(&c->key, text.ptr, text.len, (uint8_t *)&hash);
    return hash;
}

static bool current(const struct entry *e, const struct verifier *v)
{
    return e->ring == v->keys->generation && e->settings == v->settings->generation && e->settings != 0;
}

const struct proven_token *verify_cache_find(struct verify_cache *c, const struct verifier *v, struct token_hash hash)
{
    struct set *set = &c->sets[hash.words[0] & c->mask];
    for (int i = 0; i < WAYS; i++)
        if (set->hashes[i].words[0] == hash.words[0] && set->hashes[i].words[1] == hash.words[1])
            return current(&set->entries[i], v) ? &set->entries[i].token : NULL;
    return NULL;
}

void verify_cache_put(struct verify_cache *c, const struct verifier *v, struct token_hash hash,
                      const struct proven_token *token)
{
    struct set *set = &c->sets[hash.words[0] & c->mask];
    int way = -1;
    for (int i = 0; i < WAYS && way < 0; i++)
        if (set->hashes[i].words[0] == hash.words[0] && set->hashes[i].words[1] == hash.words[1])
            way = i;
    for (int i = 0; i < WAYS && way < 0; i++)
        if (!current(&set->entries[i], v) || set->entries[i].token.exp_s * 1000 <= v->now_ms)
            way = i;
    if (way < 0)
        way = (int)(c->turn++ % WAYS);
    set->hashes[way] = hash;
    set->entries[way] = (struct entry){v->keys->generation, v->settings->generation, *token};
}

bool verify_cache_signed(const struct verify_cache *c, struct token_hash hash, uint64_t generation)
{
    if (c->signeds == NULL || generation == 0)
        return false;
    const struct signed_text *e = &c->signeds[hash.words[0] % SIGNED_ENTRIES];
    return e->generation == generation && e->hash.words[0] == hash.words[0] && e->hash.words[1] == hash.words[1];
}

void verify_cache_put_signed(struct verify_cache *c, struct token_hash hash, uint64_t generation)
{
    if (c->signeds == NULL)
        c->signeds = calloc(SIGNED_ENTRIES, sizeof *c->signeds);
    if (c->signeds != NULL)
        c->signeds[hash.words[0] % SIGNED_ENTRIES] = (struct signed_text){hash, generation};
}
