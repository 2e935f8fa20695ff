// What outlives a reload: a run, under its network's name, in the browser's own database.

const promised = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function store(mode) {
  const opening = indexedDB.open('castnet');
  opening.onupgradeneeded = () => opening.result.createObjectStore('runs');
  return (await promised(opening)).transaction('runs', mode).objectStore('runs');
}

/** Returns what was kept under the name, if anything. */
export const recall = async name => promised((await store('readonly')).get(name));

/** Keeps the value in place of what was kept. */
export const keep = async (name, value) => promised((await store('readwrite')).put(value, name));
