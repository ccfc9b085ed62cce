// Made of wayland.xml by tools/wayland-protocols.mjs. Do not edit.

export const wl_display = {
  name: 'wl_display',
  version: 1,
  requests: {
    sync: { opcode: 0, since: 1, args: ['new_id:wl_callback'] },
    get_registry: { opcode: 1, since: 1, args: ['new_id:wl_registry'] },
  },
  events: {
    error: { opcode: 0, since: 1, args: ['object', 'uint', 'string'] },
    delete_id: { opcode: 1, since: 1, args: ['uint'] },
  },
  enums: {
    error: { invalid_object: 0, invalid_method: 1, no_memory: 2, implementation: 3 },
  },
} as const;

export const wl_registry = {
  name: 'wl_registry',
  version: 1,
  requests: {
    bind: { opcode: 0, since: 1, args: ['uint', 'new_id'] },
  },
  events: {
    global: { opcode: 0, since: 1, args: ['uint', 'string', 'uint'] },
    global_remove: { opcode: 1, since: 1, args: ['uint'] },
  },
  enums: {
  },
} as const;

export const wl_callback = {
  name: 'wl_callback',
  version: 1,
  requests: {
  },
  events: {
    done: { opcode: 0, since: 1, isDestructor: true, args: ['uint'] },
  },
  enums: {
  },
} as const;

export const wl_compositor = {
  name: 'wl_compositor',
  version: 6,
  requests: {
    create_surface: { opcode: 0, since: 1, args: ['new_id:wl_surface'] },
    create_region: { opcode: 1, since: 1, args: ['new_id:wl_region'] },
  },
  events: {
  },
  enums: {
  },
} as const;

export const wl_shm_pool = {
  name: 'wl_shm_pool',
  version: 2,
  requests: {
    create_buffer: { opcode: 0, since: 1, args: ['new_id:wl_buffer', 'int', 'int', 'int', 'int', 'uint'] },
    destroy: { opcode: 1, since: 1, isDestructor: true, args: [] },
    resize: { opcode: 2, since: 1, args: ['int'] },
  },
  events: {
  },
  enums: {
  },
} as const;

export const wl_shm = {
  name: 'wl_shm',
  version: 2,
  requests: {
    create_pool: { opcode: 0, since: 1, args: ['new_id:wl_shm_pool', 'fd', 'int'] },
    release: { opcode: 1, since: 2, isDestructor: true, args: [] },
  },
  events: {
    format: { opcode: 0, since: 1, args: ['uint'] },
  },
  enums: {
    error: { invalid_format: 0, invalid_stride: 1, invalid_fd: 2 },
    format: { argb8888: 0, xrgb8888: 1, c8: 0x20203843, rgb332: 0x38424752, bgr233: 0x38524742, xrgb4444: 0x32315258, xbgr4444: 0x32314258, rgbx4444: 0x32315852, bgrx4444: 0x32315842, argb4444: 0x32315241, abgr4444: 0x32314241, rgba4444: 0x32314152, bgra4444: 0x32314142, xrgb1555: 0x35315258, xbgr1555: 0x35314258, rgbx5551: 0x35315852, bgrx5551: 0x35315842, argb1555: 0x35315241, abgr1555: 0x35314241, rgba5551: 0x35314152, bgra5551: 0x35314142, rgb565: 0x36314752, bgr565: 0x36314742, rgb888: 0x34324752, bgr888: 0x34324742, xbgr8888: 0x34324258, rgbx8888: 0x34325852, bgrx8888: 0x34325842, abgr8888: 0x34324241, rgba8888: 0x34324152, bgra8888: 0x34324142, xrgb2101010: 0x30335258, xbgr2101010: 0x30334258, rgbx1010102: 0x30335852, bgrx1010102: 0x30335842, argb2101010: 0x30335241, abgr2101010: 0x30334241, rgba1010102: 0x30334152, bgra1010102: 0x30334142, yuyv: 0x56595559, yvyu: 0x55595659, uyvy: 0x59565955, vyuy: 0x59555956, ayuv: 0x56555941, nv12: 0x3231564e, nv21: 0x3132564e, nv16: 0x3631564e, nv61: 0x3136564e, yuv410: 0x39565559, yvu410: 0x39555659, yuv411: 0x31315559, yvu411: 0x31315659, yuv420: 0x32315559, yvu420: 0x32315659, yuv422: 0x36315559, yvu422: 0x36315659, yuv444: 0x34325559, yvu444: 0x34325659, r8: 0x20203852, r16: 0x20363152, rg88: 0x38384752, gr88: 0x38385247, rg1616: 0x32334752, gr1616: 0x32335247, xrgb16161616f: 0x48345258, xbgr16161616f: 0x48344258, argb16161616f: 0x48345241, abgr16161616f: 0x48344241, xyuv8888: 0x56555958, vuy888: 0x34325556, vuy101010: 0x30335556, y210: 0x30313259, y212: 0x32313259, y216: 0x36313259, y410: 0x30313459, y412: 0x32313459, y416: 0x36313459, xvyu2101010: 0x30335658, xvyu12_16161616: 0x36335658, xvyu16161616: 0x38345658, y0l0: 0x304c3059, x0l0: 0x304c3058, y0l2: 0x324c3059, x0l2: 0x324c3058, yuv420_8bit: 0x38305559, yuv420_10bit: 0x30315559, xrgb8888_a8: 0x38415258, xbgr8888_a8: 0x38414258, rgbx8888_a8: 0x38415852, bgrx8888_a8: 0x38415842, rgb888_a8: 0x38413852, bgr888_a8: 0x38413842, rgb565_a8: 0x38413552, bgr565_a8: 0x38413542, nv24: 0x3432564e, nv42: 0x3234564e, p210: 0x30313250, p010: 0x30313050, p012: 0x32313050, p016: 0x36313050, axbxgxrx106106106106: 0x30314241, nv15: 0x3531564e, q410: 0x30313451, q401: 0x31303451, xrgb16161616: 0x38345258, xbgr16161616: 0x38344258, argb16161616: 0x38345241, abgr16161616: 0x38344241, c1: 0x20203143, c2: 0x20203243, c4: 0x20203443, d1: 0x20203144, d2: 0x20203244, d4: 0x20203444, d8: 0x20203844, r1: 0x20203152, r2: 0x20203252, r4: 0x20203452, r10: 0x20303152, r12: 0x20323152, avuy8888: 0x59555641, xvuy8888: 0x59555658, p030: 0x30333050 },
  },
} as const;

export const wl_buffer = {
  name: 'wl_buffer',
  version: 1,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
  },
  events: {
    release: { opcode: 0, since: 1, args: [] },
  },
  enums: {
  },
} as const;

export const wl_surface = {
  name: 'wl_surface',
  version: 6,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    attach: { opcode: 1, since: 1, args: ['object?', 'int', 'int'] },
    damage: { opcode: 2, since: 1, args: ['int', 'int', 'int', 'int'] },
    frame: { opcode: 3, since: 1, args: ['new_id:wl_callback'] },
    set_opaque_region: { opcode: 4, since: 1, args: ['object?'] },
    set_input_region: { opcode: 5, since: 1, args: ['object?'] },
    commit: { opcode: 6, since: 1, args: [] },
    set_buffer_transform: { opcode: 7, since: 2, args: ['int'] },
    set_buffer_scale: { opcode: 8, since: 3, args: ['int'] },
    damage_buffer: { opcode: 9, since: 4, args: ['int', 'int', 'int', 'int'] },
    offset: { opcode: 10, since: 5, args: ['int', 'int'] },
  },
  events: {
    enter: { opcode: 0, since: 1, args: ['object'] },
    leave: { opcode: 1, since: 1, args: ['object'] },
    preferred_buffer_scale: { opcode: 2, since: 6, args: ['int'] },
    preferred_buffer_transform: { opcode: 3, since: 6, args: ['uint'] },
  },
  enums: {
    error: { invalid_scale: 0, invalid_transform: 1, invalid_size: 2, invalid_offset: 3, defunct_role_object: 4 },
  },
} as const;

export const wl_seat = {
  name: 'wl_seat',
  version: 9,
  requests: {
    get_pointer: { opcode: 0, since: 1, args: ['new_id:wl_pointer'] },
    get_keyboard: { opcode: 1, since: 1, args: ['new_id:wl_keyboard'] },
    get_touch: { opcode: 2, since: 1, args: ['new_id:wl_touch'] },
    release: { opcode: 3, since: 5, isDestructor: true, args: [] },
  },
  events: {
    capabilities: { opcode: 0, since: 1, args: ['uint'] },
    name: { opcode: 1, since: 2, args: ['string'] },
  },
  enums: {
    capability: { pointer: 1, keyboard: 2, touch: 4 },
    error: { missing_capability: 0 },
  },
} as const;

export const wl_pointer = {
  name: 'wl_pointer',
  version: 9,
  requests: {
    set_cursor: { opcode: 0, since: 1, args: ['uint', 'object?', 'int', 'int'] },
    release: { opcode: 1, since: 3, isDestructor: true, args: [] },
  },
  events: {
    enter: { opcode: 0, since: 1, args: ['uint', 'object', 'fixed', 'fixed'] },
    leave: { opcode: 1, since: 1, args: ['uint', 'object'] },
    motion: { opcode: 2, since: 1, args: ['uint', 'fixed', 'fixed'] },
    button: { opcode: 3, since: 1, args: ['uint', 'uint', 'uint', 'uint'] },
    axis: { opcode: 4, since: 1, args: ['uint', 'uint', 'fixed'] },
    frame: { opcode: 5, since: 5, args: [] },
    axis_source: { opcode: 6, since: 5, args: ['uint'] },
    axis_stop: { opcode: 7, since: 5, args: ['uint', 'uint'] },
    axis_discrete: { opcode: 8, since: 5, args: ['uint', 'int'] },
    axis_value120: { opcode: 9, since: 8, args: ['uint', 'int'] },
    axis_relative_direction: { opcode: 10, since: 9, args: ['uint', 'uint'] },
  },
  enums: {
    error: { role: 0 },
    button_state: { released: 0, pressed: 1 },
    axis: { vertical_scroll: 0, horizontal_scroll: 1 },
    axis_source: { wheel: 0, finger: 1, continuous: 2, wheel_tilt: 3 },
    axis_relative_direction: { identical: 0, inverted: 1 },
  },
} as const;

export const wl_keyboard = {
  name: 'wl_keyboard',
  version: 9,
  requests: {
    release: { opcode: 0, since: 3, isDestructor: true, args: ['int', 'int'] },
  },
  events: {
    keymap: { opcode: 0, since: 1, args: ['uint', 'fd', 'uint'] },
    enter: { opcode: 1, since: 1, args: ['uint', 'object', 'array'] },
    leave: { opcode: 2, since: 1, args: ['uint', 'object'] },
    key: { opcode: 3, since: 1, args: ['uint', 'uint', 'uint', 'uint'] },
    modifiers: { opcode: 4, since: 1, args: ['uint', 'uint', 'uint', 'uint', 'uint'] },
  },
  enums: {
    keymap_format: { no_keymap: 0, xkb_v1: 1 },
    key_state: { released: 0, pressed: 1 },
  },
} as const;

export const wl_output = {
  name: 'wl_output',
  version: 4,
  requests: {
    release: { opcode: 0, since: 3, isDestructor: true, args: [] },
  },
  events: {
    geometry: { opcode: 0, since: 1, args: ['int', 'int', 'int', 'int', 'int', 'string', 'string', 'int'] },
    mode: { opcode: 1, since: 1, args: ['uint', 'int', 'int', 'int'] },
    done: { opcode: 2, since: 2, args: [] },
    scale: { opcode: 3, since: 2, args: ['int'] },
    name: { opcode: 4, since: 4, args: ['string'] },
    description: { opcode: 5, since: 4, args: ['string'] },
  },
  enums: {
    subpixel: { unknown: 0, none: 1, horizontal_rgb: 2, horizontal_bgr: 3, vertical_rgb: 4, vertical_bgr: 5 },
    transform: { normal: 0, '90': 1, '180': 2, '270': 3, flipped: 4, flipped_90: 5, flipped_180: 6, flipped_270: 7 },
    mode: { current: 0x1, preferred: 0x2 },
  },
} as const;
