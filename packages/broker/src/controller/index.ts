export { AutomaticTopics, newTopic } from './automatic-topics.ts'
export { type ConfigAlteration, Configs, type ConfigsParts } from './configs.ts'
export { type ConfigChange, ConfigOperation } from './config-operations.ts'
export { establishCluster, type NewCluster } from './cluster.ts'
export { Controller, type ControllerOptions, letIn } from './controller.ts'
export { minInsyncReplicas } from './min-insync-replicas.ts'
export { ProducerIds } from './producer-ids.ts'
export { BrokerIdInUse, BrokerRegistration, type RegistrationOptions } from './registration.ts'
export type { Settings } from './settings.ts'
export { asKafkaError, commitOrThrow } from './store-failures.ts'
export { isInternalTopic, topicNameProblem } from './topic-names.ts'
export { PacedStore } from './paced-store.ts'
export {
  type CreatedTopic,
  MAX_PARTITIONS_PER_REQUEST,
  type NewTopic,
  partitionRoom,
  repeated,
  Topics,
  type TopicsParts,
} from './topics.ts'
