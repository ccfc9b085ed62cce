import { collector } from '../base/collector.ts';
import { DmaBufError } from '../base/errors.ts';
import type { ByteLength } from '../base/quantities.ts';
import type { OwnedFd } from '../linux/calls/fd.ts';
import type { AvailableMemory } from '../linux/proc/available-memory.ts';
import { MappingBudget } from '../mapping/mapping-budget.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { BufferCalls } from './buffer-calls.ts';
import type {
  AllocationRequest,
  BackendBuffer,
  BackendHeap,
  BackendKind,
  BackendStats,
  HugePageUse,
} from '../heap/backend.ts';
import { CommitLimiter } from './commit-limiter.ts';
import type { Machine } from '../linux/machine.ts';

/** The heap's identity, and its collaborators. */
export interface DeviceHeapSetup {
  readonly name: string;
  readonly calls: BufferCalls;
  /** Where `/dev`, `/proc` and `/sys` are found. */
  readonly machine: Machine;
}

/** The kind of the heap's memory. */
interface HeapDevice {
  open(): OwnedFd;
  /** How much more memory the heap may take. */
  readRoom(): AvailableMemory;
}

/** A heap whose buffers come from a kernel device, each with all of its pages at once. */
export abstract class DeviceHeap implements BackendHeap {
  abstract readonly backend: BackendKind;
  protected abstract readonly hugePages: HugePageUse;
  readonly deviceImportable = true;
  readonly name: string;
  readonly pageSize: ByteLength;
  readonly mapping: MappingContext;
  protected readonly calls: BufferCalls;
  protected readonly machine: Machine;
  protected readonly device: OwnedFd;
  readonly #room: CommitLimiter;
  #usedBytes = 0;

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  protected constructor({ name, calls, machine }: DeviceHeapSetup, device: HeapDevice) {
    this.name = name;
    this.calls = calls;
    this.machine = machine;
    this.pageSize = calls.memory.pageSize();
    this.mapping = { calls: calls.memory, budget: new MappingBudget(machine) };
    this.#room = new CommitLimiter(name, () => device.readRoom());
    this.device = collector.collectBeforeRefusing(() => device.open());
  }

  allocate(request: AllocationRequest): BackendBuffer {
    const { length } = request;
    if (request.shareable === 'read-only') throw cannotBeReadOnly(this.name);
    this.#room.check({ length, newBytes: length, pledgedBytes: () => 0 });
    const buffer = this.create(request, () => {
      this.#usedBytes -= length;
    });
    this.#usedBytes += length;
    return buffer;
  }

  /** The allocations of this object: the kernel does not report those of others. */
  stats(): BackendStats {
    const usedBytes = this.#usedBytes;
    return {
      capacityBytes: undefined,
      usedBytes,
      committedBytes: usedBytes,
      cachedBytes: 0,
      freeBlockCounts: [],
      hugePages: this.hugePages,
    };
  }

  close(): void {
    this.device.close();
  }

  /** Makes a buffer. @param released called once, when it has given its memory back */
  protected abstract create(request: AllocationRequest, released: () => void): BackendBuffer;
}

/**
 * A dma-buf's descriptor cannot be passed on with fewer rights, and reopening it is refused (man 5
 * proc; ENXIO).
 */
function cannotBeReadOnly(heapName: string): DmaBufError {
  return new DmaBufError(
    `Cannot allocate a buffer that others may only read from heap "${heapName}" as every holder of a dma-buf can write to it: ` +
      "take an embedded heap, openHeap('system', { backends: ['embedded'] }), or allocate it with { shareable: true }",
    { code: 'EOPNOTSUPP' },
  );
}
