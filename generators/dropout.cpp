// dropout: sets numbers to zero where what they draw is below a threshold, and multiplies the others by a scale. It is its own adjoint.
//
// What a number draws follows from the key, its image and its index alone. So neither threads nor shards change it, and the backward pass
// draws it again. As in runtime/random.h a counter is mixed, here in 32 bits, by lowbias32 (Wellons 2018, "Prospecting for hash
// functions").
#include "grid_map.h"

namespace castnet {

class Dropout : public GridMap<Dropout> {
public:
    Input<uint32_t> key{"key"}, threshold{"threshold"};
    Input<int32_t> first_image{"first_image"};  // the number of image 0
    Input<Element> scale{"scale"};

    void generate() {
        const Expr index = c + large_channels * (x + large_width * y);
        const Expr drawn = draw(draw(key, first_image + n), index);
        mapped(c, x, y, n) = select(drawn < threshold, element(0), scale * from(c, x, y, n));
        finish(large_shape(), large_shape());
    }

    void schedule() { schedule_grid(RDom()); }

private:
    /// The number at `index` of the sequence that begins with `state`.
    static Expr draw(const Expr &state, const Expr &index) {
        const Expr golden = cast<uint32_t>(Expr(0x9E3779B9U));
        Expr mixed = state + golden * cast<uint32_t>(index);
        mixed = (mixed ^ (mixed >> 16)) * cast<uint32_t>(Expr(0x7FEB352DU));
        mixed = (mixed ^ (mixed >> 15)) * cast<uint32_t>(Expr(0x846CA68BU));
        return mixed ^ (mixed >> 16);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Dropout, dropout)
