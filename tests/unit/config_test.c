#include "check.h"

#include "base/json.h"
#include "daemon/config.h"
#include "daemon/config_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MINUTE_MS (60 * 1000LL)
#define HOUR_MS (60 * MINUTE_MS)

static char folder[] = "/tmp/cardea-config-XXXXXX";
static char file[64], readable[64];
static struct config *config;

static int start(void **state)
{
    (void)state;
    config = calloc(1, sizeof(*config));
    if (config == NULL || mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof(file), "%s/c.yaml", folder);
    snprintf(readable, sizeof(readable), "%s/cert.pem", folder);
    FILE *f = fopen(readable, "w");
    return f == NULL ? -1 : fclose(f);
}

static int stop(void **state)
{
    (void)state;
    unlink(file);
    unlink(readable);
    rmdir(folder);
    free(config);
    return 0;
}

static void write_file(const char *text, size_t len)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static struct cardea_status load_text(const char *text, struct config_error *error)
{
    write_file(text, strlen(text));
    return config_load(file, NULL, NULL, 0, config, error);
}

static void load_ok(const char *text)
{
    struct config_error error;
    struct cardea_status s = load_text(text, &error);
    if (!cardea_ok(s))
        print_error("%s\n%u:%u: %s\n", text, error.line, error.column, error.text);
    assert_ok(s);
}

static void defaults_without_a_file(void **state)
{
    (void)state;
    struct config_error error;
    assert_ok(config_load(NULL, NULL, NULL, 0, config, &error));
    assert_string_equal(config->listen.text, "127.0.0.1:8420");
    assert_int_equal(config->listen.port, 8420);
    assert_string_equal(config->settings.public_url, "http://127.0.0.1:8420");
    assert_string_equal(config->settings.origin, "http://127.0.0.1:8420");
    assert_string_equal(config->accounts, "sqlite:/var/lib/cardea/cardea.db");
    assert_string_equal(config->sessions, config->accounts);
    assert_string_equal(config->master_key_file, "/var/lib/cardea/master.key");
    assert_true(config->settings.app_count >= 6);
    assert_non_null(settings_app(&config->settings, VIEW("web"), NULL));
    assert_non_null(settings_app(&config->settings, VIEW("sealed"), NULL));
    assert_true(config->settings.admin_on_main);
    assert_int_equal(config->warning_count, 0);
}

/* A state folder named from where one stands: its files are in it, once. */
static void relative_state(void **state)
{
    (void)state;
    struct config_error error;
    const struct config_option option = {"state", ".state"};
    assert_ok(config_load(NULL, NULL, &option, 1, config, &error));
    assert_string_equal(config->accounts, "sqlite:.state/cardea.db");
    assert_string_equal(config->sessions, config->accounts);
    assert_string_equal(config->master_key_file, ".state/master.key");
}

/* Two places name defaults: core's, for whoever uses core alone, and the table's. They must be the same. */
static void table_agrees_with_core(void **state)
{
    (void)state;
    struct settings *core = calloc(1, sizeof(*core));
    struct config_error error;
    assert_non_null(core);
    settings_defaults(core);
    assert_ok(config_load(NULL, NULL, NULL, 0, config, &error));
    const struct settings *s = &config->settings;
    assert_int_equal(s->argon2.memory_kib, core->argon2.memory_kib);
    assert_int_equal(s->argon2.passes, core->argon2.passes);
    assert_int_equal(s->token_format, core->token_format);
    assert_int_equal(s->jwks_max_age_ms, core->jwks_max_age_ms);
    assert_int_equal(s->admin_login_age_ms, core->admin_login_age_ms);
    assert_int_equal(s->api_key_default_ms, core->api_key_default_ms);
    assert_int_equal(s->sessions_per_user_max, core->sessions_per_user_max);
    assert_int_equal(s->api_keys_per_user_max, core->api_keys_per_user_max);
    assert_int_equal(s->guess_free, core->guess_free);
    assert_int_equal(s->guess_wait_max_ms, core->guess_wait_max_ms);
    assert_int_equal(s->guess_address_per_minute, core->guess_address_per_minute);
    assert_int_equal(s->signup, core->signup);
    assert_int_equal(s->login_by_email, core->login_by_email);
    assert_int_equal(s->identity_headers, core->identity_headers);
    assert_string_equal(s->origin, core->origin);
    free(core);
}

static void formats_of_tokens(void **state)
{
    (void)state;
    load_ok("tokens: {format: EdDSA}\n"
            "apps:\n"
            "  site: web\n"
            "  page: {profile: spa, token_format: RS256}\n"
            "  phone: mobile\n"
            "  bank: {profile: strict, credential: token, token_format: v4.local}\n");
    const struct settings *s = &config->settings;
    assert_int_equal(settings_token_format(s, settings_app(s, VIEW("page"), NULL)), TOKEN_RS256);
    assert_int_equal(settings_token_format(s, settings_app(s, VIEW("phone"), NULL)), TOKEN_ED25519);
    assert_int_equal(settings_token_format(s, settings_app(s, VIEW("bank"), NULL)), TOKEN_V4_LOCAL);
    assert_int_equal(settings_token_formats(s), token_format_bit(TOKEN_ED25519) | token_format_bit(TOKEN_RS256) |
                                                    token_format_bit(TOKEN_V4_LOCAL));
}

static void whole_file(void **state)
{
    (void)state;
    load_ok("listen:\n"
            "  address: '[::1]:9000'\n"
            "admin_listen: unix:/run/cardea-admin.sock\n"
            "state: /srv/c\n"
            "public_url: https://ID.Example.com:443/\n"
            "base_path: /auth\n"
            "trusted_proxies: [127.0.0.1, '10.0.0.0/8']\n"
            "cookie.domain: example.com\n"
            "verify: {headers: remote}\n"
            "argon2: {memory: 19MiB, passes: 2}\n"
            "limits:\n"
            "  head_deadline: 5s\n"
            "log: {format: json, level: debug, requests: false}\n"
            "apps:\n"
            "  shop: web\n"
            "  panel: {access: 10m, idle: 1d, profile: spa, absolute: 2d, same_site: lax, audience: 'api',\n"
            "          roles_in_token: true, origins: ['https://panel.example.com']}\n"
            "policies:\n"
            "  staff: {kinds: [session, token], roles: [staff, admin], apps: [panel], login_age_max: 8h}\n");
    const struct settings *s = &config->settings;
    assert_int_equal(config->listen.port, 9000);
    assert_int_equal(config->listen.address.version, 6);
    assert_string_equal(config->admin_listen.path, "/run/cardea-admin.sock");
    assert_false(s->admin_on_main);
    assert_string_equal(s->public_url, "https://id.example.com");
    assert_string_equal(s->origin, "https://id.example.com");
    assert_string_equal(s->base_path, "/auth");
    assert_int_equal(config->proxy_count, 2);
    assert_int_equal(config->proxies[1].prefix, 8);
    assert_int_equal(s->identity_headers, IDENTITY_REMOTE);
    assert_int_equal(s->argon2.memory_kib, 19 * 1024);
    assert_int_equal(config->head_deadline_ms, 5000);
    assert_int_equal(config->log_format, LOG_JSON);
    assert_int_equal(config->log_level, LOG_DEBUG);
    assert_false(config->log_requests);
    assert_string_equal(config->accounts, "sqlite:/srv/c/cardea.db");
    assert_int_equal(s->app_count, 2);
    const struct app *panel = settings_app(s, VIEW("panel"), NULL);
    assert_non_null(panel);
    assert_int_equal(panel->profile, PROFILE_SPA);
    assert_int_equal(panel->access_ms, 10 * MINUTE_MS);
    assert_int_equal(panel->idle_ms, 24 * HOUR_MS);
    assert_int_equal(panel->same_site, SAME_SITE_LAX);
    assert_true(panel->roles_in_token);
    assert_string_equal(panel->origins[0], "https://panel.example.com");
    const struct policy *staff = settings_policy(s, VIEW("staff"));
    assert_non_null(staff);
    assert_int_equal(staff->kinds, KIND_SESSION | KIND_TOKEN);
    assert_int_equal(staff->role_count, 2);
    assert_int_equal(staff->login_age_max_ms, 8 * HOUR_MS);
}

static void empty_files(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "---\n", "{}", "\n\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        load_ok(texts[i]);
        assert_int_equal(config->settings.app_count, 0);
        assert_int_equal(config->warning_count, 1);
        assert_non_null(strstr(config->warnings[0], "no app"));
    }
}

struct bad {
    const char *text;
    unsigned line, column;
    const char *says;
};

#define A_ISSUER "issuers: {a: {issuer: 'https://a.example', audience: [x], jwks: /etc/passwd}}\n"

static const struct bad bad_files[] = {
    {"listn: 127.0.0.1:1\n", 1, 1, "listn is not a known key; did you mean listen?"},
    {"log:\n  formt: json\n", 2, 3, "did you mean log.format?"},
    {"cert: x\n", 1, 1, "did you mean listen.tls.cert?"},
    {"zebra_crossing: 1\n", 1, 1, "zebra_crossing is not a known key"},
    {"signup: true\nsignup: false\n", 2, 1, "signup is given twice"},
    {"log: {level: info}\nlog.level: warn\n", 2, 1, "log.level is given twice"},
    {"log: {level: info}\nlog: {level: warn}\n", 2, 7, "log.level is given twice"},
    {"listen: 127.0.0.1:1\nlisten.address: 127.0.0.1:2\n", 2, 1, "given twice"},
    {"apps: {}\napps: {}\n", 2, 1, "apps is given twice"},
    {"signup: yes\n", 1, 9, "signup must be true or false, not \"yes\""},
    {"signup: \"true\"\n", 1, 9, "without quotes"},
    {"signup:\n", 1, 8, "signup has no value"},
    {"signup: ~\n", 1, 9, "signup has no value"},
    {"signup: [true]\n", 1, 9, "signup takes one value, not a list"},
    {"signup: {a: b}\n", 1, 9, "not a group of keys"},
    {"log: json\n", 1, 6, "log is a group of keys"},
    {"trusted_proxies: 127.0.0.1\n", 1, 18, "takes a list"},
    {"trusted_proxies: [127.0.0.1, nonsense]\n", 1, 30, "\"nonsense\" is no address or range"},
    {"trusted_proxies: [127.0.0.1, 127.0.0.1]\n", 1, 30, "twice"},
    {"trusted_proxies: ['0.0.0.0/0']\n", 1, 19, "trust everybody"},
    {"trusted_proxies: [[a]]\n", 1, 19, "plain values"},
    {"listen: 8420\n", 1, 9, "ADDRESS:PORT"},
    {"listen: localhost:8420\n", 1, 9, "ADDRESS:PORT"},
    {"listen: 127.0.0.1:65536\n", 1, 9, "ADDRESS:PORT"},
    {"listen: '::1:80'\n", 1, 9, "ADDRESS:PORT"},
    {"listen: 'unix:'\n", 1, 9, "needs a path"},
    {"listen: ''\n", 1, 9, "must not be empty"},
    {"listen: 0.0.0.0:80\n", 1, 9, "plain HTTP on 0.0.0.0:80"},
    {"state: /s\nadmin_listen: 10.0.0.1:80\n", 2, 15, "plain HTTP"},
    {"admin_listen: 127.0.0.1:8420\n", 1, 15, "same as listen"},
    {"metrics: {listen: '127.0.0.1:8420'}\n", 1, 19, "of its own"},
    {"listen: unix:/run/c.sock\n", 0, 0, "public_url is needed"},
    {"listen.tls.cert: /nowhere/a\n", 1, 18, "together"},
    {"listen.tls.cert: /nowhere/a\nlisten.tls.key: /nowhere/b\n", 1, 18, "can not be read"},
    {"public_url: http://id.example.com\n", 1, 13, "loopback hosts only"},
    {"public_url: id.example.com\n", 1, 13, "must begin with https://"},
    {"public_url: https://u:p@id.example.com\n", 1, 13, "without user"},
    {"public_url: https://id.example.com/?a=b\n", 1, 13, "query"},
    {"public_url: https://\n", 1, 13, "HOST"},
    {"public_url: https://id..example.com\n", 1, 13, "HOST"},
    {"public_url: https://id.example.com:70000\n", 1, 13, "HOST"},
    {"base_path: auth\n", 1, 12, "must be a path"},
    {"base_path: /auth/\n", 1, 12, "must be a path"},
    {"base_path: /a//b\n", 1, 12, "must be a path"},
    {"base_path: /a/../b\n", 1, 12, "must be a path"},
    {"cookie.domain: com\n", 1, 16, "must be a domain"},
    {"cookie.domain: .example.com\n", 1, 16, "must be a domain"},
    {"cookie.domain: 127.0.0.1\n", 1, 16, "must be a domain"},
    {"cookie.domain: other.com\npublic_url: https://id.example.com\n", 1, 16, "does not cover"},
    {"cookie.domain: d.example.com\npublic_url: https://id.example.com\n", 1, 16, "does not cover"},
    {"cookie.insecure_names: true\npublic_url: https://id.example.com\n", 1, 24, "for development"},
    {"argon2: {memory: 18MiB, passes: 2}\n", 1, 18, "OWASP"},
    {"argon2: {memory: 19MiB, passes: 1}\n", 1, 18, "OWASP"},
    {"argon2: {memory: 64}\n", 1, 18, "size such as 64MiB"},
    {"argon2: {memory: 64MB}\n", 1, 18, "size such as 64MiB"},
    {"argon2: {memory: 99999999999GiB}\n", 1, 18, "must be between"},
    {"argon2: {memory: -1MiB}\n", 1, 18, "size such as"},
    {"hash: {memory_max: 8KiB}\n", 1, 20, "must be between"},
    {"hash: {threads: 8}\n", 1, 17, "more than hash.memory_max"},
    {"tokens: {format: es256}\n", 1, 18, "ES256"},
    {"tokens: {format: none}\n", 1, 18, "v4.public or v4.local, not \"none\""},
    {"tokens: {format: v3.public}\n", 1, 18, "v4.public"},
    {"apps: {shop: {profile: spa, token_format: HS1}}\n", 1, 43, "HS256"},
    {"apps: {shop: {profile: web, token_format: ES256}}\n", 1, 8, "token_format has no meaning"},
    {"apps: {shop: {profile: sealed, token_format: ES256}}\n", 1, 8, "token_format has no meaning"},
    {"threads: -1\n", 1, 10, "whole number"},
    {"threads: '1'\n", 1, 10, "without quotes"},
    {"threads: 1.5\n", 1, 10, "whole number"},
    {"threads: 257\n", 1, 10, "between 0 and 256"},
    {"lease: 0\n", 1, 8, "between 1s and 1m"},
    {"lease: 61\n", 1, 8, "duration such as"},
    {"admin.login_age: 2\n", 1, 18, "duration such as"},
    {"lease: 2 s\n", 1, 8, "duration such as"},
    {"lease: 2h\n", 1, 8, "between 1s and 1m"},
    {"lease: 1h30m\n", 1, 8, "duration such as"},
    {"log.format: xml\n", 1, 13, "auto, human or json"},
    {"limits: {write_queue: 10, urgent_places: 10}\n", 1, 42, "less than limits.write_queue"},
    {"accounts: 'memory'\n", 1, 11, "this engine keeps sessions only"},
    {"accounts: redis://u:secret@h/0\n", 1, 11, "this engine keeps sessions only"},
    {"sessions: 'memory:'\n", 1, 11, "nothing more"},
    {"sessions: nosuch://h\n", 1, 11, "no such engine in this version"},
    {"sessions: 'sqlite:'\n", 1, 11, "needs a path"},
    {"accounts: mysql://h\n", 1, 11, "no such engine in this version"},
    {"accounts: 'sqlite:'\n", 1, 11, "needs a path"},
    {"state: ''\n", 1, 8, "state is empty"},
    {"state: /1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567\n", 1,
     8, "at most 96 bytes"},
    {"apps: [web]\n", 1, 7, "apps takes a group"},
    {"apps: {shop: wbe}\n", 1, 14, "\"wbe\" is no profile"},
    {"apps: {shop: {profile: sealed, idle: 10m}}\n", 1, 8, "idle must not be shorter than access"},
    {"apps: {shop: {profile: sealed, access: 61m}}\n", 1, 40, "between 1s and 1h"},
    {"apps: {shop: {profile: web, credential: token}}\n", 1, 8, "strict alone"},
    {"apps: {shop: {profile: strict, credential: key}}\n", 1, 44, "session or token"},
    {"apps: {shop: {profile: strict, access: 5m}}\n", 1, 8, "no access token"},
    {"apps: {shop: {profile: strict, credential: session, access: 5m}}\n", 1, 8, "no access token"},
    {"apps: {shop: [web]}\n", 1, 14, "takes the name of a profile"},
    {"apps: {shop: {}}\n", 1, 8, "has no profile"},
    {"apps: {shop: {idle: 8h}}\n", 1, 8, "has no profile"},
    {"apps: {shop: {profile: web, profile: spa}}\n", 1, 29, "given twice"},
    {"apps: {shop: web, shop: spa}\n", 1, 19, "apps.shop is given twice"},
    {"apps: {Shop: web}\n", 1, 8, "is no name"},
    {"apps: {-shop: web}\n", 1, 8, "is no name"},
    {"apps:\n  shop:\n    profile: spa\n    acces: 5m\n", 4, 5, "did you mean apps.shop.access?"},
    {"apps: {shop: {profile: spa, access: 61m}}\n", 1, 37, "between 1s and 1h"},
    {"apps: {shop: {profile: web, access: 5m}}\n", 1, 8, "no access token"},
    {"apps: {shop: {profile: web, idle: 8d}}\n", 1, 8, "idle must not be longer than absolute"},
    {"apps: {shop: {profile: web, same_site: none}}\n", 1, 40, "strict or lax"},
    {"apps: {shop: {profile: web, origins: ['https://a.b/c']}}\n", 1, 39, "without a path"},
    {"apps: {shop: {profile: web, origins: ['null']}}\n", 1, 39, "must begin with https://"},
    {"apps: {shop: {profile: web, idle: 8h, idle: 7h}}\n", 1, 39, "given twice"},
    {"policies: {p: [a]}\n", 1, 15, "takes a group of keys"},
    {"policies: {p: {kinds: [cookie]}}\n", 1, 24, "session, token, key or sealed"},
    {"policies: {p: {roles: ['a,b']}}\n", 1, 24, "no comma"},
    {"policies: {p: {issuers: [corp]}}\n", 1, 12, "names corp, which is not among issuers"},
    {"issuers: {a: {}}\n", 1, 11, "issuers.a has no issuer"},
    {"issuers: {a: https://a.example}\n", 1, 14, "takes a group of keys"},
    {"issuers: {self: {}}\n", 1, 11, "means this installation"},
    {"issuers: {a: {issuer: 'https://a.example'}}\n", 1, 11, "issuers.a has no audience"},
    {"issuers: {a: {issuer: 'https://a.example', audience: [x]}}\n", 1, 11, "issuers.a has no jwks"},
    {"issuers:\n  a:\n    issuer: http://a.example\n", 3, 13, "must be an https:// URL"},
    {"issuers:\n  a:\n    issuer: https://a.example?x\n", 3, 13, "without query"},
    {"issuers:\n  a:\n    jwks: http://127.0.0.1/k\n", 3, 11, "must be an https:// URL or the path of a file"},
    {"issuers:\n  a:\n    jwks: file:///k\n", 3, 11, "must be an https:// URL or the path of a file"},
    {"issuers:\n  a:\n    jwks: https://u@a.example/k\n", 3, 11, "without user"},
    {"issuers:\n  a:\n    jwks: https:///k\n", 3, 11, "must be https://HOST/PATH"},
    {"issuers: {a: {algorithms: [HS256]}}\n", 1, 28, "must be RS256"},
    {"issuers: {a: {algorithms: [none]}}\n", 1, 28, "must be RS256"},
    {"issuers: {a: {types: [id]}}\n", 1, 23, "at+jwt, JWT, none or any"},
    {"issuers: {a: {roles: [realm_access.roles]}}\n", 1, 23, "write /a/b"},
    {"issuers: {a: {require: ['=x']}}\n", 1, 25, "is empty"},
    {"issuers: {a: {leeway: 6m}}\n", 1, 23, "between 1s and 5m"},
    {"issuers: {a: {lifetime_max: 31d}}\n", 1, 29, "between 1m and 30d"},
    {"issuers: {a: {isuer: x}}\n", 1, 15, "did you mean issuers.a.issuer?"},
    {"issuers: {a: {issuer: 'https://a.example', audience: [x], jwks: /nowhere/k}}\n", 1, 11, "can not be read"},
    {"issuers: {a: {issuer: 'https://a.example', audience: [x], jwks: /etc/passwd, jwks_ca: /etc/passwd}}\n", 1, 11,
     "jwks_ca has no meaning for a file"},
    {"public_url: https://id.example\nissuers: {a: {issuer: 'https://id.example', audience: [x], jwks: /etc/passwd}}\n",
     2, 11, "own public_url"},
    {A_ISSUER "policies: {p: {issuers: [a], kinds: [session]}}\n", 2, 12, "kinds have no token"},
    {A_ISSUER "policies: {p: {issuers: [a], kinds: [session, token]}}\n", 2, 12, "add self to its issuers"},
    {A_ISSUER "apps: {web: web}\npolicies: {p: {issuers: [a], apps: [web]}}\n", 3, 12, "has apps"},
    {A_ISSUER "policies: {p: {issuers: [a], audience: y}}\n", 2, 12, "audience is none of issuers.a.audience"},
    {A_ISSUER "verify.headers: remote\npolicies: {p: {issuers: [a, self]}}\n", 3, 12, "may have one issuer"},
    {"policies: {p: {}, p: {}}\n", 1, 19, "given twice"},
    {"policies: {p: {revocation: some}}\n", 1, 28, "checked or none"},
    {"policies: {p: {revocation: none, kinds: [session, token]}}\n", 1, 12, "make its kinds [token]"},
    {"policies: {p: {revocation: none, roles: [a]}}\n", 1, 12, "nothing is known of roles"},
    {"policies: {p: {revocation: none, login_age_max: 1h}}\n", 1, 12, "nothing is known of roles or the login's age"},
    {"verify.headers: remote\npolicies: {p: {revocation: none}}\n", 2, 12, "no name for verify.headers remote"},
    {"apps: {bank: {profile: strict, credential: token}}\npolicies: {p: {revocation: none, apps: [bank]}}\n", 2, 12,
     "its app bank wants every token checked live"},
    {"policies:\n  p: {apps: [shop]}\n", 2, 3, "names shop, which is not among apps"},
    {"- a\n", 1, 1, "group of keys"},
    {"hello\n", 1, 1, "group of keys"},
    {"a: &x 1\n", 1, 1, "not a known key"},
    {"signup: &x true\n", 1, 9, "anchors"},
    {"signup: !!bool true\n", 1, 9, "anchors and tags"},
    {"signup: *x\n", 1, 9, "aliases"},
    {"signup: true\n---\nsignup: true\n", 2, 1, "one document"},
    {"log: {\n", 2, 1, "not YAML"},
    {"\tsignup: true\n", 1, 1, "not YAML"},
    {"[a]: b\n", 1, 1, "plain name"},
    {"\"\": b\n", 1, 1, "1 to 127"},
    {"state: \"a\\0b\"\n", 1, 8, "NUL"},
    {"state: \"a\\eb\"\n", 1, 8, "control character"},
    {"log:\n  format: json\n level: x\n", 3, 2, "not YAML"},
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        const struct bad *b = &bad_files[i];
        struct config_error error;
        memset(config, 0x5A, sizeof(*config));
        struct cardea_status s = load_text(b->text, &error);
        bool placed = error.line == b->line && (b->column == error.column || strstr(b->says, "not YAML") != NULL);
        if (s.code != CARDEA_E_USAGE || !placed || strstr(error.text, b->says) == NULL) {
            print_error("%s-> %s %u:%u %s\nwanted %u:%u %s\n", b->text, cardea_status_name(s), error.line, error.column,
                        error.text, b->line, b->column, b->says);
            fail();
        }
        if (b->line > 0)
            assert_string_equal(error.file, file);
        assert_null(strstr(error.text, "secret")); /* a store URL's password is not repeated */
        for (const char *p = error.text; *p != 0; p++)
            assert_true(*p >= 0x20 && *p < 0x7F);
        assert_int_equal(((const unsigned char *)config)[sizeof(*config) / 2], 0x5A); /* untouched */
    }
}

static void bad_bytes(void **state)
{
    (void)state;
    struct config_error error;
    write_file("state: \xff\xfe\n", 10);
    assert_code(config_load(file, NULL, NULL, 0, config, &error), E_USAGE);
    write_file("signup: true\n\0x: 1\n", 19);
    assert_code(config_load(file, NULL, NULL, 0, config, &error), E_USAGE);
    assert_code(config_load("/nowhere/at/all", NULL, NULL, 0, config, &error), E_USAGE);
    assert_non_null(strstr(error.text, "can not be read"));
    assert_code(config_load("/dev/zero", NULL, NULL, 0, config, &error), E_USAGE);
    assert_code(config_load(folder, NULL, NULL, 0, config, &error), E_USAGE);
    char *large = malloc(CONFIG_FILE_MAX + 2);
    assert_non_null(large);
    memset(large, '#', CONFIG_FILE_MAX + 2);
    write_file(large, CONFIG_FILE_MAX + 2);
    free(large);
    assert_code(config_load(file, NULL, NULL, 0, config, &error), E_USAGE);
    assert_non_null(strstr(error.text, "larger than"));
}

/* Nesting, however deep, is refused without running out of stack. */
static void deep_files(void **state)
{
    (void)state;
    struct config_error error;
    static char text[100000];
    for (size_t i = 0; i + 1 < sizeof(text); i++)
        text[i] = '[';
    write_file(text, sizeof(text) - 1);
    assert_code(config_load(file, NULL, NULL, 0, config, &error), E_USAGE);
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "? ", 2);
    write_file(text, sizeof(text) - 2);
    assert_code(config_load(file, NULL, NULL, 0, config, &error), E_USAGE);
}

static void environment_over_file_and_options_over_both(void **state)
{
    (void)state;
    struct config_error error;
    char cert[96], key[96];
    snprintf(cert, sizeof(cert), "CARDEA_LISTEN_TLS_CERT=%s", readable);
    snprintf(key, sizeof(key), "CARDEA_LISTEN_TLS_KEY=%s", readable);
    const char *environment[] = {"PATH=/bin",
                                 "CARDEA_LOG_LEVEL=warn",
                                 "CARDEA_LISTEN=127.0.0.1:2",
                                 "CARDEA_LISTEN_TLS_CERTT=x",
                                 cert,
                                 key,
                                 "CARDEA_TRUSTED_PROXIES=127.0.0.1, 10.0.0.0/8",
                                 "CARDEA_VECTORS=/v",
                                 "CARDEA_PUBLIC_URL=https://h.example",
                                 NULL};
    const struct config_option options[] = {{"listen", "127.0.0.1:3"}};
    static const char text[] = "listen: 127.0.0.1:1\nlog: {level: debug}\nsignup: true\napps: {web: web}\n";
    write_file(text, strlen(text));
    assert_ok(config_load(file, environment, options, 1, config, &error));
    assert_int_equal(config->listen.port, 3);
    assert_int_equal(config->log_level, LOG_WARN);
    assert_true(config->settings.signup);
    assert_string_equal(config->tls_cert, readable);
    assert_int_equal(config->proxy_count, 2);
    assert_int_equal(config->warning_count, 1);
    assert_non_null(strstr(config->warnings[0], "CARDEA_LISTEN_TLS_CERTT"));
    const char *bad[] = {"CARDEA_LOG_LEVEL=loud", NULL};
    assert_code(config_load(NULL, bad, NULL, 0, config, &error), E_USAGE);
    assert_string_equal(error.file, "");
    assert_non_null(strstr(error.text, "CARDEA_LOG_LEVEL must be"));
    const struct config_option bad_option[] = {{"listen", "here"}};
    assert_code(config_load(NULL, NULL, bad_option, 1, config, &error), E_USAGE);
    assert_non_null(strstr(error.text, "--listen must be"));
}

static void lease_in_seconds(void **state)
{
    (void)state;
    struct config_error error;
    const char *environment[] = {"CARDEA_LEASE=3", NULL};
    assert_ok(config_load(NULL, environment, NULL, 0, config, &error));
    assert_int_equal(config->lease_ms, 3000);
    load_ok("lease: 4\napps: {web: web}\n");
    assert_int_equal(config->lease_ms, 4000);
}

static void every_key_has_a_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        struct config_error error;
        char text[256];
        struct buf b = buf_fixed(text, sizeof(text) - 1);
        config_key_variable(&config_keys[i], &b);
        size_t name = b.len;
        buf_text(&b, "=\x01");
        text[b.len] = 0;
        const char *environment[] = {text, NULL};
        assert_code(config_load(NULL, environment, NULL, 0, config, &error), E_USAGE);
        assert_int_equal(strncmp(error.text, text, name), 0);
    }
}

static void systemd_credential(void **state)
{
    (void)state;
    struct config_error error;
    char path[96], variable[128];
    snprintf(path, sizeof(path), "%s/cardea-master-key", folder);
    snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", folder);
    const char *environment[] = {variable, NULL};
    assert_ok(config_load(NULL, environment, NULL, 0, config, &error));
    assert_string_equal(config->master_key_file, "/var/lib/cardea/master.key");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_ok(config_load(NULL, environment, NULL, 0, config, &error));
    assert_string_equal(config->master_key_file, path);
    const char *named[] = {variable, "CARDEA_MASTER_KEY_FILE=/k", NULL};
    assert_ok(config_load(NULL, named, NULL, 0, config, &error));
    assert_string_equal(config->master_key_file, "/k");
    unlink(path);
}

static void shown_yaml_reads_back(void **state)
{
    (void)state;
    struct config_error error;
    load_ok("state: /srv/c\npublic_url: https://id.example.com\ntrusted_proxies: [127.0.0.1]\n"
            "apps: {panel: {profile: spa, origins: ['https://a.example', 'https://b.example']}}\n"
            "policies: {p: {kinds: [session, key], scopes: ['a:b']}, q: {}, r: {issuers: [corp], roles: [A b]}}\n"
            "issuers: {corp: {issuer: 'https://corp.example/', audience: [x, 'https://y.example'], jwks: /etc/passwd,\n"
            "  algorithms: [ES256, EdDSA], types: [JWT, none], require: ['token_use=access', tid], username: [],\n"
            "  roles: [/realm_access/roles, 'cognito:groups'], trust_email: true, leeway: 1s}}\n");
    struct buf shown = buf_heap(1 << 20), again = buf_heap(1 << 20), json = buf_heap(1 << 20);
    config_show(config, false, &shown);
    assert_true(buf_ok(&shown));
    write_file(shown.ptr, shown.len);
    struct config *second = calloc(1, sizeof(*second));
    assert_non_null(second);
    struct cardea_status s = config_load(file, NULL, NULL, 0, second, &error);
    if (!cardea_ok(s))
        print_error("%u:%u %s\n%.*s\n", error.line, error.column, error.text, (int)shown.len, shown.ptr);
    assert_ok(s);
    memcpy(second->origins, config->origins, sizeof(second->origins));
    config_show(second, false, &again);
    assert_view(buf_view(&again), buf_view(&shown));
    config_show(config, true, &json);
    struct json_token *tokens = calloc(8192, sizeof(*tokens));
    assert_non_null(tokens);
    struct json doc;
    assert_ok(json_read(buf_view(&json), tokens, 8192, &doc, NULL));
    assert_int_equal(json_type(&doc, json_get(&doc, json_get(&doc, 0, VIEW("apps")), VIEW("panel"))), JSON_OBJECT);
    free(tokens);
    free(second);
    buf_clear(&shown);
    buf_clear(&again);
    buf_clear(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_without_a_file),
        cmocka_unit_test(relative_state),
        cmocka_unit_test(table_agrees_with_core),
        cmocka_unit_test(formats_of_tokens),
        cmocka_unit_test(whole_file),
        cmocka_unit_test(empty_files),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(bad_bytes),
        cmocka_unit_test(deep_files),
        cmocka_unit_test(environment_over_file_and_options_over_both),
        cmocka_unit_test(lease_in_seconds),
        cmocka_unit_test(every_key_has_a_variable),
        cmocka_unit_test(systemd_credential),
        cmocka_unit_test(shown_yaml_reads_back),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
