/** The unmodified PipeWire 1.4 of Debian 13, and sources for it, on any Debian. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { debianRootCommand } from '../../../vm/debian-root-command.ts';
import { debianRoot } from '../../../vm/debian-root.ts';
import { GuestError } from '../../../vm/guest-error.ts';
import { libraryFolders } from '../../../vm/library-folders.ts';
import { isListening } from './listening-socket.ts';

const ROOT = {
  suite: 'trixie',
  packages: [
    'libpipewire-0.3-0t64',
    'gstreamer1.0-tools',
    'gstreamer1.0-plugins-base',
    'libgudev-1.0-0',
    'libsystemd0',
    'libdbus-1-3',
    'libreadline8t64',
    'libncursesw6',
  ],
  withoutDependencies: ['pipewire-bin', 'libpipewire-0.3-modules', 'libspa-0.2-modules', 'gstreamer1.0-pipewire'],
  keeps:
    /^usr\/bin\/(pipewire|gst-launch-1.0|pw-cli|pw-dump|pw-link)$|^usr\/(lib\/[^/]+\/(gstreamer-1.0\/libgst(app|coreelements|videotestsrc|pipewire|videoconvertscale)|pipewire-0.3\/|spa-0.2\/(support|videotestsrc|videoconvert)\/|[^/]+\.so))/u,
};

/** Without a session manager: who links what is said by a test. */
const DAEMON = `
context.properties = { core.daemon = true core.name = pipewire-0 support.dbus = false mem.allow-mlock = false }
context.spa-libs = { support.* = support/libspa-support }
context.modules = [
  { name = libpipewire-module-protocol-native }
  { name = libpipewire-module-client-node }
  { name = libpipewire-module-access args = { access.legacy = true } }
  { name = libpipewire-module-adapter }
  { name = libpipewire-module-link-factory }
]
`;
const CLIENT = `
context.spa-libs = { support.* = support/libspa-support }
context.modules = [
  { name = libpipewire-module-protocol-native }
  { name = libpipewire-module-client-node }
  { name = libpipewire-module-adapter }
]
`;
const POLL_MS = 50;

/** A program that was started, and ends at the latest with its test. */
interface RunningProgram {
  /** Resolves with what it wrote; rejects where it ended with an error, with what it said. */
  readonly ended: () => Promise<Buffer>;
  readonly kill: () => Promise<void>;
}

/** A PipeWire of a test's own. */
export interface PipeWire {
  /** The path of its socket. */
  readonly remote: string;
  /** Starts a pipeline of GStreamer, in which `pipewiresink` and `pipewiresrc` find it. */
  readonly startPipeline: (description: string) => RunningProgram;
  /** Links two ports, such as `source:output_1` and `dmabuf:input`, as soon as both are there. */
  readonly link: (output: string, input: string) => Promise<void>;
  /** Ends it, as a crash would. */
  readonly kill: () => Promise<void>;
}

/** Why there is no PipeWire here; false where there is. */
export function missingPipeWire(): string | false {
  try {
    debianRoot(ROOT);
    return false;
  } catch (error) {
    if (error instanceof GuestError) return error.message;
    throw error;
  }
}

export async function startPipeWire(t: TestContext): Promise<PipeWire> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-pipewire-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'daemon.conf'), DAEMON);
  writeFileSync(join(folder, 'client.conf'), CLIENT);
  const start = (program: string, words: readonly string[]): RunningProgram => launch(t, folder, program, words);
  const { kill } = start('pipewire', ['-c', 'daemon.conf']);
  const remote = join(folder, 'pipewire-0');
  while (!isListening(remote)) await sleep(POLL_MS);
  return {
    remote,
    startPipeline: (description) => start('gst-launch-1.0', ['--quiet', ...description.trim().split(/\s+/u)]),
    link: async (output, input) => {
      for (;;) {
        try {
          await start('pw-link', [output, input]).ended();
          return;
        } catch {
          await sleep(POLL_MS);
        }
      }
    },
    kill,
  };
}

function launch(t: TestContext, folder: string, program: string, words: readonly string[]): RunningProgram {
  const root = debianRoot(ROOT);
  const command = debianRootCommand(root, `usr/bin/${program}`, words);
  const launched = spawn(command.program, command.programArguments, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentIn(root, folder),
  });
  const output = buffer(launched.stdout);
  const said = text(launched.stderr);
  const end = once(launched, 'close');
  const kill = async (): Promise<void> => {
    launched.kill('SIGKILL');
    await end;
  };
  t.after(kill);
  const ended = async (): Promise<Buffer> => {
    await end;
    if (launched.exitCode === 0) return await output;
    throw new Error(`${program} ${words.join(' ')} ended with ${launched.exitCode}:\n${await said}`);
  };
  return { ended, kill };
}

/** Nothing of this machine's, and nothing of its user's. */
function environmentIn(root: string, folder: string): NodeJS.ProcessEnv {
  const libraries = libraryFolders(root).find((path) => /\/usr\/lib\/[^/]+$/u.test(path)) ?? '';
  return {
    LC_ALL: 'C',
    HOME: folder,
    XDG_RUNTIME_DIR: folder,
    PIPEWIRE_RUNTIME_DIR: folder,
    PIPEWIRE_CONFIG_DIR: folder,
    PIPEWIRE_MODULE_DIR: join(libraries, 'pipewire-0.3'),
    SPA_PLUGIN_DIR: join(libraries, 'spa-0.2'),
    GIO_MODULE_DIR: folder,
    GST_PLUGIN_SYSTEM_PATH_1_0: join(libraries, 'gstreamer-1.0'),
    GST_REGISTRY: join(folder, 'registry.bin'),
    // Its scanner would be a program of this machine.
    GST_REGISTRY_FORK: 'no',
  };
}
