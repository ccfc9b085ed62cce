/**
 * A process that a soak shares buffers with: checks every one, keeps some, and is killed at any
 * time.
 */

import { takeInheritedConnection } from '../../src/share/index.ts';
import type { ReceivedMessage } from '../../src/share/index.ts';
import { hasTags } from './tagged-pages.ts';

/** Its exit status when it sees memory that is not the buffer's. */
const WRONG_MEMORY = 3;

const HELD_MAX = 8;

const held: ReceivedMessage[] = [];

function look(received: ReceivedMessage): void {
  const [tag, pageSize] = received.text.split(' ').map(Number) as [number, number];
  for (const buffer of received.buffers) {
    const view = buffer.vmap();
    if (!hasTags(view.bytes, tag, pageSize)) process.exit(WRONG_MEMORY);
    // Every other one stays mapped.
    if (tag % 2 === 0) view.close();
  }
  held.push(received);
  if (held.length > HELD_MAX) held.shift()?.close();
}

for await (const received of takeInheritedConnection()) look(received);
