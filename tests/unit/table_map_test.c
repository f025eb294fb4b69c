/* Can whoever was handed the table's memory change what the next one is handed? */
#include "check.h"

#include "crypto/random.h"
#include "daemon/table_map.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static void nobody_shortens_or_seals_it(void **state)
{
    static const struct table_geometry g = {1000, 4};
    struct table_map m;
    (void)state;
    assert_ok(table_map_open(&g, entropy_system(), &m));
    const int fds[] = {m.block_fd, m.seen_fd};
    for (size_t i = 0; i < 2; i++) {
        errno = 0;
        assert_int_equal(ftruncate(fds[i], 0), -1);
        assert_int_equal(errno, EPERM);
        errno = 0;
        assert_int_equal(fcntl(fds[i], F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
        assert_int_equal(errno, EPERM);
    }
    table_map_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_shortens_or_seals_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
