#include "core/csrf.h"

#include "base/secret.h"
#include "base/text.h"

enum { HALF = 16 };
_Static_assert(BASE64URL_LEN(2 * HALF) == CSRF_TOKEN_TEXT, "the length in csrf.h");

void csrf_format(const struct mac_key *k, struct view session, const struct entropy *e, char out[CSRF_TOKEN_TEXT])
{
    uint8_t raw[2 * HALF], mac[32];

    mac_sha256(k, &session, 1, mac);
    entropy_fill(e, raw, HALF);
    for (size_t i = 0; i < HALF; i++)
        raw[HALF + i] = (uint8_t)(mac[i] ^ raw[i]);
    base64url_encode(raw, sizeof raw, out);
    secret_wipe(mac, sizeof mac);
}

struct cardea_status csrf_check(const struct mac_key *k, struct view session, struct view text)
{
    uint8_t raw[2 * HALF], mac[32];

    if (text.len != CSRF_TOKEN_TEXT || !cardea_ok(base64url_decode_exact(text, raw, sizeof raw)))
        return CARDEA_FAIL(E_CSRF);
    mac_sha256(k, &session, 1, mac);
    for (size_t i = 0; i < HALF; i++)
        raw[HALF + i] = (uint8_t)(raw[HALF + i] ^ raw[i]);
    bool same = secret_equal(mac, raw + HALF, HALF);
    secret_wipe(mac, sizeof mac);
    secret_wipe(raw, sizeof raw);
    return same ? CARDEA_SUCCESS : CARDEA_FAIL(E_CSRF);
}
