import { roundUp, toByteLength } from '../base/quantities.ts';
import { readEveryPage, reserveWindowMemory, keepAliveWith } from '../mapping/window-memory.ts';
import type { WindowMemory } from '../mapping/window-memory.ts';
import type { BufferCore } from './buffer-core.ts';
import type { BytePart } from './byte-part.ts';
import { BufferView } from './view.ts';
import type { CheckedVmap } from './vmap-options.ts';

/** What a view of a part needs of the buffer. */
interface PartOwner {
  /** The user's object, which an array of the part keeps alive. */
  readonly buffer: object;
  readonly core: BufferCore;
  /** The main window's memory. */
  mainMemory(): WindowMemory | undefined;
}

/** Maps a part into a new window of as many whole pages as it needs. */
export function openPartView(owner: PartOwner, part: BytePart, { populate, readOnly }: CheckedVmap): BufferView {
  const { buffer, core } = owner;
  const { pageSize } = core.memory.source;
  const length = toByteLength(roundUp(part.length, pageSize));
  const memory = reserveWindowMemory(length, pageSize);
  // The core must not reference the window's SharedArrayBuffer, or neither could be collected.
  const target = { address: memory.address, length };
  const unmap = core.mapElsewhere(target, {
    part: { offset: part.offset, length },
    readOnly,
    populate,
    populatePlainly: () => readEveryPage(memory, pageSize),
  });
  keepAliveWith(memory.shared, buffer);
  const shown = { ...memory, length: toByteLength(part.length) };
  return new BufferView(shown, { label: core.label, readOnly, closeView: () => unmap(owner.mainMemory()) });
}
