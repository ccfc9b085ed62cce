import type { OwnedFd } from '../linux/calls/fd.ts';
import type { ProtocolObject } from './protocol-object.ts';
import type { Interfaces } from './protocol/interfaces.ts';
import { wl_keyboard, wl_pointer, wl_seat } from './protocol/wayland.generated.ts';
import type { WaylandConnection } from './wayland-connection.ts';

/** A key that went down or up. */
export interface KeyEvent {
  /**
   * Of the key by its place: `KEY_ESC` is 1, `KEY_Q` 16
   * (include/uapi/linux/input-event-codes.h).
   */
  readonly code: number;
  /** Whether it went down. */
  readonly pressed: boolean;
}

/** What a pointer did, in the window's own units from its upper left corner. */
export interface PointerEvent {
  /** `leave`: it is no longer over the window. */
  readonly kind: 'move' | 'button' | 'leave';
  /** From the left. */
  readonly x: number;
  /** From the top. */
  readonly y: number;
  /** `BTN_LEFT` is 272; 0 for other kinds (include/uapi/linux/input-event-codes.h). */
  readonly button: number;
  /** Whether the button went down. */
  readonly pressed: boolean;
}

/** Who hears of input. */
interface InputListener {
  key(event: KeyEvent): void;
  pointer(event: PointerEvent): void;
}

const SEAT_VERSION = 5;

/** Listens to the keyboard and the pointer of the first seat, as long as it has them. */
export function listenToInput(connection: WaylandConnection, listener: InputListener): void {
  const global = connection.findGlobal('wl_seat');
  if (global === undefined) return;
  const seat = connection.bind(global, 'wl_seat', SEAT_VERSION);
  let keyboard: ProtocolObject<Interfaces['wl_keyboard']> | undefined;
  let pointer: ProtocolObject<Interfaces['wl_pointer']> | undefined;
  seat.listen({
    capabilities: (bits) => {
      if ((bits & wl_seat.enums.capability.keyboard) !== 0) keyboard ??= listenToKeyboard(seat, listener);
      if ((bits & wl_seat.enums.capability.pointer) !== 0) pointer ??= listenToPointer(seat, listener);
    },
  });
}

function listenToKeyboard(
  seat: ProtocolObject<Interfaces['wl_seat']>,
  listener: InputListener,
): ProtocolObject<Interfaces['wl_keyboard']> {
  return seat.request('get_keyboard').listen({
    // Keys are told by their place, without the user's layout.
    keymap: (_format, fd: OwnedFd) => fd.closeAside(),
    key: (_serial, _time, code, state) =>
      listener.key({ code, pressed: state === wl_keyboard.enums.key_state.pressed }),
  });
}

function listenToPointer(
  seat: ProtocolObject<Interfaces['wl_seat']>,
  listener: InputListener,
): ProtocolObject<Interfaces['wl_pointer']> {
  let place = { x: 0, y: 0 };
  const tell = (kind: PointerEvent['kind'], button = 0, pressed = false): void =>
    listener.pointer({ kind, ...place, button, pressed });
  const moveTo = (x: number, y: number): void => {
    place = { x, y };
    tell('move');
  };
  return seat.request('get_pointer').listen({
    enter: (_serial, _surface, x, y) => moveTo(x, y),
    motion: (_time, x, y) => moveTo(x, y),
    leave: () => tell('leave'),
    button: (_serial, _time, button, state) => tell('button', button, state === wl_pointer.enums.button_state.pressed),
  });
}
