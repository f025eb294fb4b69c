/* Configuration: no text crashes the reader; what is refused is refused with a place and a printable sentence; what is
 * accepted is shown as a text that is accepted again and shown the same. */
#include "fuzz.h"

#include "daemon/config_keys.h"

#include <stdlib.h>

static struct cardea_status load(struct view text, struct config *c, struct config_error *error)
{
    memset(c, 0, sizeof *c);
    memset(error, 0, sizeof *error);
    struct cardea_status s = config_defaults(c);
    EXPECT(cardea_ok(s));
    c->settings.app_count = 0;
    s = config_read_yaml(c, text, error);
    if (!cardea_ok(s))
        EXPECT(error->line > 0 && error->column > 0);
    return cardea_ok(s) ? config_settle(c, error) : s;
}

static void printable(const char *text)
{
    EXPECT(text[0] != '\0');
    for (; *text != '\0'; text++)
        EXPECT(*text >= 0x20 && *text < 0x7f);
}

/* Where values came from is not part of it. */
static void same_origins(struct config *to, const struct config *from)
{
    memcpy(to->origins, from->origins, sizeof to->origins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config first, second;
    struct config_error error;
    struct cardea_status s = load(view_of(data, size), &first, &error);
    if (!cardea_ok(s)) {
        printable(error.text);
        return 0;
    }
    struct buf shown = buf_heap(1 << 22), again = buf_heap(1 << 22);
    config_show(&first, false, &shown);
    EXPECT(buf_ok(&shown));
    EXPECT(cardea_ok(load(buf_view(&shown), &second, &error)));
    same_origins(&second, &first);
    config_show(&second, false, &again);
    EXPECT(view_equal(buf_view(&shown), buf_view(&again)));
    buf_clear(&shown);
    buf_clear(&again);
    return 0;
}
