/* What in-process benchmarks share: clocks, medians, one row a figure (a JSON object with --json, else text), and for
 * small operations two things measured side by side in alternating rounds.
 *
 *     measure_side_by_side("verify ES256", ours, "bare EVP_PKEY_verify", bare, 200, 1.05);
 *
 * More than two: struct subject and measure_interleaved, then figure_beside for each pair that is to be told.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEASURE_ROUNDS = 41, SUBJECT_ROUNDS = 201, SUBJECT_ROUND_NS = 800000 };

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

/* Of this thread's processor time: the machine may have others to serve. */
static inline double measure_cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
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

struct figure {
    const char *name;
    double value;
    const char *unit;
    const char *against; /* what it is held against; NULL: nothing */
    double rival;        /* that one's value */
    double ratio;        /* 0: value / rival */
    double goal;         /* 0: none */
    enum { GOAL_AT_MOST = 0, GOAL_AT_LEAST, GOAL_RATIO_AT_MOST, GOAL_NONE_AT_ALL } goal_is;
};

static inline bool figure_met(const struct figure *f, double ratio)
{
    if (f->goal_is == GOAL_NONE_AT_ALL)
        return f->value == 0;
    return f->goal_is == GOAL_AT_LEAST ? f->value >= f->goal
                                       : (f->goal_is == GOAL_RATIO_AT_MOST ? ratio : f->value) <= f->goal;
}

static inline void figure_print(const struct figure *f)
{
    double ratio = f->against == NULL ? 0 : f->ratio > 0 ? f->ratio : f->value / f->rival;
    if (measure_json) {
        printf("{\"name\":\"%s\",\"value\":%.7g,\"unit\":\"%s\"", f->name, f->value, f->unit);
        if (f->against != NULL)
            printf(",\"against\":\"%s: %.7g\",\"ratio\":%.3f", f->against, f->rival, ratio);
        if (f->goal > 0 || f->goal_is == GOAL_NONE_AT_ALL)
            printf(",\"goal\":%.7g,\"met\":%s", f->goal, figure_met(f, ratio) ? "true" : "false");
        puts("}");
    } else {
        printf("%-64s %10.5g %-6s", f->name, f->value, f->unit);
        if (f->against != NULL)
            printf("  %6.3f of %s (%.7g)", ratio, f->against, f->rival);
        if (f->goal > 0 || f->goal_is == GOAL_NONE_AT_ALL)
            printf("  goal %.7g: %s", f->goal, figure_met(f, ratio) ? "met" : "MISSED");
        putchar('\n');
    }
    (void)fflush(stdout);
}

/* One of several operations that are measured in turn. */
struct subject {
    const char *name;
    measured *f;
    double ns[SUBJECT_ROUNDS], median;
    size_t count; /* calls a round */
};

/* Short rounds in turn, of processor time, so that a slow spell of the machine meets all of them. */
static inline void measure_interleaved(struct subject *subjects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double once = 0;
        subjects[i].f(0); /* the first call is like no other */
        for (size_t warm = 8; once * (double)warm < SUBJECT_ROUND_NS; warm *= 2) {
            double start = measure_cpu_ns();
            for (size_t n = 0; n < warm; n++)
                subjects[i].f(n);
            once = (measure_cpu_ns() - start) / (double)warm;
        }
        subjects[i].count = (size_t)(SUBJECT_ROUND_NS / once) + 1;
    }
    for (size_t round = 0; round < SUBJECT_ROUNDS; round++)
        for (size_t i = 0; i < count; i++) {
            struct subject *s = &subjects[i];
            double start = measure_cpu_ns();
            for (size_t n = 0; n < s->count; n++)
                s->f(n);
            s->ns[round] = (measure_cpu_ns() - start) / (double)s->count;
        }
    for (size_t i = 0; i < count; i++) {
        double sorted[SUBJECT_ROUNDS];
        memcpy(sorted, subjects[i].ns, sizeof sorted);
        subjects[i].median = measure_median(sorted, SUBJECT_ROUNDS);
    }
}

/* The median of the rounds' ratios. */
static inline double measure_ratio(const struct subject *ours, const struct subject *theirs)
{
    double ratio[SUBJECT_ROUNDS];

    for (size_t i = 0; i < SUBJECT_ROUNDS; i++)
        ratio[i] = ours->ns[i] / theirs->ns[i];
    return measure_median(ratio, SUBJECT_ROUNDS);
}

static inline void figure_beside(const char *name, const struct subject *ours, const struct subject *theirs,
                                 double goal)
{
    figure_print(&(struct figure){.name = name,
                                  .value = ours->median,
                                  .unit = "ns",
                                  .against = theirs->name,
                                  .rival = theirs->median,
                                  .ratio = measure_ratio(ours, theirs),
                                  .goal = goal,
                                  .goal_is = GOAL_RATIO_AT_MOST});
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
    figure_print(&(struct figure){.name = name,
                                  .value = measure_median(a, MEASURE_ROUNDS),
                                  .unit = "ns",
                                  .against = against,
                                  .rival = measure_median(b, MEASURE_ROUNDS),
                                  .ratio = measure_median(ratio, MEASURE_ROUNDS),
                                  .goal = goal,
                                  .goal_is = GOAL_RATIO_AT_MOST});
}

#endif
