/* What in-process benchmarks of small operations share: two things measured side by side in alternating rounds,
 * medians, and one row a figure (a JSON object with --json, else text).
 *
 *     measure_side_by_side("verify ES256", ours, "bare EVP_PKEY_verify", bare, 200, 1.05);
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEASURE_ROUNDS = 41 };

typedef void measured(size_t i); /* one operation; i counts up */

static bool measure_json;

static inline void measure_arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        measure_json = measure_json || strcmp(argv[i], "--json") == 0;
}

static inline double measure_now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline double measure_round(measured *f, size_t count)
{
    double start = measure_now_ns();

    for (size_t i = 0; i < count; i++)
        f(i);
    return (measure_now_ns() - start) / (double)count;
}

static inline int measure_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline double measure_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, measure_order);
    return values[count / 2];
}

/* One row. goal: the most that ratio may be; 0: none. */
static inline void measure_report(const char *name, double ns, const char *against, double against_ns, double ratio,
                                  double goal)
{
    if (measure_json) {
        printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"ns\"", name, ns);
        if (against != NULL)
            printf(",\"against\":\"%s: %.1f\",\"ratio\":%.3f", against, against_ns, ratio);
        if (goal > 0)
            printf(",\"goal\":%.2f,\"met\":%s", goal, ratio <= goal ? "true" : "false");
        puts("}");
    } else {
        printf("%-44s %10.1f ns", name, ns);
        if (against != NULL)
            printf("  %6.3f of %s (%.1f ns)", ratio, against, against_ns);
        if (goal > 0)
            printf("  goal %.2f: %s", goal, ratio <= goal ? "met" : "MISSED");
        putchar('\n');
    }
    (void)fflush(stdout);
}

/* Rounds alternate, so that a slow spell of the machine meets both; the ratio is the median of the rounds' ratios. */
static inline void measure_side_by_side(const char *name, measured *ours, const char *against, measured *theirs,
                                        size_t count, double goal)
{
    double a[MEASURE_ROUNDS], b[MEASURE_ROUNDS], ratio[MEASURE_ROUNDS];

    (void)measure_round(ours, count / 10 + 1);
    (void)measure_round(theirs, count / 10 + 1);
    for (size_t r = 0; r < MEASURE_ROUNDS; r++) {
        a[r] = measure_round(ours, count);
        b[r] = measure_round(theirs, count);
        ratio[r] = a[r] / b[r];
    }
    measure_report(name, measure_median(a, MEASURE_ROUNDS), against, measure_median(b, MEASURE_ROUNDS),
                   measure_median(ratio, MEASURE_ROUNDS), goal);
}

#endif
