import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { checkLeaksAfterFile } from '../../../test/support/runner/leak-check.ts';
import { otherMachine } from '../../../test/support/fakes/other-machine.ts';
import { rawCallsWith } from '../../../test/support/fakes/raw-calls.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { kernelCalls } from '../../linux/calls/kernel-calls.ts';
import type { Machine } from '../../linux/machine.ts';
import { thisMachine } from '../../linux/machine.ts';
import { MADV_COLLAPSE } from '../../uapi/mman.ts';
import { toByteLength } from '../../base/quantities.ts';
import { examineHugePages } from './examine-huge-pages.ts';
import { measureHugePages } from './measure-huge-pages.ts';

const FOLDER = 'sys/kernel/mm/transparent_hugepage';
const GAIN = { length: toByteLength(16_777_216), commitNs: 25_400_300, mapNs: 2_100_000, mapHugeNs: 40_000 };

checkLeaksAfterFile();

function machineWith(t: TestContext, setting: string, userId = 1000): Machine {
  const files = {
    [`${FOLDER}/shmem_enabled`]: `${setting}\n`,
    [`${FOLDER}/hpage_pmd_size`]: '2097152\n',
    'proc/self/status': `Uid:\t${userId}\t${userId}\t${userId}\t${userId}\nTHP_enabled:\t1\n`,
  };
  return otherMachine({ root: temporaryTree(t, files) });
}

test('examineHugePages() names the command that allows them, and the possible gain', (t) => {
  const machine = machineWith(t, 'always within_size advise [never] deny force');
  const [finding, ...others] = examineHugePages(machine, () => GAIN);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [finding?.id, finding?.status, finding?.found],
    ['huge-pages', 'note', `memfds come in ordinary pages, as /${FOLDER}/shmem_enabled is "never"`],
  );
  assert.equal(
    finding?.matters,
    'measured here, mapping 16 MiB that are there takes 2.1 ms in ordinary pages and 0.04 ms in huge ones; taking 16 MiB from the ' +
      'machine, now 25 ms, gains as well',
  );
  assert.deepEqual(finding?.remedy?.commands, [`echo advise | sudo tee /${FOLDER}/shmem_enabled`]);
  const [ofRoot] = examineHugePages(machineWith(t, 'always advise [deny]', 0), () => GAIN);
  assert.deepEqual(ofRoot?.remedy?.commands, [`echo advise | tee /${FOLDER}/shmem_enabled`]);
});

test('examineHugePages() reports ok where they are allowed, without a measurement', (t) => {
  const [finding] = examineHugePages(machineWith(t, 'always within_size [advise] never deny force'), () =>
    assert.fail('nothing is to be measured'),
  );
  assert.deepEqual(
    [finding?.status, finding?.found, finding?.remedy],
    ['ok', `memfds may come in huge pages of 2 MiB: /${FOLDER}/shmem_enabled is "advise"`, undefined],
  );
});

test('examineHugePages() has no command for a kernel without them', (t) => {
  const [finding] = examineHugePages(otherMachine({ root: temporaryTree(t, {}) }), () => GAIN);
  assert.deepEqual(
    [finding?.status, finding?.found, finding?.remedy],
    [
      'note',
      'memfds come in ordinary pages, as this kernel has no transparent huge pages for shared memory',
      undefined,
    ],
  );
});

test('measureHugePages() measures where the kernel makes huge pages on request, and leaves nothing behind', (t) => {
  const gain = measureHugePages(thisMachine);
  if (gain === undefined) {
    t.skip('this kernel does not make huge pages of ordinary ones when it is told to (MADV_COLLAPSE)');
    return;
  }
  assert.equal(gain.length, 16_777_216);
  for (const ns of [gain.commitNs, gain.mapNs, gain.mapHugeNs]) assert.ok(ns > 0);
});

test('measureHugePages() returns undefined where the kernel cannot', (t) => {
  const madvise: typeof kernelCalls.madvise = (address, length, advice) =>
    advice === MADV_COLLAPSE ? -22 : kernelCalls.madvise(address, length, advice);
  const machine = otherMachine({ raw: rawCallsWith({ madvise }) });
  assert.equal(measureHugePages(machine), undefined);
  const [finding] = examineHugePages(machineWith(t, '[never]'), () => undefined);
  assert.match(finding?.matters ?? '', /Linux 6\.1 is needed/u);
});
