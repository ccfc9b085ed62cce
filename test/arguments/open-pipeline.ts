import { receiveFrames, serveFrames } from '../../src/gstreamer/index.ts';
import type { FrameServer, PipelineClient, PipelineFrames } from '../../src/gstreamer/index.ts';

/** A pipeline of which both ends are here. */
interface OpenPipeline {
  readonly server: FrameServer;
  readonly client: PipelineClient;
  readonly frames: PipelineFrames;
}

/** @param path where nobody listens */
export async function openPipeline(path: string, caps: string): Promise<OpenPipeline> {
  const server = await serveFrames(path, { caps, padded: true });
  const frames = await receiveFrames(path);
  await server.whenConnected();
  return { server, client: server.clients[0] as PipelineClient, frames };
}
