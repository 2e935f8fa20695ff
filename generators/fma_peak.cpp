// fma_peak: nothing but fused multiply-adds on registers of the target's vectors, as many chains as the contractions keep accumulators.
#include "register_tile.h"

namespace castnet {

class FmaPeak : public Halide::Generator<FmaPeak> {
public:
    Input<int> steps{"steps"};
    Input<float> factor{"factor"}, addend{"addend"};
    Output<Buffer<float, 0>> result{"result"};  // of all chains, so that nothing is optimized away
    Output<Buffer<float, 0>> width{"width"};    // multiply-adds a step

    void generate() {
        const int lanes = natural_vector_size(Float(32)), chains = accumulator_budget(get_target());
        const Var lane("lane"), chain("chain");
        const RDom step(0, steps), all(0, lanes, 0, chains);
        Func value("value"), total("total");
        value(lane, chain) = Halide::cast<float>(lane + chain);
        value(lane, chain) = value(lane, chain) * factor + addend + Halide::cast<float>(step * 0);
        total() = 0.0F;
        total() += value(all.x, all.y);
        result() = total();
        width() = static_cast<float>(lanes * chains);

        value.compute_root().store_in(MemoryType::Register).bound_extent(lane, lanes).bound_extent(chain, chains);
        value.vectorize(lane).unroll(chain);
        value.update().reorder(lane, chain, step).vectorize(lane).unroll(chain);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::FmaPeak, fma_peak)
