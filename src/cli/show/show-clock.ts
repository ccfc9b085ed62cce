import { setTimeout as delay } from 'node:timers/promises';

import type { PreviewStage } from '../../video/preview.ts';
import type { StageTimes } from '../../video/stage-clock.ts';
import type { StreamCounts } from '../../v4l2/frame-stream.ts';
import type { Terminal } from '../terminal.ts';
import { formatProgress } from './report.ts';

const PROGRESS_MS = 1000;

/** What is said of a camera meanwhile. */
interface CameraState {
  readonly counts: StreamCounts;
  readonly stageNs: () => StageTimes<PreviewStage>;
}

/** Counts what is shown, and for how long. */
export class ShowClock {
  readonly #began = process.hrtime.bigint();
  #shownCount = 0;
  #toldAt = this.#began;

  get shownCount(): number {
    return this.#shownCount;
  }

  get seconds(): number {
    return Number(process.hrtime.bigint() - this.#began) / 1e9;
  }

  /** So many were shown so far. */
  reach(shownCount: number): void {
    this.#shownCount = shownCount;
  }

  /** Once a second. */
  showProgress({ counts, stageNs }: CameraState, terminal: Terminal): void {
    const now = process.hrtime.bigint();
    if (Number(now - this.#toldAt) < PROGRESS_MS * 1e6) return;
    this.#toldAt = now;
    terminal.showProgress(
      formatProgress({ counts, stageNs: stageNs(), shownCount: this.#shownCount, seconds: this.seconds }),
    );
  }

  /** Waits until the next picture is due. */
  async untilDue(intervalMs: number, signal: AbortSignal): Promise<void> {
    await delay(Math.max(0, this.#shownCount * intervalMs - this.seconds * 1000), undefined, { signal });
  }
}
