#include "train/console/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace castnet {

std::optional<std::size_t> terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *columns = std::getenv("COLUMNS");
    const std::string_view text = columns == nullptr ? "" : columns;
    std::size_t width = 0;
    std::from_chars(text.data(), text.data() + text.size(), width);
    return width > 0 ? std::optional(width) : std::nullopt;
}

std::string wrapped(const std::vector<std::string> &pieces, const std::string &separator, std::size_t width) {
    const std::string indent = "  ";
    std::string text;
    std::size_t used = 0;  // of the last line
    for (const std::string &piece : pieces) {
        if (text.empty()) {
            used = piece.size();
        } else if (used + separator.size() + piece.size() <= width) {
            text += separator;
            used += separator.size() + piece.size();
        } else {
            text += "\n" + indent;
            used = indent.size() + piece.size();
        }
        text += piece;
    }
    return text;
}

}  // namespace castnet
