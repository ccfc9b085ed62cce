/** The contents of `/proc/PID/fdinfo/FD` for a dma-buf. */
interface DmaBufFdinfo {
  /** Undefined before v5.14. */
  readonly inode: number | undefined;
  /** In bytes. */
  readonly size: number;
  /** References to its file. Undefined where the kernel does not show them. */
  readonly references: number | undefined;
  readonly exporter: string;
  readonly name: string | undefined;
}

/** The only line that users write. It may contain line breaks. The kernel has it last so far. */
const NAME_LINE = /(?<![^\n])name:\t/u;
/** Lines that only a dma-buf has, in any order. */
const OWN_LINE = /(?<![^\n])(?:size|count|exp_name):/u;
const NUMBER = /^-?\d+$/u;

/**
 * Parses the text field by field (`dma_buf_show_fdinfo`, drivers/dma-buf/dma-buf.c). Unknown lines
 * may stand anywhere.
 *
 * @param knownName the name in the buffer's path. With it, lines after the name are read too.
 *   Without it, everything that follows counts as the name.
 * @returns undefined for a file that is not a dma-buf, or one without a size or exporter
 */
export function parseDmaBufFdinfo(text: string, knownName?: string): DmaBufFdinfo | undefined {
  const { lines, name } = splitName(text, knownName);
  const fields = readFields(lines);
  const size = readNumber(fields.get('size'));
  const exporter = fields.get('exp_name');
  if (size === undefined || exporter === undefined) return undefined;
  return {
    inode: readNumber(fields.get('ino')),
    size,
    references: readNumber(fields.get('count')),
    exporter,
    name: name === '' ? undefined : name,
  };
}

/** Whether any line is one that only dma-bufs have. */
export function mentionsDmaBuf(text: string): boolean {
  return OWN_LINE.test(text);
}

function splitName(text: string, knownName: string | undefined): { lines: string; name: string | undefined } {
  const found = NAME_LINE.exec(text);
  if (found === null) return { lines: text, name: undefined };
  const start = found.index + found[0].length;
  const before = text.slice(0, found.index);
  // False where the buffer was renamed between the reading of its path and of this text.
  if (knownName !== undefined && text.startsWith(`${knownName}\n`, start)) {
    return { lines: before + text.slice(start + knownName.length + 1), name: knownName };
  }
  return { lines: before, name: text.slice(start).replace(/\n$/u, '') };
}

/** The first line of a name counts: users cannot imitate lines before the buffer's name. */
function readFields(lines: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines.split('\n')) {
    const end = line.indexOf(':\t');
    const key = line.slice(0, Math.max(end, 0));
    if (end !== -1 && !fields.has(key)) fields.set(key, line.slice(end + 2));
  }
  return fields;
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && NUMBER.test(text) ? Number(text) : undefined;
}
