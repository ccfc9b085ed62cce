/**
 * Goal: whatever sizes are written and read, bytes arrive in order, and descriptors before the
 * bytes that they were written with, in order, each once.
 *
 * Method: chunks and descriptors drawn from a seed. The naive twin is the list of what was written:
 * the bytes one behind the other, and for each descriptor how many bytes stood before it. The
 * kernel tells which file a descriptor is.
 */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { env } from 'node:process';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { KiB, OwnedFd } from '../../src/index.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { streamFromFd } from '../../src/share/index.ts';
import type { DescriptorStream } from '../../src/share/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { createMemfd } from '../support/devices/memfd.ts';
import { assertHeld, settledDescriptors } from './held-descriptors.ts';

const SEED = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(2 ** 32 - 1));
const ROUND_COUNT = 40;
const CHUNK_COUNT = 60;
const FILE_COUNT = 5;

/** A descriptor, and how many bytes stand before those that it is sent with. */
interface Placed {
  readonly inode: number;
  readonly at: number;
}

class Twin {
  readonly chunks: Uint8Array[] = [];
  readonly fds: Placed[] = [];
  length = 0;

  write(bytes: Uint8Array, inodes: readonly number[]): void {
    this.fds.push(...inodes.map((inode) => ({ inode, at: this.length })));
    this.chunks.push(bytes);
    this.length += bytes.length;
  }
}

function writeAll(near: DescriptorStream, random: SeededRandom, files: readonly OwnedFd[]): Twin {
  const twin = new Twin();
  for (let count = 0; count < CHUNK_COUNT; count += 1) {
    const length = 1 + random.below(random.below(8) === 0 ? 300 * KiB : 2 * KiB);
    const bytes = Buffer.alloc(length, random.below(256));
    const fds = Array.from({ length: Math.max(0, random.below(9) - 4) }, () => files[random.below(FILE_COUNT)]);
    if (fds.length === 0) near.write(bytes);
    else near.writeWithFds(bytes, fds as OwnedFd[]);
    twin.write(
      bytes,
      fds.map((fd) => fstatSync(fd?.borrow() ?? -1).ino),
    );
  }
  near.end();
  return twin;
}

/** What came: each descriptor with how many bytes had come before it. */
async function readAll(far: DescriptorStream, random: SeededRandom): Promise<Twin> {
  const read = new Twin();
  far.on('fds', (numbers: number[]) => {
    for (const number of numbers) {
      const fd = OwnedFd.adopt(number);
      read.fds.push({ inode: fstatSync(number).ino, at: read.length + far.readableLength });
      fd.close();
    }
  });
  for await (const chunk of far) {
    read.write(chunk as Uint8Array, []);
    for (let turns = random.below(4); turns > 0; turns -= 1) await turn();
  }
  return read;
}

test(`streams keep bytes and descriptors in order; DMABUF_FUZZ_SEED=${SEED}`, async () => {
  const random = new SeededRandom(SEED);
  const files = Array.from({ length: FILE_COUNT }, () => createMemfd({ length: 1 }));
  const held = await settledDescriptors();
  for (let round = 0; round < ROUND_COUNT; round += 1) {
    const [near, far] = new ShareContext().streams.createPair().map((fd) => streamFromFd(fd)) as [
      DescriptorStream,
      DescriptorStream,
    ];
    const written = writeAll(near, random, files);
    const read = await readAll(far, random);
    near.destroy();
    assert.equal(Buffer.compare(Buffer.concat(read.chunks), Buffer.concat(written.chunks)), 0, `round ${round}`);
    assert.deepEqual(
      read.fds.map(({ inode }) => inode),
      written.fds.map(({ inode }) => inode),
    );
    for (const [index, { at }] of read.fds.entries())
      assert.ok(at <= (written.fds[index]?.at ?? -1), `round ${round}: descriptor ${index} came behind its bytes`);
    await assertHeld(held, `round ${round}`);
  }
  for (const file of files) file.close();
});
