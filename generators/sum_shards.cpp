// sum_shards: the gradient of a batch from those of its shards, added in their order, on any number of parameters.
#include "Halide.h"
#include "element.h"

namespace castnet {

class SumShards : public Halide::Generator<SumShards> {
public:
    Input<Buffer<Element, 2>> shards{"shards"};  // (parameter, shard)
    Output<Buffer<Element, 1>> sum{"sum"};       // (parameter)

    void generate() {
        const Var i("i"), block("block");
        const RDom shard(0, shards.dim(1).extent());
        Func total("total"), out("out");
        total(i) = element(0);
        total(i) += shards(i, shard);
        out(i) = total(i);
        sum = out;

        shards.set_estimates({{0, 1 << 14}, {0, 8}});
        sum.set_estimates({{0, 1 << 14}});
        const int lanes = natural_vector_size(element_type());
        out.split(i, block, i, lanes).vectorize(i);
        total.compute_at(out, block).vectorize(i, lanes);
        total.update().reorder(i, shard).vectorize(i, lanes);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::SumShards, sum_shards)
