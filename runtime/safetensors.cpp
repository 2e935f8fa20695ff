#include "runtime/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

constexpr std::size_t largest_header = 100'000'000;  // the limit of the format's own reader

using Json = nlohmann::ordered_json;

Error failure(const std::filesystem::path &path, const std::string &what) {
    return Error(fmt::format("{}: {}; give a safetensors file of F32 tensors", path.string(), what));
}

/// The JSON header; names may not repeat.
Json parse_header(const std::filesystem::path &path, std::string_view text) {
    std::vector<std::set<std::string>> keys;
    bool repeats = false;
    const auto watch = [&](int, Json::parse_event_t event, Json &value) {
        if (event == Json::parse_event_t::object_start) keys.emplace_back();
        if (event == Json::parse_event_t::object_end) keys.pop_back();
        if (event == Json::parse_event_t::key) repeats = !keys.back().insert(value.get<std::string>()).second || repeats;
        return true;
    };
    Json header = Json::parse(text, watch, false);
    if (!header.is_object()) throw failure(path, "has a header that is not a JSON object");
    if (repeats) throw failure(path, "has a header that names something twice");
    return header;
}

/// A list of non-negative whole numbers.
std::vector<std::size_t> parse_numbers(const std::filesystem::path &path, const Json &entry, const std::string &key) {
    const auto list = entry.find(key);
    if (list == entry.end() || !list->is_array() || !std::ranges::all_of(*list, [](const Json &n) { return n.is_number_unsigned(); }))
        throw failure(path, fmt::format("has a tensor whose {} is not a list of whole numbers", key));
    return list->get<std::vector<std::size_t>>();
}

}  // namespace

const Tensor *TensorFile::find(const std::string &name) const {
    const auto found = std::ranges::find(tensors, name, &Tensor::name);
    return found == tensors.end() ? nullptr : &*found;
}

TensorFile read_safetensors(const std::filesystem::path &path) {
    const std::vector<std::byte> bytes = read_file(path);
    if (bytes.size() < 8) throw failure(path, "is shorter than a header");
    std::uint64_t header_size = 0;
    for (std::size_t i = 0; i < 8; i++) header_size |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    if (header_size > largest_header) throw failure(path, fmt::format("announces a header of {} bytes", header_size));
    if (header_size > bytes.size() - 8) throw failure(path, "ends in its header");
    const std::string_view text(reinterpret_cast<const char *>(bytes.data()) + 8, header_size);
    const std::span<const std::byte> data = std::span(bytes).subspan(8 + header_size);

    TensorFile file;
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    const Json header = parse_header(path, text);
    for (const auto &[name, entry] : header.items()) {
        if (!entry.is_object()) throw failure(path, fmt::format("has an entry {} that is not an object", name));
        if (name == "__metadata__") {
            for (const auto &[key, value] : entry.items()) {
                if (!value.is_string()) throw failure(path, "has metadata that is not text");
                file.metadata[key] = value.get<std::string>();
            }
            continue;
        }
        const auto type = entry.find("dtype");
        if (type == entry.end() || *type != "F32") throw failure(path, fmt::format("holds {}, which is not F32", name));
        Tensor tensor{.name = name, .shape = parse_numbers(path, entry, "shape"), .values = {}};
        const std::vector<std::size_t> offsets = parse_numbers(path, entry, "data_offsets");
        std::size_t size = sizeof(float);
        for (const std::size_t extent : tensor.shape) {
            if (__builtin_mul_overflow(size, extent, &size)) throw failure(path, fmt::format("announces {} larger than memory", name));
        }
        if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size() || offsets[1] - offsets[0] != size)
            throw failure(path, fmt::format("places {} where its shape does not fit", name));
        ranges.emplace_back(offsets[0], offsets[1]);
        tensor.values.resize(size / sizeof(float));
        if (size > 0) std::memcpy(tensor.values.data(), data.data() + offsets[0], size);
        file.tensors.push_back(std::move(tensor));
    }
    std::ranges::sort(ranges);
    std::size_t covered = 0;
    for (const auto &[begin, end] : ranges) {
        if (begin != covered) throw failure(path, "has tensors with holes between them or over each other");
        covered = end;
    }
    if (covered != data.size()) throw failure(path, "goes on after its last tensor");
    return file;
}

void write_safetensors(const std::filesystem::path &path, const TensorFile &file) {
    Json header;
    if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
    std::size_t offset = 0;
    for (const Tensor &tensor : file.tensors) {
        const std::size_t end = offset + tensor.values.size() * sizeof(float);
        header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins on a multiple of eight bytes
    std::string bytes;
    for (std::size_t i = 0; i < 8; i++) bytes += static_cast<char>(text.size() >> (8 * i) & 0xffU);
    bytes += text;
    for (const Tensor &tensor : file.tensors)
        bytes.append(reinterpret_cast<const char *>(tensor.values.data()), tensor.values.size() * sizeof(float));
    write_file(path, bytes);
}

}  // namespace castnet
