import { CheckedCalls } from '../../../src/linux/calls/checked-calls.ts';
import type { BorrowedFd, OwnedFd } from '../../../src/linux/calls/fd.ts';
import { O_CLOEXEC, O_RDWR } from '../../../src/uapi/fcntl.ts';
import {
  DMABUF_STANDIN_AOV,
  DMABUF_STANDIN_CAM,
  DMABUF_STANDIN_HOLD,
  DMABUF_STANDIN_NPU,
  dmabufStandinMap,
} from './standin-uapi.ts';

/** A driver that dmabuf_standin stands in for. */
export type StandinCaller = 'aov' | 'cam' | 'npu';

/** A mapping, as its caller in the kernel saw it. */
interface StandinMapping {
  /** Of the buffer, in bytes. */
  readonly size: number;
  readonly mapNs: number;
  /** When it began, by the clock of `process.hrtime`. */
  readonly fromNs: number;
}

/** How long a buffer's reservation lock was held. */
export interface HeldLock {
  /** By the clock of `process.hrtime`. */
  readonly fromNs: number;
  readonly toNs: number;
}

const COMMANDS: Readonly<Record<StandinCaller, number>> = {
  aov: DMABUF_STANDIN_AOV,
  cam: DMABUF_STANDIN_CAM,
  npu: DMABUF_STANDIN_NPU,
};

/**
 * An open `/dev/dmabuf-standin`: three callers of `dma_buf_vmap_unlocked`, each as often as the
 * driver that it stands in for (vm/modules/standin/dmabuf_standin.c).
 */
export class Standin extends CheckedCalls {
  readonly #device: OwnedFd;

  constructor() {
    super();
    const path = '/dev/dmabuf-standin';
    this.#device = this.own(this.checked('open', this.raw.open(path, O_RDWR | O_CLOEXEC), { path }));
  }

  /**
   * Maps the buffer as that driver does.
   *
   * @throws {DmaBufError} `EBUSY` for a second buffer of `aov`, which holds its first until the
   *   module is unloaded; `ENOSPC` for the 257th of `npu`, which holds them until {@link close}
   */
  map(caller: StandinCaller, dmaBuf: BorrowedFd): StandinMapping {
    return this.call(COMMANDS[caller], { fd: dmaBuf });
  }

  /** Holds the buffer's reservation lock, and returns when it let it go. */
  hold(dmaBuf: number, holdMs: number): HeldLock {
    const { fromNs, mapNs } = this.call(DMABUF_STANDIN_HOLD, { fd: dmaBuf, holdMs });
    return { fromNs, toNs: fromNs + mapNs };
  }

  /** Any command, with any argument. */
  call(command: number, values: { readonly fd: number; readonly holdMs?: number }): StandinMapping {
    const argument = dmabufStandinMap.write(values);
    this.checked('ioctl', this.raw.ioctl(this.#device.borrow(), command, argument));
    const { size, mapNs, fromNs } = dmabufStandinMap.read(argument);
    return { size, mapNs, fromNs };
  }

  close(): void {
    this.#device.close();
  }
}
