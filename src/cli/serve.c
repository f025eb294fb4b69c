/* cardea serve and init: the commands that make an installation. */
#include "base/secret.h"
#include "base/text.h"
#include "cli/call.h"
#include "cli/render.h"
#include "crypto/random.h"
#include "daemon/daemon.h"
#include "daemon/installation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PASSWORD_BYTES = 18, /* 144 bits, 24 characters */
    PASSWORD_TEXT = 24,
    LOCK_WAIT_MS = 3000, /* a command may hold the lock for a moment */
    LOCK_STEP_MS = 50,
};

static enum exit_code code_of(struct cardea_status s)
{
    switch (s.code) {
    case CARDEA_OK:
        return EXIT_OK;
    case CARDEA_E_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case CARDEA_E_BUSY:
    case CARDEA_E_UNAVAILABLE:
        return EXIT_BUSY;
    default:
        return EXIT_FAILED;
    }
}

static enum exit_code open_installation(const struct config *config, int64_t wait_ms, struct installation *out)
{
    char message[1024] = "";
    const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
    int64_t until = installation_boot_ms() + wait_ms;
    struct cardea_status s;
    while ((s = installation_open(config, INSTALLATION_CREATE, out, message, sizeof(message))).code == CARDEA_E_BUSY &&
           installation_boot_ms() < until)
        nanosleep(&step, NULL);
    if (!cardea_ok(s))
        complain("%s", message);
    return code_of(s);
}

/* What a reload reads again: the same file, environment and options. */
static const struct context *serving;

static struct cardea_status load_again(struct config *out, struct config_error *error)
{
    struct config_option options[2];
    size_t count = 0;
    const char *state = context_option(serving, "state"), *listen = context_option(serving, "listen");
    const char *file = context_option(serving, "config");
    if (state != NULL)
        options[count++] = (struct config_option){"state", state};
    if (listen != NULL)
        options[count++] = (struct config_option){"listen", listen};
    return config_load(file != NULL ? file : getenv("CARDEA_CONFIG"), (const char *const *)environ, options, count, out,
                       error);
}

enum exit_code run_serve(struct context *c)
{
    struct installation i;
    enum exit_code code = context_config(c);
    if (code != EXIT_OK)
        return code;
    context_warnings(c);
    code = open_installation(c->config, LOCK_WAIT_MS, &i);
    if (code != EXIT_OK)
        return code;
    serving = c;
    code = (enum exit_code)daemon_serve(c->config, &i, load_again);
    installation_close(&i);
    return code;
}

/* POST /v1/admin/users in this process; the password is made here and leaves once, to the caller. */
static enum exit_code make_admin(const struct config *config, struct installation *i, const char *name,
                                 char password[PASSWORD_TEXT + 1])
{
    uint8_t bytes[PASSWORD_BYTES];
    char storage[2048];
    struct buf b = buf_fixed(storage, sizeof(storage));
    struct json_writer w = json_writer(&b);
    struct call call = call_to(METHOD_POST, "/v1/admin/users");
    struct answer a;
    entropy_fill(entropy_system(), bytes, sizeof(bytes));
    base64url_encode(bytes, sizeof(bytes), password);
    password[PASSWORD_TEXT] = 0;
    secret_wipe(bytes, sizeof(bytes));
    json_open_object(&w);
    json_member_text(&w, "username", view_text(name));
    json_member_text(&w, "password", view_text(password));
    json_name(&w, "roles");
    json_open_array(&w);
    json_put_text(&w, VIEW("admin"));
    json_close_array(&w);
    json_close_object(&w);
    call.body = buf_view(&b);
    enum exit_code code = EXIT_USAGE;
    if (buf_ok(&b))
        code = call_local(config, i, &call, &a);
    else
        complain("the name is too long");
    secret_wipe(storage, sizeof(storage));
    if (code != EXIT_OK)
        return code;
    if (a.status != 201)
        code = answer_problem(&a);
    answer_clear(&a);
    return code;
}

static enum exit_code show_init(const struct context *c, bool fresh, const char *admin, const char *password)
{
    char storage[4096];
    struct buf out = buf_heap(8192), plain = buf_fixed(storage, sizeof(storage));
    if (c->json) {
        struct json_writer w = json_writer(&plain);
        json_open_object(&w);
        json_member_text(&w, "state", view_text(c->config->state));
        json_member_bool(&w, "created", fresh);
        if (admin != NULL) {
            json_name(&w, "admin");
            json_open_object(&w);
            json_member_text(&w, "username", view_text(admin));
            json_member_text(&w, "password", view_text(password));
            json_close_object(&w);
        }
        json_close_object(&w);
        render_json(&out, buf_view(&plain));
    } else {
        render_text(&out, view_text(c->config->state));
        buf_text(&out, fresh ? " is a new installation.\n" : " is an installation already.\n");
        if (admin != NULL) {
            buf_text(&out, "Administrator: ");
            render_text(&out, view_text(admin));
            buf_text(&out, "\nPassword, not shown again: ");
            buf_text(&out, password);
            buf_char(&out, '\n');
        }
    }
    secret_wipe(storage, sizeof(storage));
    return render_flush(&out) ? EXIT_OK : EXIT_FAILED;
}

enum exit_code run_init(struct context *c)
{
    struct installation i;
    char password[PASSWORD_TEXT + 1] = "";
    const char *admin = context_option(c, "admin");
    enum exit_code code = context_config(c);
    if (code != EXIT_OK)
        return code;
    code = open_installation(c->config, 0, &i);
    if (code != EXIT_OK)
        return code;
    bool fresh = i.fresh;
    if (admin != NULL)
        code = make_admin(c->config, &i, admin, password);
    installation_close(&i);
    if (code == EXIT_OK)
        code = show_init(c, fresh, admin, password);
    secret_wipe(password, sizeof(password));
    return code;
}
