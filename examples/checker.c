/* checker SOCKET ISSUER AUDIENCE
 *
 * Say who is calling, from the verification table of a Cardea service on this host. Reads questions, one a line:
 * "session VALUE" (of the cookie __Host-cardea), "token TEXT" or "key TEXT"; writes one line for each: "yes METHOD
 * USERNAME ROLES", "no", "ask" (the service, which knows what the table does not), or "unavailable".
 *
 *     cc checker.c $(pkg-config --cflags --libs libcardea) -o checker
 */
#include <cardea/cardea.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct cardea_status check(struct cardea_checker *checker, const char *kind, const char *text,
                                  struct cardea_caller *caller)
{
    /* The request has been read: now the clocks, and not before. */
    int64_t now_ms = clock_ms(CLOCK_REALTIME), boot_ms = clock_ms(CLOCK_BOOTTIME);
    struct cardea_bytes credential = cardea_text(text);
    if (strcmp(kind, "session") == 0)
        return cardea_check_session(checker, credential, now_ms, boot_ms, caller);
    if (strcmp(kind, "token") == 0)
        return cardea_check_token(checker, credential, now_ms, boot_ms, caller);
    return cardea_check_key(checker, credential, now_ms, boot_ms, caller);
}

int main(int argc, char **argv)
{
    static char line[4096], kind[16], text[4096];
    struct cardea_checker *checker = NULL;
    struct cardea_caller *caller = NULL;
    if (argc != 4 || !cardea_ok(cardea_checker_new(&checker)) || !cardea_ok(cardea_caller_new(&caller)) ||
        !cardea_ok(cardea_checker_issuer(checker, argv[2])) || !cardea_ok(cardea_checker_audience(checker, argv[3]))) {
        fprintf(stderr, "usage: checker SOCKET ISSUER AUDIENCE\n");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL && sscanf(line, "%15s %4095s", kind, text) == 2) {
        struct cardea_status s = check(checker, kind, text, caller);
        /* The service has stopped, or was started anew: its new table is a connection away. */
        if (cardea_checker_lost(checker) && cardea_ok(cardea_checker_connect(checker, argv[1])))
            s = check(checker, kind, text, caller);
        if (cardea_ok(s))
            printf("yes %s %s %s\n", cardea_caller_method(caller), cardea_caller_username(caller),
                   cardea_caller_roles(caller));
        else if (s.code == CARDEA_E_NOT_FOUND)
            printf("ask\n");
        else if (cardea_status_class(s) == CARDEA_CLASS_DENIED || s.code == CARDEA_E_EXPIRED)
            printf("no\n");
        else
            printf("unavailable\n");
        fflush(stdout);
    }
    cardea_caller_free(caller);
    cardea_checker_free(checker);
    return 0;
}
