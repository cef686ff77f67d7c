// Who may do what is answered in bits, one for each operation (AclOperation). Without an authorizer everybody may do everything
// that can be done with a resource (org.apache.kafka.security.authorizer.AclEntry.supportedOperations).

const bits = (operations: readonly number[]): number => operations.reduce((sum, operation) => sum | (1 << operation), 0)

/** Read, write, create, delete, alter, describe, describe and alter settings. */
export const TOPIC_OPERATIONS = bits([3, 4, 5, 6, 7, 8, 10, 11])

/** Create, alter, describe, cluster action, describe and alter settings, idempotent write. */
export const CLUSTER_OPERATIONS = bits([5, 7, 8, 9, 10, 11, 12])

/** Read, delete, describe, describe and alter settings. */
export const GROUP_OPERATIONS = bits([3, 6, 8, 10, 11])

/** Nobody asked. */
export const NOT_ASKED = -2_147_483_648
