/** The direction of a CPU access: the kernel's DMA_BUF_SYNC_READ, _WRITE and _RW. */
export type AccessMode = 'read' | 'write' | 'readwrite';

/** Cache maintenance and device fences of a buffer's memory, for CPU access. */
export interface CpuAccessMaintenance {
  /** Whether no device's work delays the access: otherwise {@link begin} would block. */
  ready(mode: AccessMode): boolean;
  /** Resolves once {@link ready}. Rejects with the abort reason when aborted. */
  whenReady(mode: AccessMode, options: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  begin(mode: AccessMode): void;
  end(mode: AccessMode): void;
}

/** Memory that is cached, coherent in every mapping, and used by no device: nothing to maintain. */
export const COHERENT_MEMORY: CpuAccessMaintenance = {
  ready: () => true,
  async whenReady() {},
  begin() {},
  end() {},
};
