#include "daemon/key_maker.h"

#include "daemon/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct key_maker {
    const struct master_key *master;
    const struct entropy *entropy;
    bool _Atomic *drawn;
    pthread_mutex_t lock; /* stock, busy */
    struct key_stock stock;
    bool busy;
    bool started; /* there is a thread to be joined */
    pthread_t thread;
    token_formats wanted; /* the thread's, while it is busy */
};

struct key_maker *key_maker_new(const struct master_key *m, const struct entropy *e, bool _Atomic *drawn)
{
    struct key_maker *k = calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->master = m;
    k->entropy = e;
    k->drawn = drawn;
    pthread_mutex_init(&k->lock, NULL);
    return k;
}

static void join(struct key_maker *k)
{
    if (k->started)
        pthread_join(k->thread, NULL);
    k->started = false;
}

void key_maker_free(struct key_maker *k)
{
    if (k == NULL)
        return;
    join(k);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

/* Drawn aside, so that no tick waits for it. */
static void draw(struct key_maker *k, enum token_format f, struct key_stock *one)
{
    one->count = 0;
    struct cardea_status s = keyring_stock(one, f, k->master, k->entropy);
    if (!cardea_ok(s)) {
        log_write(LOG_ERROR, "no key could be drawn",
                  LOG_FIELDS(LOG_TEXT("format", view_text(token_format_name(f))), LOG_STATUS(s)));
        return;
    }
    pthread_mutex_lock(&k->lock);
    if (k->stock.count < KEY_STOCK_MAX)
        k->stock.keys[k->stock.count++] = one->keys[0];
    pthread_mutex_unlock(&k->lock);
}

static void *run(void *maker)
{
    struct key_maker *k = maker;
    struct key_stock *one = malloc(sizeof *one);
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; one != NULL && f < TOKEN_FORMATS; f++)
        if ((k->wanted & token_format_bit(f)) != 0)
            draw(k, f, one);
    free(one);
    pthread_mutex_lock(&k->lock);
    k->busy = false;
    pthread_mutex_unlock(&k->lock);
    atomic_store(k->drawn, true);
    return NULL;
}

void key_maker_want(struct key_maker *k, token_formats formats)
{
    pthread_mutex_lock(&k->lock);
    bool busy = k->busy;
    pthread_mutex_unlock(&k->lock);
    if (busy)
        return;
    join(k);
    k->wanted = formats;
    k->busy = true; /* no other thread is there */
    k->started = pthread_create(&k->thread, NULL, run, k) == 0;
    if (k->started)
        return;
    k->busy = false;
    log_write(LOG_ERROR, "no thread could be started to draw keys", LOG_NOTHING);
}

struct key_stock *key_maker_lock(struct key_maker *k)
{
    pthread_mutex_lock(&k->lock);
    return &k->stock;
}

void key_maker_unlock(struct key_maker *k)
{
    pthread_mutex_unlock(&k->lock);
}
