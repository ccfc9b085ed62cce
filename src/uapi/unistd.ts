/**
 * include/uapi/asm-generic/unistd.h, by the names of `sys/syscall.h`: system calls that not every C library has a function for. Their
 * numbers are the same on every architecture.
 */

/** Since 5.3. */
export const SYS_pidfd_open = 434;
/** Since 5.6. */
export const SYS_pidfd_getfd = 438;
