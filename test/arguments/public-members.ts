/** The public members of the package, found at run time, so that none can be forgotten. */

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Duplex } from 'node:stream';

import { parseSource, repositoryRoot } from '../support/runner/source-files.ts';
import { INTERNAL } from './well-formed-calls.ts';
import { CLASS_NAMES, ENTRY_POINTS, World } from './world.ts';

/** A member that can be called or read, and how to reach it. */
export interface PublicMember {
  /** Such as `openHeap`, `new Fence`, `SgTable.fromEntries` or `DmaBuf#vmap`. */
  readonly name: string;
  readonly kind: 'function' | 'constructor' | 'static' | 'method' | 'getter';
  /** The class of the instance, or of the static member; empty for a function. */
  readonly className: string;
  readonly key: PropertyKey;
}

/** Everything that users can call or read. */
export async function publicMembers(): Promise<PublicMember[]> {
  const world = new World({ shareable: false });
  const instances: object[] = [];
  for (const name of CLASS_NAMES) instances.push(await world.instance(name));
  world.close();
  const members = [...exportedMembers(), ...instances.flatMap((instance) => membersOf(instance))];
  return members.filter(({ name }) => !INTERNAL.has(name));
}

/** Calls the member, or reads it. @param instance of its class, for members of instances */
export function callOf(member: PublicMember, instance: object | undefined): (...values: unknown[]) => unknown {
  const exported = Object.assign({}, ...Object.values(ENTRY_POINTS)) as Record<string, unknown>;
  const owner = instance ?? exported[member.className] ?? exported;
  if (member.kind === 'getter') return () => Reflect.get(owner, member.key) as unknown;
  const called = Reflect.get(member.kind === 'constructor' ? exported : owner, member.key) as () => unknown;
  if (member.kind === 'constructor') return (...values) => Reflect.construct(called, values) as unknown;
  return (...values) => Reflect.apply(called, owner, values) as unknown;
}

/**
 * Functions, and classes with their constructor and statics, that the entry points export as
 * values.
 */
function exportedMembers(): PublicMember[] {
  return Object.values(ENTRY_POINTS)
    .flatMap((module) => Object.entries(module))
    .filter(([, value]) => typeof value === 'function')
    .flatMap(([name, value]: [string, unknown]) => membersOfExport(name, value));
}

function membersOfExport(name: string, value: unknown): PublicMember[] {
  if (!isClass(value)) return [{ name, kind: 'function', className: '', key: name }];
  const constructor: PublicMember = { name: `new ${name}`, kind: 'constructor', className: name, key: name };
  return [constructor, ...staticsOf(name, value)];
}

/** The members of a class's instances, down to the language's own classes. */
function membersOf(instance: object): PublicMember[] {
  const members = new Map<string, PublicMember>();
  for (let at = Object.getPrototypeOf(instance) as object; !isBuiltIn(at); at = Object.getPrototypeOf(at) as object) {
    const className = instance.constructor.name;
    for (const [key, descriptor] of descriptorsOf(at)) {
      const name = `${className}#${String(key)}`;
      const kind = typeof descriptor.value === 'function' ? 'method' : 'getter';
      if (key !== 'constructor' && !members.has(name)) members.set(name, { name, kind, className, key });
    }
  }
  return [...members.values()];
}

/** The names of the classes that the entry points export, as values or as types. */
export function exportedClassNames(): string[] {
  const names = Object.keys(ENTRY_POINTS).flatMap((path) => {
    const entry = parseSource(path, readFileSync(join(repositoryRoot, path), 'utf8'));
    const sources = [path, ...entry.imports.map(({ target }) => target)];
    return entry.exports.filter((name) => sources.some((source) => declaresClass(source, name)));
  });
  return [...new Set(names)].toSorted();
}

function declaresClass(path: string | undefined, name: string): boolean {
  if (path === undefined) return false;
  const text = readFileSync(join(repositoryRoot, posix.normalize(path)), 'utf8');
  return new RegExp(`^export (?:abstract )?class ${name}\\b`, 'mu').test(text);
}

function staticsOf(className: string, value: object): PublicMember[] {
  return descriptorsOf(value)
    .filter(([, descriptor]) => typeof descriptor.value === 'function')
    .map(([key]) => ({ name: `${className}.${String(key)}`, kind: 'static', className, key }));
}

function descriptorsOf(object: object): [PropertyKey, PropertyDescriptor][] {
  return Reflect.ownKeys(object).map((key) => [
    key,
    Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor,
  ]);
}

function isClass(value: unknown): value is object {
  return typeof value === 'function' && /^class\b/u.test(Function.prototype.toString.call(value));
}

function isBuiltIn(prototype: object): boolean {
  return [Object.prototype, Error.prototype, Duplex.prototype].includes(prototype);
}
