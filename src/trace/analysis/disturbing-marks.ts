import type { MappingMark } from '../mapping-event.ts';

/** Marks of what else ran meanwhile: such times are no measure. */
export const DISTURBING: ReadonlySet<MappingMark> = new Set<MappingMark>([
  'interrupted',
  'moved',
  'preempted',
  'lost-events',
]);
