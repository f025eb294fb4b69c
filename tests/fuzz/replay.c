/* Runs a fuzz driver on every file of the folders named as arguments. A folder that is not there has no files; that no
 * file at all was found is a failure. */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

static void run_file(const char *path)
{
    /* Exactly as large as the input, so that a sanitizer sees a read past its end. */
    uint8_t *whole = malloc(INPUT_MAX);
    FILE *file = fopen(path, "rb");
    EXPECT(whole != NULL && file != NULL);
    size_t size = fread(whole, 1, INPUT_MAX, file);
    EXPECT(ferror(file) == 0 && feof(file) != 0);
    fclose(file);
    uint8_t *data = malloc(size > 0 ? size : 1);
    EXPECT(data != NULL);
    memcpy(data, whole, size);
    free(whole);
    printf("%s\n", path);
    fflush(stdout); /* the name of the culprit must be out before a crash */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned run_folder(const char *folder)
{
    unsigned files = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        EXPECT(n > 0 && (size_t)n < sizeof path);
        run_file(path);
        files++;
    }
    closedir(dir);
    return files;
}

int main(int argc, char **argv)
{
    unsigned files = 0;
    for (int i = 1; i < argc; i++)
        files += run_folder(argv[i]);
    printf("%u inputs replayed\n", files);
    return files > 0 ? 0 : 1;
}
