import { DmaBufError, errnoName } from '../../base/errors.ts';
import { descriptorRemedy } from './descriptor-remedy.ts';

/** The values of a call that its error names. */
export type CallValues = Readonly<Record<string, number | string>>;

/** The error of a system call that was refused with `result`, a negative error number. */
export function refusedCall(syscall: string, result: number, values: CallValues): DmaBufError {
  const code = errnoName(-result);
  const list = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  const where = list.length === 0 ? '' : ` (${list.join(', ')})`;
  const message = `${syscall} failed with ${code}${where}${descriptorRemedy(code)}`;
  return new DmaBufError(message, { code, syscall, values });
}
