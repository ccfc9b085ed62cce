import { addressOf } from './kernel-calls.ts';

/** Bytes that do not move, so that a struct may hold their address. */
interface SharedBytes {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** 0 where there is not one byte. */
  readonly address: number;
}

/** Zeroed bytes for the kernel to write to, or to read. */
export function sharedBytes(length: number): SharedBytes {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  return { bytes, address: length === 0 ? 0 : addressOf(bytes) };
}

/** A copy of `parts`, one behind the other. */
export function shareBytes(parts: readonly Uint8Array[]): SharedBytes {
  const shared = sharedBytes(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    shared.bytes.set(part, end);
    end += part.length;
  }
  return shared;
}

/** A copy of 32-bit numbers. */
export function shareNumbers(numbers: readonly number[]): SharedBytes {
  return shareBytes([new Uint8Array(Uint32Array.from(numbers).buffer)]);
}

/** The first `count` 32-bit numbers. */
export function numbersIn({ bytes }: SharedBytes, count: number): number[] {
  return [...new Uint32Array(bytes.buffer, 0, count)];
}
