/**
 * Where GStreamer's files are: fetched once and kept in the cache of vm/, or handed to a guest,
 * which cannot fetch any.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

import { ARCHITECTURES } from '../../../vm/architectures.ts';
import type { GuestName } from '../../../vm/architectures.ts';
import { filesOfRoot } from '../../../vm/debian-root-files.ts';
import { debianRoot } from '../../../vm/debian-root.ts';
import { GuestError } from '../../../vm/guest-error.ts';
import { libraryFolders } from '../../../vm/library-folders.ts';
import type { GuestTests } from '../runner/guest-tests.ts';

export const GSTREAMER_PROGRAM = 'usr/bin/gst-launch-1.0';
/** Beside the libraries. */
const PLUGIN_FOLDER = 'gstreamer-1.0';

/** The others need libraries of packages that are left out, and would load this machine's. */
const PLUGINS = [
  'app',
  'coreelements',
  'multifile',
  'png',
  'rawparse',
  'typefindfunctions',
  'unixfd',
  'video4linux2',
  'videoconvertscale',
  'videorate',
  'videotestsrc',
].join('|');
const ROOT = {
  suite: 'trixie',
  packages: ['gstreamer1.0-tools', 'gstreamer1.0-plugins-base', 'libgudev-1.0-0', 'libv4l-0t64'],
  withoutDependencies: ['gstreamer1.0-plugins-bad', 'gstreamer1.0-plugins-good'],
  keeps: new RegExp(`^${GSTREAMER_PROGRAM}$|^usr/lib/[^/]+/(?:${PLUGIN_FOLDER}/libgst(?:${PLUGINS})|[^/]+)\\.so`, 'u'),
};
/** In a guest: the folder of {@link gstreamerForGuest}. */
const VARIABLE = 'DMABUF_GSTREAMER_ROOT';
const GUEST_FOLDER = '/gstreamer';

/** Why there is no GStreamer here; false where there is. */
export function missingGStreamer(): string | false {
  try {
    gstreamerRoot();
    return false;
  } catch (error) {
    if (error instanceof GuestError) return error.message;
    throw error;
  }
}

/** @throws GuestError where it is missing: such a test is to be skipped */
export function gstreamerRoot(): string {
  return process.env[VARIABLE] ?? debianRoot(ROOT);
}

/** The folder of GStreamer's plugins, below a root. */
export function pluginFolder(root: string): string {
  const folder = libraryFolders(root)
    .map((libraries) => join(libraries, PLUGIN_FOLDER))
    .find((path) => existsSync(path));
  if (folder === undefined) throw new Error(`There is no ${PLUGIN_FOLDER} below ${root}`);
  return folder;
}

/**
 * What gives a guest GStreamer, 17 MB of its memory, for `testInGuest()`. Nothing where this
 * machine has none, and for a guest of another architecture.
 */
export function gstreamerForGuest(guest: GuestName): Required<Pick<GuestTests, 'environment' | 'programs'>> {
  const isOwnArchitecture = ARCHITECTURES[guest].nodeArchitecture === process.arch;
  if (!isOwnArchitecture || missingGStreamer() !== false) return { environment: {}, programs: [] };
  const root = gstreamerRoot();
  const folder = pluginFolder(root);
  const plugins = readdirSync(folder).map((name) => relative(root, join(folder, name)));
  const programs = filesOfRoot(root, [GSTREAMER_PROGRAM, ...plugins], GUEST_FOLDER);
  return { environment: { [VARIABLE]: GUEST_FOLDER }, programs };
}
