import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import type { Machine } from '../linux/machine.ts';
import { openDevice } from './device-info.ts';
import type { OpenDevice } from './device-info.ts';
import type { DeviceKind } from './device-kind.ts';
import type { DeviceNode } from './device-nodes.ts';
import { refusedOpening, withRefusals } from './refusals.ts';
import type { Attempt } from './refusals.ts';

/**
 * Opens a device that must be of a kind, and sets it up.
 *
 * @throws {DmaBufError} `ENOTTY` for one of another kind; else as the device refuses. Then it is
 *   closed
 */
export function openFor<Result>(
  machine: Machine,
  { node, kind }: { readonly node: DeviceNode; readonly kind: DeviceKind },
  setUp: (device: OpenDevice, attempt: Attempt) => Result,
): Result {
  const attempt = { action: `open ${node.path}`, path: node.path };
  return withCleanup((cleanup) => {
    const device = refusedOpening(machine, attempt, () => openDevice(machine, node));
    cleanup.defer(() => device.fd.close());
    if (device.info.kind !== kind) throw wrongKind(node.path, kind, device.info.kind);
    return withRefusals(machine, attempt, () => setUp(device, attempt));
  });
}

function wrongKind(path: string, wanted: DeviceKind, found: DeviceKind): DmaBufError {
  const does: Readonly<Record<DeviceKind, string>> = {
    capture: 'gives frames (openCamera)',
    output: 'takes frames (openVideoOutput)',
    converter: 'converts frames from one queue to another (openVideoConverter)',
    other: 'has no frames to stream',
  };
  return new DmaBufError(`Cannot open ${path} for ${wanted} as it ${does[found]}`, {
    code: 'ENOTTY',
    values: { path },
  });
}
