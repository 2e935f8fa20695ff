#include "generators/language/architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>

#include "generators/language/fusion.h"
#include "generators/language/mending.h"
#include "generators/language/statement.h"
#include "generators/language/suggestion.h"
#include "train/files/error.h"

namespace castnet {
namespace {

constexpr std::size_t most_layers = 1000, most_bytes = 1U << 20U;

/// Returns the network's name, which becomes a C++ namespace and a build target. Throws Error if it cannot.
std::string network_name(const std::string &file) {
    std::string name = std::filesystem::path(file).stem().string();
    constexpr auto reserved = std::to_array<std::string_view>(
        {// by CMake
         "all", "clean", "depend", "edit_cache", "help", "install", "list_install_components", "package", "package_source", "preinstall",
         "rebuild_cache", "test",
         // by C++, and by the library
         "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "castnet", "catch", "char",
         "class", "co_await", "co_return", "co_yield", "compl", "concept", "const", "const_cast", "consteval", "constexpr", "constinit",
         "continue", "decltype", "default", "delete", "do", "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern",
         "false", "float", "for", "friend", "goto", "if", "inline", "int", "long", "main", "mutable", "namespace", "new", "noexcept", "not",
         "not_eq", "nullptr", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires",
         "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast", "std", "struct", "switch", "template", "this",
         "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void",
         "volatile", "wchar_t", "while", "xor", "xor_eq"});
    try {
        check_name(name, fmt::format("the network's name '{}' is ", name));
        if (std::ranges::find(reserved, name) != reserved.end())
            throw Error(fmt::format("the network's name '{}' is taken; call the file otherwise", name));
    } catch (const Error &error) {
        throw Error(fmt::format("{}: error: {}", file, error.what()));
    }
    return name;
}

/// Returns the words of a line, up to a comment.
std::vector<std::string_view> words_of(std::string_view line) {
    constexpr std::string_view spaces = " \t\r\v\f";
    line = line.substr(0, line.find('#'));
    std::vector<std::string_view> words;
    for (std::size_t begin = line.find_first_not_of(spaces); begin != std::string_view::npos; begin = line.find_first_not_of(spaces)) {
        line.remove_prefix(begin);
        words.push_back(line.substr(0, line.find_first_of(spaces)));
        line.remove_prefix(words.back().size());
    }
    return words;
}

/// Throws Error for more elements than Halide can count in 32 bits.
void check_size(const char *what, std::size_t elements) {
    constexpr std::size_t most = ArenaLayout::most_elements;
    if (elements > most) throw Error(fmt::format("the {} would have {} elements; it may have at most {}", what, elements, most));
}

/// Returns the shape of the same numbers as channels of one pixel.
Shape vector_of(const Shape &shape) {
    return {1, 1, static_cast<int>(shape.size())};
}

/// Reads statements one by one.
class Reader {
public:
    explicit Reader(Architecture &architecture) : architecture_(architecture) {}

    void read(std::span<const std::string_view> words, int line) {
        const std::string_view word = words.front();
        const bool is_reshape = word == "reshape" || word == "flatten";
        if (word == "input") {
            read_input(words);
        } else if (!has_input_) {
            throw Error(fmt::format("'{}' comes before the input; begin with input 28x28x1, say", word));
        } else if (word == "output") {
            read_output(words);
        } else if (word == "loss") {
            read_loss(words);
        } else if (word == "encoder" || word == "decoder") {
            begin_part(words);
        } else if (const auto kinds = layer_kinds(); !is_reshape && std::ranges::find(kinds, word) == kinds.end()) {
            std::vector<std::string_view> statements{"input", "output", "loss", "encoder", "decoder"};
            statements.insert(statements.end(), kinds.begin(), kinds.end());
            statements.insert(statements.end(), {"reshape", "flatten"});
            throw Error(fmt::format("there is no statement '{}'; {}", word, suggestion(word, "the statements", statements)));
        } else if (part_.empty()) {
            throw Error(fmt::format("'{}' stands in no part; write encoder before the first layer", word));
        } else if (is_reshape) {
            reshape(words);
        } else {
            add_layer(words, line);
        }
    }

    /// Ends the decoder, and checks the text as a whole. Throws Error.
    void end() {
        if (!has_input_) throw Error("there is no network; begin with input 28x28x1, say");
        for (const std::string_view part : {"encoder", "decoder"}) {
            const bool is_there =
                part == "encoder" ? architecture_.encoder_layers > 0 : architecture_.layers.size() > architecture_.encoder_layers;
            if (!is_there)
                throw Error(fmt::format("the {0} has no layers; write {0}, and below it a layer, as conv2d filters=32 kernel=3", part));
        }
        choose_what_is_kept();
        fuse_upsampling(architecture_);
        const Shape &output = architecture_.output;
        if (shape_ == output) return;
        const auto text = [](const Shape &shape) { return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels); };
        const std::string change = mending(architecture_, shape_);
        throw Error(fmt::format("the decoder ends in {}, and the {} is {}; {}", text(shape_), has_output_ ? "output" : "input",
                                text(output), change.empty() ? "choose kernels, strides and output= so that it ends there" : change));
    }

private:
    /// Decides which layers keep their sums: those whose derivative is needed, down to the first layer that learns. Throws Error if none
    /// does.
    void choose_what_is_kept() {
        auto &layers = architecture_.layers;
        const auto learns = [](const Layer &layer) { return layer.description().learns(); };
        const auto first = std::ranges::find_if(layers, learns);
        if (first == layers.end())
            throw Error("no layer learns; leave out trainable=false in one that has weights, or add one, as dense units=32");
        for (auto layer = first; layer != layers.end(); ++layer) layer->keeps_sums = needs_sums(layer->statement.activation);
        Layer &last = layers.back();
        last.keeps_sums = needs_sums(last.statement.activation, architecture_.loss);
    }

    void read_input(std::span<const std::string_view> words) {
        if (has_input_) throw Error("the input is given twice; give it once");
        if (words.size() != 2) throw Error("input wants one shape; write input 28x28x1, say");
        architecture_.input = architecture_.output = shape_ = parse_shape(words[1]);
        check_size("input", architecture_.input.size());
        has_input_ = true;
    }

    void read_output(std::span<const std::string_view> words) {
        if (has_output_) throw Error("the output is given twice; give it once");
        if (words.size() != 2) throw Error("output wants one shape; write output 28x28x3, say");
        architecture_.output = parse_shape(words[1]);
        check_size("output", architecture_.output.size());
        has_output_ = true;
    }

    void read_loss(std::span<const std::string_view> words) {
        if (has_loss_) throw Error("the loss is given twice; give it once");
        if (words.size() != 2) throw Error("loss wants one name; write loss binary_crossentropy, say");
        architecture_.loss = read_function("loss", "loss ", words[1], known_losses);
        has_loss_ = true;
    }

    void begin_part(std::span<const std::string_view> words) {
        if (words.size() > 1) throw Error(fmt::format("'{}' does not belong behind {}; begin a line of its own", words[1], words[0]));
        if (part_ == words[0] || part_ == "decoder")
            throw Error(fmt::format("{} is given twice, or too late; write encoder, then decoder, once", words[0]));
        if (part_.empty() && words[0] == "decoder") throw Error("decoder comes before the encoder; write encoder and its layers first");
        part_ = words[0];
        architecture_.code = shape_;
    }

    /// Returns whether the numbers above are a softmax over channels, whose derivative needs them as channels.
    [[nodiscard]] bool are_softmax() const {
        return !architecture_.layers.empty() && architecture_.layers.back().statement.activation == "softmax";
    }

    /// Sees the numbers above in another shape.
    void reshape(std::span<const std::string_view> words) {
        Shape wanted = vector_of(shape_);
        if (words.front() == "flatten") {
            if (words.size() > 1) throw Error(fmt::format("'{}' does not belong behind flatten; begin a line of its own", words[1]));
        } else {
            if (words.size() != 2) throw Error("reshape wants one shape; write reshape 4x4x64, say");
            wanted = parse_shape(words[1]);
        }
        if (wanted.size() != shape_.size())
            throw Error(fmt::format("{} has {} elements, and what stands above has {} ({}x{}x{}); choose a shape of as many", words.back(),
                                    wanted.size(), shape_.size(), shape_.height, shape_.width, shape_.channels));
        if (are_softmax() && wanted.channels != shape_.channels)
            throw Error("a softmax over channels cannot be taken apart; leave its channels as they are, or end it by a dense layer");
        shape_ = wanted;
    }

    /// Returns the shape in which a dense layer sees the numbers above: all of them as channels, or the grid of a softmax.
    [[nodiscard]] Shape dense_input() const {
        constexpr std::size_t most = 1U << 20U;  // channels of a pipeline
        if (shape_.size() > most)
            throw Error(fmt::format("the dense layer would have {} inputs; it may have at most {}", shape_.size(), most));
        return are_softmax() ? shape_ : vector_of(shape_);
    }

    void add_layer(std::span<const std::string_view> words, int line) {
        auto &layers = architecture_.layers;
        if (layers.size() == most_layers) throw Error(fmt::format("there are more than {} layers; leave some out", most_layers));
        LayerStatement statement = parse_layer(words);
        statement.line = line;
        const bool is_dense = statement.kind == LayerKind::dense;
        Layer layer = place(std::move(statement), is_dense ? dense_input() : shape_);
        check_size("kernel", layer.description().kernel_size());
        check_size("output", layer.output.size());
        layer.name = layer.statement.name.empty() ? automatic_name(layer.statement.kind) : layer.statement.name;
        const auto [taken, is_new] = lines_of_names_.emplace(layer.name, line);
        if (!is_new) throw Error(fmt::format("the name {} is taken by line {}; give another with name=", layer.name, taken->second));
        parameters_ += ArenaLayout::padded(layer.description().kernel_size()) + ArenaLayout::padded(layer.description().bias_size());
        check_size("list of all weights", parameters_);
        layer.canonical = canonical_text(layer, layers.empty() ? architecture_.input : layers.back().output);
        shape_ = layer.output;
        layers.push_back(std::move(layer));
        if (part_ == "encoder") architecture_.encoder_layers++;
    }

    /// Returns the kind's name, and from the second layer of the kind on its number, as Keras does: conv2d, conv2d_1, …
    std::string automatic_name(LayerKind kind) {
        const int number = automatic_[kind]++;
        const std::string_view name = name_of(kind);
        return number == 0 ? std::string(name) : fmt::format("{}_{}", name, number);
    }

    Architecture &architecture_;
    bool has_input_ = false, has_output_ = false, has_loss_ = false;
    std::string part_;  // encoder, decoder, or neither yet
    std::map<std::string, int> lines_of_names_;
    Shape shape_;                         // of what stands above
    std::map<LayerKind, int> automatic_;  // names given so far
    std::size_t parameters_ = 0;          // of all layers so far
};

}  // namespace

std::vector<LayerDescription> Architecture::descriptions() const {
    std::vector<LayerDescription> all;
    for (const Layer &layer : layers) all.push_back(layer.description());
    return all;
}

NetworkDescription Architecture::description(std::span<const LayerDescription> descriptions) const {
    return {.name = name,
            .layers = descriptions,
            .encoder_layers = encoder_layers,
            .input = input,
            .code = code,
            .output = output,
            .loss = loss};
}

Architecture read_architecture(const std::string &file, std::string_view text) {
    Architecture architecture{.name = network_name(file), .input = {}, .code = {}, .output = {}, .layers = {}};
    if (text.size() > most_bytes)
        throw Error(fmt::format("{}: error: the text is larger than {} bytes; is it a network's?", file, most_bytes));
    Reader reader(architecture);
    int line = 0;
    try {
        while (!text.empty()) {
            line++;
            const std::size_t end = std::min(text.find('\n'), text.size());
            if (const auto words = words_of(text.substr(0, end)); !words.empty()) reader.read(words, line);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        reader.end();
    } catch (const Error &error) {
        throw Error(fmt::format("{}:{}: error: {}", file, std::max(1, line), error.what()));
    }
    return architecture;
}

}  // namespace castnet
