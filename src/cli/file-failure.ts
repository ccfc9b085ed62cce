import { isDmaBufError } from '../base/errors.ts';
import { readIdentity } from '../diagnosis/accounts.ts';
import { CommandFailure } from './command.ts';
import { formatName } from '../base/printable-text.ts';

type Action = 'read' | 'write';

/** Clauses by the kernel's refusal (man 2 open, man 2 read, man 2 write). */
const REASONS: Readonly<Record<string, (action: Action) => string>> = {
  ENOENT: (action) => (action === 'read' ? 'there is no such file' : 'the folder that it is to be in does not exist'),
  ENOTDIR: () => 'a part of its path is no folder',
  EISDIR: () => 'it is a folder: name a file in it',
  EACCES: forbidden,
  EPERM: forbidden,
  EROFS: () => 'its file system is mounted read-only: name a file elsewhere',
  ENOSPC: () => 'its disk is full: free some of it, or name a file elsewhere',
  EDQUOT: () => 'its disk is full for this user: free some of it, or name a file elsewhere',
  ETXTBSY: () => 'it is a program that runs',
};

/**
 * Runs `body`, which does `action` with the file at `path` from the command line.
 *
 * @throws {CommandFailure} when the file refuses, with the remedy
 */
export async function withFile<Value>(
  action: Action,
  path: string,
  body: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await body();
  } catch (cause) {
    const code = codeOf(cause);
    if (code === undefined) throw cause;
    const reason = REASONS[code]?.(action) ?? `the kernel refuses with ${code}`;
    throw new CommandFailure(`Cannot ${action} ${formatName(path)} as ${reason}`, { cause });
  }
}

/** Undefined for errors that are not a file's refusal. */
function codeOf(error: unknown): string | undefined {
  if (isDmaBufError(error)) return error.syscall === undefined ? undefined : error.code;
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
}

/** Root is not refused by permissions. */
function forbidden(action: Action): string {
  const { overridesPermissions, userId, userName = String(userId) } = readIdentity();
  if (overridesPermissions) return `it is kept from root as well, by a security module or a locked-down kernel`;
  return `user ${formatName(userName)} may not ${action} it, or not look into a folder on its path: run this as its owner or as root`;
}
