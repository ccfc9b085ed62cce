import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Terminal } from '../terminal.ts';

const OWNER_ONLY = 0o600;

/**
 * Opens the address of a lab in a browser. All users can read the arguments of programs, so the
 * browser is given a page that leads to the address, in a file of this user alone.
 *
 * @returns removes the file
 */
export async function openInBrowser(address: string, terminal: Terminal): Promise<() => void> {
  let folder: string | undefined;
  try {
    // The folder is this user's alone from its start.
    folder = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] || tmpdir(), 'dmabuf-lab-'));
    const file = join(folder, 'open.html');
    writeFileSync(file, pageTo(address), { mode: OWNER_ONLY });
    await start('xdg-open', file);
  } catch (error) {
    // The address still stands in the terminal.
    const reason = error instanceof Error ? error.message : String(error);
    terminal.printError(`Cannot start a browser with xdg-open (${reason}): open the address yourself`);
  }
  return () => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
}

/**
 * A page that leads to the address.
 *
 * @param address has nothing that HTML reads otherwise: a host, a port and base64url
 */
export function pageTo(address: string): string {
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>dmabuf lab</title><meta http-equiv="refresh" content="0;url=${address}"><a href="${address}">To the lab</a>\n`;
}

async function start(program: string, argument: string): Promise<void> {
  const child = spawn(program, [argument], { stdio: 'ignore', detached: true });
  child.unref();
  await once(child, 'spawn');
}
