import { openHeap } from '../../backend/open-heap.ts';
import { DmaBufError } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { Heap } from '../../heap/heap.ts';
import type { MappingEvent, UnmappingEvent } from '../../trace/mapping-event.ts';
import { driveLoad } from '../drive-load.ts';
import type { LockCounts, LockKind } from '../kernel/buffer-locks.ts';
import { KernelFunctions } from '../kernel/kernel-functions.ts';
import { LockUseCount } from '../kernel/kernel-lock.ts';
import { startLoad } from '../loads/start-load.ts';
import { openWorkloadHeap } from '../workload-heap.ts';
import { toErrorFacts } from './error-facts.ts';
import { lockUses } from './lock-use.ts';
import type { PartyCommand, PartyHold, PartyMessage, PartyReport, PartyTask } from './party-messages.ts';
import { PartyObjects } from './party-objects.ts';

/** How a party and the thread that started it talk. */
interface PartyChannel {
  post(message: PartyMessage): void;
  onCommand(listener: (command: PartyCommand) => void): void;
}

/**
 * A party's life, from its start to its end: one load, in a thread or a process of its own. What
 * fails is told, and the party stays until it is told to end: others may have its buffers.
 *
 * @param takeBuffers that are shared, in the task's order: they are closed at the end
 */
export async function runParty(
  task: PartyTask,
  takeBuffers: () => readonly DmaBuf[],
  channel: PartyChannel,
): Promise<void> {
  const commands = new Commands(channel);
  const world = new PartyWorld();
  try {
    await workOnce({ task, channel, commands, world }, takeBuffers);
  } catch (error) {
    if (error !== commands.closing.reason) channel.post({ kind: 'failed', error: toErrorFacts(error) });
  }
  await commands.wait('close');
  channel.post({ kind: 'closed' });
  await commands.wait('end');
  channel.post({ kind: 'ended', bufferCount: world.heap?.stats().bufferCount ?? 0 });
  world.objects?.close();
  world.heap?.close();
}

/** What a party has as long as it lives. */
class PartyWorld {
  readonly holds: PartyHold[] = [];
  readonly counts: LockCounts = countHolds(this.holds);
  heap: Heap | undefined;
  objects: PartyObjects | undefined;
}

interface PartyWork {
  readonly task: PartyTask;
  readonly channel: PartyChannel;
  readonly commands: Commands;
  readonly world: PartyWorld;
}

async function workOnce(
  { task, channel, commands, world }: PartyWork,
  takeBuffers: () => readonly DmaBuf[],
): Promise<void> {
  const { description, caller, conversion, mapping, seed, extent } = task;
  const { counts, holds } = world;
  const heap = (world.heap = openHeapOf(task));
  const shared = (world.objects = new PartyObjects(task, takeBuffers(), counts));
  const records: (MappingEvent | UnmappingEvent)[] = [];
  const kernel = new KernelFunctions({
    conversion,
    mapping,
    lockCounts: counts,
    shared,
    onRecord: (record) => void records.push(record),
    beforeCall: failAt(task.failingCall),
  });
  const load = await startLoad(description, { kernel, heap, random: new SeededRandom(seed), caller, shared });
  try {
    channel.post({ kind: 'ready' });
    await commands.wait('go');
    const onStep = (isLate: boolean): void => channel.post({ kind: 'step', isLate });
    const outcome = await driveLoad({ load, description }, { extent, signal: commands.closing, onStep });
    const report: PartyReport = { outcome, records, holds, locks: lockUses(counts), tables: kernel.tables };
    channel.post({ kind: 'done', report });
    await commands.wait('close');
  } finally {
    await load.close();
  }
}

/** Of the same kind as the heap of the thread that started it. */
function openHeapOf({ heap: { name, backend, mix }, seed }: PartyTask): Heap {
  return backend === 'embedded' ? openWorkloadHeap(mix, seed) : openHeap(name, { backends: [backend] });
}

/** What the party is told, each once. */
class Commands {
  readonly #closing = new AbortController();
  readonly #told: Readonly<Record<PartyCommand, Promise<void>>>;

  constructor(channel: PartyChannel) {
    const tell = new Map<PartyCommand, () => void>();
    const wait = async (command: PartyCommand): Promise<void> =>
      await new Promise((resolve) => {
        tell.set(command, resolve);
      });
    this.#told = { go: wait('go'), close: wait('close'), end: wait('end') };
    channel.onCommand((command) => {
      if (command === 'close') this.#closing.abort();
      tell.get(command)?.();
    });
  }

  /** Aborts at `close`. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** @throws the reason of {@link closing} where that comes instead */
  async wait(command: PartyCommand): Promise<void> {
    await (command === 'go' ? Promise.race([this.#told.go, this.#told.close]) : this.#told[command]);
    if (command === 'go') this.closing.throwIfAborted();
  }
}

function countHolds(holds: PartyHold[]): LockCounts {
  const count = (lock: LockKind): LockUseCount => new LockUseCount((hold) => void holds.push({ lock, ...hold }));
  return { reservation: count('reservation'), exporter: count('exporter'), driver: count('driver') };
}

function failAt(failingCall: number | undefined): (name: string) => void {
  let callCount = 0;
  return (name) => {
    callCount += 1;
    if (callCount === failingCall)
      throw new DmaBufError(`Cannot go on as ${name} is to fail`, { code: 'ENOMEM', syscall: name });
  };
}
