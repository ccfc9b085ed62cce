import type { StackWeight, WeightedStack } from './stack-totals.ts';

/** A file of speedscope (https://www.speedscope.app/file-format-schema.json). */
interface SpeedscopeFile {
  readonly $schema: string;
  readonly exporter: string;
  readonly name: string;
  readonly shared: { readonly frames: readonly { readonly name: string }[] };
  readonly profiles: readonly SpeedscopeProfile[];
}

interface SpeedscopeProfile {
  readonly type: 'sampled';
  readonly name: string;
  readonly unit: 'none' | 'nanoseconds';
  readonly startValue: 0;
  readonly endValue: number;
  readonly samples: readonly (readonly number[])[];
  readonly weights: readonly number[];
}

/**
 * Stacks as speedscope opens them: a profile of calls, and one of time.
 */
export function toSpeedscope(stacks: Partial<Record<StackWeight, readonly WeightedStack[]>>): SpeedscopeFile {
  const frames = new Map<string, number>();
  const indexOf = (name: string): number => {
    const index = frames.get(name) ?? frames.size;
    frames.set(name, index);
    return index;
  };
  const profiles = (['calls', 'ns'] as const).flatMap((kind): SpeedscopeProfile[] => {
    const weighted = stacks[kind];
    if (weighted === undefined || weighted.length === 0) return [];
    return [
      {
        type: 'sampled',
        name: kind === 'calls' ? 'Mappings, by calls' : 'Mappings, by time',
        unit: kind === 'calls' ? 'none' : 'nanoseconds',
        startValue: 0,
        endValue: weighted.reduce((sum, { weight }) => sum + weight, 0),
        samples: weighted.map((stack) => stack.frames.map((name) => indexOf(name))),
        weights: weighted.map(({ weight }) => weight),
      },
    ];
  });
  return {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'dmabuf',
    name: 'dma-buf mappings',
    shared: { frames: [...frames.keys()].map((name) => ({ name })) },
    profiles,
  };
}
