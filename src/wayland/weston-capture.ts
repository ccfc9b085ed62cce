import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { CompositorBuffers } from './compositor-buffers.ts';
import { captureInto } from './output-capture.ts';
import type { OutputCapture } from './output-capture.ts';
import type { EventListeners } from './protocol-object.ts';
import type { Interfaces } from './protocol/interfaces.ts';
import { weston_capture_v1 } from './protocol/weston-output-capture.generated.ts';
import type { Global } from './wayland-connection.ts';

/** What the compositor wants its picture to be: it may change its mind. */
interface ChangingPicture {
  fourcc: number;
  width: number;
  height: number;
}

/**
 * An output's picture, as weston's own tools have it (weston-output-capture.xml).
 *
 * @throws {DmaBufError} `EIO` with weston's word where it fails; `EOPNOTSUPP` for memory that it
 *   does not take
 */
export async function captureByWeston(capture: OutputCapture, global: Global): Promise<FrameLayout> {
  const { connection, output, signal } = capture;
  const { framebuffer } = weston_capture_v1.enums.source;
  const source = connection.bind(global, 'weston_capture_v1', 1).request('create', output, framebuffer);
  const wanted: ChangingPicture = { fourcc: 0, width: 0, height: 0 };
  const buffers = new CompositorBuffers(connection);
  let failure: string | undefined;
  source.listen({ ...listenersOf(wanted), failed: (message) => void (failure = message ?? '') });
  await connection.roundTrip(signal);
  // Who may not see the output is told so at once, and never what it is like.
  while (failure === undefined) {
    let end = '';
    const layout = await captureInto(capture, wanted, async (picture) => {
      const buffer = await buffers.make(picture, signal);
      end = await connection.until<string>((resolve) => {
        source.listen({
          ...listenersOf(wanted),
          complete: () => resolve('complete'),
          retry: () => resolve('retry'),
          failed: (message) => resolve(message ?? ''),
        });
        source.request('capture', buffer);
      }, signal);
      return end === 'complete';
    });
    if (layout !== undefined) return layout;
    // The output has changed meanwhile.
    if (end !== 'retry') failure = end;
  }
  throw refusal(failure);
}

function listenersOf(wanted: ChangingPicture): EventListeners<Interfaces['weston_capture_source_v1']> {
  return {
    format: (fourcc) => {
      wanted.fourcc = fourcc;
    },
    size: (width, height) => void Object.assign(wanted, { width, height }),
  };
}

/** `weston --debug` lets everybody see (weston_compositor_add_screenshot_authority). */
function refusal(word: string): DmaBufError {
  const remedy = word === 'unauthorized' ? ': start weston with --debug' : '';
  return new DmaBufError(`Cannot capture the output as the compositor says ${quoteForeign(word)}${remedy}`, {
    code: 'EIO',
  });
}
