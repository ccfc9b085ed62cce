import { assert } from '../../base/assert.ts';
import { RECIPES } from '../recipes/recipes.ts';
import type { PacedLoad } from '../workload.ts';

type Consumer = PacedLoad['consumer'];

/** What stands in for what a trace does not show. */
export interface LoadTemplate<Name extends Consumer> {
  /** Of the workload that it is taken from. */
  readonly recipe: string;
  readonly load: Extract<PacedLoad, { readonly consumer: Name }>;
}

/** The first recipe's load with a consumer. */
export function templateOf<Name extends Consumer>(consumer: Name): LoadTemplate<Name> {
  const isOfConsumer = (load: PacedLoad): boolean => load.consumer === consumer;
  const recipe = RECIPES.find(({ loads }) => loads.some(isOfConsumer));
  const load = recipe?.loads.find(isOfConsumer);
  assert(recipe !== undefined && load !== undefined, 'A recipe has each consumer');
  return { recipe: recipe.name, load: load as LoadTemplate<Name>['load'] };
}
