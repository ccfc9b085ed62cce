import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cannotAllowHugePages, withHugePageSetting } from '../../bench/huge-page-setting.ts';
import { checkLeaksAfterFile } from '../../test/support/runner/leak-check.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { MiB } from '../base/sizes.ts';
import { measureHugePageGain } from './huge-page-gain.ts';

checkLeaksAfterFile();

test('measureHugePageGain() measures nothing where the machine does not allow huge pages, and says why', (t) => {
  const path = 'sys/kernel/mm/transparent_hugepage/shmem_enabled';
  const root = temporaryTree(t, { [path]: 'always [never]\n', 'proc/meminfo': 'MemAvailable: 1048576 kB\n' });
  const machine = otherMachine({ root });
  const { use, compared } = measureHugePageGain(16 * MiB, machine);
  assert.deepEqual([use.pageBytes, compared], [undefined, undefined]);
});

test(
  'measureHugePageGain() measures both kinds of pages where huge ones are on',
  { skip: cannotAllowHugePages() },
  () =>
    withHugePageSetting('advise', () => {
      const { use, compared } = measureHugePageGain(3 * MiB);
      assert.deepEqual([use.pageBytes, compared?.length], [2 * MiB, 4 * MiB]);
      for (const times of [compared?.huge, compared?.ordinary]) {
        assert.ok(times !== undefined && times.commitNs > 0 && times.viewNs > 0);
      }
    }),
);
