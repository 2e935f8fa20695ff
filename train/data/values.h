// Values of images: in memory, or in a file that is mapped.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "train/files/mapped_file.h"

namespace castnet {

/// Data of more bytes than this is mapped, not read, and what looks at all of it looks at a part.
inline constexpr std::size_t most_read = 256U << 20U;

/// Values that never change. Copies share them.
template <typename Value>
class Values {
public:
    using value_type = Value;

    Values() = default;
    Values(std::vector<Value> values)  // NOLINT(google-explicit-constructor): a vector is what most values come from
        : own_(std::make_shared<const std::vector<Value>>(std::move(values))), values_(*own_) {}
    Values(std::initializer_list<Value> values) : Values(std::vector<Value>(values)) {}
    Values(std::shared_ptr<const MappedFile> file, std::span<const Value> values) : file_(std::move(file)), values_(values) {}

    [[nodiscard]] const Value *data() const { return values_.data(); }
    [[nodiscard]] std::size_t size() const { return values_.size(); }
    [[nodiscard]] bool empty() const { return values_.empty(); }
    [[nodiscard]] auto begin() const { return values_.begin(); }
    [[nodiscard]] auto end() const { return values_.end(); }
    const Value &operator[](std::size_t i) const { return values_[i]; }
    [[nodiscard]] bool is_mapped() const { return file_ != nullptr; }
    /// Lets go of the memory of mapped values.
    void release() const noexcept {
        if (file_) file_->release();
    }
    bool operator==(const Values &other) const { return std::ranges::equal(values_, other.values_); }

private:
    std::shared_ptr<const std::vector<Value>> own_;
    std::shared_ptr<const MappedFile> file_;
    std::span<const Value> values_;
};

}  // namespace castnet
