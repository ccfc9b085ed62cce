/**
 * include/uapi/linux/fcntl.h, include/uapi/asm-generic/fcntl.h, include/uapi/linux/falloc.h and
 * include/uapi/linux/fs.h.
 */

export const O_ACCMODE = 0o3;
export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;

/** An empty path means the descriptor itself. */
export const AT_EMPTY_PATH = 0x1000;

const F_LINUX_SPECIFIC_BASE = 1024;
export const F_DUPFD_CLOEXEC: number = F_LINUX_SPECIFIC_BASE + 6;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_ADD_SEALS: number = F_LINUX_SPECIFIC_BASE + 9;
export const F_GET_SEALS: number = F_LINUX_SPECIFIC_BASE + 10;

/** `flock`: exclusive, and without waiting. */
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

export const FALLOC_FL_KEEP_SIZE = 0x01;
export const FALLOC_FL_PUNCH_HOLE = 0x02;

export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;
