import assert from 'node:assert/strict';
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { probeHeaps } from '../../backend/list-heaps.ts';
import { openHeap } from '../../backend/open-heap.ts';
import { asNobody, cannotBeNobody } from '../../../test/support/processes/other-user.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { chooseBackend } from './choose-backend.ts';
import type { BackendChoice } from './choose-backend.ts';
import { examineHeaps } from './examine-heaps.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';

const MEMINFO = { 'proc/meminfo': 'MemAvailable: 1048576 kB\n', 'proc/self/maps': '' };

/** A machine on which these files replace devices. */
function machineWith(t: TestContext, ...devices: readonly string[]): string {
  const root = temporaryTree(t, { ...MEMINFO, ...Object.fromEntries(devices.map((device) => [device, ''])) });
  chmodSync(root, 0o755);
  return root;
}

function choose(root: string, name = 'system'): BackendChoice {
  return chooseBackend(name, otherMachine({ root }), probeHeaps(otherMachine({ root })));
}

test('chooseBackend() predicts the choice of openHeap(), for any machine and name', (t) => {
  const devices = ['dev/dma_heap/system', 'dev/dma_heap/linux,cma', 'dev/udmabuf'];
  for (let present = 0; present < 2 ** devices.length; present += 1) {
    const root = machineWith(t, ...devices.filter((_, index) => (present & (1 << index)) !== 0));
    for (const name of ['system', 'linux,cma', 'udmabuf', 'system-uncached']) {
      const { backend, passedOver } = choose(root, name);
      let opened: string | undefined;
      try {
        using heap = openHeap(name, {}, otherMachine({ root }));
        opened = heap.backend;
      } catch (error) {
        assert.match((error as Error).message, /^Cannot open heap/u);
      }
      assert.equal(backend, opened, `${name} with ${present.toString(2)}`);
      const order = ['kernel', 'udmabuf', 'embedded'];
      assert.deepEqual(
        passedOver.map((listing) => listing.backend),
        order.slice(0, opened === undefined ? 3 : order.indexOf(opened)),
      );
    }
  }
});

test('chooseBackend() gives the chosen backend, and the reasons against earlier ones', (t) => {
  assert.deepEqual(choose(machineWith(t, 'dev/dma_heap/system')), {
    name: 'system',
    backend: 'kernel',
    reason: 'scattered pages of the whole memory',
    passedOver: [],
  });
  const { backend, reason, passedOver } = choose(machineWith(t, 'dev/udmabuf', 'dev/dma_heap/linux,cma'));
  assert.deepEqual([backend, reason], ['udmabuf', 'dma-bufs over sealed memfds, of up to 64 MiB each']);
  assert.deepEqual(
    passedOver.map(({ name, available, reason: why }) => [name, available, why]),
    [['system', false, 'there is no /dev/dma_heap/system beside linux,cma']],
  );
});

test(
  'chooseBackend(), listHeaps() and openHeap() take a heap that may be read and not written',
  { skip: cannotBeNobody() },
  (t) => {
    const root = machineWith(t, 'dev/dma_heap/system', 'dev/udmabuf');
    chmodSync(join(root, 'dev/dma_heap/system'), 0o444);
    chmodSync(join(root, 'dev/udmabuf'), 0o444);
    const check = (): void => {
      assert.equal(choose(root).backend, 'kernel');
      assert.deepEqual(examineHeaps(otherMachine({ root }), probeHeaps(otherMachine({ root })))[0]?.status, 'ok');
      assert.deepEqual(
        probeHeaps(otherMachine({ root })).map(({ backend, refusal }) => [backend, refusal]),
        [
          ['kernel', undefined],
          ['udmabuf', undefined],
          ['embedded', undefined],
        ],
      );
      for (const backend of ['kernel', 'udmabuf'] as const)
        openHeap('system', { backends: [backend] }, otherMachine({ root })).close();
    };
    asNobody(check);
    // The mode root:kmem 0640, as a member of kmem sees it.
    chmodSync(join(root, 'dev/dma_heap/system'), 0o640);
    chownSync(join(root, 'dev/dma_heap/system'), 0, 4445);
    asNobody(check, [4445]);
  },
);
