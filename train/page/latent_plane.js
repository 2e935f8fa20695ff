// The plane that shows codes: a code's two numbers, or, of longer codes, the two directions along which they vary most.

const iterations = 8; // of the power method; each fit goes on from the last one, so that the plane moves smoothly while the network learns

export class LatentPlane {
  #size;
  #mean;
  #axes;

  /** `size`: numbers of a code. */
  constructor(size) {
    this.#size = size;
    this.#mean = new Float64Array(size);
    this.#axes = [0, 1].map(k => Float64Array.from({length: size}, (_, i) => size <= 2 ? Number(i === k) : Math.cos((k + 1) * (i + 1))));
  }

  /** Turns towards the codes' first two principal axes; codes of two numbers are shown as they are. */
  fit(codes) {
    const size = this.#size, count = codes.length / size;
    if (size <= 2 || count === 0) return;
    this.#mean.fill(0);
    codes.forEach((value, i) => { this.#mean[i % size] += value / count; });
    const centred = Float64Array.from(codes, (value, i) => value - this.#mean[i % size]);
    this.#axes.forEach((axis, k) => {
      for (let round = 0; round < iterations; round++) {
        const product = new Float64Array(size);
        for (let row = 0; row < centred.length; row += size) {
          const along = dot(centred, row, axis);
          for (let i = 0; i < size; i++) product[i] += along * centred[row + i];
        }
        if (k === 1) subtract(product, this.#axes[0]);
        const norm = Math.sqrt(dot(product, 0, product));
        if (norm > 0) product.forEach((value, i) => { axis[i] = value / norm; });
      }
    });
  }

  /** Returns the place of each code. */
  project(codes) {
    const places = new Float32Array(2 * codes.length / this.#size);
    const centred = Float64Array.from(codes, (value, i) => value - this.#mean[i % this.#size]);
    for (let row = 0, to = 0; row < centred.length; row += this.#size)
      for (const axis of this.#axes) places[to++] = dot(centred, row, axis);
    return places;
  }

  /** Returns the code at a place. */
  lift([x, y]) {
    return Float32Array.from(this.#mean, (mean, i) => mean + x * this.#axes[0][i] + y * this.#axes[1][i]);
  }
}

function dot(values, begin, axis) {
  let sum = 0;
  for (let i = 0; i < axis.length; i++) sum += values[begin + i] * axis[i];
  return sum;
}

/** Removes from a vector its part along an axis of length 1. */
function subtract(vector, axis) {
  const along = dot(vector, 0, axis);
  axis.forEach((value, i) => { vector[i] -= along * value; });
}
