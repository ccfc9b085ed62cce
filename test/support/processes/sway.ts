/** The unmodified sway 1.10 of Debian 13, without a screen, and grim, which captures it. */

import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';

import { debianRootCommand } from '../../../vm/debian-root-command.ts';
import { debianRoot } from '../../../vm/debian-root.ts';
import { missingRoot, startCompositor } from './headless-compositor.ts';
import type { Compositor, OutputSize } from './headless-compositor.ts';

const SWAY = 'usr/bin/sway';
const GRIM = 'usr/bin/grim';
/** Without Mesa, which only drawing by a graphics driver needs, and which is large. */
const ROOT = {
  suite: 'trixie',
  packages: [
    'libcairo2',
    'libdisplay-info2',
    'libdrm2',
    'libevdev2',
    'libgles2',
    'libinput10',
    'libjpeg62-turbo',
    'libjson-c5',
    'liblcms2-2',
    'libliftoff0',
    'libpangocairo-1.0-0',
    'libpixman-1-0',
    'libpng16-16t64',
    'libseat1',
    'libsystemd0',
    'libudev1',
    'libvulkan1',
    'libwayland-client0',
    'libwayland-server0',
    'libxcb-composite0',
    'libxcb-dri3-0',
    'libxcb-errors0',
    'libxcb-ewmh2',
    'libxcb-icccm4',
    'libxcb-present0',
    'libxcb-render-util0',
    'libxcb-render0',
    'libxcb-res0',
    'libxcb-shm0',
    'libxcb-xfixes0',
    'libxcb-xinput0',
    'libxkbcommon0',
    'xkb-data',
  ],
  withoutDependencies: ['grim', 'libegl1', 'libgbm1', 'libwlroots-0.18', 'sway'],
  keeps: new RegExp(`^(?:${SWAY}|${GRIM})$|^usr/lib/[^/]+/[^/]+\\.so|^usr/share/X11/xkb/`, 'u'),
};
const ENVIRONMENT = { WLR_BACKENDS: 'headless', WLR_RENDERER: 'pixman', WLR_LIBINPUT_NO_DEVICES: '1' };

/** Why there is no sway here; false where there is. */
export function missingSway(): string | false {
  return missingRoot(ROOT);
}

/**
 * Starts sway, which draws on the processor (pixman). A window fills its output.
 *
 * @param scale pixels of the output that are one of the compositor's units
 */
export async function startSway(t: TestContext, { width, height }: OutputSize, scale = 1): Promise<Compositor> {
  const lines = [
    'xwayland disable',
    // No other program is to be started.
    'swaybg_command -',
    'default_border none',
    `output HEADLESS-1 mode --custom ${width}x${height} scale ${scale}`,
  ];
  const words = (folder: string): string[] => {
    const path = join(folder, 'config');
    writeFileSync(path, `${lines.join('\n')}\n`);
    return ['--config', path];
  };
  return await startCompositor(t, {
    root: debianRoot(ROOT),
    program: SWAY,
    words,
    environment: ENVIRONMENT,
    // The first name that it tries.
    socket: 'wayland-1',
  });
}

/** What grim sees: a picture as netpbm's `P6` has it. */
export function runGrim({ display }: Compositor): Buffer {
  const { program, programArguments } = debianRootCommand(debianRoot(ROOT), GRIM, ['-t', 'ppm', '-']);
  const env = { LC_ALL: 'C', WAYLAND_DISPLAY: display, XDG_RUNTIME_DIR: dirname(display) };
  return execFileSync(program, programArguments, { env });
}
