/* A user's record in the words of the table, for its writer and for those who had to ask the store. */
#include "base/text.h"
#include "core/table.h"

/* Role names may be anything; the commas between them stay. */
static void put_roles(struct buf *b, struct view roles)
{
    struct view role, rest = roles;
    while (view_cut(rest, ',', &role, &rest)) {
        buf_percent_header(b, role);
        buf_char(b, ',');
    }
    buf_percent_header(b, role);
}

struct cardea_status table_user_from_record(const struct user_record *r, struct table_user *out)
{
    struct buf text = buf_fixed(out->text, sizeof out->text);
    buf_percent_header(&text, view_text(r->username));
    size_t username_end = text.len;
    if (r->email_verified) /* a claimed one must not reach applications, which take it for an identity */
        buf_percent_header(&text, view_text(r->email));
    size_t email_end = text.len;
    buf_percent_header(&text, view_text(r->name));
    size_t name_end = text.len;
    put_roles(&text, view_text(r->roles));
    if (!buf_ok(&text))
        return CARDEA_FAIL(E_INTERNAL);
    out->id = r->id;
    out->epoch = r->epoch;
    out->status = r->status;
    out->username_len = (uint16_t)username_end;
    out->email_len = (uint16_t)(email_end - username_end);
    out->name_len = (uint16_t)(name_end - email_end);
    out->roles_len = (uint16_t)(text.len - name_end);
    return CARDEA_SUCCESS;
}
