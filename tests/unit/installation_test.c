#include "check.h"

#include "daemon/installation.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/cardea-installation-XXXXXX";
static char message[512];
static struct config *config;
static unsigned count;

/* Each test has a folder of its own, not there yet. */
static int start(void **state)
{
    (void)state;
    char folder[CONFIG_PATH_MAX];
    struct config_error error;
    const char *environment[] = {NULL};
    snprintf(folder, sizeof folder, "%s/%u/deep", top, ++count);
    const struct config_option options[] = {{"state", folder}};
    return cardea_ok(config_load(NULL, environment, options, 1, config, &error)) ? 0 : -1;
}

static int start_group(void **state)
{
    (void)state;
    config = calloc(1, sizeof *config);
    return config != NULL && mkdtemp(top) != NULL ? 0 : -1;
}

static int stop_group(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", top);
    free(config);
    return system(command);
}

static const char *in(const char *name)
{
    static char path[CONFIG_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", config->state, name);
    return path;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void create(void)
{
    struct installation i;
    struct cardea_status s = installation_open(config, INSTALLATION_CREATE, &i, message, sizeof message);
    if (!cardea_ok(s))
        print_error("%s\n", message);
    assert_ok(s);
    installation_close(&i);
}

#define assert_refused(mode, code, says) check_refused((mode), CARDEA_##code, (says), __FILE__, __LINE__)
static void check_refused(enum installation_mode mode, enum cardea_code code, const char *says, const char *file,
                          int line)
{
    struct installation i;
    memset(&i, 0x5a, sizeof i);
    struct cardea_status s = installation_open(config, mode, &i, message, sizeof message);
    check_code(s, code, file, line);
    if (strstr(message, says) == NULL) {
        print_error("\"%s\" does not say \"%s\"\n", message, says);
        _fail(file, line);
    }
    assert_int_equal(i.lock_fd, 0x5a5a5a5a); /* untouched */
}

static void made_once_and_opened_again(void **state)
{
    (void)state;
    struct installation i;
    assert_ok(installation_open(config, INSTALLATION_CREATE, &i, message, sizeof message));
    assert_true(i.fresh);
    assert_non_null(i.keys->active[TOKEN_ES256]);
    struct key_id first = i.keys->active[TOKEN_ES256]->id;
    installation_close(&i);
    assert_int_equal(mode_of(config->state), 0700);
    assert_int_equal(mode_of(in("master.key")), 0600);
    assert_int_equal(mode_of(in("cardea.db")), 0600);
    assert_int_equal(mode_of(in("lock")), 0600);
    assert_int_equal(mode_of(in(".gitignore")), 0600);
    assert_int_not_equal(access(in("master.key.new"), F_OK), 0);
    assert_ok(installation_open(config, INSTALLATION_OPEN, &i, message, sizeof message));
    assert_false(i.fresh);
    assert_true(ID_SAME(i.keys->active[TOKEN_ES256]->id, first));
    installation_close(&i);
    installation_close(&i); /* twice is safe */
}

/* As one made before there were sealed sessions. */
static void what_an_older_version_lacked_is_made(void **state)
{
    (void)state;
    struct installation i;
    struct store_tx *tx;
    assert_ok(installation_open(config, INSTALLATION_CREATE, &i, message, sizeof message));
    assert_int_equal(i.keys->sealed.count, 1);
    assert_ok(i.store->ops->begin(i.store, STORE_WRITE, installation_boot_ms() + 5000, &tx));
    assert_ok(i.store->ops->key_delete(tx, i.keys->sealed.keys[0].id));
    assert_ok(i.store->ops->commit(tx));
    installation_close(&i);
    assert_ok(installation_open(config, INSTALLATION_OPEN, &i, message, sizeof message));
    assert_int_equal(i.keys->sealed.count, 1);
    struct key_id made = i.keys->sealed.keys[0].id;
    installation_close(&i);
    assert_ok(installation_open(config, INSTALLATION_OPEN, &i, message, sizeof message));
    assert_true(ID_SAME(i.keys->sealed.keys[0].id, made));
    installation_close(&i);
}

static void a_second_one_is_refused(void **state)
{
    (void)state;
    struct installation i;
    assert_ok(installation_open(config, INSTALLATION_CREATE, &i, message, sizeof message));
    assert_refused(INSTALLATION_CREATE, E_BUSY, "in use");
    assert_refused(INSTALLATION_OPEN, E_BUSY, "in use");
    installation_close(&i);
    create();
}

static void nothing_is_made_by_open(void **state)
{
    (void)state;
    assert_refused(INSTALLATION_OPEN, E_NOT_FOUND, "no state folder");
    assert_int_not_equal(access(config->state, F_OK), 0);
    char parent[CONFIG_PATH_MAX];
    snprintf(parent, sizeof parent, "%s", config->state);
    *strrchr(parent, '/') = 0;
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_int_equal(mkdir(config->state, 0700), 0);
    assert_refused(INSTALLATION_OPEN, E_NOT_FOUND, "no installation");
    assert_int_not_equal(access(in("lock"), F_OK), 0);
}

static void an_unsafe_folder_is_refused(void **state)
{
    (void)state;
    create();
    assert_int_equal(chmod(config->state, 0770), 0);
    assert_refused(INSTALLATION_OPEN, E_IO, "chmod 0700");
    assert_int_equal(chmod(config->state, 0702), 0);
    assert_refused(INSTALLATION_CREATE, E_IO, "chmod 0700");
    assert_int_equal(chmod(config->state, 0700), 0);
    create();
}

static void a_file_is_no_folder(void **state)
{
    (void)state;
    char parent[CONFIG_PATH_MAX];
    snprintf(parent, sizeof parent, "%s", config->state);
    *strrchr(parent, '/') = 0;
    assert_int_equal(mkdir(parent, 0700), 0);
    int fd = open(config->state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_refused(INSTALLATION_CREATE, E_IO, "not a folder");
}

static void write_key(const char *text)
{
    FILE *f = fopen(config->master_key_file, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void a_readable_key_is_refused(void **state)
{
    (void)state;
    create();
    assert_int_equal(chmod(config->master_key_file, 0640), 0);
    assert_refused(INSTALLATION_OPEN, E_IO, "others may read");
    assert_int_equal(chmod(config->master_key_file, 0604), 0);
    assert_refused(INSTALLATION_OPEN, E_IO, "others may read");
    assert_int_equal(chmod(config->master_key_file, 0400), 0);
    create();
}

static void a_wrong_key_opens_nothing(void **state)
{
    (void)state;
    create();
    write_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    assert_refused(INSTALLATION_OPEN, E_CORRUPT, "another master key");
    static const char *const texts[] = {"",
                                        "\n",
                                        "AAAA\n",
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n",
                                        "not base64 at all !"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_key(texts[i]);
        assert_refused(INSTALLATION_CREATE, E_CORRUPT, "43 characters");
    }
}

/* A key that went missing is not replaced by one that opens nothing. */
static void a_lost_key_is_not_made_anew(void **state)
{
    (void)state;
    create();
    assert_int_equal(unlink(config->master_key_file), 0);
    assert_refused(INSTALLATION_CREATE, E_NOT_FOUND, "master key");
    assert_int_not_equal(access(config->master_key_file, F_OK), 0);
}

static void a_key_elsewhere_is_never_made(void **state)
{
    (void)state;
    snprintf(config->master_key_file, sizeof config->master_key_file, "%s/elsewhere.key", top);
    assert_refused(INSTALLATION_CREATE, E_NOT_FOUND, "elsewhere.key");
    write_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    assert_int_equal(chmod(config->master_key_file, 0600), 0);
    create();
    assert_int_not_equal(access(in("master.key"), F_OK), 0);
}

/* Killed after the key and before the database: the next start goes on with that key. */
static void a_half_made_one_is_finished(void **state)
{
    (void)state;
    create();
    assert_int_equal(unlink(in("cardea.db")), 0);
    write_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\n");
    int fd = open(in("master.key.new"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    struct installation i;
    assert_ok(installation_open(config, INSTALLATION_CREATE, &i, message, sizeof message));
    assert_true(i.fresh);
    installation_close(&i);
    FILE *f = fopen(config->master_key_file, "r");
    char text[64] = "";
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    assert_string_equal(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\n");
}

static void a_damaged_database_is_refused(void **state)
{
    (void)state;
    create();
    FILE *f = fopen(in("cardea.db"), "w");
    assert_non_null(f);
    fputs("this is not a database, and it is longer than a hundred bytes, so that nobody takes it for an empty one, "
          "not even sqlite",
          f);
    fclose(f);
    struct installation i;
    assert_false(cardea_ok(installation_open(config, INSTALLATION_OPEN, &i, message, sizeof message)));
    assert_true(message[0] != 0);
}

/* Last: it moves this process's clock. */
static void time_never_runs_behind_its_mark(void **state)
{
    (void)state;
    struct installation i;
    int64_t now = installation_wall_ms(), ahead = now + 3600 * 1000, saved;
    assert_ok(installation_open(config, INSTALLATION_CREATE, &i, message, sizeof message));
    const struct store_ops *ops = i.store->ops;
    struct store_tx *tx;
    assert_ok(ops->begin(i.store, STORE_WRITE, installation_boot_ms() + 5000, &tx));
    assert_ok(ops->value_get(tx, "clock_high_water_ms", &saved));
    assert_true(saved >= now - 1000 && saved < ahead);
    assert_ok(ops->value_put(tx, "clock_high_water_ms", ahead));
    assert_ok(ops->commit(tx));
    installation_close(&i);
    assert_true(installation_wall_ms() < ahead);
    assert_true(installation_clock_behind_ms() < 1000);
    assert_ok(installation_open(config, INSTALLATION_OPEN, &i, message, sizeof message));
    assert_int_equal(installation_wall_ms(), ahead);
    assert_true(installation_clock_behind_ms() > 0 && installation_clock_behind_ms() <= 3600 * 1000);
    assert_ok(ops->begin(i.store, STORE_WRITE, installation_boot_ms() + 5000, &tx));
    assert_ok(installation_clock_save(tx, ops));
    assert_ok(ops->value_get(tx, "clock_high_water_ms", &saved));
    assert_int_equal(saved, ahead);
    assert_ok(ops->commit(tx));
    installation_close(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(made_once_and_opened_again, start),
        cmocka_unit_test_setup(what_an_older_version_lacked_is_made, start),
        cmocka_unit_test_setup(a_second_one_is_refused, start),
        cmocka_unit_test_setup(nothing_is_made_by_open, start),
        cmocka_unit_test_setup(an_unsafe_folder_is_refused, start),
        cmocka_unit_test_setup(a_file_is_no_folder, start),
        cmocka_unit_test_setup(a_readable_key_is_refused, start),
        cmocka_unit_test_setup(a_wrong_key_opens_nothing, start),
        cmocka_unit_test_setup(a_lost_key_is_not_made_anew, start),
        cmocka_unit_test_setup(a_key_elsewhere_is_never_made, start),
        cmocka_unit_test_setup(a_half_made_one_is_finished, start),
        cmocka_unit_test_setup(a_damaged_database_is_refused, start),
        cmocka_unit_test_setup(time_never_runs_behind_its_mark, start),
    };
    return cmocka_run_group_tests(tests, start_group, stop_group);
}
