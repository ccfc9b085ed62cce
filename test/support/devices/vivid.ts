import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { listVideoDevices, openVideoControls } from '../../../src/v4l2/index.ts';
import type { ControlValue, KnownDeviceInfo } from '../../../src/v4l2/index.ts';

/** The only machine whose kernel tests load modules into: that of vm/init-script.ts. */
const GUEST = 'dmabuf-guest';
const DRIVER_FOLDER = '/sys/bus/platform/drivers/vivid';

/**
 * What the test cameras are: a single-planar one, a multi-planar one, and one that takes only
 * contiguous memory. Each has an output beside it.
 */
const OPTIONS = ['n_devs=3', 'node_types=0x101,0x101,0x101', 'multiplanar=1,2,1', 'allocators=0,0,1'];

/** Which of vivid's devices. */
export const SINGLE_PLANAR = 0;
export const MULTI_PLANAR = 1;
export const CONTIGUOUS_ONLY = 2;

/**
 * Why there is no vivid here (drivers/media/test-drivers/vivid); false where there is. In the
 * guest, loads it. For the `skip` of a test.
 */
export function missingVivid(): string | false {
  if (hostname() !== GUEST) return 'vivid, the kernel’s test camera, is loaded in a guest only: npm run vm boots one';
  if (!existsSync(DRIVER_FOLDER)) spawnSync('modprobe', ['-q', 'vivid', ...OPTIONS]);
  return existsSync(DRIVER_FOLDER) ? false : 'this guest’s kernel has no module vivid';
}

/** A node of a device of vivid's. */
export function vividNode(instance: number, kind: 'capture' | 'output'): KnownDeviceInfo {
  const bus = `platform:vivid-${`${instance}`.padStart(3, '0')}`;
  for (const device of listVideoDevices()) {
    if (device.refusal === undefined && device.bus === bus && device.kind === kind) return device;
  }
  throw new Error(`${bus} has no node of kind ${kind}`);
}

/** Sets a control by way of a descriptor of its own, as another program does. */
export function setControl(path: string, control: string, value?: ControlValue): void {
  const controls = openVideoControls(path);
  try {
    controls.set(control, value);
  } finally {
    controls.close();
  }
}

/** The path of a test camera, with bars of full colour and without text in its picture. */
export function barsOfVivid(instance: number): string {
  const { path } = vividNode(instance, 'capture');
  setControl(path, 'test_pattern', 1);
  setControl(path, 'osd_text_mode', 2);
  return path;
}

/**
 * Takes vivid's devices away from their driver, or gives them back: as unplugging and plugging. All
 * of them, which the platform has as one.
 */
export function bindVivid(how: 'bind' | 'unbind'): void {
  writeFileSync(`${DRIVER_FOLDER}/${how}`, 'vivid.0');
}

/** The devices and buffers that this process has open. */
export function heldFiles(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => linkOrNothing(`/proc/self/fd/${fd}`))
    .filter((link) => link.startsWith('/dev/') || link.includes('dmabuf'))
    .toSorted();
}

function linkOrNothing(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
