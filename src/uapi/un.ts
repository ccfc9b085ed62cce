/** include/uapi/linux/un.h */

export const UNIX_PATH_MAX = 108;
