import { checkBoolean, checkInteger } from '../../base/check.ts';
import { RING_HELD_MAX } from './ring-messages.ts';

/** The conditions for a consumer. */
export interface AdmissionOptions {
  /**
   * Whether the producer waits for this consumer when it takes every frame and has fallen behind,
   * rather than overwrite frames that it has not taken. A consumer that takes no frames then stops
   * the producer while it is connected. Default: false.
   */
  readonly block?: boolean | undefined;
  /**
   * How many frames it may hold at the same time. A request for more is refused. Default: 16, the
   * maximum.
   */
  readonly heldMax?: number | undefined;
  /** The time limit for its request and for sending it the frames, in ms. Default: 5000. */
  readonly joinTimeoutMs?: number | undefined;
}

/** Checked options, with the defaults filled in. */
export type CheckedAdmission = { readonly [Name in keyof AdmissionOptions]-?: NonNullable<AdmissionOptions[Name]> };

const JOIN_TIMEOUT_MS_DEFAULT = 5000;
/** The longest delay of a Node timer. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** @throws {TypeError | RangeError} for an invalid option. `action` completes "Cannot …" */
export function checkAdmission(plain: AdmissionOptions, action: string): CheckedAdmission {
  const { block = false, heldMax = RING_HELD_MAX, joinTimeoutMs = JOIN_TIMEOUT_MS_DEFAULT } = plain;
  return {
    block: checkBoolean(block, { action, name: 'block' }),
    heldMax: checkInteger(heldMax, { action, name: 'heldMax', min: 1, max: RING_HELD_MAX }),
    joinTimeoutMs: checkInteger(joinTimeoutMs, { action, name: 'joinTimeoutMs', min: 1, max: TIMEOUT_MS_MAX }),
  };
}
