// Ending well on signals, of a process that is none.
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { type GracefulShutdownOptions, shutdownOf } from './shutdown.ts'

class FakeProcess {
  readonly pid = 7
  readonly log: string[] = []
  readonly signals = new EventEmitter()
  on(signal: string, listener: () => void): void {
    this.signals.on(signal, listener)
  }
  off(signal: string, listener: () => void): void {
    this.signals.off(signal, listener)
  }
  kill(pid: number, signal: string): void {
    this.log.push(`kill ${pid} ${signal}`)
  }
  client(name: string, disconnect: () => Promise<void> = async () => {}) {
    return {
      disconnect: async () => {
        this.log.push(name)
        await disconnect()
      },
    }
  }
}

const ended = (process: FakeProcess, options: GracefulShutdownOptions, clients: { disconnect(): Promise<void> }[]) =>
  new Promise<readonly Error[]>(resolve => {
    shutdownOf(process, { ...options, onEnd: (_, failures) => resolve(failures) }, clients)
    process.signals.emit('SIGTERM')
  })

test('clients are disconnected one after the other, then the signal does what it does', async () => {
  const process = new FakeProcess()
  shutdownOf(process, {}, [process.client('consumer'), process.client('producer')])
  process.signals.emit('SIGINT')
  await new Promise(resolve => setImmediate(resolve))
  expect(process.log).toEqual(['consumer', 'producer', 'kill 7 SIGINT'])
  expect(process.signals.listenerCount('SIGTERM')).toBe(0)
})

test('what fails is told, and does not keep others from ending', async () => {
  const process = new FakeProcess()
  const broken = process.client('consumer', async () => Promise.reject(new Error('broken')))
  expect(await ended(process, {}, [broken, process.client('producer')])).toMatchObject([{ message: 'broken' }])
  expect(process.log).toEqual(['consumer', 'producer'])
})

test('a client that does not end holds up the process only so long', async () => {
  const process = new FakeProcess()
  const hanging = process.client('consumer', async () => new Promise(() => {}))
  expect(await ended(process, { timeoutMs: 20 }, [hanging])).toMatchObject([{ message: 'Clients did not disconnect within 20 ms' }])
})

test('it can be undone', () => {
  const process = new FakeProcess()
  shutdownOf(process, { signals: ['SIGUSR2'] }, [process.client('consumer')])()
  process.signals.emit('SIGUSR2')
  expect(process.log).toEqual([])
})
