import { appendFile, writeFile } from 'node:fs/promises';

import { openHeap } from '../../backend/open-heap.ts';
import type { Camera } from '../../v4l2/camera.ts';
import { openCamera } from '../../v4l2/camera.ts';
import { captureFrames } from '../../video/capture.ts';
import type { CapturedFrame } from '../../video/capture.ts';
import { FAILED, SUCCEEDED } from '../command.ts';
import type { Command, ExitStatus } from '../command.ts';
import { writeJsonLine } from '../json-line.ts';
import { formatAmount } from '../../base/number-format.ts';
import { formatName } from '../../base/printable-text.ts';
import { wrapText } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { withFile } from '../file-failure.ts';
import { CAPTURE_DESCRIPTION, readCaptureOptions } from './options.ts';

export const captureCommand: Command = {
  name: 'capture',
  description: CAPTURE_DESCRIPTION,
  run: async (args, terminal) => await capture(readCaptureOptions(args), terminal),
};

async function capture(options: ReturnType<typeof readCaptureOptions>, terminal: Terminal): Promise<ExitStatus> {
  const heap = options.heap === undefined ? undefined : openHeap(options.heap, { require: ['deviceImport'] });
  try {
    const camera = openCamera(options.device, { ...options.camera, heap });
    try {
      return await captureFrom(camera, options, terminal);
    } finally {
      camera.close();
    }
  } finally {
    heap?.close();
  }
}

async function captureFrom(
  camera: Camera,
  { files, skipCount, json }: ReturnType<typeof readCaptureOptions>,
  terminal: Terminal,
): Promise<ExitStatus> {
  const total = files.reduce((sum, { frameCount }) => sum + frameCount, 0);
  const frames: CapturedFrame[] = [];
  const interrupted = await untilInterrupted(async (signal) => {
    for await (const frame of captureFrames(camera, { files, skipCount, save, signal })) {
      frames.push(frame);
      terminal.showProgress(`${frames.length} of ${formatAmount(total, 'frame', 'frames')}`);
    }
  });
  terminal.clearProgress();
  if (json) writeJsonLine(toJson(camera, frames), terminal.writeJson);
  else for (const line of formatCapture(camera, frames, terminal.columns)) terminal.print(line);
  return interrupted ? FAILED : SUCCEEDED;
}

/** Apart from the frames: what a camera refuses is not told as a refusal of the file. */
async function save(path: string, bytes: Uint8Array, how: 'write' | 'append'): Promise<void> {
  await withFile('write', path, async () => await (how === 'write' ? writeFile : appendFile)(path, bytes));
}

function formatCapture(camera: Camera, frames: readonly CapturedFrame[], columns: number): string[] {
  const { width, height, fourcc } = camera.format;
  const { lostCount, droppedCount } = camera.counts;
  const byFile = groupByPath(frames);
  return [
    ...wrapText(`${camera.path}: ${fourcc}, ${width}x${height}; ${camera.memory.reason}`, columns),
    ...[...byFile].map(([path, ofFile]) => `${formatName(path)}: ${formatAmount(ofFile.length, 'frame', 'frames')}`),
    ...(lostCount + droppedCount === 0
      ? []
      : wrapText(`${lostCount} frames were lost by the driver, and ${droppedCount} were dropped here`, columns)),
  ];
}

function groupByPath(frames: readonly CapturedFrame[]): Map<string, CapturedFrame[]> {
  const groups = new Map<string, CapturedFrame[]>();
  for (const frame of frames) groups.set(frame.path, [...(groups.get(frame.path) ?? []), frame]);
  return groups;
}

/** For programs: docs/schemas/dmabuf-capture.schema.json. */
function toJson(camera: Camera, frames: readonly CapturedFrame[]): object {
  const { width, height, fourcc } = camera.format;
  const { lostCount, droppedCount } = camera.counts;
  return {
    format: 'dmabuf-capture',
    version: 1,
    device: camera.path,
    pixelFormat: fourcc,
    width,
    height,
    memory: { kind: camera.memory.kind, reason: camera.memory.reason },
    frames: frames.map(({ path, timestampNs, ...rest }) => ({ file: path, ...rest, timestampNs: String(timestampNs) })),
    lostCount,
    droppedCount,
  };
}
