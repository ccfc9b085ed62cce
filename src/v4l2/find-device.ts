import { checkName } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import type { Machine } from '../linux/machine.ts';
import { inspectDevice } from './device-info.ts';
import type { VideoDeviceInfo } from './device-info.ts';
import type { DeviceKind } from './device-kind.ts';
import { listDeviceNodes } from './device-nodes.ts';
import type { DeviceNode } from './device-nodes.ts';

/** Which device is meant, and what for. */
interface DeviceRequest {
  /** As the caller gave it. */
  readonly device: unknown;
  /** Completes "Cannot …". */
  readonly action: string;
  readonly kind: DeviceKind;
}

/**
 * The node that a caller means: by its path, by a stable path or its last part, by its name or by
 * its bus. Only devices of the kind are looked at where it is no path.
 *
 * @throws {TypeError} for what is no text, or an empty one
 * @throws {DmaBufError} `ENODEV` where none matches, `EINVAL` where several do
 */
export function findDevice(machine: Machine, { device, action, kind }: DeviceRequest): DeviceNode {
  const wanted = checkName(device, { action, name: 'device' });
  const nodes = listDeviceNodes(machine);
  const node = nodes.find(({ path, stablePaths }) => path === wanted || stablePaths.includes(wanted));
  if (node !== undefined) return node;
  if (wanted.startsWith('/')) return { path: wanted, name: '', stablePaths: [] };
  const devices = nodes.map((each) => inspectDevice(machine, each));
  const candidates = devices.filter((each) => each.kind === kind || each.kind === 'unknown');
  const matching = candidates.filter((each) => namesOf(each).includes(wanted));
  const [found, other] = matching;
  if (found === undefined) throw notFound(wanted, candidates, action);
  if (other !== undefined) throw notUnique(wanted, matching, action);
  return found;
}

/** What a device may be called. */
function namesOf(device: VideoDeviceInfo): string[] {
  const links = device.stablePaths.map((path) => path.slice(path.lastIndexOf('/') + 1));
  const node = device.path.slice(device.path.lastIndexOf('/') + 1);
  return [node, device.name, ...links, ...(device.refusal === undefined ? [device.bus] : [])];
}

function notFound(wanted: string, devices: readonly VideoDeviceInfo[], action: string): DmaBufError {
  const there = devices.length === 0 ? 'there is none of its kind' : `there are ${describe(devices)}`;
  return new DmaBufError(`Cannot ${action} as no device is called ${quoteForeign(wanted)}: ${there}`, {
    code: 'ENODEV',
    values: { device: wanted },
  });
}

function notUnique(wanted: string, devices: readonly VideoDeviceInfo[], action: string): DmaBufError {
  const message = `Cannot ${action} as several devices are called ${quoteForeign(wanted)}: give the path of one of ${describe(devices)}`;
  return new DmaBufError(message, { code: 'EINVAL', values: { device: wanted } });
}

function describe(devices: readonly VideoDeviceInfo[]): string {
  return devices.map(({ path, name }) => `${path} (${quoteForeign(name)})`).join(', ');
}
