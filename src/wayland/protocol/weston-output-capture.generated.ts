// Made of weston-output-capture.xml by tools/wayland-protocols.mjs. Do not edit.

export const weston_capture_v1 = {
  name: 'weston_capture_v1',
  version: 1,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    create: { opcode: 1, since: 1, args: ['object', 'uint', 'new_id:weston_capture_source_v1'] },
  },
  events: {
  },
  enums: {
    error: { invalid_source: 0 },
    source: { writeback: 0, framebuffer: 1, full_framebuffer: 2, blending: 3 },
  },
} as const;

export const weston_capture_source_v1 = {
  name: 'weston_capture_source_v1',
  version: 1,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    capture: { opcode: 1, since: 1, args: ['object'] },
  },
  events: {
    format: { opcode: 0, since: 1, args: ['uint'] },
    size: { opcode: 1, since: 1, args: ['int', 'int'] },
    complete: { opcode: 2, since: 1, args: [] },
    retry: { opcode: 3, since: 1, args: [] },
    failed: { opcode: 4, since: 1, args: ['string?'] },
  },
  enums: {
    error: { bad_buffer: 0, sequence: 1 },
  },
} as const;
