/** Every command, in the order of the help. */
export const COMMAND_NAMES = [
  'vmap',
  'heaps',
  'ls',
  'layout',
  'camera',
  'capture',
  'show',
  'callers',
  'trace',
  'workload',
  'doctor',
  'lab',
  'help',
  'completion',
] as const;
