import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { PROT_NONE } from '../../uapi/mman.ts';
import { AddressSpace } from './address-space.ts';

const GiB = 1_073_741_824;
const ENOMEM = 12;

/** A process with `bytes` of address space left, of which `writableBytes` may be written. */
function machineWith(bytes: number, writableBytes = bytes): { space: AddressSpace; mapped: Map<number, number> } {
  const mapped = new Map<number, number>();
  const raw = rawCallsWith({
    mmap: (_address, length, protection) => {
      if (length > (protection === PROT_NONE ? bytes : writableBytes)) return -ENOMEM;
      mapped.set(4096, length);
      return 4096;
    },
    munmap: (address, length) => {
      assert.equal(mapped.get(address), length);
      mapped.delete(address);
      return 0;
    },
  });
  return { space: new AddressSpace(raw), mapped };
}

test('AddressSpace.hasRoomFor tries to map, and leaves nothing mapped', () => {
  const { space, mapped } = machineWith(3 * GiB);
  assert.equal(space.hasRoomFor(3 * GiB), true);
  assert.equal(space.hasRoomFor(3 * GiB + 1), false);
  assert.equal(mapped.size, 0);
});

test('AddressSpace.hasRoomFor counts writable memory', () => {
  const { space } = machineWith(3 * GiB, GiB);
  assert.equal(space.hasRoomFor(2 * GiB), false);
});

test('AddressSpace.roomUpTo gives the wanted room, or the available room to a thousandth of it', () => {
  const { space, mapped } = machineWith(3 * GiB);
  assert.equal(space.roomUpTo(2 * GiB), 2 * GiB);
  for (const wanted of [4 * GiB, 40 * GiB]) {
    const room = space.roomUpTo(wanted);
    assert.ok(room <= 3 * GiB && room >= 3 * GiB - wanted / 1000, String(room));
  }
  assert.equal(mapped.size, 0);
  assert.equal(machineWith(0).space.roomUpTo(GiB), 0);
});

test('AddressSpace on this machine has room for a page, and none for 2^50 bytes', () => {
  const space = new AddressSpace();
  assert.equal(space.hasRoomFor(4096), true);
  assert.equal(space.hasRoomFor(2 ** 50), false);
  assert.equal(space.limitAgainst(4096), undefined);
});
