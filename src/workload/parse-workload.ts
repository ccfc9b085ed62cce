import { LOAD_FIELDS, PACE_FIELDS, RELATIONS, WORKLOAD_FIELDS } from './workload-fields.ts';
import type { Field, Fields } from './workload-fields.ts';
import type { PacedLoad, Workload } from './workload.ts';

/** What is wrong with a workload. The message names the place: `loads[0].slots`. */
export class WorkloadFault extends Error {
  override readonly name = 'WorkloadFault';
}

/**
 * A workload as JSON has it: docs/schemas/dmabuf-workloads.schema.json, one of its `workloads`.
 *
 * @throws {WorkloadFault} for what is none
 */
export function parseWorkload(value: unknown): Workload {
  const { loads, ...facts } = objectAt(value, 'a workload');
  checkFields(facts, WORKLOAD_FIELDS, '');
  if (!Array.isArray(loads) || loads.length === 0) throw new WorkloadFault('loads must be a list with a load in it');
  loads.forEach(checkLoad);
  return value as Workload;
}

function checkLoad(value: unknown, index: number): void {
  const place = `loads[${index}]`;
  const { consumer, ...facts } = objectAt(value, place);
  const fields = Object.entries(LOAD_FIELDS).find(([name]) => name === consumer)?.[1];
  if (fields === undefined)
    throw new WorkloadFault(`${place}.consumer must be one of ${Object.keys(LOAD_FIELDS).join(', ')}`);
  checkFields(facts, { ...fields, ...PACE_FIELDS }, `${place}.`);
  const load = value as PacedLoad;
  const relation = RELATIONS[load.consumer];
  const holds = relation?.holds as ((load: PacedLoad) => boolean) | undefined;
  if (relation !== undefined && holds?.(load) === false) throw new WorkloadFault(`${place} must ${relation.must}`);
}

function checkFields(value: Readonly<Record<string, unknown>>, fields: Fields, place: string): void {
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
  if (unknown !== undefined) throw new WorkloadFault(`${place}${unknown} is none of ${Object.keys(fields).join(', ')}`);
  for (const [key, field] of Object.entries(fields)) {
    const isMissing = !Object.hasOwn(value, key);
    if (isMissing && 'isOptional' in field) continue;
    if (isMissing) throw new WorkloadFault(`${place}${key} is missing`);
    checkField(value[key], field, `${place}${key}`);
  }
}

function checkField(value: unknown, field: Field, place: string): void {
  if ('accepts' in field) {
    if (!field.accepts(value)) throw new WorkloadFault(`${place} must ${field.must}`);
  } else if ('objectOf' in field) checkFields(objectAt(value, place), field.objectOf, `${place}.`);
  else checkList(value, field.listOf, place);
}

function checkList(value: unknown, element: Field, place: string): void {
  if (!Array.isArray(value) || value.length === 0) throw new WorkloadFault(`${place} must be a list with an element`);
  for (const [index, each] of value.entries()) checkField(each, element, `${place}[${index}]`);
}

function objectAt(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new WorkloadFault(`${place} must be an object`);
}
