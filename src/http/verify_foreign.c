#include "http/verify_foreign.h"

#include "base/text.h"
#include "core/issuer.h"
#include "http/answer.h"
#include "http/identity_header.h"

static void put_text(struct exchange *x, size_t *used, const char *name, struct view value)
{
    char encoded[3 * FOREIGN_SUBJECT_MAX];
    struct buf b = buf_fixed(encoded, sizeof encoded);
    buf_percent_header(&b, value);
    if (buf_ok(&b))
        identity_header_put(x, used, name, buf_view(&b));
    else
        x->response_broken = true;
}

/* Joined by commas; a comma inside a name is encoded. */
static bool put_roles(struct exchange *x, size_t *used, const char *name, const struct foreign_identity *who)
{
    char joined[FOREIGN_ROLES_TEXT_MAX];
    struct buf b = buf_fixed(joined, sizeof joined);
    for (uint32_t i = 0; i < who->role_count; i++) {
        if (i > 0)
            buf_char(&b, ',');
        buf_percent_header(&b, who->roles[i]);
    }
    if (buf_ok(&b))
        identity_header_put(x, used, name, buf_view(&b));
    return buf_ok(&b);
}

static struct cardea_status conclude(struct exchange *x, const struct policy *policy,
                                     const struct foreign_identity *who)
{
    bool remote = x->site->settings->identity_headers == IDENTITY_REMOTE;
    size_t used = 0;
    struct cardea_status s = policy_check_foreign(policy, who, x->now_ms);
    if (!cardea_ok(s))
        return s;
    /* An id in the place of a name could be the name that another one has there. */
    if (remote && who->username.len == 0)
        return CARDEA_FAIL(E_FORBIDDEN);
    /* A part of somebody's roles is not what they are. */
    if (!put_roles(x, &used, remote ? "Remote-Groups" : "X-Auth-Roles", who))
        return CARDEA_FAIL(E_FORBIDDEN);
    answer_empty(x, 204);
    if (remote) {
        put_text(x, &used, "Remote-User", who->username);
        put_text(x, &used, "Remote-Email", who->email);
    } else {
        put_text(x, &used, "X-Auth-User", who->subject);
        put_text(x, &used, "X-Auth-Issuer", view_text(who->issuer->name));
        put_text(x, &used, "X-Auth-Username", who->username);
        put_text(x, &used, "X-Auth-Email", who->email);
        put_text(x, &used, "X-Auth-Client", who->client);
        answer_header(x, "X-Auth-Method", VIEW("token"));
    }
    answer_header(x, "Cache-Control", VIEW("no-store"));
    return CARDEA_SUCCESS;
}

static bool worth_waiting(const struct exchange *x, struct cardea_status s, size_t which)
{
    const struct site *site = x->site;
    return (s.code == CARDEA_E_NOT_FOUND || s.code == CARDEA_E_UNAVAILABLE) && site->keys_wanted != NULL &&
           site->keys_wanted(site->context, site->settings->generation, (uint32_t)which);
}

struct cardea_status verify_foreign(struct exchange *x, const struct policy *policy, const struct presented *p,
                                    bool last, bool *ret_ours)
{
    const struct site *site = x->site;
    struct token_space space;
    struct foreign_identity who;
    size_t which = 0;
    /* A cookie is ours alone: another site's token in it would need other cross-site rules. */
    struct cardea_status s =
        p->by_bearer ? foreign_issuer(site->settings, policy, p->text, &space, &which) : CARDEA_FAIL(E_INVALID_TOKEN);
    *ret_ours = !cardea_ok(s) && policy_own_tokens(policy);
    if (!cardea_ok(s))
        return s;
    /* The cache is the event loop's own, and this is another thread. */
    struct issuer_ring *newest = last && site->keys_now != NULL ? site->keys_now(site->context) : NULL;
    s = foreign_verify(site->settings, last ? newest : site->issuers, which, last ? NULL : x->cache, x->now_ms,
                       site->boot_ms(), p->text, &space, &who);
    if (cardea_ok(s))
        s = conclude(x, policy, &who);
    else if (!last && worth_waiting(x, s, which)) {
        x->issuer = (uint32_t)which + 1;
        s = CARDEA_FAIL(E_NOT_FOUND);
    } else if (s.code == CARDEA_E_NOT_FOUND) {
        s = CARDEA_FAIL(E_INVALID_TOKEN);
    }
    issuer_ring_unref(newest);
    return s;
}
