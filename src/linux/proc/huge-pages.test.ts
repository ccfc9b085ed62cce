import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { otherMachine } from '../../../test/support/fakes/other-machine.ts';
import { temporaryTree } from '../../../test/support/runner/temporary-folder.ts';
import { readSharedHugePages } from './huge-pages.ts';

const FOLDER = '/sys/kernel/mm/transparent_hugepage';
const OVERALL_MODES = ['always', 'within_size', 'advise', 'never', 'deny', 'force'];
const SIZE_MODES = ['always', 'inherit', 'within_size', 'advise', 'never'];

/** The kernel's format: the current mode is in brackets. */
function choice(modes: readonly string[], chosen: string): string {
  return `${modes.map((mode) => (mode === chosen ? `[${mode}]` : mode)).join(' ')}\n`;
}

/** The result for a machine with these settings. */
function readWith(
  t: TestContext,
  settings: { overall?: string; sizes?: Readonly<Record<string, string>>; status?: string },
): { sizes: readonly number[]; reason: string; settingPath: string | undefined } {
  const { overall, sizes = {}, status = 'Name:\tnode\nTHP_enabled:\t1\n' } = settings;
  const files: Record<string, string> = { 'proc/self/status': status };
  if (overall !== undefined) {
    files[`${FOLDER}/shmem_enabled`] = choice(OVERALL_MODES, overall);
    files[`${FOLDER}/hpage_pmd_size`] = '2097152\n';
  }
  for (const [name, mode] of Object.entries(sizes)) {
    files[`${FOLDER}/hugepages-${name}/shmem_enabled`] = choice(SIZE_MODES, mode);
  }
  return readSharedHugePages(otherMachine({ root: temporaryTree(t, files) }));
}

test('readSharedHugePages() has the one size of kernels before 6.11 where shmem_enabled allows it', (t) => {
  const path = `${FOLDER}/shmem_enabled`;
  for (const mode of ['advise', 'within_size', 'always', 'force']) {
    const found = readWith(t, { overall: mode });
    assert.deepEqual(found, { sizes: [2_097_152], reason: `${path} is "${mode}"`, settingPath: path });
  }
  for (const mode of ['never', 'deny']) {
    const found = readWith(t, { overall: mode });
    assert.deepEqual(found, { sizes: [], reason: `${path} is "${mode}"`, settingPath: path });
  }
});

test('readSharedHugePages() asks the folder of each size, the largest first', (t) => {
  const path = `${FOLDER}/hugepages-2048kB/shmem_enabled`;
  assert.deepEqual(
    readWith(t, { overall: 'never', sizes: { '64kB': 'always', '2048kB': 'advise', '16kB': 'never' } }),
    {
      sizes: [2_097_152, 65_536],
      reason: `${path} is "advise"`,
      settingPath: path,
    },
  );
  assert.deepEqual(readWith(t, { overall: 'advise', sizes: { '64kB': 'inherit', '2048kB': 'never' } }).sizes, [65_536]);
});

test('readSharedHugePages() applies the overall setting to a size that inherits', (t) => {
  const path = `${FOLDER}/shmem_enabled`;
  const sizes = { '64kB': 'never', '2048kB': 'inherit' };
  assert.deepEqual(readWith(t, { overall: 'advise', sizes }).sizes, [2_097_152]);
  const refused = readWith(t, { overall: 'never', sizes });
  assert.deepEqual(refused, { sizes: [], reason: `${path} is "never"`, settingPath: path });
});

test('readSharedHugePages() lets "deny" override every size, and "force" those that inherit', (t) => {
  const sizes = { '64kB': 'always', '2048kB': 'inherit' };
  const denied = readWith(t, { overall: 'deny', sizes });
  assert.deepEqual([denied.sizes, denied.reason], [[], `${FOLDER}/shmem_enabled is "deny"`]);
  assert.deepEqual(readWith(t, { overall: 'force', sizes }).sizes, [2_097_152]);
});

test('readSharedHugePages() says why no setting helps', (t) => {
  const none = readWith(t, {});
  assert.deepEqual(none, {
    sizes: [],
    reason: 'this kernel has no transparent huge pages for shared memory',
    settingPath: undefined,
  });
  const status = 'Name:\tnode\nTHP_enabled:\t0\n';
  const switchedOff = readWith(t, { overall: 'always', status });
  assert.deepEqual(switchedOff, {
    sizes: [],
    reason: 'they are switched off for this process (PR_SET_THP_DISABLE)',
    settingPath: undefined,
  });
});
