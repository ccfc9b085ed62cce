import { watch } from 'node:fs';
import { join } from 'node:path';

import { onAbort, throwIfAborted } from '../base/abort.ts';
import type { Machine } from '../linux/machine.ts';
import { inspectDevice } from './device-info.ts';
import type { KnownDeviceInfo } from './device-info.ts';
import { listDeviceNodes } from './device-nodes.ts';
import type { DeviceNode } from './device-nodes.ts';

/**
 * Waits until a device that was unplugged is back at the same place: its node may have another
 * number then. It looks whenever something changes in /dev.
 *
 * @returns the node that it has now
 * @throws the abort reason when given up
 */
export async function waitForDevice(
  machine: Machine,
  device: KnownDeviceInfo,
  signal: AbortSignal | undefined,
): Promise<DeviceNode> {
  for (;;) {
    throwIfAborted(signal);
    // Watched before it is looked for: what comes in between is not missed.
    const change = watchForChange(join(machine.root, 'dev'), signal);
    try {
      const node = findAgain(machine, device);
      if (node !== undefined) return node;
      await change.happened;
    } finally {
      change.stop();
    }
  }
}

/** Undefined while it is not there, or not open to us yet: udev sets permissions later. */
function findAgain(machine: Machine, { bus, name, kind }: KnownDeviceInfo): DeviceNode | undefined {
  return listDeviceNodes(machine).find((node) => {
    const found = inspectDevice(machine, node);
    return found.refusal === undefined && found.bus === bus && found.name === name && found.kind === kind;
  });
}

function watchForChange(
  folder: string,
  signal: AbortSignal | undefined,
): { readonly happened: Promise<void>; stop(): void } {
  const watcher = watch(folder);
  let stopListening = (): void => {};
  const happened = new Promise<void>((resolve, reject) => {
    watcher.once('change', () => resolve());
    watcher.once('error', reject);
    stopListening = onAbort(signal, reject);
  });
  // Where the device is found at once, the wait is given up, and what it gives is nobody's.
  happened.catch(() => {});
  return {
    happened,
    stop: () => {
      stopListening();
      watcher.close();
    },
  };
}
