import {
  DRM_CLOEXEC,
  DRM_IOCTL_DROP_MASTER,
  DRM_IOCTL_GEM_CLOSE,
  DRM_IOCTL_GET_CAP,
  DRM_IOCTL_PRIME_FD_TO_HANDLE,
  DRM_IOCTL_PRIME_HANDLE_TO_FD,
  DRM_IOCTL_SET_CLIENT_CAP,
  DRM_IOCTL_SET_MASTER,
  DRM_IOCTL_VERSION,
  DRM_RDWR,
  drmGemClose,
  drmGetCap,
  drmPrimeHandle,
  drmSetClientCap,
  drmVersion,
} from '../../uapi/drm.ts';
import {
  DRM_IOCTL_MODE_ADDFB2,
  DRM_IOCTL_MODE_CREATE_DUMB,
  DRM_IOCTL_MODE_RMFB,
  DRM_MODE_FB_MODIFIERS,
  drmModeCreateDumb,
  drmModeFbCmd2,
} from '../../uapi/drm-mode.ts';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from '../../uapi/fcntl.ts';
import { CheckedCalls } from './checked-calls.ts';
import type { BorrowedFd, OwnedFd } from './fd.ts';
import type { CallValues } from './refused-call.ts';
import { sharedBytes } from './shared-bytes.ts';

/** A buffer of a card, by the number that the card's open file gives it. */
export type GemHandle = number;

/** A plane of a framebuffer: where its bytes lie. */
export interface FramebufferPlane {
  readonly handle: GemHandle;
  readonly offset: number;
  /** In bytes. */
  readonly stride: number;
}

/** A framebuffer to be made. */
interface FramebufferRequest {
  readonly width: number;
  readonly height: number;
  readonly fourcc: number;
  /** Undefined: what the driver takes for granted. */
  readonly modifier: bigint | undefined;
  readonly planes: readonly FramebufferPlane[];
}

/** A buffer that the card's driver allocates for pictures that the CPU draws. */
export interface DumbBuffer {
  readonly handle: GemHandle;
  /** From one row to the next, in bytes. */
  readonly stride: number;
  /** In bytes. */
  readonly length: number;
}

/** More than any driver's name has. */
const NAME_BYTES = 64;
const NONE = new Uint8Array(1);
/** What every ioctl is refused with then (drivers/gpu/drm/drm_ioctl.c, drm_ioctl_kernel). */
const UNPLUGGED = 'ENODEV';

/** A card, its buffers and its framebuffers (drivers/gpu/drm). */
export class DrmCalls extends CheckedCalls {
  /** For reading events, which must not block, and for exporting buffers to be written. */
  open(path: string): OwnedFd {
    const flags = O_RDWR | O_CLOEXEC | O_NONBLOCK;
    return this.own(this.checked('open', this.raw.open(path, flags), { path }));
  }

  driverName(card: BorrowedFd): string {
    const name = sharedBytes(NAME_BYTES);
    const argument = drmVersion.write({ nameLen: NAME_BYTES, name: name.address });
    this.call(card, DRM_IOCTL_VERSION, argument);
    const length = Math.min(drmVersion.read(argument).nameLen, NAME_BYTES);
    return new TextDecoder().decode(name.bytes.slice(0, length));
  }

  /** The value of a `DRM_CAP_*`; 0 where the driver does not know it. */
  capability(card: BorrowedFd, capability: number): number {
    const argument = drmGetCap.write({ capability });
    const result = this.#repeat(card, DRM_IOCTL_GET_CAP, argument);
    const refusal = this.refusalOf(result);
    if (refusal === 'EINVAL' || refusal === 'EOPNOTSUPP') return 0;
    this.checked('ioctl', result, { capability });
    return drmGetCap.read(argument).value;
  }

  /** Asks for a `DRM_CLIENT_CAP_*`. False where there is none. */
  setClientCapability(card: BorrowedFd, capability: number): boolean {
    const result = this.#repeat(card, DRM_IOCTL_SET_CLIENT_CAP, drmSetClientCap.write({ capability, value: 1 }));
    const refusal = this.refusalOf(result);
    if (refusal === 'EINVAL' || refusal === 'EOPNOTSUPP') return false;
    this.checked('ioctl', result, { capability });
    return true;
  }

  /** Without effect for the master. The first program to open a card becomes it by that. */
  setMaster(card: BorrowedFd): void {
    this.call(card, DRM_IOCTL_SET_MASTER, NONE);
  }

  /** Without effect for a program that is not master. */
  dropMaster(card: BorrowedFd): void {
    const result = this.#repeat(card, DRM_IOCTL_DROP_MASTER, NONE);
    const refusal = this.refusalOf(result);
    if (refusal === 'EINVAL' || refusal === 'EACCES' || refusal === UNPLUGGED) return;
    this.checked('ioctl', result);
  }

  /** The same number for the same buffer, however often it is imported. */
  importBuffer(card: BorrowedFd, dmaBuf: BorrowedFd): GemHandle {
    const argument = drmPrimeHandle.write({ fd: dmaBuf });
    this.call(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, argument, { dmaBuf });
    return drmPrimeHandle.read(argument).handle;
  }

  exportBuffer(card: BorrowedFd, handle: GemHandle): OwnedFd {
    const argument = drmPrimeHandle.write({ handle, flags: DRM_CLOEXEC | DRM_RDWR, fd: -1 });
    const { fd: fdAt } = drmPrimeHandle.offsets;
    const run = (): number => this.raw.ioctlForFd(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, argument, fdAt);
    this.checked('ioctl', this.#whileInterrupted(run), { handle });
    return this.own(drmPrimeHandle.read(argument).fd);
  }

  closeBuffer(card: BorrowedFd, handle: GemHandle): void {
    this.giveBack(card, DRM_IOCTL_GEM_CLOSE, drmGemClose.write({ handle }), { handle });
  }

  createDumb(card: BorrowedFd, wanted: { width: number; height: number; bitsPerPixel: number }): DumbBuffer {
    const { width, height, bitsPerPixel } = wanted;
    const argument = drmModeCreateDumb.write({ width, height, bpp: bitsPerPixel });
    this.call(card, DRM_IOCTL_MODE_CREATE_DUMB, argument, { width, height, bitsPerPixel });
    const { handle, pitch, size } = drmModeCreateDumb.read(argument);
    return { handle, stride: pitch, length: size };
  }

  /** The framebuffer's number. It keeps its buffers. */
  addFramebuffer(card: BorrowedFd, request: FramebufferRequest): number {
    const { width, height, fourcc, modifier, planes } = request;
    const argument = drmModeFbCmd2.write({
      width,
      height,
      pixelFormat: fourcc,
      flags: modifier === undefined ? 0 : DRM_MODE_FB_MODIFIERS,
      ...Object.fromEntries(planes.flatMap((plane, index) => placeOf(plane, index, modifier))),
    });
    this.call(card, DRM_IOCTL_MODE_ADDFB2, argument, { width, height });
    return drmModeFbCmd2.read(argument).fbId;
  }

  /** Where it is on a screen, that goes dark. */
  removeFramebuffer(card: BorrowedFd, framebuffer: number): void {
    const argument = new Uint8Array(Uint32Array.of(framebuffer).buffer);
    this.giveBack(card, DRM_IOCTL_MODE_RMFB, argument, { framebuffer });
  }

  protected call(card: BorrowedFd, request: number, argument: Uint8Array, values: CallValues = {}): void {
    this.checked('ioctl', this.#repeat(card, request, argument), values);
  }

  /** As `call`. An unplugged card has taken everything back. */
  protected giveBack(card: BorrowedFd, request: number, argument: Uint8Array, values: CallValues): void {
    const result = this.#repeat(card, request, argument);
    if (this.refusalOf(result) !== UNPLUGGED) this.checked('ioctl', result, values);
  }

  /** As `call`, giving the refusal where it is one of the drivers that lack something. */
  protected tryCall(card: BorrowedFd, request: number, argument: Uint8Array): number {
    return this.#repeat(card, request, argument);
  }

  #repeat(card: BorrowedFd, request: number, argument: Uint8Array): number {
    return this.#whileInterrupted(() => this.raw.ioctl(card, request, argument));
  }

  /** As `drmIoctl` of libdrm does (xf86drm.c). */
  #whileInterrupted(run: () => number): number {
    for (;;) {
      const result = run();
      const refusal = this.refusalOf(result);
      if (refusal !== 'EINTR' && refusal !== 'EAGAIN') return result;
    }
  }
}

function placeOf(
  { handle, stride, offset }: FramebufferPlane,
  index: number,
  modifier: bigint | undefined,
): [string, number | bigint][] {
  return [
    [`handles[${index}]`, handle],
    [`pitches[${index}]`, stride],
    [`offsets[${index}]`, offset],
    [`modifier[${index}]`, modifier ?? 0n],
  ];
}
