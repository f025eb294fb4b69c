#include "daemon/metrics.h"

#include <stdatomic.h>

static void one(struct buf *out, const char *name, const char *labels, uint64_t value)
{
    buf_text(out, name);
    buf_text(out, labels);
    buf_char(out, ' ');
    buf_uint(out, value);
    buf_char(out, '\n');
}

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_text(out, "# HELP ");
    buf_text(out, name);
    buf_char(out, ' ');
    buf_text(out, help);
    buf_text(out, "\n# TYPE ");
    buf_text(out, name);
    buf_char(out, ' ');
    buf_text(out, type);
    buf_char(out, '\n');
}

static void single(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    family(out, name, type, help);
    one(out, name, "", value);
}

static void put_requests(struct buf *out, const uint64_t counts[LOOP_COUNTS])
{
    family(out, "cardea_requests_total", "counter", "Answers by class of status.");
    one(out, "cardea_requests_total", "{class=\"2xx\"}", counts[COUNT_2XX]);
    one(out, "cardea_requests_total", "{class=\"3xx\"}", counts[COUNT_3XX]);
    one(out, "cardea_requests_total", "{class=\"4xx\"}", counts[COUNT_4XX]);
    one(out, "cardea_requests_total", "{class=\"5xx\"}", counts[COUNT_5XX]);
    family(out, "cardea_verify_total", "counter", "Answers of /verify.");
    one(out, "cardea_verify_total", "{answer=\"yes\"}", counts[COUNT_VERIFY_YES]);
    one(out, "cardea_verify_total", "{answer=\"no\"}", counts[COUNT_VERIFY_NO]);
    one(out, "cardea_verify_total", "{answer=\"unknown\"}", counts[COUNT_VERIFY_UNKNOWN]);
    single(out, "cardea_refused_heads_total", "counter", "Requests refused by the request filter.",
           counts[COUNT_REFUSED_HEADS]);
}

static void put_connections(struct buf *out, const struct connections_stats *s)
{
    single(out, "cardea_connections", "gauge", "Open connections.", s->open);
    single(out, "cardea_connections_refused_total", "counter", "Connections refused at a limit.", s->refused);
    single(out, "cardea_connections_evicted_total", "counter", "Idle connections cut for new ones.", s->evicted);
    single(out, "cardea_connections_overdue_total", "counter", "Connections cut at a deadline.", s->overdue);
}

static void put_lanes(struct buf *out, const struct lanes *lanes)
{
    struct committer_counts c = committer_counts(lanes->committer);
    family(out, "cardea_queue_length", "gauge", "Jobs that wait.");
    one(out, "cardea_queue_length", "{lane=\"hash\"}", pool_waiting(lanes->hash));
    one(out, "cardea_queue_length", "{lane=\"read\"}", pool_waiting(lanes->read));
    one(out, "cardea_queue_length", "{lane=\"write\"}", committer_waiting(lanes->committer));
    one(out, "cardea_queue_length", "{lane=\"receipts\"}", receipts_waiting(lanes->receipts));
    single(out, "cardea_commit_groups_total", "counter", "Groups of changes written.", c.groups);
    single(out, "cardea_commit_jobs_total", "counter", "Changes in them.", c.jobs);
    single(out, "cardea_commit_refused_total", "counter", "Changes taken back.", c.refused);
}

static void put_table(struct buf *out, const struct table *table)
{
    struct table_stats s = table_stats(table);
    family(out, "cardea_table_records", "gauge", "Records in the verification table.");
    one(out, "cardea_table_records", "{kind=\"session\"}", s.sessions);
    one(out, "cardea_table_records", "{kind=\"user\"}", s.users);
    one(out, "cardea_table_records", "{kind=\"api_key\"}", s.api_keys);
    one(out, "cardea_table_records", "{kind=\"revocation\"}", s.revocations);
    single(out, "cardea_table_bytes", "gauge", "Memory of the verification table, at most.", s.bytes_touched);
    single(out, "cardea_table_incomplete", "gauge",
           "1 when revocations found no room and absences are asked of the store.", s.incomplete);
}

static void put_fills(struct buf *out, const struct keeper *k)
{
    family(out, "cardea_lookups_total", "counter",
           "Checks that the store had to answer, by what became of the records that were read.");
    one(out, "cardea_lookups_total", "{records=\"kept\"}", atomic_load(&k->fills));
    one(out, "cardea_lookups_total", "{records=\"dropped\"}", atomic_load(&k->fills_dropped));
}

static void put_feed(struct buf *out, const struct follow_counts *c, int64_t now_ms)
{
    uint64_t applied = atomic_load(&c->applied), head = atomic_load(&c->head);
    int64_t left_ms = atomic_load(&c->lease_until_ms) - now_ms;
    single(out, "cardea_feed_position", "gauge", "The last row of the journal that this node's memory knows.", applied);
    single(out, "cardea_feed_lag_rows", "gauge", "Rows that it did not know yet when it last renewed its lease.",
           head > applied ? head - applied : 0);
    single(out, "cardea_feed_rows_total", "counter", "Rows of the journal followed.", atomic_load(&c->rows));
    single(out, "cardea_feed_refills_total", "counter", "Times that memory was made anew from the store.",
           atomic_load(&c->refills));
    single(out, "cardea_lease_left_milliseconds", "gauge", "How long memory may still be believed; 0: not now.",
           left_ms > 0 ? (uint64_t)left_ms : 0);
    single(out, "cardea_lease_renewals_total", "counter", "Renewals of the lease.", atomic_load(&c->renewals));
    single(out, "cardea_lease_failures_total", "counter", "Turns of following and renewing that failed.",
           atomic_load(&c->failures));
}

static void put_outside(struct buf *out, struct feed *feed, const struct table_socket *readers)
{
    struct feed_stats s = feed_stats(feed);
    single(out, "cardea_feed_streams", "gauge", "Answers of /v1/feed under way.", s.streams);
    single(out, "cardea_feed_verifiers", "gauge", "Verifiers elsewhere that asked for the feed lately.", s.remotes);
    single(out, "cardea_feed_copies_total", "counter", "Whole copies of the table begun by the feed.", s.snapshots);
    single(out, "cardea_feed_log_entries_total", "counter", "Changes noted for the feed.", s.head);
    single(out, "cardea_table_readers", "gauge", "Programs of this host that have the table.",
           table_socket_readers(readers));
}

/* One line an issuer; names are the operator's: a-z 0-9 - _ . : alone. */
static void one_issuer(struct buf *out, const char *name, const struct key_source_stats *s, uint64_t value)
{
    buf_text(out, name);
    buf_text(out, "{issuer=\"");
    buf_text(out, s->name);
    buf_text(out, "\"} ");
    buf_uint(out, value);
    buf_char(out, '\n');
}

static void put_issuers(struct buf *out, struct key_sources *sources)
{
    struct key_source_stats s[ISSUERS_MAX];
    uint32_t count = key_sources_stats(sources, s);
    if (count == 0)
        return;
    family(out, "cardea_issuer_fetches_total", "counter", "Readings of an issuer's keys.");
    for (uint32_t i = 0; i < count; i++)
        one_issuer(out, "cardea_issuer_fetches_total", &s[i], s[i].fetches);
    family(out, "cardea_issuer_failures_total", "counter", "Readings that brought no good set.");
    for (uint32_t i = 0; i < count; i++)
        one_issuer(out, "cardea_issuer_failures_total", &s[i], s[i].failures);
    family(out, "cardea_issuer_usable", "gauge", "1 while there is a set that may be used.");
    for (uint32_t i = 0; i < count; i++)
        one_issuer(out, "cardea_issuer_usable", &s[i], s[i].usable ? 1 : 0);
    family(out, "cardea_issuer_keys", "gauge", "Keys in the set.");
    for (uint32_t i = 0; i < count; i++)
        one_issuer(out, "cardea_issuer_keys", &s[i], s[i].keys);
    family(out, "cardea_issuer_keys_age_seconds", "gauge", "Since the set was last read or confirmed.");
    for (uint32_t i = 0; i < count; i++)
        if (s[i].age_ms >= 0)
            one_issuer(out, "cardea_issuer_keys_age_seconds", &s[i], (uint64_t)s[i].age_ms / 1000);
}

void metrics_text(const struct metrics_source *from, struct buf *out)
{
    uint64_t counts[LOOP_COUNTS] = {0};
    struct connections_stats all = {0};
    for (uint32_t i = 0; i < from->listener_count; i++) {
        struct connections_stats s = listener_stats(from->listeners[i], counts);
        all.open += s.open;
        all.refused += s.refused;
        all.evicted += s.evicted;
        all.overdue += s.overdue;
    }
    put_requests(out, counts);
    put_connections(out, &all);
    put_lanes(out, from->lanes);
    put_table(out, table_of(from->keeper->writer));
    put_fills(out, from->keeper);
    if (from->follower != NULL)
        put_feed(out, follower_counts(from->follower), from->keeper->boot_ms());
    put_outside(out, from->keeper->feed, *from->readers);
    put_issuers(out, from->sources);
}
