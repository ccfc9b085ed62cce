import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { KernelVmapCalls } from '../linux/calls/kernel-vmap-calls.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';

const DEVICE_PATH = '/dev/dmabuf-measure';
/** Where the guests of this repository have it (vm/guest-modules.ts). */
const MODULE_PATH = '/lib/dmabuf/dmabuf_measure.ko';
const ACTION = 'Cannot measure in the kernel as';

/**
 * The device of the module that measures.
 *
 * @throws {DmaBufError} `ENODEV` without the module, `EACCES` or `EPERM` for others than root: with
 *   the remedy
 */
export function openMeasureDevice(calls: KernelVmapCalls, machine: Machine = thisMachine): OwnedFd {
  try {
    return calls.openDevice(DEVICE_PATH);
  } catch (error) {
    if (isDmaBufError(error, 'ENOENT')) throw missingModule(error, machine);
    if (isDmaBufError(error, 'EACCES') || isDmaBufError(error, 'EPERM'))
      throw new DmaBufError(`${ACTION} only root may use ${DEVICE_PATH}: run this as root`, {
        code: error.code,
        syscall: 'open',
        values: { path: DEVICE_PATH },
        cause: error,
      });
    throw error;
  }
}

function missingModule(cause: DmaBufError, machine: Machine): DmaBufError {
  const remedy = existsSync(join(machine.root, MODULE_PATH))
    ? `run: insmod ${MODULE_PATH}`
    : 'it is built for the guest of a clone of this repository. There, run: npm run vm -- sh -c ' +
      `'insmod ${MODULE_PATH} && dmabuf vmap 64MiB --heap system --kernel'`;
  return new DmaBufError(`${ACTION} there is no ${DEVICE_PATH}, which the module dmabuf_measure makes: ${remedy}`, {
    code: 'ENODEV',
    syscall: 'open',
    values: { path: DEVICE_PATH },
    cause,
  });
}
