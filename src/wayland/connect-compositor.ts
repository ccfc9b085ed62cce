import { join } from 'node:path';

import { DmaBufError } from '../base/errors.ts';
import { isAbstractAddress } from '../linux/calls/unix-socket-address.ts';
import type { ShareContext } from '../share/connection/share-context.ts';
import { connectStream } from '../share/stream/connect-stream.ts';
import { streamFromFd } from '../share/stream/stream-from-fd.ts';
import { WaylandConnection } from './wayland-connection.ts';

/** How a compositor is found. */
interface CompositorPlace {
  /** A path, or a name below `$XDG_RUNTIME_DIR`. Default: as `$WAYLAND_DISPLAY` has it. */
  readonly display: string | undefined;
  readonly signal: AbortSignal | undefined;
}

const DISPLAY_DEFAULT = 'wayland-0';

/**
 * Connects to a compositor as libwayland-client finds it (wl_display_connect): an inherited socket,
 * a name below `$XDG_RUNTIME_DIR`, or a path.
 *
 * @throws {DmaBufError} `ENOENT` where there is none, with the remedy
 */
export async function connectCompositor(
  { display, signal }: CompositorPlace,
  context: ShareContext,
): Promise<WaylandConnection> {
  const { WAYLAND_SOCKET, WAYLAND_DISPLAY = DISPLAY_DEFAULT } = process.env;
  const inherits = display === undefined && WAYLAND_SOCKET !== undefined;
  const stream = inherits
    ? streamFromFd(takeInherited(WAYLAND_SOCKET), context)
    : await connectStream(pathOf(display ?? WAYLAND_DISPLAY), { signal }, context);
  const connection = new WaylandConnection(stream);
  await connection.roundTrip(signal);
  return connection;
}

/** One use only, as libwayland does: a child of this process must not find it. */
function takeInherited(socket: string): number {
  delete process.env['WAYLAND_SOCKET'];
  return Number(socket);
}

function pathOf(display: string): string {
  if (display.startsWith('/') || isAbstractAddress(display)) return display;
  const folder = process.env['XDG_RUNTIME_DIR'];
  if (folder !== undefined && folder !== '') return join(folder, display);
  throw new DmaBufError(
    `Cannot find the compositor ${display} as XDG_RUNTIME_DIR is not set: set it, or give the whole path`,
    { code: 'ENOENT' },
  );
}
