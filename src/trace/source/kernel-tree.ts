import { readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';

/** What of a source tree could not be looked at. */
export interface UnreadSource {
  /** From the root of the tree. */
  readonly path: string;
  /** Such as `EACCES`, as the kernel refused it, or a clause. */
  readonly reason: string;
}

/** The C files of a tree, by their paths from its root, in order. */
interface SourceListing {
  readonly paths: readonly string[];
  readonly unread: readonly UnreadSource[];
}

const C_FILE = /\.[ch]$/u;

/**
 * Every `.c` and `.h` file below `root`. Symbolic links are not followed: those of a kernel's tree
 * lead to folders of the same tree (`scripts/dtc/include-prefixes`), and a link to a folder above
 * would not end.
 *
 * @throws what `readdirSync` throws for `root` itself
 */
export function listSourceFiles(root: string): SourceListing {
  const paths: string[] = [];
  const unread: UnreadSource[] = [];
  const waiting = [''];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of readFolder(root, folder, unread)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile() && C_FILE.test(entry.name)) paths.push(path);
    }
  }
  return { paths: paths.toSorted(), unread };
}

/** The root must be there; a folder below that cannot be read is noted, and the others are read. */
function readFolder(root: string, folder: string, unread: UnreadSource[]): Dirent[] {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (folder === '') throw error;
    unread.push({ path: folder, reason: refusalOf(error) });
    return [];
  }
}

/** The code of what the kernel refused. */
export function refusalOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
