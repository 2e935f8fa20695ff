// What outlives a reload: a run, under its network's name, in the browser's own database.

const promised = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function begin(mode) {
  const opening = indexedDB.open('castnet');
  opening.onupgradeneeded = () => opening.result.createObjectStore('runs');
  return (await promised(opening)).transaction('runs', mode);
}

/** Returns what was kept under the name, if anything. */
export const recall = async name => promised((await begin('readonly')).objectStore('runs').get(name));

/** Keeps values under their names in place of what was kept: all of them or none. */
export async function keep(values) {
  const transaction = await begin('readwrite');
  for (const [name, value] of Object.entries(values)) transaction.objectStore('runs').put(value, name);
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
}
