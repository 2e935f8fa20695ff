#include "generators/compiler/level.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

namespace castnet {
namespace {

using Target = Halide::Target;

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

}  // namespace

std::string level_of(const Target &target) {
    if (target.arch == Target::X86 && target.bits == 64)
        return vectors_of(target, {{Target::AVX512_Skylake, "x86-64-avx512"},
                                   {Target::AVX512, "x86-64-avx512"},
                                   {Target::AVX2, "x86-64-avx2"},
                                   {Target::AVX, "x86-64-avx"},
                                   {Target::SSE41, "x86-64-sse41"}});
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
