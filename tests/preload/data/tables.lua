-- SPDX-License-Identifier: MIT
-- Tables, strings, coroutines and collection in both of the collector's modes. Lua's allocator is
-- realloc and free alone.
local seed = 7
local function chance(n)
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return (seed >> 8) % n + 1
end

-- A binary tree, built and dropped again and again.
local function tree(depth)
    if depth == 0 then return {} end
    return { tree(depth - 1), tree(depth - 1) }
end
local function nodes(of)
    if not of[1] then return 1 end
    return 1 + nodes(of[1]) + nodes(of[2])
end
for _, mode in ipairs { "incremental", "generational" } do
    collectgarbage(mode)
    local sum = 0
    for depth = 4, 14 do
        for _ = 1, 2 ^ (14 - depth) do sum = sum + nodes(tree(depth)) end
    end
    print(mode, sum)
end

-- Strings of all lengths.
local parts, total = {}, 0
for i = 1, 60000 do
    local part = string.rep(string.char(96 + chance(26)), chance(i % 400 + 1))
    parts[chance(2000)] = part
    total = total + #part
end
local kept = {}
for i = 1, 2000 do kept[#kept + 1] = parts[i] or "-" end
local text = table.concat(kept, "|")
print(total, #text, #text:gsub("%a+", function(run) return #run .. run:sub(1, 1) end))

-- Tables that change their shape.
local places = {}
for i = 1, 200000 do
    local key = chance(3) == 1 and ("key" .. chance(20000)) or chance(20000)
    if chance(4) == 1 then places[key] = nil else places[key] = { i, key, i * 0.5 } end
end
local count, weight = 0, 0
for _, value in pairs(places) do
    count = count + 1
    weight = weight + value[1]
end
print(count, weight)

-- Coroutines, a thousand at once, each with a stack of its own that grows.
local function deep(n) if n == 0 then return coroutine.yield(1) end return 1 + deep(n - 1) end
local running, sum = {}, 0
for i = 1, 1000 do
    running[i] = coroutine.create(function() return deep(i) end)
    local _, value = coroutine.resume(running[i])
    sum = sum + value
end
for i = 1, 1000 do
    local _, value = coroutine.resume(running[i], i)
    sum = sum + value
end
print(sum)

-- A large array grown one by one, sorted, and thinned.
local row = {}
for i = 1, 300000 do row[i] = chance(1000000) end
table.sort(row)
while #row > 1000 do row[#row] = nil end
print(row[1], row[500], row[1000])
