#include "train/files/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "train/data/array_size.h"
#include "train/files/checksum.h"
#include "train/files/file.h"
#include "train/files/safetensors_header.h"

namespace castnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t largest_header = 1U << 20U;  // enough for thousands of tensors; bounds the memory to read it

// The format has no checksum. Castnet's files begin their metadata with one, the CRC-32 of all other bytes of the file, and with the
// writer. If a flipped bit hides one of the two entries, the other reveals it.
constexpr std::size_t header_begin = 8;  // after its length
const std::string checksum_key = "crc32", writer_key = "writer";
constexpr std::string_view writer = "castnet", no_checksum = "00000000";
constexpr std::string_view text_before_checksum = R"({"__metadata__":{"crc32":")";
constexpr std::size_t checksum_begin = header_begin + text_before_checksum.size();

std::string checksum_text(std::string_view file) {
    const auto bytes = std::as_bytes(std::span<const char>(file));
    const std::uint32_t before = checksum_of(bytes.first(checksum_begin));
    return fmt::format("{:08x}", checksum_of(bytes.subspan(checksum_begin + no_checksum.size()), before));
}

/// Returns whether the file begins like Castnet's.
bool has_checksum(std::string_view file) {
    return file.size() >= checksum_begin + no_checksum.size() && file.substr(header_begin).starts_with(text_before_checksum);
}

/// Removes the checksum, which must be right if there is one, and the writer from the metadata. Throws if Castnet's own is missing.
void remove_checksum(const std::filesystem::path &path, std::string_view file, std::map<std::string, std::string> &metadata) {
    const auto entry = metadata.find(writer_key);
    if (entry != metadata.end() && entry->second == writer && !has_checksum(file))
        throw safetensors_error(path, "is not as Castnet wrote it: its metadata do not begin with the checksum");
    metadata.erase(writer_key);
    metadata.erase(checksum_key);
}

/// Returns the header's text. Throws if it is cut off or too large, or if the file's checksum is wrong.
std::string_view header_text(const std::filesystem::path &path, std::string_view file) {
    if (file.size() < header_begin) throw safetensors_error(path, "is shorter than a header");
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < header_begin; i++) size |= std::uint64_t{static_cast<unsigned char>(file[i])} << (8 * i);
    if (size > largest_header)
        throw safetensors_error(path, fmt::format("announces a header of {} bytes, and may have {}", size, largest_header));
    if (size > file.size() - header_begin) throw safetensors_error(path, "ends in its header");
    if (has_checksum(file) && file.substr(checksum_begin, no_checksum.size()) != checksum_text(file))
        throw safetensors_error(path, "is damaged, as its checksum tells");
    return file.substr(header_begin, size);
}

/// Throws unless the tensor's offsets lie within the data and match its shape.
void check_place(const std::filesystem::path &path, const TensorEntry &tensor, std::size_t data_size) {
    const std::optional<std::size_t> size = array_bytes(tensor.shape, sizeof(float));
    if (!size) throw safetensors_error(path, fmt::format("announces {} larger than memory", tensor.name));
    const std::vector<std::size_t> &offsets = tensor.offsets;
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_size || offsets[1] - offsets[0] != *size)
        throw safetensors_error(path, fmt::format("places {} where its shape does not fit", tensor.name));
}

/// Throws unless the tensors cover the data from beginning to end, without holes or overlaps.
void check_places(const std::filesystem::path &path, const std::vector<TensorEntry> &tensors, std::size_t data_size) {
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    for (const TensorEntry &tensor : tensors) {
        check_place(path, tensor, data_size);
        ranges.emplace_back(tensor.offsets[0], tensor.offsets[1]);
    }
    std::ranges::sort(ranges);
    std::size_t covered = 0;
    for (const auto &[begin, end] : ranges) {
        if (begin != covered) throw safetensors_error(path, "has tensors that overlap or leave holes");
        covered = end;
    }
    if (covered != data_size) throw safetensors_error(path, "goes on after its last tensor");
}

/// Reads a tensor whose place was checked.
Tensor read_tensor(TensorEntry &entry, std::string_view data) {
    const std::string_view place = data.substr(entry.offsets[0], entry.offsets[1] - entry.offsets[0]);
    Tensor tensor{.name = std::move(entry.name), .shape = std::move(entry.shape), .values = {}};
    tensor.values.resize(place.size() / sizeof(float));
    if (!place.empty()) std::memcpy(tensor.values.data(), place.data(), place.size());
    return tensor;
}

}  // namespace

const Tensor *TensorFile::find(const std::string &name) const {
    const auto found = std::ranges::find(tensors, name, &Tensor::name);
    return found == tensors.end() ? nullptr : &*found;
}

TensorFile read_safetensors(const std::filesystem::path &path) {
    const std::vector<std::byte> bytes = read_file(path);
    const std::string_view file(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    const std::string_view text = header_text(path, file);
    const std::string_view data = file.substr(header_begin + text.size());
    SafetensorsHeader header = parse_safetensors_header(path, text);
    remove_checksum(path, file, header.metadata);
    check_places(path, header.tensors, data.size());  // first: overlapping tensors would take more memory than the file
    TensorFile result{.metadata = std::move(header.metadata), .tensors = {}};
    for (TensorEntry &entry : header.tensors) result.tensors.push_back(read_tensor(entry, data));
    return result;
}

void write_safetensors(const std::filesystem::path &path, const TensorFile &file) {
    Json header;
    Json &metadata = header["__metadata__"];
    metadata[checksum_key] = no_checksum;
    metadata[writer_key] = writer;
    for (const auto &[key, value] : file.metadata) metadata.emplace(key, value);  // emplace() keeps Castnet's own entries
    std::size_t offset = 0;
    for (const Tensor &tensor : file.tensors) {
        const std::size_t end = offset + tensor.values.size() * sizeof(float);
        header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    // JSON is UTF-8; a path in the metadata need not be.
    std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
    text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins on a multiple of eight bytes
    std::string bytes;
    for (std::size_t i = 0; i < header_begin; i++) bytes += static_cast<char>(text.size() >> (8 * i) & 0xffU);
    bytes += text;
    for (const Tensor &tensor : file.tensors)
        bytes.append(reinterpret_cast<const char *>(tensor.values.data()), tensor.values.size() * sizeof(float));
    bytes.replace(checksum_begin, no_checksum.size(), checksum_text(bytes));
    write_file(path, bytes);
}

}  // namespace castnet
