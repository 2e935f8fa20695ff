// sum_shards: the sum of the gradients of up to four neighbours in the tree over a batch's shards, on any number of parameters. It may lie
// on the first of them.
#include "Halide.h"
#include "element.h"
#include "tree.h"

namespace castnet {

class SumShards : public Halide::Generator<SumShards> {
public:
    Input<Buffer<Element, 2>> shards{"shards"};  // (parameter, shard)
    Output<Buffer<Element, 1>> sum{"sum"};       // (parameter)

    void generate() {
        const Var i("i");
        Func out("out");
        out(i) = sum_of_rows(shards, i);
        sum = out;

        shards.set_estimates({{0, 1 << 14}, {0, 4}});
        sum.set_estimates({{0, 1 << 14}});
        out.vectorize(i, natural_vector_size(element_type()), TailStrategy::RoundUp);  // no element twice: it may be in place
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::SumShards, sum_shards)
