import type { CameraOptions } from '../../v4l2/camera-options.ts';
import { VIDEO_KINDS, frameFileKind } from '../../video/frame-file.ts';
import type { FrameFile } from '../../video/capture.ts';
import type { CommandDescription } from '../command-description.ts';
import { UsageError, parseArguments } from '../parse-arguments.ts';
import { PICTURE_OPTIONS, readPictureOptions, readWholeNumber } from '../picture-options.ts';

/** What the arguments of `dmabuf capture` ask for. */
interface CaptureOptions {
  readonly json: boolean;
  readonly device: string;
  readonly camera: CameraOptions;
  readonly files: readonly FrameFile[];
  readonly skipCount: number;
  readonly heap: string | undefined;
}

export const CAPTURE_DESCRIPTION = {
  invocation: 'dmabuf capture',
  summary: 'writes frames of a camera into files',
  paragraphs: [
    'Writes frames of a camera into files, one after the other: .png, .jpg as the camera gives it (MJPG), .y4m for players ' +
      'and encoders, .raw with rows packed. What a file cannot hold is converted by one pass over the frame.',
    'The files of pictures get a frame each, those of video as many as --frames says.',
  ],
  argument: {
    usage: 'DEVICE FILE...',
    forms: [
      { name: 'DEVICE', text: 'a path such as /dev/video0, or a name or a bus; "dmabuf camera" lists them' },
      { name: 'FILE', text: 'its end says what it is to be: .png, .jpg, .y4m, .raw, .yuv, .rgb' },
    ],
    isRepeatable: true,
  },
  options: {
    ...PICTURE_OPTIONS,
    frames: { value: 'N', text: 'how many frames a file of video gets. Default: 1' },
    skip: { value: 'N', text: 'leaves out the first N frames, in which cameras find their exposure. Default: 0' },
    heap: { value: 'NAME', text: 'fills buffers of this heap', completion: 'heap' },
    json: {
      text:
        'one object instead, of the format dmabuf-capture: {device, pixelFormat, width, height, memory, frames: [{file, number, ' +
        'sequence, timestampNs, damaged}], lostCount, droppedCount}; timestampNs is a decimal text',
    },
  },
  exitStatus: '0; 1 when the camera or a file refuses',
} as const satisfies CommandDescription;

/** @throws {UsageError} for arguments that the command does not take */
export function readCaptureOptions(args: readonly string[]): CaptureOptions {
  const { options, words } = parseArguments(CAPTURE_DESCRIPTION, args);
  const [device, ...paths] = words;
  if (device === undefined || paths.length === 0)
    throw new UsageError('Cannot capture without a DEVICE and a FILE, such as /dev/video0 picture.png');
  const frameCount = options.frames === undefined ? 1 : readWholeNumber(options.frames, '--frames', 1);
  return {
    json: options.json,
    device,
    camera: readPictureOptions(options),
    files: paths.map((path) => toFile(path, frameCount)),
    skipCount: options.skip === undefined ? 0 : readWholeNumber(options.skip, '--skip', 0),
    heap: options.heap,
  };
}

function toFile(path: string, frameCount: number): FrameFile {
  const kind = frameFileKind(path);
  if (kind === undefined)
    throw new UsageError(`Cannot tell what to write into "${path}": let it end in .png, .jpg, .y4m or .raw`);
  return { path, kind, frameCount: VIDEO_KINDS.has(kind) ? frameCount : 1 };
}
