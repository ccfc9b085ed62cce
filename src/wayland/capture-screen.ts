import { checkSignal, throwIfAborted } from '../base/abort.ts';
import { wrongType } from '../base/argument-error.ts';
import { checkString, readOptions } from '../base/check.ts';
import { Heap } from '../heap/heap.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import { ShareContext } from '../share/connection/share-context.ts';
import { captureOutput } from './capture-output.ts';
import { connectCompositor } from './connect-compositor.ts';

/** Options of {@link captureScreen}. */
export interface CaptureOptions {
  /** Of the compositor: a path, or a name below `$XDG_RUNTIME_DIR`. Default: `$WAYLAND_DISPLAY`. */
  readonly display?: string | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

const ACTION = 'capture the screen';

/**
 * The picture of a Wayland compositor's first output, in a buffer of the heap: the caller closes
 * it. Weston must be started with `--debug`; sway and other compositors of wlroots show it to all.
 *
 * @param heap the embedded one, opened with `contiguous: true`: its memory is memfds then, also
 *   where there is `/dev/udmabuf`. Heaps of dma-bufs are refused
 * @throws {TypeError | RangeError} for another heap or option
 * @throws {DmaBufError} `ENOENT` or `ECONNREFUSED` where there is no compositor; `EOPNOTSUPP` for
 *   one that shows its outputs to nobody, or that does not take the heap's memory; `EIO` where it
 *   fails, or does not let this program see; `EPROTO` for a picture that cannot be
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * import { openHeap } from 'dmabuf';
 * import { captureScreen } from 'dmabuf/wayland';
 *
 * if (process.env['WAYLAND_DISPLAY'] === undefined) console.log('no compositor'); // no compositor
 * else await measureScreen();
 *
 * async function measureScreen(): Promise<void> {
 *   const heap = openHeap('system', { backends: ['embedded'], contiguous: true });
 *   const picture = await captureScreen(heap);
 *   console.log(picture.width, picture.height);
 *   for (const each of [...picture.buffers, heap]) each.close();
 * }
 * ```
 */
export async function captureScreen(heap: Heap, options?: CaptureOptions): Promise<FrameLayout>;
/** @internal */
export async function captureScreen(heap: Heap, options: CaptureOptions, context: ShareContext): Promise<FrameLayout>;
export async function captureScreen(heap: Heap, options: CaptureOptions = {}, hidden?: unknown): Promise<FrameLayout> {
  const context = ShareContext.hiddenIn(hidden);
  if (!Heap.isHeap(heap)) throw wrongType({ action: ACTION, name: 'heap' }, { must: 'be a heap', received: heap });
  const { display, signal } = readOptions(options, ACTION, ['display', 'signal']);
  if (display !== undefined) checkString(display, { action: ACTION, name: 'display' });
  if (signal !== undefined) checkSignal(signal, { action: ACTION, name: 'signal' });
  throwIfAborted(signal);
  const connection = await connectCompositor({ display, signal }, context);
  try {
    return await captureOutput(connection, { heap, signal });
  } finally {
    connection.close();
  }
}
