/* A driver for tests of the HTTP layer: a whole site (SQLite store in a temporary folder, keys, table, guessing)
 * without a socket. It builds a request, walks it through the stages as the service does, committing and applying to
 * the table, and keeps the answer.
 *
 * A client is a cookie jar with the few headers that clients differ in. Time stands still until the test moves it.
 *
 *     struct client c = {0};
 *     struct reply r;
 *     drive(&c, &r, METHOD_POST, "/v1/login", "{\"username\":\"alice\",\"password\":\"…\"}");
 *     assert_int_equal(r.status, 200);
 *     assert_text(reply_text(&r, "user.username"), "alice");
 */
#ifndef UNIT_HTTP_DRIVER_H
#define UNIT_HTTP_DRIVER_H

#include "check.h"

#include "base/json.h"
#include "core/account.h"
#include "http/cookie.h"
#include "http/endpoint.h"

#define OUR_ORIGIN "http://127.0.0.1:8420"
#define ALICE_PASSWORD "correct horse battery 7"
#define LOGIN_OK "{\"username\":\"alice\",\"password\":\"" ALICE_PASSWORD "\"}"

enum { REPLY_BODY_MAX = 256 * 1024, REPLY_TOKENS_MAX = 8192, EXTRA_HEADERS_MAX = 12, JAR_VALUE_MAX = 2200 };

struct client {
    char jar[COOKIE_COUNT][JAR_VALUE_MAX]; /* sent with every request, updated by every answer; "" none */
    char csrf[64];                         /* sent as X-CSRF-Token; updated by every answer that has one */
    char bearer[JAR_VALUE_MAX];            /* sent as Authorization: Bearer */
    const char *origin, *fetch_site, *content_type /* default application/json with a body; "" none */;
    const char *extra[EXTRA_HEADERS_MAX]; /* name, value, name, value … NULL */
    const char *address;                  /* default 192.0.2.1 */
    enum entrance entrance;               /* default MAIN */
    bool forget;                          /* leave jar, csrf and bearer as they are */
};

struct reply {
    int status;
    char body[REPLY_BODY_MAX];
    size_t body_len;
    char heads[32][2][2300]; /* name, value */
    uint32_t head_count;
    struct json_token tokens[REPLY_TOKENS_MAX];
    struct json json; /* empty when the body is none */
};

struct driver {
    struct settings settings;
    struct site site;
    struct table_writer *writer;
    int64_t now_ms, boot_ahead_ms; /* the boot clock goes with the time, and on where that stands still */
};
extern struct driver driver;

/* Fixtures: a fresh site; alice (active, no role) and root (role admin) with ALICE_PASSWORD. */
int driver_open(void **state);
int driver_close(void **state);
struct user_record driver_add_user(const char *username, const char *roles, const char *email, bool email_verified);
struct user_record driver_user(const char *username);
/* Change a user as an administrator would: through store and table. */
void driver_put_user(const struct user_record *u);
/* A table that holds alice and root and no session, as if it had had no room for any. */
void driver_forget_sessions(void);
/* The newest journal row of a type for which there may be none; returns how many there are. */
uint32_t driver_events(const char *type, struct event *ret_newest);

void drive(struct client *c, struct reply *r, enum method method, const char *target, const char *body);
/* The same in halves, to put something between begin and commit. */
struct driving {
    struct exchange *x;
    enum stage stage;
    bool worked; /* a stage ran that may block */
};
void drive_begin(struct client *c, struct driving *d, enum method method, const char *target, const char *body);
void drive_end(struct client *c, struct driving *d, struct reply *r);

/* A test on a fresh site. */
#define SITE_TEST(f) cmocka_unit_test_setup_teardown(f, driver_open, driver_close)

/* Log in as `username` with ALICE_PASSWORD at an app; asserts 200. */
void log_in(struct client *c, struct reply *r, const char *username, const char *app);

/* The value of a header, NULL when absent; the nth of that name. */
const char *reply_header(const struct reply *r, const char *name, unsigned n);
/* A member by path ("user.roles.0" walks lists), as text; empty view when absent. */
struct view reply_text(const struct reply *r, const char *path);
uint32_t reply_token(const struct reply *r, const char *path);
int64_t reply_int(const struct reply *r, const char *path);
/* Status, code and the form of a problem; Cache-Control too. */
#define assert_problem(r, status, code) check_problem((r), (status), (code), __FILE__, __LINE__)
void check_problem(const struct reply *r, int status, const char *code, const char *file, int line);
#define assert_status(r, wanted) check_status((r), (wanted), __FILE__, __LINE__)
void check_status(const struct reply *r, int wanted, const char *file, int line);

#endif
