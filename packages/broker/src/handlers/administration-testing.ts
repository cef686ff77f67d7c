// A cluster's administration in memory, for tests of its handlers: requests and responses go through the codecs.
import { memoryStore, Metadata, silentLogger } from '@ottla/metadata'
import type { AnyApi, Random, RequestInitOf, ResponseInitOf, ResponseOf } from '@ottla/protocol'
import { KafkaError, ManualClock, Reader, requestCodec, responseCodec, Writer } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import { testConfig } from '../config/testing.ts'
import { BrokerRegistration, Controller, establishCluster, letIn } from '../controller/index.ts'
import { Slices } from '../replica/slices.ts'
import { type AnyHandler, Loaned, Ordered, type Outcome, type RequestContext } from '../requests/handler.ts'
import { type Administration, administration } from './administration.ts'

/** Numbers that look random and are the same in every run. */
export function seededRandom(seed = 1): Random {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return { next, bytes: size => Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256))) }
}

const contextOf = (apiKey: number, apiVersion: number, listener: string): RequestContext => ({
  apiKey,
  apiVersion,
  correlationId: 1,
  clientId: 'test',
  receivedAtMs: 0,
  sizeBytes: 0,
  connection: {
    id: 1,
    listener,
    remoteAddress: '127.0.0.1',
    clientSoftwareName: '',
    clientSoftwareVersion: '',
    onClose: () => () => undefined,
    destroy: () => undefined,
  },
})

type AnyResponse = ResponseInitOf<AnyApi>

async function answerOf(handle: () => Outcome<AnyResponse>, onError: (code: number) => AnyResponse | undefined): Promise<AnyResponse> {
  try {
    const reply = await handle()
    if (reply === null || reply instanceof Ordered || reply instanceof Loaned) throw new Error('this is no plain response')
    return reply
  } catch (error) {
    const response = error instanceof KafkaError ? onError(error.code) : undefined
    if (!response) throw error
    return response
  }
}

/** Asks the one of these handlers that serves an API, through the codecs; a KafkaError is answered as the dispatcher does. */
export async function askOne<A extends AnyApi>(
  handlers: readonly AnyHandler[],
  api: A,
  { version, body, listener = 'OUT' }: { version: number; body: RequestInitOf<A>; listener?: string },
): Promise<ResponseOf<A>> {
  const handler = handlers.find(one => one.api.key === api.key)
  if (!handler) throw new Error(`nobody serves ${api.name}`)
  const writer = new Writer()
  requestCodec(api, version).write(writer, body)
  const request = requestCodec(handler.api, version).read(new Reader(writer.bytes()))
  const context = contextOf(api.key, version, listener)
  const answer = new Writer()
  const response = await answerOf(
    () => handler.handle(request, context),
    code => handler.onError?.(code, request, context),
  )
  responseCodec(handler.api, version).write(answer, response)
  return responseCodec(api, version).read(new Reader(answer.bytes()))
}

/** The brokers of a test: the first is the one whose handlers are asked. */
export interface TestBroker {
  readonly id: number
  readonly rack?: string
}

export class TestAdministration {
  readonly metadata: Metadata
  readonly config: BrokerConfig
  readonly administration: Administration
  readonly #closers: (() => void | Promise<void>)[] = []
  readonly #registrations = new Map<number, BrokerRegistration>()

  private constructor(parts: { metadata: Metadata; config: BrokerConfig; administration: Administration }) {
    this.metadata = parts.metadata
    this.config = parts.config
    this.administration = parts.administration
  }

  /** A cluster of registered brokers. Broker n listens as OUT on host n:9092 and as IN on inner-n:9093. */
  static async open(settings: Record<string, string> = {}, brokers: readonly TestBroker[] = [{ id: 1 }]): Promise<TestAdministration> {
    const clock = new ManualClock()
    const random = seededRandom()
    const logger = silentLogger
    const store = await memoryStore(clock)
    const config = testConfig(settings)
    await establishCluster(store, { features: {}, brokerDefaults: new Map([['min.insync.replicas', '1']]), random })
    const metadata = await Metadata.follow({ store, logger })
    const follow = (): void => {
      config.setDynamic({ broker: metadata.image.config('broker', '1'), defaults: metadata.image.config('broker', '') })
    }
    follow()
    metadata.onChange(follow)
    const registrations: BrokerRegistration[] = []
    const controller = new Controller({ store, metadata, clock, logger, brokerId: 1, leaseMs: 9000 })
    for (const { id, rack = null } of brokers) {
      const registration = await BrokerRegistration.register({
        store,
        clock,
        logger,
        id,
        incarnation: `incarnation-${id}`,
        endpoints: [
          { name: 'OUT', host: `host${id}`, port: 9092, securityProtocol: 'PLAINTEXT' },
          { name: 'IN', host: `inner-${id}`, port: 9093, securityProtocol: 'PLAINTEXT' },
        ],
        rack,
        logDirs: [],
        cleanShutdownEpoch: -1,
        leaseMs: 9000,
      })
      await letIn(metadata, registration)
      registrations.push(registration)
    }
    const applied = (revision: number): Promise<void> => metadata.applied(revision)
    const test = new TestAdministration({
      metadata,
      config,
      administration: administration({ store, metadata, config, random, logger, slices: new Slices(clock), applied }),
    })
    for (const registration of registrations) test.#registrations.set(registration.id, registration)
    test.#closers.push(
      () => store.close(),
      () => metadata.close(),
      () => controller.close(),
    )
    return test
  }

  /** Asks as a client of the listener OUT would. */
  async ask<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>, listener = 'OUT'): Promise<ResponseOf<A>> {
    return askOne(this.administration.handlers, api, { version, body, listener })
  }

  /** Ends a broker's signs of life. */
  async stopBroker(id: number): Promise<void> {
    await this.#registrations.get(id)?.close()
  }

  async close(): Promise<void> {
    this.administration.close()
    for (const close of this.#closers.toReversed()) await close()
  }
}
