import { GiB } from '../../base/sizes.ts';
import { parseBufferLength } from '../buffer-length.ts';
import { SUCCEEDED } from '../command.ts';
import type { Command } from '../command.ts';
import type { CommandDescription } from '../command-description.ts';
import { parseArguments, UsageError } from '../parse-arguments.ts';

const PORT_DEFAULT = 7347;
const PORT_MAX = 65_535;
const CAPACITY_DEFAULT = 2 * GiB;

const DESCRIPTION = {
  invocation: 'dmabuf lab',
  summary: 'shows buffers, mappings and costs on a page in a browser',
  paragraphs: [
    'Serves a page on this machine alone, until Ctrl-C: a heap as a picture of its pages, the dma-bufs of this machine and who ' +
      'holds them, what mapping costs, and who maps, by a log or a trace that is dropped on it. Nothing goes over the network.',
    'The address that it prints lets one browser in, which may reload it and open it in several windows; then another address is ' +
      'printed. The heap is a demonstration in which buffers come and go; nothing is written into them.',
  ],
  options: {
    port: { value: 'N', text: `listens on this port of 127.0.0.1; 0 takes any. Default: ${PORT_DEFAULT}` },
    open: { text: 'opens the address in a browser, with xdg-open, through a file of this user alone' },
    control: { text: 'the page may start jobs, which take memory and processor time' },
    capacity: { value: 'SIZE', text: "the heap's capacity, such as 4GiB. Default: 2GiB" },
  },
  exitStatus: '0; 1 when the port is taken, or there is too little address space for the heap',
} as const satisfies CommandDescription;

/** @param readVersion of the package */
export function createLabCommand(readVersion: () => string): Command {
  return {
    name: 'lab',
    description: DESCRIPTION,
    run: async (args, terminal) => {
      const { options } = parseArguments(DESCRIPTION, args);
      const { open, control, capacity } = options;
      const chosen = {
        port: options.port === undefined ? PORT_DEFAULT : readPort(options.port),
        capacityBytes: capacity === undefined ? CAPACITY_DEFAULT : parseBufferLength(capacity, '--capacity'),
        opens: open,
        mayControl: control,
      };
      // Loaded on demand: other commands need no server.
      const { serveDemonstration } = await import('./serve-demonstration.ts');
      await serveDemonstration({ ...chosen, version: readVersion() }, terminal);
      return SUCCEEDED;
    },
  };
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/u.test(text) ? Number(text) : Number.NaN;
  if (port <= PORT_MAX) return port;
  throw new UsageError(`Cannot use --port ${text} as a port is a number from 0 to ${PORT_MAX}`);
}
