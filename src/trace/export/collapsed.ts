import type { WeightedStack } from './stack-totals.ts';

/**
 * Collapsed stacks, a line each, as flame graph programs read them: functions from the outermost
 * on, `;` between them, and what the stack weighs.
 */
export function formatCollapsed(stacks: readonly WeightedStack[]): string {
  return stacks.map(({ frames, weight }) => `${frames.join(';')} ${Math.round(weight)}`).join('\n');
}
