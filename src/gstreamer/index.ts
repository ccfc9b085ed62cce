/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/gstreamer`: frames of GStreamer pipelines, and frames for them, without a copy. */

export { describeVideoFrame } from './describe-video-frame.ts';
export { receiveFrames } from './receive-frames.ts';
export type { ReceiveFramesOptions } from './receive-frames.ts';
export { serveFrames } from './serve-frames.ts';
export type { ServeFramesOptions } from './serve-frames.ts';
export type { FrameServer, SendFrameOptions } from './frame-server.ts';
export type { PipelineClient } from './pipeline-client.ts';
export type { PipelineCounts, PipelineFrames } from './pipeline-frames.ts';
export type { PipelineFrame } from './pipeline-frame.ts';
export type { SentFrame } from './sent-frame.ts';
export type { VideoCaps } from './video-caps.ts';
export type { VideoFormatName } from './video-format.ts';
