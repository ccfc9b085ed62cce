import type { BackendKind } from '../../heap/backend.ts';
import type { DmaBufErrorCode } from '../../base/errors.ts';
import type { OrderMixName } from '../../pages/order-mixes.ts';
import type { SgEntryLike } from '../../sg/sg-entry.ts';
import type { MappingEvent, UnmappingEvent } from '../../trace/mapping-event.ts';
import type { LoadExtent, LoadOutcome } from '../drive-load.ts';
import type { LockKind } from '../kernel/buffer-locks.ts';
import type { Conversion } from '../kernel/exporter-mapping.ts';
import type { LockHold, LockUse } from '../kernel/kernel-lock.ts';
import type { MappingWay } from '../kernel/map-window.ts';
import type { TableCount } from '../kernel/table-counter.ts';
import type { CallerVariant } from '../loads/load.ts';
import type { PacedLoad } from '../workload.ts';

/** A buffer that threads and processes share. */
export interface SharedBufferFacts {
  readonly name: string;
  /** Of this process, for its threads. A child process inherits buffers, in this order. */
  readonly fd: number;
  /** Files of the buffer's locks. */
  readonly reservationPath: string;
  readonly exporterPath: string;
  /** Its sg table, as far as that is known. */
  readonly entries: readonly SgEntryLike[] | undefined;
  readonly pageSize: number;
}

/** A session of a driver that threads share. */
export interface SharedSessionFacts {
  readonly name: string;
  /** The file of the session's lock. */
  readonly lockPath: string;
  /** Of the BroadcastChannel by which its threads tell each other of chunks. */
  readonly channelName: string;
}

/** What a thread or a process is to do: plain data. */
export interface PartyTask {
  readonly description: PacedLoad;
  readonly heap: { readonly name: string; readonly backend: BackendKind; readonly mix: OrderMixName | undefined };
  readonly caller: CallerVariant;
  readonly conversion: Conversion;
  readonly mapping: MappingWay;
  readonly seed: number;
  readonly extent: LoadExtent;
  readonly buffers: readonly SharedBufferFacts[];
  readonly sessions: readonly SharedSessionFacts[];
  /** Of the functions of the kernel: the one that fails, from 1. Absent: none. */
  readonly failingCall?: number | undefined;
}

/**
 * What a party is told. `go`: drive the load. `close`: stop, and give back what the load has.
 * `end`: nobody needs its buffers any more.
 */
export type PartyCommand = 'go' | 'close' | 'end';

/** An error, as far as it can be passed on. */
export interface ErrorFacts {
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a DmaBufError. Absent: it is another. */
  readonly refusal?: { readonly code: DmaBufErrorCode; readonly syscall: string | undefined };
}

/** What a party tells. */
export type PartyMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'step'; readonly isLate: boolean }
  | { readonly kind: 'done'; readonly report: PartyReport }
  | { readonly kind: 'failed'; readonly error: ErrorFacts }
  | { readonly kind: 'closed' }
  /** How many buffers of its heap are left. */
  | { readonly kind: 'ended'; readonly bufferCount: number };

/** How long those waited that had to, in ns. */
interface WaitTimes {
  readonly median: number;
  /** 99 of 100 waited at most so long. */
  readonly high99: number;
  readonly max: number;
}

/** How a party used the locks of one kind. */
export interface PartyLockUse extends LockUse {
  readonly lock: LockKind;
  /** Absent: it never waited. */
  readonly waitNs?: WaitTimes;
}

/** What a party did. */
export interface PartyReport {
  readonly outcome: LoadOutcome;
  readonly locks: readonly PartyLockUse[];
  readonly tables: TableCount;
  readonly records: readonly (MappingEvent | UnmappingEvent)[];
  readonly holds: readonly PartyHold[];
}

/** One use of a lock by a party. */
export interface PartyHold extends LockHold {
  readonly lock: LockKind;
}
