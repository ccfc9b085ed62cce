/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/ring`: frames from one producer to many consumers in other processes. */

export { createFrameRing } from './frame-ring.ts';
export type { FrameRing, FrameRingStats } from './frame-ring.ts';
export type { FrameRingOptions } from './frame-ring-options.ts';
export type { AdmissionOptions } from './ring-admission.ts';
export type { AddConsumerOptions } from './ring-members.ts';
export type { PeerErrorListener } from './ring-peer-errors.ts';
export type { ServeOptions } from './ring-serving.ts';
export { joinFrameRing } from './join-frame-ring.ts';
export type { JoinFrameRingOptions } from './join-frame-ring.ts';
export type { RingConsumer } from './ring-consumer.ts';
export type { RingFrame } from './ring-frame.ts';
export type { PublishOptions, WritableFrame } from './writable-frame.ts';
export type { RingConsumerStats } from './ring-member.ts';
export type { RingMode } from './ring-claims.ts';
