// Shapes are lists of extents.

/** Returns how many numbers an array of the shape has. */
export const sizeOf = shape => shape.reduce((product, extent) => product * extent, 1);
