import { readOptions } from '../base/check.ts';
import { STREAMING_OPTIONS, checkStreaming } from './camera-options.ts';
import type { CheckedStreaming, StreamingOptions } from './camera-options.ts';
import type { ConverterRequest } from './converter-session.ts';

/** Options of one side of a converter: as a camera's, without a rate. */
export type ConverterSideOptions = Omit<StreamingOptions, 'rate'>;

/** Options of `openVideoConverter`. */
export interface VideoConverterOptions {
  /**
   * What goes in. Buffers of a camera (`camera.buffers`) let its frames be converted as they are.
   * Default: what the device is set to, in buffers of a heap.
   */
  readonly input?: ConverterSideOptions | undefined;
  /** What comes out. Default: what the device makes of the input, in buffers of a heap. */
  readonly output?: ConverterSideOptions | undefined;
}

const SIDE_OPTIONS = STREAMING_OPTIONS.filter((name) => name !== 'rate');

/** Reads options once. `action` completes "Cannot …". */
export function readConverterOptions(options: VideoConverterOptions, action: string): ConverterRequest {
  const { input = {}, output = {} } = readOptions(options, action, ['input', 'output']);
  return { input: readSide(input, 'input', action), output: readSide(output, 'output', action) };
}

function readSide(options: ConverterSideOptions, side: 'input' | 'output', action: string): CheckedStreaming {
  const plain: StreamingOptions = readOptions(options, action, SIDE_OPTIONS, side);
  return checkStreaming(plain, `${action} with this ${side}`);
}
