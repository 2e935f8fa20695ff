// Trains off the page's thread. The page asks by {request, …} and hears of what happens by {event, …}.
import {Dataset, fetchOwn, readFiles} from './dataset.js';
import {LatentPlane} from './latent_plane.js';
import {Network} from './network.js';
import {readModel, writeModel} from './safetensors.js';
import {keep, recall} from './storage.js';

const samples = 400; // test images whose codes are shown
const pairs = 8; // test images that are shown beside their reconstructions
const slice = 20; // milliseconds of training between looks at requests: little enough for a picture that follows the finger
const keepInterval = 1000; // milliseconds: what a crash or a reload costs
const keptLosses = 4000; // of the curve; then each is the mean of two

let network, plane;
let all = null; // the whole dataset
let source = null; // where it came from: {files, classes}; the page's own has no files
let areFilesKept = false; // once is enough: they may be large
let chosen = null; // of the classes that it trains on
let shown = null; // a sample of the test images
let at = null; // the place in the plane whose image is shown; the middle of the codes until the user chooses one
let losses = []; // of steps, or means of `stepsALoss`
let stepsALoss = 1, lossSum = 0, stepsOfSum = 0;
let epochs = 0; // at which training stops
let isTraining = false;
let holdsRuns = false; // whether this tab keeps its run; another one may

const tell = (event, values = {}) => postMessage({event, ...values});

/** Lets requests in: a message of our own comes behind those that wait. Timers would be held back. */
const channel = new MessageChannel();
const otherTurn = () => new Promise(resolve => {
  channel.port1.onmessage = resolve;
  channel.port2.postMessage(null);
});

const requests = {
  async open({seed}) {
    const response = await fetch('network.wasm').catch(() => ({ok: false, status: 'nothing'}));
    if (!response.ok) throw new Error(`network.wasm: the server answered ${response.status}; give the page its whole folder`);
    network = await Network.from(await response.arrayBuffer(), {seed});
    plane = new LatentPlane(network.codeSize);
    tell('opened', {description: network.description, parameters: network.parameters});
    holdsRuns = await takeRuns();
    const run = holdsRuns ? await recall(network.description.name).catch(() => undefined) : undefined;
    const isOurs = run?.description === JSON.stringify(network.description);
    if (isOurs && await restore(run)) return;
    await useOwnImages();
  },

  async files({files}) {
    const models = files.filter(file => file.name.endsWith('.safetensors')), images = files.filter(file => !models.includes(file));
    for (const file of models) {
      readModel(network, file.name, new Uint8Array(await file.arrayBuffer()));
      forgetLosses();
    }
    if (images.length > 0) use(await readFiles(images, network.description.input), {files: images, classes: null});
    look();
    save();
  },
  ownImages: useOwnImages,
  classes({classes}) {
    use(all, {...source, classes});
    look();
    save();
  },

  train({epochs: until}) {
    epochs = until;
    if (isTraining) return;
    if (!chosen) throw new Error('there are no images; choose files first');
    isTraining = true;
    train().catch(error => {
      isTraining = false;
      fail(new Error(`${error.message}; start over, with other images if it happens again`));
      tell('state', state());
    });
  },
  pause() {
    isTraining = false;
  },
  beginAnew({seed}) {
    network.begin({seed});
    plane = new LatentPlane(network.codeSize);
    forgetLosses();
    if (chosen) network.trainOn(chosen.train.images);
    look();
    save();
  },

  look({at: place}) {
    at = place;
    showImageAt(at);
  },
  model() {
    tell('model', {file: writeModel(network)});
  },
};

async function useOwnImages() {
  const own = await fetchOwn(network.description.input);
  if (own) {
    const digits = [1, 5, 6]; // the reference's, where the labels are those of MNIST
    use(own, {files: null, classes: digits.every(digit => own.classes.includes(digit)) ? digits : null});
  }
  look();
}

/** Trains on these images from now on, with the weights as they are. */
function use(dataset, where) {
  const selected = dataset.select(where.classes);
  if (selected.train.count === 0) throw new Error('there are no images of these classes; choose more');
  network.trainOn(selected.train.images);
  all = dataset;
  areFilesKept &&= source?.files === where.files;
  source = where;
  chosen = selected.test.count > 0 ? selected : new Dataset(selected.train, selected.train);
  shown = chosen.test.sample(samples);
  tell('data', {count: chosen.train.count, classes: all.classes.length > 20 ? [] : all.classes, chosen: source.classes, range: chosen.range,
                isOwn: source.files === null});
}

async function train() {
  let kept = -Infinity, looked = 0;
  let images = 0, seconds = 0; // since the last word
  while (isTraining && network.position.epochs < epochs) {
    const begin = performance.now();
    while (performance.now() - begin < slice && network.position.epochs < epochs) {
      const before = network.position.images;
      keepLoss(network.step());
      images += network.position.images - (before === chosen.train.count ? 0 : before); // an epoch is over until the next step
    }
    seconds += (performance.now() - begin) / 1000;
    if (performance.now() >= looked) {
      tell('speed', {imagesPerSecond: images / seconds});
      images = seconds = 0;
      const cost = look();
      looked = performance.now() + Math.max(200, 10 * cost);
    }
    if (performance.now() - kept >= keepInterval) {
      save();
      kept = performance.now();
    }
    await otherTurn();
  }
  isTraining = false;
  look();
  save();
}

const fail = error => tell('failed', {message: error.message});

function forgetLosses() {
  losses = [];
  stepsALoss = 1;
  lossSum = stepsOfSum = 0;
}

function keepLoss(loss) {
  lossSum += loss;
  if (++stepsOfSum < stepsALoss) return;
  losses.push(lossSum / stepsOfSum);
  lossSum = stepsOfSum = 0;
  if (losses.length < keptLosses) return;
  losses = losses.flatMap((value, i) => i % 2 === 0 ? [(value + losses[i + 1]) / 2] : []);
  stepsALoss *= 2;
}

const state = () => ({...network.position, count: chosen?.train.count ?? 0, isTraining, losses, stepsALoss, holdsRuns});

/** Shows how far the run is and what the network makes of test images. Returns the milliseconds that took. */
function look() {
  const begin = performance.now();
  tell('state', state());
  if (!shown) {
    showImageAt(at ?? [0, 0]);
    return performance.now() - begin;
  }
  const codes = network.encode(shown.values);
  plane.fit(codes);
  const few = Math.min(pairs, shown.count), step = Math.max(1, Math.floor(shown.count / few));
  const indices = Array.from({length: few}, (_, i) => i * step);
  const originals = indices.map(i => shown.values.slice(i * network.imageSize, (i + 1) * network.imageSize));
  const outputs = indices.map(i => network.decode(codes.slice(i * network.codeSize, (i + 1) * network.codeSize)));
  const places = plane.project(codes);
  tell('views', {places, labels: shown.labels, originals, outputs});
  showImageAt(at ?? middle(places));
  return performance.now() - begin;
}

const showImageAt = place => tell('decoded', {at: place, image: network.decode(plane.lift(place))});

const middle = places => [0, 1].map(axis => places.reduce((sum, value, i) => i % 2 === axis ? sum + value : sum, 0) / (places.length / 2));

/** Returns whether this tab is the one that keeps its run. Where a browser has no locks, as far from https, each does. Waits, as a page
    that is loaded again may meet its own old worker. */
const takeRuns = () => new Promise(resolve => {
  if (!navigator.locks) return resolve(true);
  const hold = () => {
    resolve(true);
    return new Promise(() => {}); // until the tab is closed
  };
  navigator.locks.request(`castnet ${network.description.name}`, {signal: AbortSignal.timeout(2000)}, hold).catch(() => resolve(false));
});

const filesOf = name => `${name} files`;

/** Keeps the run, so that a reload goes on with it. */
function save() {
  if (!holdsRuns) return;
  const {name} = network.description, classes = source?.classes ?? null, hasData = source !== null;
  const run = {description: JSON.stringify(network.description), hasData, classes, epochs, at, losses, stepsALoss, lossSum, stepsOfSum, state: network.state};
  const files = areFilesKept ? {} : {[filesOf(name)]: source?.files ?? null};
  areFilesKept = true;
  keep({[name]: run, ...files}).catch(error => {
    holdsRuns = areFilesKept = false;
    tell('failed', {message: `the browser keeps nothing (${error.message}); download the weights before you leave`});
  });
}

/** Goes on with a kept run. Returns false if that cannot be. */
async function restore(run) {
  try {
    if (run.hasData) {
      const files = await recall(filesOf(network.description.name));
      const images = files ? await readFiles(files, network.description.input) : await fetchOwn(network.description.input);
      if (!images) return false;
      use(images, {files, classes: run.classes});
      areFilesKept = true;
    }
    network.state = run.state;
  } catch (error) {
    tell('failed', {message: `the run that was here cannot go on (${error.message}); a new one begins`});
    network.begin();
    return false;
  }
  ({epochs, at, losses, stepsALoss, lossSum, stepsOfSum} = run);
  tell('restored', {epochs});
  look();
  return true;
}

let last = Promise.resolve();
onmessage = ({data: {request, ...values}}) => {
  last = last.then(() => requests[request](values)).catch(fail);
};
