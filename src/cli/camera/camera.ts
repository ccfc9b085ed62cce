import { isDmaBufError } from '../../base/errors.ts';
import type { ControlValue } from '../../v4l2/control-value.ts';
import { describeVideoDevice, listCameras } from '../../v4l2/list-cameras.ts';
import type { VideoDeviceDescription } from '../../v4l2/list-cameras.ts';
import { openVideoControls } from '../../v4l2/video-controls.ts';
import { SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { writeJsonLine } from '../json-line.ts';
import { UsageError, parseArguments } from '../parse-arguments.ts';
import { parseControlSetting, setControls } from './control-setting.ts';
import { toCameraJson, toCamerasJson } from './json.ts';
import { formatCamera, formatCameras } from './report.ts';

const DESCRIPTION = {
  invocation: 'dmabuf camera',
  summary: 'lists cameras; describes one, and sets its controls',
  paragraphs: [
    'Lists the cameras of this machine. With a DEVICE: its formats with sizes and rates, its inputs, its controls with their ' +
      'values, and whether it fills buffers of heaps.',
  ],
  argument: {
    usage: '[DEVICE]',
    forms: [{ name: 'DEVICE', text: 'a path such as /dev/video0 or one below /dev/v4l/by-id, or a name or a bus' }],
    suggestions: ['/dev/video0'],
  },
  options: {
    set: {
      value: 'NAME=VALUE',
      isRepeatable: true,
      text: 'sets a control first, such as brightness=128; a choice of a menu by its number or its name; may be given again',
    },
    json: {
      text:
        'one object instead: of the format dmabuf-cameras: {cameras: [{path, name, driver, bus, kind, stablePaths, refusal}]}, ' +
        'or with a DEVICE of the format dmabuf-camera: {path, name, driver, bus, queues, inputs, controls, ...}',
    },
  },
  exitStatus: '0; 1 when there is no such device, or it refuses',
} as const satisfies CommandDescription;

export const cameraCommand: Command = {
  name: 'camera',
  description: DESCRIPTION,
  run: (args, terminal) => {
    const { options, words } = parseArguments(DESCRIPTION, args);
    const [device] = words;
    const print = (lines: readonly string[]): void => lines.forEach((line) => terminal.print(line));
    if (device === undefined) {
      if (options.set.length > 0) throw new UsageError('Cannot set a control without a DEVICE, such as /dev/video0');
      const cameras = listCameras();
      if (options.json) writeJsonLine(toCamerasJson(cameras), terminal.writeJson);
      else print(formatCameras(cameras, terminal));
      return SUCCEEDED;
    }
    setControls(device, options.set.map(parseControlSetting));
    const description = describeVideoDevice(device);
    const values = readValues(device, description);
    if (options.json) writeJsonLine(toCameraJson(description, values), terminal.writeJson);
    else print(formatCamera(description, values, terminal));
    return SUCCEEDED;
  },
};

/** By the controls' keys. Those that cannot be read now are left out. */
function readValues(device: string, { controls }: VideoDeviceDescription): ReadonlyMap<string, ControlValue> {
  const opened = openVideoControls(device);
  try {
    return new Map(
      controls.flatMap(({ id, key, type, writeOnly }) => {
        if (writeOnly || type === 'button') return [];
        try {
          return [[key, opened.get(id)] as const];
        } catch (error) {
          if (isDmaBufError(error)) return [];
          throw error;
        }
      }),
    );
  } finally {
    opened.close();
  }
}
