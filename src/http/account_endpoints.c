/* POST /v1/signup; GET and PATCH /v1/me. */
#include "core/account.h"
#include "core/proof.h"
#include "http/answer.h"
#include "http/authenticate.h"
#include "http/body.h"
#include "http/endpoint.h"
#include "http/lists.h"

/* --- signup --- */

struct signup {
    char username[USERNAME_MAX + 1], email[EMAIL_MAX + 1], hash[ARGON2_PHC_MAX];
    struct view password;
    struct guess_subject who;
    struct user_record user;
};

static struct cardea_status signup_names(struct exchange *x, struct signup *u, struct view username,
                                         const struct body_value *email)
{
    struct cardea_status s = username_canonical(username, u->username);
    if (!cardea_ok(s))
        return exchange_fault(
            x, s, "username",
            VIEW("1 to 64 letters, digits and . _ - @ +, beginning and ending with a letter or digit"));
    if (email->present && !email->null && !cardea_ok(s = email_canonical(email->text, u->email)))
        return exchange_fault(x, s, "email", VIEW("not an e-mail address"));
    return CARDEA_SUCCESS;
}

static struct cardea_status signup_begin(struct exchange *x)
{
    static const struct body_field fields[] = {
        {"username", BODY_SECRET, BODY_REQUIRED, 1, EMAIL_MAX},
        {"password", BODY_SECRET, BODY_REQUIRED, 0, PASSWORD_MAX_BYTES},
        {"email", BODY_TEXT, BODY_NULLABLE, 1, EMAIL_MAX},
    };
    struct body_value v[3];
    if (!x->site->settings->signup)
        return CARDEA_FAIL(E_DISABLED);
    struct cardea_status s = body_read(x, fields, 3, v);
    if (!cardea_ok(s))
        return s;
    struct signup *u = exchange_state(x, sizeof *u);
    if (u == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    u->password = v[1].text;
    /* Asking whether names are taken is guessing too: by address, since there is no account yet. */
    u->who = (struct guess_subject){.address = x->request.client};
    s = signup_names(x, u, v[0].text, &v[2]);
    if (!cardea_ok(s))
        return s;
    int64_t wait_ms = 0;
    s = guess_check(x->site->guess, x->site->settings, &u->who, x->site->boot_ms(), &wait_ms);
    return exchange_slow_down(x, s, wait_ms);
}

static struct cardea_status name_free(struct exchange *x, const char *username)
{
    struct user_record other;
    struct store_tx *tx = NULL;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = x->site->store->ops->user_find(tx, view_text(username), &other);
    exchange_read_end(x, tx);
    if (s.code == CARDEA_E_NOT_FOUND)
        return CARDEA_SUCCESS;
    return cardea_ok(s) ? exchange_fault(x, CARDEA_FAIL(E_USERNAME_TAKEN), "username", VIEW_EMPTY) : s;
}

static struct cardea_status signup_work(struct exchange *x)
{
    struct signup *u = x->state;
    const struct settings *settings = x->site->settings;
    const char *reason = "";
    struct cardea_status s = password_acceptable(u->password, view_text(u->username), view_text(u->email), &reason);
    if (!cardea_ok(s))
        return exchange_fault(x, s, "password", view_text(reason));
    int64_t wait_ms = 0;
    s = guess_begin(x->site->guess, settings, &u->who, x->site->boot_ms(), &wait_ms);
    if (!cardea_ok(s))
        return exchange_slow_down(x, s, wait_ms);
    s = name_free(x, u->username);
    if (cardea_ok(s))
        s = argon2_hash(u->password, settings->argon2, u->hash, sizeof u->hash);
    if (s.code == CARDEA_E_USERNAME_TAKEN)
        guess_failed(x->site->guess, settings, &u->who, x->site->boot_ms());
    else
        guess_abandoned(x->site->guess, &u->who, x->site->boot_ms());
    return s;
}

static struct cardea_status signup_commit(struct exchange *x, struct store_tx *tx)
{
    struct signup *u = x->state;
    struct flow f = exchange_flow(x, tx);
    struct account_request want = {.username = u->username, .email = u->email, .password_hash = u->hash};
    return account_create(&f, &want, &u->user);
}

static void put_user(struct exchange *x, uint16_t status, const struct user_record *user,
                     const struct session_record *session, bool with_session)
{
    struct json_writer w = answer_open(x, ANSWER_USER_MAX + ANSWER_SESSION_MAX + ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_name(&w, "user");
    answer_user(&w, user);
    if (with_session) {
        json_name(&w, "session");
        if (session == NULL)
            json_put_null(&w);
        else
            answer_session(&w, session, &session->sid);
    }
    json_close_object(&w);
    answer_json(x, status, &w);
}

static void signup_finish(struct exchange *x)
{
    const struct signup *u = x->state;
    put_user(x, 201, &u->user, NULL, false);
}

/* --- me --- */

struct me {
    struct user_record user;
    struct session_record session;
    bool has_session;
};

static struct cardea_status me_read(struct exchange *x, struct store_tx *tx, struct me *me)
{
    const struct store_ops *ops = x->site->store->ops;
    struct cardea_status s = ops->user_get(tx, x->who->user.id, &me->user);
    me->has_session = x->who->kind != KIND_KEY;
    if (cardea_ok(s) && me->has_session)
        s = ops->session_get(tx, x->who->sid, &me->session);
    if (s.code != CARDEA_E_NOT_FOUND)
        return s;
    /* Gone since the credential was checked. */
    return x->who->kind == KIND_TOKEN ? CARDEA_FAIL(E_INVALID_TOKEN)
           : x->who->kind == KIND_KEY ? CARDEA_FAIL(E_INVALID_KEY)
                                      : CARDEA_FAIL(E_INVALID_SESSION);
}

static void me_answer(struct exchange *x, struct me *me)
{
    if (me->has_session)
        session_freshen(x->site->table, &me->session);
    put_user(x, 200, &me->user, me->has_session ? &me->session : NULL, true);
}

static struct cardea_status me_work(struct exchange *x)
{
    struct store_tx *tx = NULL;
    struct me *me = exchange_state(x, sizeof *me);
    struct cardea_status s = me == NULL ? CARDEA_FAIL(E_TOO_LARGE) : exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = me_read(x, tx, me);
    exchange_read_end(x, tx);
    if (cardea_ok(s))
        me_answer(x, me);
    return s;
}

struct me_patch {
    struct account_change change;
    char email[EMAIL_MAX + 1];
    struct me me;
};

/* null takes a text away. */
static const char *text_or_none(const struct body_value *v)
{
    return !v->present ? NULL : v->null ? "" : v->text.ptr;
}

static struct cardea_status patch_begin(struct exchange *x)
{
    enum { NAME, EMAIL, METADATA, COUNT };
    static const struct body_field fields[COUNT] = {
        [NAME] = {"name", BODY_TEXT, BODY_NULLABLE, 0, NAME_MAX_BYTES},
        [EMAIL] = {"email", BODY_TEXT, BODY_NULLABLE, 0, EMAIL_MAX},
        [METADATA] = {"metadata", BODY_OBJECT, 0, 0, METADATA_MAX},
    };
    struct body_value v[COUNT];
    struct cardea_status s = body_read(x, fields, COUNT, v);
    if (!cardea_ok(s))
        return s;
    struct me_patch *p = exchange_state(x, sizeof *p);
    if (p == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    p->change.name = text_or_none(&v[NAME]);
    if (v[EMAIL].present) {
        if (v[EMAIL].text.len > 0 && !cardea_ok(s = email_canonical(v[EMAIL].text, p->email)))
            return exchange_fault(x, s, "email", VIEW("not an e-mail address"));
        p->change.email = p->email;
    }
    if (v[METADATA].present) {
        p->change.metadata = arena_copy(&x->arena, v[METADATA].text).ptr;
        if (p->change.metadata == NULL)
            return CARDEA_FAIL(E_TOO_LARGE);
    }
    return CARDEA_SUCCESS;
}

static struct cardea_status patch_commit(struct exchange *x, struct store_tx *tx)
{
    struct me_patch *p = x->state;
    struct flow f = exchange_flow(x, tx);
    struct user_record changed;
    struct cardea_status s = me_read(x, tx, &p->me);
    if (cardea_ok(s))
        s = account_update(&f, x->who->user.id, &p->change, &changed);
    if (cardea_ok(s))
        p->me.user = changed;
    return s;
}

static void patch_finish(struct exchange *x)
{
    struct me_patch *p = x->state;
    me_answer(x, &p->me);
}

static const struct endpoint endpoints[] = {
    {.methods = METHOD_POST,
     .path = "/v1/signup",
     .flags = ENDPOINT_SETS_COOKIE,
     .lane = LANE_HASH,
     .commits = LANE_WRITE,
     .body_max = ENDPOINT_BODY_SMALL,
     .begin = signup_begin,
     .work = signup_work,
     .commit = signup_commit,
     .finish = signup_finish},
    {.methods = METHOD_GET, .path = "/v1/me", .kinds = LOGIN_KINDS | KIND_KEY, .lane = LANE_READ, .work = me_work},
    {.methods = METHOD_PATCH,
     .path = "/v1/me",
     .kinds = LOGIN_KINDS,
     .commits = LANE_WRITE,
     .body_max = ENDPOINT_BODY_LARGE,
     .begin = patch_begin,
     .commit = patch_commit,
     .finish = patch_finish},
};
const struct endpoint_set account_endpoints = ENDPOINT_SET(endpoints);
