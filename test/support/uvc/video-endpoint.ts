/** The endpoint through which the pictures go: the host's transfers wait in it for frames. */

import { cutTransfer, framePayloads } from './frame-payloads.ts';
import type { CameraFrame } from './frame-payloads.ts';
import type { Completion, Submission } from './usbip-messages.ts';

/** What became of a frame: `stopped` where the host ended the stream before it had all of it. */
export type FrameEnd = 'sent' | 'stopped';

/** A frame that waits for transfers, or of which a part is sent. */
interface OutgoingFrame {
  readonly payloads: Uint8Array[];
  readonly onEnd: (end: FrameEnd) => void;
}

export class VideoEndpoint {
  readonly #payloadBytesMax: number;
  readonly #complete: (submission: Submission, completion: Completion) => void;
  readonly #transfers: Submission[] = [];
  readonly #frames: OutgoingFrame[] = [];
  /** In the payload that is being sent. */
  #offset = 0;
  #frameId = 0;

  constructor(payloadBytesMax: number, complete: (submission: Submission, completion: Completion) => void) {
    this.#payloadBytesMax = payloadBytesMax;
    this.#complete = complete;
  }

  /** Frames that the host does not have in whole. */
  get waitingCount(): number {
    return this.#frames.length;
  }

  /** The host has room for more. */
  submit(transfer: Submission): void {
    this.#transfers.push(transfer);
    this.#send();
  }

  /** False for a transfer that is complete already. */
  withdraw(sequence: number): boolean {
    const index = this.#transfers.findIndex((transfer) => transfer.sequence === sequence);
    if (index === -1) return false;
    this.#transfers.splice(index, 1);
    return true;
  }

  /** Sends the frame as soon as the host has room for it: it may not be streaming yet. */
  async send(frame: CameraFrame): Promise<FrameEnd> {
    const payloads = framePayloads(frame, {
      frameId: this.#frameId,
      payloadBytesMax: this.#payloadBytesMax,
      timeNs: process.hrtime.bigint(),
    });
    this.#frameId ^= 1;
    return await new Promise((resolve) => {
      this.#frames.push({ payloads, onEnd: resolve });
      this.#send();
    });
  }

  /** Drops what the host does not have: it has ended the stream, or is gone. */
  stop(): void {
    this.#offset = 0;
    for (const { onEnd } of this.#frames.splice(0)) onEnd('stopped');
  }

  #send(): void {
    for (;;) {
      const [frame] = this.#frames;
      const payload = frame?.payloads[0];
      if (frame === undefined || payload === undefined) return;
      const transfer = this.#transfers.shift();
      if (transfer === undefined) return;
      const { data, isLast } = cutTransfer(payload, {
        offset: this.#offset,
        room: transfer.length,
        payloadBytesMax: this.#payloadBytesMax,
      });
      this.#complete(transfer, { status: 0, data });
      this.#offset += data.length;
      if (isLast) this.#endPayload(frame);
    }
  }

  #endPayload(frame: OutgoingFrame): void {
    this.#offset = 0;
    frame.payloads.shift();
    if (frame.payloads.length > 0) return;
    this.#frames.shift();
    frame.onEnd('sent');
  }
}
