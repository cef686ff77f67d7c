import type { RequestOf, ResponseInitOf } from '@ottla/protocol'
import { deleteTopicsApi, ErrorCode, KafkaError, metadataApi, produceApi, readResponse } from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { FrameClient } from '../network/testing.ts'
import { eventually } from '../network/testing.ts'
import { Dispatcher } from './dispatcher.ts'
import type { AnyHandler, Outcome, RequestContext } from './handler.ts'
import { handler, Loaned, Ordered } from './handler.ts'
import { ask, requestBytes, serving } from './testing.ts'

const open: Awaited<ReturnType<typeof serving>>[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function clientOf(handlers: readonly AnyHandler[]) {
  const server = await serving(handlers)
  open.push(server)
  return { server, client: await server.client() }
}

type DeleteTopics = RequestOf<typeof deleteTopicsApi>
type Answer = ResponseInitOf<typeof deleteTopicsApi>
const topics = (...topicNames: string[]) => ({ topicNames, timeoutMs: 1 })
const nameOf = (request: DeleteTopics) => request.topicNames[0] ?? ''
const answer = (name: string, errorCode = 0): Answer => ({ throttleTimeMs: 0, responses: [{ name, errorCode }] })

/** DeleteTopics with a handler of the test's. */
const deleting = (handle: (name: string, context: RequestContext) => Outcome<Answer>, onError?: 'answers'): AnyHandler =>
  handler<typeof deleteTopicsApi>({
    api: deleteTopicsApi,
    versions: [1, 5],
    handle: (request, context) => handle(nameOf(request), context),
    ...(onError && { onError: (code, request) => answer(nameOf(request), code) }),
  })

async function names(client: FrameClient, count: number): Promise<string[]> {
  const frames = await client.receive(count)
  return frames.map(frame => readResponse(deleteTopicsApi, 1, frame).body.responses[0]?.name ?? '')
}

/** A request for many topics. */
const many = (count: number, size: number) => requestBytes(deleteTopicsApi, 5, topics(...Array<string>(count).fill('t'.repeat(size))))

/** Promises settled by hand. */
class Later {
  readonly settle = new Map<string, () => void>()
  promise(name: string): Promise<void> {
    return new Promise(resolve => this.settle.set(name, resolve))
  }
}

describe('Dispatcher', () => {
  it('gives the handler what is known of the request', async () => {
    let seen: RequestContext | undefined
    const { client, server } = await clientOf([
      deleting((name, context) => {
        seen = context
        return answer(name)
      }),
    ])
    await ask(client, deleteTopicsApi, 5, topics('a'))
    expect(seen).toMatchObject({ apiKey: 20, apiVersion: 5, correlationId: 0, clientId: 'test' })
    expect(seen?.sizeBytes).toBe(requestBytes(deleteTopicsApi, 5, topics('a')).length - 4)
    expect(seen?.connection).toMatchObject({ listener: 'PLAINTEXT', remoteAddress: '127.0.0.1', clientSoftwareName: 'unknown' })
    expect(server.counters.apis[20]).toMatchObject({ requests: 1, responses: 1, failures: 0 })
    expect(server.counters.apis[20]?.requestsByVersion[5]).toBe(1)
    expect(server.counters.apis[20]?.timeBuckets.reduce((a, b) => a + b)).toBe(1)
  })

  it('begins the next request when the promise of the one before is settled', async () => {
    const later = new Later()
    const begun: string[] = []
    const { client } = await clientOf([
      deleting(name => {
        begun.push(name)
        return name === 'now' ? answer(name) : later.promise(name).then(() => answer(name))
      }),
    ])
    client.send(Buffer.concat(['a', 'now', 'b', 'c'].map(name => requestBytes(deleteTopicsApi, 1, topics(name)))))
    await eventually(() => begun.length === 1)
    later.settle.get('a')?.()
    await eventually(() => begun.length === 3)
    expect(begun).toEqual(['a', 'now', 'b'])
    expect(await names(client, 2)).toEqual(['a', 'now'])
    later.settle.get('b')?.()
    await eventually(() => later.settle.has('c'))
    later.settle.get('c')?.()
    expect(await names(client, 4)).toEqual(['a', 'now', 'b', 'c'])
  })

  it('begins the next request when the one before is ordered, and still replies in request order', async () => {
    const [replies, orders] = [new Later(), new Later()]
    const begun: string[] = []
    const { client } = await clientOf([
      deleting(name => {
        begun.push(name)
        return new Ordered(
          replies.promise(name).then(() => answer(name)),
          name === 'b' ? orders.promise(name) : null,
        )
      }),
    ])
    client.send(Buffer.concat(['a', 'b', 'c'].map(name => requestBytes(deleteTopicsApi, 1, topics(name)))))
    await eventually(() => begun.length === 2)
    replies.settle.get('b')?.()
    orders.settle.get('b')?.()
    await eventually(() => begun.length === 3)
    replies.settle.get('c')?.()
    await new Promise<void>(resolve => setTimeout(resolve, 10))
    expect(client.frames).toHaveLength(0)
    replies.settle.get('a')?.()
    expect(await names(client, 3)).toEqual(['a', 'b', 'c'])
  })

  it('gives a request that took long to read a turn of its own, and keeps the order of its connection', async () => {
    const turns = new Later()
    const begun: string[] = []
    const deletes = deleting(name => {
      begun.push(name)
      return answer(name)
    })
    const server = await serving([deletes], () => turns.promise('turn'))
    open.push(server)
    const [client, other] = [await server.client(), await server.client()]
    client.send(Buffer.concat([many(2_000, 40), requestBytes(deleteTopicsApi, 1, topics('next'))]))
    await eventually(() => turns.settle.has('turn'))
    other.send(requestBytes(deleteTopicsApi, 1, topics('of another')))
    expect(await names(other, 1)).toEqual(['of another'])
    expect(begun).toEqual(['of another'])
    turns.settle.get('turn')?.()
    await client.receive(2)
    expect(begun).toEqual(['of another', 't'.repeat(40), 'next'])
  })

  it('sends nothing for null, now or later', async () => {
    const { client } = await clientOf([
      deleting(name =>
        name === 'now'
          ? null
          : name === 'later'
            ? Promise.resolve(null)
            : name === 'ordered'
              ? new Ordered<Answer>(Promise.resolve(null))
              : answer(name),
      ),
    ])
    client.send(Buffer.concat(['now', 'later', 'ordered', 'x'].map(name => requestBytes(deleteTopicsApi, 1, topics(name)))))
    expect(await names(client, 1)).toEqual(['x'])
  })

  it('gives loans back once', async () => {
    let released = 0
    const loan = (name: string, body = answer(name)) => new Loaned(body, () => released++)
    const { client } = await clientOf([
      deleting(name => (name === 'now' ? loan(name) : name === 'later' ? Promise.resolve(loan(name)) : loan(name, answer(name, 70_000)))),
    ])
    client.send(Buffer.concat(['now', 'later'].map(name => requestBytes(deleteTopicsApi, 1, topics(name)))))
    expect(await names(client, 2)).toEqual(['now', 'later'])
    await eventually(() => released === 2)
    client.send(requestBytes(deleteTopicsApi, 1, topics('wrong')))
    await client.end()
    expect(released).toBe(3)
  })

  it.each([
    [
      'thrown',
      (error: Error) => {
        throw error
      },
    ],
    ['rejected', (error: Error) => Promise.reject(error)],
    ['in an ordered reply', (error: Error) => new Ordered<Answer>(Promise.reject(error))],
  ])('answers a Kafka error that is %s, and closes for any other', async (_, fail) => {
    const { client, server } = await clientOf([
      deleting(name => fail(name === 'bug' ? new TypeError('a bug') : new KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)), 'answers'),
    ])
    const reply = await ask(client, deleteTopicsApi, 2, topics('a'))
    expect(reply.responses[0]).toMatchObject({ name: 'a', errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED })
    client.send(requestBytes(deleteTopicsApi, 2, topics('bug')))
    await client.end()
    expect(server.log.text).toContain('error: DeleteTopics request failed: a bug')
    expect(server.counters.apis[20]).toMatchObject({ requests: 2, failures: 1, responses: 1 })
  })

  it('closes the connection for a Kafka error that the handler cannot answer', async () => {
    const { client, server } = await clientOf([
      deleting(() => {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'no')
      }),
    ])
    client.send(requestBytes(deleteTopicsApi, 2, topics('a')))
    await client.end()
    expect(server.log.text).toContain('DeleteTopics failed: no (INVALID_REQUEST)')
  })

  it.each([
    ['an API that is not served', requestBytes(metadataApi, 4, { topics: null }), 'API with key 3, which is not served'],
    [
      'a version that is not served',
      requestBytes(deleteTopicsApi, 6, { topics: [], timeoutMs: 1 }),
      'DeleteTopics request of version 6, versions 1 to 5 are served',
    ],
    [
      'an impossible version',
      Buffer.from('0000000c0014fffe000000070001780000000000', 'hex').subarray(0, 16),
      'DeleteTopics request of version -2',
    ],
    ['a body cut short', Buffer.from('0000000e00140001000000070000000000ff', 'hex'), 'malformed DeleteTopics request of version 1'],
  ])('closes only the connection that sends %s', async (_, bytes, reason) => {
    const { client, server } = await clientOf([deleting(name => answer(name))])
    const other = await server.client()
    client.send(bytes)
    await client.end()
    expect(server.log.text).toContain(reason)
    expect((await ask(other, deleteTopicsApi, 1, topics('a'))).responses).toHaveLength(1)
  })

  it('refuses requests whose decoding would take long', async () => {
    const { client, server } = await clientOf([deleting(name => answer(name))])
    client.send(many(100_000, 1))
    await client.receive(1)
    client.send(many(100_001, 1))
    await client.end()
    expect(server.log.text).toContain('array of 100001 elements, 100000 are accepted')
    const other = await server.client()
    other.send(many(300, 32_000))
    await other.end()
    expect(server.log.text).toContain('more text than is accepted')
  })

  it('refuses long requests that are not for records', async () => {
    const { client, server } = await clientOf([deleting(name => answer(name))])
    const frame = Buffer.alloc(4 + 16 * 1024 * 1024 + 1)
    many(1, 1).copy(frame)
    frame.writeInt32BE(frame.length - 4)
    client.send(frame)
    await client.end()
    expect(server.log.text).toContain('at most 16777216 may be')
  })

  it('bounds the large requests that wait for their replies', async () => {
    const later = new Later()
    const waits = ['a', 'b', 'c'].map(name => topics(name, ...Array<string>(99_999).fill('x'.repeat(80))))
    const { server } = await clientOf([deleting(name => later.promise(name).then(() => answer(name)))])
    const clients: FrameClient[] = []
    for (let taken = 0; server.log.lines.length === 0; taken++) {
      const client = await server.client()
      clients.push(client)
      client.send(requestBytes(deleteTopicsApi, 5, waits[taken % 3] ?? topics()))
      await eventually(() => server.log.lines.length > 0 || (server.counters.apis[20]?.requests ?? 0) > taken)
    }
    expect(clients.length).toBeLessThan(20)
    expect(server.log.text).toContain('large DeleteTopics request while others of')
    const small = await server.client()
    small.send(requestBytes(deleteTopicsApi, 5, topics('small')))
    await eventually(() => later.settle.has('small'))
    later.settle.get('small')?.()
    await small.receive(1)
  })

  it('does not take two handlers for one API', () => {
    const one = deleting(name => answer(name))
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    const clock = { now: () => 0, monotonic: () => 0, after: () => ({ cancel() {} }) }
    expect(() => new Dispatcher({ handlers: [one, one], clock, logger: log })).toThrow('two handlers for DeleteTopics')
  })

  it('hands out records as slices of what was received', async () => {
    const records = Buffer.alloc(5000, 'r')
    let seen = ''
    const { client } = await clientOf([
      handler({
        api: produceApi,
        versions: [3, 9],
        handle(request) {
          seen = request.topicData[0]?.partitionData[0]?.records?.toString('latin1') ?? ''
          return { responses: [], throttleTimeMs: 0 }
        },
      }),
    ])
    const body = { transactionalId: null, acks: 1, timeoutMs: 1, topicData: [{ name: 't', partitionData: [{ index: 0, records }] }] }
    await ask(client, produceApi, 9, body)
    expect(seen).toBe(records.toString())
  })
})
