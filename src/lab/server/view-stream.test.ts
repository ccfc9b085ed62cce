import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';

import type { Frame } from '../protocol/frames.ts';
import { ViewStream } from './view-stream.ts';
import type { Viewer } from './viewer.ts';

const SECOND_MS = 1000;
const FRAME: Frame = { kind: 'json', body: Uint8Array.of(0x7b, 0x7d) };

/** A page that reads when it is told to, and a view that always has something new. */
function slowPage(): {
  response: ServerResponse;
  viewer: Viewer;
  read: () => void;
  count: () => number;
  isEnded: () => boolean;
} {
  let writableLength = 0;
  let nextCount = 0;
  let isEnded = false;
  const response = {
    get writableLength() {
      return writableLength;
    },
    write: (bytes: Uint8Array) => (writableLength += bytes.length),
    cork: () => {},
    uncork: () => {},
    end: () => {},
    destroy: () => (isEnded = true),
  } as unknown as ServerResponse;
  const next = (): Frame[] => {
    nextCount += 1;
    return [FRAME];
  };
  const read = (): void => void (writableLength = 0);
  return { response, viewer: { next, close: () => {} }, read, count: () => nextCount, isEnded: () => isEnded };
}

test('ViewStream asks a view for news only when the page has read what came before', () => {
  const { response, viewer, read, count } = slowPage();
  const stream = new ViewStream(response, viewer, 0);
  for (let second = 0; second < 20; second += 1) {
    // One message a second, of 25 that a fast page is told.
    for (let tick = 0; tick < 25; tick += 1) stream.tick(second * SECOND_MS + tick * 40);
    read();
  }
  assert.equal(count(), 20);
});

test('ViewStream gives up a page that has read nothing for a minute', () => {
  const { response, viewer, isEnded } = slowPage();
  const stream = new ViewStream(response, viewer, 0);
  stream.tick(0);
  stream.tick(60 * SECOND_MS);
  assert.equal(isEnded(), false);
  stream.tick(60 * SECOND_MS + 1);
  assert.equal(isEnded(), true);
});

test('ViewStream that is closed asks its view for nothing, and still gives up a page that does not read', () => {
  const { response, viewer, read, count, isEnded } = slowPage();
  let closeCount = 0;
  const stream = new ViewStream(response, { ...viewer, close: () => (closeCount += 1) }, 0);
  stream.tick(0);
  stream.close();
  stream.close();
  assert.equal(closeCount, 1);
  stream.tick(60 * SECOND_MS + 1);
  assert.equal(isEnded(), true);
  read();
  stream.tick(61 * SECOND_MS);
  assert.equal(count(), 1);
});
