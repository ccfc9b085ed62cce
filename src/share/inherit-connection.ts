import { withCleanup } from '../base/cleanup.ts';
import { adoptConnection } from './adopt-connection.ts';
import { BufferConnection } from './buffer-connection.ts';
import { STANDARD_PLACE_COUNT, checkStdio, inheritanceRefusal, readInherited } from './inheritance.ts';
import type { InheritOptions, InheritedOptions, StdioSlot } from './inheritance.ts';
import { shareSurroundings } from './share-surroundings.ts';
import type { ShareSurroundings } from './share-surroundings.ts';

const VARIABLE = 'DMABUF_INHERITED_CONNECTION';
const TAKE = 'take the inherited connection';

/** A connection to a child that is yet to be spawned. */
export interface ConnectionToInherit {
  /** This process's end. */
  readonly connection: BufferConnection;
  /** For `spawn`: the places given, and the child's end behind them. Its place is the number of its descriptor in the child. */
  readonly stdio: StdioSlot[];
  /** For `spawn`, together with the rest of the environment: the descriptor's number. */
  readonly env: Record<string, string>;
  /** Closes this process's copy of the child's end: call it once the child is spawned, or the child's death goes unnoticed. Again: does nothing. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Makes a connection of which a child process inherits the other end. It takes that with {@link takeInheritedConnection}.
 *
 * @throws {TypeError} for what is no `stdio`
 * @throws {DmaBufError} `EMFILE` when there are no descriptors left
 */
export function inheritConnection(options: InheritOptions = {}): ConnectionToInherit {
  return inheritConnectionWithin(shareSurroundings(), options);
}

/** As {@link inheritConnection}, in other surroundings. @internal */
export function inheritConnectionWithin(
  surroundings: ShareSurroundings,
  options: InheritOptions = {},
): ConnectionToInherit {
  const before = checkStdio(options, 'let a child inherit a connection');
  return withCleanup((cleanup) => {
    const [own, other] = surroundings.sockets.createPair();
    cleanup.defer(() => own.close());
    cleanup.defer(() => other.close());
    const connection = new BufferConnection(surroundings, own);
    const close = (): void => other.close();
    const stdio = [...before, other.borrow()];
    return { connection, stdio, env: { [VARIABLE]: String(before.length) }, close, [Symbol.dispose]: close };
  });
}

/**
 * Takes the connection that this process was spawned with. Once.
 *
 * @throws {DmaBufError} `ENOENT` when there is none, or it was taken before; what `connectionFromFd` throws when the descriptor is none
 */
export function takeInheritedConnection(options: InheritedOptions = {}): BufferConnection {
  const { text, taken } = readInherited(VARIABLE, options, TAKE);
  const fd = Number(text);
  if (!/^\d{1,10}$/u.test(text) || fd < STANDARD_PLACE_COUNT) throw inheritanceRefusal(VARIABLE, text, TAKE);
  const connection = adoptConnection(shareSurroundings(), fd);
  taken();
  return connection;
}
