/* argon2_rate THREADS SECONDS MEMORY_KIB PASSES: how many Argon2id hashes a second these cores make with nothing around
 * them. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/argon2.h"
#include "crypto/random.h"

static struct argon2_cost cost;
static atomic_long done;
static double end_s;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *worker(void *unused)
{
    char phc[192];
    while (now_s() < end_s) {
        if (!cardea_ok(argon2_hash(VIEW("correct horse battery"), cost, phc, sizeof phc)))
            return unused;
        atomic_fetch_add(&done, 1);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 5 || !cardea_ok(crypto_start()))
        return 2;
    int threads = atoi(argv[1]);
    cost = (struct argon2_cost){.memory_kib = (uint32_t)atoi(argv[3]), .passes = (uint32_t)atoi(argv[4])};
    pthread_t id[16];
    double begin_s = now_s();
    end_s = begin_s + atof(argv[2]);
    for (int i = 0; i < threads && i < 16; i++)
        if (pthread_create(&id[i], NULL, worker, NULL) != 0)
            return 1;
    for (int i = 0; i < threads && i < 16; i++)
        pthread_join(id[i], NULL);
    printf("%.2f\n", (double)atomic_load(&done) / (now_s() - begin_s));
    return 0;
}
