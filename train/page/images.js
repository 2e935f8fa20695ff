// Images from files: IDX, plain or gzip, npy, and PNG and what else the browser shows. What `train --data` takes, one file at a time.
import {sizeOf} from './shape.js';

const wants = shape => shape.join('x');
const fail = (name, what, advice) => { throw new Error(`${name}: ${what}; ${advice}`); };

/** Returns the images of a file as {images, shape}: Uint8Array or Float32Array, (n, h, w, c); an IDX file of labels as {labels}. */
export async function readArray(name, bytes) {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await inflate(name, bytes);
  const isNpy = bytes[0] === 0x93 && String.fromCharCode(...bytes.subarray(1, 6)) === 'NUMPY';
  return isNpy ? readNpy(name, bytes) : readIdx(name, bytes);
}

async function inflate(name, bytes) {
  try {
    return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
  } catch {
    return fail(name, 'is damaged, or cut off', 'give a whole gzip file');
  }
}

// Readers of one element at a byte offset.
const idxTypes = {
  0x08: {size: 1, read: (view, at) => view.getUint8(at)},
  0x09: {size: 1, read: (view, at) => view.getInt8(at)},
  0x0b: {size: 2, read: (view, at) => view.getInt16(at)},
  0x0c: {size: 4, read: (view, at) => view.getInt32(at)},
  0x0d: {size: 4, read: (view, at) => view.getFloat32(at)},
  0x0e: {size: 8, read: (view, at) => view.getFloat64(at)},
};
const npyTypes = {
  '|u1': idxTypes[0x08],
  '<f4': {size: 4, read: (view, at) => view.getFloat32(at, true)},
  '<f8': {size: 8, read: (view, at) => view.getFloat64(at, true)},
};

/** Returns `count` elements from a byte on: bytes as they are, all else as floats. */
function elements(name, bytes, begin, count, type) {
  if (bytes.length - begin < count * type.size) fail(name, 'ends before its last number', 'give the whole file');
  if (bytes.length - begin > count * type.size) fail(name, 'goes on after its last number', 'give a sound file');
  if (type === idxTypes[0x08]) return bytes.slice(begin);
  const view = new DataView(bytes.buffer, bytes.byteOffset + begin);
  const values = Float32Array.from({length: count}, (_, i) => type.read(view, i * type.size));
  if (!values.every(Number.isFinite)) fail(name, 'holds infinite or NaN numbers', 'give finite ones');
  return values;
}

// IDX: two zeros, the element's type, the number of dimensions, their extents, the elements; big-endian.
function readIdx(name, bytes) {
  const advice = 'give IDX files, .npy or pictures';
  const type = idxTypes[bytes[2]], dimensions = bytes[3];
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || !type || dimensions < 1 || dimensions > 4) fail(name, 'is no data', advice);
  const begin = 4 + 4 * dimensions;
  if (bytes.length < begin) fail(name, 'ends in its header', 'give the whole file');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({length: dimensions}, (_, i) => view.getUint32(4 + 4 * i));
  const values = elements(name, bytes, begin, sizeOf(shape), type);
  return dimensions === 1 ? {labels: values} : {images: values, shape};
}

// NumPy's own format: a version, the length of a header that is a Python dictionary, the elements.
function readNpy(name, bytes) {
  const advice = 'save it by numpy.save() as uint8, float32 or float64 in C order';
  if (bytes.length < 12) fail(name, 'ends in its header', 'give the whole file');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const isFirst = bytes[6] === 1;
  const begin = (isFirst ? 10 : 12) + (isFirst ? view.getUint16(8, true) : view.getUint32(8, true));
  if (begin > bytes.length) fail(name, 'ends in its header', 'give the whole file');
  const header = new TextDecoder().decode(bytes.subarray(10, begin));
  const entry = pattern => header.match(pattern)?.[1];
  const type = npyTypes[entry(/'descr': *'([^']*)'/)?.replace(/^[<=>]u1$/, '|u1')];
  if (!type || entry(/'fortran_order': *(\w+)/) !== 'False') fail(name, 'is an array of another kind', advice);
  const shape = (entry(/'shape': *\(([\d, ]*)\)/) ?? fail(name, 'has no shape', advice)).split(',').filter(text => text.trim()).map(Number);
  const values = elements(name, bytes, begin, sizeOf(shape), type);
  return shape.length === 1 ? {labels: values} : {images: values, shape};
}

/** Returns an array's images in the network's shape; extents of 1 may be missing. Fails if they have another. */
export function inShape(name, {images, shape}, input) {
  const without = extents => extents.filter(extent => extent !== 1).join('x');
  if (without(shape.slice(1)) !== without(input))
    fail(name, `holds images of ${wants(shape.slice(1))} where ${wants(input)} is needed`, 'give images of that size');
  if (images.length === 0) fail(name, 'holds no image', 'give one with images');
  return images;
}

/** Returns a picture's bytes in the network's shape, as Keras takes them: grey is 0.299 R + 0.587 G + 0.114 B, alpha is dropped unless there
    are four channels. */
export async function readPicture(name, blob, [height, width, channels]) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'});
  } catch {
    fail(name, 'is no picture, no IDX and no .npy file', 'give one of these');
  }
  if (bitmap.height !== height || bitmap.width !== width)
    fail(name, `is a picture of ${bitmap.height}x${bitmap.width} where ${height}x${width} is needed`, 'scale it to that size');
  if (![1, 3, 4].includes(channels)) fail(name, `is a picture, and the network sees ${channels} channels`, 'give an .npy file');
  const context = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  return pixels(context.getImageData(0, 0, width, height).data, channels);
}

/** Returns the channels of RGBA pixels. Grey is rounded as Pillow rounds it, in 16 bits. */
export function pixels(rgba, channels) {
  if (channels === 4) return new Uint8Array(rgba);
  const bytes = new Uint8Array(rgba.length / 4 * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const [red, green, blue] = rgba.subarray(from, from + 3);
    if (channels === 1) bytes[to++] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    else bytes.set([red, green, blue], (to += 3) - 3);
  }
  return bytes;
}
