import type { ServerResponse } from 'node:http';

import { encodeFrame } from '../protocol/frames.ts';
import type { Viewer } from './viewer.ts';

/** A page that has read nothing for so long is gone: its connection ends. */
const SILENT_MS_MAX = 60_000;

/**
 * A page that looks at a view. It is given the newest state whenever it has read the last one, so
 * what waits for it is one state at most, however slowly it reads.
 */
export class ViewStream {
  readonly #response: ServerResponse;
  readonly #viewer: Viewer;
  #readAtMs: number;
  #isClosed = false;

  constructor(response: ServerResponse, viewer: Viewer, nowMs: number) {
    this.#response = response;
    this.#viewer = viewer;
    this.#readAtMs = nowMs;
  }

  /** Writes what is new. */
  tick(nowMs: number): void {
    if (this.#response.writableLength > 0) {
      if (nowMs - this.#readAtMs > SILENT_MS_MAX) this.#response.destroy();
      return;
    }
    if (this.#isClosed) return;
    this.#readAtMs = nowMs;
    const frames = this.#viewer.next(nowMs);
    if (frames.length === 0) return;
    this.#response.cork();
    for (const frame of frames) this.#response.write(encodeFrame(frame));
    this.#response.uncork();
  }

  /** What was written before still goes to the page, if it reads. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#viewer.close();
    this.#response.end();
  }
}
