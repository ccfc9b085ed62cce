import type { KernelBuffer } from './kernel-buffer.ts';

/** One of the formats in which Rockchip's kernels list dma-bufs. */
interface ListForm {
  readonly heading: RegExp;
  readonly row: RegExp;
}

const SEGMENT = String.raw` *\d+: \S+\.\.\S+ *\( *\d+ (?:KiB|Bytes)\)\n`;
/** Further pieces of a table stand below its first, after spaces. */
const FURTHER = new RegExp(`(?: +${SEGMENT}|\\n|Total: \\d+ KiB\\n)`, 'uy');

/**
 * The formats of Rockchip's driver behind CONFIG_RK_DMABUF_PROCFS: `rk_dmabuf_dev_show` and
 * `rk_dmabuf_sgt_show` with five columns, `rk_dmabuf_show` of older kernels with four. Names and
 * exporters are truncated to 16 bytes, and padded. A byte is one character here.
 */
const FORMS: readonly ListForm[] = [
  {
    heading: /^ *DMABUF NAME +EXPORT +SIZE:KiB AttachedDevices\n\n/u,
    row: /(?:[0-9a-f]{8}|[0-9a-f]{16}) (?<name>[^]{16}) (?<exporter>[^]{16}) (?<size>[ \d]{10,}) KiB(?<devices>[^\n]*)\n/uy,
  },
  {
    heading: /^ *DMABUF NAME +EXPORT +SIZE:KiB +SGLIST\n\n/u,
    row: new RegExp(
      `(?:[0-9a-f]{8}|[0-9a-f]{16}) (?<name>[^]{16}) (?<exporter>[^]{16}) (?<size>[ \\d]{10,}) KiB${SEGMENT}`,
      'uy',
    ),
  },
  {
    heading: /^NAME +EXPORT +SIZE:KiB +SGLIST\n\n/u,
    row: new RegExp(`(?<name>[^]{16}) (?<exporter>[^]{16}) (?<size>[ \\d]{10,}) KiB${SEGMENT}`, 'uy'),
  },
];

const KIB_BYTES = 1024;
/** The length to which names and exporters are truncated. */
export const ROCKCHIP_TEXT_BYTES = 16;
const NO_NAME = '(null)';

/**
 * Parses `/proc/rk_dmabuf/dev`, `/proc/rk_dmabuf/sgt` or, of older kernels, `/proc/rk_dmabuf`.
 *
 * @param text decoded as latin1: columns are counted in bytes
 * @returns undefined for another kind of text
 */
export function parseRockchipList(text: string): KernelBuffer[] | undefined {
  const form = FORMS.find(({ heading }) => heading.test(text));
  if (form === undefined) return undefined;
  const { heading, row } = form;
  const buffers: KernelBuffer[] = [];
  let at = heading.exec(text)?.[0].length ?? 0;
  while (at < text.length) {
    const found = matchAt(row, text, at);
    if (found !== undefined) buffers.push(toBuffer(found.groups ?? {}));
    const next = found ?? matchAt(FURTHER, text, at);
    if (next === undefined) return undefined;
    at += next[0].length;
  }
  return buffers;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function toBuffer({ name = '', exporter = '', size, devices }: Record<string, string | undefined>): KernelBuffer {
  const shownName = decode(name);
  return {
    inode: undefined,
    size: Number(size) * KIB_BYTES,
    exporter: decode(exporter),
    name: shownName === NO_NAME || shownName === '' ? undefined : shownName,
    references: undefined,
    devices: devices?.split(' ').filter((device) => device !== ''),
  };
}

/** Without the padding. A truncated character is left out. */
function decode(latin1: string): string {
  return Buffer.from(latin1.trimEnd(), 'latin1')
    .toString()
    .replace(/\uFFFD+$/u, '');
}
