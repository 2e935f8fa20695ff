#include "train/files/safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "train/data/array_size.h"

namespace castnet {
namespace {

using Json = nlohmann::json;

constexpr const char *no_object = "has a header that is not a JSON object", *names_twice = "has a header that names something twice";

/// Takes the parser's events, in the order of the text:
///
///     {"__metadata__": {KEY: TEXT, …}, NAME: {"dtype": "F32", "shape": [NUMBER, …], "data_offsets": [NUMBER, NUMBER]}, …}
class HeaderReader final : public Json::json_sax_t {
public:
    HeaderReader(const std::filesystem::path &path, SafetensorsHeader &header) : path_(path), header_(header) {}

    bool start_object(std::size_t /*size*/) override {
        if (depth_ == 2) misplaced();
        if (++depth_ == 1) return true;
        if (!in_metadata()) {
            header_.tensors.push_back({.name = name_, .shape = {}, .offsets = {}});
        } else if (std::exchange(has_metadata_, true)) {
            twice();
        }
        has_type_ = has_shape_ = has_offsets_ = false;
        return true;
    }
    bool end_object() override {
        if (depth_ == 2 && !in_metadata()) check_tensor();
        depth_--;
        return true;
    }
    bool key(std::string &text) override {
        (depth_ == 1 ? name_ : key_) = std::move(text);
        return true;
    }
    bool string(std::string &text) override {
        if (depth_ != 2) misplaced();
        if (in_metadata()) {
            if (!header_.metadata.emplace(key_, std::move(text)).second) twice();
        } else if (key_ != "dtype" || text != "F32") {
            misplaced();
        } else if (std::exchange(has_type_, true)) {
            twice();
        }
        return true;
    }
    bool start_array(std::size_t /*size*/) override {
        const bool is_shape = key_ == "shape";
        if (depth_ != 2 || in_metadata() || list_ != nullptr || (!is_shape && key_ != "data_offsets")) misplaced();
        if (std::exchange(is_shape ? has_shape_ : has_offsets_, true)) twice();
        list_ = is_shape ? &header_.tensors.back().shape : &header_.tensors.back().offsets;
        return true;
    }
    bool end_array() override {
        list_ = nullptr;
        return true;
    }
    bool number_unsigned(Json::number_unsigned_t number) override {
        if (list_ == nullptr) misplaced();
        if (list_->size() == most_dimensions) fail(fmt::format("holds {} of more than {} dimensions", name_, most_dimensions));
        list_->push_back(number);
        return true;
    }
    bool number_integer(Json::number_integer_t /*number*/) override { misplaced(); }
    bool number_float(Json::number_float_t /*number*/, const std::string & /*text*/) override { misplaced(); }
    bool boolean(bool /*value*/) override { misplaced(); }
    bool null() override { misplaced(); }
    bool binary(Json::binary_t & /*value*/) override { misplaced(); }
    bool parse_error(std::size_t /*position*/, const std::string & /*token*/, const Json::exception & /*error*/) override {
        fail(no_object);
    }

private:
    [[nodiscard]] bool in_metadata() const { return name_ == "__metadata__"; }

    void check_tensor() {
        if (!has_type_) key_ = "dtype";
        if (!has_shape_) key_ = "shape";
        if (!has_offsets_) key_ = "data_offsets";
        if (!has_type_ || !has_shape_ || !has_offsets_) misplaced();
    }

    [[noreturn]] void fail(const std::string &what) const { throw safetensors_error(path_, what); }
    [[noreturn]] void twice() const { fail(names_twice); }
    /// Reports that something else should stand here.
    [[noreturn]] void misplaced() const {
        if (depth_ == 1) fail(fmt::format("has an entry {} that is not an object", name_));
        if (in_metadata()) fail("has metadata that is not text");
        if (key_ == "dtype") fail(fmt::format("holds {}, which is not F32", name_));
        if (key_ == "shape" || key_ == "data_offsets") fail(fmt::format("holds {} whose {} is not a list of whole numbers", name_, key_));
        fail(fmt::format("holds {} with a {} that is not understood", name_, key_));
    }

    const std::filesystem::path &path_;
    SafetensorsHeader &header_;
    int depth_ = 0;           // of nested objects
    std::string name_, key_;  // the last keys of the outer object and of an inner one
    bool has_metadata_ = false, has_type_ = false, has_shape_ = false, has_offsets_ = false;
    std::vector<std::size_t> *list_ = nullptr;  // the list being read
};

bool has_duplicates(const std::vector<TensorEntry> &tensors) {
    std::vector<std::string_view> names(tensors.size());
    std::ranges::transform(tensors, names.begin(), &TensorEntry::name);
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) != names.end();
}

}  // namespace

Error safetensors_error(const std::filesystem::path &path, const std::string &what) {
    return Error(fmt::format("{}: {}; give a sound safetensors file of F32 tensors", path.string(), what));
}

SafetensorsHeader parse_safetensors_header(const std::filesystem::path &path, std::string_view text) {
    // nlohmann-json would skip a byte order mark at the beginning, and take a NUL as the end.
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos || text[begin] != '{' || text.find('\0') != std::string_view::npos)
        throw safetensors_error(path, no_object);
    SafetensorsHeader header;
    HeaderReader reader(path, header);
    Json::sax_parse(text, &reader);
    if (has_duplicates(header.tensors)) throw safetensors_error(path, names_twice);
    return header;
}

}  // namespace castnet
