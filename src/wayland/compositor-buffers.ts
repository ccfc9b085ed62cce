import { DmaBufError } from '../base/errors.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { labelOf } from '../picture/frame-description.ts';
import type { FrameLayout } from '../picture/frame-layout.ts';
import type { ProtocolObject } from './protocol-object.ts';
import type { Interfaces } from './protocol/interfaces.ts';
import { shmFormatOf } from './shm-formats.ts';
import type { WaylandConnection } from './wayland-connection.ts';

export type CompositorBuffer = ProtocolObject<Interfaces['wl_buffer']>;

/** Newer ones give formats by a table of feedback: version 3 tells them by events. */
const DMABUF_VERSION = 3;
const SHM_VERSION = 1;
/** Of modifiers, as 64 bits are two words on the wire. */
const HIGH_SHIFT = 32n;
const LOW_MASK = 0xffff_ffffn;

/** Makes a compositor's buffers of pictures: memfds by `wl_shm`, dma-bufs by `linux-dmabuf`. */
export class CompositorBuffers {
  readonly #connection: WaylandConnection;
  readonly #shm: ProtocolObject<Interfaces['wl_shm']> | undefined;
  readonly #dmabuf: ProtocolObject<Interfaces['zwp_linux_dmabuf_v1']> | undefined;
  readonly #shmFormats = new Set<number>();
  /** Modifiers by format. */
  readonly #dmabufFormats = new Map<number, Set<bigint>>();

  /** What it takes is known after the next round trip. */
  constructor(connection: WaylandConnection) {
    this.#connection = connection;
    const shm = connection.findGlobal('wl_shm');
    this.#shm = shm && connection.bind(shm, 'wl_shm', SHM_VERSION);
    this.#shm?.listen({ format: (format) => this.#shmFormats.add(format) });
    const dmabuf = connection.findGlobal('zwp_linux_dmabuf_v1');
    this.#dmabuf = dmabuf && connection.bind(dmabuf, 'zwp_linux_dmabuf_v1', DMABUF_VERSION);
    this.#dmabuf?.listen({
      modifier: (format, high, low) => {
        const modifiers = this.#dmabufFormats.get(format) ?? new Set<bigint>();
        this.#dmabufFormats.set(format, modifiers.add((BigInt(high) << HIGH_SHIFT) | BigInt(low)));
      },
    });
  }

  /**
   * A buffer of the compositor over the picture's memory.
   *
   * @throws {DmaBufError} `EOPNOTSUPP` for a format, a modifier or memory that it does not take
   */
  async make(layout: FrameLayout, signal?: AbortSignal): Promise<CompositorBuffer> {
    const isMemfd = layout.buffers.every(({ exporter }) => exporter === 'memfd');
    return isMemfd ? this.#makeShm(layout) : await this.#makeDmabuf(layout, signal);
  }

  #makeShm(layout: FrameLayout): CompositorBuffer {
    const [plane, ...more] = layout.planes;
    const format = shmFormatOf(layout.fourcc);
    if (this.#shm === undefined || plane === undefined || more.length > 0 || !this.#shmFormats.has(format))
      throw refusal(layout, 'in memfds: use XRGB8888, or a buffer of a heap of the kernel');
    const pool = this.#shm;
    return withFd(plane.buffer, (fd) => {
      const made = pool.request('create_pool', fd, plane.buffer.length);
      const buffer = made.request('create_buffer', plane.offset, layout.width, layout.height, plane.stride, format);
      made.request('destroy');
      return buffer;
    });
  }

  async #makeDmabuf(layout: FrameLayout, signal: AbortSignal | undefined): Promise<CompositorBuffer> {
    const offered = this.#dmabufFormats.get(layout.fourcc);
    if (this.#dmabuf === undefined || offered?.has(layout.modifier) !== true)
      throw refusal(
        layout,
        'in dma-bufs: use a format that it offers, or memfds of the embedded heap, opened with contiguous: true',
      );
    const params = this.#dmabuf.request('create_params');
    try {
      for (const [index, { buffer, offset, stride }] of layout.planes.entries()) {
        const modifier = [Number(layout.modifier >> HIGH_SHIFT), Number(layout.modifier & LOW_MASK)] as const;
        withFd(buffer, (fd) => params.request('add', fd, index, offset, stride, ...modifier));
      }
      const made = await this.#connection.until<CompositorBuffer | undefined>((resolve) => {
        params.listen({ created: resolve, failed: () => resolve(undefined) });
        params.request('create', layout.width, layout.height, layout.fourcc, 0);
      }, signal);
      if (made !== undefined) return made;
    } finally {
      if (!this.#connection.closed) params.request('destroy');
    }
    throw refusal(layout, 'in these dma-bufs: its driver cannot read their memory');
  }
}

function withFd<Result>(buffer: DmaBuf, body: (fd: ReturnType<DmaBuf['exportFd']>) => Result): Result {
  const fd = buffer.exportFd();
  try {
    return body(fd);
  } finally {
    fd.close();
  }
}

function refusal(layout: FrameLayout, what: string): DmaBufError {
  return new DmaBufError(`Cannot show ${labelOf(layout)} as the compositor does not take it ${what}`, {
    code: 'EOPNOTSUPP',
  });
}
