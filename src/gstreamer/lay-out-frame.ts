import type { DmaBuf } from '../heap/dma-buf.ts';
import { findFrameFlaw, rowsOf } from '../picture/frame-flaw.ts';
import type { FrameFields, PlaneDescription } from '../picture/frame-flaw.ts';
import { FrameDescription } from '../picture/frame-description.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { PixelFormat } from '../picture/pixel-format-table.ts';
import { DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import { defaultPlanes } from './default-planes.ts';
import { protocolError } from './protocol-error.ts';
import type { SentMemory } from './unixfd-command.ts';
import type { VideoCaps } from './video-caps.ts';
import { findVideoFormatByNumber, videoFormatOf } from './video-format.ts';
import type { VideoFormat } from './video-format.ts';
import type { VideoMeta } from './video-meta.ts';

/** What a frame is: by its own meta, or by the caps and GStreamer's default layout. */
interface SentPicture {
  readonly format: VideoFormat;
  readonly width: number;
  readonly height: number;
  readonly planes: readonly { readonly offset: number; readonly stride: number }[];
}

/** A memory, and the buffer that its file was imported as. */
interface ImportedMemory extends SentMemory {
  readonly buffer: DmaBuf;
}

/**
 * The picture that a pipeline has sent.
 *
 * @param meta of the frame, where it has one
 * @throws {DmaBufError} `EPROTO` for a picture that does not lie in its memories
 */
export function layOutFrame(
  caps: VideoCaps,
  meta: VideoMeta | undefined,
  memories: readonly ImportedMemory[],
): FrameLayout {
  const picture = pictureOf(caps, meta);
  const format = picture.format.pixels;
  if (picture.planes.length !== format.planes.length)
    throw protocolError(`its ${picture.format.name} has ${picture.planes.length} planes, of ${format.planes.length}`);
  const buffers = [...new Set(memories.map(({ buffer }) => buffer))];
  const planes = picture.planes.map((plane, index) => {
    const { memory, offset, room } = findMemory(memories, plane.offset, index);
    const length = Math.min(room, lengthOf(picture, format, index));
    return {
      bufferIndex: buffers.indexOf(memory.buffer),
      offset: memory.offset + offset,
      stride: plane.stride,
      length,
    };
  });
  const { width, height } = picture;
  const fields = { width, height, fourcc: format.fourcc, modifier: DRM_FORMAT_MOD_LINEAR, planes };
  return new FrameLayout(
    describe(fields, buffers),
    buffers.filter((_, index) => isUsed(planes, index)),
  );
}

function pictureOf(caps: VideoCaps, meta: VideoMeta | undefined): SentPicture {
  if (meta === undefined) return { ...caps, format: videoFormatOf(caps.format), planes: defaultPlanes(caps) };
  const format = findVideoFormatByNumber(meta.formatNumber);
  if (format === undefined) throw protocolError(`its format is number ${meta.formatNumber}, which is not known`);
  return { ...meta, format };
}

/** With the whole stride of the last row, which a memory may leave out. */
function lengthOf({ width, height, planes }: SentPicture, format: PixelFormat, index: number): number {
  const plane = format.planes[index];
  const { stride } = planes[index] ?? { stride: 0 };
  return plane === undefined ? 0 : rowsOf(plane, width, height).rowCount * stride;
}

/** Offsets count through all memories, as if one lay behind the other. */
function findMemory(
  memories: readonly ImportedMemory[],
  offset: number,
  index: number,
): { memory: ImportedMemory; offset: number; room: number } {
  let start = 0;
  for (const memory of memories) {
    if (offset < start + memory.length) return { memory, offset: offset - start, room: start + memory.length - offset };
    start += memory.length;
  }
  throw protocolError(`its plane ${index} lies at ${offset}, behind its ${start} bytes`);
}

function describe(fields: FrameFields, buffers: readonly DmaBuf[]): FrameDescription {
  const { planes } = fields;
  for (const [index, { bufferIndex, offset, length, stride }] of planes.entries()) {
    const bytes = buffers[bufferIndex]?.length ?? 0;
    if (offset + length > bytes || stride < 0)
      throw protocolError(`its plane ${index} of ${length} bytes at ${offset} does not lie in a file of ${bytes}`);
  }
  const flaw = findFrameFlaw(fields);
  if (flaw !== undefined) throw protocolError(flaw);
  return new FrameDescription(fields);
}

function isUsed(planes: readonly PlaneDescription[], index: number): boolean {
  return planes.some(({ bufferIndex }) => bufferIndex === index);
}
