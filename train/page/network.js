// The network: its WebAssembly module (module.cpp) with JavaScript's types. Works in a page, in a worker and in node.

import {sizeOf} from './shape.js';

// What the C library may ask of a system: a place to print errors to, and an end. There are no files.
const system = memory => ({
  fd_write(descriptor, vectors, count, written) {
    const view = new DataView(memory().buffer);
    let text = '', bytes = 0;
    for (let i = 0; i < count; i++) {
      const length = view.getUint32(vectors + 8 * i + 4, true);
      text += new TextDecoder().decode(new Uint8Array(memory().buffer, view.getUint32(vectors + 8 * i, true), length));
      bytes += length;
    }
    view.setUint32(written, bytes, true);
    console.error(text);
    return 0;
  },
  proc_exit(status) {
    throw new Error(`the network's module ended with status ${status}; reload the page`);
  },
});

/** A network and a run of its training. Images, codes and weights are Float32Arrays in C order. Errors throw. */
export class Network {
  #exports;
  #data = 0; // the images that it trains on, in the module's memory

  /** Compiles a module from its bytes, and begins a run. */
  static async from(bytes, options) {
    let memory;
    const functions = system(() => memory);
    const missing = name => () => { throw new Error(`the network's module called ${name}`); };
    const imports = new Proxy({}, {get: (_, module) => new Proxy({}, {get: (__, name) => functions[name] ?? missing(`${module}.${name}`)})});
    const {instance} = await WebAssembly.instantiate(bytes, imports);
    memory = instance.exports.memory;
    instance.exports._initialize();
    return new Network(instance.exports, options);
  }

  constructor(exports, options) {
    this.#exports = exports;
    /** Its name, loss, shapes (input, code), layers and tensors. */
    this.description = JSON.parse(this.#text(exports.description()));
    this.imageSize = sizeOf(this.description.input);
    this.codeSize = sizeOf(this.description.code);
    this.tensors = this.description.tensors.map(tensor => ({...tensor, size: sizeOf(tensor.shape)}));
    this.parameters = this.tensors.reduce((sum, tensor) => sum + tensor.size, 0);
    this.begin(options);
  }

  /** Begins a run with new weights and without data. */
  begin({seed = 0, batchSize = 32} = {}) {
    this.#check(this.#exports.begin(seed, batchSize));
  }

  /** Trains on these images from now on: a Uint8Array, whose bytes stand for value / 255, or a Float32Array. */
  trainOn(images) {
    const place = this.#allocate(images.byteLength);
    new Uint8Array(this.#exports.memory.buffer).set(new Uint8Array(images.buffer, images.byteOffset, images.byteLength), place);
    const take = images instanceof Float32Array ? this.#exports.train_on_floats : this.#exports.train_on_bytes;
    take(place, images.length / this.imageSize);
    this.#exports.release(this.#data);
    this.#data = place;
  }

  /** Takes one step, and returns its loss. */
  step() {
    const loss = this.#exports.step();
    if (Number.isNaN(loss)) throw this.#error();
    return loss;
  }

  /** How far the run is. `loss` is the mean of the images done in this epoch, of the last epoch's before the next has begun. */
  get position() {
    return {epochs: this.#exports.epochs_done(), images: this.#exports.images_done(), loss: this.#exports.epoch_loss()};
  }

  encode(images) {
    const count = images.length / this.imageSize;
    return this.#map(images, count * this.codeSize, (from, to) => this.#exports.encode(from, count, to));
  }
  decode(codes) {
    const count = codes.length / this.codeSize;
    return this.#map(codes, count * this.imageSize, (from, to) => this.#exports.decode(from, count, to));
  }

  /** All weights, each tensor's in the order of `tensors`. Setting them begins the optimizer anew. */
  get weights() {
    return this.#map(new Float32Array(0), this.parameters, (_, to) => this.#exports.save(to));
  }
  set weights(values) {
    this.#map(values, 0, from => this.#exports.load(from));
  }

  /** All that the run is but its data: a Uint8Array. Setting it goes on to the very bits, on the same data. */
  get state() {
    const bytes = this.#exports.state_size();
    return this.#with(bytes, place => {
      this.#exports.save_state(place);
      return new Uint8Array(this.#exports.memory.buffer, place, bytes).slice();
    });
  }
  set state(state) {
    if (state.length !== this.#exports.state_size()) throw new Error('the state is of another network');
    this.#with(state.length, place => {
      new Uint8Array(this.#exports.memory.buffer).set(state, place);
      this.#check(this.#exports.load_state(place));
    });
  }

  /** Returns numbers of the generator with that seed, uniform in [0, 1). */
  draw(seed, count) {
    return this.#map(new Float32Array(0), count, (_, to) => (this.#exports.draw(seed, to, count), 0));
  }

  /** Calls call(input's place, output's place) with floats in the module's memory, and returns the output. */
  #map(input, outputs, call) {
    return this.#with(4 * (input.length + outputs), place => {
      new Float32Array(this.#exports.memory.buffer, place).set(input);
      const output = place + 4 * input.length;
      this.#check(call(place, output));
      return new Float32Array(this.#exports.memory.buffer, output, outputs).slice();
    });
  }
  #with(bytes, use) {
    const place = this.#allocate(bytes);
    try {
      return use(place);
    } finally {
      this.#exports.release(place);
    }
  }
  #allocate(bytes) {
    const place = this.#exports.allocate(Math.max(bytes, 1));
    if (place === 0) throw new Error(`there is no memory for ${bytes} bytes more; take fewer images`);
    return place;
  }
  #check(error) {
    if (error !== 0) throw this.#error();
  }
  #error() {
    return new Error(this.#text(this.#exports.error_message()));
  }
  #text(place) {
    const bytes = new Uint8Array(this.#exports.memory.buffer, place);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }
}
