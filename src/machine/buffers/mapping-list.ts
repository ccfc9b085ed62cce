import { parseDmaBufPath } from './dma-buf-path.ts';

/** A mapping of a dma-buf, from a line of `/proc/PID/maps`. */
export interface DmaBufMapping {
  readonly inode: number;
  readonly name: string | undefined;
  /** In bytes, from the buffer's start to the end of the mapping: the least size of the buffer. */
  readonly end: number;
  /** The name of the mapping in `/proc/PID/map_files`. */
  readonly file: string;
}

/** The results of {@link parseDmaBufMappings}. */
interface DmaBufMappings {
  readonly mappings: readonly DmaBufMapping[];
  /** Mappings of dma-bufs that the kernel does not distinguish. */
  readonly indistinctCount: number;
  /** Lines that name a dma-buf, but have an unknown form. */
  readonly unreadableCount: number;
}

/** address-address perms offset device inode path (man 5 proc) */
const LINE = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) ([0-9a-f]+):[0-9a-f]+ (\d+) +([^]+)$/u;
/** The major number of the kernel's own file systems. */
const NO_DEVICE = 0;
/** Every line of a dma-buf contains this, and few others do. */
const MENTION = /\/dmabuf:|:dmabuf/u;
/** A path that may be the name of a dma-buf begins with this. */
const PATH = / \/dmabuf:/u;

/** Finds the dma-bufs in the text of `/proc/PID/maps`. */
export function parseDmaBufMappings(text: string): DmaBufMappings {
  const mappings: DmaBufMapping[] = [];
  let indistinctCount = 0;
  let unreadableCount = 0;
  // A process may have tens of thousands of mappings, rarely one of a dma-buf.
  const lines = MENTION.test(text) ? text.split('\n') : [];
  for (const line of lines) {
    if (!MENTION.test(line)) continue;
    const mapping = parseLine(line);
    if (mapping === 'indistinct') indistinctCount += 1;
    else if (mapping === 'unreadable') unreadableCount += 1;
    else if (mapping !== undefined) mappings.push(mapping);
  }
  return { mappings, indistinctCount, unreadableCount };
}

/** Undefined for a mapping of another file. */
function parseLine(line: string): DmaBufMapping | 'indistinct' | 'unreadable' | undefined {
  const match = LINE.exec(line);
  if (match === null) return PATH.test(line) ? 'unreadable' : undefined;
  const [, start = '', end = '', offset = '', device = '', inode, path = ''] = match;
  const found = Number.parseInt(device, 16) === NO_DEVICE ? parseDmaBufPath(path) : 'other';
  if (found === 'indistinct') return found;
  if (found === 'other') return undefined;
  return {
    inode: Number(inode),
    name: found.name === '' ? undefined : unescapeLineBreaks(found.name),
    end: Number.parseInt(offset, 16) + Number.parseInt(end, 16) - Number.parseInt(start, 16),
    file: `${withoutPadding(start)}-${withoutPadding(end)}`,
  };
}

/** The only character that is escaped here (`show_map_vma`, fs/proc/task_mmu.c). */
function unescapeLineBreaks(name: string): string {
  return name.replaceAll(String.raw`\012`, '\n');
}

function withoutPadding(address: string): string {
  return address.replace(/^0+(?=.)/u, '');
}
