// Text for a shell.
#pragma once

#include <string>

namespace castnet {

/// The text as a shell takes it for one word: in quotes where it needs them.
std::string shell_word(const std::string &text);

}  // namespace castnet
