// ListGroups, versions 0 to 5: the groups of all partitions of __consumer_offsets that this broker leads, by state from version 4 on
// (KIP-518) and by type from version 5 on (KIP-848). While one of them loads, the whole answer is COORDINATOR_LOAD_IN_PROGRESS: clients
// ask again rather than miss groups.
import { ErrorCode, KafkaError, listGroupsApi, type ListGroupsResponseInit } from '@ottla/protocol'
import { normalizedState, normalizedType } from '@ottla/coordinator'
import type { Slices } from '../replica/slices.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { failureOf, type GroupParts } from './group-calls.ts'

type Listed = ListGroupsResponseInit['groups']

const NAMES_BETWEEN_LOOKS = 32

const refuse = (errorCode: number): ListGroupsResponseInit => ({ throttleTimeMs: 0, errorCode, groups: [] })

/** A partition that has just gone elsewhere has no groups here. */
async function listed(partition: Listed | Promise<Listed>): Promise<Listed> {
  try {
    return await partition
  } catch (error) {
    if (error instanceof KafkaError && error.code === ErrorCode.NOT_COORDINATOR) return []
    throw error
  }
}

/** Names of a filter, each once. */
async function wanted(slices: Slices, names: readonly string[], normalized: (name: string) => string): Promise<ReadonlySet<string>> {
  const distinct = new Set<string>()
  await slices.each(names, name => void distinct.add(normalized(name)), NAMES_BETWEEN_LOOKS)
  return distinct
}

/** Serves ListGroups. */
export function listGroups({ groups, slices, logger }: GroupParts): Handler<typeof listGroupsApi> {
  return handler({
    api: listGroupsApi,
    versions: [0, 5],
    async handle(request) {
      try {
        const states = await wanted(slices, request.statesFilter, normalizedState)
        const types = await wanted(slices, request.typesFilter, normalizedType)
        const found: Listed[number][] = []
        for (const partition of groups.eachLed(state => state.administration.list({ states, types }))) {
          for (const group of await listed(partition)) found.push(group)
          if (slices.isOver) await slices.pause()
        }
        return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups: found }
      } catch (error) {
        return refuse(failureOf(error, logger).code)
      }
    },
    onError: refuse,
  })
}
