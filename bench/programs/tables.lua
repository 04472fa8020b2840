-- SPDX-License-Identifier: MIT
-- A Lua program of tables, strings and closures that come and go.

local function tree(depth)
    if depth == 0 then return { left = false, right = false } end
    return { left = tree(depth - 1), right = tree(depth - 1) }
end

local function count(node)
    if not node.left then return 1 end
    return 1 + count(node.left) + count(node.right)
end

local seed = 42
local function random(limit)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed // 65536 % limit + 1
end

local function words(number)
    local list = {}
    for i = 1, number do list[i] = "word" .. random(5000) .. "-" .. i end
    return list
end

local function frequencies(list)
    local counts = {}
    for _, word in ipairs(list) do
        local stem = word:match("^(%a+%d+)")
        counts[stem] = (counts[stem] or 0) + 1
    end
    return counts
end

local function compose(number)
    local steps = {}
    for i = 1, number do steps[i] = function(x) return (x * 31 + i) % 1000003 end end
    local value = 1
    for _, step in ipairs(steps) do value = step(value) end
    return value
end

local kept, total = tree(16), 0
for round = 1, 16 do
    total = total + count(tree(14))
    local list = words(40000)
    local distinct = 0
    for _ in pairs(frequencies(list)) do distinct = distinct + 1 end
    table.sort(list)
    total = total + distinct + #table.concat(list, ",") + compose(40000)
end
print(count(kept), total)
