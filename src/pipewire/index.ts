/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/pipewire`, experimental: frames of PipeWire's video streams, without a copy. */

export { experimentalReceivePipeWireFrames } from './receive-pipewire-frames.ts';
export type { ExperimentalPipeWireOptions } from './receive-pipewire-frames.ts';
export type { ExperimentalPipeWireFrames } from './pipewire-frames.ts';
export type { ExperimentalPipeWireFrame } from './pipewire-frame.ts';
