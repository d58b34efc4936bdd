/**
 * What Redis does in one go, by its own clock. Each touches one key, so that they work on a cluster
 * too. Times are whole microseconds: Lua prints no more than 14 digits of a fraction.
 */

/**
 * A rate: `KEYS[1]` holds the theoretical arrival time. `ARGV`: microseconds for one, burst, needed,
 * spare, owed. Returns what was granted, what is left, microseconds to the next, to the whole.
 */
export const TAKE_OF_RATE = `
local every, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, owed = tonumber(ARGV[3]) + tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
if arrival < now then arrival = now end
arrival = arrival + owed * every
local free = math.floor((now + burst * every - arrival) / every + 0.000001)
local granted = math.max(0, math.min(wanted, free))
arrival = math.ceil(arrival + granted * every)
if arrival > now then
  redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))
end
local wait = math.ceil(arrival + every - now - burst * every)
return { granted, math.max(0, free - granted), math.max(0, wait), math.ceil(arrival - now) }
`

/**
 * A quota: `KEYS[1]` holds what of it was used. `ARGV`: amount, needed, spare, owed, milliseconds to
 * keep it, gateways. What is ahead of need becomes less towards the end, so that little of it lies
 * with gateways that have no use for it. Returns what was granted, and what is left.
 */
export const TAKE_OF_QUOTA = `
local amount, need, spare = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = math.max(0, tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[4]))
local free = math.max(0, amount - used)
local ahead = math.min(spare, math.floor(free / (2 * tonumber(ARGV[6]))))
local granted = math.min(free, need + ahead)
used = used + granted
redis.call('SET', KEYS[1], string.format('%.0f', used), 'PX', ARGV[5])
return { granted, string.format('%.0f', math.max(0, amount - used)) }
`

/**
 * Which gateways there are: `KEYS[1]` is a sorted set by the time until which they are believed.
 * `ARGV`: this one's name, milliseconds for which it is believed; with none it leaves. Returns how many.
 */
export const BEAT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if life > 0 then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + life), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], 10 * life)
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return redis.call('ZCARD', KEYS[1])
`
