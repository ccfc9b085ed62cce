import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { newSecret } from '../../lab/server/access.ts';

const OWNER_ONLY = 0o600;
const KEY_LENGTH = 43;
const KEY = /^[\w-]+$/u;

/**
 * The key of the lab on a port, kept until the user logs out, so that pages go on with a lab that
 * was started again. A new one where there is no folder for such files (XDG Base Directory
 * Specification), or the file is not the user's alone: it is kept in its place then.
 *
 * @param port 0 is another port each time
 */
export function readLabKey(port: number, { XDG_RUNTIME_DIR: folder }: NodeJS.ProcessEnv = process.env): string {
  const fresh = newSecret();
  if (folder === undefined || folder === '' || port === 0) return fresh;
  const path = join(folder, `dmabuf-lab-${port}.key`);
  const kept = readKept(path);
  if (kept === undefined) keep(path, fresh);
  return kept ?? fresh;
}

/** Writes it whole, or not at all, in place of what was of no use. */
function keep(path: string, key: string): void {
  // Nobody guesses the name, so what is removed is our own.
  const draft = `${path}.${newSecret()}`;
  try {
    writeFileSync(draft, key, { flag: 'wx', mode: OWNER_ONLY });
    renameSync(draft, path);
  } catch {
    // Pages must be opened anew then, which the key is not worth failing for.
    if (existsSync(draft)) rmSync(draft);
  }
}

function readKept(path: string): string | undefined {
  let fd: number;
  try {
    // Where others may write too, a pipe of theirs would keep the lab waiting.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stats = fstatSync(fd);
    const isOwn = stats.isFile() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0;
    const key = isOwn && stats.size === KEY_LENGTH ? readFileSync(fd, 'utf8') : '';
    return KEY.test(key) ? key : undefined;
  } finally {
    closeSync(fd);
  }
}
