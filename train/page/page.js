// The page: shows what the worker tells, and asks it for what the user wants.
import {drawImage, drawLosses, drawPlane, palette, Window} from './drawing.js';

const of = id => document.getElementById(id);
const worker = new Worker('worker.js', {type: 'module'});
const ask = (request, values = {}) => worker.postMessage({request, ...values});

let description = {name: '', input: [1, 1, 1]};
let range = [0, 1];
let classes = [], chosen = []; // all labels of the data, and those that it learns
let isTraining = false, done = 0;
let speed = 0;
let views = {places: new Float32Array(0), labels: []};
let decoded = null;
let at = [0, 0];
let state = null;
const shown = new Window();

const number = value => Math.round(value).toLocaleString('en');
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? '' : 's'}`;

function say(message) {
  of('error').textContent = message;
  of('error').hidden = message === '';
}

// What the worker tells.
const events = {
  opened(message) {
    description = message.description;
    const [height, width, channels] = description.input;
    document.title = `${description.name} – Castnet`;
    of('name').textContent = description.name;
    of('about').textContent = `${number(message.parameters)} parameters, ${description.input.join('×')} to a code of ${description.code.join('×')} and back, on this machine alone.`;
    of('shape').textContent = height === 1 ? `1×${width}×${channels}` : `${height}×${width}`;
    of('decoded').style.aspectRatio = `${width} / ${height}`;
    for (const id of ['save', 'load', 'anew']) of(id).disabled = false;
  },
  data(message) {
    ({range, classes} = message);
    of('train').disabled = false;
    of('count').textContent = `${plural(message.count, 'image')} to learn from${message.isOwn ? '' : ', your own'}.`;
    of('own').hidden = message.isOwn;
    chosen = classes.filter(label => message.chosen === null || message.chosen.includes(label));
    showClasses();
  },
  state(message) {
    state = message;
    ({isTraining} = message);
    done = message.epochs;
    showState();
  },
  speed({imagesPerSecond}) {
    speed = imagesPerSecond;
  },
  views(message) {
    views = message;
    shown.follow(views.places);
    showPairs();
    showPlane();
  },
  decoded(message) {
    decoded = message.image;
    at = message.at;
    showDecoded();
  },
  restored({epochs}) {
    of('epochs').value = Math.max(epochs, 1);
  },
  model({file}) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([file]));
    link.download = `${description.name}.safetensors`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },
  failed({message}) {
    say(message);
  },
};
worker.onmessage = ({data: {event, ...values}}) => events[event](values);
worker.onerror = () => say('the network cannot run here; take a browser with WebAssembly SIMD and workers of modules, of 2023 or later');

function showState() {
  const target = Number(of('epochs').value), isOver = done >= target;
  const {images, count} = state;
  of('train').textContent = isTraining ? 'Pause' : isOver ? 'Train more' : done + images > 0 ? 'Go on' : 'Train';
  const epochsDone = done + (images < count ? images / Math.max(count, 1) : 0);
  of('progress').value = Math.min(1, epochsDone / target);
  const epoch = Math.min(images < count || count === 0 ? done + 1 : Math.max(done, 1), target);
  const parts = done + images === 0 ? [] : [`epoch ${epoch} of ${target}`, `loss ${state.loss.toPrecision(4)}`];
  if (isTraining && speed > 0) parts.push(`${number(speed)} images/s`);
  of('status').textContent = parts.join(' · ');
  of('kept').textContent = state.holdsRuns ? 'The browser keeps the run: after a reload it goes on.'
    : 'Another tab keeps its run; this one’s is lost when you leave, so download its weights.';
  drawLosses(of('losses'), state.losses, state.stepsALoss);
}

function showLegend() {
  const colourOf = palette();
  of('legend').replaceChildren(...chosen.map((label, n) => {
    const item = Object.assign(document.createElement('li'), {textContent: label});
    item.style.setProperty('--colour', colourOf(n));
    return item;
  }));
}

function showClasses() {
  of('classes').hidden = classes.length < 2;
  if (of('classes').querySelectorAll('input').length !== classes.length || classes.some(label => !of(`class-${label}`))) {
    of('classes').querySelectorAll('label').forEach(label => label.remove());
    for (const label of classes) {
      const box = Object.assign(document.createElement('input'), {type: 'checkbox', id: `class-${label}`, value: label});
      const text = Object.assign(document.createElement('span'), {textContent: label});
      const holder = document.createElement('label');
      holder.append(box, text);
      of('classes').append(holder);
    }
  }
  for (const label of classes) of(`class-${label}`).checked = chosen.includes(label);
  showLegend();
}

function showPairs() {
  const {originals = [], outputs = []} = views;
  while (of('pairs').children.length > originals.length) of('pairs').lastChild.remove();
  while (of('pairs').children.length < originals.length) {
    const pair = document.createElement('div');
    for (const what of ['A test image', 'What the network makes of it']) {
      const canvas = document.createElement('canvas');
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', what);
      pair.append(canvas);
    }
    of('pairs').append(pair);
  }
  [...of('pairs').children].forEach((pair, i) => {
    drawImage(pair.children[0], originals[i], description.input, range);
    drawImage(pair.children[1], outputs[i], description.input, range);
  });
}

const showPlane = () => drawPlane(of('plane'), shown, views, chosen, at);

function showDecoded() {
  drawImage(of('decoded'), decoded, description.input, range);
  of('place').textContent = `at ${at.map(value => value.toPrecision(3)).join(', ')}`;
  showPlane();
}

// What the user wants.
of('train').onclick = () => {
  say('');
  if (isTraining) return ask('pause');
  const box = of('epochs');
  if (!box.checkValidity() || box.value === '') return box.reportValidity();
  if (done >= Number(box.value)) box.value = done + 10;
  ask('train', {epochs: Number(box.value)});
};
of('epochs').onchange = () => {
  if (!of('epochs').checkValidity() || of('epochs').value === '') return;
  if (isTraining) ask('train', {epochs: Number(of('epochs').value)});
  else if (state) showState();
};
of('anew').onclick = () => {
  say('');
  if (of('seed').value === '' || !of('seed').reportValidity()) return;
  ask('beginAnew', {seed: Number(of('seed').value)});
};
of('save').onclick = () => ask('model');
of('classes').onchange = event => {
  const wanted = classes.filter(label => of(`class-${label}`).checked);
  say(wanted.length > 0 ? '' : 'there is nothing to learn from without a class; choose one at least');
  if (wanted.length > 0) ask('classes', {classes: wanted});
  else event.target.checked = true;
};
of('own').onclick = () => ask('ownImages');

function take(files) {
  say('');
  if (files.length > 0) ask('files', {files: [...files]});
}
for (const [button, input] of [['choose', 'files'], ['load', 'model']]) {
  of(button).onclick = () => of(input).click();
  of(input).onchange = () => {
    take(of(input).files);
    of(input).value = ''; // so that the same file can be chosen again
  };
}
addEventListener('dragover', event => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', event => { if (event.relatedTarget === null) document.body.classList.remove('dropping'); });
addEventListener('drop', event => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  take(event.dataTransfer.files);
});

function moveTo(place) {
  at = place;
  showPlane();
  ask('look', {at});
}
const plane = of('plane');
const pointed = event => shown.toPlace([event.offsetX, event.offsetY], plane.clientWidth, plane.clientHeight);
plane.onpointerdown = event => {
  plane.setPointerCapture(event.pointerId);
  moveTo(pointed(event));
};
plane.onpointermove = event => { if (plane.hasPointerCapture(event.pointerId)) moveTo(pointed(event)); };
plane.onkeydown = event => {
  const step = event.shiftKey ? 40 : 8; // pixels
  const move = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
  if (!move) return;
  event.preventDefault();
  const size = [plane.clientWidth, plane.clientHeight], pixels = shown.toPixels(at, ...size);
  moveTo(shown.toPlace(pixels.map((pixel, axis) => Math.min(size[axis], Math.max(0, pixel + move[axis]))), ...size));
};

/** Draws all again, in another size or other colours. */
function redraw() {
  if (state) showState();
  if (views.originals) showPairs();
  if (decoded) showDecoded();
  showLegend();
}
addEventListener('resize', redraw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

navigator.serviceWorker?.register('service_worker.js').catch(() => {}); // without it the page only needs its server
ask('open', {seed: Number(of('seed').value)});
