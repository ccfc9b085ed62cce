/** A dma-buf as one of the kernel's own lists has it. */
export interface KernelBuffer {
  /** Every buffer has an inode of its own until the machine restarts (`dma_buf_getfile`, drivers/dma-buf/dma-buf.c). */
  readonly inode: number;
  /** In bytes. */
  readonly size: number;
  readonly exporter: string;
  /** Undefined where the buffer has none, or the list no names. */
  readonly name: string | undefined;
  /** References to its file: one for each descriptor, mapping and user in the kernel. Undefined where the list does not say. */
  readonly references: number | undefined;
  /** The devices that are attached to it. Undefined where the list does not say. */
  readonly devices: readonly string[] | undefined;
}
