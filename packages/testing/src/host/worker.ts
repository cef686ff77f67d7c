// The thread of a WorkerHost: a LocalHost that does what messages say.
import { parentPort, workerData } from 'node:worker_threads'
import type { HostOptions } from './host.ts'
import { LocalHost } from './local-host.ts'
import { type FromWorker, STARTED, type ToWorker } from './worker-host.ts'

const tell = (message: FromWorker): void => parentPort?.postMessage(message, [])

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

async function run(host: LocalHost, message: ToWorker): Promise<void> {
  switch (message.call) {
    case 'advance':
      return host.advance(message.ms, message.options)
    case 'addFault':
      return host.addFault(message.spec)
    case 'addRandomFaults':
      return host.addRandomFaults(message.spec)
    case 'removeFault':
      return host.removeFault(message.fault)
    case 'clearFaults':
      return host.clearFaults()
    case 'setDisk':
      return host.setDisk(message.state, message.fault)
    case 'stop':
      return host.stop(message.crash)
    case 'start':
      return host.start()
    default:
      return host.close()
  }
}

async function serve(options: HostOptions): Promise<void> {
  const host = await LocalHost.start(options, { onHit: hit => tell({ hit }) })
  parentPort?.on('message', (message: ToWorker) => {
    const { id } = message
    run(host, message).then(
      () => tell({ id, address: host.address }),
      (error: unknown) => tell({ id, error: asError(error) }),
    )
  })
  tell({ id: STARTED, address: host.address })
}

function hasOptions(data: unknown): data is HostOptions {
  return typeof data === 'object' && data !== null && 'settings' in data
}

if (hasOptions(workerData)) serve(workerData).catch((error: unknown) => tell({ id: STARTED, error: asError(error) }))
