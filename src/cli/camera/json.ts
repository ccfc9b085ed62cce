/** What `dmabuf camera` prints for programs: docs/schemas/dmabuf-camera(s).schema.json. */

import type { ControlDescription } from '../../v4l2/control-list.ts';
import type { ControlValue } from '../../v4l2/control-value.ts';
import type { VideoDeviceInfo } from '../../v4l2/device-info.ts';
import type { QueueDescription, VideoDeviceDescription } from '../../v4l2/list-cameras.ts';

export function toCamerasJson(cameras: readonly VideoDeviceInfo[]): object {
  return {
    format: 'dmabuf-cameras',
    version: 1,
    cameras: cameras.map((camera) => {
      const { path, name, kind, stablePaths } = camera;
      const known =
        camera.refusal === undefined ? { driver: camera.driver, bus: camera.bus } : { driver: null, bus: null };
      return { path, name, kind, ...known, stablePaths, refusal: camera.refusal ?? null };
    }),
  };
}

export function toCameraJson(camera: VideoDeviceDescription, values: ReadonlyMap<string, ControlValue>): object {
  const { path, name, kind, driver, bus, stablePaths, mediaController } = camera;
  const { queues, inputs, currentInput, outputs, currentOutput, controls } = camera;
  return {
    format: 'dmabuf-camera',
    version: 1,
    path,
    name,
    kind,
    driver,
    bus,
    stablePaths,
    mediaController,
    queues: queues.map(toQueueJson),
    inputs,
    currentInput: currentInput ?? null,
    outputs,
    currentOutput: currentOutput ?? null,
    controls: controls.map((control) => toControlJson(control, values.get(control.key))),
  };
}

function toQueueJson({ direction, multiPlanar, buffers, current, formats }: QueueDescription): object {
  return {
    direction,
    multiPlanar,
    buffers: buffers ?? null,
    current:
      current === undefined
        ? null
        : { ...current, name: current.name ?? null, framesPerSecond: current.framesPerSecond ?? null },
    formats: formats.map(({ name, ...format }) => ({ ...format, name: name ?? null })),
  };
}

/** Numbers of 64 bits as decimal texts. */
function toControlJson(control: ControlDescription, value: ControlValue): object {
  const { minimum, maximum, step, defaultValue, ...rest } = control;
  return {
    ...rest,
    minimum: String(minimum),
    maximum: String(maximum),
    step: String(step),
    defaultValue: String(defaultValue),
    value: toValueJson(value),
  };
}

function toValueJson(value: ControlValue): string | number | boolean | null {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
