/** Which guests KVM is taken for. */

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { chooseAccelerator, describeAccelerator, obstacleToKvm, rememberedFailure } from '../../vm/accelerator.ts';
import { ARCHITECTURES } from '../../vm/architectures.ts';
import { emptyCache } from '../support/fakes/empty-cache.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const { x86_64, arm64 } = ARCHITECTURES;

test('obstacleToKvm() is another architecture than this machine has', () => {
  assert.equal(obstacleToKvm({ architecture: arm64 }, 'x64', '/dev/null'), 'this machine is x64 and the guest arm64');
  assert.equal(obstacleToKvm({ architecture: arm64 }, 'arm64', '/dev/null'), undefined);
});

test('obstacleToKvm() is a processor that is named: KVM would run the instructions that it lacks', () => {
  assert.match(obstacleToKvm({ architecture: x86_64, cpu: 'qemu64' }, 'x64', '/dev/null') ?? '', /qemu64/u);
});

test('obstacleToKvm() is a device that is missing', (t) => {
  const path = join(temporaryFolder(t), 'kvm');
  assert.equal(obstacleToKvm({ architecture: x86_64 }, 'x64', path), `there is no ${path}`);
});

test(
  'obstacleToKvm() is a device that may not be opened',
  { skip: process.getuid?.() === 0 && 'root may open anything' },
  (t) => {
    const path = join(temporaryFolder(t), 'kvm');
    writeFileSync(path, '');
    chmodSync(path, 0);
    assert.match(obstacleToKvm({ architecture: x86_64 }, 'x64', path) ?? '', /cannot be opened \(EACCES\)/u);
  },
);

test('chooseAccelerator() takes what is asked for, and says so', async () => {
  const choice = await chooseAccelerator({ architecture: x86_64 }, 'kvm');
  assert.deepEqual(choice, { accelerator: 'kvm', because: 'it was asked for' });
  assert.equal(describeAccelerator(choice), 'KVM, as it was asked for');
});

test('rememberedFailure() tries once, and gives afterwards what that trial gave', async (t) => {
  emptyCache(t);
  assert.equal(await rememberedFailure('hangs', async () => 'it takes longer than 30 s'), 'it takes longer than 30 s');
  assert.equal(await rememberedFailure('hangs', async () => ''), 'it takes longer than 30 s');
  assert.equal(await rememberedFailure('works', async () => ''), '');
  assert.equal(await rememberedFailure('works', async () => 'never tried'), '');
});

test('rememberedFailure() does not remember a trial that was interrupted', async (t) => {
  emptyCache(t);
  const interrupted = async (): Promise<string> => await Promise.reject(new Error('interrupted'));
  await assert.rejects(rememberedFailure('some', interrupted), { message: 'interrupted' });
  assert.equal(await rememberedFailure('some', async () => ''), '');
});
