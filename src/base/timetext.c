#include "base/timetext.h"

#include "base/text.h"

enum { S_MS = 1000, MINUTE_MS = 60 * S_MS, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

#define YEAR_0_MS (-62167219200000)      /* 0000-01-01T00:00:00.000Z */
#define YEAR_9999_END_MS 253402300799999 /* 9999-12-31T23:59:59.999Z */
#define YEAR_0_DAY (YEAR_0_MS / DAY_MS)  /* days from 1970-01-01 to 0000-01-01 */
enum { DAYS_400_YEARS = 146097, LEAP_0 = 1 };

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

/* Days from 0000-01-01 to the first of January of a year in 0..9999. */
static int days_before_year(int year)
{
    int before = year - 1; /* year 0 is a leap year itself, hence the LEAP_0 */
    return year == 0 ? 0 : 365 * year + LEAP_0 + before / 4 - before / 100 + before / 400;
}

struct date {
    int year, month, day;
};

static struct date date_of(int days)
{
    struct date d = {.year = (int)((int64_t)days * 400 / DAYS_400_YEARS), .month = 1};
    /* The estimate is off by at most one year in either direction. */
    while (days_before_year(d.year) > days)
        d.year--;
    while (days_before_year(d.year + 1) <= days)
        d.year++;
    days -= days_before_year(d.year);
    while (days >= days_in(d.year, d.month))
        days -= days_in(d.year, d.month++);
    d.day = days + 1;
    return d;
}

static char *put_digits(char *to, int n, int width)
{
    for (int i = width - 1; i >= 0; i--, n /= 10)
        to[i] = (char)('0' + n % 10);
    return to + width;
}

static void put_time(struct buf *b, int64_t unix_ms, bool with_ms)
{
    if (unix_ms < YEAR_0_MS)
        unix_ms = YEAR_0_MS;
    if (unix_ms > YEAR_9999_END_MS)
        unix_ms = YEAR_9999_END_MS;
    int64_t since_0 = unix_ms - YEAR_0_MS;
    struct date d = date_of((int)(since_0 / DAY_MS));
    int ms = (int)(since_0 % DAY_MS);
    char text[24], *to = text;
    to = put_digits(to, d.year, 4);
    *to++ = '-';
    to = put_digits(to, d.month, 2);
    *to++ = '-';
    to = put_digits(to, d.day, 2);
    *to++ = 'T';
    to = put_digits(to, ms / HOUR_MS, 2);
    *to++ = ':';
    to = put_digits(to, ms / MINUTE_MS % 60, 2);
    *to++ = ':';
    to = put_digits(to, ms / S_MS % 60, 2);
    if (with_ms) {
        *to++ = '.';
        to = put_digits(to, ms % S_MS, 3);
    }
    *to++ = 'Z';
    buf_put(b, view_of(text, (size_t)(to - text)));
}

void buf_rfc3339(struct buf *b, int64_t unix_ms)
{
    put_time(b, unix_ms, false);
}

void buf_rfc3339_ms(struct buf *b, int64_t unix_ms)
{
    put_time(b, unix_ms, true);
}

/* Exactly `width` digits, then the character `then` unless it is 0; moves past both. */
static bool take_digits(struct view *v, int width, char then, int *out)
{
    int n = 0;
    if (v->len < (size_t)width + (then != 0))
        return false;
    for (int i = 0; i < width; i++) {
        if (v->ptr[i] < '0' || v->ptr[i] > '9')
            return false;
        n = n * 10 + (v->ptr[i] - '0');
    }
    if (then != 0 && v->ptr[width] != then)
        return false;
    *v = view_skip(*v, (size_t)width + (then != 0));
    *out = n;
    return true;
}

/* ".5", ".123456": cut to milliseconds. Up to nine digits. */
static bool take_fraction(struct view *v, int *ret_ms)
{
    if (v->len == 0 || v->ptr[0] != '.')
        return true;
    int scale = 100, ms = 0;
    size_t n = 1;
    for (; n < v->len && v->ptr[n] >= '0' && v->ptr[n] <= '9'; n++, scale /= 10)
        ms += (v->ptr[n] - '0') * scale;
    if (n == 1 || n > 10)
        return false;
    *v = view_skip(*v, n);
    *ret_ms = ms;
    return true;
}

/* "Z" or "+hh:mm", which ends the text; as minutes east of UTC. */
static bool take_zone(struct view v, int *ret_minutes)
{
    if (view_is(v, "Z")) {
        *ret_minutes = 0;
        return true;
    }
    if (v.len != 6 || (v.ptr[0] != '+' && v.ptr[0] != '-'))
        return false;
    int hours, minutes, sign = v.ptr[0] == '-' ? -1 : 1;
    v = view_skip(v, 1);
    if (!take_digits(&v, 2, ':', &hours) || !take_digits(&v, 2, 0, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

struct cardea_status rfc3339_parse(struct view v, int64_t *ret_ms)
{
    struct date d;
    int hour, minute, second, ms = 0, east;
    if (!take_digits(&v, 4, '-', &d.year) || !take_digits(&v, 2, '-', &d.month) || !take_digits(&v, 2, 'T', &d.day) ||
        !take_digits(&v, 2, ':', &hour) || !take_digits(&v, 2, ':', &minute) || !take_digits(&v, 2, 0, &second) ||
        !take_fraction(&v, &ms) || !take_zone(v, &east))
        return CARDEA_FAIL(E_BAD_REQUEST);
    if (d.month < 1 || d.month > 12 || d.day < 1 || d.day > days_in(d.year, d.month) || hour > 23 || minute > 59 ||
        second > 59)
        return CARDEA_FAIL(E_BAD_REQUEST);
    int64_t days = days_before_year(d.year) + d.day - 1;
    for (int month = 1; month < d.month; month++)
        days += days_in(d.year, month);
    *ret_ms = YEAR_0_MS + days * DAY_MS + (int64_t)hour * HOUR_MS + ((int64_t)minute - east) * MINUTE_MS +
              (int64_t)second * S_MS + ms;
    return CARDEA_SUCCESS;
}

static const struct {
    const char *text;
    int64_t ms;
} units[] = {{"d", DAY_MS}, {"h", HOUR_MS}, {"m", MINUTE_MS}, {"s", S_MS}, {"ms", 1}};

struct cardea_status duration_parse(struct view v, int64_t *ret_ms)
{
    size_t digits = 0;
    while (digits < v.len && v.ptr[digits] >= '0' && v.ptr[digits] <= '9')
        digits++;
    uint64_t n;
    if (!cardea_ok(parse_u64(view_of(v.ptr, digits), &n)) || n == 0)
        return CARDEA_FAIL(E_BAD_REQUEST);
    struct view unit = view_skip(v, digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!view_is(unit, units[i].text))
            continue;
        if (n > (uint64_t)(DURATION_MAX_MS / units[i].ms))
            return CARDEA_FAIL(E_BAD_REQUEST);
        *ret_ms = (int64_t)n * units[i].ms;
        return CARDEA_SUCCESS;
    }
    return CARDEA_FAIL(E_BAD_REQUEST);
}

void buf_duration(struct buf *b, int64_t ms)
{
    if (ms == 0) {
        buf_text(b, "0s");
        return;
    }
    size_t i = 0;
    while (ms % units[i].ms != 0)
        i++;
    buf_int(b, ms / units[i].ms);
    buf_text(b, units[i].text);
}
