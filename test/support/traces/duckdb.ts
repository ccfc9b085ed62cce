/** DuckDB, which tests fetch: it is no dependency of this package. */

import { pathToFileURL } from 'node:url';

import type { DuckdbModule } from '../../../src/trace/fleet/duckdb.ts';
import { fetchPackages, folderOf, lackOf } from '../processes/fetched-packages.ts';

const fetched = fetchPackages('@duckdb/node-api@1.5.6-r.1');

/** For `skip:` of a test that needs it. */
export const lackOfDuckdb: string | false = lackOf(fetched);

export async function importDuckdb(): Promise<DuckdbModule> {
  return (await import(pathToFileURL(folderOf(fetched, '@duckdb/node-api/lib/index.js')).href)) as DuckdbModule;
}

/** The folder of `@duckdb`, to be put into somebody's node_modules. */
export function duckdbScope(): string {
  return folderOf(fetched, '@duckdb');
}
