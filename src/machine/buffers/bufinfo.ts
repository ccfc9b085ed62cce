import type { KernelBuffer } from './kernel-buffer.ts';

/**
 * The columns before the name: size, flags, mode, count, exporter, inode. A name of 31 bytes is too short to look like a row, even
 * with line breaks in it.
 */
const ROW = /(?<![^\n])(\d{8,})\t[0-9a-f]{8,}\t[0-9a-f]{8,}\t(-?\d{7,})\t([^\t\n]*)\t(\d{8,})(?=[\t\n])/gu;
const FOOTER = /\nTotal (\d+) objects, \d+ bytes\n*$/u;
/** `dma_resv_describe` (drivers/dma-buf/dma-resv.c), and what stood in its place before v5.16. */
const FENCE = /\n\t(?:kernel|write|read|bookkeep|Exclusive|Shared) fence:/u;
const DEVICES_HEADING = '\n\tAttached Devices:\n';
const NO_NAME = '<none>';

/**
 * Reads `/sys/kernel/debug/dma_buf/bufinfo` (`dma_buf_debug_show`, drivers/dma-buf/dma-buf.c), as kernels write it since v5.3, with
 * or without names.
 *
 * @returns undefined for a text of another kind: it is no ABI, and must not be taken for an empty list
 */
export function parseBufinfo(text: string): KernelBuffer[] | undefined {
  const rows = [...text.matchAll(ROW)];
  const objectCount = FOOTER.exec(text)?.[1];
  if (objectCount === undefined || Number(objectCount) !== rows.length) return undefined;
  return rows.map((row, index) => {
    const [columns, size, count, exporter = '', inode] = row;
    const end = rows[index + 1]?.index ?? text.length;
    const rest = text.slice(row.index + columns.length, end);
    return {
      inode: Number(inode),
      size: Number(size),
      exporter,
      name: readName(rest),
      references: Number(count),
      devices: readDevices(rest),
    };
  });
}

/** The name ends where the fences or the devices begin, not at the first line break: it may have some of its own. */
function readName(rest: string): string | undefined {
  if (!rest.startsWith('\t')) return undefined;
  const devicesAt = rest.lastIndexOf(DEVICES_HEADING);
  const nameAndFences = rest.slice(1, devicesAt === -1 ? rest.indexOf('\n') : devicesAt);
  const name = nameAndFences.slice(0, FENCE.exec(nameAndFences)?.index);
  return name === NO_NAME || name === '' ? undefined : name;
}

function readDevices(rest: string): string[] {
  const devicesAt = rest.lastIndexOf(DEVICES_HEADING);
  if (devicesAt === -1) return [];
  const [, ...lines] = rest.slice(devicesAt + 1).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('\t'));
  return lines.slice(0, end === -1 ? undefined : end).map((line) => line.slice(1));
}
