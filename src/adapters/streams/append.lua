-- Appends events to the log of a run, all or none. KEYS[1]: the log. ARGV: number of the first event, whether the last one
-- ends the log, most events to keep, milliseconds to keep them, and the events.
-- Gives 1; -1 when events before the first are not here; -2 when the log has ended.
local first = tonumber(ARGV[1])
local count = #ARGV - 4
local found = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
-- Something that is no log: nothing of this run is here.
if found.err then
    return -1
end
local top = 0
if found[1] then
    top = tonumber(string.match(found[1][1], '^%d+'))
    if found[1][2][1] == 'last' and first + count - 1 > top then
        return -2
    end
end
if first > top + 1 then
    return -1
end
for index = 1, count do
    local number = first + index - 1
    if number > top then
        local field = 'event'
        if index == count and ARGV[2] == '1' then
            field = 'last'
        end
        redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[3], string.format('%.0f-0', number), field, ARGV[index + 4])
    end
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
