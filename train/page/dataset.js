// Images to train on and to look at, with labels if there are any: from the page's own folder, or from files that the user gives.
import {inShape, readArray, readPicture} from './images.js';
import {sizeOf} from './shape.js';

const ownFiles = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'];

/** Images of one part, training or test. `labels` is null if there are none. */
class Part {
  constructor(images, labels, imageSize) {
    this.images = images;
    this.labels = labels;
    this.imageSize = imageSize;
  }
  get count() {
    return this.images.length / this.imageSize;
  }

  /** Returns the images of these classes, all if `classes` is null. */
  select(classes) {
    if (classes === null || this.labels === null) return this;
    const chosen = [...this.labels.keys()].filter(i => classes.includes(this.labels[i]));
    const images = new this.images.constructor(chosen.length * this.imageSize);
    chosen.forEach((from, to) => images.set(this.images.subarray(from * this.imageSize, (from + 1) * this.imageSize), to * this.imageSize));
    return new Part(images, chosen.map(i => this.labels[i]), this.imageSize);
  }

  /** Returns the values of at most `most` images, evenly spread over the part, as the network sees them. */
  sample(most) {
    const count = Math.min(most, this.count), scale = this.images instanceof Uint8Array ? 255 : 1;
    const values = new Float32Array(count * this.imageSize), labels = [];
    for (let i = 0; i < count; i++) {
      const from = Math.floor(i * this.count / count);
      for (let j = 0; j < this.imageSize; j++) values[i * this.imageSize + j] = this.images[from * this.imageSize + j] / scale;
      labels.push(this.labels?.[from] ?? 0);
    }
    return {values, labels, count};
  }
}

/** Training images and test images: the same if there is one set only. */
export class Dataset {
  constructor(train, test) {
    this.train = train;
    this.test = test;
  }

  /** The labels that there are, in order; empty without labels. */
  get classes() {
    return [...new Set(this.train.labels ?? [])].sort((a, b) => a - b);
  }
  select(classes) {
    return new Dataset(this.train.select(classes), this.test.select(classes));
  }

  /** What is drawn black and white: 0 and 1, or values beyond. */
  get range() {
    let least = 0, most = 1;
    if (this.train.images instanceof Float32Array) {
      for (const value of this.train.images) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
    }
    return [least, most];
  }
}

/** Returns the page's own images, or null if it came without, or with images of another shape. */
export async function fetchOwn(input) {
  const files = await Promise.all(ownFiles.map(async name => {
    const response = await fetch(`data/${name}.gz`).catch(() => null); // offline
    return response?.ok ? new File([await response.blob()], `${name}.gz`) : null;
  }));
  if (files.includes(null)) return null;
  return readFiles(files, input);
}

const isTest = name => /^(t10k|test)/i.test(name);

/** Returns the images of files that belong together: arrays of images and of labels, for training and for test, or pictures. */
export async function readFiles(files, input) {
  const imageSize = sizeOf(input);
  const arrays = await Promise.all(files.map(async file => ({file, ...await readFile(file, input)})));
  const part = test => {
    const own = arrays.filter(({file}) => isTest(file.name) === test);
    const images = own.filter(array => array.images), [labels, ...more] = own.filter(array => array.labels);
    if (images.length === 0 && labels) throw new Error(`${labels.file.name}: holds labels without images; give both files at once`);
    if (images.length === 0) return null;
    if (more.length > 0) throw new Error(`${more[0].file.name}: are second labels; give one file of them`);
    const Values = images.every(array => array.images instanceof Uint8Array) ? Uint8Array : Float32Array;
    const all = joined(images.map(array => asType(Values, array.images)), Values);
    if (labels && labels.labels.length !== all.length / imageSize)
      throw new Error(`${labels.file.name}: holds ${labels.labels.length} labels for ${all.length / imageSize} images; give the labels of these images`);
    return new Part(all, labels ? labels.labels : null, imageSize);
  };
  const train = part(false), test = part(true);
  if (!train && !test) throw new Error('there is no image; give IDX files, .npy or pictures');
  return new Dataset(train ?? test, test ?? train);
}

async function readFile(file, input) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isPicture = file.type.startsWith('image/') || /^(\x89PNG|\xff\xd8\xff|GIF8|RIFF|BM)/.test(String.fromCharCode(...bytes.subarray(0, 4)));
  if (isPicture) return {images: await readPicture(file.name, file, input)};
  const array = await readArray(file.name, bytes);
  return array.labels ? array : {images: inShape(file.name, array, input)};
}

const asType = (Values, images) => images instanceof Values ? images : Float32Array.from(images, byte => byte / 255);

function joined(parts, Values) {
  if (parts.length === 1) return parts[0];
  const all = new Values(parts.reduce((sum, part) => sum + part.length, 0));
  let begin = 0;
  for (const part of parts) {
    all.set(part, begin);
    begin += part.length;
  }
  return all;
}
