#include "http/answer.h"

#include "core/credential.h"
#include "http/problem.h"

struct json_writer answer_open(struct exchange *x, size_t cap)
{
    char *room = arena_new(&x->arena, cap);
    x->answer = buf_fixed(room, cap);
    x->answer.failed = room == NULL;
    return json_writer(&x->answer);
}

void answer_json(struct exchange *x, uint16_t status, const struct json_writer *w)
{
    if (!buf_ok(w->out)) {
        problem_answer(x, CARDEA_FAIL(E_INTERNAL));
        return;
    }
    x->response.status = status;
    x->response.body = buf_view(w->out);
    answer_header(x, "Content-Type", VIEW("application/json"));
}

void answer_empty(struct exchange *x, uint16_t status)
{
    x->response.status = status;
    x->response.body = VIEW_EMPTY;
}

void answer_header(struct exchange *x, const char *name, struct view value)
{
    if (!cardea_ok(response_header(&x->response, name, value)))
        x->response_broken = true;
}

void answer_user(struct json_writer *w, const struct user_record *u)
{
    char text[USER_ID_TEXT];
    struct buf b = buf_fixed(text, sizeof text);
    buf_user_id(&b, u->id);
    json_open_object(w);
    json_member_text(w, "id", buf_view(&b));
    json_member_text(w, "username", view_text(u->username));
    json_name(w, "email");
    if (u->email[0] == '\0')
        json_put_null(w);
    else
        json_put_text(w, view_text(u->email));
    json_member_bool(w, "email_verified", u->email_verified);
    json_name(w, "name");
    if (u->name[0] == '\0')
        json_put_null(w);
    else
        json_put_text(w, view_text(u->name));
    json_name(w, "roles");
    json_open_array(w);
    for (struct view rest = view_text(u->roles), role; rest.len > 0;) {
        view_cut(rest, ',', &role, &rest);
        json_put_text(w, role);
    }
    json_close_array(w);
    json_member_text(w, "status", u->status == USER_ACTIVE ? VIEW("active") : VIEW("suspended"));
    json_name(w, "metadata");
    json_put_raw(w, u->metadata[0] == '\0' ? VIEW("{}") : view_text(u->metadata));
    json_member_time(w, "created_at", u->created_at_ms);
    json_member_time(w, "updated_at", u->updated_at_ms);
    json_member_time(w, "last_login_at", u->last_login_at_ms);
    json_close_object(w);
}

void answer_session(struct json_writer *w, const struct session_record *s, const struct session_id *current)
{
    char sid[ID16_TEXT], ip[ADDRESS_TEXT_MAX];
    struct buf sid_text = buf_fixed(sid, sizeof sid), ip_text = buf_fixed(ip, sizeof ip);
    buf_session_id(&sid_text, s->sid);
    buf_address(&ip_text, &s->ip);
    int64_t idle_ends = s->idle_ms == 0 ? 0 : s->last_seen_at_ms + s->idle_ms;
    if (idle_ends > s->expires_at_ms)
        idle_ends = s->expires_at_ms;
    json_open_object(w);
    json_member_text(w, "sid", buf_view(&sid_text));
    json_member_text(w, "app", view_text(s->app));
    json_member_time(w, "created_at", s->created_at_ms);
    json_member_time(w, "authenticated_at", s->authenticated_at_ms);
    json_member_time(w, "last_seen_at", s->last_seen_at_ms);
    json_member_time(w, "expires_at", s->expires_at_ms);
    json_member_time(w, "idle_expires_at", idle_ends);
    json_name(w, "ip_address");
    if (s->ip.version == 0)
        json_put_null(w);
    else
        json_put_text(w, buf_view(&ip_text));
    json_name(w, "user_agent");
    if (s->user_agent[0] == '\0')
        json_put_null(w);
    else
        json_put_text(w, view_text(s->user_agent));
    json_member_bool(w, "current", current != NULL && ID_SAME(s->sid, *current));
    json_close_object(w);
}

void answer_api_key(struct json_writer *w, const struct api_key_record *k, bool owner, struct view secret)
{
    char user[USER_ID_TEXT];
    struct buf user_text = buf_fixed(user, sizeof user);
    char id[ID16_TEXT], prefix[sizeof(API_KEY_PREFIX) - 1 + ID16_TEXT];
    struct buf id_text = buf_fixed(id, sizeof id), prefix_text = buf_fixed(prefix, sizeof prefix);
    buf_api_key_id(&id_text, k->id);
    buf_text(&prefix_text, API_KEY_PREFIX);
    buf_put(&prefix_text, buf_view(&id_text));
    json_open_object(w);
    json_member_text(w, "id", buf_view(&id_text));
    if (owner) {
        buf_user_id(&user_text, k->user);
        json_member_text(w, "user", buf_view(&user_text));
    }
    json_member_text(w, "name", view_text(k->name));
    json_member_text(w, "prefix", buf_view(&prefix_text));
    if (secret.len > 0)
        json_member_text(w, "key", secret);
    json_name(w, "scopes");
    json_open_array(w);
    for (struct view rest = view_text(k->scopes), scope; rest.len > 0;) {
        view_cut(rest, ' ', &scope, &rest);
        json_put_text(w, scope);
    }
    json_close_array(w);
    json_member_time(w, "created_at", k->created_at_ms);
    json_member_time(w, "expires_at", k->expires_at_ms);
    json_close_object(w);
}
