// Model files: safetensors with Keras's names and layouts, as the program train writes and reads them.
import {sizeOf} from './shape.js';

const writer = 'castnet';
const textBeforeChecksum = '{"__metadata__":{"crc32":"', noChecksum = '00000000';
const headerBegin = 8; // after its length
const checksumBegin = headerBegin + textBeforeChecksum.length, checksumEnd = checksumBegin + noChecksum.length;
// Tensors with such names are not weights: a checkpoint's best weights and moments, and the self-test.
const otherTensors = /^(best|adam|sgd|self_test)\//;

// CRC-32 of zlib and PNG, bit by bit: a model is read and written rarely.
function continueChecksum(sum, bytes) {
  sum = ~sum;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum >>> 1 ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/** Returns the checksum of a file of Castnet's: of all its bytes but the checksum's own. */
function checksumOf(file) {
  const sum = continueChecksum(continueChecksum(0, file.subarray(0, checksumBegin)), file.subarray(checksumEnd));
  return sum.toString(16).padStart(8, '0');
}

/** What a file says of its network. */
const architectureOf = ({name, loss, input, encoder_layers, layers}) => ({
  encoder_layers: `${encoder_layers}`, input: input.join('x'), layers: layers.join('\n'), loss, network: name,
});

const selfTest = network => ({input: {name: 'self_test/input', shape: [1, ...network.description.input]},
                              output: {name: 'self_test/output', shape: [1, ...network.description.input]}});

/** Returns a file of the network's weights: with a self-test, a drawn image and what the network makes of it. */
export function writeModel(network) {
  const weights = network.weights;
  let begin = 0;
  const tensors = network.tensors.map(({name, shape, size}) => ({name, shape, values: weights.subarray(begin, begin += size)}));
  const {input, output} = selfTest(network), image = network.draw(0, network.imageSize);
  tensors.push({...output, values: network.decode(network.encode(image))}, {...input, values: image});

  const header = {__metadata__: {crc32: noChecksum, writer, ...architectureOf(network.description)}};
  let offset = 0;
  for (const {name, shape, values} of tensors)
    header[name] = {dtype: 'F32', shape, data_offsets: [offset, offset += values.byteLength]};
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerSize = Math.ceil(text.length / 8) * 8; // the data begins on a multiple of eight bytes
  const file = new Uint8Array(headerBegin + headerSize + offset).fill(0x20, headerBegin, headerBegin + headerSize);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerSize), true);
  file.set(text, headerBegin);
  for (const {name, values} of tensors)
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), headerBegin + headerSize + header[name].data_offsets[0]);
  file.set(new TextEncoder().encode(checksumOf(file)), checksumBegin);
  return file;
}

/** Gives the network the weights of a file. Throws, and leaves it as it was, if they are another network's or the file is unsound. */
export function readModel(network, name, file) {
  const fail = (what, advice = `give a file of the network ${network.description.name}`) => { throw new Error(`${name}: ${what}; ${advice}`); };
  const {metadata, tensors} = parse(file, what => fail(what, 'give a sound safetensors file of F32 tensors'));
  const own = architectureOf(network.description);
  for (const [key, what] of [['input', 'an input of'], ['layers', 'the layers'], ['encoder_layers', 'this many layers in its encoder:']]) {
    if (metadata[key] !== undefined && withoutTraining(metadata[key]) !== withoutTraining(own[key]))
      fail(`is of another network, which has ${what} ${metadata[key].replaceAll('\n', ', ')}`);
  }
  const weights = new Float32Array(network.parameters);
  let begin = 0;
  for (const wanted of network.tensors) {
    const tensor = tensors.get(wanted.name) ?? fail(`holds no ${wanted.name}`);
    if (`${tensor.shape}` !== `${wanted.shape}`) fail(`holds ${wanted.name} of shape (${tensor.shape}) where (${wanted.shape}) is needed`);
    if (!tensor.values.every(Number.isFinite)) fail(`holds ${wanted.name} with infinite or NaN numbers`);
    weights.set(tensor.values, begin);
    begin += wanted.size;
  }
  if ([...tensors.keys()].filter(key => !otherTensors.test(key)).length !== network.tensors.length) fail('holds more layers than the network has');

  const before = network.state;
  network.weights = weights;
  const wrong = failedSelfTest(network, tensors);
  if (wrong === '') return;
  network.state = before;
  fail(wrong);
}

// The keys l2 and trainable change training alone.
const withoutTraining = text => text.replace(/ (l2|trainable)=\S*/g, '');

/** Returns why the network does not do what the file says that it does; '' if it does, or the file has no self-test. */
function failedSelfTest(network, tensors) {
  const {input, output} = selfTest(network), image = tensors.get(input.name), wanted = tensors.get(output.name);
  if (!image && !wanted) return '';
  if (`${image?.shape}` !== `${input.shape}` || `${wanted?.shape}` !== `${output.shape}`) return 'holds a self-test that is not one image and its output';
  const got = network.decode(network.encode(image.values));
  // Machines round differently. Another activation, stride or padding differs by far more.
  const allowed = 1e-3 * wanted.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) + 1e-6;
  return got.every((value, i) => Math.abs(value - wanted.values[i]) <= allowed) ? '' : 'does not pass its self-test, so that the network differs';
}

/** Returns a file's metadata, and its tensors by their names. Calls fail(what) if the file is unsound. */
function parse(file, fail) {
  if (file.length < headerBegin) fail('is shorter than a header');
  const size = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  if (size > file.length - headerBegin) fail('is no safetensors file, or ends in its header');
  const text = new TextDecoder().decode(file.subarray(headerBegin, headerBegin + size));
  const hasChecksum = text.startsWith(textBeforeChecksum);
  if (hasChecksum && text.slice(textBeforeChecksum.length).slice(0, noChecksum.length) !== checksumOf(file)) fail('is damaged, as its checksum tells');
  let header;
  try {
    header = JSON.parse(text);
  } catch {
    fail('has a header that is not a JSON object');
  }
  const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(header) || !Object.values(header).every(isObject)) fail('has a header that is not a JSON object of objects');
  const {__metadata__: metadata = {}, ...entries} = header;
  if (!Object.values(metadata).every(value => typeof value === 'string')) fail('has metadata that is not text');
  if (metadata.writer === writer && !hasChecksum) fail('is not as Castnet wrote it: its metadata do not begin with the checksum');
  const data = file.slice(headerBegin + size), tensors = new Map();
  for (const [name, {dtype, shape, data_offsets: offsets}] of Object.entries(entries)) {
    if (dtype !== 'F32') fail(`holds ${name}, which is not F32`);
    const isList = list => Array.isArray(list) && list.every(number => Number.isInteger(number) && number >= 0);
    if (!isList(shape) || !isList(offsets) || offsets.length !== 2 || offsets[1] > data.length || offsets[1] - offsets[0] !== 4 * sizeOf(shape))
      fail(`places ${name} where its shape does not fit`);
    tensors.set(name, {shape, values: new Float32Array(data.slice(...offsets).buffer)});
  }
  return {metadata, tensors};
}
