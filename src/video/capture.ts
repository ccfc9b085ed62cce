import type { Camera } from '../v4l2/camera.ts';
import type { CameraFrame } from '../v4l2/camera-frame.ts';
import { FrameConverter } from './frame-converter.ts';
import { ENCODERS } from './frame-file.ts';
import type { FrameFileKind } from './frame-file.ts';

/** A file to be written. */
export interface FrameFile {
  readonly path: string;
  readonly kind: FrameFileKind;
  /** How many frames it gets. */
  readonly frameCount: number;
}

/** What to capture. */
interface CaptureRequest {
  readonly files: readonly FrameFile[];
  /** Frames that are left out at first: cameras take a while to find their exposure. */
  readonly skipCount: number;
  /** Writes a file's first bytes, or further ones behind them. */
  readonly save: (path: string, bytes: Uint8Array, how: 'write' | 'append') => Promise<void>;
  readonly signal: AbortSignal;
}

/** A frame that was written. */
export interface CapturedFrame {
  readonly path: string;
  /** Of the frames of its file, from 1. */
  readonly number: number;
  readonly sequence: number;
  readonly timestampNs: bigint;
  readonly damaged: boolean;
}

/**
 * Writes a camera's frames into files, one behind the other.
 *
 * @throws {DmaBufError} `EINVAL` for frames that the kind of a file cannot hold
 * @throws what the camera and `save` throw, and the abort reason
 */
export async function* captureFrames(
  camera: Camera,
  { files, skipCount, save, signal }: CaptureRequest,
): AsyncGenerator<CapturedFrame, void, undefined> {
  const converter = new FrameConverter();
  const targets = files.flatMap((file) => framesOf(file));
  let skipped = 0;
  let written = 0;
  try {
    for await (const frame of camera.frames({ signal })) {
      if (skipped < skipCount) {
        skipped += 1;
        frame.close();
        continue;
      }
      const { file, number } = targets[written] as Target;
      const bytes = await encodeFrame(file.kind, frame, { converter, isFirst: number === 1 });
      await save(file.path, bytes, number === 1 ? 'write' : 'append');
      const { sequence, timestampNs, damaged } = frame;
      yield { path: file.path, number, sequence, timestampNs, damaged };
      written += 1;
      if (written === targets.length) return;
    }
  } finally {
    converter.close();
  }
}

/** Closes the frame: its bytes are all that is needed of it. */
async function encodeFrame(
  kind: FrameFileKind,
  frame: CameraFrame,
  encoding: { readonly converter: FrameConverter; readonly isFirst: boolean },
): Promise<Uint8Array> {
  try {
    return await ENCODERS[kind](frame, encoding);
  } finally {
    frame.close();
  }
}

interface Target {
  readonly file: FrameFile;
  readonly number: number;
}

function framesOf(file: FrameFile): Target[] {
  return Array.from({ length: file.frameCount }, (_, index) => ({ file, number: index + 1 }));
}
