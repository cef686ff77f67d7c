// The admin client: every method of KafkaJS 2.2.4, and those of Kafka's Admin of today. This file only joins the parts, one for each kind of thing.
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSConnectionClosedError } from '../errors/index.ts'
import type { Listener } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import type { RetryOptions } from '../retry.ts'
import type { AclAdmin } from './acls.ts'
import { aclAdmin } from './acls.ts'
import type { AdminParts } from './calls.ts'
import { invalid } from './calls.ts'
import type { ClusterAdmin } from './cluster-facts.ts'
import { clusterAdmin } from './cluster-facts.ts'
import type { ConfigAdmin } from './configs.ts'
import { configAdmin } from './configs.ts'
import type { ConsumerGroupAdmin } from './consumer-groups.ts'
import { consumerGroupAdmin } from './consumer-groups.ts'
import type { CredentialAdmin } from './credentials.ts'
import { credentialAdmin } from './credentials.ts'
import type { AdminEventListeners, AdminEvents } from './events.ts'
import { adminEvents, innerEventName } from './events.ts'
import type { GroupOffsetAdmin } from './group-offsets.ts'
import { groupOffsetAdmin } from './group-offsets.ts'
import type { GroupAdmin } from './groups.ts'
import { groupAdmin } from './groups.ts'
import type { OffsetAdmin } from './offsets.ts'
import { offsetAdmin } from './offsets.ts'
import type { QuotaAdmin } from './quotas.ts'
import { quotaAdmin } from './quotas.ts'
import type { ReassignmentAdmin } from './reassignments.ts'
import { reassignmentAdmin } from './reassignments.ts'
import type { TokenAdmin } from './tokens.ts'
import { tokenAdmin } from './tokens.ts'
import type { TopicAdmin } from './topics.ts'
import { topicAdmin } from './topics.ts'
import type { TransactionAdmin } from './transactions.ts'
import { transactionAdmin } from './transactions.ts'

/** Settings of an admin. */
export interface AdminConfig {
  /** How calls are tried again, where it differs from the client's `retry`. */
  retry?: RetryOptions
}

/** What `createAdmin` takes beside a cluster. */
export interface AdminOptions extends AdminConfig {
  /** Whether asking for a topic may create it; its metadata alone never do so unless this is true. */
  allowAutoTopicCreation?: boolean
  /** The cluster's unless given. */
  logger?: Logger
}

/** An admin client. */
export interface Admin
  extends TopicAdmin,
    OffsetAdmin,
    GroupAdmin,
    ConsumerGroupAdmin,
    GroupOffsetAdmin,
    ConfigAdmin,
    AclAdmin,
    ReassignmentAdmin,
    TransactionAdmin,
    ClusterAdmin,
    QuotaAdmin,
    CredentialAdmin,
    TokenAdmin,
    AsyncDisposable {
  connect(): Promise<void>
  /** Closes connections; calls that wait reject with KafkaJSConnectionClosedError. */
  disconnect(): Promise<void>
  readonly events: AdminEvents
  /** Adds a listener; returns what removes it. */
  on<E extends keyof AdminEventListeners>(eventName: E, listener: AdminEventListeners[E]): () => void
  on(eventName: AdminEvents[keyof AdminEvents], listener: Listener<never>): () => void
  logger(): Logger
}

const eventNames: readonly string[] = Object.values(adminEvents)

/** Adds a listener to the events of the cluster that an admin tells as its own. */
function listen(cluster: Cluster, eventName: string, listener: Listener<never>): () => void {
  if (!eventNames.includes(eventName)) {
    const keys = Object.keys(adminEvents).map(key => `admin.events.${key}`)
    invalid(`Event name should be one of ${keys.join(', ')}`)
  }
  return cluster.events.on<never>(innerEventName(eventName), event => listener({ ...event, type: eventName }))
}

/** Makes an admin of a cluster, which must be this admin's own: it connects and disconnects it. */
export function createAdmin(cluster: Cluster, options: AdminOptions = {}): Admin {
  let ending = new AbortController()
  const logger = (options.logger ?? cluster.logger).namespace('Admin')
  const parts: AdminParts = {
    cluster,
    logger,
    retry: { ...cluster.retry, ...options.retry },
    allowAutoTopicCreation: options.allowAutoTopicCreation,
    signal: () => ending.signal,
  }
  const disconnect = async (): Promise<void> => {
    ending.abort(new KafkaJSConnectionClosedError('The admin client was disconnected'))
    ending = new AbortController()
    await cluster.disconnect()
    cluster.events.emit(adminEvents.DISCONNECT, null)
  }
  return {
    ...topicAdmin(parts),
    ...offsetAdmin(parts),
    ...groupAdmin(parts),
    ...consumerGroupAdmin(parts),
    ...groupOffsetAdmin(parts),
    ...configAdmin(parts),
    ...aclAdmin(parts),
    ...reassignmentAdmin(parts),
    ...transactionAdmin(parts),
    ...clusterAdmin(parts),
    ...quotaAdmin(parts),
    ...credentialAdmin(parts),
    ...tokenAdmin(parts),
    connect: async () => {
      await cluster.connect()
      cluster.events.emit(adminEvents.CONNECT, null)
    },
    disconnect,
    [Symbol.asyncDispose]: disconnect,
    events: adminEvents,
    on: (eventName: string, listener: Listener<never>) => listen(cluster, eventName, listener),
    logger: () => logger,
  }
}
