/** Frame rings whose consumers are in the same process as their producer. */

import type { TestContext } from 'node:test';

import { openEmbeddedHeap } from '../../../src/backend/embedded/embedded-heap.ts';
import { BufferConnection } from '../../../src/share/connection/buffer-connection.ts';
import type { FrameRingOptions } from '../../../src/share/ring/frame-ring-options.ts';
import { createFrameRing } from '../../../src/share/ring/frame-ring.ts';
import type { FrameRing } from '../../../src/share/ring/frame-ring.ts';
import { joinFrameRing } from '../../../src/share/ring/join-frame-ring.ts';
import type { JoinFrameRingOptions } from '../../../src/share/ring/join-frame-ring.ts';
import type { RingConsumer } from '../../../src/share/ring/ring-consumer.ts';
import type { AddConsumerOptions } from '../../../src/share/ring/ring-members.ts';
import { ShareContext } from '../../../src/share/connection/share-context.ts';

/** A ring that is gone with the test. */
export function createRing(t: TestContext, options: Partial<FrameRingOptions> = {}): FrameRing {
  const heap = openEmbeddedHeap();
  const ring = createFrameRing(heap, { frameLength: 5000, frameCount: 4, ...options });
  // Frames outlive their heap.
  heap.close();
  t.after(() => ring.close());
  return ring;
}

/** Both ends of a connection, gone with the test. */
export function connectedPair(t: TestContext): [BufferConnection, BufferConnection] {
  const context = new ShareContext();
  const [one, other] = context.sockets.createPair();
  const pair: [BufferConnection, BufferConnection] = [
    new BufferConnection(context, one),
    new BufferConnection(context, other),
  ];
  t.after(() => {
    for (const connection of pair) connection.close();
  });
  return pair;
}

/** A consumer in this very process. */
export async function join(
  t: TestContext,
  ring: FrameRing,
  options: JoinFrameRingOptions & Pick<AddConsumerOptions, 'block'>,
): Promise<RingConsumer> {
  const [ours, theirs] = connectedPair(t);
  const { block, ...joinOptions } = options;
  const [consumer] = await Promise.all([joinFrameRing(theirs, joinOptions), ring.addConsumer(ours, { block })]);
  t.after(() => consumer.close());
  return consumer;
}

/** Publishes a frame of that byte alone. */
export function publish(ring: FrameRing, byte = 0): number {
  const frame = ring.acquire();
  frame.bytes.fill(byte);
  return frame.publish({ metadata: Uint8Array.of(byte) });
}

/** What a consumer says first, by hand. */
export function joinText(fields: Record<string, unknown>): string {
  return JSON.stringify({ ringVersion: 1, mode: 'newest', heldMax: 1, ...fields });
}
