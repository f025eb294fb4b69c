/* One stream of the feed: feed_stream.c makes its bytes, feed.c keeps it among the others. Nobody else includes it. */
#ifndef DAEMON_FEED_STREAM_H
#define DAEMON_FEED_STREAM_H

#include "daemon/feed.h"

#include <pthread.h>

struct remote {
    bool used;
    uint8_t id[16];
    struct api_key_id key;
    uint32_t streams;      /* open ones */
    uint64_t n, written_n; /* what it has; what the registry says */
    uint64_t renewals;     /* as written */
    int64_t heard_ms;      /* when it asked last, or had read all of a passage and got another */
    int64_t renewed_ms;    /* before the last writing began; INT64_MIN: not yet */
    int64_t tried_ms;      /* when it was to be written last, whether it was or not; INT64_MIN: never */
};

struct feed {
    struct feed_host host;
    struct feed_log *log;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t come;
    bool changed, stopping, running;
    uint32_t stream_count;
    uint64_t snapshots, hurries;
    struct feed_stream *streams; /* all of them */
    struct remote remotes[FEED_REMOTES_MAX];
    int64_t full_logged_ms; /* of feed_renew's thread */
};

enum passage {
    PASSAGE_REST = 0,
    PASSAGE_ENTRIES,
    PASSAGE_WALK,
    PASSAGE_APPS,
    PASSAGE_KEYS,
    PASSAGE_FINISH,
    PASSAGE_OVER
};

struct feed_stream {
    struct stream base; /* first */
    struct feed *feed;
    struct feed_request ask;
    struct remote *remote;
    struct feed_stream *next, *previous;
    /* While it waits; feed->lock guards these. */
    bool waiting;
    int64_t wake_at_ms;
    struct stream_host host;

    int64_t tick_ms; /* a passage is due, whether there is something or not */
    int64_t ends_ms; /* of an event stream */
    uint64_t position;
    bool known;
    uint64_t hurries; /* of the feed, when it was opened */
    bool last;        /* the passage under way is the last one */

    /* The passage under way. */
    enum passage passage;
    bool snapshot, tell_apps, tell_keys;
    uint64_t head, read_to;
    uint64_t cleared; /* the table's count, before it was seen to be valid */
    int64_t lease_ms, held_ms;
    struct table_walk walk;
    uint16_t app_next;
    uint32_t key_count, key_next;
    bool keys_begun, broken;
    struct key_id kids[TABLE_KEYS_LIMIT];
    struct feed_line line;

    size_t out_at, out_len;
    char out[FEED_CHUNK];
};

/* What may be given to this stream at most, from now on; 0: nothing yet. feed->lock is held. */
int64_t feed_grant(const struct feed *f, const struct remote *r, int64_t now_ms);
/* How long a reader is left without a word. */
static inline int64_t feed_hold_ms(const struct feed *f, bool events)
{
    int64_t part_ms = f->host.lease_ms / (events ? 4 : 3);
    return part_ms < FEED_HOLD_MAX_MS ? part_ms : FEED_HOLD_MAX_MS;
}
/* For struct stream. */
enum stream_said feed_stream_read(struct stream *s, const struct stream_host *host, char *out, size_t max,
                                  size_t *ret_len);

#endif
