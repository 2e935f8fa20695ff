#include "train/report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "train/files/file.h"

namespace castnet::html {
namespace {

std::string base64(std::span<const std::byte> bytes) {
    constexpr const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(3, bytes.size()))) {
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; i++) bits = bits << 8U | (i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i]) : 0U);
        for (std::size_t i = 0; i < 4; i++) text += i <= bytes.size() ? digits[bits >> (18 - 6 * i) & 63U] : '=';
    }
    return text;
}

}  // namespace

std::string escape(const std::string &text) {
    std::string escaped;
    for (const char character : text) {
        switch (character) {
        case '&':
            escaped += "&amp;";
            break;
        case '<':
            escaped += "&lt;";
            break;
        case '>':
            escaped += "&gt;";
            break;
        case '"':
            escaped += "&quot;";
            break;
        default:
            escaped += character;
        }
    }
    return escaped;
}

std::string facts(const std::string &css_class, const std::vector<std::pair<std::string, std::string>> &rows) {
    std::string list = fmt::format("<dl class=\"{}\">\n", css_class);
    for (const auto &[name, value] : rows) list += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value));
    return list + "</dl>\n";
}

std::string row(const std::string &cell, const std::vector<std::string> &texts) {
    std::string line = "<tr>";
    for (const std::string &text : texts) line += fmt::format("<{0}>{1}</{0}>", cell, escape(text));
    return line + "</tr>\n";
}

std::string picture(const std::filesystem::path &svg, const std::string &caption) {
    return fmt::format("<figure>\n<img src=\"data:image/svg+xml;base64,{}\" alt=\"{}\">\n<figcaption>{}</figcaption>\n</figure>\n",
                       base64(read_file(svg)), escape(caption), escape(caption));
}

}  // namespace castnet::html
