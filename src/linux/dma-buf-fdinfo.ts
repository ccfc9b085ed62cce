/** What `/proc/PID/fdinfo/FD` tells about a dma-buf. */
interface DmaBufFdinfo {
  /** Undefined before v5.14. */
  readonly inode: number | undefined;
  /** In bytes. */
  readonly size: number;
  /** References to its file. */
  readonly references: number;
  readonly exporter: string;
  readonly name: string | undefined;
}

/** `dma_buf_show_fdinfo` (drivers/dma-buf/dma-buf.c) writes last; the name is all that is left, with its own line breaks. */
const DMA_BUF = /(?<![^\n])size:\t(\d+)\ncount:\t(-?\d+)\nexp_name:\t([^\n]*)\n(?:name:\t([^]*)\n)?$/u;
const INODE = /(?<![^\n])ino:\t(\d+)\n/u;

/** Reads the text. Undefined for a file that is no dma-buf. */
export function parseDmaBufFdinfo(text: string): DmaBufFdinfo | undefined {
  const match = DMA_BUF.exec(text);
  if (match === null) return undefined;
  const [, size, count, exporter = '', name] = match;
  const inode = INODE.exec(text.slice(0, match.index))?.[1];
  return {
    inode: inode === undefined ? undefined : Number(inode),
    size: Number(size),
    references: Number(count),
    exporter,
    name: name === '' ? undefined : name,
  };
}
