#include "store_conformance.h"

#include "crypto/digest.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t moved_ms, frozen_ms;

int64_t conformance_boot_ms(void)
{
    struct timespec now;
    int64_t frozen = atomic_load(&frozen_ms);
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (frozen != 0 ? frozen : (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000) + atomic_load(&moved_ms);
}

void conformance_boot_freeze(bool frozen)
{
    atomic_store(&frozen_ms, 0);
    if (frozen)
        atomic_store(&frozen_ms, conformance_boot_ms() - atomic_load(&moved_ms));
}

void conformance_boot_move(int64_t ms)
{
    atomic_fetch_add(&moved_ms, ms);
}

void conformance_digest(const void *bytes, size_t len, uint8_t out[32])
{
    digest_sha256(bytes, len, out);
}

/* An id whose order is the number's, with something behind it in every byte. */
static void fill_id(uint8_t *bytes, size_t len, unsigned number, uint8_t salt)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(salt + i * 7);
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(number >> (8 * (3 - i)));
}

struct user_record sample_user(unsigned number)
{
    struct user_record u = {.epoch = 1 + number,
                            .status = USER_ACTIVE,
                            .email_verified = number % 2 == 1,
                            .created_at_ms = 1700000000000 + number,
                            .updated_at_ms = 1700000001000 + number,
                            .last_login_at_ms = number % 3 == 0 ? 0 : 1700000002000 + number};
    fill_id(u.id.bytes, sizeof u.id.bytes, number, 0x11);
    (void)snprintf(u.username, sizeof u.username, "user%05u", number);
    (void)snprintf(u.email, sizeof u.email, "user%05u@example.org", number);
    (void)snprintf(u.name, sizeof u.name, "Üser № %u", number);
    (void)snprintf(u.roles, sizeof u.roles, "%s", number % 2 == 1 ? "admin,editor" : "editor");
    (void)snprintf(u.password_hash, sizeof u.password_hash, "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$%08x", number);
    (void)snprintf(u.metadata, sizeof u.metadata, "{\"number\":%u}", number);
    return u;
}

struct session_record sample_session(unsigned number, struct user_id user)
{
    bool token = number % 2 == 1;
    struct session_record r = {.user = user,
                               .epoch = 1 + number % 5,
                               .kind = token ? SESSION_TOKEN : SESSION_COOKIE,
                               .remember = number % 3 == 0,
                               .created_at_ms = 1700000000000 + number,
                               .authenticated_at_ms = 1700000000001 + number,
                               .last_seen_at_ms = 1700000000002 + number,
                               .expires_at_ms = 1700600000000 + number,
                               .idle_ms = number % 4 == 0 ? 0 : 3600000,
                               .ip = {.bytes = {192, 0, 2, (uint8_t)number}, .version = 4}};
    fill_id(r.sid.bytes, sizeof r.sid.bytes, number * 2654435761U, 0x5a);
    if (token) {
        r.generation = number;
        memset(r.refresh_digest, 0xa0 + (int)(number % 16), sizeof r.refresh_digest);
        memset(r.previous_digest, 0xb0 + (int)(number % 16), sizeof r.previous_digest);
        memset(r.refresh_nonce, 0xc0 + (int)(number % 16), sizeof r.refresh_nonce);
        r.rotated_at_ms = 1700000000003 + number;
    } else {
        memset(r.secret_digest, 0xd0 + (int)(number % 16), sizeof r.secret_digest);
    }
    (void)snprintf(r.app, sizeof r.app, "%s", token ? "spa" : "web");
    (void)snprintf(r.user_agent, sizeof r.user_agent, "Browser/%u", number);
    return r;
}

struct event sample_event(unsigned number)
{
    struct event e = {.at_ms = 1700000000000 + number, .ip = {.version = 6}, .revocation = {.kind = REVOCATION_NONE}};
    (void)snprintf(e.type, sizeof e.type, "%s", number % 2 == 1 ? "logout" : "login");
    (void)snprintf(e.actor, sizeof e.actor, "operator:%u", number);
    (void)snprintf(e.request_id, sizeof e.request_id, "request-%u", number);
    (void)snprintf(e.detail, sizeof e.detail, "{\"number\":%u}", number);
    fill_id(e.subject.bytes, sizeof e.subject.bytes, number, 0x11);
    fill_id(e.ip.bytes, sizeof e.ip.bytes, 0x20010db8, 0x01);
    if (number % 2 == 1) {
        fill_id(e.sid.bytes, sizeof e.sid.bytes, number, 0x5a);
        e.revocation.kind = REVOCATION_SESSION;
        memcpy(e.revocation.id, e.sid.bytes, sizeof e.sid.bytes);
        e.revocation.until_ms = 1700600000000 + number;
    }
    return e;
}

enum { PATIENCE_MS = 20000 };

struct store_tx *open_write(struct store *s)
{
    struct store_tx *tx = NULL;
    assert_ok(s->ops->begin(s, STORE_WRITE, conformance_boot_ms() + PATIENCE_MS, &tx));
    return tx;
}

struct store_tx *open_read(struct store *s)
{
    struct store_tx *tx = NULL;
    assert_ok(s->ops->begin(s, STORE_READ, conformance_boot_ms() + PATIENCE_MS, &tx));
    return tx;
}

void commit(struct store *s, struct store_tx *tx)
{
    assert_ok(s->ops->commit(tx));
}
