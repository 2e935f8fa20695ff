// The numbers that all pipelines compute with.
#pragma once

#include <Halide.h>

namespace castnet {

/// float; double where the tests want more digits of the same algorithms than a float has.
#ifdef CASTNET_ELEMENT
using Element = CASTNET_ELEMENT;
#else
using Element = float;
#endif

inline Halide::Type element_type() {
    return Halide::type_of<Element>();
}

/// A constant of that type. Halide widens what is mixed, so that it matters only where a Func takes its type from its first definition, and
/// where a float does not hold the number.
inline Halide::Expr element(double value) {
    return Halide::Internal::make_const(element_type(), value);
}

}  // namespace castnet
