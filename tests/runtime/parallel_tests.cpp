// Tests rounds of work: each piece runs once, the second half after the first, on any number of threads.
#include "runtime/parallel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <thread>

#include "runtime/random.h"

namespace castnet::test {
namespace {

TEST_CASE("parallel: rounds take every piece once, the second half after the first") {
    for (const int threads : {1, 2, 3, 8}) {
        CAPTURE(threads);
        use_threads(threads);
        Random random(std::uint64_t(threads) + 10);
        constexpr int most = 16;
        std::array<std::atomic<int>, most> first{}, second{};
        std::atomic<int> early{0}, running{0};
        int rounds = 0, wrong = 0;
        Round round{.firsts = 3, .seconds = 2};
        const auto next = [&](int error) {
            if (error != 0 || running != 0) wrong++;
            for (int i = 0; i < most; i++) {
                if (first.at(std::size_t(i)).exchange(0) != (i < round.firsts ? 1 : 0)) wrong++;
                if (second.at(std::size_t(i)).exchange(0) != (i < round.seconds ? 1 : 0)) wrong++;
            }
            if (++rounds == 20000) return Round{};
            round = {.firsts = int(random.below(5)), .seconds = int(random.below(5))};
            if (round.size() == 0) round.seconds = 1;
            return round;
        };
        work_in_rounds(
            nullptr, threads, round,
            [&](int, int piece) {
                running++;
                first.at(std::size_t(piece))++;
                running--;
                return 0;
            },
            [&](int piece) {
                const auto done = std::ranges::count_if(first, [](const auto &count) { return count == 1; });
                if (done != round.firsts) early++;
                second.at(std::size_t(piece))++;
                return 0;
            },
            next);
        CHECK(rounds == 20000);
        CHECK(wrong == 0);
        CHECK(early == 0);
    }
    use_threads(1);
}

TEST_CASE("parallel: an error leaves out the rest of its round, and the next round sees it") {
    use_threads(2);
    int errors = 0, rounds = 0;
    std::atomic<int> seconds{0};
    work_in_rounds(
        nullptr, 2, {.firsts = 2, .seconds = 2}, [&](int, int piece) { return piece == 1 && rounds == 0 ? -7 : 0; },
        [&](int) {
            seconds++;
            return 0;
        },
        [&](int error) {
            if (error == -7) errors++;
            return ++rounds == 3 ? Round{} : Round{.firsts = 2, .seconds = 2};
        });
    CHECK(rounds == 3);
    CHECK(errors == 1);
    CHECK(seconds == 4);
    use_threads(1);
}

/// Returns the process's CPU time on all cores, in seconds.
double processor_seconds() {
    timespec time{};
    REQUIRE(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
    return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

TEST_CASE("parallel: workers that wait for another sleep") {
    use_threads(3);
    constexpr std::chrono::milliseconds nap(300);
    const auto sleeps = [&](int, int) {
        std::this_thread::sleep_for(nap);
        return 0;
    };
    const auto once = [](int) { return Round{}; };
    // They wait for the end of the round, and for its first half.
    for (const Round round : {Round{.firsts = 1}, Round{.firsts = 1, .seconds = 2}}) {
        const double before = processor_seconds();
        work_in_rounds(
            nullptr, 3, round, sleeps, [](int) { return 0; }, once);
        CHECK(processor_seconds() - before < 0.1);
    }
    use_threads(1);
}

TEST_CASE("parallel: denormal numbers are zero inside, and what they were outside") {
    use_threads(3);
    volatile float smallest = 1e-39F;
    const float before = smallest * 2;
    std::atomic<int> kept{0};
    auto body = [&](int) {
        if (smallest * 2 != 0 || smallest * 1e10F != 0) kept++;  // as results and as operands
        return 0;
    };
    CHECK(parallel_for(nullptr, 3, body) == 0);
    CHECK(parallel_for(nullptr, 1, body) == 0);
    if (FlushDenormals::mask != 0) CHECK(kept == 0);
    CHECK(smallest * 2 == before);
    use_threads(1);
}

}  // namespace
}  // namespace castnet::test
