import { parseDmaBufPath } from './dma-buf-path.ts';

/** A mapping of a dma-buf, from a line of `/proc/PID/maps`. */
export interface DmaBufMapping {
  readonly inode: number;
  readonly name: string | undefined;
  /** In bytes, where it ends inside the buffer: the buffer is no smaller. */
  readonly end: number;
  /** What the mapping is called in `/proc/PID/map_files`. */
  readonly file: string;
}

/** What {@link parseDmaBufMappings} found. */
interface DmaBufMappings {
  readonly mappings: readonly DmaBufMapping[];
  /** Mappings of dma-bufs that the kernel does not tell apart. */
  readonly indistinctCount: number;
}

/** address-address perms offset device inode path (man 5 proc). The kernel's own file systems have major number 0. */
const LINE = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) 00:[0-9a-f]+ (\d+) +([^]+)$/u;

/** Finds the dma-bufs in the text of `/proc/PID/maps`. */
export function parseDmaBufMappings(text: string): DmaBufMappings {
  const mappings: DmaBufMapping[] = [];
  let indistinctCount = 0;
  // A process may have tens of thousands of mappings, and seldom one of a dma-buf.
  const lines = text.includes('dmabuf:') || text.includes(':dmabuf') ? text.split('\n') : [];
  for (const line of lines) {
    const [, start = '', end = '', offset = '', inode, path = ''] = LINE.exec(line) ?? [];
    const found = parseDmaBufPath(path);
    if (found === 'indistinct') indistinctCount += 1;
    if (typeof found === 'string') continue;
    mappings.push({
      inode: Number(inode),
      name: found.name === '' ? undefined : unescapeLineBreaks(found.name),
      end: Number.parseInt(offset, 16) + Number.parseInt(end, 16) - Number.parseInt(start, 16),
      file: `${withoutPadding(start)}-${withoutPadding(end)}`,
    });
  }
  return { mappings, indistinctCount };
}

/** The only character that is escaped here (`show_map_vma`, fs/proc/task_mmu.c). */
function unescapeLineBreaks(name: string): string {
  return name.replaceAll(String.raw`\012`, '\n');
}

function withoutPadding(address: string): string {
  return address.replace(/^0+(?=.)/u, '');
}
