/** Every interface that this package speaks, by its name. */

import * as dmabuf from './linux-dmabuf-v1.generated.ts';
import * as wayland from './wayland.generated.ts';
import * as weston from './weston-output-capture.generated.ts';
import * as screencopy from './wlr-screencopy-unstable-v1.generated.ts';
import * as xdgShell from './xdg-shell.generated.ts';

export const INTERFACES = { ...wayland, ...xdgShell, ...dmabuf, ...weston, ...screencopy };

export type Interfaces = typeof INTERFACES;
export type InterfaceName = keyof Interfaces;

/** The interface of a name in the protocol; undefined for one that is not spoken here. */
export function findInterface(name: string): ProtocolInterface | undefined {
  return Object.hasOwn(INTERFACES, name) ? INTERFACES[name as InterfaceName] : undefined;
}

/** A request or an event. */
interface ProtocolMessage {
  readonly opcode: number;
  /** The version of the interface that brought it. */
  readonly since: number;
  readonly isDestructor?: true;
  /** The kinds of its arguments: `uint`, `object?`, `new_id:wl_buffer`. */
  readonly args: readonly string[];
}

/** An interface as its file describes it. */
export interface ProtocolInterface {
  readonly name: string;
  readonly version: number;
  readonly requests: Readonly<Record<string, ProtocolMessage>>;
  readonly events: Readonly<Record<string, ProtocolMessage>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}
