import { toByteLength } from '../base/quantities.ts';
import { keepAliveWith, mappedRange, readEveryPage, reserveWindowMemory } from '../mapping/window-memory.ts';
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
  const memory = reserveWindowMemory(toByteLength(part.length), pageSize);
  // The core must not reference the SharedArrayBuffer that users have, or neither could be
  // collected.
  const target = mappedRange(memory, pageSize);
  const unmap = core.mapElsewhere(target, {
    part: { offset: part.offset, length: target.length },
    readOnly,
    populate,
    populatePlainly: () => readEveryPage(memory, pageSize),
  });
  keepAliveWith(memory.shared, buffer);
  return new BufferView(memory, { label: core.label, readOnly, closeView: () => unmap(owner.mainMemory()) });
}
