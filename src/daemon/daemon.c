#include "daemon/daemon.h"

#include "core/audit.h"
#include "daemon/log.h"
#include "daemon/service.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { TEND_EVERY_MS = 250, MESSAGE_MAX = 512, OTHER_FILES = 64 };

/* Every connection is a descriptor; take what we may, and say if it is too little. */
static void raise_descriptor_limit(const struct config *c)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    uint64_t wanted = (uint64_t)c->connections_max * 2 + OTHER_FILES;
    if (limit.rlim_max < wanted)
        log_write(LOG_WARN, "fewer files may be open than limits.connections needs",
                  LOG_FIELDS(LOG_INT("may", limit.rlim_max), LOG_INT("wanted", wanted)));
}

/* Signals are taken by this thread alone, one after the other, never in the middle of something. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void reload_now(struct service *s, struct cardea_status (*reload)(struct config *, struct config_error *))
{
    struct config *c = calloc(1, sizeof *c);
    struct config_error error = {0};
    struct cardea_status status = c == NULL ? CARDEA_FAIL(E_UNAVAILABLE) : reload(c, &error);
    if (cardea_ok(status))
        status = service_reload(s, c);
    if (cardea_ok(status))
        log_write(LOG_INFO, "the configuration was read again", LOG_NOTHING);
    else
        log_write(LOG_ERROR, "the configuration was not changed",
                  LOG_FIELDS(LOG_STATUS(status), LOG_TEXT("file", view_text(error.file)), LOG_INT("line", error.line),
                             LOG_INT("column", error.column), LOG_TEXT("why", view_text(error.text))));
    free(c);
}

static void serve_until_told(struct service *s, const sigset_t *set,
                             struct cardea_status (*reload)(struct config *, struct config_error *))
{
    static const struct timespec step = {.tv_nsec = TEND_EVERY_MS * 1000000L};
    for (;;) {
        int what = sigtimedwait(set, NULL, &step);
        service_tend(s);
        if (what == SIGHUP && reload != NULL)
            reload_now(s, reload);
        else if (what == SIGTERM || what == SIGINT)
            return;
    }
}

/* A core file would hold passwords under way and every key. */
static void forbid_core_files(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
}

int daemon_serve(const struct config *c, struct installation *i,
                 struct cardea_status (*reload)(struct config *out, struct config_error *error))
{
    char message[MESSAGE_MAX] = "";
    sigset_t set;
    block_signals(&set);
    log_start(2, c->log_format, c->log_level);
    raise_descriptor_limit(c);
    forbid_core_files();
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return EXIT_FAILURE;
    struct cardea_status status = service_open(c, i, s, message, sizeof message);
    if (cardea_ok(status)) {
        log_write(LOG_INFO, "serving",
                  LOG_FIELDS(LOG_TEXT("listen", view_text(c->listen.text)), LOG_TEXT("state", view_text(c->state)),
                             LOG_TEXT("version", VIEW(CARDEA_VERSION))));
        if (i->caution[0] != '\0')
            log_write(LOG_WARN, i->caution, LOG_NOTHING);
        serve_until_told(s, &set, reload);
        log_write(LOG_INFO, "stopping", LOG_NOTHING);
    } else {
        log_write(LOG_ERROR, "the service does not start",
                  LOG_FIELDS(LOG_STATUS(status), LOG_TEXT("why", view_text(message))));
    }
    service_close(s);
    free(s);
    if (cardea_ok(status))
        log_write(LOG_INFO, "stopped", LOG_NOTHING);
    return cardea_ok(status) ? EXIT_SUCCESS : EXIT_FAILURE;
}
