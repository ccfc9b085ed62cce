/** The GStreamer that other tests here speak with is the one they mean, and works by itself. */

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { gstreamerForGuest, gstreamerRoot, missingGStreamer } from '../support/processes/gstreamer-root.ts';
import { describeGStreamer, runPipeline, startPipeline } from '../support/processes/gstreamer.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const skip = missingGStreamer();
const GUEST_BYTES_MAX = 20 * 1024 * 1024;
const PIXEL = '2040a0ff';
const PICTURE = 'pattern=solid-color foreground-color=0xff2040a0 ! video/x-raw,format=RGBx,width=4,height=2';

test('the GStreamer that pipelines run in is 1.26, with its library', { skip }, async (t) => {
  const description = await describeGStreamer(t);
  assert.match(description, /^gst-launch-1\.0 version 1\.26\.\d+\nGStreamer 1\.26\.\d+\n/u);
});

test('a pipeline writes the pixels that it is asked for', { skip }, async (t) => {
  const written = await runPipeline(t, `videotestsrc num-buffers=2 ${PICTURE} ! fdsink`);
  assert.equal(written.toString('hex'), PIXEL.repeat(2 * 4 * 2));
});

test('unixfdsink hands three frames over to the unixfdsrc of another pipeline', { skip }, async (t) => {
  const path = join(temporaryFolder(t), 'frames');
  const source = `videotestsrc num-buffers=3 ${PICTURE}`;
  const sender = startPipeline(t, `${source} ! unixfdsink socket-path=${path} wait-for-connection=true`);
  await sender.listens(path);
  const received = await runPipeline(t, `unixfdsrc socket-path=${path} ! fdsink`);
  assert.equal(received.toString('hex'), PIXEL.repeat(3 * 4 * 2));
  await sender.ended();
  assert.ok(!existsSync(path), 'unixfdsink leaves its path behind');
});

/**
 * A pipeline reads which files it has mapped itself. It has loaded every plugin, to know its
 * elements.
 */
async function mappedLibraries(t: TestContext, root: string): Promise<string[]> {
  const maps = await runPipeline(t, 'filesrc location=/proc/self/maps ! fdsink', root);
  return [...new Set(maps.toString().match(/\/.*\.so.*$/gmu))];
}

test('a pipeline has no library of this machine, only those of its own Debian', { skip }, async (t) => {
  const root = gstreamerRoot();
  const libraries = await mappedLibraries(t, root);
  assert.ok(libraries.some((path) => path.includes('/libc.so')));
  const others = libraries.filter((path) => !path.startsWith(`${realpathSync(root)}/`));
  assert.deepEqual(others, []);
});

test('a guest gets what pipelines need of GStreamer, and no more', { skip }, async (t) => {
  const guest = realpathSync(temporaryFolder(t));
  const { programs = [] } = gstreamerForGuest(process.arch === 'arm64' ? 'arm64' : 'x86_64');
  for (const { source, path } of programs) {
    mkdirSync(dirname(join(guest, path)), { recursive: true });
    copyFileSync(source, join(guest, path));
    chmodSync(join(guest, path), 0o755);
  }
  const bytes = programs.reduce((sum, { source }) => sum + statSync(source).size, 0);
  assert.ok(bytes < GUEST_BYTES_MAX, `the guest's memory would hold ${bytes} bytes of it`);
  const root = join(guest, 'gstreamer');
  const written = await runPipeline(t, `videotestsrc num-buffers=1 ${PICTURE} ! fdsink`, root);
  assert.equal(written.toString('hex'), PIXEL.repeat(4 * 2));
  const given = programs.map(({ path }) => join(guest, path)).filter((path) => !path.endsWith('/gst-launch-1.0'));
  const mapped = await mappedLibraries(t, root);
  assert.deepEqual(mapped.toSorted(), given.toSorted());
});

test('a pipeline that fails says why', { skip }, async (t) => {
  await assert.rejects(runPipeline(t, 'videotestsrc ! unheard'), /ended with 1:\n.*no element "unheard"/su);
  const path = join(temporaryFolder(t), 'nobody');
  const refused = startPipeline(t, `unixfdsrc socket-path=${path} ! fakesink`);
  await assert.rejects(refused.listens(path), /ended with 255:\n.*Failed to start/su);
  const deaf = startPipeline(t, 'videotestsrc num-buffers=1 ! fakesink');
  await assert.rejects(deaf.listens(path), /ended, and never listened at/u);
});
