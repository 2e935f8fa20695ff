#include "train/files/csv.h"

namespace castnet {

std::string csv_field(const std::string &text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string field = "\"";
    for (const char letter : text) field += letter == '"' ? "\"\"" : std::string(1, letter);
    return field + "\"";
}

std::string csv_label(const Dataset &dataset, std::size_t image) {
    return dataset.labels.empty() ? "" : csv_field(label_name(dataset.class_names, dataset.labels[image]));
}

}  // namespace castnet
