import { inspect } from 'node:util';

import { DmaBufError, isDmaBufError } from '../base/errors.ts';
import { WINDOW_BYTES_MAX } from '../base/limits.ts';
import type { BufferConnection } from './buffer-connection.ts';
import type { RingShape } from './ring-area.ts';
import type { RingMode } from './ring-claims.ts';

/** Of what producer and consumer say to each other, and of the words they share. */
const RING_VERSION = 1;

/** The kernel passes 253 descriptors with a message (SCM_MAX_FD, include/net/scm.h), and a scan of the frames is to be short. */
export const RING_FRAME_COUNT_MAX = 64;
export const RING_HELD_MAX = 16;
export const RING_METADATA_BYTES_MAX = 4096;

/** What a consumer asks for. */
export interface JoinMessage {
  readonly mode: RingMode;
  readonly heldMax: number;
}

/** What a producer answers, with the consumer's area and the frames. */
export interface OfferMessage extends RingShape {
  /** In bytes; the buffers may be longer, up to whole pages. */
  readonly frameLength: number;
}

/** Or why it does not. */
interface RefusalMessage {
  readonly refusal: string;
}

/** Says no more than that there is something to look at: what it is stands in the words. */
const WAKE_MESSAGE = new Uint8Array(1);

/** Wakes the other side. False when it is gone, or has messages to read already: then it wakes by those. */
export function sendWake(connection: BufferConnection): boolean {
  try {
    return connection.trySend({ message: WAKE_MESSAGE });
  } catch (error) {
    if (isDmaBufError(error)) return false;
    throw error;
  }
}

export function encodeRingMessage(message: JoinMessage | OfferMessage | RefusalMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ ringVersion: RING_VERSION, ...message }));
}

/** @throws {DmaBufError} `EPROTO` for what is none */
export function decodeJoin(message: Uint8Array): JoinMessage {
  const { mode, heldMax } = decode(message);
  if (mode !== 'newest' && mode !== 'every') throw protocolError(`its mode is ${inspect(mode)}`);
  return { mode, heldMax: checkCount(heldMax, { name: 'heldMax', min: 1, max: RING_HELD_MAX }) };
}

/**
 * @throws {DmaBufError} `EPROTO` for what is none; `EBUSY` with the producer's reason when it refuses
 */
export function decodeOffer(message: Uint8Array): OfferMessage {
  const { refusal, frameLength, frameCount, metadataBytes, heldMax } = decode(message);
  if (typeof refusal === 'string') {
    throw new DmaBufError(`Cannot join the frame ring as its producer refuses: ${refusal}`, { code: 'EBUSY' });
  }
  return {
    frameLength: checkCount(frameLength, { name: 'frameLength', min: 1, max: WINDOW_BYTES_MAX }),
    frameCount: checkCount(frameCount, { name: 'frameCount', min: 1, max: RING_FRAME_COUNT_MAX }),
    metadataBytes: checkCount(metadataBytes, { name: 'metadataBytes', min: 0, max: RING_METADATA_BYTES_MAX }),
    heldMax: checkCount(heldMax, { name: 'heldMax', min: 1, max: RING_HELD_MAX }),
  };
}

function decode(message: Uint8Array): Record<string, unknown> {
  const fields = parse(new TextDecoder().decode(message));
  if (fields === null || typeof fields !== 'object') throw protocolError('it is no object');
  const { ringVersion } = fields as Record<string, unknown>;
  if (ringVersion !== RING_VERSION) {
    throw protocolError(`it is of version ${inspect(ringVersion)}, and version ${RING_VERSION} is understood`);
  }
  return fields as Record<string, unknown>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw protocolError('it is not JSON');
  }
}

function checkCount(value: unknown, { name, min, max }: { name: string; min: number; max: number }): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw protocolError(`its ${name} is ${inspect(value)}, and must be from ${min} to ${max}`);
}

/** What the other side of a ring has said makes no sense. */
export function protocolError(reason: string): DmaBufError {
  return new DmaBufError(`Cannot understand what the other side of the frame ring says as ${reason}`, {
    code: 'EPROTO',
  });
}
