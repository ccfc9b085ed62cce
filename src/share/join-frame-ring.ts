import { checkInteger, checkOneOf, checkOptions } from '../base/check.ts';
import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { BufferConnection } from './buffer-connection.ts';
import type { ReceivedMessage } from './received-message.ts';
import { RingAreaMemory } from './ring-area-memory.ts';
import { ringAreaBytes } from './ring-area.ts';
import type { RingMode } from './ring-claims.ts';
import { RingConsumer } from './ring-consumer.ts';
import { mapRingFrames } from './ring-frame-memory.ts';
import { decodeOffer, encodeRingMessage, protocolError, RING_HELD_MAX } from './ring-messages.ts';
import type { JoinMessage } from './ring-messages.ts';

/** Options of {@link joinFrameRing}. */
export interface JoinFrameRingOptions {
  /** `newest`: passes over what was published while the consumer was busy. `every`: one after the other. */
  readonly mode: RingMode;
  /** How many frames this consumer may hold at a time, up to 16. The producer sets as many aside. Default: 1. */
  readonly heldMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Joins the frame ring of the producer at the other end of a connection. The connection belongs to the ring from then on, also when it is not
 * joined: it is closed.
 *
 * @throws {TypeError | RangeError} for an option that is none
 * @throws {DmaBufError} `EBUSY` when the producer has no frames left to set aside; `EPIPE` when it is gone; `EPROTO` when it says what makes no sense
 * @throws the abort reason when given up
 */
export async function joinFrameRing(
  connection: BufferConnection,
  options: JoinFrameRingOptions,
): Promise<RingConsumer> {
  const { mode, heldMax, signal } = checkJoin(connection, options);
  try {
    await connection.send({ message: encodeRingMessage({ mode, heldMax }) }, { signal });
    const received = await connection.receive({ signal });
    if (received === undefined) {
      throw new DmaBufError('Cannot join the frame ring as its producer is gone', { code: 'EPIPE' });
    }
    return acceptOffer(connection, received, { mode, heldMax });
  } catch (error) {
    connection.close();
    throw error;
  }
}

function checkJoin(
  connection: BufferConnection,
  options: JoinFrameRingOptions,
): JoinMessage & { readonly signal: AbortSignal | undefined } {
  if (!(connection instanceof BufferConnection)) {
    throw new TypeError('Cannot join a frame ring as it takes a connection to its producer: see connectForBuffers()');
  }
  checkOptions(options, 'join the frame ring', ['mode', 'heldMax', 'signal']);
  const { heldMax = 1, signal } = options;
  return {
    mode: checkOneOf(options.mode, 'join the frame ring by its mode', ['newest', 'every']),
    heldMax: checkInteger(heldMax, 'join the frame ring and hold', { min: 1, max: RING_HELD_MAX }),
    signal,
  };
}

/** Nothing that came is believed to fit. */
function acceptOffer(connection: BufferConnection, received: ReceivedMessage, asked: JoinMessage): RingConsumer {
  return withCleanup((cleanup) => {
    cleanup.defer(() => received.close());
    const offer = decodeOffer(received.message);
    const [areaBuffer, ...buffers] = received.buffers;
    if (offer.heldMax !== asked.heldMax) throw protocolError(`it lets hold ${offer.heldMax} frames`);
    if (areaBuffer === undefined || buffers.length !== offer.frameCount || received.syncFiles.length > 0) {
      throw protocolError(
        `it comes with ${received.buffers.length} buffers for ${offer.frameCount} frames and an area`,
      );
    }
    if (buffers.some((buffer) => buffer.length < offer.frameLength)) throw protocolError('a buffer is too short');
    if (areaBuffer.length < ringAreaBytes(offer)) throw protocolError('the area is too short');
    const area = new RingAreaMemory(areaBuffer, offer);
    cleanup.defer(() => area.close());
    const frames = mapRingFrames(buffers, offer.frameLength);
    return new RingConsumer({ connection, mode: asked.mode, offer, area, frames });
  });
}
