/* replica SERVICE-URL API-KEY [stream]
 *
 * Say who is calling, on another host than the Cardea service: a thread keeps a copy of its verification table up to
 * date over the feed (libcurl); questions and answers as in checker.c. The API key has the scope `feed`. With "stream"
 * the feed is read as server-sent events, otherwise by long polls.
 *
 *     cc replica.c $(pkg-config --cflags --libs libcardea libcurl) -pthread -o replica
 */
#include <cardea/cardea.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct feed {
    struct cardea_replica *replica;
    CURL *curl;
    const char *service;
    atomic_bool stop;
};

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A piece of an answer. Refusing it ends the transfer. */
static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct feed *feed = context;
    long status = 0;
    curl_easy_getinfo(feed->curl, CURLINFO_RESPONSE_CODE, &status);
    struct cardea_bytes piece = cardea_bytes(bytes, size * count);
    if (status == 200 && !cardea_ok(cardea_replica_take(feed->replica, piece, clock_ms(CLOCK_REALTIME))))
        return 0;
    return atomic_load(&feed->stop) ? 0 : size * count;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&((struct feed *)context)->stop);
}

static void *follow(void *argument)
{
    static const struct timespec pause = {.tv_nsec = 50 * 1000000L};
    struct feed *feed = argument;
    while (!atomic_load(&feed->stop)) {
        char target[CARDEA_REPLICA_TARGET_MAX], url[1024];
        size_t len;
        /* The clock first: the lease counts from before the asking. */
        int64_t boot_ms = clock_ms(CLOCK_BOOTTIME);
        if (!cardea_ok(cardea_replica_ask(feed->replica, boot_ms, target, sizeof target, &len)))
            break;
        snprintf(url, sizeof url, "%s%s", feed->service, target);
        curl_easy_setopt(feed->curl, CURLOPT_URL, url);
        long status = 0;
        bool done = curl_easy_perform(feed->curl) == CURLE_OK;
        curl_easy_getinfo(feed->curl, CURLINFO_RESPONSE_CODE, &status);
        if (!done || status != 200)
            nanosleep(&pause, NULL);
    }
    return NULL;
}

static struct curl_slist *set_up(struct feed *feed, const char *key, bool stream)
{
    static char authorization[256];
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", key);
    struct curl_slist *headers = curl_slist_append(NULL, authorization);
    if (stream)
        headers = curl_slist_append(headers, "Accept: text/event-stream");
    curl_easy_setopt(feed->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(feed->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(feed->curl, CURLOPT_WRITEDATA, feed);
    curl_easy_setopt(feed->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(feed->curl, CURLOPT_XFERINFODATA, feed);
    curl_easy_setopt(feed->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(feed->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(feed->curl, CURLOPT_CONNECTTIMEOUT_MS, 2000L);
    /* A service that says nothing for longer than any lease is gone: ask anew. */
    curl_easy_setopt(feed->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(feed->curl, CURLOPT_LOW_SPEED_TIME, 5L);
    return headers;
}

static struct cardea_status check(struct cardea_checker *checker, const char *kind, const char *text,
                                  struct cardea_caller *caller)
{
    int64_t now_ms = clock_ms(CLOCK_REALTIME), boot_ms = clock_ms(CLOCK_BOOTTIME);
    struct cardea_bytes credential = cardea_text(text);
    if (strcmp(kind, "session") == 0)
        return cardea_check_session(checker, credential, now_ms, boot_ms, caller);
    if (strcmp(kind, "token") == 0)
        return cardea_check_token(checker, credential, now_ms, boot_ms, caller);
    return cardea_check_key(checker, credential, now_ms, boot_ms, caller);
}

static void answer(struct cardea_checker *checker, struct cardea_caller *caller)
{
    static char line[4096], kind[16], text[4096];
    while (fgets(line, sizeof line, stdin) != NULL && sscanf(line, "%15s %4095s", kind, text) == 2) {
        struct cardea_status s = check(checker, kind, text, caller);
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
}

int main(int argc, char **argv)
{
    struct cardea_checker *checker = NULL;
    struct cardea_caller *caller = NULL;
    struct feed feed = {.service = argc > 1 ? argv[1] : "", .curl = curl_easy_init()};
    pthread_t thread;
    if (argc < 3 || feed.curl == NULL || !cardea_ok(cardea_replica_new(0, &feed.replica)) ||
        !cardea_ok(cardea_checker_new(&checker)) || !cardea_ok(cardea_caller_new(&caller)) ||
        !cardea_ok(cardea_checker_issuer(checker, argv[1])) || !cardea_ok(cardea_checker_audience(checker, argv[1])) ||
        !cardea_ok(cardea_checker_replica(checker, feed.replica))) {
        fprintf(stderr, "usage: replica SERVICE-URL API-KEY [stream]\n");
        return 2;
    }
    struct curl_slist *headers = set_up(&feed, argv[2], argc > 3 && strcmp(argv[3], "stream") == 0);
    if (pthread_create(&thread, NULL, follow, &feed) != 0)
        return 1;
    answer(checker, caller);
    atomic_store(&feed.stop, true);
    pthread_join(thread, NULL);
    curl_easy_cleanup(feed.curl);
    curl_slist_free_all(headers);
    cardea_caller_free(caller);
    cardea_checker_free(checker);
    cardea_replica_free(feed.replica);
    return 0;
}
