/** Pipelines of the unmodified GStreamer 1.26 of Debian 13, whichever Debian this machine has. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { debianRootCommand } from '../../../vm/debian-root-command.ts';
import { GSTREAMER_PROGRAM, gstreamerRoot, pluginFolder } from './gstreamer-root.ts';
import { isListening } from './listening-socket.ts';

/** What comes to an end, and runs what it was given then: a `TestContext`. */
interface Ending {
  after(step: () => Promise<void>): void;
}

/** A pipeline that was started, and ends at the latest with its test. */
export interface Pipeline {
  readonly pid: number;
  /**
   * Waits for the pipeline's end.
   *
   * @returns what its `fdsink` wrote
   * @throws when it ended with an error, with what GStreamer said
   */
  readonly ended: () => Promise<Buffer>;
  /**
   * Waits until the pipeline listens at `path`.
   *
   * @throws when it ended before
   */
  readonly listens: (path: string) => Promise<void>;
}

const POLL_MS = 10;

/**
 * Starts a pipeline, which is killed after the test.
 *
 * @param description as for gst-launch-1.0, without spaces in its words: `videotestsrc
 *   num-buffers=5 ! fdsink`
 */
export function startPipeline(ending: Ending, description: string, root = gstreamerRoot()): Pipeline {
  return launch(ending, ['--quiet', ...description.trim().split(/\s+/u)], root);
}

/** Runs a pipeline to its end: {@link startPipeline} and {@link Pipeline.ended}. */
export async function runPipeline(ending: Ending, description: string, root?: string): Promise<Buffer> {
  return await startPipeline(ending, description, root).ended();
}

/** What GStreamer says of its own version. */
export async function describeGStreamer(ending: Ending): Promise<string> {
  const said = await launch(ending, ['--version'], gstreamerRoot()).ended();
  return said.toString();
}

function launch(ending: Ending, words: readonly string[], root: string): Pipeline {
  const { program, programArguments } = debianRootCommand(root, GSTREAMER_PROGRAM, words);
  const own = mkdtempSync(join(tmpdir(), 'dmabuf-gstreamer-'));
  const launched = spawn(program, programArguments, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentIn(root, own),
  });
  const output = buffer(launched.stdout);
  const said = text(launched.stderr);
  const end = once(launched, 'close');
  ending.after(async () => {
    launched.kill('SIGKILL');
    await end;
    // Not before: GStreamer makes the folder of its registry where there is none.
    rmSync(own, { recursive: true });
  });
  const ended = async (): Promise<Buffer> => {
    await end;
    if (launched.exitCode === 0) return await output;
    const status = launched.exitCode ?? launched.signalCode;
    throw new Error(`gst-launch-1.0 ${words.join(' ')} ended with ${status}:\n${await said}`);
  };
  const listens = async (path: string): Promise<void> => {
    while (!isListening(path)) {
      if (launched.exitCode !== null || launched.signalCode !== null) {
        await ended();
        throw new Error(`gst-launch-1.0 ${words.join(' ')} ended, and never listened at ${path}`);
      }
      await sleep(POLL_MS);
    }
  };
  return { pid: launched.pid ?? 0, ended, listens };
}

/** Nothing of this machine's GStreamer or GLib, and nothing of its user's. */
function environmentIn(root: string, own: string): NodeJS.ProcessEnv {
  return {
    LC_ALL: 'C',
    HOME: own,
    XDG_CACHE_HOME: own,
    XDG_RUNTIME_DIR: own,
    GIO_MODULE_DIR: own,
    GST_PLUGIN_SYSTEM_PATH_1_0: pluginFolder(root),
    GST_REGISTRY: join(own, 'registry.bin'),
    // Its scanner would be a program of this machine.
    GST_REGISTRY_FORK: 'no',
  };
}
