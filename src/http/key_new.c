#include "http/key_new.h"

#include "base/secret.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/endpoint.h"

#define KEY_LIFETIME_MAX_S (10 * INT64_C(366) * 86400)
enum { KEY_LIFETIME_MIN_S = 60 };

static struct cardea_status read_scopes(struct exchange *x, const struct body_value *v, bool allowed, struct key_new *k)
{
    bool reserved = false;
    struct cardea_status s = scopes_canonical(v->texts, v->count, k->scopes, &reserved);
    if (!cardea_ok(s))
        return exchange_fault(x, s, "scopes",
                              VIEW("at most 16 scopes of 1 to 64 printable ASCII characters without spaces, quotes and "
                                   "backslashes, 512 bytes together"));
    if (reserved && !allowed)
        return exchange_fault(x, CARDEA_FAIL(E_FORBIDDEN), "scopes",
                              VIEW("introspect, revoke, feed and cardea:… are for administrators to give"));
    return CARDEA_SUCCESS;
}

struct cardea_status key_new_read(struct exchange *x, const struct user_id *user, bool reserved, struct key_new **out)
{
    enum { NAME, SCOPES, EXPIRES_IN, COUNT };
    static const struct body_field fields[COUNT] = {
        [NAME] = {"name", BODY_TEXT, BODY_REQUIRED, 1, NAME_MAX_BYTES},
        [SCOPES] = {"scopes", BODY_TEXTS, 0, 1, SCOPE_MAX},
        [EXPIRES_IN] = {"expires_in", BODY_INT, 0, KEY_LIFETIME_MIN_S, KEY_LIFETIME_MAX_S},
    };
    struct body_value v[COUNT];
    struct cardea_status s = body_read(x, fields, COUNT, v);
    if (!cardea_ok(s))
        return s;
    struct key_new *k = exchange_state(x, sizeof *k);
    if (k == NULL)
        return CARDEA_FAIL(E_TOO_LARGE);
    k->want = (struct api_key_request){
        .user = *user,
        .name = v[NAME].text,
        .scopes = k->scopes,
        .lifetime_ms = v[EXPIRES_IN].number * 1000,
    };
    s = read_scopes(x, &v[SCOPES], reserved, k);
    if (cardea_ok(s))
        *out = k;
    return s;
}

struct cardea_status key_new_commit(struct exchange *x, struct store_tx *tx)
{
    struct key_new *k = x->state;
    struct flow f = exchange_flow(x, tx);
    struct cardea_status s = api_key_create(&f, &k->want, &k->record, &k->key);
    if (s.code == CARDEA_E_LIMIT)
        return exchange_fault(x, s, NULL, VIEW("This user has as many API keys as one may have"));
    return s;
}

void key_new_finish(struct exchange *x)
{
    struct key_new *k = x->state;
    char text[API_KEY_TEXT_MAX];
    struct buf b = buf_fixed(text, sizeof text);
    api_key_format(x->site->keys, &k->key, &b);
    struct json_writer w = answer_open(x, ANSWER_API_KEY_MAX + ANSWER_EXTRA_MAX);
    answer_api_key(&w, &k->record, false, buf_view(&b));
    answer_json(x, 201, &w);
    secret_wipe(text, sizeof text);
}
