// Access control lists. The numbers of kinds are Kafka's own, on the wire and in the API. As in KafkaJS the types do not say that messages of errors
// are null where there is none.
import { createAclsApi, deleteAclsApi, describeAclsApi } from '@ottla/protocol'
import { check } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { attempting, invalid } from './calls.ts'
import { checkKinds, isList, shown } from './checks.ts'

/** What access is controlled to. */
export const AclResourceTypes = {
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const
export type AclResourceTypes = number

/** Whether access is denied or allowed. */
export const AclPermissionTypes = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const
export type AclPermissionTypes = number

/** What may be done. */
export const AclOperationTypes = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const
export type AclOperationTypes = number

/** How a resource's name is compared. */
export const ResourcePatternTypes = { UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const
export type ResourcePatternTypes = number

/** Who may do what from where. */
export interface Acl {
  principal: string
  host: string
  operation: AclOperationTypes
  permissionType: AclPermissionTypes
}

/** What a list is of. */
export interface AclResource {
  resourceType: AclResourceTypes
  resourceName: string
  resourcePatternType: ResourcePatternTypes
}

/** One line of a list. */
export type AclEntry = Acl & AclResource

/** A resource and its list. */
export type DescribeAclResource = AclResource & { acls: Acl[] }

/** What describeAcls resolves with. */
export interface DescribeAclResponse {
  throttleTime: number
  errorCode: number
  errorMessage?: string
  resources: DescribeAclResource[]
}

/** Which lines are meant; what is left out matches all. */
export interface AclFilter {
  resourceType: AclResourceTypes
  resourceName?: string
  resourcePatternType: ResourcePatternTypes
  principal?: string
  host?: string
  operation: AclOperationTypes
  permissionType: AclPermissionTypes
}

/** A line that was deleted. */
export interface MatchingAcl extends AclEntry {
  errorCode: number
  errorMessage?: string
}

/** What one filter deleted. */
export interface DeleteAclFilterResponses {
  errorCode: number
  errorMessage?: string
  matchingAcls: MatchingAcl[]
}

/** What deleteAcls resolves with. */
export interface DeleteAclResponse {
  throttleTime: number
  filterResponses: DeleteAclFilterResponses[]
}

/** What an admin does with access control lists. */
export interface AclAdmin {
  createAcls(options: { acl: AclEntry[] }): Promise<boolean>
  describeAcls(options: AclFilter): Promise<DescribeAclResponse>
  deleteAcls(options: { filters: AclFilter[] }): Promise<DeleteAclResponse>
}

function checkAclKinds(lines: readonly (AclEntry | AclFilter)[]): void {
  checkKinds(lines, { what: 'operation type', kinds: AclOperationTypes, kindOf: of => of.operation })
  checkKinds(lines, { what: 'resource pattern type', kinds: ResourcePatternTypes, kindOf: of => of.resourcePatternType })
  checkKinds(lines, { what: 'permission type', kinds: AclPermissionTypes, kindOf: of => of.permissionType })
  checkKinds(lines, { what: 'resource type', kinds: AclResourceTypes, kindOf: of => of.resourceType })
}

function checkLines(acl: readonly AclEntry[]): void {
  if (!isList(acl)) invalid(`Invalid ACL array ${shown(acl)}`)
  if (acl.length === 0) invalid('Empty ACL array')
  const all = (valueOf: (line: AclEntry) => unknown) => acl.every(line => typeof valueOf(line) === 'string')
  if (!all(line => line.principal)) invalid('Invalid ACL array, the principals have to be a valid string')
  if (!all(line => line.host)) invalid('Invalid ACL array, the hosts have to be a valid string')
  if (!all(line => line.resourceName)) invalid('Invalid ACL array, the resourceNames have to be a valid string')
  checkAclKinds(acl)
}

const known = (kinds: object, kind: unknown): boolean => new Set<unknown>(Object.values(kinds)).has(kind)
const absentOrText = (value: unknown): boolean => value === undefined || typeof value === 'string'

function checkFilter(filter: AclFilter): void {
  const { principal, host, resourceName, operation, resourcePatternType, permissionType, resourceType } = filter
  if (!absentOrText(principal)) invalid('Invalid principal, the principal have to be a valid string')
  if (!absentOrText(host)) invalid('Invalid host, the host have to be a valid string')
  if (!absentOrText(resourceName)) invalid('Invalid resourceName, the resourceName have to be a valid string')
  if (!known(AclOperationTypes, operation)) invalid(`Invalid operation type ${shown(operation)}`)
  if (!known(ResourcePatternTypes, resourcePatternType)) invalid(`Invalid resource pattern filter type ${shown(resourcePatternType)}`)
  if (!known(AclPermissionTypes, permissionType)) invalid(`Invalid permission type ${shown(permissionType)}`)
  if (!known(AclResourceTypes, resourceType)) invalid(`Invalid resource type ${shown(resourceType)}`)
}

function checkFilters(filters: readonly AclFilter[]): void {
  if (!isList(filters)) invalid(`Invalid ACL Filter array ${shown(filters)}`)
  if (filters.length === 0) invalid('Empty ACL Filter array')
  const all = (valueOf: (filter: AclFilter) => unknown) => filters.every(filter => absentOrText(valueOf(filter)))
  if (!all(filter => filter.principal)) invalid('Invalid ACL Filter array, the principals have to be a valid string')
  if (!all(filter => filter.host)) invalid('Invalid ACL Filter array, the hosts have to be a valid string')
  if (!all(filter => filter.resourceName)) invalid('Invalid ACL Filter array, the resourceNames have to be a valid string')
  checkAclKinds(filters)
}

const createAcls =
  (parts: AdminParts): AclAdmin['createAcls'] =>
  async ({ acl }) => {
    checkLines(acl)
    return attempting(parts, 'Could not create ACL', async () => {
      const { body } = await parts.cluster.request('controller', createAclsApi, { creations: acl })
      for (const { errorCode, errorMessage } of body.results) check(errorCode, errorMessage)
      return true
    })
  }

const filterOf = (filter: AclFilter) => ({
  resourceTypeFilter: filter.resourceType,
  resourceNameFilter: filter.resourceName ?? null,
  patternTypeFilter: filter.resourcePatternType,
  principalFilter: filter.principal ?? null,
  hostFilter: filter.host ?? null,
  operation: filter.operation,
  permissionType: filter.permissionType,
})

const resourceFrom = (of: { resourceType: number; resourceName: string; patternType: number }): AclResource => ({
  resourceType: of.resourceType,
  resourceName: of.resourceName,
  resourcePatternType: of.patternType,
})

const aclFrom = (of: { principal: string; host: string; operation: number; permissionType: number }): Acl => ({
  principal: of.principal,
  host: of.host,
  operation: of.operation,
  permissionType: of.permissionType,
})

const describeAcls =
  (parts: AdminParts): AclAdmin['describeAcls'] =>
  async filter => {
    checkFilter(filter)
    return attempting(parts, 'Could not describe ACL', async () => {
      const { body } = await parts.cluster.request('controller', describeAclsApi, filterOf(filter))
      check(body.errorCode, body.errorMessage)
      const resources = body.resources.map(({ resourceType, resourceName, patternType, acls }) => ({
        ...resourceFrom({ resourceType, resourceName, patternType }),
        acls: acls.map(aclFrom),
      }))
      return { throttleTime: body.throttleTimeMs, errorCode: 0, resources }
    })
  }

const deleteAcls =
  (parts: AdminParts): AclAdmin['deleteAcls'] =>
  async ({ filters }) => {
    checkFilters(filters)
    return attempting(parts, 'Could not delete ACL', async () => {
      const { body } = await parts.cluster.request('controller', deleteAclsApi, { filters: filters.map(filterOf) })
      for (const { errorCode, errorMessage } of body.filterResults) check(errorCode, errorMessage)
      for (const { errorCode, errorMessage } of body.filterResults.flatMap(of => of.matchingAcls)) check(errorCode, errorMessage)
      const filterResponses = body.filterResults.map(({ errorCode, errorMessage, matchingAcls }) => ({
        errorCode,
        errorMessage: errorMessage!,
        matchingAcls: matchingAcls.map(acl => ({
          errorCode: acl.errorCode,
          errorMessage: acl.errorMessage!,
          ...resourceFrom(acl),
          ...aclFrom(acl),
        })),
      }))
      return { throttleTime: body.throttleTimeMs, filterResponses }
    })
  }

/** Makes the part of an admin that deals with access control lists. */
export const aclAdmin = (parts: AdminParts): AclAdmin => ({
  createAcls: createAcls(parts),
  describeAcls: describeAcls(parts),
  deleteAcls: deleteAcls(parts),
})
