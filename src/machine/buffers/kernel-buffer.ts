/** A dma-buf in one of the kernel's own lists. */
export interface KernelBuffer {
  /**
   * Every buffer has an inode of its own until the machine restarts (`dma_buf_getfile`,
   * drivers/dma-buf/dma-buf.c). Undefined where the list does not show it.
   */
  readonly inode: number | undefined;
  /** In bytes. */
  readonly size: number;
  readonly exporter: string;
  /** Undefined where the buffer has no name, or the list does not show names. */
  readonly name: string | undefined;
  /**
   * References to its file: one per descriptor, mapping and user in the kernel. Undefined where the
   * list does not show them.
   */
  readonly references: number | undefined;
  /** The devices that are attached to it. Undefined where the list does not show them. */
  readonly devices: readonly string[] | undefined;
}

/** Every dma-buf of the kernel, and the source of the list. */
export interface KernelList {
  /** `file`: a copy that was saved earlier, possibly on another machine. */
  readonly source: 'debugfs' | 'procfs' | 'bpf' | 'sysfs' | 'file';
  readonly path: string;
  readonly buffers: readonly KernelBuffer[];
  /** For a saved copy: when it was last written. */
  readonly savedAt?: Date;
}
