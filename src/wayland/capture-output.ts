import { throwIfAborted } from '../base/abort.ts';
import { DmaBufError } from '../base/errors.ts';
import { quoteForeign } from '../base/foreign-text.ts';
import type { Heap } from '../heap/heap.ts';
import { describeFrame } from '../picture/describe-frame.ts';
import { FrameLayout } from '../picture/frame-layout.ts';
import type { Fourcc } from '../uapi/fourcc-code.ts';
import { CompositorBuffers } from './compositor-buffers.ts';
import type { EventListeners, ProtocolObject } from './protocol-object.ts';
import type { Interfaces } from './protocol/interfaces.ts';
import { weston_capture_v1 } from './protocol/weston-output-capture.generated.ts';
import type { WaylandConnection } from './wayland-connection.ts';

type Source = ProtocolObject<Interfaces['weston_capture_source_v1']>;

/** What the compositor wants its picture to be. */
interface WantedPicture {
  fourcc: number;
  width: number;
  height: number;
}

/**
 * The picture of the compositor's first output, in a buffer of the heap, which the caller closes.
 *
 * @throws {DmaBufError} `EOPNOTSUPP` where the compositor shows its outputs to nobody; `EIO` with
 *   its word where it fails
 */
export async function captureOutput(
  connection: WaylandConnection,
  heap: Heap,
  signal: AbortSignal | undefined,
): Promise<FrameLayout> {
  const source = openSource(connection);
  const wanted: WantedPicture = { fourcc: 0, width: 0, height: 0 };
  const buffers = new CompositorBuffers(connection);
  source.listen(listenersOf(wanted));
  await connection.roundTrip(signal);
  for (;;) {
    const { end, layout } = await captureOnce({ connection, source, buffers, wanted }, heap, signal);
    if (layout !== undefined) return layout;
    if (end !== 'retry')
      throw new DmaBufError(`Cannot capture the output as the compositor says ${quoteForeign(end)}`, { code: 'EIO' });
  }
}

/** What a capture is made with. */
interface Capture {
  readonly connection: WaylandConnection;
  readonly source: Source;
  readonly buffers: CompositorBuffers;
  readonly wanted: WantedPicture;
}

/** @returns without a layout: `retry` where the output has changed meanwhile, or what failed */
async function captureOnce(
  { connection, source, buffers, wanted }: Capture,
  heap: Heap,
  signal: AbortSignal | undefined,
): Promise<{ end: string; layout?: FrameLayout }> {
  throwIfAborted(signal);
  const { fourcc, width, height } = wanted;
  const description = describeFrame(fourcc as Fourcc, { width, height });
  const memory = heap.allocate(description.length, { shareable: true });
  let isFilled = false;
  try {
    const layout = new FrameLayout(description, [memory]);
    const buffer = await buffers.make(layout, signal);
    const end = await connection.until<string>((resolve) => {
      source.listen({
        ...listenersOf(wanted),
        complete: () => resolve('complete'),
        retry: () => resolve('retry'),
        failed: (message) => resolve(message ?? ''),
      });
      source.request('capture', buffer);
    }, signal);
    isFilled = end === 'complete';
    return isFilled ? { end, layout } : { end };
  } finally {
    if (!isFilled) memory.close();
  }
}

function listenersOf(wanted: WantedPicture): EventListeners<Interfaces['weston_capture_source_v1']> {
  return {
    format: (fourcc) => {
      wanted.fourcc = fourcc;
    },
    size: (width, height) => void Object.assign(wanted, { width, height }),
  };
}

function openSource(connection: WaylandConnection): Source {
  const capture = connection.findGlobal('weston_capture_v1');
  const output = connection.findGlobal('wl_output');
  if (capture === undefined || output === undefined)
    throw new DmaBufError(
      `Cannot capture the output as the compositor has no ${capture === undefined ? 'weston_capture_v1: start weston with --debug' : 'wl_output'}`,
      { code: 'EOPNOTSUPP' },
    );
  const manager = connection.bind(capture, 'weston_capture_v1', 1);
  const { framebuffer } = weston_capture_v1.enums.source;
  return manager.request('create', connection.bind(output, 'wl_output', 1), framebuffer);
}
