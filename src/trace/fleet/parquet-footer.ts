import { open, stat } from 'node:fs/promises';

/** At the beginning and at the end of each Parquet file. */
const MAGIC = Buffer.from('PAR1');
/** The length of the description before the magic at the end, as 4 bytes. */
const LENGTH_BYTES = 4;

/**
 * Whether a file begins as a Parquet file does. False for what is no ordinary file.
 *
 * @throws what `open` throws
 */
export async function isParquetFile(path: string): Promise<boolean> {
  return (await readEnds(path))?.head.equals(MAGIC) === true;
}

/**
 * What is wrong with the ends of a file that should be a Parquet file: completes "as". Undefined:
 * nothing.
 *
 * @throws what `open` throws
 */
export async function findParquetFault(path: string): Promise<string | undefined> {
  const ends = await readEnds(path);
  if (ends === undefined) return 'it is no ordinary file';
  const { head, tail, sizeBytes } = ends;
  if (!head.equals(MAGIC)) return 'it is no Parquet file';
  const descriptionBytes = tail.readUInt32LE();
  const isWhole = tail.subarray(LENGTH_BYTES).equals(MAGIC);
  if (isWhole && descriptionBytes <= sizeBytes - MAGIC.length - tail.length) return undefined;
  return 'it is damaged: its end is missing, or is not one';
}

interface FileEnds {
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly sizeBytes: number;
}

async function readEnds(path: string): Promise<FileEnds | undefined> {
  // A pipe must not be opened to look at it: its reader would miss what was read.
  if (!(await stat(path)).isFile()) return undefined;
  const handle = await open(path, 'r');
  try {
    const stats = await handle.stat();
    const head = Buffer.alloc(MAGIC.length);
    const tail = Buffer.alloc(LENGTH_BYTES + MAGIC.length);
    await handle.read(head, 0, head.length, 0);
    await handle.read(tail, 0, tail.length, Math.max(0, stats.size - tail.length));
    return { head, tail, sizeBytes: stats.size };
  } finally {
    await handle.close();
  }
}
