// Tests a run's report, and the point of the latent space that the user chooses for it.
#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/data/npy.h"
#include "train/report/latent_plane.h"

namespace castnet::test {
namespace {

constexpr int code_size = 48;  // of the network test_gap

std::string code_of(const std::string &number, int count = code_size) {
    std::string code = number;
    for (int i = 1; i < count; i++) code += "," + number;
    return code;
}

TEST_CASE("train: --at takes one code, and says so before anything is written") {
    const TemporaryFolder folder;
    const std::string data = (folder.path() / "data").string(), out = (folder.path() / "run").string();
    write_dataset(data, 65, {12, 10});
    const std::string train = "train-test_gap --data " + data + " --run-dir " + out + " --at ";
    check_error(train + "1,2", "--at: 2 numbers given, a code of test_gap has 48; separate them by commas");
    check_error(train + code_of("1", 96), "--at: 96 numbers given");
    check_error(train + code_of("nan"), "--at nan: is not allowed; give a finite number");
    check_error(train + "1,x", "--at");
    check_error(train + code_of("1") + " --no-figures", "--no-figures");
    CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("train: --at chooses what generated.svg shows, and a finished run draws another by --resume") {
    if (std::system("command -v gnuplot >/dev/null") != 0) return;
    const TemporaryFolder folder;
    const std::string data = (folder.path() / "data").string();
    write_dataset(data, 65, {12, 10});
    const std::filesystem::path run_directory = folder.path() / "it's a |run";
    const auto picture = [&](const std::string &options) {
        const Run result = run("train-test_gap --epochs 1 --data " + data + " --run-dir \"" + run_directory.string() + "\" " + options);
        CAPTURE(result.output);
        CHECK(result.status == 0);
        CHECK(result.output.find("warning") == std::string::npos);
        return read_plain(run_directory / "generated.svg");
    };
    const std::string at_default = picture(""), far = picture("--resume --at " + code_of("-50")),
                      near = picture("--resume --at " + code_of("0.5"));
    CHECK(at_default.starts_with("<?xml"));
    CHECK(far != at_default);
    CHECK(far != near);
    CHECK(picture("--resume") == at_default);
    // A new run moves the old report away, so that no picture of another model remains.
    picture("--no-figures");
    CHECK_FALSE(std::filesystem::exists(run_directory / "report.html"));
    CHECK(read_plain(run_directory / "previous-1/generated.svg") == at_default);
}

TEST_CASE("report: shows the schedule by its name") {
    if (std::system("command -v gnuplot >/dev/null") != 0) return;
    const TemporaryFolder folder;
    const std::string data = (folder.path() / "data.npy").string(), out = (folder.path() / "run").string();
    write_npy(data, {20, 12, 10, 1}, std::vector<float>(2400, 0.5F));
    REQUIRE(run("train-test_gap --quiet --epochs 2 --schedule cosine --data " + data + " --run-dir " + out).status == 0);
    const std::string page = read_plain(out + "/report.html");
    CHECK(page.find("<dt>--schedule</dt><dd>cosine</dd>") != std::string::npos);
}

TEST_CASE("latent plane: a few positions far out do not squeeze the others, but a marked one is always seen") {
    std::vector<Position> positions(500);
    for (int i = 0; i < 500; i++) positions[static_cast<std::size_t>(i)] = {i % 10 - 4.5, i % 7 - 3.0};
    positions.back() = {1000, 0};
    const Area view = view_of(positions, std::nullopt);
    CHECK_FALSE(view.contains(positions.back()));
    CHECK(view.contains(positions.front()));
    CHECK(view.high.x - view.low.x < 30);
    CHECK(view.high.x - view.low.x == doctest::Approx(view.high.y - view.low.y));
    CHECK(view_of(positions, Position{-200, 3}).contains({-200, 3}));
    const Area of_one = view_of({{2, 2}}, std::nullopt);
    CHECK(of_one.contains({2, 2}));
    CHECK(of_one.high.x > of_one.low.x);
}

}  // namespace
}  // namespace castnet::test
