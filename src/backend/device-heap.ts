import type { ByteLength } from '../base/quantities.ts';
import type { OwnedFd } from '../linux/fd.ts';
import type { MemoryRoom } from '../linux/memory-room.ts';
import { MappingBudget } from '../mapping/mapping-budget.ts';
import type { MappingContext } from '../mapping/window.ts';
import type { BufferCalls } from './buffer-calls.ts';
import type { AllocationRequest, BackendBuffer, BackendHeap, BackendKind, BackendStats } from './contract.ts';
import { RoomGauge } from './room-gauge.ts';

/** Which heap, and what it works with. */
export interface DeviceHeapSetup {
  readonly name: string;
  readonly calls: BufferCalls;
  /** Where `/dev`, `/proc` and `/sys` are found. */
  readonly root: string;
}

/** What the heap's memory comes from. */
interface HeapDevice {
  open(): OwnedFd;
  /** How much more memory may be taken through it. */
  readRoom(): MemoryRoom;
}

/** A heap whose buffers a device of the kernel makes, each at once and whole. */
export abstract class DeviceHeap implements BackendHeap {
  abstract readonly backend: BackendKind;
  readonly deviceImportable = true;
  readonly name: string;
  readonly pageSize: ByteLength;
  readonly mapping: MappingContext;
  protected readonly calls: BufferCalls;
  protected readonly root: string;
  protected readonly device: OwnedFd;
  readonly #room: RoomGauge;
  #usedBytes = 0;

  /** @throws {DmaBufError} as the kernel refuses to open the device */
  protected constructor({ name, calls, root }: DeviceHeapSetup, device: HeapDevice) {
    this.name = name;
    this.calls = calls;
    this.root = root;
    this.pageSize = calls.system.pageSize();
    this.mapping = { calls: calls.system, budget: new MappingBudget(root) };
    this.#room = new RoomGauge(name, () => device.readRoom());
    this.device = device.open();
  }

  allocate(request: AllocationRequest): BackendBuffer {
    const { length } = request;
    this.#room.check({ length, newBytes: length, pledgedBytes: () => 0 });
    const buffer = this.create(request, () => {
      this.#usedBytes -= length;
    });
    this.#usedBytes += length;
    return buffer;
  }

  /** What this object has allocated: the kernel does not tell what others have. */
  stats(): BackendStats {
    const usedBytes = this.#usedBytes;
    return { capacityBytes: undefined, usedBytes, committedBytes: usedBytes, warmBytes: 0, freeBlockCounts: [] };
  }

  close(): void {
    this.device.close();
  }

  /** Makes a buffer. @param released called once, when it has given its memory back */
  protected abstract create(request: AllocationRequest, released: () => void): BackendBuffer;
}
