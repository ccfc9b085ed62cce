import { Machine } from '../../../src/linux/machine.ts';

/** This machine, with the given replacements: system calls that fail, or a folder of files. */
export function otherMachine(parts: ConstructorParameters<typeof Machine>[0]): Machine {
  return new Machine(parts);
}
