import type { Frame } from '../protocol/frames.ts';
import type { StreamMessage } from '../protocol/messages.ts';

export function jsonFrame(message: StreamMessage): Frame {
  return { kind: 'json', body: Buffer.from(JSON.stringify(message)) };
}
