import type { IncomingMessage } from 'node:http';

import type { EmbeddedHeap } from '../backend/embedded/embedded-heap.ts';
import { assert } from '../base/assert.ts';
import { packageFile } from '../base/package-file.ts';
import { MiB } from '../base/sizes.ts';
import { toDoctorJson } from '../machine/doctor/doctor-json.ts';
import { examineMachine } from '../machine/doctor/examine-machine.ts';
import { ORDER_MIX_NAMES } from '../pages/order-mixes.ts';
import { RECIPES } from '../workload/recipes/recipes.ts';
import { CallerReports } from './callers-view.ts';
import { HeapPicture, HeapViewer } from './heap-view/heap-viewer.ts';
import { MachineBuffers, MachineViewer } from './machine-view.ts';
import { listCameraChoices, LiveCameras } from './camera-view.ts';
import { LabJobs } from './lab-jobs.ts';
import { VIEW_NAMES } from './protocol/messages.ts';
import type { HelloMessage } from './protocol/messages.ts';
import { Access } from './server/access.ts';
import { sendJson } from './server/answers.ts';
import { LabServer } from './server/lab-server.ts';
import type { LabRoutes } from './server/lab-server.ts';
import { PageFiles } from './server/page-files.ts';
import { limitBody } from './server/read-body.ts';

const TRACE_BYTES_MAX = 512 * MiB;
const NAME_LENGTH_MAX = 255;

/** What {@link serveLab} serves. */
interface LabOptions {
  /** The heap of the picture. */
  readonly heap: EmbeddedHeap;
  /** Of loopback; 0 for any. */
  readonly port: number;
  /** Whether pages may start jobs. */
  readonly mayControl: boolean;
  /** Of the package. */
  readonly version: string;
  /** Of an earlier lab, whose pages go on with this one. Default: a new one. */
  readonly key?: string | undefined;
  /** Told of faults of the lab itself. */
  readonly onFailure: (error: unknown) => void;
}

/** A lab that is served. */
export interface Lab {
  /** An address that lets one browser in. That before is worth nothing from now on. */
  newAddress: () => string;
  /** Told when a browser was let in. */
  onAdmitted: (listener: () => void) => void;
  close: () => Promise<void>;
}

/**
 * Serves the page of the lab on loopback.
 *
 * @throws the error of `listen`, such as of a port that is taken
 */
export async function serveLab(options: LabOptions): Promise<Lab> {
  const folder = packageFile('dist/lab', import.meta.url);
  assert(folder !== undefined, 'The command runs from its own package');
  const jobs = new LabJobs(options.mayControl);
  const machine = new MachineBuffers();
  const server = new LabServer(new PageFiles(folder), routesOf(options, jobs, machine), new Access(options.key));
  server.onFailure = options.onFailure;
  await server.listen(options.port);
  return {
    newAddress: () => server.newAddress(),
    onAdmitted: (listener) => {
      server.onAdmitted = listener;
    },
    close: async () => {
      await Promise.all([jobs.close(), server.close()]);
      await machine.settled();
    },
  };
}

function routesOf({ heap, mayControl, version }: LabOptions, jobs: LabJobs, machine: MachineBuffers): LabRoutes {
  const picture = new HeapPicture(heap);
  const reports = new CallerReports();
  const cameras = new LiveCameras(mayControl);
  const workloads = RECIPES.map(({ name, title }) => ({ name, title }));
  const hello: HelloMessage = { type: 'hello', version, mayControl, mixes: ORDER_MIX_NAMES, workloads };
  return {
    pagePaths: new Set(['/', ...VIEW_NAMES.map((name) => `/${name}`)]),
    watch: (name, parameters) => {
      if (name === 'heap') return new HeapViewer(picture);
      if (name === 'camera') return cameras.watch(parameters.get('path') ?? '');
      return name === 'machine' ? new MachineViewer(machine) : undefined;
    },
    posts: {
      '/api/hello': async (_request, response) => sendJson(response, hello),
      '/api/cameras': async (_request, response) => sendJson(response, { cameras: listCameraChoices() }),
      '/api/doctor': async (_request, response) => sendJson(response, toDoctorJson(examineMachine())),
      '/api/convert': async (request, response) => await jobs.convert(request, response),
      '/api/workload': async (request, response) => await jobs.workload(request, response),
      '/api/record': async (request, response) => await jobs.record(request, response, reports),
      '/api/callers': async (request, response) => {
        const bytes = limitBody(request, TRACE_BYTES_MAX);
        sendJson(response, await reports.read(nameOf(request), bytes));
      },
    },
    findFramed: (path) => reports.find(path),
  };
}

/** The dropped file's name, encoded, as headers have ASCII only. */
function nameOf({ headers }: IncomingMessage): string {
  const encoded = headers['x-file-name'];
  try {
    const name = decodeURIComponent(typeof encoded === 'string' ? encoded : '').slice(0, NAME_LENGTH_MAX);
    return name === '' ? 'dropped file' : name;
  } catch {
    return 'dropped file';
  }
}
