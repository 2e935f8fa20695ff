// The group of processes as MPI sees it: the only file that includes mpi.h.
#include <fmt/format.h>
#include <mpi.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "train/console/interruption.h"
#include "train/files/error.h"
#include "train/ranks/group.h"
#include "train/ranks/launcher.h"

namespace castnet {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

std::string library_name() {
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
    int length = 0;
    MPI_Get_library_version(text.data(), &length);
    const std::string_view line(text.data(), static_cast<std::size_t>(length));
    return std::string(line.substr(0, line.find_first_of(",\n")));
}

std::string host_name() {
    std::array<char, MPI_MAX_PROCESSOR_NAME> text{};
    int length = 0;
    MPI_Get_processor_name(text.data(), &length);
    return {text.data(), static_cast<std::size_t>(length)};
}

/// Returns where parts begin that follow each other.
void add_up(std::span<const int> counts, std::vector<int> &begins) {
    std::exclusive_scan(counts.begin(), counts.end(), begins.begin(), 0);
}

class MpiGroup : public Group {
public:
    explicit MpiGroup(int copies) {
        int threads = MPI_THREAD_SINGLE, rank = 0, ranks = 1;
        MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &threads);
        MPI_Comm_size(MPI_COMM_WORLD, &ranks);
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        place_ = {.rank = rank, .ranks = ranks};
        if (ranks != copies) {
            MPI_Finalize();
            throw Error(
                fmt::format("{} copies were started, and {}, which this program was built with, sees {}; use its own mpirun, or "
                            "srun --mpi=pmix or --mpi=pmi2",
                            copies, library_name(), ranks));
        }
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        MPI_Comm_dup(MPI_COMM_WORLD, &steps_);
        MPI_Comm_dup(MPI_COMM_WORLD, &errors_);
        sent_begins_.resize(static_cast<std::size_t>(ranks));
        received_begins_.resize(static_cast<std::size_t>(ranks));
        if (threads < MPI_THREAD_SERIALIZED) throw Error(fmt::format("{} allows no threads; build with another MPI", library_name()));
    }

    [[nodiscard]] Place place() const override { return place_; }

    int exchange(std::span<const float> sent, std::span<const int> sent_counts, std::span<float> received,
                 std::span<const int> received_counts) noexcept override {
        add_up(sent_counts, sent_begins_);
        add_up(received_counts, received_begins_);
        MPI_Request request = MPI_REQUEST_NULL;
        const int error = MPI_Ialltoallv(sent.data(), sent_counts.data(), sent_begins_.data(), MPI_FLOAT, received.data(),
                                         received_counts.data(), received_begins_.data(), MPI_FLOAT, steps_, &request);
        return error == MPI_SUCCESS ? wait(request) : lose();
    }

    int gather(std::span<float> values, std::span<const int> counts) noexcept override {
        add_up(counts, received_begins_);
        MPI_Request request = MPI_REQUEST_NULL;
        const int error = MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values.data(), counts.data(), received_begins_.data(),
                                          MPI_FLOAT, steps_, &request);
        return error == MPI_SUCCESS ? wait(request) : lose();
    }

    [[nodiscard]] std::vector<std::string> gather_texts(const std::string &own) override {
        const auto ranks = static_cast<std::size_t>(place_.ranks);
        std::vector<int> sizes(ranks), begins(ranks);
        const int size = static_cast<int>(own.size());
        MPI_Request request = MPI_REQUEST_NULL;
        int error = MPI_Iallgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, steps_, &request);
        if (error != MPI_SUCCESS || wait(request) != 0) throw Error(lost_group);
        add_up(sizes, begins);
        std::string joined(static_cast<std::size_t>(begins.back() + sizes.back()), ' ');
        error = MPI_Iallgatherv(own.data(), size, MPI_CHAR, joined.data(), sizes.data(), begins.data(), MPI_CHAR, steps_, &request);
        if (error != MPI_SUCCESS || wait(request) != 0) throw Error(lost_group);
        std::vector<std::string> all;
        for (std::size_t rank = 0; rank < ranks; rank++)
            all.push_back(joined.substr(static_cast<std::size_t>(begins[rank]), static_cast<std::size_t>(sizes[rank])));
        return all;
    }

    [[nodiscard]] std::optional<std::string> report_of(const std::string &error) noexcept override {
        constexpr Seconds most_apart(0.5);  // that processes fail with the same error
        is_failed_ = true;
        const std::string named = fmt::format("rank {} on {}: {}", place_.rank, host_name(), error);
        if (is_lost_) return named;
        for (int rank = 0; rank < place_.ranks; rank++) {
            MPI_Request request = MPI_REQUEST_NULL;
            if (rank != place_.rank) MPI_Isend(nullptr, 0, MPI_BYTE, rank, 0, errors_, &request);
        }
        is_silent_ = error.starts_with(failed_elsewhere);
        for (const Clock::time_point begin = Clock::now(); !is_silent_ && place_.rank > 0 && Clock::now() - begin < most_apart;) {
            for (int rank = 0; rank < place_.rank; rank++) is_silent_ = is_silent_ || has_failed(rank);
        }
        if (is_silent_) return std::nullopt;
        return place_.rank == 0 ? error : named;
    }

    void leave() noexcept override {
        if (is_failed_) end_all(is_silent_ ? 2 : 0.2);  // what was begun is not finished
        MPI_Finalize();
    }

private:
    /// Ends all processes, after some seconds: a launcher may lose what was printed just before, and the process that prints comes first.
    [[noreturn]] static void end_all(double seconds) noexcept {
        std::this_thread::sleep_for(Seconds(seconds));
        MPI_Abort(MPI_COMM_WORLD, 1);
        std::_Exit(1);
    }

    int lose() noexcept {
        is_lost_ = true;
        return 1;
    }

    /// Returns whether a process has said that it failed.
    [[nodiscard]] bool has_failed(int rank) const noexcept {
        int is_there = 0;
        return MPI_Iprobe(rank, 0, errors_, &is_there, MPI_STATUS_IGNORE) == MPI_SUCCESS && is_there != 0;
    }

    /// Waits until an operation is done, and lets other processes of an oversubscribed machine run meanwhile. If another process has
    /// failed, ends here, silently: what the operation writes to must stay. Gives up when this process is asked to end and the others let
    /// it wait much longer than ever before: a launcher ends all when one dies.
    int wait(MPI_Request &request) noexcept {
        constexpr int looks_before_yield = 2000, looks_before_sleep = 20000;
        constexpr Seconds patience(0.5);
        const Clock::time_point begin = Clock::now();
        std::optional<Clock::time_point> asked;
        for (int looks = 1;; looks++) {
            int done = 0;
            if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return lose();
            const Clock::time_point now = Clock::now();
            if (done != 0) {
                if (!asked) longest_ = std::max<Seconds>(longest_, now - begin);
                return 0;
            }
            if (looks % looks_before_yield == 0 && has_failed(MPI_ANY_SOURCE)) end_all(2);
            if (Interruption::requested() && !asked) asked = now;
            if (asked && now - *asked > patience + 4 * longest_) return lose();
            if (looks > looks_before_sleep) {
                ::usleep(100);
            } else if (looks > looks_before_yield) {
                ::sched_yield();
            }
        }
    }

    Place place_;
    MPI_Comm steps_ = MPI_COMM_NULL, errors_ = MPI_COMM_NULL;  // apart, so that a report never meets another's step
    std::vector<int> sent_begins_, received_begins_;
    Seconds longest_{0};                                            // that another process let this one wait
    bool is_lost_ = false, is_failed_ = false, is_silent_ = false;  // a process no longer answers; this one failed; another says why
};

}  // namespace

std::unique_ptr<Group> join_group() {
    const int copies = launched_copies();
    if (copies == 1) return nullptr;
    return std::make_unique<MpiGroup>(copies);
}

}  // namespace castnet
