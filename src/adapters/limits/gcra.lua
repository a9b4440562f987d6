-- The same as gcra.rs, atomically and by the server's clock, so that the instances' clocks do not matter. One key for each
-- limit, asked in their order: the first that is used up ends it, and those behind it lose nothing.
-- KEYS: where the theoretical arrival times are kept. ARGV: the present time for tests (nothing: the server's), then for each
-- key its interval in microseconds, its burst, the units (below zero: given back), and whether to charge what is left instead
-- of refusing. Returned for each key that was asked: whether it is allowed, and how far its time is ahead.
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local found = {}
for number, key in ipairs(KEYS) do
    local at = (number - 1) * 4 + 2
    local interval = tonumber(ARGV[at])
    local tolerance = interval * tonumber(ARGV[at + 1])
    -- Anything at the key that is no time counts as nothing, and is overwritten.
    local stored = redis.pcall('GET', key)
    local before = 0
    if type(stored) == 'string' then
        before = (tonumber(stored) or now) - now
    end
    if not (before >= 0) then
        before = 0
    elseif before > tolerance then
        before = tolerance
    end
    local after = before + interval * tonumber(ARGV[at + 2])
    if after > tolerance then
        if ARGV[at + 3] ~= '1' then
            found[#found + 1] = 0
            found[#found + 1] = before
            return found
        end
        after = tolerance
    elseif after < 0 then
        after = 0
    end
    redis.call('SET', key, string.format('%.0f', now + after), 'PX', math.ceil(after / 1000) + 1)
    found[#found + 1] = 1
    found[#found + 1] = after
end
return found
