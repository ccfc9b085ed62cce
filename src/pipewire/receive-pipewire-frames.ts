import { join } from 'node:path';

import { checkName, checkString, readOptions } from '../base/check.ts';
import { throwIfAborted } from '../base/abort.ts';
import { withCleanup } from '../base/cleanup.ts';
import { DmaBufError } from '../base/errors.ts';
import { isAbstractAddress } from '../linux/calls/unix-socket-address.ts';
import { ShareContext } from '../share/connection/share-context.ts';
import { connectStream } from '../share/stream/connect-stream.ts';
import { ExperimentalPipeWireFrames } from './pipewire-frames.ts';

/**
 * Options of {@link experimentalReceivePipeWireFrames}.
 *
 * @experimental
 */
export interface ExperimentalPipeWireOptions {
  /**
   * The name or the serial of the node to receive from. Default: as the session manager chooses.
   */
  readonly target?: string | undefined;
  /** What others see of this node. Default: `dmabuf`. */
  readonly name?: string | undefined;
  /**
   * PipeWire's socket: a path, or a name below `$PIPEWIRE_RUNTIME_DIR` or `$XDG_RUNTIME_DIR`.
   * Default: as `$PIPEWIRE_REMOTE` has it, or `pipewire-0`.
   */
  readonly remote?: string | undefined;
  /** Ends receiving. */
  readonly signal?: AbortSignal | undefined;
}

const ACTION = 'receive frames of PipeWire';
const REMOTE_DEFAULT = 'pipewire-0';

/**
 * Receives the frames of a video stream of PipeWire 1.4 without a copy, in the protocol and the
 * shared memory that its own library uses. The latter is private to PipeWire: with another version,
 * it is refused. Close each frame, so that the stream can fill its memory again.
 *
 * @throws {TypeError | RangeError} for an invalid option
 * @throws {DmaBufError} `ECONNREFUSED` or `ENOENT` where there is no PipeWire
 * @throws the abort reason when aborted
 * @experimental
 *
 * @example
 * ```ts
 * import { experimentalReceivePipeWireFrames } from 'dmabuf/pipewire';
 *
 * if (process.env['XDG_RUNTIME_DIR'] === undefined) console.log('no session'); // no session
 * else await watchCamera();
 *
 * async function watchCamera(): Promise<void> {
 *   for await (const frame of await experimentalReceivePipeWireFrames({ name: 'viewer' })) {
 *     frame.layout.accessSync('read', ([plane]) => console.log(plane?.row(0)[0]));
 *     frame.close(); // the stream may fill its memory again
 *   }
 * }
 * ```
 */
export async function experimentalReceivePipeWireFrames(
  options?: ExperimentalPipeWireOptions,
): Promise<ExperimentalPipeWireFrames>;
/** @internal */
export async function experimentalReceivePipeWireFrames(
  options: ExperimentalPipeWireOptions,
  context: ShareContext,
): Promise<ExperimentalPipeWireFrames>;
export async function experimentalReceivePipeWireFrames(
  options: ExperimentalPipeWireOptions = {},
  hidden?: unknown,
): Promise<ExperimentalPipeWireFrames> {
  const context = ShareContext.hiddenIn(hidden);
  const plain = readOptions(options, ACTION, ['target', 'name', 'remote', 'signal']);
  const { target, name = 'dmabuf', remote, signal } = plain;
  const properties = propertiesOf(name, target);
  if (remote !== undefined) checkString(remote, { action: ACTION, name: 'remote' });
  const stream = await connectStream(pathOf(remote), { signal }, context);
  return withCleanup((cleanup) => {
    cleanup.defer(() => stream.destroy());
    // It may have been aborted since the connection was there.
    throwIfAborted(signal);
    return new ExperimentalPipeWireFrames(stream, { machine: context.machine, properties, signal });
  });
}

function propertiesOf(name: string, target: string | undefined): Record<string, string> {
  return {
    'node.name': checkName(name, { action: ACTION, name: 'name' }),
    'media.class': 'Stream/Input/Video',
    'media.type': 'Video',
    'media.category': 'Capture',
    'node.autoconnect': 'true',
    'node.want-driver': 'true',
    ...(target === undefined ? {} : { 'target.object': checkName(target, { action: ACTION, name: 'target' }) }),
  };
}

/** As libpipewire finds it (src/modules/module-protocol-native/local-socket.c). */
function pathOf(remote: string | undefined): string {
  const { PIPEWIRE_REMOTE, PIPEWIRE_RUNTIME_DIR, XDG_RUNTIME_DIR } = process.env;
  const name = remote ?? PIPEWIRE_REMOTE ?? REMOTE_DEFAULT;
  if (name.startsWith('/') || isAbstractAddress(name)) return name;
  const folder = PIPEWIRE_RUNTIME_DIR ?? XDG_RUNTIME_DIR;
  if (folder !== undefined && folder !== '') return join(folder, name);
  throw new DmaBufError(
    `Cannot find PipeWire's ${name} as XDG_RUNTIME_DIR is not set: set it, or give the whole path`,
    { code: 'ENOENT' },
  );
}
