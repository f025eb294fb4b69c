/* seed: fills a stopped installation for benchmarks, as many logins would, and writes the credentials to files.
 *
 *     seed --state DIR --out DIR --users N --sessions N --keys N --tokens N --refreshes N
 *
 * OUT/sessions.txt, keys.txt, tokens.txt and refreshes.txt hold one credential a line. Sessions are those of the app
 * "web"; tokens belong to sessions of their own (app "service"), each with its own jti; refresh tokens to sessions of
 * the app "spa".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/access_token.h"
#include "core/credential.h"
#include "crypto/random.h"
#include "daemon/installation.h"

extern char **environ;

enum { BATCH = 5000 };

struct seeding {
    struct installation in;
    const struct config *config;
    const struct store_ops *ops;
    const struct entropy *entropy;
    struct user_id *users;
    long user_count;
    int64_t now_ms;
};

static void must(struct cardea_status s, const char *what)
{
    if (cardea_ok(s))
        return;
    fprintf(stderr, "seed: %s: %s\n", what, cardea_status_title(s));
    exit(1);
}

static struct store_tx *begin(struct seeding *s)
{
    struct store_tx *tx = NULL;
    must(s->ops->begin(s->in.store, STORE_WRITE, installation_boot_ms() + 60000, &tx), "begin");
    return tx;
}

static FILE *output(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        fprintf(stderr, "seed: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return f;
}

static void seed_users(struct seeding *s)
{
    struct store_tx *tx = begin(s);
    static struct user_record u;
    for (long i = 0; i < s->user_count; i++) {
        u = (struct user_record){
            .epoch = 1, .status = USER_ACTIVE, .created_at_ms = s->now_ms, .updated_at_ms = s->now_ms};
        u.id = user_id_new(s->entropy, s->now_ms);
        snprintf(u.username, sizeof u.username, "user%ld", i);
        snprintf(u.email, sizeof u.email, "user%ld@example.com", i);
        u.email_verified = true;
        snprintf(u.roles, sizeof u.roles, "editor,reader");
        snprintf(u.metadata, sizeof u.metadata, "{}");
        must(s->ops->user_put(tx, &u), "user");
        s->users[i] = u.id;
        if (i % BATCH == BATCH - 1) {
            must(s->ops->commit(tx), "commit");
            tx = begin(s);
        }
    }
    must(s->ops->commit(tx), "commit");
}

static struct session_record session(struct seeding *s, long i, enum session_kind kind, const char *app)
{
    struct session_record r = {.user = s->users[i % s->user_count],
                               .epoch = 1,
                               .kind = kind,
                               .remember = true,
                               .created_at_ms = s->now_ms,
                               .authenticated_at_ms = s->now_ms,
                               .last_seen_at_ms = s->now_ms,
                               .expires_at_ms = s->now_ms + 7 * 86400000LL,
                               .idle_ms = 8 * 3600000LL};
    entropy_fill(s->entropy, r.sid.bytes, sizeof r.sid.bytes);
    snprintf(r.app, sizeof r.app, "%s", app);
    snprintf(r.user_agent, sizeof r.user_agent, "bench");
    return r;
}

static void seed_sessions(struct seeding *s, long count, FILE *out)
{
    struct store_tx *tx = begin(s);
    for (long i = 0; i < count; i++) {
        struct session_record r = session(s, i, SESSION_COOKIE, "web");
        struct session_cookie c = {.sid = r.sid};
        entropy_fill(s->entropy, c.secret.bytes, sizeof c.secret.bytes);
        secret_digest(&c.secret, r.secret_digest);
        must(s->ops->session_create(tx, &r), "session");
        char text[SESSION_COOKIE_TEXT];
        session_cookie_format(s->in.keys, &c, text);
        fprintf(out, "%.*s\n", SESSION_COOKIE_TEXT, text);
        if (i % BATCH == BATCH - 1) {
            must(s->ops->commit(tx), "commit");
            tx = begin(s);
        }
    }
    must(s->ops->commit(tx), "commit");
}

static void seed_keys(struct seeding *s, long count, FILE *out)
{
    struct store_tx *tx = begin(s);
    for (long i = 0; i < count; i++) {
        struct api_key k;
        entropy_fill(s->entropy, &k, sizeof k);
        struct api_key_record r = {.id = k.id,
                                   .user = s->users[i % s->user_count],
                                   .created_at_ms = s->now_ms,
                                   .expires_at_ms = s->now_ms + 86400000LL};
        secret_digest(&k.secret, r.digest);
        snprintf(r.name, sizeof r.name, "bench");
        must(s->ops->api_key_put(tx, &r), "key");
        char text[API_KEY_TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text);
        api_key_format(s->in.keys, &k, &b);
        fprintf(out, "%.*s\n", (int)b.len, b.ptr);
    }
    must(s->ops->commit(tx), "commit");
}

static void seed_tokens(struct seeding *s, long count, FILE *out)
{
    const struct settings *settings = &s->config->settings;
    const struct app *app = settings_app(settings, VIEW("service"), NULL);
    if (app == NULL) {
        fprintf(stderr, "seed: the configuration has no app named service\n");
        exit(1);
    }
    struct store_tx *tx = begin(s);
    for (long i = 0; i < count; i++) {
        struct session_record r = session(s, i, SESSION_TOKEN, "service");
        must(s->ops->session_create(tx, &r), "session");
        struct access_claims c = {
            .sub = r.user, .sid = r.sid, .epoch = 1, .iat_s = s->now_ms / 1000, .exp_s = s->now_ms / 1000 + 3600};
        entropy_fill(s->entropy, c.jti.bytes, sizeof c.jti.bytes);
        snprintf(c.client_id, sizeof c.client_id, "service");
        snprintf(c.audience, sizeof c.audience, "%s", app->audience[0] ? app->audience : settings->public_url);
        char text[ACCESS_TOKEN_TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text);
        must(access_token_sign(s->in.keys, TOKEN_ES256, entropy_system(), view_text(settings->public_url), &c, &b),
             "sign");
        fprintf(out, "%.*s\n", (int)b.len, b.ptr);
        if (i % BATCH == BATCH - 1) {
            must(s->ops->commit(tx), "commit");
            tx = begin(s);
        }
    }
    must(s->ops->commit(tx), "commit");
}

static void seed_refreshes(struct seeding *s, long count, FILE *out)
{
    struct store_tx *tx = begin(s);
    for (long i = 0; i < count; i++) {
        struct session_record r = session(s, i, SESSION_TOKEN, "spa");
        struct refresh_token t = {.sid = r.sid, .generation = 1};
        entropy_fill(s->entropy, t.secret.bytes, sizeof t.secret.bytes);
        secret_digest(&t.secret, r.refresh_digest);
        r.generation = 1;
        r.rotated_at_ms = s->now_ms;
        must(s->ops->session_create(tx, &r), "session");
        char text[REFRESH_TOKEN_TEXT_MAX];
        struct buf b = buf_fixed(text, sizeof text);
        refresh_token_format(s->in.keys, &t, &b);
        fprintf(out, "%.*s\n", (int)b.len, b.ptr);
        if (i % BATCH == BATCH - 1) {
            must(s->ops->commit(tx), "commit");
            tx = begin(s);
        }
    }
    must(s->ops->commit(tx), "commit");
}

int main(int argc, char **argv)
{
    const char *state = NULL, *out = NULL;
    long users = 100, sessions = 0, keys = 0, tokens = 0, refreshes = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--state") == 0)
            state = argv[i + 1];
        else if (strcmp(argv[i], "--out") == 0)
            out = argv[i + 1];
        else if (strcmp(argv[i], "--users") == 0)
            users = atol(argv[i + 1]);
        else if (strcmp(argv[i], "--sessions") == 0)
            sessions = atol(argv[i + 1]);
        else if (strcmp(argv[i], "--keys") == 0)
            keys = atol(argv[i + 1]);
        else if (strcmp(argv[i], "--tokens") == 0)
            tokens = atol(argv[i + 1]);
        else if (strcmp(argv[i], "--refreshes") == 0)
            refreshes = atol(argv[i + 1]);
    }
    if (state == NULL || out == NULL || users < 1) {
        fprintf(stderr, "usage: seed --state DIR --out DIR [--users N] [--sessions N] [--keys N] [--tokens N] "
                        "[--refreshes N]\n");
        return 2;
    }
    must(crypto_start(), "crypto");
    static struct config config;
    struct config_error error;
    struct config_option option = {"state", state};
    struct cardea_status st = config_load(NULL, (const char *const *)environ, &option, 1, &config, &error);
    if (!cardea_ok(st)) {
        fprintf(stderr, "seed: %s\n", error.text);
        return 1;
    }
    struct seeding s = {.config = &config, .entropy = entropy_system(), .user_count = users};
    char message[256] = "";
    st = installation_open(&config, INSTALLATION_CREATE, &s.in, message, sizeof message);
    if (!cardea_ok(st)) {
        fprintf(stderr, "seed: %s\n", message);
        return 1;
    }
    s.ops = s.in.store->ops;
    s.now_ms = installation_wall_ms();
    s.users = calloc((size_t)users, sizeof *s.users);
    if (s.users == NULL)
        return 1;
    seed_users(&s);
    FILE *f = output(out, "sessions.txt");
    seed_sessions(&s, sessions, f);
    fclose(f);
    f = output(out, "keys.txt");
    seed_keys(&s, keys, f);
    fclose(f);
    f = output(out, "tokens.txt");
    seed_tokens(&s, tokens, f);
    fclose(f);
    f = output(out, "refreshes.txt");
    seed_refreshes(&s, refreshes, f);
    fclose(f);
    free(s.users);
    installation_close(&s.in);
    return 0;
}
