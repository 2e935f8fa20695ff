// Trains a page's network in node, on the training images in the page's folder, and writes the weights:
//     node train.mjs FOLDER CLASSES EPOCHS MODEL
import fs from 'node:fs/promises';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const [folder, classes, epochs, model] = process.argv.slice(2);
const load = file => import(pathToFileURL(path.resolve(folder, file)));
const [{Network}, {readFiles}, {writeModel}] = await Promise.all(['network.js', 'dataset.js', 'safetensors.js'].map(load));

const network = await Network.from(await fs.readFile(path.join(folder, 'network.wasm')));
const files = await Promise.all(['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'].map(async name => {
  const blob = new Blob([await fs.readFile(path.join(folder, 'data', name))]);
  return Object.assign(blob, {name}); // node 18 has no File
}));
const dataset = await readFiles(files, network.description.input);
const {train} = dataset.select(classes.split(',').map(Number));
network.trainOn(train.images);
const begin = performance.now();
while (network.position.epochs < Number(epochs)) network.step();
console.log(`${Math.round(1000 * epochs * train.count / (performance.now() - begin))} images/s, loss ${network.position.loss}`);
await fs.writeFile(model, writeModel(network));
