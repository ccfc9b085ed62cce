/** Which way the CPU goes at a buffer. The kernel's DMA_BUF_SYNC_READ, _WRITE and _RW. */
export type AccessMode = 'read' | 'write' | 'readwrite';

/** Cache maintenance and fences of a buffer's memory, as the CPU meets them. */
export interface CpuAccessMaintenance {
  /** Whether no work of a device stands against the access: {@link begin} would block until then. */
  ready(mode: AccessMode): boolean;
  /** Resolves once {@link ready}. Rejects with the abort reason when given up. */
  whenReady(mode: AccessMode, options: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  begin(mode: AccessMode): void;
  end(mode: AccessMode): void;
}

/** Memory that is cached and coherent in every mapping, and that no device uses: nothing to maintain. */
export const COHERENT_MEMORY: CpuAccessMaintenance = {
  ready: () => true,
  async whenReady() {},
  begin() {},
  end() {},
};
