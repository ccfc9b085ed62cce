import type { Frame } from '../protocol/frames.ts';

/** What one page has seen of a view. */
export interface Viewer {
  /**
   * What has changed since the last call. Called only when the page has read what came before, so a
   * slow one gets the newest state and nothing waits for it.
   *
   * @param nowMs of a clock that never goes back
   */
  next(nowMs: number): Frame[];
  close(): void;
}
