/** Compositors without a screen, of another Debian than this machine's. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { debianRootCommand } from '../../../vm/debian-root-command.ts';
import { debianRoot } from '../../../vm/debian-root.ts';
import type { DebianRoot } from '../../../vm/debian-root.ts';
import { GuestError } from '../../../vm/guest-error.ts';
import { isListening } from './listening-socket.ts';

/** A compositor that was started, and ends at the latest with its test. */
export interface Compositor {
  readonly pid: number;
  /** The path of its socket. */
  readonly display: string;
  /** Ends it, as a crash would. */
  readonly kill: () => Promise<void>;
}

/** How large the only output of a compositor is, in pixels. */
export interface OutputSize {
  readonly width: number;
  readonly height: number;
}

/** How a compositor is started. */
interface CompositorStart {
  /** The folder of a root. */
  readonly root: string;
  /** Below the root. */
  readonly program: string;
  /** Gets a folder of its own, where its socket is to be. */
  readonly words: (folder: string) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The name of its socket. */
  readonly socket: string;
}

const POLL_MS = 10;

/** Why there is no such root here; false where there is. */
export function missingRoot(root: DebianRoot): string | false {
  try {
    debianRoot(root);
    return false;
  } catch (error) {
    if (error instanceof GuestError) return error.message;
    throw error;
  }
}

/** Starts a compositor, and waits until it listens. It has nothing of this machine's user. */
export async function startCompositor(
  t: TestContext,
  { root, program: path, words, environment, socket }: CompositorStart,
): Promise<Compositor> {
  const name = basename(path);
  const folder = mkdtempSync(join(tmpdir(), `dmabuf-${name}-`));
  // As libwayland wants the folder of its sockets.
  chmodSync(folder, 0o700);
  const { program, programArguments } = debianRootCommand(root, path, words(folder));
  const launched = spawn(program, programArguments, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      LC_ALL: 'C',
      HOME: folder,
      XDG_RUNTIME_DIR: folder,
      XKB_CONFIG_ROOT: join(root, 'usr/share/X11/xkb'),
      ...environment,
    },
  });
  const said = Promise.all([text(launched.stdout), text(launched.stderr)]);
  const end = once(launched, 'close');
  const kill = async (): Promise<void> => {
    launched.kill('SIGKILL');
    await end;
  };
  t.after(async () => {
    await kill();
    rmSync(folder, { recursive: true });
  });
  const display = join(folder, socket);
  while (!isListening(display)) {
    if (launched.exitCode !== null || launched.signalCode !== null)
      throw new Error(`${name} ended, and never listened:\n${(await said).join('\n')}`);
    await sleep(POLL_MS);
  }
  return { pid: launched.pid ?? 0, display, kill };
}
