#include "daemon/installation.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "daemon/engines.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MASTER_KEY_BYTES = 32,
    MASTER_KEY_TEXT = 43,         /* base64url, then a line feed */
    OPEN_DEADLINE_MS = 10000,     /* for the first transaction */
    CLOCK_STEP_MS = 1000,         /* the floor of the clock follows it in such steps */
    CLOCK_WRITE_AFTER_MS = 60000, /* a command does not sync the disk for less */
};

static const char clock_value[] = "clock_high_water_ms";

/* The largest time that was ever seen, in steps; shared by all threads of the process. */
static _Atomic int64_t clock_floor_ms;

struct outcome { /* where failures are described */
    char *message;
    size_t cap;
};

__attribute__((format(printf, 3, 4))) static struct cardea_status
fail(const struct outcome *o, struct cardea_status why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(o->message, o->cap, format, args);
    va_end(args);
    return why;
}

int64_t installation_boot_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void raise_floor(int64_t ms)
{
    int64_t floor = atomic_load_explicit(&clock_floor_ms, memory_order_relaxed);
    while (floor < ms && !atomic_compare_exchange_weak_explicit(&clock_floor_ms, &floor, ms, memory_order_relaxed,
                                                                memory_order_relaxed))
        ;
}

int64_t installation_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    int64_t floor = atomic_load_explicit(&clock_floor_ms, memory_order_relaxed);
    if (now < floor)
        return floor;
    /* Not at every call: the word is shared by all cores. */
    if (now - floor >= CLOCK_STEP_MS)
        raise_floor(now);
    return now;
}

int64_t installation_clock_behind_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t behind =
        atomic_load_explicit(&clock_floor_ms, memory_order_relaxed) - ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
    return behind > 0 ? behind : 0;
}

struct cardea_status installation_clock_save(struct store_tx *tx, const struct store_ops *ops)
{
    return ops->value_raise(tx, clock_value, installation_wall_ms()); /* other nodes write it too */
}

void installation_socket_path(const struct config *c, char *out, size_t cap)
{
    snprintf(out, cap, "%s/admin.sock", c->state);
}

static struct cardea_status path_in(const struct config *c, const char *name, char out[CONFIG_PATH_MAX],
                                    const struct outcome *o)
{
    if (snprintf(out, CONFIG_PATH_MAX, "%s/%s", c->state, name) >= CONFIG_PATH_MAX)
        return fail(o, CARDEA_FAIL(E_USAGE), "the path of the state folder is too long");
    return CARDEA_SUCCESS;
}

/* Write a whole new file and make it durable. Fails when it is there. */
static int write_new(const char *path, const char *text, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return errno;
    int failed = 0;
    for (size_t done = 0; done < len && failed == 0;) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno != EINTR)
            failed = errno;
        else if (n > 0)
            done += (size_t)n;
    }
    if (failed == 0 && fsync(fd) != 0)
        failed = errno;
    if (close(fd) != 0 && failed == 0)
        failed = errno;
    if (failed != 0)
        unlink(path);
    return failed;
}

/* The same, and never half of it: under another name first. */
static int place_new(const char *path, const char *text, size_t len)
{
    char temporary[CONFIG_PATH_MAX + 8];
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    unlink(temporary);
    int failed = write_new(temporary, text, len, 0600);
    if (failed == 0 && link(temporary, path) != 0)
        failed = errno;
    unlink(temporary);
    return failed;
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int failed = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return failed;
}

/* The folder with all above it, as mkdir -p does; only the last one is ours and gets 0700. */
static int make_folder(const char *path)
{
    char part[CONFIG_PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part))
        return ENAMETOOLONG;
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/')
            continue;
        part[i] = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return errno;
        part[i] = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

static struct cardea_status open_folder(const struct config *c, enum installation_mode mode, const struct outcome *o)
{
    struct stat st;
    if (mode == INSTALLATION_CREATE) {
        int failed = make_folder(c->state);
        if (failed != 0)
            return fail(o, CARDEA_FAIL(E_IO), "the state folder %s can not be made: %s", c->state, strerror(failed));
    }
    if (stat(c->state, &st) != 0) {
        if (errno == ENOENT)
            return fail(o, CARDEA_FAIL(E_NOT_FOUND),
                        "there is no state folder %s: name another, or make it with cardea init", c->state);
        return fail(o, CARDEA_FAIL(E_IO), "the state folder %s: %s", c->state, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode))
        return fail(o, CARDEA_FAIL(E_IO), "%s is not a folder", c->state);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return fail(o, CARDEA_FAIL(E_IO), "the state folder %s belongs to another user", c->state);
    if ((st.st_mode & 0022) != 0)
        return fail(o, CARDEA_FAIL(E_IO), "others may write to the state folder %s; chmod 0700 it", c->state);
    if (mode == INSTALLATION_CREATE) {
        char path[CONFIG_PATH_MAX];
        struct cardea_status s = path_in(c, ".gitignore", path, o);
        if (!cardea_ok(s))
            return s;
        int failed = write_new(path, "*\n", 2, 0600);
        if (failed != 0 && failed != EEXIST)
            return fail(o, CARDEA_FAIL(E_IO), "%s can not be written: %s", path, strerror(failed));
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status take_lock(const struct config *c, enum installation_mode mode, int *ret_fd,
                                      const struct outcome *o)
{
    char path[CONFIG_PATH_MAX];
    struct cardea_status s = path_in(c, "lock", path, o);
    if (!cardea_ok(s))
        return s;
    int create = mode == INSTALLATION_CREATE ? O_CREAT : 0;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | create, 0600);
    if (fd < 0)
        return fail(o, cardea_status(errno == ENOENT ? CARDEA_E_NOT_FOUND : CARDEA_E_IO),
                    "%s holds no installation: %s: %s", c->state, path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int failed = errno;
        close(fd);
        if (failed == EWOULDBLOCK)
            return fail(o, CARDEA_FAIL(E_BUSY), "the installation in %s is in use by a running process", c->state);
        return fail(o, CARDEA_FAIL(E_IO), "%s can not be locked: %s", path, strerror(failed));
    }
    *ret_fd = fd;
    return CARDEA_SUCCESS;
}

static struct cardea_status make_master_key(const char *path, const struct outcome *o)
{
    uint8_t key[MASTER_KEY_BYTES];
    char text[MASTER_KEY_TEXT + 1];
    entropy_fill(entropy_system(), key, sizeof(key));
    base64url_encode(key, sizeof(key), text);
    text[MASTER_KEY_TEXT] = '\n';
    int failed = place_new(path, text, sizeof(text));
    secret_wipe(key, sizeof(key));
    secret_wipe(text, sizeof(text));
    if (failed != 0 && failed != EEXIST)
        return fail(o, CARDEA_FAIL(E_IO), "the master key %s can not be written: %s", path, strerror(failed));
    return CARDEA_SUCCESS;
}

static struct cardea_status parse_master_key(const char *path, char *text, size_t len, struct master_key **out,
                                             const struct outcome *o)
{
    uint8_t key[MASTER_KEY_BYTES];
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (!cardea_ok(base64url_decode_exact(view_of(text, len), key, sizeof(key))))
        return fail(o, CARDEA_FAIL(E_CORRUPT),
                    "the master key file %s must hold 32 bytes as %d characters of base64url", path, MASTER_KEY_TEXT);
    *out = master_key_new(key);
    secret_wipe(key, sizeof(key));
    return *out != NULL ? CARDEA_SUCCESS : fail(o, CARDEA_FAIL(E_UNAVAILABLE), "out of memory for the master key");
}

static struct cardea_status read_master_key(const char *path, struct master_key **out, const struct outcome *o)
{
    char text[128];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(o, cardea_status(errno == ENOENT ? CARDEA_E_NOT_FOUND : CARDEA_E_IO),
                    "the master key %s can not be read: %s", path, strerror(errno));
    struct cardea_status s = CARDEA_SUCCESS;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        s = fail(o, CARDEA_FAIL(E_IO), "the master key %s is not a file", path);
    else if ((st.st_mode & 0077) != 0)
        s = fail(o, CARDEA_FAIL(E_IO), "others may read the master key %s; chmod 0600 it", path);
    else if (st.st_uid != geteuid() && st.st_uid != 0)
        s = fail(o, CARDEA_FAIL(E_IO), "the master key %s belongs to another user", path);
    ssize_t n = cardea_ok(s) ? read(fd, text, sizeof(text)) : 0;
    close(fd);
    if (!cardea_ok(s))
        return s;
    if (n < 0)
        return fail(o, CARDEA_FAIL(E_IO), "the master key %s can not be read: %s", path, strerror(errno));
    s = parse_master_key(path, text, (size_t)n, out, o);
    secret_wipe(text, sizeof(text));
    return s;
}

static struct cardea_status open_master_key(const struct config *c, enum installation_mode mode, struct installation *i,
                                            const struct outcome *o)
{
    char own[CONFIG_PATH_MAX];
    struct cardea_status s = path_in(c, "master.key", own, o);
    if (!cardea_ok(s))
        return s;
    /* Only the embedded default is made, and only before there is a database: a key that went missing must not be
     * replaced by one that opens nothing. */
    const char *database = engines_database(c->accounts);
    bool may = mode == INSTALLATION_CREATE && strcmp(own, c->master_key_file) == 0;
    if (may && database == NULL && access(own, F_OK) != 0)
        return CARDEA_SUCCESS; /* only the database can tell: first_master_key */
    if (may && database != NULL && access(database, F_OK) != 0)
        s = make_master_key(own, o);
    return cardea_ok(s) ? read_master_key(c->master_key_file, &i->master, o) : s;
}

static struct cardea_status open_store(const struct config *c, enum installation_mode mode, struct installation *i,
                                       const struct outcome *o)
{
    const char *path = engines_database(c->accounts);
    if (path != NULL && mode == INSTALLATION_OPEN && access(path, F_OK) != 0)
        return fail(o, CARDEA_FAIL(E_NOT_FOUND), "there is no database %s", path);
    struct cardea_status s = engines_open(c->accounts, c->sessions, installation_boot_ms, installation_wall_ms,
                                          &i->store, o->message, o->cap);
    if (cardea_ok(s)) {
        snprintf(i->caution, sizeof i->caution, "%s", o->message);
        o->message[0] = '\0';
    }
    return s;
}

static struct key_work key_work_of(struct store_tx *tx, const struct store_ops *ops, const struct installation *i)
{
    return (struct key_work){
        .tx = tx, .ops = ops, .master = i->master, .entropy = entropy_system(), .now_ms = installation_wall_ms()};
}

/* An older version's installation lacks what was not there then. */
static struct cardea_status complete_keys(struct store_tx *tx, const struct store_ops *ops, struct installation *i,
                                          bool *ret_changed)
{
    const struct key_work w = key_work_of(tx, ops, i);
    struct keyring *whole = NULL;
    bool made = false;
    struct cardea_status s = keyring_complete(&w, &made);
    if (!cardea_ok(s) || !made)
        return s;
    s = keyring_load(tx, ops, i->master, 1, &whole);
    if (!cardea_ok(s))
        return s;
    keyring_unref(i->keys);
    i->keys = whole;
    *ret_changed = true;
    return s;
}

/* A server's database that holds no keys yet is a new installation's, and gets a master key; one that holds some has
 * its master key already, elsewhere. Listing the keys in a WRITE keeps other nodes from making theirs meanwhile. */
static struct cardea_status first_master_key(struct store_tx *tx, const struct store_ops *ops, const struct config *c,
                                             struct installation *i, const struct outcome *o)
{
    struct key_record any;
    uint32_t count = 0;
    struct cardea_status s = ops->key_list(tx, &any, 1, &count);
    if (s.code == CARDEA_E_LIMIT || (cardea_ok(s) && count > 0))
        return fail(o, CARDEA_FAIL(E_NOT_FOUND),
                    "the database holds an installation already, and %s is missing: copy its master key there, or name "
                    "it by master_key_file",
                    c->master_key_file);
    if (!cardea_ok(s))
        return fail(o, s, "the database can not be read");
    s = make_master_key(c->master_key_file, o);
    if (cardea_ok(s) && sync_folder(c->state) != 0)
        s = fail(o, CARDEA_FAIL(E_IO), "the state folder %s can not be synced", c->state);
    return cardea_ok(s) ? read_master_key(c->master_key_file, &i->master, o) : s;
}

/* Inside the first transaction: keys, and the time. create: make keys of these formats where there are none; NULL: such
 * is no installation. *ret_changed: something was written. */
static struct cardea_status first_steps(struct store_tx *tx, const struct config *c, const token_formats *create,
                                        struct installation *i, bool *ret_changed, const struct outcome *o)
{
    const struct store_ops *ops = i->store->ops;
    int64_t saved = 0;
    struct cardea_status s = ops->value_get(tx, clock_value, &saved);
    if (!cardea_ok(s) && s.code != CARDEA_E_NOT_FOUND)
        return fail(o, s, "the database can not be read");
    raise_floor(saved);
    if (i->master == NULL)
        s = first_master_key(tx, ops, c, i, o);
    if (i->master == NULL)
        return s;
    s = keyring_load(tx, ops, i->master, 1, &i->keys);
    if (s.code == CARDEA_E_NOT_FOUND && create != NULL) {
        const struct key_work w = key_work_of(tx, ops, i);
        s = keyring_create(&w, *create);
        if (cardea_ok(s))
            s = keyring_load(tx, ops, i->master, 1, &i->keys);
        i->fresh = true;
        *ret_changed = true;
    }
    if (cardea_ok(s) && i->keys->sealed.count == 0)
        s = complete_keys(tx, ops, i, ret_changed);
    if (s.code == CARDEA_E_NOT_FOUND)
        return fail(o, s, "the database holds no keys: make the installation with cardea init");
    if (s.code == CARDEA_E_CORRUPT)
        return fail(o, s, "the keys in the database do not open: it was made with another master key, or is damaged");
    if (!cardea_ok(s))
        return fail(o, s, "the keys can not be loaded: %s", cardea_status_title(s));
    if (installation_wall_ms() - saved >= CLOCK_WRITE_AFTER_MS) {
        s = installation_clock_save(tx, ops);
        *ret_changed = true;
    }
    return cardea_ok(s) ? s : fail(o, s, "the time can not be written to the database");
}

static struct cardea_status first_transaction(const struct config *c, const token_formats *create,
                                              struct installation *i, const struct outcome *o)
{
    const struct store_ops *ops = i->store->ops;
    struct store_tx *tx;
    bool changed = false;
    struct cardea_status s = ops->begin(i->store, STORE_WRITE, installation_boot_ms() + OPEN_DEADLINE_MS, &tx);
    if (!cardea_ok(s))
        return fail(o, s, "the database can not be written: %s", cardea_status_title(s));
    s = first_steps(tx, c, create, i, &changed, o);
    if (!cardea_ok(s) || !changed) {
        ops->abort(tx);
        return s;
    }
    s = ops->commit(tx);
    return cardea_ok(s) ? s : fail(o, s, "the database can not be written: %s", cardea_status_title(s));
}

/* Where several nodes start at once on an empty database, one makes the keys, and the others wait for it; for longer,
 * it may be, than one wait for a lock lasts. */
static struct cardea_status take_first_steps(const struct config *c, const token_formats *create,
                                             struct installation *i, const struct outcome *o)
{
    int64_t until_ms = installation_boot_ms() + OPEN_DEADLINE_MS;
    if (i->store == NULL)
        return CARDEA_FAIL(E_INTERNAL);
    for (;;) {
        struct cardea_status s = first_transaction(c, create, i, o);
        if (s.code != CARDEA_E_UNAVAILABLE || !engines_shared(c->accounts) || installation_boot_ms() >= until_ms)
            return s;
        keyring_unref(i->keys);
        i->keys = NULL;
        i->fresh = false;
    }
}

struct cardea_status installation_open(const struct config *c, enum installation_mode mode, struct installation *out,
                                       char *message, size_t message_cap)
{
    struct outcome o = {message, message_cap};
    struct installation i = {.lock_fd = -1};
    const token_formats formats = settings_token_formats(&c->settings);
    message[0] = 0;
    /* The files of the database take their mode from here. */
    umask(0077);
    struct cardea_status s = crypto_start();
    if (!cardea_ok(s))
        return fail(&o, s, "the cryptographic libraries do not start");
    s = open_folder(c, mode, &o);
    if (cardea_ok(s))
        s = take_lock(c, mode, &i.lock_fd, &o);
    if (cardea_ok(s))
        s = open_master_key(c, mode, &i, &o);
    if (cardea_ok(s))
        s = open_store(c, mode, &i, &o);
    if (cardea_ok(s))
        s = take_first_steps(c, mode == INSTALLATION_CREATE ? &formats : NULL, &i, &o);
    if (cardea_ok(s) && i.fresh && sync_folder(c->state) != 0)
        s = fail(&o, CARDEA_FAIL(E_IO), "the state folder %s can not be synced", c->state);
    if (!cardea_ok(s)) {
        installation_close(&i);
        return s;
    }
    *out = i;
    return s;
}

struct cardea_status installation_lock(const struct config *c, enum installation_mode mode, bool master,
                                       struct installation *out, char *message, size_t message_cap)
{
    struct outcome o = {message, message_cap};
    struct installation i = {.lock_fd = -1};
    message[0] = 0;
    umask(0077);
    struct cardea_status s = crypto_start();
    if (!cardea_ok(s))
        return fail(&o, s, "the cryptographic libraries do not start");
    s = open_folder(c, mode, &o);
    if (cardea_ok(s))
        s = take_lock(c, mode, &i.lock_fd, &o);
    if (cardea_ok(s) && master)
        s = read_master_key(c->master_key_file, &i.master, &o);
    if (!cardea_ok(s)) {
        installation_close(&i);
        return s;
    }
    *out = i;
    return s;
}

void installation_close(struct installation *i)
{
    if (i->keys != NULL)
        keyring_unref(i->keys);
    if (i->store != NULL)
        i->store->ops->close(i->store);
    master_key_free(i->master);
    if (i->lock_fd >= 0)
        close(i->lock_fd); /* last: until here nobody else may open */
    *i = (struct installation){.lock_fd = -1};
}
