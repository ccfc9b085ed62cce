import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { runAllSteps } from '../src/base/cleanup.ts';
import { buildCPeer } from '../src/measure/c-peer.ts';
import type { CPeer } from '../src/measure/c-peer.ts';

/** The C programs of the comparisons, each built or with the reason why not. */
export interface Peers {
  readonly conversion: CPeer;
  /** The same program, as fast as the compiler makes it on this machine. */
  readonly conversionNative: CPeer;
  readonly vmap: CPeer;
  readonly memfd: CPeer;
  readonly addon: CPeer;
  readonly dmaHeap: CPeer;
  readonly camera: CPeer;
  readonly hugePages: CPeer;
  readonly blit: CPeer;
  /** The same program, as fast as the compiler makes it on this machine. */
  readonly blitNative: CPeer;
}

export function buildPeers(env: NodeJS.ProcessEnv = process.env): Peers {
  return {
    conversion: buildCPeer('sg-to-pages', { env }),
    conversionNative: buildCPeer('sg-to-pages', { env, flags: ['-O3', '-march=native', '-DSTORED_COUNT=size_t'] }),
    vmap: buildCPeer('vmap', { env }),
    memfd: buildCPeer('memfd', { env }),
    addon: buildAddon(env),
    dmaHeap: buildCPeer('dma-heap', { env }),
    camera: buildCPeer('camera', { env }),
    hugePages: buildCPeer('huge-pages', { env }),
    blit: buildCPeer('blit', { env, flags: ['-O3'] }),
    blitNative: buildCPeer('blit', { env, flags: ['-O3', '-march=native'] }),
  };
}

export function closePeers(peers: Peers): void {
  runAllSteps(
    Object.values(peers).map((peer: CPeer) => () => peer.close()),
    'Several peers could not be removed',
  );
}

/** Node's own headers are beside it, if it was installed with them. */
function buildAddon(env: NodeJS.ProcessEnv): CPeer {
  const include = join(dirname(dirname(process.execPath)), 'include/node');
  if (!existsSync(join(include, 'node_api.h'))) {
    return { built: false, reason: `Node's headers are missing: ${include} has no node_api.h`, close: () => {} };
  }
  return buildCPeer('addon', { env, flags: ['-shared', '-fPIC', `-I${include}`] });
}
