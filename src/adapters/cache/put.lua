-- Stores a value with its version, unless one that is as new is there. KEYS[1]: the key. ARGV: version, value,
-- milliseconds to keep it. Whatever else stands at the key goes.
local found = redis.pcall('HGET', KEYS[1], 'version')
if type(found) == 'table' then
    redis.call('DEL', KEYS[1])
elseif found and (tonumber(found) or -1) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
