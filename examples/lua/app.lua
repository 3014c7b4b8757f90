-- Closures, coroutines, metatables, patterns, files, garbage collection, integers and floats.
local function primes(limit)
    return coroutine.wrap(function()
        local composite = {}
        for n = 2, limit do
            if not composite[n] then
                coroutine.yield(n)
                for multiple = n * n, limit, n do composite[multiple] = true end
            end
        end
    end)
end

local found = {}
for prime in primes(60) do found[#found + 1] = prime end
print(_VERSION, table.concat(found, " "))

local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Vector) end
Vector.__tostring = function(v) return string.format("(%g, %g)", v.x, v.y) end
print(setmetatable({ x = 1, y = 2.5 }, Vector) + setmetatable({ x = 3, y = 4 }, Vector))

local counts = {}
for word in ("the quick fox and the lazy dog and the cat"):gmatch("%a+") do
    counts[word] = (counts[word] or 0) + 1
end
print("the", counts.the, "and", counts["and"])

local file = assert(io.open("/tmp/numbers", "w"))
for i = 1, 1000 do file:write(i, "\n") end
file:close()
local sum = 0
for line in io.lines("/tmp/numbers") do sum = sum + math.tointeger(tonumber(line)) end
print("sum", sum, 7 // 2, 7 / 2, 1 << 40, math.maxinteger)

for _ = 1, 200000 do local _ = { {} } end
collectgarbage()
print("memory below 1 MB", collectgarbage("count") < 1024)
print(select(2, pcall(error, "caught", 0)))
print(select("#", table.unpack({ 1, nil, 3 }, 1, 3)), utf8.len("käse"))
