/** What this process tells PipeWire of its node and its only port. */

import { bool, dictionary, id, int, intBetween, intFlags, long, object, struct } from './spa-pod.ts';
import { offerFormats, writeFormat } from './stream-format.ts';
import type { StreamFormat } from './stream-format.ts';

/** A client's node (src/pipewire/extensions/client-node.h). */
export const CLIENT_NODE = {
  kind: { factory: 'client-node', interfaceName: 'PipeWire:Interface:ClientNode', version: 6 },
  /** Ids of a client are its own; 0 and 1 are the core and the client. */
  id: 2,
  method: { update: 2, portUpdate: 3, setActive: 4 },
} as const;

/** SPA_PARAM_* of spa/param/param.h. */
export const PARAMETER = { enumFormat: 3, format: 4, buffers: 5, io: 7 } as const;

/** SPA_PARAM_INFO_READ and _WRITE. */
const READABLE = 2;
const WRITABLE = 4;
/** PW_CLIENT_NODE_UPDATE_PARAMS and _INFO, of ports alike. */
const UPDATES_ALL = 3;
const UPDATES_INFO = 2;
/** SPA_NODE_CHANGE_MASK_FLAGS and _PROPS; SPA_PORT_CHANGE_MASK_FLAGS to _PARAMS. */
const NODE_CHANGES = 0b11n;
const PORT_CHANGES = 0b1111n;
/** SPA_DIRECTION_INPUT. */
const INPUT = 0;
const PORT = 0;

/** SPA_TYPE_OBJECT_ParamBuffers and _ParamIO, and their keys. */
const OBJECT_BUFFERS = 0x4_0004;
const OBJECT_IO = 0x4_0006;
const BUFFERS_KEY = { count: 1, parts: 2, size: 3, stride: 4, kinds: 6 } as const;
const IO_KEY = { id: 1, size: 2 } as const;
/** Bits of SPA_DATA_MemPtr and SPA_DATA_MemFd. */
const SHARED_MEMORY = (1 << 1) | (1 << 2);
const IO_BUFFERS = 1;
const IO_BUFFERS_BYTES = 8;

export function describeNode(properties: Readonly<Record<string, string>>): Buffer[] {
  const info = [int(1), int(0), long(NODE_CHANGES), long(0n), ...dictionary(properties), int(0)];
  return [int(UPDATES_INFO), int(0), struct(...info)];
}

/** @param format that was agreed on, if any */
export function describePort(format: StreamFormat | undefined): Buffer[] {
  const offered = offerFormats(PARAMETER.enumFormat);
  const parameters = format === undefined ? [offered] : [offered, ...describeBuffers(format)];
  const infos = [
    [PARAMETER.enumFormat, READABLE],
    [PARAMETER.format, format === undefined ? WRITABLE : READABLE | WRITABLE],
    [PARAMETER.buffers, format === undefined ? 0 : READABLE],
    [PARAMETER.io, format === undefined ? 0 : READABLE],
  ] as const;
  const info = struct(
    long(PORT_CHANGES),
    long(0n),
    int(0),
    int(1),
    ...dictionary({ 'port.name': 'input' }),
    int(infos.length),
    ...infos.flatMap(([parameter, flags]) => [id(parameter), int(flags)]),
  );
  return [int(INPUT), int(PORT), int(UPDATES_ALL), int(parameters.length), ...parameters, info];
}

function describeBuffers(format: StreamFormat): Buffer[] {
  const { rowBytes } = format;
  return [
    writeFormat(PARAMETER.format, format),
    object(OBJECT_BUFFERS, PARAMETER.buffers, [
      [BUFFERS_KEY.count, intBetween(8, 2, 16)],
      [BUFFERS_KEY.parts, int(1)],
      [BUFFERS_KEY.size, intBetween(rowBytes * format.height, 1, 0x7fff_ffff)],
      [BUFFERS_KEY.stride, intBetween(rowBytes, 1, 0x7fff_ffff)],
      [BUFFERS_KEY.kinds, intFlags(SHARED_MEMORY)],
    ]),
    object(OBJECT_IO, PARAMETER.io, [
      [IO_KEY.id, id(IO_BUFFERS)],
      [IO_KEY.size, int(IO_BUFFERS_BYTES)],
    ]),
  ];
}

export function setActive(isActive: boolean): Buffer[] {
  return [bool(isActive)];
}
