/* What tests of constant time share: secrets marked as uninitialised, and the count of memcheck's reports. */
#ifndef CT_CT_H
#define CT_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <valgrind/memcheck.h>

static int ct_failed;

static inline void hide(const void *secret, size_t len)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(secret, len);
}

/* What may be known: a verdict, a text that is sent. */
static inline void show(const void *public, size_t len)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(public, len);
}

static inline void expect(const char *what, bool good)
{
    printf("%-60s %s\n", what, good ? "as it should be" : "WRONG");
    ct_failed += !good;
}

static inline void expect_errors(const char *what, unsigned long before, bool some)
{
    expect(what, (VALGRIND_COUNT_ERRORS != before) == some);
}

#endif
