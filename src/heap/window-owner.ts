/** A window's SharedArrayBuffer leads by this key to the buffers it shows. */
const OWNERS = Symbol('dmabuf.owners');

interface OwnedMemory {
  [OWNERS]?: Set<object>;
}

/**
 * Keeps `owner` from the collector for as long as `memory`, a SharedArrayBuffer or a wasm memory, is in use in this thread: an
 * array alone keeps its buffer alive.
 */
export function keepAliveWith(memory: object, owner: object): void {
  const owned = memory as OwnedMemory;
  if (owned[OWNERS] === undefined) Object.defineProperty(owned, OWNERS, { value: new Set() });
  owned[OWNERS]?.add(owner);
}
