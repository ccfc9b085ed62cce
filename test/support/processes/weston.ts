/** The unmodified weston 14 of Debian 13, without a screen, whichever Debian this machine has. */

import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { TestContext } from 'node:test';

import { ARCHITECTURES } from '../../../vm/architectures.ts';
import type { GuestName } from '../../../vm/architectures.ts';
import { filesOfRoot } from '../../../vm/debian-root-files.ts';
import { debianRoot } from '../../../vm/debian-root.ts';
import type { DebianRoot } from '../../../vm/debian-root.ts';
import { libraryFolders } from '../../../vm/library-folders.ts';
import type { GuestTests } from '../runner/guest-tests.ts';
import { missingRoot, startCompositor } from './headless-compositor.ts';
import type { Compositor, OutputSize } from './headless-compositor.ts';

const PROGRAM = 'usr/bin/weston';
/** What weston loads as it starts. The other parts need a screen. */
const MODULES = ['libweston-14/headless-backend.so', 'weston/kiosk-shell.so'];
const PACKAGES = [
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
];
/** Mesa's driver for the processor, llvmpipe: 60 MB to fetch. */
const GL_PACKAGES = ['libegl-mesa0', 'libegl1', 'libgl1-mesa-dri', 'libgles2'];
const GL_MODULE = 'libweston-14/gl-renderer.so';
/** Which the vendor's file names. */
const EGL_LIBRARY = 'libEGL_mesa.so.0';
const XKB_FOLDER = 'usr/share/X11/xkb';
const GL_VENDORS = 'usr/share/glvnd/egl_vendor.d';

/** How weston draws, both on the processor. */
type Renderer = 'pixman' | 'gl';

const ROOTS: Readonly<Record<Renderer, DebianRoot>> = {
  pixman: westonRoot(PACKAGES, MODULES),
  gl: westonRoot([...PACKAGES, ...GL_PACKAGES], [...MODULES, GL_MODULE]),
};
/** Nothing else is on its output, which never goes blank. */
const WORDS = ['--backend=headless', '--shell=kiosk', '--socket=display', '--no-config', '--idle-time=0'];

function westonRoot(packages: readonly string[], modules: readonly string[]): DebianRoot {
  const libraries = `^usr/lib/[^/]+/(?:[^/]+\\.so|${modules.join('|')}|weston/libexec_weston\\.so)`;
  return {
    suite: 'trixie',
    packages,
    withoutDependencies: ['libweston-14-0', 'weston'],
    keeps: new RegExp(`^${PROGRAM}$|${libraries}|^${XKB_FOLDER}/|^${GL_VENDORS}/`, 'u'),
  };
}

/** In a guest: the folder of {@link westonForGuest}. */
const VARIABLE = 'DMABUF_WESTON_ROOT';
const GUEST_FOLDER = '/weston';

/** Why there is no weston here; false where there is. */
export function missingWeston(renderer: Renderer = 'pixman'): string | false {
  return process.env[VARIABLE] === undefined && missingRoot(ROOTS[renderer]);
}

/**
 * What gives a guest weston, which draws by OpenGL, for `testInGuest()`: 230 MB of its memory.
 * Nothing where this machine has none, and for a guest of another architecture.
 */
export function westonForGuest(guest: GuestName): Required<Pick<GuestTests, 'environment' | 'programs'>> {
  const isOwnArchitecture = ARCHITECTURES[guest].nodeArchitecture === process.arch;
  if (!isOwnArchitecture || missingWeston('gl') !== false) return { environment: {}, programs: [] };
  const root = debianRoot(ROOTS.gl);
  const libraries = relative(root, libraryFolder(root));
  const loaded = [...MODULES, GL_MODULE, EGL_LIBRARY].map((name) => join(libraries, name));
  const read = [XKB_FOLDER, GL_VENDORS].flatMap((folder) => filesBelow(root, folder));
  return {
    environment: { [VARIABLE]: GUEST_FOLDER },
    programs: [
      ...filesOfRoot(root, [PROGRAM, ...loaded], GUEST_FOLDER),
      ...read.map((path) => ({ source: realpathSync(join(root, path)), path: join(GUEST_FOLDER, path) })),
    ],
  };
}

/** Their paths below the root. */
function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(join(root, path)).isFile());
}

/**
 * Starts weston.
 *
 * @param options `shows`: whether it shows its output to who asks
 */
export async function startWeston(
  t: TestContext,
  { width, height }: OutputSize,
  { shows = true, renderer = 'pixman' }: { readonly shows?: boolean; readonly renderer?: Renderer } = {},
): Promise<Compositor> {
  const root = process.env[VARIABLE] ?? debianRoot(ROOTS[renderer]);
  const size = [`--width=${width}`, `--height=${height}`];
  const words = [...WORDS, ...size, `--renderer=${renderer}`, ...(shows ? ['--debug'] : [])];
  const environment = { WESTON_MODULE_MAP: moduleMap(root), __EGL_VENDOR_LIBRARY_DIRS: join(root, GL_VENDORS) };
  return await startCompositor(t, { root, program: PROGRAM, words: () => words, environment, socket: 'display' });
}

/** Where weston finds its modules, instead of on this machine. */
function moduleMap(root: string): string {
  const libraries = libraryFolder(root);
  const modules = [...MODULES, GL_MODULE];
  return modules.map((module) => `${module.split('/').at(-1)}=${join(libraries, module)}`).join(';');
}

function libraryFolder(root: string): string {
  return libraryFolders(root).find((path) => path.includes('/usr/lib/') && !path.endsWith('weston')) ?? '';
}
