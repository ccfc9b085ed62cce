import { DmaBufError } from '../base/errors.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { CompositorBuffers } from './compositor-buffers.ts';
import { captureInto } from './output-capture.ts';
import type { OutputCapture, WantedPicture } from './output-capture.ts';
import { zwlr_screencopy_frame_v1 } from './protocol/wlr-screencopy-unstable-v1.generated.ts';
import { fourccOfShm } from './shm-formats.ts';
import type { Global } from './wayland-connection.ts';

/** The third has dma-bufs. */
const SCREENCOPY_VERSION = 1;
const WITHOUT_CURSOR = 0;

/**
 * An output's picture, as compositors of wlroots have it (wlr-screencopy-unstable-v1.xml), without
 * the pointer.
 *
 * @throws {DmaBufError} `EIO` where the compositor fails; `EOPNOTSUPP` for a heap of dma-bufs
 */
export async function captureByScreencopy(capture: OutputCapture, global: Global): Promise<FrameLayout> {
  const { connection, output, signal } = capture;
  const buffers = new CompositorBuffers(connection);
  const manager = connection.bind(global, 'zwlr_screencopy_manager_v1', SCREENCOPY_VERSION);
  const frame = manager.request('capture_output', WITHOUT_CURSOR, output);
  const wanted = await connection.until<WantedPicture | undefined>((resolve) => {
    frame.listen({
      buffer: (format, width, height, stride) => resolve({ fourcc: fourccOfShm(format), width, height, stride }),
      failed: () => resolve(undefined),
    });
  }, signal);
  if (wanted === undefined) throw failedError();
  const layout = await captureInto(capture, wanted, async (picture) => {
    refuseDmaBufs(picture);
    const buffer = await buffers.make(picture, signal);
    let flags = 0;
    const isReady = await connection.until<boolean>((resolve) => {
      frame.listen({
        flags: (bits) => void (flags = bits),
        ready: () => resolve(true),
        failed: () => resolve(false),
      });
      frame.request('copy', buffer);
    }, signal);
    if (isReady && (flags & zwlr_screencopy_frame_v1.enums.flags.y_invert) !== 0) turnOver(picture);
    return isReady;
  });
  if (layout === undefined) throw failedError();
  return layout;
}

/** The last row becomes the first. */
function turnOver(layout: FrameLayout): void {
  layout.accessSync('readwrite', ([plane]) => {
    if (plane === undefined) return;
    for (let top = 0, bottom = plane.rowCount - 1; top < bottom; top += 1, bottom -= 1) {
      const upper = Uint8Array.from(plane.row(top));
      plane.row(top).set(plane.row(bottom));
      plane.row(bottom).set(upper);
    }
  });
}

function refuseDmaBufs({ buffers }: FrameLayout): void {
  if (buffers.every(({ exporter }) => exporter === 'memfd')) return;
  throw new DmaBufError(
    'Cannot capture the output into dma-bufs as zwlr_screencopy_manager_v1 is spoken for memfds: use the embedded heap, opened with contiguous: true',
    { code: 'EOPNOTSUPP' },
  );
}

function failedError(): DmaBufError {
  return new DmaBufError('Cannot capture the output as the compositor says that its copy failed', { code: 'EIO' });
}
