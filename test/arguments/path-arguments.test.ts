/** Every public function that takes a path: what no file can be called is refused at the door. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openDisplay } from '../../src/drm/index.ts';
import { isDmaBufError } from '../../src/index.ts';
import { connect, listen } from '../../src/share/index.ts';
import { findSourceCallers, readTraceFile, reportFleet, writeTraceParquet } from '../../src/trace/index.ts';
import {
  describeVideoDevice,
  openCamera,
  openVideoControls,
  openVideoConverter,
  openVideoOutput,
} from '../../src/v4l2/index.ts';
import { checkLeaksAfterFile } from '../support/runner/leak-check.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

checkLeaksAfterFile();

/** NUL ends a path in the kernel, UTF-8 has no bytes for half a pair, and nothing is called ''. */
const NO_PATHS = ['', 'a\0b', 'end\0', '/tmp/\0', '\uD800', '/tmp/\uDFFFx'];

const CAPTURE = { width: 640, height: 480, format: 'YUYV' } as const;

const DOORS: Readonly<Record<string, (path: string) => unknown>> = {
  findSourceCallers: async (path) => await findSourceCallers(path),
  readTraceFile: async (path) => await readTraceFile(path).next(),
  reportFleet: async (path) => await reportFleet([path]),
  'reportFleet since': async (name) => await reportFleet(['.'], { since: name, build: '1' }),
  'reportFleet build': async (name) => await reportFleet(['.'], { since: '1', build: name }),
  writeTraceParquet: async (path) => await writeTraceParquet(path, []),
  'writeTraceParquet device': async (name) => await writeTraceParquet('/proc/none', [], { device: name }),
  openCamera: (path) => openCamera(path, CAPTURE),
  openVideoOutput: (path) => openVideoOutput(path, CAPTURE),
  openVideoConverter: (path) => openVideoConverter(path, { input: CAPTURE }),
  openVideoControls: (path) => openVideoControls(path),
  describeVideoDevice: (path) => describeVideoDevice(path),
  openDisplay: (path) => openDisplay(path),
  'openDisplay path': (path) => openDisplay({ path }),
  'openDisplay driver': (name) => openDisplay({ driver: name }),
  'openDisplay connector': (name) => openDisplay({ connector: name }),
  connect: async (path) => await connect(path),
  listen: async (path) => await listen(path),
};

for (const [name, open] of Object.entries(DOORS)) {
  test(`${name} refuses what no file can be called`, async () => {
    for (const path of NO_PATHS) {
      await assert.rejects(
        async () => await open(path),
        { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' },
        JSON.stringify(path),
      );
    }
  });
}

test('what the kernel refuses of a path is a DmaBufError with the code, the call and the path', async (t) => {
  const folder = temporaryFolder(t);
  const tooLong = 'x'.repeat(300);
  await assert.rejects(readTraceFile(`${folder}/none`).next(), (error) => {
    assert.ok(isDmaBufError(error, 'ENOENT'));
    assert.deepEqual([error.syscall, error.values, error.errno], ['open', { path: `${folder}/none` }, -2]);
    return true;
  });
  await assert.rejects(readTraceFile(folder).next(), (error) => {
    assert.ok(isDmaBufError(error, 'EISDIR'));
    assert.equal(error.syscall, 'read');
    return true;
  });
  await assert.rejects(readTraceFile(tooLong).next(), (error) => isDmaBufError(error, 'ENAMETOOLONG'));
  await assert.rejects(findSourceCallers(tooLong), (error) => isDmaBufError(error, 'ENOENT'));
  await assert.rejects(findSourceCallers('/dev/null/below'), (error) => isDmaBufError(error, 'ENOENT'));
  assert.throws(
    () => openDisplay(tooLong),
    (error) => isDmaBufError(error),
  );
  assert.throws(
    () => openCamera(`/dev/${tooLong}`, CAPTURE),
    (error) => isDmaBufError(error),
  );
});
