/**
 * Messages of USB/IP (Documentation/usb/usbip_protocol.rst of the kernel): a header of 48 bytes,
 * big-endian, and the data of a transfer.
 */

const HEADER_BYTES = 48;
export const SETUP_BYTES = 8;

const CMD_SUBMIT = 1;
const CMD_UNLINK = 2;
const RET_SUBMIT = 3;
const RET_UNLINK = 4;
const DIRECTION_IN = 1;

/** The offsets of what this end reads and writes. */
const AT = {
  command: 0,
  sequence: 4,
  direction: 12,
  endpoint: 16,
  submitLength: 24,
  setup: 40,
  unlinkSequence: 20,
  status: 20,
  actualLength: 24,
} as const;

/** A transfer that the host has begun. */
export interface Submission {
  readonly kind: 'submit';
  readonly sequence: number;
  readonly isIn: boolean;
  readonly endpoint: number;
  /** How much the host has to give, or room for. */
  readonly length: number;
  /** Of a control transfer. */
  readonly setup: Uint8Array;
  /** What the host gives. */
  readonly data: Uint8Array;
}

/** The host takes a transfer back. */
export interface Withdrawal {
  readonly kind: 'unlink';
  readonly sequence: number;
  /** Of the transfer. */
  readonly submission: number;
}

export type HostMessage = Submission | Withdrawal;

/** Cuts the bytes that come into messages. */
export class MessageReader {
  #waiting: Buffer = Buffer.alloc(0);

  /** The messages that are complete now. */
  *push(more: Uint8Array): Generator<HostMessage, void, undefined> {
    this.#waiting = Buffer.concat([this.#waiting, more]);
    for (;;) {
      const message = this.#next();
      if (message === undefined) return;
      yield message;
    }
  }

  #next(): HostMessage | undefined {
    const header = this.#waiting;
    if (header.length < HEADER_BYTES) return undefined;
    const sequence = header.readUInt32BE(AT.sequence);
    const command = header.readUInt32BE(AT.command);
    if (command === CMD_UNLINK) {
      this.#waiting = header.subarray(HEADER_BYTES);
      return { kind: 'unlink', sequence, submission: header.readUInt32BE(AT.unlinkSequence) };
    }
    if (command !== CMD_SUBMIT) throw new Error(`The host sent the USB/IP command ${command}, which it may not`);
    const isIn = header.readUInt32BE(AT.direction) === DIRECTION_IN;
    const length = header.readInt32BE(AT.submitLength);
    const end = HEADER_BYTES + (isIn ? 0 : length);
    if (header.length < end) return undefined;
    this.#waiting = header.subarray(end);
    return {
      kind: 'submit',
      sequence,
      isIn,
      endpoint: header.readUInt32BE(AT.endpoint),
      length,
      setup: Uint8Array.from(header.subarray(AT.setup, AT.setup + SETUP_BYTES)),
      data: Uint8Array.from(header.subarray(HEADER_BYTES, end)),
    };
  }
}

/** A transfer's end: `status` is 0 or a negative error number. */
export interface Completion {
  readonly status: number;
  /** What the host gets. */
  readonly data?: Uint8Array;
}

/** The answer to a submission. */
export function completionMessage(submission: Submission, { status, data }: Completion): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(RET_SUBMIT, AT.command);
  header.writeUInt32BE(submission.sequence, AT.sequence);
  header.writeInt32BE(status, AT.status);
  header.writeInt32BE(submission.isIn ? (data?.length ?? 0) : submission.length, AT.actualLength);
  return Buffer.concat([header, data ?? new Uint8Array()]);
}

/** The answer to a withdrawal. */
export function withdrawalMessage(sequence: number, status: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(RET_UNLINK, AT.command);
  header.writeUInt32BE(sequence, AT.sequence);
  header.writeInt32BE(status, AT.status);
  return header;
}
