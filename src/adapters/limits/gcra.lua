-- The same as gcra.rs, atomically and by the server's clock, so that the instances' clocks do not matter.
-- KEYS[1]: where the theoretical arrival time is kept. ARGV: interval in microseconds, burst, units, whether to charge
-- what is left instead of refusing, and the present time for tests (nothing: the server's).
local interval = tonumber(ARGV[1])
local tolerance = interval * tonumber(ARGV[2])
local now = tonumber(ARGV[5])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
-- Anything at the key that is no time counts as nothing, and is overwritten.
local stored = redis.pcall('GET', KEYS[1])
local before = 0
if type(stored) == 'string' then
    before = (tonumber(stored) or now) - now
end
if not (before >= 0) then
    before = 0
elseif before > tolerance then
    before = tolerance
end
local after = before + interval * tonumber(ARGV[3])
if after > tolerance then
    if ARGV[4] ~= '1' then
        return { 0, before }
    end
    after = tolerance
end
redis.call('SET', KEYS[1], string.format('%.0f', now + after), 'PX', math.ceil(after / 1000) + 1)
return { 1, after }
