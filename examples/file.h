/* What the examples share: a whole file in memory. */
#ifndef EXAMPLES_FILE_H
#define EXAMPLES_FILE_H

#include "cardea/bytes.h"

#include <stdio.h>

/* Into out; nothing (ptr NULL) where the file can not be read or does not fit. */
static inline struct cardea_bytes file_read(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return cardea_bytes(NULL, 0);
    size_t len = fread(out, 1, cap, f);
    int whole = !ferror(f) && feof(f);
    fclose(f);
    return whole ? cardea_bytes(out, len) : cardea_bytes(NULL, 0);
}

#endif
