/** The unmodified weston 14 of Debian 13, without a screen, whichever Debian this machine has. */

import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { debianRoot } from '../../../vm/debian-root.ts';
import { libraryFolders } from '../../../vm/library-folders.ts';
import { missingRoot, startCompositor } from './headless-compositor.ts';
import type { Compositor, OutputSize } from './headless-compositor.ts';

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
];

/** Why there is no weston here; false where there is. */
export function missingWeston(): string | false {
  return missingRoot(ROOT);
}

/**
 * Starts weston, which draws on the processor (pixman).
 *
 * @param shows whether it shows its output to who asks
 */
export async function startWeston(
  t: TestContext,
  { width, height }: OutputSize,
  { shows = true } = {},
): Promise<Compositor> {
  const root = debianRoot(ROOT);
  const words = [...WORDS, ...(shows ? ['--debug'] : []), `--width=${width}`, `--height=${height}`];
  const environment = { WESTON_MODULE_MAP: moduleMap(root) };
  return await startCompositor(t, { root, program: PROGRAM, words: () => words, environment, socket: 'display' });
}

/** Where weston finds its modules, instead of on this machine. */
function moduleMap(root: string): string {
  const libraries = libraryFolders(root).find((path) => path.includes('/usr/lib/') && !path.endsWith('weston')) ?? '';
  return MODULES.map((module) => `${module.split('/').at(-1)}=${join(libraries, module)}`).join(';');
}
