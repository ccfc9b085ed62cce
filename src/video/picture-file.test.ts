import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encodeRgbAsPng } from '../picture/file/png-writer.ts';
import { frameFileKind } from './frame-file.ts';
import { readPictureFile } from './picture-file.ts';

test('readPictureFile() reads a picture, which has no interval', async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const file = await encodeRgbAsPng({ width: 2, height: 1, bytes });
  assert.deepEqual(readPictureFile(file, '.png'), {
    pictures: [{ width: 2, height: 1, format: 'BGR888', bytes }],
    intervalMs: undefined,
  });
});

test('readPictureFile() reads a video, with the time from picture to picture', () => {
  const file = Buffer.concat([
    Buffer.from('YUV4MPEG2 W2 H2 F50:1 C420\nFRAME\n'),
    Buffer.of(1, 2, 3, 4, 5, 6),
    Buffer.from('FRAME\n'),
    Buffer.of(7, 8, 9, 10, 11, 12),
  ]);
  const { pictures, intervalMs } = readPictureFile(file, '.y4m');
  assert.equal(intervalMs, 20);
  assert.deepEqual(
    pictures.map(({ format, bytes }) => `${format}: ${bytes.join(' ')}`),
    ['YUV420: 1 2 3 4 5 6', 'YUV420: 7 8 9 10 11 12'],
  );
});

test('readPictureFile() names the endings that it reads', () => {
  const message = 'Cannot read a file that ends in ".gif": .png and .y4m are read';
  assert.throws(() => readPictureFile(new Uint8Array(), '.gif'), { name: 'PictureFileError', message });
});

test('frameFileKind() tells by the end of a name', () => {
  const kinds = ['a.PNG', 'b.jpg', 'c.jpeg', 'd.y4m', 'e.raw', 'f.yuv', 'g.mp4', 'h'].map((name) =>
    frameFileKind(name),
  );
  assert.deepEqual(kinds, ['png', 'jpeg', 'jpeg', 'y4m', 'raw', 'raw', undefined, undefined]);
});
