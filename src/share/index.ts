/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/share`: passing buffers between processes. */

export { listen } from './listener/buffer-listener.ts';
export type { BufferListener, ListenOptions, ListeningSocket } from './listener/buffer-listener.ts';
export { supervisorSockets } from './inherit/supervisor-sockets.ts';
export type { SupervisorSocket } from './inherit/supervisor-sockets.ts';
export { connect } from './connection/connect.ts';
export { connectionFromFd } from './connection/adopt-connection.ts';
export type { WaitOptions } from '../base/abort.ts';
export type { BufferConnection } from './connection/buffer-connection.ts';
export type { OutgoingMessage } from './connection/outgoing-message.ts';
export type { ReceivedMessage } from './connection/received-message.ts';
export { connectStream } from './stream/connect-stream.ts';
export { streamFromFd } from './stream/stream-from-fd.ts';
export type { DescriptorStream } from './stream/descriptor-stream.ts';
export type { PeerCredentials } from '../linux/calls/unix-socket-calls.ts';
export { buffersForChild, takeInheritedBuffers } from './inherit/buffers-for-child.ts';
export type { BuffersForChild } from './inherit/buffers-for-child.ts';
export { connectionForChild, takeInheritedConnection } from './inherit/connection-for-child.ts';
export type { ConnectionForChild } from './inherit/connection-for-child.ts';
export type { ForChildOptions, TakeInheritedOptions, StdioSlot } from './inherit/inheritance.ts';
export { exportSharedTexture } from './electron/export-shared-texture.ts';
export type {
  SharedTexture,
  SharedTextureInfo,
  SharedTexturePixelFormat,
  SharedTexturePlane,
} from './electron/export-shared-texture.ts';
