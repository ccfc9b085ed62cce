import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

import type { BorrowedFd, OwnedFd } from '../../../src/linux/calls/fd.ts';
import { CheckedCalls } from '../../../src/linux/calls/checked-calls.ts';
import { addressOf } from '../../../src/linux/calls/kernel-calls.ts';
import { O_CLOEXEC, O_RDWR } from '../../../src/uapi/fcntl.ts';
import type { StructSchema } from '../../../src/uapi/struct.ts';
import {
  DRM_IOCTL_GEM_CLOSE,
  DRM_IOCTL_PRIME_FD_TO_HANDLE,
  DRM_IOCTL_PRIME_HANDLE_TO_FD,
  DRM_IOCTL_VERSION,
  drmGemClose,
  drmPrimeHandle,
  drmVersion,
} from '../../../src/uapi/drm.ts';
import { DRM_IOCTL_MODE_CREATE_DUMB, drmModeCreateDumb } from '../../../src/uapi/drm-mode.ts';
import {
  DRM_IOCTL_VGEM_FENCE_ATTACH,
  DRM_IOCTL_VGEM_FENCE_SIGNAL,
  VGEM_FENCE_WRITE,
  drmVgemFenceAttach,
  drmVgemFenceSignal,
} from './vgem-uapi.ts';

const CARD_FOLDER = '/dev/dri';
const DRIVER = 'vgem';
/** The only machine whose kernel tests load modules into: that of vm/init-script.ts. */
const GUEST = 'dmabuf-guest';

/** A buffer of vgem's, by the number that it gave it. */
export type GemHandle = number;

/**
 * vgem (drivers/gpu/drm/vgem): a driver that imports and exports dma-bufs like any other, whose
 * fences are signaled when a test says so (and with ETIMEDOUT after 10 s).
 */
export class Vgem extends CheckedCalls {
  readonly #card: OwnedFd;

  private constructor(path: string) {
    super();
    this.#card = this.own(this.checked('open', this.raw.open(path, O_RDWR | O_CLOEXEC), { path }));
  }

  /** Undefined where no card is vgem's. */
  static open(): Vgem | undefined {
    for (const name of cardNames()) {
      const vgem = new Vgem(join(CARD_FOLDER, name));
      if (vgem.#driverName() === DRIVER) return vgem;
      vgem.close();
    }
    return undefined;
  }

  /** A buffer of one page. */
  createBuffer(): GemHandle {
    const wanted = { height: 1, width: 1024, bpp: 32 };
    return this.#call(DRM_IOCTL_MODE_CREATE_DUMB, drmModeCreateDumb, wanted).handle;
  }

  /** DRM_IOCTL_PRIME_HANDLE_TO_FD. */
  exportBuffer(handle: GemHandle): OwnedFd {
    const flags = O_RDWR | O_CLOEXEC;
    return this.own(this.#call(DRM_IOCTL_PRIME_HANDLE_TO_FD, drmPrimeHandle, { handle, flags }).fd);
  }

  /** DRM_IOCTL_PRIME_FD_TO_HANDLE: attaches to the buffer and maps it for the device. */
  importBuffer(fd: BorrowedFd): GemHandle {
    return this.#call(DRM_IOCTL_PRIME_FD_TO_HANDLE, drmPrimeHandle, { fd }).handle;
  }

  closeBuffer(handle: GemHandle): void {
    this.#call(DRM_IOCTL_GEM_CLOSE, drmGemClose, { handle });
  }

  /**
   * Adds an unsignaled fence to the buffer, as a reader or a writer. Gives what {@link signal}
   * takes.
   */
  attachFence(handle: GemHandle, usage: 'read' | 'write'): number {
    const flags = usage === 'write' ? VGEM_FENCE_WRITE : 0;
    return this.#call(DRM_IOCTL_VGEM_FENCE_ATTACH, drmVgemFenceAttach, { handle, flags }).outFence;
  }

  signal(fence: number): void {
    this.#call(DRM_IOCTL_VGEM_FENCE_SIGNAL, drmVgemFenceSignal, { fence });
  }

  /** Its buffers and fences go with it. */
  close(): void {
    this.#card.close();
  }

  #driverName(): string {
    const name = new Uint8Array(new SharedArrayBuffer(32));
    const { nameLen } = this.#call(DRM_IOCTL_VERSION, drmVersion, { nameLen: name.length, name: addressOf(name) });
    return new TextDecoder().decode(Uint8Array.from(name.subarray(0, nameLen)));
  }

  #call<Name extends string>(
    request: number,
    schema: StructSchema<Name>,
    values: Partial<Record<Name, number>>,
  ): Record<Name, number> {
    const argument = schema.write(values);
    this.checked('ioctl', this.raw.ioctl(this.#card.borrow(), request, argument));
    return schema.read(argument);
  }
}

/**
 * Why there is no vgem here; false where there is. In the guest, loads it. For the `skip` of a
 * test.
 */
export function missingVgem(): string | false {
  if (hostname() === GUEST) spawnSync('modprobe', ['-q', DRIVER]);
  try {
    const vgem = Vgem.open();
    vgem?.close();
    return vgem === undefined ? `${CARD_FOLDER} has no card of vgem: as root, run: modprobe ${DRIVER}` : false;
  } catch (error) {
    return `vgem's card cannot be opened: ${(error as Error).message}`;
  }
}

function cardNames(): string[] {
  try {
    return readdirSync(CARD_FOLDER).filter((name) => name.startsWith('card'));
  } catch {
    return [];
  }
}
