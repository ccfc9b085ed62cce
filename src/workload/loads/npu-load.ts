import { assert } from '../../base/assert.ts';
import { ApusysSession } from '../consumers/apusys-map.ts';
import { ApusysPool } from '../consumers/apusys-pool.ts';
import type { ApusysCommand } from '../consumers/apusys-pool.ts';
import { BufferSet } from './buffer-set.ts';
import { sharedOf } from './load.ts';
import type { Load, LoadContext } from './load.ts';

/** Sessions of an NPU: each opens, fills commands, closes. */
export interface NpuSessionLoad {
  readonly consumer: 'apusys-pool';
  readonly commandCount: number;
  readonly commandBytesMin: number;
  readonly commandBytesMax: number;
}

/** Buffers of users that come and go in one session of an NPU. */
export interface NpuMapLoad {
  readonly consumer: 'apusys-map';
  readonly lengthBytes: number;
  readonly bufferCount: number;
  /** Of loads in other threads with the same name: one session. Absent: one of its own. */
  readonly session?: string;
}

/** Threads of one session of an NPU that fill its pool until it grows, and free in any order. */
export interface NpuPoolLoad {
  readonly consumer: 'apusys-shared-pool';
  readonly session: string;
  readonly commandCount: number;
  readonly commandBytes: number;
  /** Of the last command: more than a chunk of 4 MiB has. */
  readonly largeCommandBytes: number;
}

export function npuSessionLoad(description: NpuSessionLoad, { kernel, heap, random }: LoadContext): Load {
  const { commandCount, commandBytesMin, commandBytesMax } = description;
  return {
    step: async (index) => {
      const pool = await ApusysPool.open(kernel, heap);
      try {
        for (let count = 0; count < commandCount; count += 1) {
          const extra = random.below(commandBytesMax - commandBytesMin + 1);
          const { bytes } = await pool.allocate(commandBytesMin + extra);
          bytes.fill(index & 0xff, 0, 64);
        }
      } finally {
        await pool.close();
      }
    },
    close: async () => await Promise.resolve(),
  };
}

export function npuMapLoad(description: NpuMapLoad, context: LoadContext): Load {
  const buffers = new BufferSet(context, description);
  const session = new ApusysSession(context.kernel, {
    mapsUnknownBuffers: context.caller === 'as-is',
    lock: description.session === undefined ? undefined : sharedOf(context).sessionLock(description.session),
  });
  return {
    step: async (index) => {
      await session.map(buffers.at(index));
      await session.unmap(buffers.at(index));
    },
    close: async () => {
      await session.close();
      buffers.close();
    },
  };
}

export function npuPoolLoad(description: NpuPoolLoad, context: LoadContext): Load {
  const { kernel, heap, random } = context;
  const { session, commandCount, commandBytes, largeCommandBytes } = description;
  const { sharing, close } = sharedOf(context).poolSharing(session);
  const lengths = [...Array.from({ length: commandCount }, () => commandBytes), largeCommandBytes];
  let pool: ApusysPool | undefined;
  return {
    step: async () => {
      pool ??= await ApusysPool.open(kernel, heap, sharing);
      const commands: StampedCommand[] = [];
      try {
        for (const lengthBytes of lengths) commands.push(stamp(await pool.allocate(lengthBytes), random.uint32()));
      } finally {
        random.shuffle(commands);
        for (const command of commands) await pool.free(checkStamp(command));
      }
    },
    close: async () => {
      close();
      await pool?.close();
    },
  };
}

interface StampedCommand {
  readonly command: ApusysCommand;
  readonly stamp: number;
}

/** What a command says at its beginning. */
function stamp(command: ApusysCommand, value: number): StampedCommand {
  new DataView(command.bytes.buffer, command.bytes.byteOffset).setUint32(0, value);
  return { command, stamp: value };
}

/** Another thread that got the same pages would have cleared them, and written its own. */
function checkStamp({ command, stamp: value }: StampedCommand): ApusysCommand {
  const found = new DataView(command.bytes.buffer, command.bytes.byteOffset).getUint32(0);
  assert(found === value, 'A command has its pages for itself');
  return command;
}
