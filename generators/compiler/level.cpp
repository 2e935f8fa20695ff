#include "generators/compiler/level.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <utility>

#include "train/files/error.h"

namespace castnet {
namespace {

using Target = Halide::Target;

/// x86-64's levels that have a name, the greatest first, with what tells them.
const std::vector<std::pair<Target::Feature, std::string>> x86_levels{{Target::AVX512_Skylake, "x86-64-avx512"},
                                                                      {Target::AVX512, "x86-64-avx512"},
                                                                      {Target::AVX2, "x86-64-avx2"},
                                                                      {Target::AVX, "x86-64-avx"},
                                                                      {Target::SSE41, "x86-64-sse41"}};

// What x86-64 stands for, on the operating system of this machine.
constexpr std::array portable_targets{"x86-64-{}-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41", "x86-64-{}-avx-avx2-f16c-fma-sse41",
                                      "x86-64-{}-sse41"};

/// Returns the first name whose feature the target has; "" if none.
std::string vectors_of(const Target &target, const std::vector<std::pair<Target::Feature, std::string>> &names) {
    const auto found = std::ranges::find_if(names, [&](const auto &name) { return target.has_feature(name.first); });
    return found == names.end() ? "" : found->second;
}

/// Returns the first value of each name in /proc/cpuinfo.
std::map<std::string, std::string> cpu_info() {
    std::map<std::string, std::string> info;
    std::ifstream lines("/proc/cpuinfo");
    for (std::string line; std::getline(lines, line);) {
        const std::size_t name_end = line.find_first_of("\t:"), value = line.find(": ");
        if (value != std::string::npos) info.emplace(line.substr(0, name_end), line.substr(value + 2));
    }
    return info;
}

Level parse_level(const std::string &text) {
    if (!Target::validate_target_string(text))
        throw Error(
            fmt::format("--target {}: is not a Halide target; write host, x86-64, or x86-64-linux-avx-avx2-f16c-fma-sse41, say", text));
    const Target target(text);
    const std::string name = level_of(target);
    return {.target = target, .name = name.empty() ? target.to_string() : name, .suffix = ""};
}

/// Returns a level's place among those of x86-64; behind them if it has none.
std::ptrdiff_t place_of(const Level &level) {
    return std::ranges::find(x86_levels, level.name, [](const auto &named) { return named.second; }) - x86_levels.begin();
}

/// Orders several levels, and names their functions. Throws Error.
void make_distinct(std::vector<Level> &levels) {
    std::ranges::stable_sort(levels, {}, place_of);
    for (std::size_t i = 0; i < levels.size(); i++) {
        Level &level = levels[i];
        if (place_of(level) == std::ssize(x86_levels))
            throw Error(fmt::format("--target {}: only levels of x86-64 can be several in one library", level.target.to_string()));
        if (i > 0 && level.name == levels[i - 1].name)
            throw Error(fmt::format("--target {}: is of the level {}, as is {}; give one of them", level.target.to_string(), level.name,
                                    levels[i - 1].target.to_string()));
        level.suffix = fmt::format("_{}", std::string_view(level.name).substr(level.name.rfind('-') + 1));
    }
}

}  // namespace

std::vector<Level> parse_levels(const std::string &targets) {
    const Target host = Halide::get_host_target();
    std::vector<Level> levels;
    for (const std::string &word : Halide::Internal::split_string(targets.empty() ? "host" : targets, ",")) {
        if (word == "x86-64") {
            const std::string system = Target(host.os, Target::X86, 64).to_string();
            for (const char *portable : portable_targets)
                levels.push_back(parse_level(fmt::format(fmt::runtime(portable), system.substr(7))));
        } else {
            levels.push_back(parse_level(word));
        }
    }
    if (levels.size() > 1) make_distinct(levels);
    return levels;
}

Level scalar_level() {
    return {.target = Target("riscv-32-noos"), .name = "scalar", .suffix = ""};  // nothing of a RISC-V but that it has no vectors
}

const Level &level_here(const std::vector<Level> &levels) {
    const Target host = Halide::get_host_target();
    const auto runs = [&](const Level &level) {
        const Target &target = level.target;
        if (target.arch != host.arch || target.bits != host.bits) return false;
        return std::ranges::all_of(x86_levels,
                                   [&](const auto &named) { return !target.has_feature(named.first) || host.has_feature(named.first); });
    };
    const auto found = std::ranges::find_if(levels, runs);
    return found == levels.end() ? levels.front() : *found;
}

std::string level_of(const Target &target) {
    if (target.arch == Target::X86 && target.bits == 64) return vectors_of(target, x86_levels);
    if (target.arch == Target::ARM && target.bits == 64)
        return target.features_any_of({Target::NoNEON, Target::SVE, Target::SVE2}) ? "" : "arm-64-neon";
    if (target.arch == Target::WebAssembly && target.bits == 32) return vectors_of(target, {{Target::WasmSimd128, "wasm-32-simd128"}});
    return "";
}

std::string cpu_kind() {
    std::map<std::string, std::string> info = cpu_info();
    const std::string vendor = info["vendor_id"];
    if (vendor.empty()) return info["CPU part"].empty() ? "" : fmt::format("arm-{}-{}", info["CPU implementer"], info["CPU part"]);
    std::string kind = fmt::format("{}-{}-{}",
                                   vendor == "GenuineIntel"   ? "intel"
                                   : vendor == "AuthenticAMD" ? "amd"
                                                              : vendor,
                                   info["cpu family"], info["model"]);
    const std::string flags = fmt::format(" {} ", info["flags"]);
    for (const auto &[flag, name] : {std::pair{" avx512f ", "-avx512"}, std::pair{" avx2 ", "-avx2"}, std::pair{" sse4_1 ", "-sse4_1"}}) {
        if (flags.find(flag) == std::string::npos) continue;
        kind += name;
        break;
    }
    std::ranges::transform(kind, kind.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return kind;
}

}  // namespace castnet
