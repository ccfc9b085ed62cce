// Made of wlr-screencopy-unstable-v1.xml by tools/wayland-protocols.mjs. Do not edit.

export const zwlr_screencopy_manager_v1 = {
  name: 'zwlr_screencopy_manager_v1',
  version: 3,
  requests: {
    capture_output: { opcode: 0, since: 1, args: ['new_id:zwlr_screencopy_frame_v1', 'int', 'object'] },
    capture_output_region: { opcode: 1, since: 1, args: ['new_id:zwlr_screencopy_frame_v1', 'int', 'object', 'int', 'int', 'int', 'int'] },
    destroy: { opcode: 2, since: 1, isDestructor: true, args: [] },
  },
  events: {
  },
  enums: {
  },
} as const;

export const zwlr_screencopy_frame_v1 = {
  name: 'zwlr_screencopy_frame_v1',
  version: 3,
  requests: {
    copy: { opcode: 0, since: 1, args: ['object'] },
    destroy: { opcode: 1, since: 1, isDestructor: true, args: [] },
    copy_with_damage: { opcode: 2, since: 2, args: ['object'] },
  },
  events: {
    buffer: { opcode: 0, since: 1, args: ['uint', 'uint', 'uint', 'uint'] },
    flags: { opcode: 1, since: 1, args: ['uint'] },
    ready: { opcode: 2, since: 1, args: ['uint', 'uint', 'uint'] },
    failed: { opcode: 3, since: 1, args: [] },
    damage: { opcode: 4, since: 2, args: ['uint', 'uint', 'uint', 'uint'] },
    linux_dmabuf: { opcode: 5, since: 3, args: ['uint', 'uint', 'uint'] },
    buffer_done: { opcode: 6, since: 3, args: [] },
  },
  enums: {
    error: { already_used: 0, invalid_buffer: 1 },
    flags: { y_invert: 1 },
  },
} as const;
