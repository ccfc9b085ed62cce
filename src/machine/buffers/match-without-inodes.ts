import type { KernelBuffer } from './kernel-buffer.ts';
import type { HeldDescriptor } from './process-holdings.ts';
import { ROCKCHIP_TEXT_BYTES } from './rockchip-list.ts';

/** The inputs of {@link matchWithoutInodes}. */
interface AnonymousReadings {
  readonly before: readonly KernelBuffer[];
  readonly after: readonly KernelBuffer[];
  /** One descriptor of each buffer that a process holds. */
  readonly descriptors: readonly HeldDescriptor[];
}

/** The results for a list without inodes. */
interface AnonymousMatch {
  /** The buffers that processes hold, by the inode that the processes show. */
  readonly matched: ReadonlyMap<number, KernelBuffer>;
  /** The buffers that no process holds, neither before nor after. */
  readonly unheld: readonly KernelBuffer[];
}

/** The properties of a buffer that such lists show. */
type Description = Pick<KernelBuffer, 'size' | 'exporter' | 'name'>;

/**
 * Matches the buffers of a list without inodes (before Linux 5.3, or Rockchip's) with those that
 * processes hold: by size, exporter and name, one for one. Buffers with equal properties cannot be
 * distinguished, but their number and sizes are correct.
 */
export function matchWithoutInodes({ before, after, descriptors }: AnonymousReadings): AnonymousMatch {
  const anonymous = before.filter(({ inode }) => inode === undefined);
  if (anonymous.length === 0) return { matched: new Map(), unheld: [] };
  const hasNames = anonymous.some(({ name }) => name !== undefined);
  const keyOf = (one: Description): string => describe(one, hasNames);
  const waiting = groupBy(anonymous, keyOf);
  const matched = new Map<number, KernelBuffer>();
  const counts = countBy(
    after.filter(({ inode }) => inode === undefined),
    keyOf,
  );
  for (const descriptor of descriptors) {
    const key = keyOf(descriptor);
    const buffer = waiting.get(key)?.pop();
    if (buffer === undefined) continue;
    matched.set(descriptor.inode, buffer);
    counts.set(key, (counts.get(key) ?? 0) - 1);
  }
  const unheld = [...waiting].flatMap(([key, buffers]) => buffers.slice(0, Math.max(0, counts.get(key) ?? 0)));
  return { matched, unheld };
}

function describe({ size, exporter, name = '' }: Description, hasNames: boolean): string {
  return [size, cut(exporter), ...(hasNames ? [cut(name)] : [])].join('\t');
}

/** The properties that every such list shows. */
function cut(text: string): string {
  return Buffer.from(text)
    .subarray(0, ROCKCHIP_TEXT_BYTES)
    .toString()
    .replace(/\uFFFD+$/u, '')
    .trimEnd();
}

function groupBy<One>(ones: readonly One[], keyOf: (one: One) => string): Map<string, One[]> {
  const groups = new Map<string, One[]>();
  for (const one of ones) {
    const key = keyOf(one);
    const group = groups.get(key) ?? [];
    if (group.length === 0) groups.set(key, group);
    group.push(one);
  }
  return groups;
}

function countBy<One>(ones: readonly One[], keyOf: (one: One) => string): Map<string, number> {
  return new Map([...groupBy(ones, keyOf)].map(([key, group]) => [key, group.length]));
}
