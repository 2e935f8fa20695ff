// What canvases show: pictures, signals, the curve of the losses, and the points of the latent plane.

const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Returns a function that gives the n-th of the page's colours: of a class, or of a channel. */
export const palette = () => {
  const colours = style('--digits').split(' ');
  return n => colours[n % colours.length];
};

/** Returns a context in CSS pixels, of an empty canvas as sharp as the screen, and its size. */
function fresh(canvas) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  return {context, width, height};
}

/** Draws an image of the network: pixels, or a curve for each channel where it has one row. `range` is black and white. */
export function drawImage(canvas, values, shape, range) {
  if (shape[0] === 1) drawSignal(canvas, values, shape, range);
  else drawPixels(canvas, values, shape, range);
}

function drawPixels(canvas, values, [height, width, channels], [least, most]) {
  const pixels = new ImageData(width, height), byte = value => 255 * (value - least) / (most - least); // ImageData clips
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = pixel * channels, isColour = channels === 3 || channels === 4;
    pixels.data.set([0, 1, 2].map(i => byte(values[at + (isColour ? i : 0)])), 4 * pixel);
    pixels.data[4 * pixel + 3] = 255;
  }
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d').putImageData(pixels, 0, 0);
}

function drawSignal(canvas, values, [, length, channels], [least, most]) {
  canvas.style.aspectRatio = '2';
  const {context, width, height} = fresh(canvas), colourOf = palette();
  for (let channel = 0; channel < channels; channel++) {
    context.strokeStyle = colourOf(channel);
    context.beginPath();
    for (let i = 0; i < length; i++)
      context.lineTo((i + 0.5) / length * width, height - (values[i * channels + channel] - least) / (most - least) * height);
    context.stroke();
  }
}

/** Draws the losses and their moving mean, on a logarithmic scale. */
export function drawLosses(canvas, losses, stepsALoss) {
  const {context, width, height} = fresh(canvas);
  const left = 52, bottom = 20, usable = losses.filter(loss => loss > 0);
  context.font = '12px system-ui, sans-serif';
  context.fillStyle = style('--faint');
  if (usable.length < 2) return context.fillText('the loss of each step', left, height / 2);
  const sorted = [...usable].sort((a, b) => a - b);
  const quantile = part => Math.log(sorted[Math.round(part * (sorted.length - 1))]);
  const low = quantile(0.005) - 0.05, high = quantile(0.995) + 0.05; // single images make outliers
  const x = i => left + i / (losses.length - 1) * (width - left - 4);
  const y = loss => 6 + (high - Math.max(low, Math.min(Math.log(loss), high))) / (high - low || 1) * (height - bottom - 12);
  context.strokeStyle = style('--line');
  for (const part of [0, 0.5, 1]) {
    const loss = Math.exp(high - part * (high - low));
    context.beginPath();
    context.moveTo(left, y(loss));
    context.lineTo(width, y(loss));
    context.stroke();
    context.fillText(loss.toPrecision(2), 2, y(loss) + 4);
  }
  context.fillText(`step ${(losses.length * stepsALoss).toLocaleString('en')}`, Math.max(left, width - 90), height - 5);
  const line = (values, colour, thickness) => {
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.beginPath();
    values.forEach((loss, i) => { if (loss > 0) context.lineTo(x(i), y(loss)); });
    context.stroke();
  };
  line(losses, style('--line'), 1);
  line(smooth(losses), style('--accent'), 2);
}

/** Returns the exponential moving mean of the losses. */
function smooth(losses) {
  const share = Math.min(1, 20 / losses.length + 0.02);
  let mean = losses[0];
  return losses.map(loss => mean += share * (loss - mean));
}

/** The part of the latent plane that a canvas shows. It follows the points, and keeps still while they stay inside. */
export class Window {
  #least = [-1, -1];
  #most = [1, 1];

  follow(places) {
    for (const axis of [0, 1]) {
      const values = Float32Array.from({length: places.length / 2}, (_, i) => places[2 * i + axis]).sort();
      if (values.length === 0) continue;
      const low = values[Math.floor(0.01 * (values.length - 1))], high = values[Math.ceil(0.99 * (values.length - 1))];
      const margin = 0.15 * (high - low) || 1;
      const isOutside = low < this.#least[axis] || high > this.#most[axis];
      const isLost = high - low < 0.4 * (this.#most[axis] - this.#least[axis]);
      if (!isOutside && !isLost) continue;
      this.#least[axis] = low - margin;
      this.#most[axis] = high + margin;
    }
  }
  toPixels([x, y], width, height) {
    const part = (value, axis) => (value - this.#least[axis]) / (this.#most[axis] - this.#least[axis]);
    return [part(x, 0) * width, (1 - part(y, 1)) * height];
  }
  toPlace([x, y], width, height) {
    const value = (part, axis) => this.#least[axis] + part * (this.#most[axis] - this.#least[axis]);
    return [value(x / width, 0), value(1 - y / height, 1)];
  }
}

/** Draws the points in the colours of their labels, and a cross at a place. */
export function drawPlane(canvas, shown, {places, labels}, classes, cross) {
  const {context, width, height} = fresh(canvas), colourOf = palette();
  context.globalAlpha = 0.75;
  for (let i = 0; i < labels.length; i++) {
    const [x, y] = shown.toPixels([places[2 * i], places[2 * i + 1]], width, height);
    context.fillStyle = colourOf(Math.max(0, classes.indexOf(labels[i]))); // without labels they are all of one
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.fill();
  }
  const [x, y] = shown.toPixels(cross, width, height);
  context.globalAlpha = 1;
  context.strokeStyle = style('--ink');
  context.lineWidth = 2;
  context.beginPath();
  for (const [dx, dy] of [[9, 0], [0, 9]]) {
    context.moveTo(x - dx, y - dy);
    context.lineTo(x + dx, y + dy);
  }
  context.stroke();
}
