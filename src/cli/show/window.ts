import { once } from 'node:events';

import { openEmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import type { PictureSize } from '../../base/rectangle.ts';
import type { PictureFile } from '../../video/picture-file.ts';
import { PictureSource } from '../../video/picture-source.ts';
import type { FilePicture } from '../../video/picture-source.ts';
import { WindowPictures } from '../../video/window-pictures.ts';
import { WindowPreview, openCameraForWindow } from '../../video/window-preview.ts';
import { openWindow } from '../../wayland/open-window.ts';
import type { Window, WindowSize } from '../../wayland/window.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import type { Shown } from './report.ts';
import type { CameraSource, ShowRequest } from './screen.ts';
import { ShowClock } from './show-clock.ts';

/** `KEY_ESC` (include/uapi/linux/input-event-codes.h). */
const ESCAPE = 1;

/** In a window of the compositor that owns the screen. */
export async function showInWindow({ content, seconds }: ShowRequest, terminal: Terminal): Promise<Shown> {
  return 'pictures' in content
    ? await showFile(content, seconds)
    : await showCamera({ source: content, seconds }, terminal);
}

async function showCamera(
  { source, seconds }: { source: CameraSource; seconds: number | undefined },
  terminal: Terminal,
): Promise<Shown> {
  const camera = openCameraForWindow(source.device, source.options);
  try {
    return await withWindow(camera.format, async (window) => {
      const preview = new WindowPreview(camera, window);
      const clock = new ShowClock();
      const stageNs = () => preview.readStageTimes();
      try {
        const run = async (signal: AbortSignal): Promise<void> => {
          for await (const number of preview.run({ signal })) {
            clock.reach(number);
            clock.showProgress({ counts: camera.counts, stageNs }, terminal);
          }
        };
        await untilClosed(window, run, seconds);
        return {
          place: { window: window.size },
          preview: { way: preview.way, format: camera.format, counts: camera.counts, stageNs: stageNs() },
          shownCount: clock.shownCount,
          seconds: clock.seconds,
        };
      } finally {
        preview.close();
      }
    });
  } finally {
    camera.close();
  }
}

async function showFile(file: PictureFile, seconds: number | undefined): Promise<Shown> {
  const [first] = file.pictures;
  return await withWindow(first ?? { width: 1, height: 1 }, async (window) => {
    const heap = openEmbeddedHeap();
    const pictures = new WindowPictures(window);
    const source = new PictureSource(heap);
    const clock = new ShowClock();
    try {
      const put = async (picture: FilePicture, signal: AbortSignal): Promise<void> => {
        const show = await pictures.convert(await source.load(picture), { signal });
        await show();
      };
      const run = async (signal: AbortSignal): Promise<void> => {
        for (const picture of file.pictures) {
          const { size } = window;
          await put(picture, signal);
          clock.reach(clock.shownCount + 1);
          // A picture stays until it is ended, in the size that the window has; a video ends.
          if (file.intervalMs === undefined) await keepPut(picture, size, signal);
          else await clock.untilDue(file.intervalMs, signal);
        }
      };
      const keepPut = async (picture: FilePicture, before: WindowSize, signal: AbortSignal): Promise<void> => {
        for (let size = before; ;) {
          if (window.size === size) await once(window, 'resize', { signal });
          ({ size } = window);
          await put(picture, signal);
        }
      };
      await untilClosed(window, run, seconds);
      return {
        place: { window: window.size },
        preview: undefined,
        shownCount: clock.shownCount,
        seconds: clock.seconds,
      };
    } finally {
      source.close();
      pictures.close();
      heap.close();
    }
  });
}

async function withWindow<Result>(
  { width, height }: PictureSize,
  body: (window: Window) => Promise<Result>,
): Promise<Result> {
  const window = await openWindow({ title: 'dmabuf show', width, height });
  try {
    return await body(window);
  } finally {
    window.close();
  }
}

/** As `untilInterrupted()`, and until the user closes the window. */
async function untilClosed(
  window: Window,
  body: (signal: AbortSignal) => Promise<void>,
  seconds: number | undefined,
): Promise<void> {
  const closed = new AbortController();
  window.on('closing', () => closed.abort());
  window.on('key', ({ code, pressed }) => {
    if (code === ESCAPE && pressed) closed.abort();
  });
  let failure: Error | undefined;
  window.on('end', (error) => {
    failure = error;
    closed.abort();
  });
  await untilInterrupted(
    async (interrupted) => {
      try {
        await body(AbortSignal.any([interrupted, closed.signal]));
      } catch (error) {
        if (!closed.signal.aborted) throw error;
      }
    },
    { seconds },
  );
  if (failure !== undefined) throw failure;
}
