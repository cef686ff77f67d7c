// `ottla start` as its users run it: the committed command on the built code, in a process of its own.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const command = fileURLToPath(new URL('../bin/ottla.js', import.meta.url))
const isBuilt = existsSync(new URL('../dist/main.js', import.meta.url))
if (!isBuilt) console.log('skipped: ottla is not built (npm run build)')

/** ApiVersions 0 with correlation id 1, and no client id. */
const apiVersions = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255])

class Run {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly exited: Promise<number | null>
  stdout = ''
  stderr = ''

  constructor(words: readonly string[], environment: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [command, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...environment },
    })
    this.child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.exited = once(this.child, 'close').then(([code]: (number | null)[]) => code ?? null)
    runs.push(this)
  }

  /** Waits until the banner is there, and returns the port in it. */
  async ready(): Promise<number> {
    while (!this.stdout.includes('consume')) {
      if (this.child.exitCode !== null) throw new Error(`it stopped:\n${this.stderr}`)
      await Promise.race([once(this.child.stdout, 'data'), this.exited])
    }
    return Number(/127\.0\.0\.1:(?<port>\d+)/.exec(this.stdout)?.[1])
  }
}

const runs: Run[] = []
const sockets: Socket[] = []
const folders: string[] = []
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'ottla-start-'))
  folders.push(path)
  return path
}
const local = (port: number | string) =>
  ['listeners', 'advertised.listeners'].flatMap(name => ['--override', `${name}=PLAINTEXT://127.0.0.1:${port}`])
const onAnyPort = ['--override', 'listeners=PLAINTEXT://127.0.0.1:0', '--override', 'advertised.listeners=PLAINTEXT://127.0.0.1:0']
const start = (data: string, ...words: string[]): Run =>
  new Run(['start', '--data-dir', data, '--override', 'metrics.listener=', ...onAnyPort, ...words])

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const run of runs.splice(0)) {
    run.child.kill('SIGKILL')
    await run.exited
  }
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
})

describe.skipIf(!isBuilt)('ottla start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('serves when it says that it is ready, and stops cleanly on %s', async signal => {
    const data = join(folder(), 'data')
    const run = start(data)
    const port = await run.ready()
    const socket = await connected(port)
    socket.write(apiVersions)
    const [answer]: Buffer[] = await once(socket, 'data')
    expect(answer?.readInt32BE(4)).toBe(1)
    run.child.kill(signal)
    expect(await run.exited).toBe(0)
    expect(existsSync(join(data, '.kafka_cleanshutdown'))).toBe(true)
    expect(run.stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(8)
  })

  it('ends at once on a second signal', async () => {
    const data = join(folder(), 'data')
    const run = start(data)
    const socket = await connected(await run.ready())
    // A request that never arrives whole keeps the stop waiting.
    socket.write(apiVersions.subarray(0, 9))
    await new Promise(resolve => setTimeout(resolve, 100))
    run.child.kill('SIGTERM')
    while (!run.stderr.includes('stopping')) await once(run.child.stderr, 'data')
    run.child.kill('SIGTERM')
    expect(await run.exited).toBe(1)
  })

  it('names the port that is taken, in one line', async () => {
    const other = createServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const run = new Run(['start', '--data-dir', join(folder(), 'data'), ...local(port)])
    expect(await run.exited).toBe(1)
    expect(run.stdout).toBe('')
    expect(run.stderr.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^ottla: port 127.0.0.1:${port} of listener PLAINTEXT is in use`))
    other.close()
  })

  it('names the directory that another broker uses', async () => {
    const data = join(folder(), 'data')
    const first = start(data)
    await first.ready()
    const second = start(data)
    expect(await second.exited).toBe(1)
    expect(second.stderr).toMatch(/^ottla: .*data.* is in use by the broker with process id \d+/)
  })

  it('tells everything that is wrong with the settings', async () => {
    const file = join(folder(), 'my.properties')
    writeFileSync(file, 'node.id=1\nnum.partitions=none\nlog.segment.bytes=1\n')
    const run = new Run(['start', file], { KAFKA_MESSAGE_MAX_BYTES: '-1' })
    expect(await run.exited).toBe(1)
    expect(run.stderr.trimEnd().split('\n')).toEqual([
      'ottla: 3 problems in the configuration:',
      '  my.properties line 2: Invalid value none for configuration num.partitions: Not a number of type INT (allowed: [1,...])',
      '  my.properties line 3: Invalid value 1 for configuration log.segment.bytes: Value must be at least 1048576 (allowed: [1048576,...])',
      '  variable KAFKA_MESSAGE_MAX_BYTES: Invalid value -1 for configuration message.max.bytes: Value must be at least 0 (allowed: [0,...])',
    ])
  })

  it('ends with 64 for a command line that makes no sense, with 1 for a file that is not there', async () => {
    const run = new Run(['start', '--no-such-option'])
    expect(await run.exited).toBe(64)
    const missing = new Run(['start', '/no/such/file'])
    expect(await missing.exited).toBe(1)
    expect(missing.stderr).toMatch(/^ottla: cannot read the settings: ENOENT/)
  })
})
