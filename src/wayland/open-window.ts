import { checkSignal, throwIfAborted } from '../base/abort.ts';
import { checkInteger, checkString, readOptions } from '../base/check.ts';
import { DmaBufError } from '../base/errors.ts';
import { ShareContext } from '../share/connection/share-context.ts';
import { CompositorBuffers } from './compositor-buffers.ts';
import { connectCompositor } from './connect-compositor.ts';
import type { ProtocolObject } from './protocol-object.ts';
import type { InterfaceName, Interfaces } from './protocol/interfaces.ts';
import type { WaylandConnection } from './wayland-connection.ts';
import { Window } from './window.ts';

/** Options of {@link openWindow}. */
export interface WindowOptions {
  /** Default: `dmabuf`. */
  readonly title?: string | undefined;
  /** In the compositor's units, where it leaves the size to the window. Default: 640. */
  readonly width?: number | undefined;
  /** As `width`. Default: 480. */
  readonly height?: number | undefined;
  /** A path, or a name below `$XDG_RUNTIME_DIR`. Default: `$WAYLAND_DISPLAY`. */
  readonly display?: string | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
}

const ACTION = 'open the window';
const SIZE_MAX = 16_384;
const COMPOSITOR_VERSION = 6;
const SHELL_VERSION = 2;

/**
 * Opens a window on a Wayland compositor, for pictures in memfds or dma-bufs.
 *
 * @throws {TypeError | RangeError} for an invalid option
 * @throws {DmaBufError} `ENOENT` or `ECONNREFUSED` where there is no compositor; `EOPNOTSUPP` for
 *   one that has no windows
 * @throws the abort reason when aborted
 *
 * @example
 * ```ts
 * import { openHeap } from 'dmabuf';
 * import { FrameLayout, describeFrame } from 'dmabuf/picture';
 * import { openWindow } from 'dmabuf/wayland';
 *
 * if (process.env['WAYLAND_DISPLAY'] === undefined) console.log('no compositor'); // no compositor
 * else await showWhite();
 *
 * async function showWhite(): Promise<void> {
 *   const window = await openWindow({ title: 'A picture', width: 320, height: 240 });
 *   const heap = openHeap('system', { backends: ['embedded'], contiguous: true });
 *   const description = describeFrame('XRGB8888', { width: 320, height: 240 });
 *   const buffer = heap.allocate(description.length, { shareable: true });
 *   buffer.accessSync('write', (bytes) => bytes.fill(255));
 *   const { drawn } = await window.show(new FrameLayout(description, [buffer]));
 *   await drawn;
 *   for (const each of [window, buffer, heap]) each.close();
 * }
 * ```
 */
export async function openWindow(options?: WindowOptions): Promise<Window>;
/** @internal */
export async function openWindow(options: WindowOptions, context: ShareContext): Promise<Window>;
export async function openWindow(options: WindowOptions = {}, hidden?: unknown): Promise<Window> {
  const context = ShareContext.hiddenIn(hidden);
  const plain = readOptions(options, ACTION, ['title', 'width', 'height', 'display', 'signal']);
  const { title = 'dmabuf', width = 640, height = 480, display, signal } = plain;
  checkString(title, { action: ACTION, name: 'title' });
  for (const [name, value] of Object.entries({ width, height }))
    checkInteger(value, { action: ACTION, name, min: 1, max: SIZE_MAX });
  if (display !== undefined) checkString(display, { action: ACTION, name: 'display' });
  if (signal !== undefined) checkSignal(signal, { action: ACTION, name: 'signal' });
  throwIfAborted(signal);
  const connection = await connectCompositor({ display, signal }, context);
  try {
    return await makeWindow(connection, { title, size: { width, height }, signal });
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function makeWindow(
  connection: WaylandConnection,
  { title, size, signal }: { title: string; size: { width: number; height: number }; signal: AbortSignal | undefined },
): Promise<Window> {
  const compositor = bindNeeded(connection, 'wl_compositor', COMPOSITOR_VERSION);
  const shell = bindNeeded(connection, 'xdg_wm_base', SHELL_VERSION);
  shell.listen({ ping: (serial) => shell.request('pong', serial) });
  const buffers = new CompositorBuffers(connection);
  const surface = compositor.request('create_surface');
  const xdgSurface = shell.request('get_xdg_surface', surface);
  const toplevel = xdgSurface.request('get_toplevel');
  toplevel.request('set_title', title);
  toplevel.request('set_app_id', 'dmabuf');
  const window = new Window({ connection, buffers, surface, xdgSurface, toplevel, size });
  // Without a buffer: the compositor answers with the window's first configuration.
  surface.request('commit');
  await window.whenConfigured(signal);
  // What it takes for buffers has come, too.
  await connection.roundTrip(signal);
  return window;
}

function bindNeeded<Name extends InterfaceName>(
  connection: WaylandConnection,
  name: Name,
  version: number,
): ProtocolObject<Interfaces[Name]> {
  const global = connection.findGlobal(name);
  if (global !== undefined) return connection.bind(global, name, version);
  throw new DmaBufError(`Cannot open the window as the compositor has no ${name}`, { code: 'EOPNOTSUPP' });
}
