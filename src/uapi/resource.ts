import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

/** include/uapi/asm-generic/resource.h: the same on x86-64, arm64 and riscv64. */
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_AS = 9;

/** `struct rlimit` (include/uapi/linux/resource.h). */
export const rlimit: StructSchema<'rlimCur' | 'rlimMax'> = defineStruct({ rlimCur: 'u64', rlimMax: 'u64' });
