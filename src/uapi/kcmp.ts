/** include/uapi/linux/kcmp.h */

export const KCMP_VM = 1;
export const KCMP_FILES = 2;
