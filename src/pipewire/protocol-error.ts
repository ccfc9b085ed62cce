import { DmaBufError } from '../base/errors.ts';

/** What helps where this is refused: one copy, by programs that know their own PipeWire. */
const BRIDGE =
  'use receiveFrames() of dmabuf/gstreamer with "gst-launch-1.0 pipewiresrc ! videoconvert ! unixfdsink socket-path=PATH"';

/** `EPROTO`: what PipeWire sent does not add up. */
export function protocolError(why: string): DmaBufError {
  return new DmaBufError(`Cannot go on with PipeWire as ${why}`, { code: 'EPROTO' });
}

/** `EOPNOTSUPP`: it adds up, and is not known here. */
export function unknownError(what: string): DmaBufError {
  return new DmaBufError(`Cannot receive frames of PipeWire as ${what} is not known here: ${BRIDGE}`, {
    code: 'EOPNOTSUPP',
  });
}
