/** include/uapi/linux/magic.h */

export const HUGETLBFS_MAGIC = 0x9584_58f6;
