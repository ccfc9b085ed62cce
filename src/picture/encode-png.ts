import type { WaitOptions } from '../base/abort.ts';
import { wrongType, wrongValue } from '../base/argument-error.ts';
import { readWaitOptions } from '../base/check.ts';
import { DRM_FORMAT_BGR888 } from '../uapi/drm-fourcc.ts';
import { encodeRgbAsPng } from './file/png-writer.ts';
import { FrameLayout } from './frame-layout.ts';

const ACTION = 'encode the picture as PNG';

/**
 * A picture as a PNG file: 8 bits a sample, not interlaced. It is read between begin and end of CPU
 * access, and compressed in a thread of Node's pool.
 *
 * @param frame of format BGR888, which is red, green and blue in this order in memory; a blit
 *   (`dmabuf/blit`) makes it of others
 * @returns the file's bytes
 * @throws {TypeError} for what is no `FrameLayout`, or of another format
 * @throws what `FrameLayout.access` throws
 *
 * @example
 * ```ts
 * import { openHeap } from 'dmabuf';
 * import { FrameLayout, describeFrame, encodePng } from 'dmabuf/picture';
 *
 * const heap = openHeap('system');
 * const description = describeFrame('BGR888', { width: 4, height: 2 });
 * const buffer = heap.allocate(description.length);
 * const file = await encodePng(new FrameLayout(description, [buffer]));
 * console.log(Buffer.from(file.subarray(1, 4)).toString()); // PNG
 * buffer.close();
 * heap.close();
 * ```
 */
export async function encodePng(frame: FrameLayout, options: WaitOptions = {}): Promise<Uint8Array> {
  const waiting = readWaitOptions(options, ACTION);
  const argument = { action: ACTION, name: 'frame' };
  if (!FrameLayout.isLayout(frame)) throw wrongType(argument, { must: 'be a FrameLayout', received: frame });
  if (frame.fourcc !== DRM_FORMAT_BGR888)
    throw wrongValue(argument, { must: 'be of format BGR888, which a blit makes of others', received: frame });
  const { width, height } = frame;
  const bytes = await frame.access('read', ([plane]) => plane?.copyOut() ?? new Uint8Array(), waiting);
  return await encodeRgbAsPng({ width, height, bytes });
}
