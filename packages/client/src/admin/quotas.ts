// Client quotas (KIP-546): how many bytes a second, requests' share of time or changes a second users, client ids and addresses may use.
import { alterClientQuotasApi, describeClientQuotasApi } from '@ottla/protocol'
import { check } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { attempting, invalid } from './calls.ts'
import { isList, shown } from './checks.ts'

/** Who a quota is for: names by kind, such as `{ user: 'alice', 'client-id': null }`; null stands for the default of that kind. */
export type QuotaEntity = Record<string, string | null>

/** Quotas of an entity by their names: producer_byte_rate, consumer_byte_rate, request_percentage, controller_mutation_rate, connection_creation_rate. */
export interface ClientQuota {
  entity: QuotaEntity
  quotas: Record<string, number>
}

/** Which entities are meant: each kind with a name, null for its default, or `any` for every name. */
export type QuotaFilter = Record<string, { name: string | null } | 'any'>

/** Changes of the quotas of an entity; null removes one. */
export interface ClientQuotaChange {
  entity: QuotaEntity
  quotas: Record<string, number | null>
}

/** What an admin does with quotas. */
export interface QuotaAdmin {
  /** Of all entities unless a filter is given; `strict` leaves out those that have kinds which the filter does not name. */
  describeClientQuotas(options?: { filter?: QuotaFilter; strict?: boolean }): Promise<ClientQuota[]>
  alterClientQuotas(options: { changes: ClientQuotaChange[]; validateOnly?: boolean }): Promise<void>
}

const match = { exact: 0, default: 1, any: 2 } as const

const describeClientQuotas =
  (parts: AdminParts): QuotaAdmin['describeClientQuotas'] =>
  ({ filter = {}, strict = false } = {}) =>
    attempting(parts, 'Could not describe client quotas', async () => {
      const components = Object.entries(filter).map(([entityType, of]) => {
        if (of === 'any') return { entityType, matchType: match.any, match: null }
        return { entityType, matchType: of.name === null ? match.default : match.exact, match: of.name }
      })
      const { body } = await parts.cluster.request('any', describeClientQuotasApi, { components, strict })
      check(body.errorCode, body.errorMessage)
      return (body.entries ?? []).map(({ entity, values }) => ({
        entity: Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName])),
        quotas: Object.fromEntries(values.map(({ key, value }) => [key, value])),
      }))
    })

const alterClientQuotas =
  (parts: AdminParts): QuotaAdmin['alterClientQuotas'] =>
  async ({ changes, validateOnly = false }) => {
    if (!isList(changes)) invalid(`Invalid changes array ${shown(changes)}`)
    for (const { quotas } of changes)
      for (const [name, value] of Object.entries(quotas))
        if (value !== null && (typeof value !== 'number' || !Number.isFinite(value))) invalid(`Invalid quota ${name}: ${shown(value)}`)
    await attempting(parts, 'Could not alter client quotas', async () => {
      const { body } = await parts.cluster.request('controller', alterClientQuotasApi, {
        entries: changes.map(({ entity, quotas }) => ({
          entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
          ops: Object.entries(quotas).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
        })),
        validateOnly,
      })
      for (const { errorCode, errorMessage } of body.entries) check(errorCode, errorMessage)
    })
  }

/** Makes the part of an admin that deals with quotas. */
export const quotaAdmin = (parts: AdminParts): QuotaAdmin => ({
  describeClientQuotas: describeClientQuotas(parts),
  alterClientQuotas: alterClientQuotas(parts),
})
