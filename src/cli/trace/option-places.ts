import { UsageError } from '../parse-arguments.ts';
import type { TraceOptions } from './description.ts';

/** What `dmabuf trace` does: it records, or does what its first word says. */
type TraceAction = 'a recording' | 'report' | 'export';

type OptionName = keyof TraceOptions;

/** Where each option is of use. */
const PLACES: Readonly<Partial<Record<OptionName, readonly TraceAction[]>>> = {
  for: ['a recording'],
  json: ['report', 'a recording'],
  jsonl: ['report', 'a recording'],
  html: ['report', 'a recording'],
  form: ['export'],
  parquet: ['export'],
  device: ['export'],
  build: ['export', 'report'],
  since: ['report'],
  'by-page-ns': ['report', 'a recording'],
  'by-entry-ns': ['report', 'a recording'],
};

/** The ways to print a report. */
const FORMS: readonly OptionName[] = ['json', 'jsonl', 'html'];

/** @throws {UsageError} for options that do not go with the action, or with each other */
export function checkOptionPlaces(action: TraceAction, options: TraceOptions): void {
  for (const [name, places] of Object.entries(PLACES) as [OptionName, readonly TraceAction[]][]) {
    if (isGiven(options, name) && !places.includes(action))
      throw new UsageError(`Cannot use --${name} with ${action} as it goes with ${places.join(' or ')}`);
  }
  if (FORMS.filter((name) => isGiven(options, name)).length > 1)
    throw new UsageError('Cannot use --json, --jsonl and --html together: leave one of them');
}

function isGiven(options: TraceOptions, name: OptionName): boolean {
  return options[name] !== undefined && options[name] !== false;
}
