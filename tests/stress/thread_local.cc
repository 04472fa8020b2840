// SPDX-License-Identifier: MIT
// C++ objects of thread storage: containers that are filled while the thread runs, and freed and
// even filled once more while it ends.
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/scale.h"
#include "support/suite.h"

namespace
{

std::vector<std::string> Lines(std::size_t count)
{
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < count; i++)
        lines.emplace_back(i % 200, static_cast<char>('a' + i % 26));
    return lines;
}

// Its destructor allocates, and frees what the constructor made.
struct Worker {
    std::map<int, std::string> table;
    std::unique_ptr<std::vector<std::string>> lines;

    Worker() : lines(new std::vector<std::string>(Lines(100)))
    {
        for (int i = 0; i < 300; i++)
            table[i] = std::string(static_cast<std::size_t>(i), 'x');
    }

    ~Worker()
    {
        std::vector<std::string> more = Lines(500);
        REQUIRE(more.size() == 500 && more[25] == std::string(25, 'z'));
        REQUIRE(lines->size() == 100 && (*lines)[27] == std::string(27, 'b'));
        REQUIRE(table.size() == 300 && table[299].size() == 299);
    }
};

thread_local Worker worker;
thread_local std::string text;

void Body()
{
    worker.table[5] = "five five";
    worker.table[5] = std::string(5, 'x');
    text.assign(3000, 't');
}

void RunThreads(std::size_t rounds)
{
    for (; rounds > 0; rounds--) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; i++)
            threads.emplace_back(Body);
        for (std::thread &thread : threads)
            thread.join();
    }
}

void ThreadLocalObjects(void **)
{
    RunThreads(scaled(100));
    const std::size_t before = memory_used();
    RunThreads(scaled(200));
    assert_in_range(memory_used(), 0, before + 6 * MIB);
}

// The main thread's objects end with the process.
void MainThreadObjects(void **)
{
    Body();
    assert_int_equal(text.size(), 3000);
}

} // namespace

int main()
{
    static const CMUnitTest tests[] = {
        cmocka_unit_test(ThreadLocalObjects),
        cmocka_unit_test(MainThreadObjects),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
