#include "daemon/service.h"

#include "core/audit.h"
#include "core/claims.h"
#include "crypto/random.h"
#include "daemon/engines.h"
#include "daemon/log.h"
#include "daemon/nodes.h"
#include "daemon/reload.h"
#include "daemon/tls.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    REASON_MAX = 1200,
    DRAIN_STEP_MS = 5,
    FULL_STOP_MS = 2000,
    KEYS_DEADLINE_MS = 60000,
    KEYS_STEP_MS = 20,
    KEYS_ROUNDS = 4, /* an active and a next key of each format take two */
};

static uint32_t cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (uint32_t)n;
}

static bool store_ready(void *context)
{
    struct service *s = context;
    return atomic_load_explicit(&s->background.store_ok, memory_order_relaxed);
}

static bool keys_wanted(void *context, uint64_t settings_generation, uint32_t issuer)
{
    return key_sources_wanted(&((struct service *)context)->sources, settings_generation, issuer);
}

static struct issuer_ring *keys_now(void *context)
{
    struct snapshot *now = publisher_take(&((struct service *)context)->publisher);
    struct issuer_ring *ring = issuer_ring_ref(now->issuers);
    snapshot_unref(now);
    return ring;
}

static bool store_decides(void *context)
{
    return keeper_store_decides(&((struct service *)context)->keeper);
}

static bool store_lost(void *context)
{
    return keeper_store_lost(&((struct service *)context)->keeper);
}

static uint64_t fill_mark(void *context)
{
    return keeper_mark(&((struct service *)context)->keeper);
}

static void fill(void *context, uint64_t mark, const struct user_record *user, const struct session_record *session,
                 const struct api_key_record *key)
{
    keeper_offer(&((struct service *)context)->keeper, mark, user, session, key);
}

static struct cardea_status open_feed(void *context, const struct feed_request *ask, struct stream **out)
{
    return feed_open(((struct service *)context)->feed, ask, out);
}

/* The feed has something for the registry, which the committer writes. */
static void poke(void *context)
{
    struct service *s = context;
    background_remotes(&s->background);
    if (s->lanes.committer != NULL)
        committer_poke(s->lanes.committer);
}

static struct site site_of(struct service *s)
{
    return (struct site){
        .master = s->installation->master,
        .table = table_of(s->map.writer),
        .guess = s->guess,
        .store = s->installation->store,
        .entropy = entropy_system(),
        .wall_ms = installation_wall_ms,
        .boot_ms = installation_boot_ms,
        .store_ready = store_ready,
        .own_verifier = s->self.id,
        .feed_open = open_feed,
        .keys_wanted = keys_wanted,
        .keys_now = keys_now,
        .gate = &s->gate,
        .store_decides = store_decides,
        .store_lost = store_lost,
        .fill_mark = fill_mark,
        .fill = fill,
        .context = s,
    };
}

static struct listening listening_of(const struct config *c)
{
    struct listening l = {
        .proxy_count = c->proxy_count,
        .log_requests = c->log_requests,
        .head_deadline_ms = c->head_deadline_ms,
        .body_deadline_ms = c->body_deadline_ms,
        .idle_timeout_ms = c->idle_timeout_ms,
        .request_deadline_ms = c->request_deadline_ms,
    };
    memcpy(l.proxies, c->proxies, sizeof l.proxies);
    return l;
}

/* An engine that is away at this moment is no reason not to start: this node then counts by itself. */
static void share_guesses(struct service *s)
{
    char why[256] = "";
    struct cardea_status status =
        shared_counters_open(s->config, s->installation->master, &s->counters, why, sizeof why);
    if (!cardea_ok(status)) {
        log_write(LOG_WARN, "failed logins are counted by this node alone, until it is started again",
                  LOG_FIELDS(LOG_TEXT("why", view_text(why))));
    } else if (s->counters != NULL) {
        const struct guess_shared shared = shared_counters_lend(s->counters);
        guess_share(s->guess, &shared);
    }
}

static struct cardea_status open_table(struct service *s)
{
    struct table_geometry g = {.sessions_max = s->config->table_sessions_max, .others_max_mib = TABLE_OTHERS_MIB};
    uint8_t key[16];
    struct cardea_status status = table_map_open(&g, entropy_system(), &s->map);
    if (!cardea_ok(status))
        return status;
    entropy_fill(entropy_system(), key, sizeof key);
    s->guess = guess_new(GUESS_SLOTS, key);
    if (s->guess == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    share_guesses(s);
    const struct feed_host feed = {
        .table = table_of(s->map.writer),
        .lease_ms = s->config->lease_ms,
        .boot_ms = installation_boot_ms,
        .wall_ms = installation_wall_ms,
        .entropy = entropy_system(),
        .poke = poke,
        .context = s,
    };
    return feed_new(&feed, &s->feed);
}

/* What readers without settings must know of the apps; a place that a reload left empty is a disabled app. */
static void show_apps(struct service *s, const struct settings *settings)
{
    for (uint16_t i = 0; i < settings->app_count; i++) {
        const struct app *from = &settings->apps[i];
        struct table_app app = {.enabled = from->profile != PROFILE_UNSET, .live = from->live};
        memcpy(app.name, from->name, sizeof app.name);
        if (!cardea_ok(table_set_app(s->map.writer, i, &app)))
            log_write(LOG_ERROR, "an app can not be shown in the verification table",
                      LOG_FIELDS(LOG_TEXT("app", view_text(from->name))));
    }
}

static struct cardea_status publish_first(struct service *s)
{
    struct site site = site_of(s);
    struct listening listening = listening_of(s->config);
    struct settings *settings = settings_copy(&s->config->settings);
    if (settings == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct snapshot *first = snapshot_new(&site, &listening, settings, keyring_ref(s->installation->keys), NULL);
    if (first == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    publisher_put(&s->publisher, first);
    show_apps(s, settings);
    s->keeper = (struct keeper){
        .writer = s->map.writer,
        .publisher = &s->publisher,
        .feed = s->feed,
        .store = s->installation->store,
        .master = s->installation->master,
        .wall_ms = installation_wall_ms,
        .boot_ms = installation_boot_ms,
        .own_verifier = s->self.id,
        .keys_generation = s->installation->keys->generation,
    };
    return keeper_open(&s->keeper);
}

static struct cardea_status tick_keys(struct service *s, struct key_stock *stock, token_formats *ret_lacking)
{
    const struct settings *settings = &s->config->settings;
    struct store *store = s->installation->store;
    uint64_t heard_n = 0;
    struct key_work w = {.ops = store->ops,
                         .master = s->installation->master,
                         .entropy = entropy_system(),
                         .now_ms = installation_wall_ms(),
                         .stock = stock};
    bool changed = false;
    struct cardea_status status = background_heard(&s->background, &heard_n);
    if (cardea_ok(status))
        status = store->ops->begin(store, STORE_WRITE, installation_boot_ms() + BACKGROUND_DEADLINE_MS, &w.tx);
    if (!cardea_ok(status))
        return status;
    const struct keyring_times times = keyring_times_of(settings, heard_n);
    status = keyring_tick(&w, settings_token_formats(settings), &times, &changed, ret_lacking);
    if (cardea_ok(status) && changed)
        return store->ops->commit(w.tx);
    store->ops->abort(w.tx);
    return status;
}

static bool all_sign(struct service *s)
{
    struct snapshot *now = publisher_take(&s->publisher);
    bool all = (settings_token_formats(now->settings) & ~keyring_signing(now->keys)) == 0;
    snapshot_unref(now);
    return all;
}

/* The first key of a format signs once the other nodes know it: that takes them a moment, or a lease where one is down.
 */
static struct cardea_status await_others(struct service *s, struct key_stock *stock)
{
    static const struct timespec step = {.tv_nsec = KEYS_STEP_MS * 1000000L};
    int64_t until_ms = installation_boot_ms() + KEYS_DEADLINE_MS;
    token_formats lacking = 0;
    struct cardea_status status = keeper_load_keys(&s->keeper);
    while (cardea_ok(status) && !all_sign(s) && installation_boot_ms() < until_ms) {
        nanosleep(&step, NULL);
        status = tick_keys(s, stock, &lacking);
        if (cardea_ok(status))
            status = keeper_load_keys(&s->keeper);
    }
    if (cardea_ok(status) && !all_sign(s))
        log_write(LOG_WARN, "other nodes do not know a new key yet: until they do, no token of its format is signed",
                  LOG_NOTHING);
    return status;
}

/* The keys that this configuration asks for; another may have been in force before. Nobody is served yet, so what is
 * slow to draw is waited for, but not inside a transaction. */
static struct cardea_status settle_keys(struct service *s)
{
    struct key_stock *stock = calloc(1, sizeof *stock);
    token_formats lacking = 0;
    if (stock == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct cardea_status status = tick_keys(s, stock, &lacking);
    for (int round = 0; cardea_ok(status) && lacking != 0 && round < KEYS_ROUNDS; round++) {
        for (enum token_format f = TOKEN_FORMAT_UNSET + 1; cardea_ok(status) && f < TOKEN_FORMATS; f++)
            if ((lacking & token_format_bit(f)) != 0)
                status = keyring_stock(stock, f, s->installation->master, entropy_system());
        if (cardea_ok(status))
            status = tick_keys(s, stock, &lacking);
    }
    if (cardea_ok(status))
        status = await_others(s, stock);
    free(stock);
    return status;
}

static struct cardea_status fill_first(struct service *s)
{
    struct fill_counts counts;
    int64_t begun = installation_boot_ms();
    struct cardea_status status = keeper_load_keys(&s->keeper);
    if (cardea_ok(status))
        status = keeper_fill(&s->keeper, &counts);
    if (!cardea_ok(status))
        return status;
    log_write(LOG_INFO, "the verification table is filled",
              LOG_FIELDS(LOG_INT("sessions", counts.sessions), LOG_INT("users", counts.users),
                         LOG_INT("api_keys", counts.api_keys), LOG_INT("revocations", counts.revocations),
                         LOG_INT("ms", installation_boot_ms() - begun)));
    return CARDEA_SUCCESS;
}

static struct committer_host committer_host_of(struct service *s)
{
    return (struct committer_host){
        .context = s,
        .store = s->installation->store,
        .boot_ms = installation_boot_ms,
        .run = job_commit,
        .wants = job_wants,
        .changes = job_changes,
        .apply = NULL,
        .done = job_committed,
    };
}

static void begin(void *context)
{
    keeper_begin(&((struct service *)context)->keeper);
}
static void apply(void *context, const struct change_list *changes)
{
    keeper_apply(&((struct service *)context)->keeper, changes);
}
static void doubt(void *context, const struct change_list *changes)
{
    keeper_doubt(&((struct service *)context)->keeper, changes);
}
static bool background(void *context)
{
    return background_step(&((struct service *)context)->background);
}

/* No more at once than the memory given for it allows. */
static uint32_t hash_threads(const struct config *c)
{
    uint32_t wanted = c->hash_threads > 0 ? c->hash_threads : cores();
    uint64_t fit = (uint64_t)c->hash_memory_max_mib * 1024 / (c->settings.argon2.memory_kib + 1);
    if (fit < 1)
        fit = 1;
    return wanted < fit ? wanted : (uint32_t)fit;
}

static struct cardea_status open_lanes(struct service *s)
{
    const struct config *c = s->config;
    struct pool_host pool = {.run = job_work, .refuse = job_refuse, .boot_ms = installation_boot_ms};
    struct committer_host host = committer_host_of(s);
    host.begin = begin;
    host.apply = apply;
    host.doubt = doubt;
    host.background = background;
    struct cardea_status status = committer_open(c->write_queue, c->urgent_places, &host, &s->lanes.committer);
    if (cardea_ok(status))
        status = pool_open("hash", hash_threads(c), c->hash_queue, &pool, &s->lanes.hash);
    if (cardea_ok(status))
        status = pool_open("read", READ_THREADS, c->read_queue, &pool, &s->lanes.read);
    struct receipts_host receipts = {
        .store = s->installation->store,
        .boot_ms = installation_boot_ms,
        .lease_ms = c->lease_ms,
        .done = job_acknowledged,
        .gone = job_gone,
    };
    memcpy(receipts.own_id, s->self.id, sizeof receipts.own_id);
    if (cardea_ok(status))
        status = receipts_open(&receipts, &s->lanes.receipts);
    s->lanes.feed = s->feed;
    return status;
}

/* After the pools, which carry on what waited for keys. */
static struct cardea_status open_sources(struct service *s, char *message, size_t message_cap)
{
    char why[KEY_WHY_MAX];
    const struct key_source_host host = {
        .resume = job_resume,
        .refuse = job_refuse,
        .context = &s->lanes,
        .boot_ms = installation_boot_ms,
        .entropy = entropy_system(),
        .publisher = &s->publisher,
    };
    struct snapshot *now = publisher_take(&s->publisher);
    struct settings *settings = settings_ref(now->settings);
    snapshot_unref(now);
    key_sources_init(&s->sources, &host);
    s->lanes.sources = &s->sources;
    struct cardea_status status = key_sources_configure(&s->sources, NULL, settings, why);
    if (!cardea_ok(status))
        snprintf(message, message_cap, "%s", why);
    return status;
}

static void service_metrics(void *context, struct buf *out)
{
    struct service *s = context;
    metrics_text(&s->metrics, out);
}

static struct listener_options options_of(struct service *s)
{
    const struct config *c = s->config;
    return (struct listener_options){
        .threads = 1,
        .socket_mode = 0600,
        .connections_max = c->connections_max,
        .connections_per_address_max = c->connections_per_address_max,
        .head_deadline_ms = c->head_deadline_ms,
        .idle_timeout_ms = c->idle_timeout_ms,
        .publisher = &s->publisher,
        .lanes = &s->lanes,
        .entropy = entropy_system(),
        .boot_ms = installation_boot_ms,
    };
}

static struct cardea_status add_listener(struct service *s, const struct listen_address *where,
                                         struct listener_options *o, char *message, size_t message_cap)
{
    if (where->text[0] == '\0')
        return CARDEA_SUCCESS;
    s->places[s->listener_count] = *where;
    o->where = &s->places[s->listener_count];
    struct cardea_status status = listener_open(o, &s->listeners[s->listener_count], message, message_cap);
    if (cardea_ok(status))
        s->listener_count++;
    return status;
}

/* Bind everything before anything is served: a port that is taken stops the start, not the service. */
static struct cardea_status open_listeners(struct service *s, char *message, size_t message_cap)
{
    const struct config *c = s->config;
    s->tls = c->tls_cert[0] != '\0';
    if (s->tls) {
        struct cardea_status loaded = tls_identity_load(c->tls_cert, c->tls_key, message, message_cap);
        if (!cardea_ok(loaded))
            return loaded;
    }
    struct listener_options main = options_of(s), admin = options_of(s), socket = options_of(s),
                            metrics = options_of(s);
    main.entrance = ENTRANCE_MAIN;
    main.threads = c->threads > 0 ? c->threads : cores();
    main.socket_mode = 0660;
    admin.entrance = ENTRANCE_ADMIN;
    main.tls = admin.tls = s->tls;
    socket.entrance = ENTRANCE_SOCKET;
    metrics.entrance = ENTRANCE_METRICS;
    metrics.text = service_metrics;
    metrics.text_context = s;
    struct listen_address operator= {.is_unix = true};
    installation_socket_path(c, operator.path, sizeof operator.path);
    memcpy(operator.text, operator.path, sizeof operator.path);
    struct cardea_status status = add_listener(s, &c->listen, &main, message, message_cap);
    if (cardea_ok(status))
        status = add_listener(s, &c->admin_listen, &admin, message, message_cap);
    if (cardea_ok(status))
        status = add_listener(s, &operator, & socket, message, message_cap);
    if (cardea_ok(status))
        status = add_listener(s, &c->metrics_listen, &metrics, message, message_cap);
    return status;
}

/* After the table is filled: whoever gets it finds it open. */
static struct cardea_status open_table_socket(struct service *s, char *message, size_t message_cap)
{
    const struct config *c = s->config;
    struct listen_address where = {.is_unix = true};
    if (c->table_access == TABLE_ACCESS_NOBODY)
        return CARDEA_SUCCESS;
    bool named = c->table_socket[0] != '\0';
    int len = named ? snprintf(where.path, sizeof where.path, "%s", c->table_socket)
                    : snprintf(where.path, sizeof where.path, "%s/table.sock", c->state);
    if (len >= (int)sizeof where.path) {
        snprintf(message, message_cap, "the path of table.socket is too long for a socket");
        if (named)
            return CARDEA_FAIL(E_USAGE);
        log_write(LOG_WARN, message, LOG_NOTHING);
        return CARDEA_SUCCESS;
    }
    memcpy(where.text, where.path, sizeof where.path);
    return table_socket_open(&where, c->table_access == TABLE_ACCESS_GROUP ? 0660 : 0600, &s->map, &s->table_socket,
                             message, message_cap);
}

static struct cardea_status start_listeners(struct service *s, char *message, size_t message_cap)
{
    struct cardea_status status = CARDEA_SUCCESS;
    s->metrics = (struct metrics_source){s->listeners, s->listener_count, &s->lanes,       &s->keeper,
                                         s->follower,  &s->sources,       &s->table_socket};
    for (uint32_t i = 0; i < s->listener_count && cardea_ok(status); i++)
        status = listener_start(s->listeners[i], message, message_cap);
    return status;
}

static void pause_ms(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static struct nodes_host nodes_host_of(const struct service *s)
{
    return (struct nodes_host){s->installation->store, installation_boot_ms, pause_ms, entropy_system()};
}

static struct cardea_status join_nodes(struct service *s, char *message, size_t message_cap)
{
    const struct nodes_host host = nodes_host_of(s);
    const struct nodes_self self = {s->config->accounts, s->config->sessions, s->config->listen.text,
                                    s->config->lease_ms};
    return nodes_join(&host, &self, &s->self, message, message_cap);
}

/* Where others may write to the accounts: on a handle of its own, so that it waits for no transaction of ours. */
static struct cardea_status open_follower(struct service *s, char *message, size_t message_cap)
{
    struct follower_host host = {.keeper = &s->keeper, .boot_ms = installation_boot_ms, .self = s->self};
    if (s->self.kind == VERIFIER_KIND_UNSET)
        return CARDEA_SUCCESS;
    struct cardea_status status =
        engines_open_accounts(s->config->accounts, installation_boot_ms, &host.store, message, message_cap);
    return cardea_ok(status) ? follower_open(&host, &s->follower) : status;
}

struct cardea_status service_open(const struct config *c, struct installation *i, struct service *out, char *message,
                                  size_t message_cap)
{
    *out = (struct service){.installation = i, .map = {.block_fd = -1, .seen_fd = -1}};
    publisher_init(&out->publisher);
    out->published = true;
    snprintf(message, message_cap, "out of memory");
    out->config = malloc(sizeof *out->config);
    if (out->config == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    memcpy(out->config, c, sizeof *c);
    struct cardea_status s = open_listeners(out, message, message_cap);
    if (!cardea_ok(s))
        return s;
    snprintf(message, message_cap, "the verification table can not be made");
    s = open_table(out);
    if (cardea_ok(s))
        s = publish_first(out);
    if (!cardea_ok(s))
        return s;
    background_init(&out->background, &out->keeper, out->guess, entropy_system());
    snprintf(message, message_cap, "the keys of access tokens can not be made");
    s = settle_keys(out);
    if (!cardea_ok(s))
        return s;
    snprintf(message, message_cap, "the database can not be read");
    s = join_nodes(out, message, message_cap);
    if (cardea_ok(s))
        s = open_follower(out, message, message_cap);
    if (cardea_ok(s)) {
        snprintf(message, message_cap, "the database can not be read");
        s = fill_first(out);
    }
    if (!cardea_ok(s))
        return s;
    snprintf(message, message_cap, "the journal can not be written");
    s = background_event(&out->background, AUDIT_started, VIEW("{\"version\":\"" CARDEA_VERSION "\"}"));
    if (!cardea_ok(s))
        return s;
    snprintf(message, message_cap, "no threads can be started");
    if (out->follower != NULL)
        s = follower_start(out->follower);
    if (cardea_ok(s))
        s = open_lanes(out);
    if (cardea_ok(s))
        s = open_sources(out, message, message_cap);
    if (cardea_ok(s))
        s = open_table_socket(out, message, message_cap);
    return cardea_ok(s) ? start_listeners(out, message, message_cap) : s;
}

/* A certificate is renewed by replacing its files. One that can not be used changes nothing. */
static struct cardea_status reload_identity(struct service *s, const struct config *c)
{
    char message[REASON_MAX] = "";
    if (!s->tls || c->tls_cert[0] == '\0')
        return CARDEA_SUCCESS;
    struct cardea_status status = tls_identity_load(c->tls_cert, c->tls_key, message, sizeof message);
    if (!cardea_ok(status))
        log_write(LOG_ERROR, "the certificate was not changed", LOG_FIELDS(LOG_TEXT("why", view_text(message))));
    return status;
}

/* Before a format is asked for, it must have a key: nobody shall meet an app that can not sign. */
static struct cardea_status await_keys(struct service *s, token_formats formats)
{
    static const struct timespec step = {.tv_nsec = KEYS_STEP_MS * 1000000L};
    int64_t until_ms = installation_boot_ms() + KEYS_DEADLINE_MS;
    for (bool asked = false;; asked = true) {
        struct snapshot *now = publisher_take(&s->publisher);
        token_formats missing = formats & ~keyring_signing(now->keys);
        snapshot_unref(now);
        if (missing == 0)
            return CARDEA_SUCCESS;
        if (installation_boot_ms() >= until_ms)
            return CARDEA_FAIL(E_UNAVAILABLE);
        if (!asked)
            background_expect(&s->background, formats);
        nanosleep(&step, NULL);
        service_tend(s);
    }
}

struct cardea_status service_reload(struct service *s, const struct config *c)
{
    struct cardea_status identity = reload_identity(s, c);
    if (!cardea_ok(identity))
        return identity;
    struct settings *settings = settings_copy(&c->settings);
    if (settings == NULL)
        return CARDEA_FAIL(E_UNAVAILABLE);
    struct snapshot *now = publisher_take(&s->publisher);
    /* Nobody else changes the settings: these stay the ones before. */
    struct cardea_status status = settings_keep_places(settings, now->settings);
    snapshot_unref(now);
    if (cardea_ok(status))
        status = await_keys(s, settings_token_formats(settings));
    if (!cardea_ok(status)) {
        background_expect(&s->background, 0);
        settings_unref(settings);
        return status;
    }
    struct listening listening = listening_of(c);
    char why[KEY_WHY_MAX];
    status = key_sources_configure(&s->sources, &listening, settings, why);
    background_expect(&s->background, 0);
    if (!cardea_ok(status)) {
        log_write(LOG_ERROR, "the issuers were not changed", LOG_FIELDS(LOG_TEXT("why", view_text(why))));
        return status;
    }
    now = publisher_take(&s->publisher);
    show_apps(s, now->settings);
    keeper_apps_shown(&s->keeper);
    snapshot_unref(now);
    for (uint32_t i = 0; i < s->listener_count; i++)
        listener_limit(s->listeners[i], c->connections_max, c->connections_per_address_max);
    log_level_set(c->log_level);
    reload_warn(s->config, c);
    return CARDEA_SUCCESS;
}

void service_tend(struct service *s)
{
    for (uint32_t i = 0; i < s->listener_count; i++)
        listener_reap(s->listeners[i]);
    key_sources_tend(&s->sources);
}

static uint32_t busy(struct service *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->listener_count; i++)
        n += listener_busy(s->listeners[i]);
    return n;
}

static void wait_until_idle(struct service *s, int64_t until_ms)
{
    static const struct timespec step = {.tv_nsec = DRAIN_STEP_MS * 1000000L};
    while (busy(s) > 0 && installation_boot_ms() < until_ms)
        nanosleep(&step, NULL);
}

void service_close(struct service *s)
{
    int64_t deadline = s->config == NULL ? 0 : installation_boot_ms() + s->config->stop_deadline_ms;
    for (uint32_t i = 0; i < s->listener_count; i++)
        listener_quiesce(s->listeners[i]);
    feed_stop(s->feed);
    if (s->lanes.committer != NULL)
        wait_until_idle(s, deadline);
    /* What is still waiting is told to come back elsewhere; then all jobs are back with their loops. */
    key_sources_stop(&s->sources);
    pool_stop(s->lanes.hash);
    pool_stop(s->lanes.read);
    committer_stop(s->lanes.committer);
    receipts_stop(s->lanes.receipts);
    if (s->lanes.committer != NULL)
        wait_until_idle(s, installation_boot_ms() + FULL_STOP_MS);
    /* The last first: the metrics look at the others. */
    for (uint32_t i = s->listener_count; i > 0; i--)
        listener_close(s->listeners[i - 1]);
    follower_close(s->follower); /* nobody asks the table any more but programs of this host, who see its lease end */
    if (s->lanes.committer != NULL)
        background_flush(&s->background);
    background_close(&s->background);
    key_sources_close(&s->sources);
    pool_close(s->lanes.hash);
    pool_close(s->lanes.read);
    committer_close(s->lanes.committer);
    receipts_close(s->lanes.receipts);
    keeper_close(&s->keeper);
    if (s->published)
        publisher_clear(&s->publisher);
    feed_free(s->feed);
    table_socket_close(s->table_socket);
    table_map_close(&s->map);
    if (s->self.kind != VERIFIER_KIND_UNSET) {
        const struct nodes_host host = nodes_host_of(s);
        nodes_leave(&host, &s->self); /* now that nobody reads the table */
    }
    guess_free(s->guess);
    shared_counters_close(s->counters);
    tls_identity_clear();
    free(s->config);
    *s = (struct service){0};
}
