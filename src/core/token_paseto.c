#include "core/token_paseto.h"

#include "base/secret.h"
#include "core/token_judge.h"

enum { FOOTER_VALUES = 32 };
_Static_assert((int)PASETO_BODY_MAX <= (int)TOKEN_PAYLOAD_MAX, "every message has room");

struct cardea_status token_footer_key(struct view text, struct paserk_id *out)
{
    uint8_t storage[PASETO_FOOTER_MAX];
    struct json_token values[FOOTER_VALUES];
    struct json doc;
    struct view footer, id;

    if (!cardea_ok(paseto_footer_peek(text, storage, &footer)) ||
        !cardea_ok(json_read(footer, values, FOOTER_VALUES, &doc, NULL)) ||
        !cardea_ok(json_plain(&doc, json_get(&doc, 0, VIEW("kid")), &id)) || !cardea_ok(paserk_id_parse(id, out)))
        return CARDEA_FAIL(E_NOT_FOUND);
    return CARDEA_SUCCESS;
}

static struct cardea_status judge(const struct paseto_opened *opened, const struct token_rules *rules, int64_t now_ms,
                                  struct token_space *space, struct verified_token *out)
{
    struct verified_token t;
    size_t len = opened->message.len;

    if (len > 0)
        memcpy(space->plain, opened->message.ptr, len);
    struct cardea_status s = token_judge(rules, TOKEN_TIMES_RFC3339, now_ms, space, len, &t);
    if (!cardea_ok(s)) {
        secret_wipe(space->plain, len);
        secret_wipe(space->texts, len);
        return s;
    }
    t.algorithm = SIGNATURE_UNSET;
    t.kid = t.type = VIEW_EMPTY;
    *out = t;
    return s;
}

struct cardea_status token_check_public(const struct paseto_public_key *key, const struct token_rules *rules,
                                        struct view text, struct view implicit, int64_t now_ms,
                                        struct paseto_space *work, struct token_space *space,
                                        struct verified_token *out)
{
    struct paseto_expectation want = {.implicit = implicit};
    struct paseto_opened opened;

    if (!token_rules_complete(rules))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = paseto_public_verify(key, text, &want, work, &opened);
    return cardea_ok(s) ? judge(&opened, rules, now_ms, space, out) : s;
}

struct cardea_status token_check_local(const struct paseto_local_key *key, const struct token_rules *rules,
                                       struct view text, struct view implicit, int64_t now_ms,
                                       struct paseto_space *work, struct token_space *space, struct verified_token *out)
{
    struct paseto_expectation want = {.implicit = implicit};
    struct paseto_opened opened;

    if (!token_rules_complete(rules))
        return CARDEA_FAIL(E_USAGE);
    struct cardea_status s = paseto_local_decrypt(key, text, &want, work, &opened);
    if (!cardea_ok(s))
        return s;
    s = judge(&opened, rules, now_ms, space, out);
    secret_wipe(work->bytes, sizeof work->bytes);
    return s;
}
