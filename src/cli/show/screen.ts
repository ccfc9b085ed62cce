import { setTimeout as delay } from 'node:timers/promises';

import type { Display } from '../../drm/display.ts';
import type { DisplayOptions } from '../../drm/display-options.ts';
import { openDisplay } from '../../drm/open-display.ts';
import type { PictureFile } from '../../video/picture-file.ts';
import { Preview } from '../../video/preview.ts';
import { PictureShow } from '../../video/show-picture.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { ShowCommandOptions } from './options.ts';
import type { Shown } from './report.ts';
import { ShowClock } from './show-clock.ts';

export type CameraSource = Extract<ShowCommandOptions['source'], { kind: 'camera' }>;

/** What is shown, and for how long. */
export interface ShowRequest {
  readonly content: CameraSource | PictureFile;
  /** Undefined: until Ctrl-C. */
  readonly seconds: number | undefined;
}

/** On a screen that no compositor owns. */
export async function showOnScreen(
  { content, seconds, display: options }: ShowRequest & { readonly display: DisplayOptions },
  terminal: Terminal,
): Promise<Shown> {
  const display = openDisplay(options);
  try {
    return 'pictures' in content
      ? await showFile(display, content, seconds)
      : await showCamera(display, { source: content, seconds }, terminal);
  } finally {
    display.close();
  }
}

async function showCamera(
  display: Display,
  { source, seconds }: { source: CameraSource; seconds: number | undefined },
  terminal: Terminal,
): Promise<Shown> {
  const preview = new Preview({ device: source.device, options: source.options, display });
  const clock = new ShowClock();
  const stageNs = () => preview.readStageTimes();
  try {
    const run = async (signal: AbortSignal): Promise<void> => {
      for await (const { number } of preview.run({ signal })) {
        clock.reach(number);
        clock.showProgress({ counts: preview.camera.counts, stageNs }, terminal);
      }
    };
    await untilInterrupted(run, { seconds });
    const { way, camera } = preview;
    const { shownCount, seconds: lasted } = clock;
    return {
      place: { display },
      preview: { way, format: camera.format, counts: camera.counts, stageNs: stageNs() },
      shownCount,
      seconds: lasted,
    };
  } finally {
    preview.close();
  }
}

async function showFile(display: Display, file: PictureFile, seconds: number | undefined): Promise<Shown> {
  const show = new PictureShow(display);
  const clock = new ShowClock();
  try {
    const run = async (signal: AbortSignal): Promise<void> => {
      for (const picture of file.pictures) {
        await show.show(picture, { signal });
        clock.reach(clock.shownCount + 1);
        await clock.untilDue(file.intervalMs ?? 0, signal);
      }
      // A picture stays until it is ended; a video ends.
      if (file.intervalMs === undefined) await untilAborted(signal);
    };
    await untilInterrupted(run, { seconds });
    return { place: { display }, preview: undefined, shownCount: clock.shownCount, seconds: clock.seconds };
  } finally {
    show.close();
  }
}

/** Keeps the program alive meanwhile. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const HOUR_MS = 3_600_000;
  while (!signal.aborted) await delay(HOUR_MS, undefined, { signal });
}
