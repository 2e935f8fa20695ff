// What a program reports to its user: one line that says what is wrong, where, and what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace castnet {

struct Error : std::runtime_error {
    explicit Error(const std::string &what) : std::runtime_error(one_line(what)) {}

private:
    /// Makes the text one line of bounded length, whatever names from a file it quotes. Cuts the middle out of a longer text.
    static std::string one_line(std::string text) {
        constexpr std::size_t most_before = 700, most_after = 300;
        if (text.size() > most_before + most_after) text.replace(most_before, text.size() - most_before - most_after, " … ");
        for (char &letter : text) {
            if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = ' ';
        }
        return text;
    }
};

}  // namespace castnet
