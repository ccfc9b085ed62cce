// Made of linux-dmabuf-v1.xml by tools/wayland-protocols.mjs. Do not edit.

export const zwp_linux_dmabuf_v1 = {
  name: 'zwp_linux_dmabuf_v1',
  version: 5,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    create_params: { opcode: 1, since: 1, args: ['new_id:zwp_linux_buffer_params_v1'] },
    get_default_feedback: { opcode: 2, since: 4, args: ['new_id:zwp_linux_dmabuf_feedback_v1'] },
    get_surface_feedback: { opcode: 3, since: 4, args: ['new_id:zwp_linux_dmabuf_feedback_v1', 'object'] },
  },
  events: {
    format: { opcode: 0, since: 1, args: ['uint'] },
    modifier: { opcode: 1, since: 3, args: ['uint', 'uint', 'uint'] },
  },
  enums: {
  },
} as const;

export const zwp_linux_buffer_params_v1 = {
  name: 'zwp_linux_buffer_params_v1',
  version: 5,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
    add: { opcode: 1, since: 1, args: ['fd', 'uint', 'uint', 'uint', 'uint', 'uint'] },
    create: { opcode: 2, since: 1, args: ['int', 'int', 'uint', 'uint'] },
    create_immed: { opcode: 3, since: 2, args: ['new_id:wl_buffer', 'int', 'int', 'uint', 'uint'] },
  },
  events: {
    created: { opcode: 0, since: 1, args: ['new_id:wl_buffer'] },
    failed: { opcode: 1, since: 1, args: [] },
  },
  enums: {
    error: { already_used: 0, plane_idx: 1, plane_set: 2, incomplete: 3, invalid_format: 4, invalid_dimensions: 5, out_of_bounds: 6, invalid_wl_buffer: 7 },
    flags: { y_invert: 1, interlaced: 2, bottom_first: 4 },
  },
} as const;

export const zwp_linux_dmabuf_feedback_v1 = {
  name: 'zwp_linux_dmabuf_feedback_v1',
  version: 5,
  requests: {
    destroy: { opcode: 0, since: 1, isDestructor: true, args: [] },
  },
  events: {
    done: { opcode: 0, since: 1, args: [] },
    format_table: { opcode: 1, since: 1, args: ['fd', 'uint'] },
    main_device: { opcode: 2, since: 1, args: ['array'] },
    tranche_done: { opcode: 3, since: 1, args: [] },
    tranche_target_device: { opcode: 4, since: 1, args: ['array'] },
    tranche_formats: { opcode: 5, since: 1, args: ['array'] },
    tranche_flags: { opcode: 6, since: 1, args: ['uint'] },
  },
  enums: {
    tranche_flags: { scanout: 1 },
  },
} as const;
