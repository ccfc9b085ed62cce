import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isDmaBufError } from '../base/errors.ts';
import { stateOf } from '../../test/support/runner/promise-state.ts';
import { beginCpuAccess, beginCpuAccessSync } from './cpu-access.ts';
import type { AccessibleBuffer } from './cpu-access.ts';
import { Fence } from './importer/fence.ts';
import type { BufferView } from './view.ts';

/**
 * A buffer whose device and fences are pending as the test says, and a log of the operations on it.
 */
class FencedBuffer implements AccessibleBuffer {
  mappedBefore = false;
  readonly steps: string[] = [];
  device: Fence | undefined;
  fence: Fence | undefined;
  /** Called when the window was mapped. */
  mapped = (): void => {};

  readonly maintenance = {
    ready: (): boolean => this.device?.signaled ?? true,
    whenReady: async (): Promise<void> => await this.device?.wait(),
    begin: (): void => {},
    end: (): void => {},
  };

  checkMay(): void {}

  label(): string {
    return 'the buffer';
  }

  isMapped(): boolean {
    return this.mappedBefore;
  }

  openView(): BufferView {
    this.steps.push('map');
    this.mapped();
    return { close: () => this.steps.push('unmap') } as unknown as BufferView;
  }

  hasPendingFences(): boolean {
    return this.fence?.signaled === false;
  }

  async waitForFences(): Promise<void> {
    await this.fence?.wait();
  }

  blockForFences(): void {}

  begin(): () => void {
    this.steps.push(`begin${this.hasPendingFences() || !this.maintenance.ready() ? ' too early' : ''}`);
    return () => this.steps.push('end');
  }
}

test('beginCpuAccess() also waits for fences that are added during another wait', async () => {
  const buffer = new FencedBuffer();
  const [fence, device, laterFence, laterDevice] = [new Fence(), new Fence(), new Fence(), new Fence()];
  Object.assign(buffer, { fence, device });
  const beginning = beginCpuAccess(buffer, 'write', {});
  buffer.fence = laterFence;
  fence.signal();
  assert.equal(await stateOf(beginning), 'pending');
  device.signal();
  assert.equal(await stateOf(beginning), 'pending');
  buffer.device = laterDevice;
  laterFence.signal();
  assert.equal(await stateOf(beginning), 'pending');
  laterDevice.signal();
  (await beginning).end();
  assert.deepEqual(buffer.steps, ['map', 'begin', 'end', 'unmap']);
});

test('beginCpuAccess() begins without waiting where nothing is pending, and never after an abort', async () => {
  const buffer = new FencedBuffer();
  (await beginCpuAccess(buffer, 'read', {})).end();
  await assert.rejects(beginCpuAccess(buffer, 'read', { signal: AbortSignal.abort(new Error('enough')) }), /enough/u);
  assert.deepEqual(buffer.steps, ['map', 'begin', 'end', 'unmap']);
});

test('beginCpuAccessSync() checks before and after it maps, unless it may block', () => {
  const buffer = new FencedBuffer();
  const isPending = (error: unknown): boolean => isDmaBufError(error, 'EAGAIN');
  buffer.device = new Fence();
  assert.throws(() => beginCpuAccessSync(buffer, 'write', {}), isPending);
  assert.deepEqual(buffer.steps, []);
  buffer.device = undefined;
  buffer.mapped = () => {
    buffer.device = new Fence();
  };
  assert.throws(() => beginCpuAccessSync(buffer, 'write', {}), isPending);
  assert.deepEqual(buffer.steps.splice(0), ['map', 'unmap']);
  // The kernel's begin waits for the device itself.
  beginCpuAccessSync(buffer, 'write', { block: true }).end();
  assert.deepEqual(buffer.steps, ['map', 'begin too early', 'end', 'unmap']);
});

test('beginCpuAccessSync() checks once where the window is mapped already, and twice where it has to be mapped', () => {
  const buffer = new FencedBuffer();
  buffer.maintenance.ready = (): boolean => {
    buffer.steps.push('ask');
    return true;
  };
  buffer.begin = () => () => {};
  buffer.mappedBefore = true;
  beginCpuAccessSync(buffer, 'write', {}).end();
  assert.deepEqual(buffer.steps.splice(0), ['ask', 'map', 'unmap']);
  buffer.mappedBefore = false;
  beginCpuAccessSync(buffer, 'write', {}).end();
  assert.deepEqual(buffer.steps, ['ask', 'map', 'ask', 'unmap']);
});
