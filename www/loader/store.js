// IndexedDB: events wait here until the collector has taken them, whatever becomes of the page.
const NAME = "splitlight";
const STORE = "outbox";

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = reject;
  });

// Opened with the first event or when the page is ready, never before there is consent.
let database;
const open = () => {
  if (!database) {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    database = settled(request);
    // Another tab may want to delete the database: without this it would wait for us forever.
    database.then((db) => (db.onversionchange = () => forgetDatabase(db)), () => {});
  }
  return database;
};

const forgetDatabase = (db) => {
  db.close();
  database = undefined;
};

// Where storage is blocked the events are in memory only, which is not worth an error.
const inStore = async (mode, use) => {
  try {
    return await use((await open()).transaction(STORE, mode).objectStore(STORE));
  } catch {
    return undefined;
  }
};

// What is put until the store answers goes into one transaction, since each costs the page time.
let ahead;
let written;

export const store = {
  put(id, record) {
    if (!ahead) {
      const mine = (ahead = []);
      const end = () => ahead === mine && (ahead = undefined);
      written = inStore("readwrite", (events) => {
        end();
        for (const [key, value] of mine) events.put(value, key);
      }).then(end);
    }
    ahead.push([id, record]);
    return written;
  },
  remove: (ids) => inStore("readwrite", (events) => ids.forEach((id) => events.delete(id))),
  /** What earlier pages left, oldest first, because ids sort by time. */
  all: () => inStore("readonly", (events) => settled(events.getAll())),
  async clear() {
    try {
      if (database) forgetDatabase(await database);
      indexedDB.deleteDatabase(NAME);
    } catch {
      // Blocked storage holds nothing.
    }
  },
};
