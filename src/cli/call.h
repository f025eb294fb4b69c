/* Calls: a request to the admin API, wherever it is answered.
 *
 * A service that listens on STATE/admin.sock answers it; otherwise the installation is opened and the same exchange
 * runs here (docs/adr/0006). Either way the operator is known by uid.
 */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "cli/command.h"
#include "daemon/installation.h"
#include "http/message.h"

enum { ANSWER_BODY_MAX = 64 * 1024 * 1024, CALL_PATH_MAX = 1024, CALL_WAIT_MS = 5000 };

struct call {
    enum method method;
    char path[CALL_PATH_MAX]; /* with the query */
    struct view body;         /* JSON; empty: none */
};

struct answer {
    unsigned status;
    struct buf body; /* heap */
};

/* Ask. On success *out is the answer, whatever its status; clear it with answer_clear.
 * fails (explained on stderr): no installation, busy, broken connection. */
enum exit_code call_send(struct context *c, const struct call *call, struct answer *out) CARDEA_CHECKED;
/* Ask, and turn a problem into a message on stderr and an exit code. On EXIT_OK *out is the answer. With --wait, a call
 * that changes something waits until that is felt everywhere, and the context keeps what the receipt says. */
enum exit_code call_expect(struct context *c, const struct call *call, struct answer *out) CARDEA_CHECKED;
/* The same for a call whose answer is empty but for a receipt, which --json prints. */
enum exit_code call_do(struct context *c, const struct call *call) CARDEA_CHECKED;
void answer_clear(struct answer *a); /* wipes: an answer may hold a new key */

/* Run the exchange in this process, on an open installation. */
enum exit_code call_local(const struct config *config, struct installation *i, const struct call *call,
                          struct answer *out) CARDEA_CHECKED;
/* What an answer with a problem means; prints its sentence. */
enum exit_code answer_problem(const struct answer *a);

/* Append "name=value" to a path's query, encoded. */
void call_query(struct call *call, const char *name, const char *value);
/* Append one path segment, encoded. */
void call_segment(struct call *call, const char *segment);
struct call call_to(enum method method, const char *path);

/* Everything that a listing answers, page by page.
 * out: pages: the JSON array of each page's items, at most limit items in all; free with pages_clear. */
struct pages {
    struct view *items;
    size_t count;
    struct buf *bodies;
};
enum exit_code call_pages(struct context *c, const struct call *call, uint64_t limit /* 0: all */,
                          struct pages *out) CARDEA_CHECKED;
void pages_clear(struct pages *p);
/* Show them: a table for people, or {items, next_cursor} with --json. */
struct column;
enum exit_code pages_show(const struct context *c, struct pages *p, const struct column *columns, size_t count);

/* The id of a user given by name or id. fails: EXIT_NOT_FOUND. */
enum exit_code call_find_user(struct context *c, const char *user, char out[37]) CARDEA_CHECKED;
/* A call to /v1/admin/users/{id}BELOW of the user that the first word names. fails: EXIT_NOT_FOUND. */
enum exit_code call_to_user(struct context *c, enum method method, const char *below, struct call *out) CARDEA_CHECKED;

#endif
