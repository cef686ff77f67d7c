// /metrics for Prometheus, on a port of its own (`metrics.listener`).
import { createServer, type Server } from 'node:http'
import type { Logger } from '@ottla/protocol'
import type { Family } from './family.ts'

/** Where to serve, and what. */
export interface MetricsServerOptions {
  readonly host: string
  readonly port: number
  readonly families: readonly Family[]
  readonly logger: Logger
}

/** Serves GET /metrics. */
export class MetricsServer {
  readonly port: number
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  /** Binds. Rejects with the system's error. */
  static async open(options: MetricsServerOptions): Promise<MetricsServer> {
    let render: Promise<() => Promise<{ type: string; text: string }>> | undefined
    const server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('GET /metrics\n')
        return
      }
      render ??= renderer(options.families)
      render
        .then(run => run())
        .then(({ type, text }) => response.writeHead(200, { 'content-type': type }).end(text))
        .catch((error: unknown) => {
          options.logger.error({ err: error }, 'the metrics could not be read')
          response.writeHead(500, { 'content-type': 'text/plain' }).end('see the log of the broker\n')
        })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      const { host, port } = options
      server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    const bound = server.address()
    return new MetricsServer(server, typeof bound === 'object' && bound ? bound.port : options.port)
  }

  /** Stops at once. */
  close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    return closed
  }
}

async function renderer(families: readonly Family[]): Promise<() => Promise<{ type: string; text: string }>> {
  const { registryOf } = await import('./render.ts')
  const registry = registryOf(families)
  return async () => ({ type: registry.contentType, text: await registry.metrics() })
}
