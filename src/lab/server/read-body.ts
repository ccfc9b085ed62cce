import type { IncomingMessage } from 'node:http';

import { formatSize } from '../../base/sizes.ts';
import { Refusal } from './refusal.ts';

const BODY_BYTES_MAX = 16 * 1024;
const BAD_REQUEST = 400;
const TOO_LARGE = 413;

/**
 * A small object of JSON.
 *
 * @throws {Refusal} for what is none, or is large
 */
export async function readJsonBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of limitBody(request, BODY_BYTES_MAX)) chunks.push(chunk);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(BAD_REQUEST, 'Cannot read the request as it is no object of JSON');
  return value as Readonly<Record<string, unknown>>;
}

/** @throws {Refusal} once more has come */
export async function* limitBody(request: IncomingMessage, bytesMax: number): AsyncGenerator<Buffer, void, undefined> {
  let byteCount = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > bytesMax) throw new Refusal(TOO_LARGE, `Cannot take more than ${formatSize(bytesMax)}`);
    yield chunk;
  }
}
