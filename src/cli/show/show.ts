import { extname } from 'node:path';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { openDisplay } from '../../drm/open-display.ts';
import type { Display } from '../../drm/display.ts';
import { PictureFileError } from '../../picture/file/picture-file-error.ts';
import { Preview } from '../../video/preview.ts';
import { readPictureFile } from '../../video/picture-file.ts';
import type { PictureFile } from '../../video/picture-file.ts';
import { PictureShow } from '../../video/show-picture.ts';
import { CommandFailure, SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import { withFile } from '../file-failure.ts';
import { writeJsonLine } from '../json-line.ts';
import { formatName } from '../../base/printable-text.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { SHOW_DESCRIPTION, readShowCommandOptions } from './options.ts';
import type { ShowCommandOptions } from './options.ts';
import { formatProgress, formatShown, toShownJson } from './report.ts';
import type { Shown } from './report.ts';

const PROGRESS_MS = 1000;

type CameraSource = Extract<ShowCommandOptions['source'], { kind: 'camera' }>;

export const showCommand: Command = {
  name: 'show',
  description: SHOW_DESCRIPTION,
  run: async (args, terminal) => {
    const options = readShowCommandOptions(args);
    const { source, seconds } = options;
    // Read before the screen is taken: a file that cannot be shown leaves the console alone.
    const content = source.kind === 'camera' ? source : await openPictureFile(source.path);
    const shown = await withDisplay(options, async (display) =>
      'pictures' in content
        ? await showFile(display, content, seconds)
        : await showCamera(display, { source: content, seconds }, terminal),
    );
    terminal.clearProgress();
    if (options.json) writeJsonLine(toShownJson(shown), terminal.writeJson);
    else for (const line of formatShown(shown, terminal.columns)) terminal.print(line);
    return SUCCEEDED;
  },
};

async function withDisplay<Result>(
  options: ShowCommandOptions,
  body: (display: Display) => Promise<Result>,
): Promise<Result> {
  const display = openDisplay(options.display);
  try {
    return await body(display);
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
  const began = process.hrtime.bigint();
  let shownCount = 0;
  let toldAt = began;
  try {
    const run = async (signal: AbortSignal): Promise<void> => {
      for await (const { number } of preview.run({ signal })) {
        shownCount = number;
        const now = process.hrtime.bigint();
        if (Number(now - toldAt) < PROGRESS_MS * 1e6) continue;
        toldAt = now;
        terminal.showProgress(formatProgress({ preview, shownCount, seconds: secondsSince(began) }));
      }
    };
    await untilInterrupted(run, { seconds });
    return {
      display,
      preview: {
        way: preview.way,
        format: preview.camera.format,
        counts: preview.camera.counts,
        stageNs: preview.readStageTimes(),
      },
      shownCount,
      seconds: secondsSince(began),
    };
  } finally {
    preview.close();
  }
}

async function showFile(display: Display, file: PictureFile, seconds: number | undefined): Promise<Shown> {
  const show = new PictureShow(display);
  const began = process.hrtime.bigint();
  let shownCount = 0;
  try {
    const run = async (signal: AbortSignal): Promise<void> => {
      for (const picture of file.pictures) {
        await show.show(picture, { signal });
        shownCount += 1;
        const due = Number(began) / 1e6 + shownCount * (file.intervalMs ?? 0);
        await delay(Math.max(0, due - Number(process.hrtime.bigint()) / 1e6), undefined, { signal });
      }
      // A picture stays until it is ended; a video ends.
      if (file.intervalMs === undefined) await untilAborted(signal);
    };
    await untilInterrupted(run, { seconds });
    return { display, preview: undefined, shownCount, seconds: secondsSince(began) };
  } finally {
    show.close();
  }
}

async function openPictureFile(path: string): Promise<PictureFile> {
  const bytes = await withFile('read', path, async () => await readFile(path));
  try {
    return readPictureFile(bytes, extname(path).toLowerCase());
  } catch (cause) {
    if (!(cause instanceof PictureFileError)) throw cause;
    throw new CommandFailure(`Cannot show ${formatName(path)}: ${cause.message}`, { cause });
  }
}

/** Keeps the program alive meanwhile. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  const HOUR_MS = 3_600_000;
  while (!signal.aborted) await delay(HOUR_MS, undefined, { signal });
}

function secondsSince(began: bigint): number {
  return Number(process.hrtime.bigint() - began) / 1e9;
}
