import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { otherMachine } from '../../../test/support/fakes/other-machine.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import type { Machine } from '../machine.ts';
import { PhysicalMemory } from './physical-memory.ts';

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const [PT_LOAD, PT_NOTE] = [1, 4];

/**
 * A core file, written field by field from the ELF specification, with four bytes for each segment
 * after the headers.
 */
function machineWith(
  t: TestContext,
  segments: readonly { readonly type: number; readonly paddr: bigint; readonly bytes: readonly number[] }[],
): Machine {
  const dataStart = HEADER_BYTES + segments.length * SEGMENT_BYTES;
  const file = Buffer.alloc(dataStart + segments.length * 4);
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  file.writeUInt16LE(SEGMENT_BYTES, 54);
  file.writeUInt16LE(segments.length, 56);
  segments.forEach(({ type, paddr, bytes }, index) => {
    const at = HEADER_BYTES + index * SEGMENT_BYTES;
    const offset = dataStart + index * 4;
    file.writeUInt32LE(type, at);
    file.writeBigUInt64LE(BigInt(offset), at + 8);
    file.writeBigUInt64LE(paddr, at + 24);
    file.writeBigUInt64LE(BigInt(bytes.length), at + 32);
    file.set(bytes, offset);
  });
  const root = temporaryTree(t, {});
  mkdirSync(join(root, 'proc'));
  writeFileSync(join(root, 'proc/kcore'), file);
  return otherMachine({ root });
}

test('PhysicalMemory reads by physical address, from the segment that contains it', (t) => {
  const machine = machineWith(t, [
    { type: PT_NOTE, paddr: 0x1000n, bytes: [9, 9, 9, 9] },
    // Addresses of the kernel itself have no physical address here.
    { type: PT_LOAD, paddr: 2n ** 64n - 1n, bytes: [8, 8, 8, 8] },
    { type: PT_LOAD, paddr: 0x1000n, bytes: [1, 2, 3, 4] },
    { type: PT_LOAD, paddr: 0x1_0000_0000n, bytes: [5, 6, 7] },
  ]);
  const memory = new PhysicalMemory(machine);
  t.after(() => memory.close());
  assert.deepEqual([...(memory.read(0x1001, 2) ?? [])], [2, 3]);
  assert.deepEqual([...(memory.read(0x1_0000_0000, 3) ?? [])], [5, 6, 7]);
  assert.equal(memory.read(0x1003, 2), undefined);
  assert.equal(memory.read(0xfff, 1), undefined);
});

test('PhysicalMemory refuses where there is no such file', (t) => {
  const machine = otherMachine({ root: temporaryTree(t, {}) });
  assert.throws(() => new PhysicalMemory(machine), /kcore: open failed with ENOENT/u);
});
