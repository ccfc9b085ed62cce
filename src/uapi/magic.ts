/** include/uapi/linux/magic.h */

export const HUGETLBFS_MAGIC = 0x9584_58f6;
export const DMA_BUF_MAGIC = 0x444d_4142;
export const PROC_SUPER_MAGIC = 0x9fa0;
export const DEBUGFS_MAGIC = 0x6462_6720;
export const TRACEFS_MAGIC = 0x7472_6163;
