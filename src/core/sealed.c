#include "core/sealed.h"

#include "base/json.h"
#include "base/secret.h"
#include "core/claims.h"

enum { PLAIN_MAX = 512, CLAIM_TOKENS = 48, MS = 1000 };

static const char type[] = "sealed+jwt";

/* --- keys --- */

static const struct sealed_key *key_by_id(const struct sealed_keys *k, const struct key_id *id)
{
    for (size_t i = 0; i < k->count; i++) {
        if (ID_SAME(k->keys[i].id, *id))
            return &k->keys[i];
    }
    return NULL;
}

struct cardea_status sealed_keys_add(struct sealed_keys *k, const struct key_id *id,
                                     const uint8_t bytes[SEALED_KEY_BYTES], int64_t drop_before_at_ms)
{
    char text[KEY_ID_TEXT];
    struct buf kid = buf_fixed(text, sizeof text);
    struct sealed_key added = {.id = *id};

    if (k->count == SEALED_KEYS_MAX)
        return CARDEA_FAIL(E_LIMIT);
    if (key_by_id(k, id) != NULL)
        return CARDEA_FAIL(E_CONFLICT);
    buf_key_id(&kid, *id);
    struct jwe_rule rule = {JWE_DIR, JWE_ENC(AEAD_A256GCM), buf_view(&kid)};
    struct cardea_status s = jwe_key_symmetric(&rule, view_of(bytes, SEALED_KEY_BYTES), &added.jwe);
    if (!cardea_ok(s))
        return s;
    if (k->count > 0)
        k->keys[k->count - 1].drop_at_ms = drop_before_at_ms;
    k->keys[k->count++] = added;
    return CARDEA_SUCCESS;
}

void sealed_keys_clear(struct sealed_keys *k)
{
    for (size_t i = 0; i < k->count; i++)
        jwe_key_free(k->keys[i].jwe);
    *k = (struct sealed_keys){.count = 0};
}

/* --- what a session may say --- */

static bool sane(const struct sealed_session *s)
{
    return s->epoch >= 1 && s->app[0] != '\0' && memchr(s->app, '\0', sizeof s->app) != NULL && s->iat_s > 0 &&
           s->exp_s > s->iat_s && s->exp_s - s->iat_s <= SEALED_LIFETIME_MAX_S && s->end_s >= s->exp_s &&
           s->end_s <= INT64_MAX / MS;
}

/* Its age last: E_EXPIRED means that nothing else is wrong. */
static struct cardea_status times(const struct sealed_session *s, int64_t now_ms, bool aged)
{
    if (s->iat_s > now_ms / MS + LEEWAY_S)
        return CARDEA_FAIL(E_INVALID_SESSION);
    return now_ms >= (aged ? s->end_s : s->exp_s) * MS ? CARDEA_FAIL(E_EXPIRED) : CARDEA_SUCCESS;
}

static void put_claims(struct buf *b, const struct sealed_session *s)
{
    char id[USER_ID_TEXT];
    struct buf text = buf_fixed(id, sizeof id);
    struct json_writer w = json_writer(b);

    json_open_object(&w);
    buf_session_id(&text, s->sid);
    json_member_text(&w, "sid", buf_view(&text));
    buf_reset(&text);
    buf_user_id(&text, s->sub);
    json_member_text(&w, "sub", buf_view(&text));
    json_member_int(&w, "ep", s->epoch);
    json_member_text(&w, "app", view_text(s->app));
    json_member_int(&w, "iat", s->iat_s);
    json_member_int(&w, "exp", s->exp_s);
    json_member_int(&w, "end", s->end_s);
    json_close_object(&w);
}

static bool read_claims(struct view plain, struct sealed_session *s)
{
    struct json_token tokens[CLAIM_TOKENS];
    struct json doc;
    struct view sid, sub;

    return cardea_ok(json_read(plain, tokens, CLAIM_TOKENS, &doc, NULL)) && json_type(&doc, 0) == JSON_OBJECT &&
           claim_text(&doc, VIEW("sid"), &sid) && cardea_ok(session_id_parse(sid, &s->sid)) &&
           claim_text(&doc, VIEW("sub"), &sub) && cardea_ok(user_id_parse(sub, &s->sub)) &&
           claim_int(&doc, VIEW("ep"), &s->epoch) && claim_copy(&doc, VIEW("app"), s->app, sizeof s->app) &&
           claim_int(&doc, VIEW("iat"), &s->iat_s) && claim_int(&doc, VIEW("exp"), &s->exp_s) &&
           claim_int(&doc, VIEW("end"), &s->end_s) && sane(s);
}

/* --- sealing and opening --- */

struct cardea_status sealed_seal(const struct sealed_keys *k, const struct sealed_session *s, const struct entropy *e,
                                 struct buf *out)
{
    char plain[PLAIN_MAX];
    struct buf b = buf_fixed(plain, sizeof plain);
    struct sealed_session again;

    if (k->count == 0)
        return CARDEA_FAIL(E_UNAVAILABLE);
    if (!sane(s))
        return CARDEA_FAIL(E_USAGE);
    put_claims(&b, s);
    if (!buf_ok(&b) || !read_claims(buf_view(&b), &again)) /* a name of an app that no reader of ours takes */
        return CARDEA_FAIL(E_USAGE);
    return jwe_seal(k->keys[k->count - 1].jwe, &(struct jwe_header){.typ = VIEW("sealed+jwt")}, buf_view(&b), e, out);
}

static const struct sealed_key *key_of(const struct sealed_keys *k, const struct jwe_token *t, int64_t now_ms)
{
    struct key_id id;

    if (!cardea_ok(key_id_parse(jwe_name_view(&t->kid), &id)))
        return NULL;
    const struct sealed_key *found = key_by_id(k, &id);
    return found == NULL || (found->drop_at_ms != 0 && now_ms >= found->drop_at_ms) ? NULL : found;
}

/* dir draws no randomness: there is no encrypted key to replace. */
static void no_entropy(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 0, len);
}

static struct cardea_status open_text(const struct sealed_keys *k, struct view text, int64_t now_ms, bool aged,
                                      struct sealed_session *out)
{
    static const struct entropy none = {no_entropy, NULL};
    uint8_t room[PLAIN_MAX];
    struct jwe_token t;
    struct jwe_opened opened;
    struct sealed_session s;

    if (text.len > SEALED_TEXT_MAX || !cardea_ok(jwe_read(text, &t)) || !view_is(jwe_name_view(&t.typ), type))
        return CARDEA_FAIL(E_INVALID_SESSION);
    const struct sealed_key *key = key_of(k, &t, now_ms);
    if (key == NULL)
        return CARDEA_FAIL(E_INVALID_SESSION);
    struct cardea_status status = jwe_token_open(&t, key->jwe, &none, room, sizeof room, &opened);
    if (!cardea_ok(status))
        return status.code == CARDEA_E_BUSY ? status : CARDEA_FAIL(E_INVALID_SESSION);
    status = read_claims(opened.plain, &s) ? times(&s, now_ms, aged) : CARDEA_FAIL(E_INVALID_SESSION);
    secret_wipe(room, sizeof room);
    if (cardea_ok(status))
        *out = s;
    return status;
}

struct cardea_status sealed_open(const struct sealed_keys *k, struct view text, int64_t now_ms,
                                 struct sealed_session *out)
{
    return open_text(k, text, now_ms, false, out);
}

struct cardea_status sealed_open_aged(const struct sealed_keys *k, struct view text, int64_t now_ms,
                                      struct sealed_session *out)
{
    return open_text(k, text, now_ms, true, out);
}

bool sealed_shaped(struct view text)
{
    return view_has(text, '.');
}

struct cardea_status sealed_renew(const struct sealed_session *s, int64_t now_ms, int64_t lifetime_s,
                                  struct sealed_session *out)
{
    int64_t now_s = now_ms / MS;

    if (lifetime_s <= 0 || lifetime_s > SEALED_LIFETIME_MAX_S)
        return CARDEA_FAIL(E_USAGE);
    if (now_s >= s->end_s)
        return CARDEA_FAIL(E_EXPIRED);
    *out = *s;
    out->iat_s = now_s;
    out->exp_s = s->end_s - now_s < lifetime_s ? s->end_s : now_s + lifetime_s;
    return CARDEA_SUCCESS;
}
