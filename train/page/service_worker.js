// Keeps the page's files, so that it works without its server after the first visit. Asks the server first: a page made anew is taken at once.

const pageFiles = ['./', 'page.css', 'page.js', 'drawing.js', 'worker.js', 'dataset.js', 'images.js', 'latent_plane.js', 'network.js', 'safetensors.js',
                   'shape.js', 'storage.js', 'network.wasm'];
const dataFiles = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'].map(name => `data/${name}.gz`);
const cacheOf = () => caches.open(`castnet ${registration.scope}`);

addEventListener('install', event => event.waitUntil((async () => {
  const cache = await cacheOf();
  await cache.addAll(pageFiles);
  await Promise.all(dataFiles.map(file => cache.add(file).catch(() => {}))); // not every page has data
  await skipWaiting();
})()));

addEventListener('activate', event => event.waitUntil(clients.claim()));

addEventListener('fetch', event => {
  if (event.request.method === 'GET') event.respondWith(answer(event.request));
});

async function answer(request) {
  const cache = await cacheOf();
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}
