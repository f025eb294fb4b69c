/* A database file that appears whole (daemon/whole_file.h): never over another, and nothing half made stays. */
#include "check.h"

#include "daemon/whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cardea-whole-XXXXXX";
static char message[512];

static const char *in(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void holds(const char *path, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_non_null(fgets(got, sizeof got, f));
    assert_int_equal(fclose(f), 0);
    assert_string_equal(got, text);
}

static unsigned files(void)
{
    char command[128], line[64] = "";
    (void)snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *p = popen(command, "re");
    assert_non_null(p);
    assert_non_null(fgets(line, sizeof line, p));
    assert_int_equal(pclose(p), 0);
    return (unsigned)strtoul(line, NULL, 10);
}

static int empty(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s/..?* %s/.[!.]* %s/*", folder, folder, folder);
    return system(command);
}

static void it_appears_with_its_name(void **state)
{
    (void)state;
    struct whole_file f;
    struct stat st;
    assert_ok(whole_file_begin(&f, in("a"), false, message, sizeof message));
    assert_int_equal(access(in("a"), F_OK), -1);
    write_file(f.temporary, "new");
    assert_ok(whole_file_place(&f, message, sizeof message));
    whole_file_end(&f);
    holds(in("a"), "new");
    assert_int_equal(stat(in("a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(files(), 1);
}

static void it_replaces_nothing(void **state)
{
    (void)state;
    struct whole_file f;
    write_file(in("a"), "old");
    assert_ok(whole_file_begin(&f, in("a"), false, message, sizeof message));
    write_file(f.temporary, "new");
    assert_code(whole_file_place(&f, message, sizeof message), E_CONFLICT);
    whole_file_end(&f);
    holds(in("a"), "old");
    assert_int_equal(files(), 1);
}

static void what_is_half_made_is_not_placed(void **state)
{
    (void)state;
    struct whole_file f;
    char log[CONFIG_PATH_MAX + 32];
    assert_ok(whole_file_begin(&f, in("a"), false, message, sizeof message));
    (void)snprintf(log, sizeof log, "%s-wal", f.temporary);
    write_file(log, "log");
    assert_code(whole_file_place(&f, message, sizeof message), E_IO);
    whole_file_end(&f);
    assert_int_equal(files(), 0);
    assert_code(whole_file_begin(&f, in("no/a"), false, message, sizeof message), E_IO);
    whole_file_end(&f);
    assert_code(whole_file_begin(&f, in(""), false, message, sizeof message), E_USAGE);
    whole_file_end(&f);
}

static void what_was_there_is_kept_aside(void **state)
{
    (void)state;
    struct whole_file f;
    char aside[CONFIG_PATH_MAX + 32];
    write_file(in("a"), "old");
    write_file(in("a-wal"), "old log");
    write_file(in("a-shm"), "old index");
    assert_ok(whole_file_begin(&f, in("a"), true, message, sizeof message));
    write_file(f.temporary, "new");
    assert_ok(whole_file_replace(&f, 7, aside, message, sizeof message));
    whole_file_end(&f);
    assert_string_equal(aside, in("a.before-7"));
    holds(in("a"), "new");
    holds(in("a.before-7"), "old");
    holds(in("a.before-7-wal"), "old log");
    assert_int_equal(files(), 3);
    /* Where nothing was there, it is placed. */
    assert_ok(whole_file_begin(&f, in("b"), true, message, sizeof message));
    write_file(f.temporary, "first");
    assert_ok(whole_file_replace(&f, 8, aside, message, sizeof message));
    whole_file_end(&f);
    assert_string_equal(aside, "");
    holds(in("b"), "first");
    assert_int_equal(files(), 4);
}

static void what_a_killed_one_left_goes(void **state)
{
    (void)state;
    struct whole_file killed, f;
    char log[CONFIG_PATH_MAX + 32];
    assert_ok(whole_file_begin(&killed, in("a"), true, message, sizeof message));
    write_file(killed.temporary, "half");
    (void)snprintf(log, sizeof log, "%s-wal", killed.temporary);
    write_file(log, "log");
    assert_ok(whole_file_begin(&f, in("a"), true, message, sizeof message));
    assert_int_equal(files(), 1);
    write_file(f.temporary, "new");
    assert_ok(whole_file_place(&f, message, sizeof message));
    whole_file_end(&f);
    holds(in("a"), "new");
    assert_int_equal(files(), 1);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test_setup(it_appears_with_its_name, empty),
        cmocka_unit_test_setup(it_replaces_nothing, empty),
        cmocka_unit_test_setup(what_is_half_made_is_not_placed, empty),
        cmocka_unit_test_setup(what_was_there_is_kept_aside, empty),
        cmocka_unit_test_setup(what_a_killed_one_left_goes, empty),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(cases, NULL, NULL);
    (void)empty(NULL);
    (void)rmdir(folder);
    return failed;
}
