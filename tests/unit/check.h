/* What every unit test includes: cmocka with what it needs before it, and assertions in Cardea's own types. They report
 * the caller's line.
 *
 *     static void round_trip(void **state)
 *     {
 *         (void)state;
 *         assert_ok(parse_u64(VIEW("7"), &n));
 *         assert_code(parse_u64(VIEW("07"), &n), E_BAD_REQUEST);
 *     }
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip)};
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 */
#ifndef UNIT_CHECK_H
#define UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/view.h"
#include "cardea/status.h"

static inline void check_code(struct cardea_status s, enum cardea_code wanted, const char *file, int line)
{
    if (s.code == wanted)
        return;
    print_error("%s, wanted %s\n", cardea_status_name(s), cardea_status_name(cardea_status(wanted)));
    _fail(file, line);
}
#define assert_ok(status) check_code((status), CARDEA_OK, __FILE__, __LINE__)
#define assert_code(status, name) check_code((status), CARDEA_##name, __FILE__, __LINE__)

static inline void check_view(struct view v, struct view wanted, const char *file, int line)
{
    if (view_equal(v, wanted))
        return;
    print_error("\"%.*s\" (%zu bytes), wanted \"%.*s\" (%zu bytes)\n", (int)v.len, v.len > 0 ? v.ptr : "", v.len,
                (int)wanted.len, wanted.len > 0 ? wanted.ptr : "", wanted.len);
    _fail(file, line);
}
#define assert_view(view, wanted) check_view((view), (wanted), __FILE__, __LINE__)
#define assert_text(view, text) check_view((view), view_text(text), __FILE__, __LINE__)

static inline void check_buf(const struct buf *b, const char *wanted, const char *file, int line)
{
    if (!buf_ok(b)) {
        print_error("the buffer has failed\n");
        _fail(file, line);
    }
    check_view(buf_view(b), view_text(wanted), file, line);
}
#define assert_buf(buf, text) check_buf((buf), (text), __FILE__, __LINE__)

#endif
