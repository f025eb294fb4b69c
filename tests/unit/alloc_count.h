/* How often did the program ask for memory? For tests that promise "no allocation": malloc, calloc and realloc are
 * counted before glibc answers them. Include it in one file of a test. With a sanitizer, which has its own allocator,
 * ALLOC_COUNTED is 0 and the count stays where it is.
 */
#ifndef UNIT_ALLOC_COUNT_H
#define UNIT_ALLOC_COUNT_H

#include <stddef.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOC_COUNTED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define ALLOC_COUNTED 0
#endif
#endif
#if !defined(ALLOC_COUNTED) && defined(__GLIBC__)
#define ALLOC_COUNTED 1
#elif !defined(ALLOC_COUNTED)
#define ALLOC_COUNTED 0
#endif

static _Atomic size_t alloc_count;

#if ALLOC_COUNTED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
    alloc_count++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    alloc_count++;
    return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    alloc_count++;
    return __libc_realloc(p, size);
}
#endif

#endif
