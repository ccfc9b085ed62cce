import type { ErrnoName } from '../../base/errors.ts';

const REMEDIES: Partial<Record<ErrnoName, string>> = {
  EMFILE:
    'this process has as many descriptors open as it may: close some buffers, or raise the limit with "ulimit -n"',
  ENFILE: 'the whole machine has no descriptor left: raise the limit with "sysctl -w fs.file-max"',
};

/**
 * For the end of a message: the remedy where descriptors are used up, and empty for any other
 * error.
 */
export function descriptorRemedy(code: ErrnoName): string {
  const remedy = REMEDIES[code];
  return remedy === undefined ? '' : `: ${remedy}`;
}
