import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { parseVideoCaps } from './video-caps.ts';

const refuse = (why: string): Error => new Error(why);

test('caps are read as GStreamer writes them, and as they stand in a pipeline', () => {
  const expected = { format: 'I420', width: 6, height: 2, framerate: [30, 1] };
  for (const text of [
    'video/x-raw,format=I420,width=6,height=2,framerate=30/1',
    'video/x-raw, format=(string)I420, width=(int)6, height=(int)2, framerate=(fraction)30/1',
    ' video/x-raw (memory:DMABuf) , format = (string) "I420" , width = 6 , height=2 , framerate=30/1 ; ',
    'video/x-raw,format=I420,width=6,height=2,framerate=30/1,multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff:/right',
    'video/x-raw,format=I420,width=6,height=2,framerate=30/1,title="one; two"',
  ])
    assert.deepEqual(parseVideoCaps(text, refuse), { text, ...expected });
});

test('caps of several kinds are refused, wherever the second one begins', () => {
  for (const text of [
    'video/x-raw,format=NV12,width=6,height=2,framerate=30/1; video/x-raw,format=I420,width=8,height=8',
    'video/x-raw,format=NV12,width=6,height=2; video/x-raw,format=I420,width=8,height=8',
  ])
    assert.throws(() => parseVideoCaps(text, refuse), /the field ".*; video\/x-raw" is none/u);
  for (const field of ['width', '=6', 'wi dth=6', 'width="6', 'width=6"', 'width="6"7"', ''])
    assert.throws(() => parseVideoCaps(`video/x-raw,format=NV12,height=2,${field}`, refuse), /is none/u);
});

/** Each has a part that matches spaces, and an end that does not match. */
const SPACES = [
  `'video/x-raw,a=' + ' '.repeat(4000) + 'x"y'`,
  `'video/x-raw,a=' + ' '.repeat(1300) + '"' + ' '.repeat(1300) + '"' + ' '.repeat(1300) + 'y'`,
  `'video/x-raw,a=x' + ' '.repeat(4000) + '""'`,
  `'video/x-raw' + ' '.repeat(4000) + '('`,
];

test('caps of thousands of spaces stop nobody', () => {
  const caps = new URL('video-caps.js', import.meta.url).href;
  // In a process of its own, which is ended when it does not come to an end.
  const program = `import { parseVideoCaps } from ${JSON.stringify(caps)};
    for (const text of [${SPACES.join(',')}])
      try { parseVideoCaps(text, () => new Error('refused')); } catch { process.stdout.write('refused '); }`;
  const options = { encoding: 'utf8', timeout: 20_000 } as const;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], options);
  assert.equal(stdout, 'refused refused refused refused ', stderr);
});
