/* The fields of a user as the admin API takes them. */
#include "http/admin.h"

enum { FIELD_COUNT = 7 };

static const struct body_field create_fields[] = {
    {"username", BODY_TEXT, BODY_REQUIRED, 1, USERNAME_MAX},
    {"password", BODY_SECRET, 0, 0, PASSWORD_MAX_BYTES},
    {"email", BODY_TEXT, 0, 1, EMAIL_MAX},
    {"name", BODY_TEXT, 0, 0, NAME_MAX_BYTES},
    {"roles", BODY_TEXTS, 0, 1, ROLE_MAX},
    {"metadata", BODY_OBJECT, 0, 0, METADATA_MAX},
};
static const struct body_field change_fields[] = {
    {"roles", BODY_TEXTS, 0, 1, ROLE_MAX},
    {"password", BODY_SECRET, 0, 0, PASSWORD_MAX_BYTES},
    {"email", BODY_TEXT, BODY_NULLABLE, 1, EMAIL_MAX},
    {"name", BODY_TEXT, BODY_NULLABLE, 0, NAME_MAX_BYTES},
    {"status", BODY_TEXT, 0, 1, 16},
    {"metadata", BODY_OBJECT, 0, 0, METADATA_MAX},
};

/* Into *out by name: the two lists share most of their fields. */
static struct body_value *place(struct user_fields *out, const char *name)
{
    const struct {
        const char *name;
        struct body_value *value;
    } places[] = {
        {"username", &out->username}, {"password", &out->password}, {"email", &out->email},       {"name", &out->name},
        {"roles", &out->roles},       {"status", &out->status},     {"metadata", &out->metadata},
    };
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (view_equal(view_text(places[i].name), view_text(name)))
            return places[i].value;
    return NULL;
}

static struct cardea_status canonical(struct exchange *x, struct user_fields *f)
{
    if (f->username.present && !cardea_ok(username_canonical(f->username.text, f->canonical_username)))
        return exchange_fault(
            x, CARDEA_FAIL(E_INVALID_FIELD), "username",
            VIEW("letters, digits and . _ - @ +; the first and the last a letter or digit; at most 64"));
    if (f->email.present && !f->email.null && !cardea_ok(email_canonical(f->email.text, f->canonical_email)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "email", VIEW("not an e-mail address"));
    for (uint32_t i = 0; i < f->roles.count; i++)
        if (view_has(f->roles.texts[i], ','))
            return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "roles", VIEW("a role holds no comma"));
    if (f->roles.present && !cardea_ok(roles_canonical(f->roles.texts, f->roles.count, f->canonical_roles)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "roles",
                              VIEW("a role is made of a-z 0-9 : . _ - and begins with a letter or digit"));
    if (!f->status.present)
        return CARDEA_SUCCESS;
    f->wanted_status = view_is(f->status.text, "active")      ? USER_ACTIVE
                       : view_is(f->status.text, "suspended") ? USER_SUSPENDED
                                                              : USER_STATUS_UNSET;
    if (f->wanted_status == USER_STATUS_UNSET)
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "status", VIEW("must be active or suspended"));
    return CARDEA_SUCCESS;
}

struct cardea_status user_fields_read(struct exchange *x, bool create, struct user_fields *out)
{
    enum { COUNT = sizeof(create_fields) / sizeof(create_fields[0]) };
    _Static_assert(sizeof(create_fields) == sizeof(change_fields), "one count for both");
    const struct body_field *fields = create ? create_fields : change_fields;
    struct body_value values[COUNT];
    struct cardea_status s = body_read(x, fields, COUNT, values);
    if (!cardea_ok(s))
        return s;
    for (size_t i = 0; i < COUNT; i++)
        *place(out, fields[i].name) = values[i];
    return canonical(x, out);
}

struct cardea_status user_fields_hash(struct exchange *x, struct user_fields *f, struct view username,
                                      struct view email)
{
    const char *reason = "";
    if (!f->password.present)
        return CARDEA_SUCCESS;
    struct cardea_status s = password_acceptable(f->password.text, username, email, &reason);
    if (!cardea_ok(s))
        return exchange_fault(x, s, "password", view_text(reason));
    return argon2_hash(f->password.text, x->site->settings->argon2, f->password_hash, sizeof f->password_hash);
}

void user_fields_apply(const struct user_fields *f, struct user_record *u)
{
    if (f->email.present) { /* an administrator vouches for it */
        view_copy(view_text(f->canonical_email), u->email, sizeof u->email);
        u->email_verified = u->email[0] != '\0';
    }
    if (f->name.present)
        view_copy(f->name.text, u->name, sizeof u->name);
    if (f->metadata.present)
        view_copy(f->metadata.text, u->metadata, sizeof u->metadata);
}

struct cardea_status user_put_fault(struct exchange *x, struct cardea_status why)
{
    if (why.code == CARDEA_E_USERNAME_TAKEN)
        return exchange_fault(x, why, "username", VIEW("another user has this name"));
    if (why.code == CARDEA_E_CONFLICT)
        return exchange_fault(x, why, "email", VIEW("another user has this e-mail address"));
    return why;
}

void admin_answer_user(struct exchange *x, uint16_t status, const struct user_record *u)
{
    struct json_writer w = answer_open(x, ANSWER_USER_MAX);
    json_open_object(&w);
    json_name(&w, "user");
    answer_user(&w, u);
    json_close_object(&w);
    answer_json(x, status, &w);
}

struct cardea_status admin_param_user(struct exchange *x, struct user_id *out)
{
    return cardea_ok(user_id_parse(exchange_param(x, 0), out)) ? CARDEA_SUCCESS : CARDEA_FAIL(E_NOT_FOUND);
}

struct cardea_status admin_read_user(struct exchange *x, struct user_id id, struct user_record *out)
{
    struct store_tx *tx = NULL;
    struct cardea_status s = exchange_read_begin(x, &tx);
    if (cardea_ok(s))
        s = x->site->store->ops->user_get(tx, id, out);
    exchange_read_end(x, tx);
    return s;
}

struct cardea_status admin_query_user(struct exchange *x, struct view value, bool *ret_given, struct user_id *out)
{
    *ret_given = value.ptr != NULL;
    if (*ret_given && !cardea_ok(user_id_parse(value, out)))
        return exchange_fault(x, CARDEA_FAIL(E_INVALID_FIELD), "user", VIEW("must be the id of a user"));
    return CARDEA_SUCCESS;
}

struct view admin_detail(struct exchange *x, const char *name, struct view value)
{
    char *room = arena_new(&x->arena, EVENT_DETAIL_MAX + 1);
    struct buf b = buf_fixed(room, room == NULL ? 0 : EVENT_DETAIL_MAX);
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_member_text(&w, name, value);
    json_close_object(&w);
    return buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY;
}

struct view admin_roles_detail(struct exchange *x, const char *from, const char *to)
{
    char *room = arena_new(&x->arena, EVENT_DETAIL_MAX + 1);
    struct buf b = buf_fixed(room, room == NULL ? 0 : EVENT_DETAIL_MAX);
    struct json_writer w = json_writer(&b);
    json_open_object(&w);
    json_member_text(&w, "from", view_text(from));
    json_member_text(&w, "to", view_text(to));
    json_close_object(&w);
    return buf_ok(&b) ? buf_view(&b) : VIEW_EMPTY;
}
