import { DmaBufError } from '../base/errors.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import type { OutputCapture } from './output-capture.ts';
import { captureByScreencopy } from './screencopy-capture.ts';
import type { WaylandConnection } from './wayland-connection.ts';
import { captureByWeston } from './weston-capture.ts';

/**
 * The picture of the compositor's first output, in a buffer of the heap, which the caller closes:
 * by the protocol that the compositor has.
 *
 * @throws {DmaBufError} `EOPNOTSUPP` where the compositor shows its outputs to nobody; `EIO` with
 *   its word where it fails
 */
export async function captureOutput(
  connection: WaylandConnection,
  target: Omit<OutputCapture, 'connection' | 'output'>,
): Promise<FrameLayout> {
  const global = connection.findGlobal('wl_output');
  if (global === undefined) throw cannotCapture('it has no wl_output');
  const weston = connection.findGlobal('weston_capture_v1');
  const screencopy = connection.findGlobal('zwlr_screencopy_manager_v1');
  if (weston === undefined && screencopy === undefined)
    throw cannotCapture(
      'it has neither weston_capture_v1 nor zwlr_screencopy_manager_v1: GNOME and KDE show it through the desktop portal, which is not spoken here',
    );
  const capture = { ...target, connection, output: connection.bind(global, 'wl_output', 1) };
  if (weston !== undefined) return await captureByWeston(capture, weston);
  return await captureByScreencopy(capture, screencopy as NonNullable<typeof screencopy>);
}

function cannotCapture(why: string): DmaBufError {
  return new DmaBufError(`Cannot capture the output of the compositor as ${why}`, { code: 'EOPNOTSUPP' });
}
