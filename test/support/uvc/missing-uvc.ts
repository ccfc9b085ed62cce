import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { hostname } from 'node:os';

import { HOST_FOLDER } from './usb-port.ts';

const MODULES = ['vhci-hcd', 'uvcvideo'];
/** The only machine whose kernel tests load modules into: that of vm/init-script.ts. */
const GUEST = 'dmabuf-guest';

/**
 * Why no camera in software can be plugged in here; false where one can. In the guest, loads the
 * modules. For the `skip` of a test.
 */
export function missingUvc(): string | false {
  if (hostname() === GUEST) for (const name of MODULES) spawnSync('modprobe', ['-q', name]);
  try {
    accessSync(`${HOST_FOLDER}/attach`, constants.W_OK);
    accessSync('/sys/module/uvcvideo');
    return false;
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    return `no camera can be plugged in here (${path}: ${code}): npm run vm boots a kernel with ${MODULES.join(' and ')}`;
  }
}
