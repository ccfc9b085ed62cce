/**
 * Abort signals, read by the platform's own getters. A method that a caller put on a signal, or an
 * object that only looks like a signal, would run the caller's code between a check and its use.
 */

import { types } from 'node:util';

import { wrongType } from './argument-error.ts';
import type { Argument } from './argument-error.ts';

/** Options of functions that wait. */
export interface WaitOptions {
  /** Gives up waiting. An operation that already runs is not interrupted. */
  readonly signal?: AbortSignal | undefined;
}

/** Called once with the abort reason. */
type AbortListener = (reason: Error) => void;

function getterOf(name: 'aborted' | 'reason'): (this: AbortSignal) => unknown {
  // eslint-disable-next-line typescript/unbound-method -- called with the signal, below
  return Object.getOwnPropertyDescriptor(AbortSignal.prototype, name)?.get as (this: AbortSignal) => unknown;
}

const readAborted = getterOf('aborted');
const readReason = getterOf('reason');

/**
 * The listeners of each signal. One listener on the signal serves them all: Node warns of a leak
 * from the eleventh on (man: `events`, `setMaxListeners`).
 */
const listenersOfSignals = new WeakMap<AbortSignal, Set<AbortListener>>();

/** An abort signal of any realm, or undefined. */
export function checkSignal(value: unknown, argument: Argument): AbortSignal | undefined {
  if (value === undefined || isAbortSignal(value)) return value;
  throw wrongType(argument, { must: 'be an AbortSignal', received: value });
}

function isAbortSignal(value: unknown): value is AbortSignal {
  // A proxy passes for its target, and runs its own code at every look.
  if (value === null || typeof value !== 'object' || types.isProxy(value)) return false;
  try {
    return typeof readAborted.call(value as AbortSignal) === 'boolean';
  } catch {
    return false;
  }
}

/** @throws the abort reason when `signal` has aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal !== undefined && readAborted.call(signal) === true) throw readReason.call(signal);
}

/**
 * Calls `listener` once with the reason when `signal`, not aborted so far, aborts.
 *
 * @returns a function that stops listening
 */
export function onAbort(signal: AbortSignal | undefined, listener: AbortListener): () => void {
  if (signal === undefined) return () => {};
  // A new function per call: the same listener may wait twice.
  const own: AbortListener = (reason) => listener(reason);
  const listeners = listenersOfSignals.get(signal) ?? listenTo(signal);
  listeners.add(own);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) stopListeningTo(signal);
  };
}

function listenTo(signal: AbortSignal): Set<AbortListener> {
  const listeners = new Set<AbortListener>();
  listenersOfSignals.set(signal, listeners);
  EventTarget.prototype.addEventListener.call(signal, 'abort', tellListeners);
  return listeners;
}

function stopListeningTo(signal: AbortSignal): void {
  listenersOfSignals.delete(signal);
  EventTarget.prototype.removeEventListener.call(signal, 'abort', tellListeners);
}

function tellListeners(this: AbortSignal): void {
  // Any program can dispatch an event of that name.
  if (readAborted.call(this) !== true) return;
  const listeners = listenersOfSignals.get(this);
  stopListeningTo(this);
  for (const listener of listeners ?? []) listener(readReason.call(this) as Error);
}
