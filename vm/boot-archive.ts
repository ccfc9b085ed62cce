import { copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Architecture } from './architectures.ts';
import { archivePieces } from './cpio.ts';
import type { ArchiveEntry } from './cpio.ts';
import { COMMAND_PATH, TERMINAL_PATH } from './init-script.ts';
import { packageEntries } from './package-archive.ts';

/** A guest's command, and the files of this machine that it gets. */
export interface GuestCommand {
  /** Program and arguments, run in the package's folder. */
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: readonly { readonly source: string; readonly path: string }[];
  /** The size of the command's terminal, in characters. */
  readonly terminalSize?: { readonly rowCount: number; readonly columnCount: number } | undefined;
}

/**
 * A guest's whole first file system: the base image, followed by the files of this boot.
 *
 * @returns a descriptor of a file without a name, so that this process leaves nothing behind,
 *   whichever way it ends
 */
export function openBootArchive(architecture: Architecture, basePath: string, command: GuestCommand): number {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-vm-'));
  try {
    const path = join(folder, 'guest.cpio');
    copyFileSync(basePath, path);
    const file = openSync(path, 'a+');
    const entries = [...packageEntries(architecture), ...commandEntries(command)];
    for (const piece of archivePieces(entries)) writevSync(file, [piece]);
    return file;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function commandEntries({ command, environment = {}, files = [], terminalSize }: GuestCommand): ArchiveEntry[] {
  const given = files.map(({ source, path }) => programEntry(path, readFileSync(source)));
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}`);
  if (terminalSize !== undefined) {
    lines.push(`stty rows ${terminalSize.rowCount} cols ${terminalSize.columnCount}`);
    given.push(programEntry(TERMINAL_PATH, ''));
  }
  lines.push(`exec ${command.map(quote).join(' ')}`);
  return [...given, programEntry(COMMAND_PATH, `${lines.join('\n')}\n`)];
}

function programEntry(path: string, content: Uint8Array | string): ArchiveEntry {
  return { path: path.replace(/^\/+/u, ''), kind: 'program', content };
}

/** Quotes a word for a shell. */
function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
