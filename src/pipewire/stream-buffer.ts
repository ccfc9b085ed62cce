import { DRM_FORMAT_MOD_LINEAR } from '../uapi/drm-fourcc.ts';
import { FrameDescription } from '../picture/frame-description.ts';
import { findFrameFlaw } from '../picture/frame-flaw.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import { wordsOf } from './memory-pool.ts';
import type { MemoryPool, SharedRegion } from './memory-pool.ts';
import { protocolError, unknownError } from './protocol-error.ts';
import { readNumber } from './spa-pod.ts';
import type { Pod } from './spa-pod.ts';
import type { StreamFormat } from './stream-format.ts';

/** SPA_DATA_* of spa/buffer/buffer.h. */
const DATA = { pointer: 1, memory: 4 } as const;
/** `struct spa_chunk`: offset, size, stride, flags. */
const CHUNK_BYTES = 16;
/** SPA_CHUNK_FLAG_CORRUPTED and SPA_CHUNK_FLAG_EMPTY. */
const UNUSABLE = 0b11;
const META_ALIGNMENT = 8;
const BUFFERS_MAX = 64;
const METAS_MAX = 32;

/** A buffer of a stream: where its pictures lie, and what is said of each. */
export interface StreamBuffer {
  readonly data: SharedRegion;
  /** Filled anew for each picture. */
  readonly chunk: Int32Array;
}

/**
 * The buffers of a PortUseBuffers message (src/modules/module-client-node/protocol-native.c), whose
 * first values are already read.
 *
 * @throws {DmaBufError} `EPROTO` where they do not add up, `EOPNOTSUPP` for what is not known here
 */
export function readBuffers(values: readonly Pod[], pool: MemoryPool): StreamBuffer[] {
  let at = 0;
  const next = (): number => {
    at += 1;
    return readNumber(values[at - 1]);
  };
  const count = next();
  if (count > BUFFERS_MAX) throw protocolError(`it has ${count} buffers, of at most ${BUFFERS_MAX}`);
  return Array.from({ length: count }, () => readBuffer(next, pool));
}

function readBuffer(next: () => number, pool: MemoryPool): StreamBuffer {
  const [memory, offset, size, metaCount] = [next(), next(), next(), next()];
  if (metaCount > METAS_MAX) throw protocolError(`a buffer has ${metaCount} metas`);
  let chunkAt = 0;
  for (let index = 0; index < metaCount; index += 1) {
    next();
    chunkAt += Math.ceil(next() / META_ALIGNMENT) * META_ALIGNMENT;
  }
  const dataCount = next();
  if (dataCount !== 1) throw unknownError(`a buffer of ${dataCount} parts`);
  const [kind, place, , mapOffset, sizeMax] = [next(), next(), next(), next(), next()];
  const described = pool.region(memory, offset, size);
  if (chunkAt + CHUNK_BYTES > size) throw protocolError(`a chunk at ${chunkAt} does not lie in ${size} bytes`);
  const chunk = wordsOf({ ...described, offset: offset + chunkAt, size: CHUNK_BYTES });
  if (kind === DATA.memory) return { chunk, data: pool.region(place, mapOffset, sizeMax) };
  if (kind === DATA.pointer) return { chunk, data: pool.region(memory, offset + place, sizeMax) };
  throw unknownError(`memory of kind ${kind}`);
}

/**
 * The picture that is in a buffer now. Undefined where the chunk says that there is none.
 *
 * @throws {DmaBufError} `EPROTO` for one that does not lie in its buffer
 */
export function layOutBuffer({ data, chunk }: StreamBuffer, format: StreamFormat): FrameLayout | undefined {
  // Read once: the other end may change them at any time.
  const [start = 0, length = 0, stride = 0, flags = 0] = Array.from(chunk, (_, index) => Atomics.load(chunk, index));
  if ((flags & UNUSABLE) !== 0 || length === 0) return undefined;
  if (start < 0 || length < 0 || stride <= 0 || start + length > data.size)
    throw protocolError(`a picture of ${length} bytes at ${start} does not lie in ${data.size}`);
  const { width, height, pixels } = format;
  const planes = [{ bufferIndex: 0, offset: data.offset + start, stride, length }];
  const fields = { width, height, fourcc: pixels.fourcc, modifier: DRM_FORMAT_MOD_LINEAR, planes };
  const flaw = findFrameFlaw(fields);
  if (flaw !== undefined) throw protocolError(flaw);
  return new FrameLayout(new FrameDescription(fields), [data.buffer]);
}
