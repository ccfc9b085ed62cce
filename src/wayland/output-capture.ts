import { throwIfAborted } from '../base/abort.ts';
import type { Heap } from '../heap/heap.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import type { FrameDescription } from '../picture/frame-description.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import { compositorError } from './compositor-error.ts';
import type { ProtocolObject } from './protocol-object.ts';
import type { Interfaces } from './protocol/interfaces.ts';
import type { WaylandConnection } from './wayland-connection.ts';

/** Of which output, and into whose memory. */
export interface OutputCapture {
  readonly connection: WaylandConnection;
  readonly output: ProtocolObject<Interfaces['wl_output']>;
  readonly heap: Heap;
  readonly signal: AbortSignal | undefined;
}

/** What the compositor wants its picture to be. */
export interface WantedPicture {
  readonly fourcc: number;
  readonly width: number;
  readonly height: number;
  /** Default: the bytes of a row. */
  readonly stride?: number | undefined;
}

/**
 * Allocates what the compositor wants, and has it filled. It is closed where it is not.
 *
 * @param fill returns whether it was filled
 * @returns undefined where it was not
 */
export async function captureInto(
  { heap, signal }: OutputCapture,
  wanted: WantedPicture,
  fill: (layout: FrameLayout) => Promise<boolean>,
): Promise<FrameLayout | undefined> {
  throwIfAborted(signal);
  const description = describe(wanted);
  const memory = heap.allocate(description.length, { shareable: true });
  let isFilled = false;
  try {
    const layout = new FrameLayout(description, [memory]);
    isFilled = await fill(layout);
    return isFilled ? layout : undefined;
  } finally {
    if (!isFilled) memory.close();
  }
}

/** @throws {DmaBufError} `EPROTO` for what is no picture */
function describe({ fourcc, ...size }: WantedPicture): FrameDescription {
  try {
    return describeFrame(fourcc as Fourcc, size);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw compositorError(`it wants a picture that cannot be: ${error.message}`);
  }
}
