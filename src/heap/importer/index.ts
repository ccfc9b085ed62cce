/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/importer`: a driver's view of a buffer, in this process: attachments and fences. */

export type { Attachment, Importer } from './attachment.ts';
export { Fence } from './fence.ts';
export type { WaitOptions } from '../../base/abort.ts';
export type { FenceUsage } from './reservation.ts';
