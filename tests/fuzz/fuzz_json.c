/* JSON: the reader must agree with jansson on any bytes, and the writer must make JSON of any bytes. */
#include "fuzz.h"

#include "base/text.h"
#include "json_oracle.h"

static void written(struct view bytes)
{
    struct json_token token;
    struct json doc;
    struct buf out = buf_heap(bytes.len * 6 + 2), back = buf_heap(bytes.len * 3 + 1);
    struct json_writer w = json_writer(&out);
    json_put_text(&w, bytes);
    EXPECT(buf_ok(&out) && utf8_valid(buf_view(&out)));
    EXPECT(cardea_ok(json_read(buf_view(&out), &token, 1, &doc, NULL)));
    EXPECT(cardea_ok(json_text(&doc, 0, &back)));
    EXPECT(view_equal(buf_view(&back), bytes) == utf8_valid(bytes));
    buf_clear(&out);
    buf_clear(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_oracle_check(view_of(data, size));
    written(view_of(data, size));
    return 0;
}
