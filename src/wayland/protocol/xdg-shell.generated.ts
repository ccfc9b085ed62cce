// Made of xdg-shell.xml by tools/wayland-protocols.mjs. Do not edit.

export const xdg_wm_base = {
  name: 'xdg_wm_base',
  version: 7,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    create_positioner: { opcode: 1, since: 1, args: ['new_id:xdg_positioner'] },
    get_xdg_surface: { opcode: 2, since: 1, args: ['new_id:xdg_surface', 'object'] },
    pong: { opcode: 3, since: 1, args: ['uint'] },
  },
  events: {
    ping: { opcode: 0, since: 1, args: ['uint'] },
  },
  enums: {
    error: { role: 0, defunct_surfaces: 1, not_the_topmost_popup: 2, invalid_popup_parent: 3, invalid_surface_state: 4, invalid_positioner: 5, unresponsive: 6 },
  },
} as const;

export const xdg_surface = {
  name: 'xdg_surface',
  version: 7,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    get_toplevel: { opcode: 1, since: 1, args: ['new_id:xdg_toplevel'] },
    get_popup: { opcode: 2, since: 1, args: ['new_id:xdg_popup', 'object?', 'object'] },
    set_window_geometry: { opcode: 3, since: 1, args: ['int', 'int', 'int', 'int'] },
    ack_configure: { opcode: 4, since: 1, args: ['uint'] },
  },
  events: {
    configure: { opcode: 0, since: 1, args: ['uint'] },
  },
  enums: {
    error: { not_constructed: 1, already_constructed: 2, unconfigured_buffer: 3, invalid_serial: 4, invalid_size: 5, defunct_role_object: 6 },
  },
} as const;

export const xdg_toplevel = {
  name: 'xdg_toplevel',
  version: 7,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    set_parent: { opcode: 1, since: 1, args: ['object?'] },
    set_title: { opcode: 2, since: 1, args: ['string'] },
    set_app_id: { opcode: 3, since: 1, args: ['string'] },
    show_window_menu: { opcode: 4, since: 1, args: ['object', 'uint', 'int', 'int'] },
    move: { opcode: 5, since: 1, args: ['object', 'uint'] },
    resize: { opcode: 6, since: 1, args: ['object', 'uint', 'uint'] },
    set_max_size: { opcode: 7, since: 1, args: ['int', 'int'] },
    set_min_size: { opcode: 8, since: 1, args: ['int', 'int'] },
    set_maximized: { opcode: 9, since: 1, args: [] },
    unset_maximized: { opcode: 10, since: 1, args: [] },
    set_fullscreen: { opcode: 11, since: 1, args: ['object?'] },
    unset_fullscreen: { opcode: 12, since: 1, args: [] },
    set_minimized: { opcode: 13, since: 1, args: [] },
  },
  events: {
    configure: { opcode: 0, since: 1, args: ['int', 'int', 'array'] },
    close: { opcode: 1, since: 1, args: [] },
    configure_bounds: { opcode: 2, since: 4, args: ['int', 'int'] },
    wm_capabilities: { opcode: 3, since: 5, args: ['array'] },
  },
  enums: {
    error: { invalid_resize_edge: 0, invalid_parent: 1, invalid_size: 2 },
    resize_edge: { none: 0, top: 1, bottom: 2, left: 4, top_left: 5, bottom_left: 6, right: 8, top_right: 9, bottom_right: 10 },
    state: { maximized: 1, fullscreen: 2, resizing: 3, activated: 4, tiled_left: 5, tiled_right: 6, tiled_top: 7, tiled_bottom: 8, suspended: 9, constrained_left: 10, constrained_right: 11, constrained_top: 12, constrained_bottom: 13 },
    wm_capabilities: { window_menu: 1, maximize: 2, fullscreen: 3, minimize: 4 },
  },
} as const;
