import { withCleanup } from '../../base/cleanup.ts';
import { adoptConnection } from '../connection/adopt-connection.ts';
import { BufferConnection } from '../connection/buffer-connection.ts';
import { STANDARD_PLACE_COUNT, readStdio, inheritanceRefusal, readInherited } from './inheritance.ts';
import type { ForChildOptions, TakeInheritedOptions, StdioSlot } from './inheritance.ts';
import { ShareContext } from '../connection/share-context.ts';

const VARIABLE = 'DMABUF_INHERITED_CONNECTION';
const TAKE = 'take the inherited connection';

/** A connection to a child that is not spawned yet. */
export interface ConnectionForChild {
  /** This process's end. */
  readonly connection: BufferConnection;
  /**
   * For `spawn`: the given places, followed by the child's end. Its place is the number of its
   * descriptor in the child.
   */
  readonly stdio: StdioSlot[];
  /** For `spawn`, together with the rest of the environment: the descriptor's number. */
  readonly env: Record<string, string>;
  /**
   * Closes this process's copy of the child's end: call it once the child is spawned, or this
   * process will not notice the child's death. Idempotent.
   */
  close(): void;
  /** For `using`: closes. */
  [Symbol.dispose](): void;
}

/**
 * Makes a connection whose other end a child process inherits. The child takes it with
 * {@link takeInheritedConnection}.
 *
 * @throws {TypeError} for an invalid `stdio`
 * @throws {DmaBufError} `EMFILE` when no descriptors are left
 *
 * @example
 * ```ts
 * import { spawn } from 'node:child_process';
 * import { fileURLToPath } from 'node:url';
 * import { connectionForChild, takeInheritedConnection } from 'dmabuf/share';
 *
 * if (process.argv[2] === 'child') {
 *   const connection = takeInheritedConnection();
 *   await connection.send({ message: 'ready' });
 *   connection.close();
 * } else {
 *   const given = connectionForChild();
 *   const words = [...process.execArgv, fileURLToPath(import.meta.url), 'child'];
 *   spawn(process.execPath, words, { stdio: given.stdio, env: { ...process.env, ...given.env } });
 *   given.close();
 *   const received = await given.connection.receive();
 *   console.log(received?.text); // ready
 *   given.connection.close();
 * }
 * ```
 */
export function connectionForChild(options?: ForChildOptions): ConnectionForChild;
/** @internal */
export function connectionForChild(options: ForChildOptions, context: ShareContext): ConnectionForChild;
export function connectionForChild(options: ForChildOptions = {}, hidden?: unknown): ConnectionForChild {
  const context = ShareContext.hiddenIn(hidden);
  const before = readStdio(options, 'let a child inherit a connection');
  return withCleanup((cleanup) => {
    const [own, other] = context.sockets.createPair();
    cleanup.defer(() => own.close());
    cleanup.defer(() => other.close());
    const connection = new BufferConnection(context, own);
    const close = (): void => other.close();
    const stdio = [...before, other.borrow()];
    return { connection, stdio, env: { [VARIABLE]: String(before.length) }, close, [Symbol.dispose]: close };
  });
}

/**
 * Takes the connection that this process was spawned with. Works once.
 *
 * @throws {DmaBufError} `ENOENT` when there is none, or it was taken before; the errors of
 *   `connectionFromFd` when the descriptor is invalid
 *
 * @example
 * ```ts
 * import { spawn } from 'node:child_process';
 * import { fileURLToPath } from 'node:url';
 * import { connectionForChild, takeInheritedConnection } from 'dmabuf/share';
 *
 * if (process.argv[2] === 'child') {
 *   const connection = takeInheritedConnection();
 *   await connection.send({ message: 'ready' });
 *   connection.close();
 * } else {
 *   const given = connectionForChild();
 *   const words = [...process.execArgv, fileURLToPath(import.meta.url), 'child'];
 *   spawn(process.execPath, words, { stdio: given.stdio, env: { ...process.env, ...given.env } });
 *   given.close();
 *   const received = await given.connection.receive();
 *   console.log(received?.text); // ready
 *   given.connection.close();
 * }
 * ```
 */
export function takeInheritedConnection(options: TakeInheritedOptions = {}): BufferConnection {
  const { text, taken } = readInherited(VARIABLE, options, TAKE);
  const fd = Number(text);
  if (!/^\d{1,10}$/u.test(text) || fd < STANDARD_PLACE_COUNT) throw inheritanceRefusal(VARIABLE, text, TAKE);
  const connection = adoptConnection(new ShareContext(), fd);
  taken();
  return connection;
}
