#include "store/redis/pool.h"

/* A record's time to live, in Lua's doubles: exact enough for a time, and kept within what Redis takes. */
#define TIME_TO_LIVE                                                                                                   \
    "local function live(s, i, x, now)\n"                                                                              \
    "  local over = tonumber(x)\n"                                                                                     \
    "  if tonumber(i) > 0 then over = math.min(over, tonumber(s) + tonumber(i) + 600000) end\n"                        \
    "  return string.format('%.0f', math.max(1, math.min(over - tonumber(now), 315360000000)))\n"                      \
    "end\n"

const char *const script_texts[SCRIPT_COUNT] = {
    /* KEYS: session, its user's, all, by creation. ARGV: k g f s i x, now, sid, user, epoch, created. 1: done, or done
     * before; 0: taken. */
    [SCRIPT_CREATE] = TIME_TO_LIVE "local k = redis.call('HGET', KEYS[1], 'k')\n"
                                   "if k then return k == ARGV[1] and 1 or 0 end\n"
                                   "local ttl = live(ARGV[4], ARGV[5], ARGV[6], ARGV[7])\n"
                                   "redis.call('HSET', KEYS[1], 'k', ARGV[1], 'g', ARGV[2], 'f', ARGV[3], 's', ARGV[4],"
                                   " 'i', ARGV[5], 'x', ARGV[6], 'u', ARGV[9])\n"
                                   "redis.call('PEXPIRE', KEYS[1], ttl)\n"
                                   "redis.call('ZADD', KEYS[2], ARGV[10], ARGV[8])\n"
                                   "if redis.call('PTTL', KEYS[2]) < tonumber(ttl) then"
                                   " redis.call('PEXPIRE', KEYS[2], ttl) end\n"
                                   "redis.call('ZADD', KEYS[3], 0, ARGV[8])\n"
                                   "redis.call('ZADD', KEYS[4], ARGV[11], ARGV[8])\n"
                                   "return 1\n",
    /* KEYS: session. ARGV: expected generation, g, f, s, now. 1: done, or done before by this very call; 0: another
     * generation; -1: no such session. */
    [SCRIPT_ROTATE] = TIME_TO_LIVE "local h = redis.call('HMGET', KEYS[1], 'g', 'f', 's', 'i', 'x')\n"
                                   "if not h[1] then return -1 end\n"
                                   "if h[1] ~= ARGV[1] then return (h[1] == ARGV[2] and h[2] == ARGV[3]) and 1 or 0 "
                                   "end\n"
                                   "local s = h[3]\n"
                                   "if tonumber(ARGV[4]) > tonumber(s) then s = ARGV[4] end\n"
                                   "redis.call('HSET', KEYS[1], 'g', ARGV[2], 'f', ARGV[3], 's', s)\n"
                                   "redis.call('PEXPIRE', KEYS[1], live(s, h[4], h[5], ARGV[5]))\n"
                                   "return 1\n",
    /* KEYS: session. ARGV: s, now. */
    [SCRIPT_TOUCH] = TIME_TO_LIVE "local h = redis.call('HMGET', KEYS[1], 's', 'i', 'x')\n"
                                  "if h[1] and tonumber(ARGV[1]) > tonumber(h[1]) then\n"
                                  "  redis.call('HSET', KEYS[1], 's', ARGV[1])\n"
                                  "  redis.call('PEXPIRE', KEYS[1], live(ARGV[1], h[2], h[3], ARGV[2]))\n"
                                  "end\n"
                                  "return 1\n",
    /* KEYS: session, all, by creation. ARGV: sid, where users' sets begin. */
    [SCRIPT_REMOVE] = "local u = redis.call('HGET', KEYS[1], 'u')\n"
                      "if u then redis.call('ZREM', ARGV[2] .. u, ARGV[1]) end\n"
                      "redis.call('DEL', KEYS[1])\n"
                      "redis.call('ZREM', KEYS[2], ARGV[1])\n"
                      "redis.call('ZREM', KEYS[3], ARGV[1])\n"
                      "return 1\n",
    /* KEYS: counters. ARGV, of each: add, window, stop above. The values of those that were taken. */
    [SCRIPT_COUNT_STEPS] = "local values = {}\n"
                           "for i = 1, #KEYS do\n"
                           "  local add = tonumber(ARGV[3 * i - 2])\n"
                           "  local value = 0\n"
                           "  if add > 0 then\n"
                           "    value = redis.call('INCRBY', KEYS[i], add)\n"
                           "    if redis.call('PTTL', KEYS[i]) < 0 then"
                           " redis.call('PEXPIRE', KEYS[i], ARGV[3 * i - 1]) end\n"
                           "  else\n"
                           "    value = tonumber(redis.call('GET', KEYS[i]) or 0)\n"
                           "    if add < 0 and value > 0 then"
                           " value = redis.call('DECRBY', KEYS[i], math.min(value, -add)) end\n"
                           "  end\n"
                           "  values[i] = value\n"
                           "  if value > tonumber(ARGV[3 * i]) then break end\n"
                           "end\n"
                           "return values\n",
};

void script_call(const struct pool *p, struct words *w, enum script s, const char *keys)
{
    word_text(w, "EVALSHA");
    word_text(w, p->sha[s]);
    word_text(w, keys);
}
