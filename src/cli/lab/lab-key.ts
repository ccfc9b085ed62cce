import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { newSecret } from '../../lab/server/access.ts';

const OWNER_ONLY = 0o600;
const KEY = /^[\w-]{43}$/u;

/**
 * The key of the lab on a port, kept until the user logs out, so that pages go on with a lab that
 * was started again. A new one where there is no folder for such files (XDG Base Directory
 * Specification), or the file is not the user's alone.
 *
 * @param port 0 is another port each time
 */
export function readLabKey(port: number, { XDG_RUNTIME_DIR: folder }: NodeJS.ProcessEnv = process.env): string {
  const fresh = newSecret();
  if (folder === undefined || folder === '' || port === 0) return fresh;
  const path = join(folder, `dmabuf-lab-${port}.key`);
  const kept = readKept(path);
  if (kept !== undefined) return kept;
  try {
    const fd = openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      OWNER_ONLY,
    );
    try {
      writeSync(fd, fresh);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Pages must be opened anew then, which the key is not worth failing for.
  }
  return fresh;
}

function readKept(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const { uid, mode } = fstatSync(fd);
    const isOwn = uid === process.getuid?.() && (mode & 0o077) === 0;
    const key = isOwn ? readFileSync(fd, 'utf8') : '';
    return KEY.test(key) ? key : undefined;
  } finally {
    closeSync(fd);
  }
}
