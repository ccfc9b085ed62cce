import type { KernelBuffer } from './kernel-buffer.ts';

/** The pattern of a column. Unknown columns may contain anything. */
const COLUMN_PATTERNS: Readonly<Record<string, string>> = {
  size: String.raw`(?<size>\d{8,})`,
  flags: '[0-9a-f]{8,}',
  mode: '[0-9a-f]{8,}',
  count: String.raw`(?<count>-?\d{7,})`,
  exp_name: String.raw`(?<exporter>[^\t\n]*)`,
  ino: String.raw`(?<inode>\d{8,})`,
};
const OTHER_COLUMN = String.raw`[^\t\n]*`;
/**
 * Without these columns, a row cannot be distinguished from a name with line breaks in it, which
 * has at most 31 bytes.
 */
const COLUMNS_NEEDED = ['size', 'flags', 'count', 'exp_name'];
/** `buf name` on vendors' kernels of 4.19. It stands last, because it may contain anything. */
const NAME_COLUMNS: ReadonlySet<string | undefined> = new Set(['name', 'buf name']);

const HEADER = /(?:^|\n)Dma-buf Objects:\n(?<columns>[^\n]+)\n/u;
const FOOTER = /\nTotal (\d+) objects, \d+ bytes\n*$/u;
/** `dma_resv_describe` (drivers/dma-buf/dma-resv.c), and its predecessor before v5.16. */
const FENCE = /\n\t(?:kernel|write|read|bookkeep|Exclusive|Shared) fence:/u;
/** One tab; two before v3.14. */
const DEVICES_HEADING = /\n\t{1,2}Attached Devices:\n/gu;
/** The text of an empty name: `<none>`, and C's NULL on vendors' kernels. */
const NO_NAMES: ReadonlySet<string> = new Set(['', '<none>', '(null)']);

/** A parsed row. */
interface Row {
  readonly fields: Readonly<Record<string, string | undefined>>;
  readonly start: number;
  readonly end: number;
}

/**
 * Parses the text of `dma_buf_debug_show` (drivers/dma-buf/dma-buf.c) in debugfs `dma_buf/bufinfo`,
 * or of vendors' kernels in `/proc/dma_buf/bufinfo` and similar files. The heading names the
 * columns:
 *
 * - `exp_name size flags mode count` in v3.10 to v3.13 (`dma_buf_describe`);
 * - `size flags mode count exp_name` in v3.14 to v5.2;
 * - these and `ino` since v5.3, with a name in each row. Only later headings name that column.
 *
 * @returns undefined for another kind of text, or an incomplete one: the format is no ABI, and must
 *   not be mistaken for an empty list
 */
export function parseBufinfo(text: string): KernelBuffer[] | undefined {
  const header = HEADER.exec(text);
  const columns = header?.groups?.['columns']?.trim().split(/[ \t]*\t[ \t]*/u) ?? [];
  const objectCount = FOOTER.exec(text.slice(-80))?.[1];
  if (header === null || objectCount === undefined || COLUMNS_NEEDED.some((name) => !columns.includes(name)))
    return undefined;
  const buffers: KernelBuffer[] = [];
  let last: Row | undefined;
  for (const row of findRows(text, columns, header.index + header[0].length)) {
    if (last !== undefined) buffers.push(toBuffer(last, text.slice(last.end, row.start)));
    last = row;
  }
  if (last !== undefined) buffers.push(toBuffer(last, text.slice(last.end)));
  return buffers.length === Number(objectCount) ? buffers : undefined;
}

function* findRows(text: string, columns: readonly string[], start: number): Generator<Row, void, undefined> {
  const shown = columns.filter((name) => !NAME_COLUMNS.has(name));
  const cells = shown.map((name) => COLUMN_PATTERNS[name] ?? OTHER_COLUMN).join(String.raw`\t`);
  // The oldest kernels indent rows by one tab more than their heading.
  const row = new RegExp(String.raw`(?<![^\n])\t{0,2}${cells}(?=[\t\n])`, 'gu');
  row.lastIndex = start;
  for (let match = row.exec(text); match !== null; match = row.exec(text)) {
    yield { fields: match.groups ?? {}, start: match.index, end: match.index + match[0].length };
  }
}

function toBuffer({ fields }: Row, rest: string): KernelBuffer {
  const { inode, size, exporter = '', count } = fields;
  const devicesAt = lastDevicesHeading(rest);
  return {
    inode: inode === undefined ? undefined : Number(inode),
    size: Number(size),
    // Padded with spaces on vendors' kernels.
    exporter: exporter.trimEnd(),
    name: readName(rest, devicesAt?.start),
    references: Number(count),
    devices: devicesAt === undefined ? [] : readDevices(rest.slice(devicesAt.end)),
  };
}

/** The last such line: a name may contain that text too. */
function lastDevicesHeading(rest: string): { start: number; end: number } | undefined {
  const match = [...rest.matchAll(DEVICES_HEADING)].at(-1);
  return match && { start: match.index, end: match.index + match[0].length };
}

/**
 * The name ends where the fences or the devices begin, not at the first line break: it may contain
 * line breaks.
 */
function readName(rest: string, devicesAt = rest.indexOf('\n')): string | undefined {
  if (!rest.startsWith('\t')) return undefined;
  const nameAndFences = rest.slice(1, devicesAt);
  const name = nameAndFences.slice(0, FENCE.exec(nameAndFences)?.index);
  return NO_NAMES.has(name) ? undefined : name;
}

function readDevices(text: string): string[] {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('\t'));
  return lines.slice(0, end === -1 ? undefined : end).map((line) => line.trimStart());
}
