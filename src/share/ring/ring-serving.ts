import { setImmediate } from 'node:timers/promises';

import { checkInteger, readOptions } from '../../base/check.ts';
import { DmaBufError } from '../../base/errors.ts';
import type { BufferConnection } from '../connection/buffer-connection.ts';
import type { BufferListener } from '../listener/buffer-listener.ts';
import { checkAdmission } from './ring-admission.ts';
import type { AdmissionOptions, CheckedAdmission } from './ring-admission.ts';

/** Options of `FrameRing.serve`. */
export interface ServeOptions extends AdmissionOptions {
  /**
   * How many connections that have not joined yet may be open at the same time, up to 1024. One
   * more closes the one that has been silent longest. Each takes two descriptors. Default: 32.
   */
  readonly joiningMax?: number | undefined;
}

/** Checked options, with the defaults filled in. */
interface CheckedServe extends CheckedAdmission {
  readonly joiningMax: number;
}

const JOINING_MAX_DEFAULT = 32;
const JOINING_MAX_MAX = 1024;

/** @throws {TypeError | RangeError} for an invalid option */
export function checkServe(options: ServeOptions): CheckedServe {
  const action = 'serve the ring';
  const plain = readOptions(options, action, ['block', 'heldMax', 'joinTimeoutMs', 'joiningMax']);
  const { joiningMax = JOINING_MAX_DEFAULT } = plain;
  checkInteger(joiningMax, { action, name: 'joiningMax', min: 1, max: JOINING_MAX_MAX });
  return { ...checkAdmission(plain, action), joiningMax };
}

/**
 * Adds connections until the listener is closed.
 *
 * @param add must not reject, and ends soon when its signal aborts
 */
export async function serveConnections(
  listener: BufferListener,
  joiningMax: number,
  add: (connection: BufferConnection, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  // In the order of their arrival.
  const joining = new Set<AbortController>();
  for await (const connection of listener) {
    const [longest] = joining;
    if (longest !== undefined && joining.size >= joiningMax) {
      joining.delete(longest);
      longest.abort(roomError(joiningMax));
    }
    const giveUp = new AbortController();
    joining.add(giveUp);
    void add(connection, giveUp.signal).finally(() => joining.delete(giveUp));
    // Peers that connect all the time must not block the event loop.
    await setImmediate();
  }
}

function roomError(joiningMax: number): DmaBufError {
  return new DmaBufError(`Cannot add the consumer as it did not ask to join while ${joiningMax} others connected`, {
    code: 'ECONNABORTED',
    values: { joiningMax },
  });
}
