/** The unmodified weston 14 of Debian 13, without a screen, whichever Debian this machine has. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

import { debianRootCommand } from '../../../vm/debian-root-command.ts';
import { debianRoot } from '../../../vm/debian-root.ts';
import { GuestError } from '../../../vm/guest-error.ts';
import { libraryFolders } from '../../../vm/library-folders.ts';
import { isListening } from './listening-socket.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAM = 'usr/bin/weston';
/** What weston loads as it starts. The other parts need a graphics driver. */
const MODULES = ['libweston-14/headless-backend.so', 'weston/kiosk-shell.so'];
const ROOT = {
  suite: 'trixie',
  packages: [
    'libdisplay-info2',
    'libdrm2',
    'libevdev2',
    'libinput10',
    'libjpeg62-turbo',
    'liblcms2-2',
    'libpam0g',
    'libpangocairo-1.0-0',
    'libseat1',
    'libwayland-client0',
    'libwayland-cursor0',
    'libwayland-server0',
    'libwebp7',
    'libxkbcommon0',
    'xkb-data',
  ],
  withoutDependencies: ['libweston-14-0', 'weston'],
  keeps: new RegExp(
    `^${PROGRAM}$|^usr/lib/[^/]+/(?:[^/]+\\.so|${MODULES.join('|')}|weston/libexec_weston\\.so)|^usr/share/X11/xkb/`,
    'u',
  ),
};
/** Nothing else is on its output, which never goes blank. */
const WORDS = [
  '--backend=headless',
  '--renderer=pixman',
  '--shell=kiosk',
  '--socket=display',
  '--no-config',
  '--idle-time=0',
  '--debug',
];
const POLL_MS = 10;

/** A compositor that was started, and ends at the latest with its test. */
export interface Weston {
  readonly pid: number;
  /** The path of its socket. */
  readonly display: string;
  /** Ends it, as a crash would. */
  readonly kill: () => Promise<void>;
}

/** How large its only output is, in pixels. */
interface OutputSize {
  readonly width: number;
  readonly height: number;
}

/** Why there is no weston here; false where there is. */
export function missingWeston(): string | false {
  try {
    debianRoot(ROOT);
    return false;
  } catch (error) {
    if (error instanceof GuestError) return error.message;
    throw error;
  }
}

/** Starts weston, which draws on the processor (pixman) and shows its output to who asks. */
export async function startWeston(t: TestContext, { width, height }: OutputSize): Promise<Weston> {
  const root = debianRoot(ROOT);
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-weston-'));
  // As libwayland wants the folder of its sockets.
  chmodSync(folder, 0o700);
  const size = [`--width=${width}`, `--height=${height}`];
  const words = [...WORDS, ...size];
  const { program, programArguments } = debianRootCommand(root, PROGRAM, words);
  const launched = spawn(program, programArguments, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentIn(root, folder),
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
  const display = join(folder, 'display');
  while (!isListening(display)) {
    if (launched.exitCode !== null || launched.signalCode !== null)
      throw new Error(`weston ended, and never listened:\n${(await said).join('\n')}`);
    await sleep(POLL_MS);
  }
  return { pid: launched.pid ?? 0, display, kill };
}

/** Nothing of this machine's, and nothing of its user's. */
function environmentIn(root: string, folder: string): NodeJS.ProcessEnv {
  const libraries = libraryFolders(root).find((path) => path.includes('/usr/lib/') && !path.endsWith('weston')) ?? '';
  const map = MODULES.map((module) => `${module.split('/').at(-1)}=${join(libraries, module)}`);
  return {
    LC_ALL: 'C',
    HOME: folder,
    XDG_RUNTIME_DIR: folder,
    XKB_CONFIG_ROOT: join(root, 'usr/share/X11/xkb'),
    WESTON_MODULE_MAP: map.join(';'),
  };
}
