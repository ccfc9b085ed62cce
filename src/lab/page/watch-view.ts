import { signal } from '@preact/signals';

import { FrameReader } from '../protocol/frames.ts';
import type { Frame } from '../protocol/frames.ts';
import type { StreamMessage } from '../protocol/messages.ts';
import { askLab, LabRefusal } from './session.ts';

const RETRY_MS = 500;
const UNAUTHORIZED = 401;

/** Whether the page hears of the lab. */
type Link =
  | { readonly state: 'connecting' | 'live' }
  | { readonly state: 'away'; readonly sinceMs: number }
  | { readonly state: 'refused'; readonly reason: string };

export const link = signal<Link>({ state: 'connecting' });

/**
 * Takes the frames of a view until `stop` aborts. A stream that breaks is begun again: it tells
 * everything anew.
 *
 * @param name with its parameters, as a query has them
 * @param onRefusal told why the lab does not show it
 */
export async function watchView(
  name: string,
  take: (frame: Frame) => void,
  stop: AbortSignal,
  onRefusal: (reason: string) => void = () => {},
): Promise<void> {
  while (!stop.aborted) {
    try {
      const answer = await askLab(`/api/stream?view=${name}`, { signal: stop });
      link.value = { state: 'live' };
      await takeFrames(answer, take);
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof LabRefusal && error.status === UNAUTHORIZED) {
        link.value = { state: 'refused', reason: error.message };
        return;
      }
      if (error instanceof LabRefusal) {
        link.value = { state: 'live' };
        onRefusal(error.message);
        return;
      }
    }
    if (stop.aborted) return;
    if (link.value.state !== 'away') link.value = { state: 'away', sinceMs: Date.now() };
    await new Promise((resolve) => void setTimeout(resolve, RETRY_MS));
  }
}

async function takeFrames({ body }: Response, take: (frame: Frame) => void): Promise<void> {
  if (body === null) return;
  const frames = new FrameReader();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const frame of frames.push(value)) take(frame);
    }
  } finally {
    // A stream that cannot be read on would stay open beside the next one.
    await reader.cancel().catch(() => {});
  }
}

/** @returns the message of a frame of JSON */
export function messageOf({ body }: Frame): StreamMessage {
  return JSON.parse(new TextDecoder().decode(body)) as StreamMessage;
}
