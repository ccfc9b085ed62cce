import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';

import { listVideoDevices } from '../../../src/v4l2/index.ts';
import { insertTestDriver, loadModules, missingTestDriver, removeTestDriver } from './kernel-test-drivers.ts';

const DRIVER_FOLDER = '/sys/bus/platform/drivers/vim2m';

/**
 * Why there is no vim2m here, the kernel's test device of the memory-to-memory kind
 * (drivers/media/test-drivers/vim2m.c); false where there is. In the guest, loads it. For the
 * `skip` of a test.
 */
export function missingVim2m(): string | false {
  const missing = missingTestDriver('vim2m');
  if (missing !== false || existsSync(DRIVER_FOLDER)) return missing;
  loadModules('videobuf2-vmalloc', 'videobuf2-v4l2');
  insertTestDriver('v4l2-mem2mem');
  insertTestDriver('vim2m', 'default_transtime=1');
  return false;
}

/** Other tests look at every video device that there is. */
export function unloadVim2m(): void {
  if (!existsSync(DRIVER_FOLDER)) return;
  removeTestDriver('vim2m');
  removeTestDriver('v4l2-mem2mem');
}

/** The path of its node. */
export function vim2mPath(): string {
  const found = listVideoDevices().find((device) => device.refusal === undefined && device.bus === 'platform:vim2m');
  assert.ok(found !== undefined, 'vim2m has no node');
  return found.path;
}

/** Takes the device away from its driver, or gives it back: as unplugging and plugging. */
export function bindVim2m(how: 'bind' | 'unbind'): void {
  writeFileSync(`${DRIVER_FOLDER}/${how}`, 'vim2m.0');
}
