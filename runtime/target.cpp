#include "runtime/target.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace castnet {
namespace {

struct Feature {
    std::string_view name;  ///< in a Halide target
    bool present;           ///< in this CPU, and supported by its operating system
};

#if defined(__x86_64__) || defined(__i386__)
auto features() noexcept {
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd");
    const bool skylake =
        avx512 && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    const bool cannonlake = skylake && __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi");
    const bool later = cannonlake && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
    return std::to_array<Feature>({{"sse41", static_cast<bool>(__builtin_cpu_supports("sse4.1"))},
                                   {"avx", static_cast<bool>(__builtin_cpu_supports("avx"))},
                                   {"avx2", static_cast<bool>(__builtin_cpu_supports("avx2"))},
                                   {"fma", static_cast<bool>(__builtin_cpu_supports("fma"))},
                                   {"fma4", static_cast<bool>(__builtin_cpu_supports("fma4"))},
                                   {"avx512", avx512},
                                   {"avx512_knl", avx512},
                                   {"avx512_skylake", skylake},
                                   {"avx512_cannonlake", cannonlake},
                                   {"avx512_zen4", later},
                                   {"avx512_zen5", later},
                                   {"avx512_sapphirerapids", later}});
}
#else
constexpr std::array<Feature, 0> features() noexcept {
    return {};
}
#endif

/// Returns whether the name is one of the target's words, which - separates.
bool asks_for(std::string_view target, std::string_view name) noexcept {
    for (std::size_t begin = 0; begin < target.size();) {
        const std::size_t end = std::min(target.find('-', begin), target.size());
        if (target.substr(begin, end - begin) == name) return true;
        begin = end + 1;
    }
    return false;
}

/// Returns whether the target asks for the feature and this CPU lacks it.
bool is_lacking(const Feature &feature, std::string_view target) noexcept {
    return !feature.present && asks_for(target, feature.name);
}

}  // namespace

void write_lacking_features(std::string_view target, std::span<char> text) noexcept {
    text.front() = '\0';
    std::size_t length = 0;
    for (const Feature &feature : features()) {
        if (!is_lacking(feature, target)) continue;
        const int written = std::snprintf(text.data() + length, text.size() - length, "%s%.*s", length == 0 ? "" : ", ",
                                          static_cast<int>(feature.name.size()), feature.name.data());
        length = std::min(length + static_cast<std::size_t>(written), text.size() - 1);
    }
}

const NetworkDescription &choose_level(std::span<const NetworkDescription> levels) noexcept {
    const auto found = std::ranges::find_if(levels, [](const NetworkDescription &level) {
        return std::ranges::none_of(features(), [&](const Feature &feature) { return is_lacking(feature, level.target); });
    });
    return found == levels.end() ? levels.back() : *found;
}

const NetworkDescription *find_level(std::span<const NetworkDescription> levels, std::string_view name) noexcept {
    const auto found = std::ranges::find(levels, name, &NetworkDescription::level);
    return found == levels.end() ? nullptr : &*found;
}

}  // namespace castnet
