import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';

import type { Access } from './access.ts';
import { FRAMED_POLICY, HEADERS, HTML, pagePolicy, sendJson, sendRefusal } from './answers.ts';
import { checkRequest } from './check-request.ts';
import type { PageFile, PageFiles } from './page-files.ts';
import { readJsonBody } from './read-body.ts';
import { Refusal } from './refusal.ts';
import { ViewStream } from './view-stream.ts';
import type { Viewer } from './viewer.ts';

/** How often pages are told what is new. A screen shows no more. */
const TICK_MS = 40;
const LOOPBACK = '127.0.0.1';
/** Far below the 1024 descriptors that a process has: anybody on the machine may connect. */
const CONNECTIONS_MAX = 128;
/** A connection that asks for nothing makes room for others. */
const TIMEOUTS = { headersTimeout: 10_000, connectionsCheckingInterval: 5000 };
const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const NOT_FOUND = 404;
const METHOD_NOT_ALLOWED = 405;

/** What the lab answers beside its files. */
export interface LabRoutes {
  /** The paths at which the page itself is. */
  readonly pagePaths: ReadonlySet<string>;
  /** Begins to watch a view; undefined for one that there is not. */
  readonly watch: (name: string, parameters: URLSearchParams) => Viewer | undefined;
  /** By path. */
  readonly posts: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>>;
  /** A page of its own, without rights, that a view shows in a frame. */
  readonly findFramed: (path: string) => string | undefined;
}

/** Serves the lab on loopback, to those who were given its address. */
export class LabServer {
  readonly #access: Access;
  readonly #files: PageFiles;
  readonly #routes: LabRoutes;
  readonly #streams = new Set<ViewStream>();
  readonly #server: Server;
  #ticker: NodeJS.Timeout | undefined;
  /** Told when a browser has spent the token. */
  onAdmitted: () => void = () => {};
  /** Told of faults of the lab itself. */
  onFailure: (error: unknown) => void = () => {};

  constructor(files: PageFiles, routes: LabRoutes, access: Access) {
    this.#files = files;
    this.#routes = routes;
    this.#access = access;
    this.#server = createServer(TIMEOUTS, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /**
   * @param port 0 for any
   * @throws the error of `listen`: a port that is taken
   */
  async listen(port: number): Promise<void> {
    this.#server.listen(port, LOOPBACK);
    await once(this.#server, 'listening');
    // A connection that cannot be accepted is no reason to end the program.
    this.#server.on('error', (error) => this.onFailure(error));
  }

  /** An address that lets one browser in. That before is worth nothing from now on. */
  newAddress(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://${LOOPBACK}:${port}/#token=${this.#access.newToken()}`;
  }

  async close(): Promise<void> {
    clearInterval(this.#ticker);
    for (const stream of this.#streams) stream.close();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkRequest(request);
      const { method, url = '/' } = request;
      const { pathname, searchParams } = parseTarget(url);
      if (method === 'POST') await this.#post(pathname, request, response);
      else if (method !== 'GET') throw new Refusal(METHOD_NOT_ALLOWED, 'Cannot answer this method');
      else if (pathname === '/api/run') sendJson(response, { run: this.#access.run });
      else if (pathname === '/api/stream') this.#stream(searchParams, request, response);
      else this.#sendFile(pathname, response);
    } catch (error) {
      // A page that went away while it was answered.
      if (response.destroyed) return;
      sendRefusal(response, error);
      if (!(error instanceof Refusal)) this.onFailure(error);
    }
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === '/api/session') {
      await this.#admit(request, response);
      return;
    }
    const post = Object.hasOwn(this.#routes.posts, path) ? this.#routes.posts[path] : undefined;
    if (post === undefined) throw new Refusal(NOT_FOUND, 'There is nothing here');
    this.#checkAccess(request);
    await post(request, response);
  }

  async #admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token } = await readJsonBody(request);
    const key = typeof token === 'string' ? this.#access.spend(token) : undefined;
    if (key === undefined)
      throw new Refusal(UNAUTHORIZED, 'This address was used before, or is not of this lab: take the latest one');
    sendJson(response, { key });
    this.onAdmitted();
  }

  #stream(parameters: URLSearchParams, request: IncomingMessage, response: ServerResponse): void {
    this.#checkAccess(request);
    const viewer = this.#routes.watch(parameters.get('view') ?? '', parameters);
    if (viewer === undefined) throw new Refusal(NOT_FOUND, 'There is no such view');
    response.writeHead(200, { ...HEADERS, 'content-type': 'application/octet-stream' });
    response.flushHeaders();
    const stream = new ViewStream(response, viewer, performance.now());
    this.#streams.add(stream);
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS);
    response.on('close', () => {
      this.#streams.delete(stream);
      stream.close();
      if (this.#streams.size > 0) return;
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    });
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const stream of this.#streams) {
      try {
        stream.tick(nowMs);
      } catch (error) {
        stream.close();
        this.onFailure(error);
      }
    }
  }

  #sendFile(path: string, response: ServerResponse): void {
    const framed = this.#routes.findFramed(path);
    if (framed !== undefined) {
      response.writeHead(200, { ...HEADERS, 'content-type': HTML, 'content-security-policy': FRAMED_POLICY });
      response.end(framed);
      return;
    }
    const file: PageFile | undefined = this.#routes.pagePaths.has(path) ? this.#files.index : this.#files.find(path);
    if (file === undefined) throw new Refusal(NOT_FOUND, 'There is nothing here');
    const policy = pagePolicy(this.#files.importMapHash);
    const headers = { 'content-type': file.type, 'content-encoding': 'gzip', 'content-security-policy': policy };
    response.writeHead(200, { ...HEADERS, ...headers });
    response.end(file.zipped);
  }

  #checkAccess({ headers }: IncomingMessage): void {
    if (this.#access.admits(headers.authorization)) return;
    throw new Refusal(UNAUTHORIZED, 'Open the address that the lab printed');
  }
}

/** @throws {Refusal} for what is no address, such as "//" */
function parseTarget(target: string): URL {
  const base = `http://${LOOPBACK}`;
  if (!URL.canParse(target, base)) throw new Refusal(BAD_REQUEST, 'Cannot read the address');
  return new URL(target, base);
}
