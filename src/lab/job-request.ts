import { GiB, MiB } from '../base/sizes.ts';
import { ORDER_MIX_NAMES } from '../pages/order-mixes.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import type { CallerVariant } from '../workload/loads/load.ts';
import type { Conversion } from '../workload/kernel/exporter-mapping.ts';
import { RECIPES } from '../workload/recipes/recipes.ts';
import { Refusal } from './server/refusal.ts';

const BAD_REQUEST = 400;
const LENGTH_MIN = MiB;
const LENGTH_MAX = 8 * GiB;
const SECONDS_MAX = 3600;
const CALLERS: readonly CallerVariant[] = ['as-is', 'fixed'];
const CONVERSIONS: readonly Conversion[] = ['page', 'entry'];
const MAPPINGS: readonly WorkloadRequest['mapping'][] = ['page', 'run'];

type Fields = Readonly<Record<string, unknown>>;

/** The main job, as a page asks for it. */
export interface ConvertRequest {
  /** In bytes. */
  readonly length: number;
  readonly mix: OrderMixName;
}

/** A workload, as a page asks for it. */
export interface WorkloadRequest {
  /** Of a recipe. */
  readonly name: string;
  readonly seconds: number;
  readonly caller: CallerVariant;
  readonly conversion: Conversion;
  readonly mapping: 'page' | 'run';
}

/** @throws {Refusal} for what is no such request */
export function readConvertRequest({ length, mix }: Fields): ConvertRequest {
  const isLength = typeof length === 'number' && Number.isInteger(length) && length >= LENGTH_MIN;
  if (!isLength || length > LENGTH_MAX) throw new Refusal(BAD_REQUEST, 'Cannot run with this size: 1 MiB to 8 GiB');
  return { length, mix: oneOf('mix', mix, ORDER_MIX_NAMES) };
}

/** @throws {Refusal} for what is no such request */
export function readWorkloadRequest({ name, seconds, caller, conversion, mapping }: Fields): WorkloadRequest {
  return {
    name: oneOf(
      'workload',
      name,
      RECIPES.map((recipe) => recipe.name),
    ),
    seconds: readSeconds(seconds),
    caller: oneOf('caller', caller, CALLERS),
    conversion: oneOf('conversion', conversion, CONVERSIONS),
    mapping: oneOf('mapping', mapping, MAPPINGS),
  };
}

/** @throws {Refusal} for what is no such request */
export function readRecordRequest({ seconds }: Fields): { readonly seconds: number } {
  return { seconds: readSeconds(seconds) };
}

function readSeconds(seconds: unknown): number {
  if (typeof seconds === 'number' && seconds > 0 && seconds <= SECONDS_MAX) return seconds;
  throw new Refusal(BAD_REQUEST, `Cannot run for this time: up to ${SECONDS_MAX} seconds`);
}

function oneOf<Allowed extends string>(what: string, value: unknown, allowed: readonly Allowed[]): Allowed {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Refusal(BAD_REQUEST, `Cannot run with this ${what}: ${allowed.join(', ')}`);
  return found;
}
