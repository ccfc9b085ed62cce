import { inspect } from 'node:util';

import { DmaBufError, isDmaBufError } from '../../base/errors.ts';
import { quoteForeign } from '../../base/foreign-text.ts';
import { WINDOW_BYTES_MAX } from '../../base/limits.ts';
import type { BufferConnection } from '../connection/buffer-connection.ts';
import type { RingShape } from './ring-area.ts';
import type { RingMode } from './ring-claims.ts';

/** The version of the messages between producer and consumer, and of their shared words. */
const RING_VERSION = 1;

/**
 * The kernel passes 253 descriptors with a message (SCM_MAX_FD, include/net/scm.h), and a scan of
 * the frames should be short.
 */
export const RING_FRAME_COUNT_MAX = 64;
export const RING_HELD_MAX = 16;
export const RING_METADATA_BYTES_MAX = 4096;

/** A consumer's request. */
export interface JoinMessage {
  readonly mode: RingMode;
  readonly heldMax: number;
}

/** A producer's answer, with the consumer's area and the frames. */
export interface OfferMessage extends RingShape {
  /** In bytes; the buffers may be longer, up to whole pages. */
  readonly frameLength: number;
}

/** Or the reason of a refusal. */
interface RefusalMessage {
  readonly refusal: string;
}

/** The most characters of a value in an error's message. */
const SHOWN_LENGTH_MAX = 100;

/** A wake-up says only that the words have changed. */
const WAKE_MESSAGE = new Uint8Array(1);

/** Wakes the other side. False when it is gone, or has unread messages, which wake it. */
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

/** @throws {DmaBufError} `EPROTO` when it is not a request */
export function decodeJoin(message: Uint8Array): JoinMessage {
  const { mode, heldMax } = decode(message);
  if (mode !== 'newest' && mode !== 'every') throw protocolError(`its mode is ${shown(mode)}`);
  return { mode, heldMax: checkCount(heldMax, { name: 'heldMax', min: 1, max: RING_HELD_MAX }) };
}

/**
 * @throws {DmaBufError} `EPROTO` when it is not an answer; `EBUSY` with the producer's reason when
 *   it refuses
 */
export function decodeOffer(message: Uint8Array): OfferMessage {
  const { refusal, frameLength, frameCount, metadataBytes, heldMax } = decode(message);
  if (typeof refusal === 'string') {
    throw new DmaBufError(`Cannot join the frame ring as its producer refuses: ${quoteForeign(refusal)}`, {
      code: 'EBUSY',
    });
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
    throw protocolError(`it is of version ${shown(ringVersion)}, and version ${RING_VERSION} is understood`);
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
  throw protocolError(`its ${name} is ${shown(value)}, and must be from ${min} to ${max}`);
}

/** A value from a peer's message, in one line: it may be as long and as deep as the message. */
function shown(value: unknown): string {
  if (typeof value === 'string') return quoteForeign(value);
  return inspect(value, { depth: 0, maxArrayLength: 3, breakLength: Number.POSITIVE_INFINITY }).slice(
    0,
    SHOWN_LENGTH_MAX,
  );
}

/** The error for a nonsensical message of the other side. */
export function protocolError(reason: string): DmaBufError {
  return new DmaBufError(`Cannot understand what the other side of the frame ring says as ${reason}`, {
    code: 'EPROTO',
  });
}
