#include "train/ranks/group.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "train/files/error.h"

namespace castnet {

bool any(Group *group, bool own) {
    if (group == nullptr) return own;
    const Place place = group->place();
    std::vector<float> answers(static_cast<std::size_t>(place.ranks));
    answers[static_cast<std::size_t>(place.rank)] = own ? 1.0F : 0.0F;
    const std::vector<int> counts(answers.size(), 1);
    if (group->gather(answers, counts) != 0) throw Error(lost_group);
    return std::ranges::find(answers, 1.0F) != answers.end();
}

void check_same(Group &group, const std::vector<Fact> &facts) {
    std::string own;
    for (const Fact &fact : facts) own += fact.name + ": " + fact.value + '\n';
    const std::vector<std::string> all = group.gather_texts(own);
    for (std::size_t rank = 1; rank < all.size(); rank++) {
        if (all[rank] == all[0]) continue;
        std::istringstream first(all[0]), other(all[rank]);
        std::string wanted, found;
        while (wanted == found) {
            std::getline(first, wanted);
            std::getline(other, found);
        }
        throw Error(
            fmt::format("rank {} differs from rank 0: it has {}, not {}; start the same program with the same options and data everywhere",
                        rank, found, wanted));
    }
}

}  // namespace castnet
