import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { listVideoDevices } from '../../../src/v4l2/index.ts';

/** The only machine whose kernel tests load modules into: that of vm/init-script.ts. */
const GUEST = 'dmabuf-guest';
/** Where it has them (vm/kernel-test-drivers.ts). */
const FOLDER = '/lib/dmabuf';
const DRIVER_FOLDER = '/sys/bus/platform/drivers/vim2m';

/**
 * Why there is no vim2m here, the kernel's test device of the memory-to-memory kind
 * (drivers/media/test-drivers/vim2m.c); false where there is. In the guest, loads it. For the
 * `skip` of a test.
 */
export function missingVim2m(): string | false {
  if (hostname() !== GUEST)
    return 'vim2m, the kernel’s test converter, is loaded in a guest only: npm run vm boots one';
  if (!existsSync(`${FOLDER}/vim2m.ko`))
    return `this guest has no vim2m: ${process.env['DMABUF_TEST_DRIVERS_MISSING'] ?? 'it was not built'}`;
  if (existsSync(DRIVER_FOLDER)) return false;
  run('modprobe', '-a', 'videobuf2-vmalloc', 'videobuf2-v4l2');
  run('insmod', `${FOLDER}/v4l2-mem2mem.ko`);
  run('insmod', `${FOLDER}/vim2m.ko`, 'default_transtime=1');
  return false;
}

/** Other tests look at every video device that there is. */
export function unloadVim2m(): void {
  if (!existsSync(DRIVER_FOLDER)) return;
  run('rmmod', 'vim2m');
  run('rmmod', 'v4l2-mem2mem');
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

function run(program: string, ...words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${words.join(' ')}: ${error?.message ?? stderr}`);
}
