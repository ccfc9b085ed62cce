import { wrongType } from '../../base/argument-error.ts';
import { checkInteger, checkOneOf, readOptions } from '../../base/check.ts';
import { withCleanup } from '../../base/cleanup.ts';
import { DmaBufError } from '../../base/errors.ts';
import { roundUp } from '../../base/quantities.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { readAvailableMemory } from '../../linux/proc/available-memory.ts';
import { MemoryCalls } from '../../linux/calls/memory-calls.ts';
import type { FrameDescription } from '../../picture/frame-description.ts';
import { BufferConnection } from '../connection/buffer-connection.ts';
import type { ReceivedMessage } from '../connection/received-message.ts';
import { RingAreaMemory } from './ring-area-memory.ts';
import { ringAreaBytes } from './ring-area.ts';
import type { RingMode } from './ring-claims.ts';
import { RingConsumer } from './ring-consumer.ts';
import { mapRingFrames } from './ring-frame-memory.ts';
import { decodeOffer, encodeRingMessage, protocolError, RING_HELD_MAX } from './ring-messages.ts';
import type { JoinMessage, OfferMessage } from './ring-messages.ts';

/** The default share of the remaining memory. As much again stays for work on the frames. */
const BYTES_SHARE_DEFAULT = 0.5;

/** Options of {@link joinFrameRing}. */
export interface JoinFrameRingOptions {
  /**
   * `newest`: skips frames that were published while the consumer was busy. `every`: takes each in
   * order.
   */
  readonly mode: RingMode;
  /**
   * How many frames this consumer may hold at the same time, up to 16. The producer reserves as
   * many. Default: 1.
   */
  readonly heldMax?: number | undefined;
  /**
   * The most memory, in bytes, that the producer may make this process map and fault in: all
   * frames, in whole pages, and the area. Default: half of the memory that this process may still
   * take, by the machine and its control groups.
   */
  readonly bytesMax?: number | undefined;
  /** Aborts the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Joins the frame ring of the producer at the other end of a connection. The consumer takes
 * ownership of the connection, which is closed if this fails.
 *
 * @throws {TypeError | RangeError} for an invalid option
 * @throws {DmaBufError} `EBUSY` when the producer has too few frames left; `EPIPE` when it is gone;
 *   `EPROTO`, and the errors of `receive()`, for a nonsensical offer; `EFBIG` when its frames take
 *   more than `bytesMax`
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * import { mkdtempSync, rmSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { KiB, openHeap } from 'dmabuf';
 * import { createFrameRing, joinFrameRing } from 'dmabuf/ring';
 * import { connect, listen } from 'dmabuf/share';
 *
 * // The producer; as a rule the consumer is another process.
 * const path = join(mkdtempSync(join(tmpdir(), 'ring-')), 'socket');
 * const heap = openHeap('system');
 * const ring = createFrameRing(heap, { frameLength: 64 * KiB, frameCount: 4 });
 * const listener = await listen(path);
 * void ring.serve(listener);
 *
 * const consumer = await joinFrameRing(await connect(path), { mode: 'newest' });
 * const written = ring.acquire();
 * written.bytes.fill(7);
 * written.publish();
 * const frame = await consumer.next();
 * console.log(frame?.bytes[0]); // 7
 * frame?.release();
 * for (const each of [consumer, listener, ring, heap]) each.close();
 * rmSync(join(path, '..'), { recursive: true });
 * ```
 */
export async function joinFrameRing(
  connection: BufferConnection,
  options: JoinFrameRingOptions,
): Promise<RingConsumer> {
  const { bytesMax, signal, ...asked } = checkJoin(connection, options);
  try {
    await connection.send({ message: encodeRingMessage(asked) }, { signal });
    const received = await connection.receive({ signal });
    if (received === undefined) {
      throw new DmaBufError('Cannot join the frame ring as its producer is gone', { code: 'EPIPE' });
    }
    return acceptOffer(connection, received, { ...asked, bytesMax: bytesMax ?? defaultBytesMax() });
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The consumer's request, and its limit on memory. */
interface JoinRequest extends JoinMessage {
  readonly bytesMax: number;
}

function checkJoin(
  connection: BufferConnection,
  options: JoinFrameRingOptions,
): JoinMessage & Pick<JoinFrameRingOptions, 'bytesMax' | 'signal'> {
  const action = 'join the frame ring';
  const plain = readOptions(options, action, ['mode', 'heldMax', 'bytesMax', 'signal']);
  if (!BufferConnection.isConnection(connection))
    throw wrongType({ action, name: 'connection' }, { must: 'be a BufferConnection', received: connection });
  const { heldMax = 1, bytesMax, signal } = plain;
  return {
    mode: checkOneOf(plain.mode, { action, name: 'mode', allowed: ['newest', 'every'] }),
    heldMax: checkInteger(heldMax, { action, name: 'heldMax', min: 1, max: RING_HELD_MAX }),
    bytesMax:
      bytesMax === undefined
        ? undefined
        : checkInteger(bytesMax, { action, name: 'bytesMax', min: 1, max: Number.MAX_SAFE_INTEGER, unit: 'bytes' }),
    signal,
  };
}

/** Beyond a control group's limit there would be no error, only SIGKILL. */
function defaultBytesMax(): number {
  return readAvailableMemory().bytes * BYTES_SHARE_DEFAULT;
}

/** Checks every part of the offer before any of it is mapped. */
function acceptOffer(connection: BufferConnection, received: ReceivedMessage, asked: JoinRequest): RingConsumer {
  return withCleanup((cleanup) => {
    cleanup.defer(() => received.close());
    const offer = decodeOffer(received.message);
    if (offer.heldMax !== asked.heldMax) throw protocolError(`it lets hold ${offer.heldMax} frames`);
    const { areaBuffer, buffers } = checkBuffers(received, offer);
    checkBytes(received.buffers, asked.bytesMax);
    const area = new RingAreaMemory(areaBuffer, offer);
    cleanup.defer(() => area.close());
    const layout = checkLayout(received, buffers, offer);
    const frames = mapRingFrames(buffers, { frameLength: offer.frameLength, layout });
    return new RingConsumer({ connection, mode: asked.mode, offer, layout, area, frames });
  });
}

/**
 * Each buffer has exactly the length that a producer allocates for this shape. Longer ones would
 * waste memory and time.
 */
function checkBuffers(received: ReceivedMessage, offer: OfferMessage): { areaBuffer: DmaBuf; buffers: DmaBuf[] } {
  const [areaBuffer, ...buffers] = received.buffers;
  if (areaBuffer === undefined || buffers.length !== offer.frameCount || received.syncFiles.length > 0)
    throw protocolError(`it comes with ${received.buffers.length} buffers for ${offer.frameCount} frames and an area`);
  const pageSize = new MemoryCalls().pageSize();
  const frameBytes = roundUp(offer.frameLength, pageSize);
  const wrong = buffers.find((buffer) => buffer.length !== frameBytes);
  if (wrong !== undefined)
    throw protocolError(`a frame has ${wrong.length} bytes, and must have ${frameBytes} for its ${offer.frameLength}`);
  const areaBytes = roundUp(ringAreaBytes(offer), pageSize);
  if (areaBuffer.length !== areaBytes)
    throw protocolError(`the area has ${areaBuffer.length} bytes, and must have ${areaBytes}`);
  // Atomics on a device's memory may end the process.
  if (areaBuffer.exporter !== 'memfd') throw protocolError('the area is no memfd');
  // A private copy: writes of this process would not reach the producer.
  if (areaBuffer.readOnly) throw protocolError('the area may not be written to');
  return { areaBuffer, buffers };
}

/**
 * The offer describes the first frame for all of them, so its planes must lie in that frame, and
 * within the length of a frame.
 */
function checkLayout(
  { frame }: ReceivedMessage,
  [first]: readonly DmaBuf[],
  { frameLength }: OfferMessage,
): FrameDescription | undefined {
  if (frame === undefined) return undefined;
  const { description, buffers } = frame;
  if (buffers.length !== 1 || buffers[0] !== first) throw protocolError('its picture does not lie in its first frame');
  const [needed = 0] = description.bufferLengths;
  if (needed > frameLength)
    throw protocolError(`its picture takes ${needed} bytes, and its frames have ${frameLength}`);
  return description;
}

function checkBytes(buffers: readonly DmaBuf[], bytesMax: number): void {
  const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
  if (bytes <= bytesMax) return;
  const limitBytes = Math.floor(bytesMax);
  throw new DmaBufError(
    `Cannot join the frame ring as its ${buffers.length - 1} frames and area take ${bytes} bytes, and at most ${limitBytes} are to be mapped: ` +
      'if this producer may take more, join with more { bytesMax }',
    { code: 'EFBIG', values: { bytes, limitBytes } },
  );
}
