import { QualcommCameraBuffer } from '../consumers/qualcomm-camera.ts';
import { BufferSet } from './buffer-set.ts';
import type { Load, LoadContext } from './load.ts';

/** Packets of requests, in buffers that stay mapped. */
export interface PacketLoad {
  readonly consumer: 'qualcomm-camera';
  readonly lengthBytes: number;
  readonly bufferCount: number;
}

export function packetLoad(description: PacketLoad, context: LoadContext): Load {
  const buffers = new BufferSet(context, description);
  const packets = Array.from(
    { length: description.bufferCount },
    (_, index) => new QualcommCameraBuffer(context.kernel, buffers.at(index)),
  );
  return {
    step: async (index) => {
      const view = await packets[index % packets.length]?.cpuBuffer();
      view?.subarray(0, 64).fill(index & 0xff);
    },
    close: async () => {
      for (const packet of packets) await packet.release();
      buffers.close();
    },
  };
}
