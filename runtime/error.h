// What a program reports to its user: one line that says what is wrong, where, and what to do.
#pragma once

#include <stdexcept>

namespace castnet {

struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace castnet
