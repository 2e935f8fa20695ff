// Text for a shell.
#pragma once

#include <string>

namespace castnet {

/// Quotes the text, if needed, so that a shell takes it as one word.
std::string shell_word(const std::string &text);

}  // namespace castnet
