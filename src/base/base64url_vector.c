#include "base/base64url_vector.h"

#if defined(__x86_64__) && !defined(PORTABLE_READERS) /* the tests run both */

#include <immintrin.h>

/* Where a character stands in the table of ASCII: its column is the low half of the byte, its row the high half. The
 * rows that hold characters of the alphabet are of five kinds; all others are of the sixth. */
enum {
    LETTERS = 1,      /* rows 4 and 6: letters from column 1 on */
    UPPER_END = 2,    /* row 5: to column 10, and '_' in column 15 */
    LOWER_END = 4,    /* row 7: to column 10 */
    DIGITS = 8,       /* row 3: to column 9 */
    PUNCTUATION = 16, /* row 2: '-' in column 13 */
    OTHER = 32,
};

/* Per column, the kinds of row in which nothing good stands there: 0; 1 … 9; 10; 11, 12, 14; 13; 15. */
enum {
    BAD_0 = LETTERS | PUNCTUATION | OTHER,
    BAD_1 = PUNCTUATION | OTHER,
    BAD_10 = DIGITS | PUNCTUATION | OTHER,
    BAD_11 = UPPER_END | LOWER_END | DIGITS | PUNCTUATION | OTHER,
    BAD_13 = UPPER_END | LOWER_END | DIGITS | OTHER,
    BAD_15 = LOWER_END | DIGITS | PUNCTUATION | OTHER,
};
#define BAD_COLUMN                                                                                                     \
    _mm_setr_epi8(BAD_0, BAD_1, BAD_1, BAD_1, BAD_1, BAD_1, BAD_1, BAD_1, BAD_1, BAD_1, BAD_10, BAD_11, BAD_11,        \
                  BAD_13, BAD_11, BAD_15)
/* Per row, its kind. */
#define KIND_OF_ROW                                                                                                    \
    _mm_setr_epi8(OTHER, OTHER, PUNCTUATION, DIGITS, LETTERS, UPPER_END, LETTERS, LOWER_END, OTHER, OTHER, OTHER,      \
                  OTHER, OTHER, OTHER, OTHER, OTHER)
/* Per row, what makes the six bits of its characters; '_' shares its row with letters and is put right after. */
#define TO_BITS _mm_setr_epi8(0, 0, 62 - '-', 52 - '0', 0 - 'A', 0 - 'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0)

struct tables {
    __m128i bad_column, kind_of_row, to_bits;
};

/* Sixteen characters at `in` to twelve bytes at `out`; what is wrong with them is added to *bad. */
__attribute__((target("ssse3"))) static inline void decode_block(const struct tables *t, const unsigned char *in,
                                                                 unsigned char *out, __m128i *bad)
{
    const __m128i half = _mm_set1_epi8(0x0f), underscore = _mm_set1_epi8('_'),
                  correction = _mm_set1_epi8(63 - '_' + 'A'),
                  order = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)in);
    __m128i row = _mm_and_si128(_mm_srli_epi16(c, 4), half);
    __m128i bits = _mm_add_epi8(c, _mm_shuffle_epi8(t->to_bits, row));

    *bad = _mm_or_si128(*bad, _mm_and_si128(_mm_shuffle_epi8(t->bad_column, _mm_and_si128(c, half)),
                                            _mm_shuffle_epi8(t->kind_of_row, row)));
    bits = _mm_add_epi8(bits, _mm_and_si128(_mm_cmpeq_epi8(c, underscore), correction));
    bits = _mm_maddubs_epi16(bits, _mm_set1_epi32(0x01400140)); /* two sixes to twelve */
    bits = _mm_madd_epi16(bits, _mm_set1_epi32(0x00011000));    /* two twelves to twenty-four */
    bits = _mm_shuffle_epi8(bits, order);
    _mm_storel_epi64((__m128i *)(void *)out, bits);
    int last = _mm_cvtsi128_si32(_mm_srli_si128(bits, 8));
    __builtin_memcpy(out + 8, &last, 4);
}

__attribute__((target("ssse3"))) static bool decode_ssse3(const unsigned char *in, size_t len, unsigned char *out)
{
    const struct tables t = {BAD_COLUMN, KIND_OF_ROW, TO_BITS};
    __m128i bad = _mm_setzero_si128();
    size_t blocks = len / 16, rest = len % 16;

    for (size_t i = 0; i < blocks; i++)
        decode_block(&t, in + 16 * i, out + 12 * i, &bad);
    if (rest > 0) /* the last sixteen, of which some are decoded again, to the same bytes */
        decode_block(&t, in + len - 16, out + len / 4 * 3 - 12, &bad);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(bad, _mm_setzero_si128())) == 0xffff;
}

bool base64url_decode_wide(const unsigned char *in, size_t len, unsigned char *out, bool *ret_good)
{
    if (len < 16 || !__builtin_cpu_supports("ssse3"))
        return false;
    *ret_good = decode_ssse3(in, len, out);
    return true;
}

#else

bool base64url_decode_wide(const unsigned char *in, size_t len, unsigned char *out, bool *ret_good)
{
    (void)in;
    (void)len;
    (void)out;
    (void)ret_good;
    return false;
}

#endif
