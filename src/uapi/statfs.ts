/** include/uapi/asm-generic/statfs.h */

import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

/** The remaining fields (counts and limits of the file system) are unused here. */
export const statfs: StructSchema<'fType'> = defineStruct({ fType: 'u64' }, { size: 120 });
