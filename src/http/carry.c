#include "http/carry.h"

#include "base/secret.h"
#include "http/answer.h"
#include "http/authenticate.h"
#include "http/endpoint.h"
#include "http/origin.h"
#include "http/problem.h"

struct texts { /* in the arena */
    struct view access, refresh, sealed, csrf;
    int64_t expires_in_s, refresh_expires_in_s;
};

static int64_t cookie_age_s(const struct exchange *x, const struct session_record *s)
{
    int64_t left_s = (s->expires_at_ms - x->now_ms) / 1000;
    return !s->remember ? 0 : left_s > 0 ? left_s : 1;
}

static struct cardea_status csrf_text(struct exchange *x, struct session_id sid, struct view *out)
{
    char *room = arena_new(&x->arena, CSRF_TOKEN_TEXT);
    if (room == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    csrf_token_format(x->site->keys, sid, x->site->entropy, room);
    *out = view_of(room, CSRF_TOKEN_TEXT);
    return CARDEA_SUCCESS;
}

static struct cardea_status token_texts(struct exchange *x, const struct app *app, const struct user_record *user,
                                        const struct session_record *session, const struct refresh_token *token,
                                        struct texts *out)
{
    char *room = arena_new(&x->arena, ACCESS_TOKEN_TEXT_MAX + REFRESH_TOKEN_TEXT_MAX);
    if (room == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct buf access = buf_fixed(room, ACCESS_TOKEN_TEXT_MAX);
    struct buf refresh = buf_fixed(room + ACCESS_TOKEN_TEXT_MAX, REFRESH_TOKEN_TEXT_MAX);
    struct cardea_status s = grant_access_token(x->site->settings, x->site->keys, x->site->entropy, app, user, session,
                                                x->now_ms, &access, &out->expires_in_s);
    if (!cardea_ok(s))
        return s;
    refresh_token_format(x->site->keys, token, &refresh);
    out->access = buf_view(&access);
    out->refresh = buf_view(&refresh);
    out->refresh_expires_in_s = (session_idle_end_ms(session) - x->now_ms) / 1000;
    return buf_ok(&refresh) ? CARDEA_SUCCESS : CARDEA_FAIL(E_INTERNAL);
}

static struct cardea_status sealed_text(struct exchange *x, const struct app *app, const struct session_record *session,
                                        struct texts *out)
{
    char *room = arena_new(&x->arena, SEALED_TEXT_MAX);
    if (room == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    struct buf b = buf_fixed(room, SEALED_TEXT_MAX);
    struct cardea_status s =
        grant_sealed(x->site->keys, x->site->entropy, app, session, x->now_ms, &b, &out->expires_in_s);
    if (!cardea_ok(s))
        return s;
    out->sealed = buf_view(&b);
    return buf_ok(&b) ? CARDEA_SUCCESS : CARDEA_FAIL(E_INTERNAL);
}

/* What a login's carrier needs beside the records. */
static struct cardea_status login_texts(struct exchange *x, const struct app *app, const struct user_record *user,
                                        const struct grant *grant, struct texts *out)
{
    struct cardea_status s = CARDEA_SUCCESS;
    if (app->carrier == CARRIER_SEALED_COOKIE)
        s = sealed_text(x, app, &grant->session, out);
    else if (app->carrier != CARRIER_SESSION_COOKIE)
        s = token_texts(x, app, user, &grant->session, &grant->refresh, out);
    return cardea_ok(s) && app->carrier != CARRIER_BODY ? csrf_text(x, grant->session.sid, &out->csrf) : s;
}

static void set_token_cookies(struct exchange *x, const struct app *app, const struct session_record *session,
                              const struct texts *t)
{
    int64_t age_s = cookie_age_s(x, session);
    cookie_set(x, COOKIE_ACCESS, t->access, app->same_site, age_s);
    cookie_set(x, COOKIE_REFRESH, t->refresh, app->same_site, age_s);
}

static void clear_if_carried(struct exchange *x, enum cookie_name name)
{
    if (x->cookies != NULL && x->cookies->values[name].ptr != NULL)
        cookie_clear(x, name);
}

void carry_clear(struct exchange *x)
{
    clear_if_carried(x, COOKIE_SESSION);
    clear_if_carried(x, COOKIE_ACCESS);
    clear_if_carried(x, COOKIE_REFRESH);
}

static void put_tokens(struct json_writer *w, const struct texts *t)
{
    json_member_text(w, "access_token", t->access);
    json_member_text(w, "token_type", VIEW("Bearer"));
    json_member_int(w, "expires_in", t->expires_in_s);
    json_member_text(w, "refresh_token", t->refresh);
    json_member_int(w, "refresh_expires_in", t->refresh_expires_in_s);
}

/* A browser that logged in here before is told apart from the rest of the world when somebody guesses. */
static void set_device(struct exchange *x, const struct app *app, const struct user_record *user)
{
    char *room = arena_new(&x->arena, DEVICE_COOKIE_TEXT);
    if (room == NULL)
        return;
    device_cookie_format(x->site->keys, user->id, x->site->entropy, room);
    cookie_set(x, COOKIE_DEVICE, view_of(room, DEVICE_COOKIE_TEXT), app->same_site, COOKIE_DEVICE_AGE_S);
}

static void set_session_cookie(struct exchange *x, const struct app *app, const struct grant *grant)
{
    struct session_cookie cookie = {.sid = grant->session.sid, .secret = grant->cookie};
    char *room = arena_new(&x->arena, SESSION_COOKIE_TEXT);
    if (room == NULL) {
        x->response_broken = true;
        return;
    }
    session_cookie_format(x->site->keys, &cookie, room);
    secret_wipe(&cookie, sizeof cookie);
    cookie_set(x, COOKIE_SESSION, view_of(room, SESSION_COOKIE_TEXT), app->same_site, cookie_age_s(x, &grant->session));
}

static void set_cookies(struct exchange *x, const struct app *app, const struct user_record *user,
                        const struct grant *grant, const struct texts *t)
{
    if (app->carrier == CARRIER_TOKEN_COOKIES) {
        set_token_cookies(x, app, &grant->session, t);
        clear_if_carried(x, COOKIE_SESSION);
    } else {
        if (app->carrier == CARRIER_SEALED_COOKIE)
            cookie_set(x, COOKIE_SESSION, t->sealed, app->same_site, cookie_age_s(x, &grant->session));
        else
            set_session_cookie(x, app, grant);
        clear_if_carried(x, COOKIE_ACCESS);
        clear_if_carried(x, COOKIE_REFRESH);
    }
    if (grant->session.remember)
        set_device(x, app, user);
}

void carry_login(struct exchange *x, const struct app *app, const struct user_record *user, const struct grant *grant)
{
    struct texts t = {0};
    struct cardea_status s = login_texts(x, app, user, grant, &t);
    if (!cardea_ok(s)) {
        problem_answer(x, s);
        return;
    }
    struct json_writer w = answer_open(x, ANSWER_USER_MAX + ANSWER_SESSION_MAX + ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_name(&w, "user");
    answer_user(&w, user);
    json_name(&w, "session");
    answer_session(&w, &grant->session, &grant->session.sid);
    if (app->carrier == CARRIER_BODY)
        put_tokens(&w, &t);
    else
        json_member_text(&w, "csrf_token", t.csrf);
    if (app->carrier == CARRIER_TOKEN_COOKIES || app->carrier == CARRIER_SEALED_COOKIE)
        json_member_int(&w, "expires_in", t.expires_in_s);
    json_close_object(&w);
    answer_json(x, 200, &w);
    if (app->carrier != CARRIER_BODY && x->response.status == 200)
        set_cookies(x, app, user, grant, &t);
}

void carry_refresh(struct exchange *x, const struct app *app, const struct user_record *user,
                   const struct session_record *session, const struct refresh_token *token)
{
    struct texts t = {0};
    struct cardea_status s = token_texts(x, app, user, session, token, &t);
    if (cardea_ok(s) && app->carrier == CARRIER_TOKEN_COOKIES)
        s = csrf_text(x, session->sid, &t.csrf);
    if (!cardea_ok(s)) {
        problem_answer(x, s);
        return;
    }
    struct json_writer w = answer_open(x, ANSWER_EXTRA_MAX);
    json_open_object(&w);
    if (app->carrier == CARRIER_BODY) {
        put_tokens(&w, &t);
    } else {
        json_member_text(&w, "csrf_token", t.csrf);
        json_member_int(&w, "expires_in", t.expires_in_s);
    }
    json_close_object(&w);
    answer_json(x, 200, &w);
    if (app->carrier == CARRIER_TOKEN_COOKIES && x->response.status == 200)
        set_token_cookies(x, app, session, &t);
}

void carry_renewal(struct exchange *x, const struct app *app, const struct session_record *session)
{
    struct texts t = {0};
    struct cardea_status s = sealed_text(x, app, session, &t);
    if (cardea_ok(s))
        s = csrf_text(x, session->sid, &t.csrf);
    if (!cardea_ok(s)) {
        problem_answer(x, s);
        return;
    }
    struct json_writer w = answer_open(x, ANSWER_EXTRA_MAX);
    json_open_object(&w);
    json_member_text(&w, "csrf_token", t.csrf);
    json_member_int(&w, "expires_in", t.expires_in_s);
    json_close_object(&w);
    answer_json(x, 200, &w);
    if (x->response.status == 200)
        cookie_set(x, COOKIE_SESSION, t.sealed, app->same_site, cookie_age_s(x, session));
}

struct cardea_status carry_admits(const struct exchange *x, const struct app *app)
{
    const struct request *r = &x->request;
    struct cardea_status s = origin_rule(r, x->site->settings, app);
    if (!cardea_ok(s) || app->carrier != CARRIER_BODY || !origin_from_browser(r))
        return s;
    return origin_listed(x->site->settings, app, request_header(r, VIEW("Origin"))) ? s : CARDEA_FAIL(E_ORIGIN);
}
