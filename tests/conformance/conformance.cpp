// Compares layers of random or given shapes and schedules with the naive reference, and shrinks failing ones.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "tests/conformance/check.h"
#include "tests/conformance/draw.h"
#include "tests/conformance/pipelines.h"
#include "tests/conformance/shrink.h"
#include "tests/conformance/tuned.h"

namespace castnet::test {
namespace {

constexpr double least_nonzero = 0.9;  // with more zeros, a run says too little
constexpr std::chrono::seconds shrinking{60};

/// Counts a schedule that does not fit the shape as a failure too.
bool fails(const Problem &problem) {
    try {
        return check(problem).mismatches > 0;
    } catch (const std::exception &) {
        return true;
    }
}

class Run {
public:
    explicit Run(bool verbose) : verbose_(verbose), start_(std::chrono::steady_clock::now()) {}

    /// Runs a problem. This target may only refuse schedules that were tuned for another one.
    void add(const Problem &problem, bool may_be_refused = false) {
        if (verbose_) fmt::print("{}\n", problem.text());
        std::fflush(stdout);  // so that the problem is printed if its pipeline crashes
        configurations_++;
        try {
            const Findings found = check(problem);
            findings_ += found;
            if (found.mismatches > 0) report(problem, found.first_mismatch);
        } catch (const Refused &refusal) {
            may_be_refused ? void(refused_++) : report(problem, refusal.what());
        } catch (const std::exception &error) {
            report(problem, error.what());
        }
    }

    /// Returns whether to stop: more failures would tell nothing new.
    bool has_failed_enough() const { return failures_ >= 3; }
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

    /// Prints the results and returns the exit status.
    int finish() const {
        fmt::print(
            "{} configurations, {} refused by this target, {} pipelines compiled, {:.0f} s: {} outputs compared, {} mismatches, "
            "{} failures, {:.2f} % of the sums not zero, worst float error {:.2f} of its bound\n",
            configurations_, refused_, findings_.pipelines, seconds(), findings_.compared, findings_.mismatches, failures_,
            100 * findings_.nonzero_share(), findings_.worst);
        if (findings_.nonzero_share() < least_nonzero) fmt::print("too many zeros: equality on them says little\n");
        return failures_ == 0 && findings_.nonzero_share() >= least_nonzero ? 0 : 1;
    }

private:
    void report(const Problem &problem, const std::string &what) {
        failures_++;
        fmt::print("failed: {}\n  {}\n", problem.text(), what);
        std::fflush(stdout);
        const Problem smallest = shrink(problem, fails, shrinking);
        fmt::print("  reproduce: conformance --case \"{}\"\n", smallest.text());
    }

    bool verbose_;
    std::chrono::steady_clock::time_point start_;
    Findings findings_;
    int configurations_ = 0, refused_ = 0, failures_ = 0;
};

}  // namespace

int main(int count, char **arguments) {
    CLI::App app("Compares layers of random shapes and schedules with the naive reference.");
    std::string text, tuned;
    int problems = 0;
    unsigned seed = 1;
    double seconds = 1e9;
    bool verbose = false;
    app.add_option("--case", text, "Runs one problem, as a failure prints it");
    app.add_option("--tuned", tuned, "Runs all tuned schedules in this folder")->check(CLI::ExistingDirectory);
    app.add_option("--count", problems, "Number of random problems")->capture_default_str();
    app.add_option("--seed", seed, "Random seed")->capture_default_str();
    app.add_option("--seconds", seconds, "Stops drawing after this many seconds");
    app.add_flag("--verbose", verbose, "Prints every problem before running it");
    CLI11_PARSE(app, count, arguments);

    Run run(verbose);
    if (!text.empty()) run.add(Problem::parse(text));
    if (!tuned.empty()) {
        for (const Problem &problem : tuned_problems(tuned)) run.add(problem, true);
    }
    std::mt19937 random(seed);
    for (int i = 0; i < problems && run.seconds() < seconds && !run.has_failed_enough(); i++) run.add(draw(random));
    return run.finish();
}

}  // namespace castnet::test

int main(int count, char **arguments) {
    try {
        return castnet::test::main(count, arguments);
    } catch (const std::exception &error) {
        fmt::print(stderr, "error: {}\n", error.what());
        return 1;
    }
}
