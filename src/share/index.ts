/** `dmabuf/share`: passing buffers between processes. */

export { listenForBuffers } from './buffer-listener.ts';
export type { BufferListener, ListenOptions } from './buffer-listener.ts';
export { connectForBuffers } from './connect.ts';
export { connectionFromFd } from './adopt-connection.ts';
export type { BufferConnection, ShareWaitOptions } from './buffer-connection.ts';
export type { MessageToSend } from './outgoing-message.ts';
export type { ReceivedMessage } from './received-message.ts';
export type { PeerCredentials } from '../linux/unix-socket-calls.ts';
export { inheritBuffers, takeInheritedBuffers } from './inherit-buffers.ts';
export type { BuffersToInherit } from './inherit-buffers.ts';
export { inheritConnection, takeInheritedConnection } from './inherit-connection.ts';
export type { ConnectionToInherit } from './inherit-connection.ts';
export type { InheritOptions, InheritedOptions, StdioSlot } from './inheritance.ts';
export { createFrameRing } from './frame-ring.ts';
export type { FrameRing, FrameRingStats } from './frame-ring.ts';
export type { FrameRingOptions } from './frame-ring-options.ts';
export type { AddConsumerOptions } from './ring-members.ts';
export { joinFrameRing } from './join-frame-ring.ts';
export type { JoinFrameRingOptions } from './join-frame-ring.ts';
export type { RingConsumer } from './ring-consumer.ts';
export type { RingFrame } from './ring-frame.ts';
export type { PublishOptions, WritableFrame } from './writable-frame.ts';
export type { RingConsumerStats } from './ring-member.ts';
export type { RingMode } from './ring-claims.ts';
