// Prints what memory a network needs, and writes it to a file: compiled and run by the build for each network.
#include CASTNET_NETWORK_HEADER

#include <cstdio>

namespace {

double kibibytes(std::size_t bytes) {
    return static_cast<double>(bytes) / 1024;
}

}  // namespace

int main(int argc, char **argv) {
    constexpr int batch = 32;
    constexpr castnet::ArenaLayout train(CASTNET_NETWORK::network, batch, 1),
        infer(CASTNET_NETWORK::network, 1, 1, castnet::Purpose::inference);
    constexpr castnet::MemoryUse use = train.memory();
    char line[256];
    std::snprintf(line, sizeof line,
                  "%.*s: to train in batches of %d, %.1f KiB: weights %.1f, gradients %.1f, optimizer %.1f, activations %.1f; "
                  "to infer one by one, %.1f KiB\n",
                  static_cast<int>(CASTNET_NETWORK::network.name.size()), CASTNET_NETWORK::network.name.data(), batch,
                  kibibytes(train.bytes()), kibibytes(use.weights), kibibytes(use.gradients), kibibytes(use.optimizer),
                  kibibytes(use.activations), kibibytes(infer.bytes()));
    std::fputs(line, stdout);
    std::FILE *file = argc > 1 ? std::fopen(argv[1], "w") : nullptr;
    if (file == nullptr) return 1;
    const bool written = std::fputs(line, file) >= 0;
    return std::fclose(file) == 0 && written ? 0 : 1;
}
