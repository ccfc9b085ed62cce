import { withCleanup } from '../../base/cleanup.ts';
import { isDmaBufError } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import type { ByteLength } from '../../base/quantities.ts';
import type { BorrowedFd, OwnedFd } from '../../linux/calls/fd.ts';
import type { BufferCalls } from '../buffer-calls.ts';
import type { HugePageChoice } from '../choose-huge-pages.ts';
import { runOf } from './fd-buffer.ts';
import { commitHugePages, UDMABUF_DEVICE } from './memfd-buffer.ts';

/**
 * No device, or no access to it; or a length that the driver refuses. Any other refusal, such as no
 * free descriptor, is an error of its own.
 */
const REFUSALS: readonly ErrnoName[] = ['ENOENT', 'ENODEV', 'ENXIO', 'EACCES', 'EPERM', 'EINVAL'];

/** A refused open takes 2 µs of the 13 µs lifetime of a small buffer. */
const REFUSAL_REMEMBERED_MS = 1000;

/** Makes udmabufs from memfds, where this machine allows it. */
export class UdmabufWrapper {
  readonly #calls: BufferCalls;
  #refusedUntilMs = 0;

  constructor(calls: BufferCalls) {
    this.#calls = calls;
  }

  /**
   * A udmabuf over a memfd's whole memory. Undefined where the device is missing or inaccessible,
   * which is checked again after a second, or where it refuses the length (above 64 MiB unless its
   * `size_limit_mb` says otherwise). The memfd itself can be shared all the same.
   */
  wrapIfPossible(
    memfd: BorrowedFd,
    { length, hugePages }: { readonly length: ByteLength; readonly hugePages: HugePageChoice },
  ): OwnedFd | undefined {
    if (performance.now() < this.#refusedUntilMs) return undefined;
    const device = this.#calls.dmaBuf.openUdmabufUnless(UDMABUF_DEVICE, REFUSALS);
    if (device === undefined) {
      this.#refusedUntilMs = performance.now() + REFUSAL_REMEMBERED_MS;
      return undefined;
    }
    return withCleanup((cleanup) => {
      cleanup.defer(() => device.close());
      const punchHole = (): void => this.#calls.memory.punchHole({ fd: memfd, offset: 0, length });
      cleanup.defer(punchHole);
      commitHugePages(this.#calls.memory, memfd, hugePages.of(runOf(length)));
      const udmabuf = this.#createUnlessRefused(device.borrow(), memfd, length);
      cleanup.defer(() => udmabuf?.close());
      // Without a device, nothing must be committed before it is touched.
      if (udmabuf === undefined) punchHole();
      device.close();
      return udmabuf;
    });
  }

  #createUnlessRefused(device: BorrowedFd, memfd: BorrowedFd, length: ByteLength): OwnedFd | undefined {
    try {
      return this.#calls.dmaBuf.createUdmabuf(device, memfd, length);
    } catch (error) {
      if (isDmaBufError(error) && REFUSALS.some((code) => code === error.code)) return undefined;
      throw error;
    }
  }
}
