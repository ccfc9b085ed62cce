import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { missingFfmpeg } from '../../../test/support/processes/ffmpeg.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { crc32 } from './crc32.ts';
import { PictureFileError } from './picture-file-error.ts';
import { decodePng } from './png-reader.ts';
import { encodeRgbAsPng } from './png-writer.ts';

const skip = missingFfmpeg();

/** 2 x 1 pixels, red and green: written by ffmpeg 5.1. */
const RED_AND_GREEN =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAACXBIWXMAAAABAAAAAQBPJcTWAAAAD0lEQVR4nGP4z8DA8J8BAAf/Af8Bf4mnAAAAAElFTkSuQmCC';

/** Bytes that change from pixel to pixel, and stay similar over some rows. */
function somePixels(width: number, height: number): Uint8Array {
  const random = new SeededRandom(7);
  return Uint8Array.from(
    { length: width * height * 3 },
    (_, at) => (at * 5 + random.below(at % 7 === 0 ? 256 : 4)) & 255,
  );
}

function runFfmpeg(words: readonly string[], input: Uint8Array): Buffer {
  const all = ['-v', 'error', '-i', 'pipe:0', ...words, 'pipe:1'];
  const { stdout, stderr, status } = spawnSync('ffmpeg', all, { input, maxBuffer: 2 ** 26 });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

test('crc32 gives the check value of CRC catalogues', () => {
  assert.equal(crc32(Buffer.from('123456789')), 0xcb_f4_39_26);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test('decodePng() reads a file of another program', () => {
  const picture = decodePng(Buffer.from(RED_AND_GREEN, 'base64'));
  assert.deepEqual(picture, { width: 2, height: 1, bytes: Uint8Array.of(255, 0, 0, 0, 255, 0) });
});

test('encodeRgbAsPng() writes what ffmpeg reads, pixel for pixel', { skip }, async () => {
  for (const [width, height] of [
    [1, 1],
    [3, 2],
    [67, 45],
  ] as const) {
    const bytes = somePixels(width, height);
    const file = await encodeRgbAsPng({ width, height, bytes });
    const raw = runFfmpeg(['-f', 'rawvideo', '-pix_fmt', 'rgb24'], file);
    assert.deepEqual(new Uint8Array(raw), bytes, `${width} x ${height}`);
  }
});

test('decodePng() reads what ffmpeg writes, by each filter and in each kind of color', { skip }, () => {
  const [width, height] = [67, 45];
  const bytes = somePixels(width, height);
  const source = Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), bytes]);
  for (const format of ['rgb24', 'rgba', 'gray', 'ya8']) {
    for (const prediction of ['none', 'sub', 'up', 'avg', 'paeth', 'mixed']) {
      const words = ['-c:v', 'png', '-pred', prediction, '-pix_fmt', format, '-f', 'image2pipe'];
      const file = runFfmpeg(words, source);
      const seen = runFfmpeg(['-f', 'rawvideo', '-pix_fmt', 'rgb24'], file);
      assert.deepEqual(decodePng(file).bytes, new Uint8Array(seen), `${format}, ${prediction}`);
    }
  }
});

test('decodePng() refuses unsupported files, with the reason', () => {
  const file = Buffer.from(RED_AND_GREEN, 'base64');
  const changed = (at: number, byte: number): Buffer => {
    const copy = Buffer.from(file);
    copy[at] = byte;
    // The checksum of the header.
    copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
    return copy;
  };
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from('GIF89a'), /as its first bytes are not those of one$/u],
    [file.subarray(0, 40), /as it ends within a chunk$/u],
    [file.subarray(0, 33), /as its end is missing$/u],
    [changed(16, 255), /as it has 4278190082 x 1 pixels$/u],
    [changed(24, 16), /as it has 16 bits a sample, and 8 are read$/u],
    [changed(25, 3), /as its colors are of a palette$/u],
    [changed(28, 1), /as it is interlaced$/u],
    [changed(23, 2), /as it has 7 bytes of pixels, not 14$/u],
    [changed(19, 1), /as its pixels cannot be unpacked$/u],
    [Buffer.concat([file.subarray(0, 50), Buffer.of(0), file.subarray(51)]), /as a check sum is wrong at byte 50$/u],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => decodePng(bytes), { name: 'PictureFileError', message });
  }
});

test('decodePng() refuses every file with some bytes changed, or reads a whole picture of it', () => {
  const file = Buffer.from(RED_AND_GREEN, 'base64');
  const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
  const mendSums = (bytes: Buffer): void => {
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  };
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), (changes, mended) => {
      const bytes = Buffer.from(file);
      for (const [at, byte] of changes) bytes[at] = byte;
      if (mended) mendSums(bytes);
      try {
        const picture = decodePng(bytes);
        assert.equal(picture.bytes.length, picture.width * picture.height * 3);
      } catch (error) {
        assert.ok(error instanceof PictureFileError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
