import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changesBetween } from './changes.ts'
import { encodeConfig } from './entities/config.ts'
import { decodePartition, encodePartition, newPartition, type PartitionValue } from './entities/partition.ts'
import { encodeTopic } from './entities/topic.ts'
import { ClusterImage, type TopicImage } from './image.ts'
import { applyRevisions, imageOf } from './image-draft.ts'
import { keys, parseKey } from './keys.ts'
import { PersistentMap } from './persistent-map.ts'
import type { Entry, RevisionChange, StoreEvent, Write } from './store.ts'
import { Draft, StoreState } from './store-state.ts'

/** All that an image says, in a form that can be compared. */
const contentOf = (image: ClusterImage) => ({
  revision: image.revision,
  topics: Array.from(image.topics()).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  byId: Array.from(image.topics(), ({ id }) => image.topicById(id)?.name ?? '').toSorted(),
  counts: [image.topicCount, image.partitionCount],
  configs: [...image.configNames('topic')]
    .toSorted()
    .map(name => [name, [...image.config('topic', name)], image.configRevision('topic', name)]),
  brokers: [...image.brokers],
  controller: [image.controllerId, image.controllerEpoch],
})

type Action = { name: string; action: 'create' | 'delete' | 'enlarge' | 'lead' | 'configure'; number: number }

const actions = fc.array(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    action: fc.constantFrom<Action['action'][]>('create', 'delete', 'enlarge', 'lead', 'configure'),
    number: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 30 },
)

/** The writes of an action on what there is, none where it makes no sense. */
function writesOf({ name, action, number }: Action, image: ClusterImage, step: number): Write[] {
  const topic = image.topic(name)
  const put = (id: string, from: number, to: number): Write[] => [
    ...Array.from({ length: to - from }, (_, at) => ({ key: keys.partition(id, from + at), value: encodePartition(newPartition([1, 2])) })),
    { key: keys.topic(name), value: encodeTopic({ id, partitions: to }) },
  ]
  if (!topic) return action === 'create' ? [...put(`id-${step}`, 0, number), { key: keys.topicId(`id-${step}`), value: name }] : []
  switch (action) {
    case 'delete':
      return [
        { key: keys.topic(name), value: null },
        { key: keys.config('topic', name), value: null },
        { prefix: keys.partitions(topic.id), value: null },
      ]
    case 'enlarge':
      return put(topic.id, topic.partitions.length, topic.partitions.length + number)
    case 'lead': {
      const partition = number % topic.partitions.length
      const before = topic.partitions[partition]!
      return [{ key: keys.partition(topic.id, partition), value: encodePartition({ ...before, leaderEpoch: before.leaderEpoch + 1 }) }]
    }
    case 'configure':
      return [{ key: keys.config('topic', name), value: encodeConfig(new Map([['retention.ms', String(step)]])) }]
    default:
      return []
  }
}

/** What another picture becomes when the changes to it are told. */
function retold(topics: Map<string, TopicImage>, before: ClusterImage, after: ClusterImage): void {
  const changes = changesBetween(before, after)
  for (const topic of changes.topicsDeleted) topics.delete(topic.name)
  for (const topic of changes.topicsCreated) topics.set(topic.name, topic)
  for (const { topic, partition, after: now } of changes.partitionsChanged) {
    const partitions = [...(topics.get(topic.name)?.partitions ?? [])]
    partitions[partition] = now
    topics.set(topic.name, { ...topic, partitions })
  }
}

const event = (key: string, value: string, revision: number): StoreEvent => ({
  key,
  entry: { key, value, createRevision: revision, modRevision: revision, version: 1, lease: null },
})

describe('the image', () => {
  it('is the same by changes in any batches as read whole, and the changes that it tells are all there are', () => {
    fc.assert(
      fc.property(actions, fc.infiniteStream(fc.integer({ min: 1, max: 4 })), (list, sizes) => {
        const state = new StoreState()
        let image = ClusterImage.empty
        let waiting: RevisionChange[] = []
        const told = new Map<string, TopicImage>()
        for (const [step, action] of list.entries()) {
          const draft = new Draft(state, () => false)
          draft.transact({ writes: writesOf(action, applyRevisions(image, waiting), step) })
          state.apply(draft.revisions)
          waiting.push(...draft.revisions)
          if (waiting.length >= (sizes.next().value ?? 1) || step === list.length - 1) {
            const next = applyRevisions(image, waiting)
            retold(told, image, next)
            image = next
            waiting = []
          }
        }
        const whole = imageOf(state.entries(), state.revision)
        if (image !== ClusterImage.empty) expect(contentOf(image)).toEqual(contentOf(whole))
        expect(new Map([...told].map(([name, { id, partitions }]) => [name, { id, partitions }]))).toEqual(
          new Map(Array.from(image.topics(), ({ name, id, partitions }) => [name, { id, partitions }])),
        )
      }),
    )
  })

  it('does not know a topic before all its partitions are there, nor partitions beyond its number', () => {
    const partition = encodePartition(newPartition([1]))
    const early = applyRevisions(ClusterImage.empty, [
      { revision: 1, events: [event(keys.partition('id', 0), partition, 1), event(keys.partition('id', 1), partition, 1)] },
    ])
    expect([early.topicCount, early.partitionCount]).toEqual([0, 0])
    const known = applyRevisions(early, [{ revision: 2, events: [event(keys.topic('t'), encodeTopic({ id: 'id', partitions: 1 }), 2)] }])
    expect(known.topic('t')?.partitions).toHaveLength(1)
    expect(known.partitionCount).toBe(1)
  })

  it('passes over what it already holds', () => {
    const image = applyRevisions(ClusterImage.empty, [{ revision: 5, events: [] }])
    expect(applyRevisions(image, [{ revision: 4, events: [] }])).toBe(image)
  })

  it('keeps untouched topics as they are', () => {
    const entries: Entry[] = []
    const put = (key: string, value: string): void => {
      entries.push({ key, value, createRevision: 1, modRevision: 1, version: 1, lease: null })
    }
    for (let n = 0; n < 10_000; n++) {
      put(keys.partition(`id${n}`, 0), encodePartition(newPartition([1])))
      put(keys.topic(`topic-${n}`), encodeTopic({ id: `id${n}`, partitions: 1 }))
    }
    const image = imageOf(entries, 1)
    const key = keys.topic('topic-7')
    const entry: Entry = {
      key,
      value: encodeTopic({ id: 'id7', partitions: 1 }),
      createRevision: 1,
      modRevision: 2,
      version: 2,
      lease: null,
    }
    const next = applyRevisions(image, [{ revision: 2, events: [{ key, entry }] }])
    expect(next.topic('topic-8')).toBe(image.topic('topic-8'))
    expect(next.topic('topic-7')?.revision).toBe(2)
    expect([next.topicCount, next.partitionCount]).toEqual([10_000, 10_000])
  })
})

describe('keys and values', () => {
  it('come back as they were', () => {
    const numbers = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 5 })
    const value = fc.record<PartitionValue>({
      leader: fc.integer({ min: -1, max: 1000 }),
      leaderEpoch: fc.nat(),
      isr: numbers,
      elr: numbers,
      lastKnownElr: numbers,
      replicas: numbers,
      adding: numbers,
      removing: numbers,
      recoveryState: fc.constantFrom(0, 1),
    })
    fc.assert(
      fc.property(value, partition => {
        expect(decodePartition(encodePartition(partition))).toEqual(partition)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom('group', 'client-metrics', 'broker'), (name, type) => {
        expect(parseKey(keys.config(type, name))).toEqual({ kind: 'config', type, name })
      }),
    )
    expect(parseKey(keys.partition('id', 7))).toEqual({ kind: 'partition', topicId: 'id', partition: 7 })
    expect(parseKey('something/new')).toEqual({ kind: 'other' })
  })
})

describe('the persistent map', () => {
  it('does what a map does and leaves the older ones alone', () => {
    const change = fc.tuple(fc.string({ maxLength: 2 }), fc.option(fc.integer()))
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 10 }), { maxLength: 10 }), batches => {
        let map = PersistentMap.empty<number>()
        let model = new Map<string, number>()
        for (const batch of batches) {
          const [before, modelBefore] = [map, model]
          const draft = map.draft()
          model = new Map(model)
          for (const [key, value] of batch) {
            if (value === null) {
              draft.delete(key)
              model.delete(key)
            } else {
              draft.set(key, value)
              model.set(key, value)
            }
          }
          map = draft.done()
          expect([map.size, new Map([...map.keys()].map(key => [key, map.get(key)]))]).toEqual([model.size, model])
          expect(before.size).toBe(modelBefore.size)
          const differing = [...before.differences(map)].map(([key, old, now]) => [key, old, now])
          const all = new Set([...modelBefore.keys(), ...model.keys()])
          const expected = [...all].filter(key => modelBefore.get(key) !== model.get(key))
          expect(new Set(differing.map(([key]) => key))).toEqual(new Set(expected))
        }
      }),
    )
  })
})
